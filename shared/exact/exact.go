// Package exact reads and writes decimal numbers with package decimal, bounded: that one has no bounds of its own, and writing
// 1e999999999 out would fill the memory.
package exact

import (
	"strings"

	"github.com/shopspring/decimal"
)

// MaxDigits is the most digits that a number may have before the point, and behind it.
const MaxDigits = 64

// Parse reads a number, with an exponent or without. It is false for what is no number, and for one of more than [MaxDigits].
func Parse(text string) (decimal.Decimal, bool) {
	d, err := decimal.NewFromString(text)
	switch {
	case err != nil || strings.Contains(text, ".-") || strings.Contains(text, ".+"): // decimal v1.4.0 reads .-5
		return decimal.Decimal{}, false
	case d.IsZero() && d.Exponent() > 0: // 0e999999999, whose zeros the library would write out
		return decimal.Decimal{}, true
	}
	return d, Within(d, MaxDigits)
}

// Within reports whether a number has at most that many digits before the point, and behind it.
func Within(d decimal.Decimal, most int) bool {
	if int(d.Exponent()) < -most {
		return false
	}
	n := d.Coefficient()
	digits := len(n.Abs(n).String()) // Decimal.NumDigits (v1.4.0) says 15 for 1e15's 16
	return digits+int(max(d.Exponent(), 0)) <= most
}

// Text returns a number without an exponent, zeros at its end as they are.
func Text(d decimal.Decimal) string { return d.StringFixed(max(-d.Exponent(), 0)) }
