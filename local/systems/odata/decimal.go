package odata

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"
)

// maxDigits bounds a number's length in either form, so that 1E999999999 can't fill the memory.
const maxDigits = 100

// ReadNumber reads a JSON number exactly. It returns the number, its plain form (no exponent, the digits it was written with),
// and whether v is a number of sane size.
func ReadNumber(v jsontext.Value) (decimal.Decimal, string, bool) {
	if v.Kind() != '0' || len(v) > maxDigits {
		return decimal.Decimal{}, "", false
	}
	return Decimal(string(v))
}

// Decimal reads a decimal number from text like [ReadNumber] does.
func Decimal(text string) (decimal.Decimal, string, bool) {
	d, err := decimal.NewFromString(text)
	if err != nil || d.Exponent() > maxDigits || d.Exponent() < -maxDigits {
		return decimal.Decimal{}, "", false
	}
	plain := text
	if strings.ContainsAny(plain, "eE") {
		plain = d.StringFixed(max(-d.Exponent(), 0))
	}
	if d.IsZero() {
		plain = strings.TrimPrefix(plain, "-")
	}
	return d, plain, true
}

// Places returns how many digits after the decimal point a number needs; trailing zeros don't count.
func Places(d decimal.Decimal) int {
	_, behind, _ := strings.Cut(d.String(), ".")
	return len(behind)
}
