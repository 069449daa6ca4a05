package contract

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/exact"
)

// Nearly every number is written plainly, without an exponent, and all that is asked of those can be answered by their digits.
// The others go through package exact.

// maxDigits bounds a number's digits once its exponent is written out.
const maxDigits = exact.MaxDigits

// plain is a JSON number without an exponent: [-]whole[.fraction].
type plain struct {
	text            string
	negative        bool
	whole, fraction string
}

// parsePlain is false for what is no JSON number and for one with an exponent.
func parsePlain(text string) (plain, bool) {
	p := plain{text: text}
	p.whole, p.negative = strings.CutPrefix(text, "-")
	n := digits(p.whole)
	if n == 0 || n > 1 && p.whole[0] == '0' {
		return p, false
	}
	if n < len(p.whole) {
		if p.fraction = p.whole[n+1:]; p.whole[n] != '.' || p.fraction == "" || digits(p.fraction) < len(p.fraction) {
			return p, false
		}
		p.whole = p.whole[:n]
	}
	return p, true
}

// places returns how many decimal places count.
func (p plain) places() int { return len(strings.TrimRight(p.fraction, "0")) }

func (p plain) isZero() bool { return p.whole == "0" && p.places() == 0 }

// fits reports whether the number has no more digits than maxDigits allows.
func (p plain) fits() bool {
	significant := len(p.whole) + len(p.fraction)
	if p.whole == "0" {
		significant = len(strings.TrimLeft(p.fraction, "0"))
	}
	return significant <= maxDigits && len(p.fraction) <= maxDigits
}

// compare compares by value: -1, 0 or 1.
func (p plain) compare(q plain) int {
	if p.negative != q.negative {
		switch {
		case p.isZero() && q.isZero():
			return 0
		case p.negative:
			return -1
		}
		return 1
	}
	if p.negative {
		p, q = q, p
	}
	if longer := cmp.Compare(len(p.whole), len(q.whole)); longer != 0 {
		return longer
	}
	return cmp.Or(strings.Compare(p.whole, q.whole), strings.Compare(p.fraction[:p.places()], q.fraction[:q.places()]))
}

// against compares with a number in any form.
func (p plain) against(bound string) int {
	if q, ok := parsePlain(bound); ok {
		return p.compare(q)
	}
	return compareNumbers(p.text, bound)
}

// plainNumber returns a JSON number as plain decimal text: without an exponent and with no sign on a zero, every other
// digit as it came. It is false for what is no JSON number and for one of more than 64 digits.
func plainNumber[T ~string | ~[]byte](literal T) (string, bool) {
	p, ok := readNumber(string(literal))
	return p.text, ok
}

// readNumber is plainNumber with the digits taken apart.
func readNumber(text string) (plain, bool) {
	if p, ok := parsePlain(text); ok {
		if p.negative && p.isZero() {
			p.text, p.negative = p.text[1:], false
		}
		return p, p.fits()
	}
	if v := jsontext.Value(text); v.Kind() != '0' || !v.IsValid() || strings.TrimSpace(text) != text {
		return plain{}, false
	}
	if _, ok := exact.Parse(text); !ok {
		return plain{}, false
	}
	return parsePlain(canonicalNumber(text))
}

// compareNumbers compares two numbers by value: -1, 0 or 1.
func compareNumbers(a, b string) int {
	p, okP := parsePlain(a)
	q, okQ := parsePlain(b)
	if okP && okQ {
		return p.compare(q)
	}
	x, _ := exact.Parse(a)
	y, _ := exact.Parse(b)
	return x.Cmp(y)
}

// canonicalNumber returns the one text that all equal numbers share: 1.50 and 1.5 give "1.5".
func canonicalNumber(text string) string {
	if p, ok := parsePlain(text); ok {
		switch count := p.places(); {
		case p.isZero():
			return "0"
		case count == 0:
			whole, _, _ := strings.Cut(text, ".")
			return whole
		default:
			return text[:len(text)-len(p.fraction)+count]
		}
	}
	d, _ := exact.Parse(text)
	return d.String()
}

// digits returns how many ASCII digits s begins with.
func digits[T ~string | ~[]byte](s T) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}
