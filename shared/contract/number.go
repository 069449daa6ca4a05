package contract

import (
	"bytes"
	"strconv"
	"strings"
)

// maxDigits bounds a number's digits once its exponent is written out, so that 1e999999999 can't fill the memory.
const maxDigits = 64

// plainNumber returns a JSON number as plain decimal text: without an exponent and with no sign on a zero, every other
// digit as it came. It is false for what is no JSON number and for one of more than 64 digits.
func plainNumber(literal []byte) (string, bool) {
	whole, fraction, exponent, negative, ok := splitNumber(literal)
	if !ok || len(whole)+len(fraction) > maxDigits {
		return "", false
	}
	zero := len(bytes.Trim(whole, "0")) == 0 && len(bytes.Trim(fraction, "0")) == 0
	if exponent == "" {
		if negative && zero {
			return string(literal[1:]), true
		}
		return string(literal), true
	}
	if zero {
		return "0", true
	}
	shift, err := strconv.Atoi(exponent)
	if err != nil || shift > maxDigits || shift < -maxDigits {
		return "", false
	}
	return shifted(string(whole), string(fraction), shift, negative)
}

// shifted writes whole.fraction × 10^shift as plain text.
func shifted(whole, fraction string, shift int, negative bool) (string, bool) {
	if shift >= 0 {
		if len(fraction) < shift {
			fraction += strings.Repeat("0", shift-len(fraction))
		}
		whole, fraction = whole+fraction[:shift], fraction[shift:]
	} else {
		if len(whole) < -shift {
			whole = strings.Repeat("0", -shift-len(whole)) + whole
		}
		cut := len(whole) + shift
		whole, fraction = whole[:cut], whole[cut:]+fraction
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	fraction = strings.TrimRight(fraction, "0")
	if len(whole)+len(fraction) > maxDigits {
		return "", false
	}
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	b.WriteString(whole)
	if fraction != "" {
		b.WriteByte('.')
		b.WriteString(fraction)
	}
	return b.String(), true
}

// splitNumber takes a JSON number apart by RFC 8259's grammar.
func splitNumber(n []byte) (whole, fraction []byte, exponent string, negative, ok bool) {
	if len(n) > 0 && n[0] == '-' {
		negative, n = true, n[1:]
	}
	i := digits(n)
	if i == 0 || i > 1 && n[0] == '0' {
		return nil, nil, "", false, false
	}
	whole, n = n[:i], n[i:]
	if len(n) > 0 && n[0] == '.' {
		i := digits(n[1:])
		if i == 0 {
			return nil, nil, "", false, false
		}
		fraction, n = n[1:1+i], n[1+i:]
	}
	if len(n) > 0 && (n[0] == 'e' || n[0] == 'E') {
		n = n[1:]
		sign := 0
		if len(n) > 0 && (n[0] == '+' || n[0] == '-') {
			sign = 1
		}
		i := digits(n[sign:])
		if i == 0 || sign+i != len(n) {
			return nil, nil, "", false, false
		}
		return whole, fraction, string(n), negative, true
	}
	return whole, fraction, "", negative, len(n) == 0
}

func digits(b []byte) int {
	for i, c := range b {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(b)
}

// compareNumbers compares two plain decimal texts by value: -1, 0 or 1.
func compareNumbers(a, b string) int {
	an, aw, af := parts(a)
	bn, bw, bf := parts(b)
	switch {
	case an && !bn:
		return -1
	case bn && !an:
		return 1
	case an:
		return -compareParts(aw, af, bw, bf)
	}
	return compareParts(aw, af, bw, bf)
}

// parts splits a plain decimal text; zeros that don't count are gone, and zero is never negative.
func parts(s string) (negative bool, whole, fraction string) {
	if strings.HasPrefix(s, "-") {
		negative, s = true, s[1:]
	}
	whole, fraction, _ = strings.Cut(s, ".")
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	return negative && (whole != "" || fraction != ""), whole, fraction
}

func compareParts(aw, af, bw, bf string) int {
	switch {
	case len(aw) < len(bw):
		return -1
	case len(aw) > len(bw):
		return 1
	case aw != bw:
		return strings.Compare(aw, bw)
	}
	return strings.Compare(af, bf) // digits after the point compare like text
}

// canonicalNumber returns the one text that all equal numbers share: 1.50 and 1.5 give "1.5".
func canonicalNumber(plain string) string {
	negative, whole, fraction := parts(plain)
	if whole == "" {
		whole = "0"
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative {
		return "-" + whole
	}
	return whole
}

// places returns how many decimal places of a plain decimal text count.
func places(plain string) int {
	_, _, fraction := parts(plain)
	return len(fraction)
}
