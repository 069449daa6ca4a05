package odata

import (
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDigits bounds a number's length in either form, so that 1E999999999 can't fill the memory.
const maxDigits = 100

// ReadNumber reads a JSON number exactly. It returns the number, its plain form (no exponent, the digits it was written with),
// and whether v is a number of sane size.
func ReadNumber(v jsontext.Value) (*apd.Decimal, string, bool) {
	if v.Kind() != '0' || len(v) > maxDigits {
		return nil, "", false
	}
	return Decimal(string(v))
}

// Decimal reads a decimal number from text like [ReadNumber] does.
func Decimal(text string) (*apd.Decimal, string, bool) {
	d, _, err := apd.NewFromString(text)
	if err != nil || d.Form != apd.Finite || d.Exponent > maxDigits || d.Exponent < -maxDigits {
		return nil, "", false
	}
	plain := text
	if strings.ContainsAny(plain, "eE") {
		plain = d.Text('f')
	}
	if d.IsZero() {
		plain = strings.TrimPrefix(plain, "-")
	}
	return d, plain, true
}

// Places returns how many digits after the decimal point a number needs; trailing zeros don't count.
func Places(d *apd.Decimal) int {
	var r apd.Decimal
	r.Reduce(d)
	if r.Exponent >= 0 {
		return 0
	}
	return int(-r.Exponent)
}
