package contract

import (
	"strings"

	"github.com/cockroachdb/apd/v3"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDigits bounds a number's digits once its exponent is written out, so that 1e999999999 can't fill the memory.
const maxDigits = 64

// plainNumber returns a JSON number as plain decimal text: without an exponent and with no sign on a zero, every other
// digit as it came. It is false for what is no JSON number and for one of more than 64 digits.
func plainNumber(literal []byte) (string, bool) {
	if v := jsontext.Value(literal); v.Kind() != '0' || !v.IsValid() || strings.TrimSpace(string(v)) != string(v) {
		return "", false
	}
	text := string(literal)
	d, ok := decimal(text)
	switch {
	case !ok:
		return "", false
	case !strings.ContainsAny(text, "eE"):
		if d.IsZero() {
			text = strings.TrimPrefix(text, "-")
		}
		return text, true
	}
	return canonicalNumber(text), true
}

// decimal reads a number exactly; it is false for one of more than 64 digits before or behind the point.
func decimal(text string) (*apd.Decimal, bool) {
	d, _, err := apd.NewFromString(text)
	if err != nil || d.Form != apd.Finite || d.Exponent < -maxDigits {
		return nil, false
	}
	if d.IsZero() {
		return d, true
	}
	return d, d.NumDigits()+int64(max(d.Exponent, 0)) <= maxDigits
}

// compareNumbers compares two plain decimal texts by value: -1, 0 or 1.
func compareNumbers(a, b string) int {
	x, _ := decimal(a)
	y, _ := decimal(b)
	return x.Cmp(y)
}

// canonicalNumber returns the one text that all equal numbers share: 1.50 and 1.5 give "1.5".
func canonicalNumber(plain string) string {
	d, _ := decimal(plain)
	if d.IsZero() {
		return "0"
	}
	d.Reduce(d)
	return d.Text('f')
}

// places returns how many decimal places of a plain decimal text count.
func places(plain string) int {
	d, _ := decimal(plain)
	d.Reduce(d)
	return int(max(-d.Exponent, 0))
}

// digits returns how many ASCII digits b begins with.
func digits(b []byte) int {
	for i, c := range b {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(b)
}
