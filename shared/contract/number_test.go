package contract

import (
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosswalk/shared/exact"
)

func TestPlainNumber(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "-0.0": "0.0", "12450.5": "12450.5", "12450.50": "12450.50", "-318.07": "-318.07",
		"9007199254740993.21": "9007199254740993.21", "1e3": "1000", "1.25E+3": "1250", "-1.5e1": "-15", "125e-2": "1.25", "1e-3": "0.001",
		"12.5e-3": "0.0125", "0e9": "0", "-0e1": "0", "1.50e0": "1.5", "100e-2": "1",
		"0e999999999": "0", "-0.0e999999999": "0", "1e999999999": "", "1e-999999999": "", "999999999999999e49": "999999999999999" + strings.Repeat("0", 49), "999999999999999e50": "",
		"": "", "-": "", "01": "", "1.": "", ".5": "", "+1": "", "1e": "", "1e+": "", "0x10": "", "1_000": "", " 1": "", "1 ": "", "NaN": "", "1,5": "",
		"1e64": "", "1e-65": "", "1e99999999999999999999": "",
	} {
		got, ok := plainNumber([]byte(in))
		if got != want || ok != (want != "") {
			t.Errorf("plainNumber(%q) = %q, %t; want %q", in, got, ok, want)
		}
	}
}

func TestCompareNumbers(t *testing.T) {
	ordered := []string{"-922337203685477.0001", "-922337203685477", "-10", "-2", "-1.50", "-1.05", "0", "0.001", "1.05", "1.5", "2", "10", "9007199254740992", "9007199254740993", "9007199254740993.21"}
	for i, a := range ordered {
		for j, b := range ordered {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := compareNumbers(a, b); got != want {
				t.Errorf("compareNumbers(%s, %s) = %d, want %d", a, b, got, want)
			}
		}
	}
	for _, equal := range [][2]string{{"1.50", "1.5"}, {"0", "-0.00"}, {"1", "1.000"}, {"-2.10", "-2.1"}} {
		if compareNumbers(equal[0], equal[1]) != 0 || canonicalNumber(equal[0]) != canonicalNumber(equal[1]) {
			t.Errorf("%s and %s differ", equal[0], equal[1])
		}
	}
}

// fraction is a number's value, by math/big.
func fraction(t *rapid.T, text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%s is no number", text)
	}
	return r
}

func power(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// rounded rounds by the definition of each mode.
func rounded(r *big.Rat, places int, mode roundingMode) string {
	scaled := new(big.Rat).Mul(r, new(big.Rat).SetInt(power(places)))
	whole, rest := new(big.Int).QuoRem(new(big.Int).Abs(scaled.Num()), scaled.Denom(), new(big.Int))
	middle := rest.Lsh(rest, 1).Cmp(scaled.Denom())
	if mode == up && rest.Sign() > 0 || mode == halfUp && middle >= 0 || mode == halfEven && (middle > 0 || middle == 0 && whole.Bit(0) == 1) {
		whole.Add(whole, big.NewInt(1))
	}
	if r.Sign() < 0 {
		whole.Neg(whole)
	}
	return new(big.Rat).SetFrac(whole, power(places)).FloatString(places)
}

// What is answered by a number's digits is what its value answers.
func TestPlainNumbersAreExact(t *testing.T) {
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,5}|[1-9][0-9]{60,66})(\.([0-9]{1,5}|0{1,5}|0{60,66}|0{60,66}1|[0-9]{60,66}))?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b = a + rapid.SampledFrom([]string{"", "0", "1", ".0", ".10"}).Draw(t, "more")
		}
		x := fraction(t, a)
		_, behind, _ := strings.Cut(a, ".")
		significant := strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(a), "0")
		text, ok := plainNumber(a)
		if want := len(behind) <= maxDigits && len(significant) <= maxDigits; ok != want {
			t.Fatalf("plainNumber(%s) is %t", a, ok)
		}
		if d, okD := exact.Parse(a); okD != ok || ok && exact.Text(d) != text {
			t.Fatalf("exact.Parse(%s) is %s, %t", a, d, okD)
		}
		if !ok {
			return
		}
		if text != a && (x.Sign() != 0 || "-"+text != a) || strings.HasPrefix(text, "-") != (x.Sign() < 0) {
			t.Fatalf("plainNumber(%s) = %s", a, text)
		}
		if got := canonicalNumber(a); fraction(t, got).Cmp(x) != 0 || strings.Contains(got, ".") && strings.HasSuffix(got, "0") || strings.HasSuffix(got, ".") || got == "-0" {
			t.Fatalf("canonicalNumber(%s) = %s", a, got)
		}
		if p, _ := readNumber(a); p.places() != len(strings.TrimRight(behind, "0")) {
			t.Fatalf("readNumber(%s) counts %d places", a, p.places())
		}
		if _, isNumber := plainNumber(b); isNumber {
			if got := compareNumbers(a, b); got != x.Cmp(fraction(t, b)) {
				t.Fatalf("compareNumbers(%s, %s) = %d", a, b, got)
			}
		}
	})
}

// Numbers with an exponent have the value and the bounds that they have without it.
func TestNumbersWithAnExponentAreExact(t *testing.T) {
	number := rapid.StringMatching(`-?(0|9{1,16}|10{0,15}|[1-9][0-9]{0,20})(\.[0-9]{1,3})?`)
	rapid.Check(t, func(t *rapid.T) {
		mantissa, exponent := number.Draw(t, "mantissa"), rapid.IntRange(-70, 70).Draw(t, "exponent")
		text := mantissa + "e" + strconv.Itoa(exponent)
		value := fraction(t, text)
		_, behind, _ := strings.Cut(mantissa, ".")
		digits := strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(mantissa), "0")
		fits := len(behind)-exponent <= maxDigits && (digits == "" || len(digits)+max(exponent-len(behind), 0) <= maxDigits)
		got, ok := plainNumber(text)
		if ok != fits || ok && (fraction(t, got).Cmp(value) != 0 || strings.ContainsAny(got, "eE")) {
			t.Fatalf("plainNumber(%s) = %s, %t", text, got, ok)
		}
		if ok && compareNumbers(text, mantissa) != value.Cmp(fraction(t, mantissa)) {
			t.Fatalf("%s compared with %s is %d", text, mantissa, compareNumbers(text, mantissa))
		}
	})
}

// Multiplying, dividing and rounding give what fractions give, rounded once.
func TestReckoningIsExact(t *testing.T) {
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?`)
	factors := rapid.StringMatching(`-?([1-9][0-9]{0,8}(\.[0-9]{1,9})?|0\.[0-9]{0,8}[1-9]|[248]|3|7|0\.5)`)
	rapid.Check(t, func(t *rapid.T) {
		text, times, per := number.Draw(t, "number"), factors.Draw(t, "times"), factors.Draw(t, "per")
		by := func(text string) factor {
			d, ok := exact.Parse(text)
			if !ok {
				t.Fatal(text)
			}
			return factor{number: d}
		}
		want := fraction(t, text)
		want.Mul(want, fraction(t, times)).Quo(want, fraction(t, per))
		s := &scaling{times: by(times), per: by(per)}
		places, exact := want.FloatPrec()
		got, failed := (*Plan)(nil).reckon(nil, text, s, nil)
		switch {
		case !exact && (failed == nil || failed.reason != "bad-value"):
			t.Fatalf("%s * %s / %s has no end and is %s", text, times, per, got)
		case exact && places <= maxDigits/2 && (failed != nil || got != want.FloatString(places)):
			t.Fatalf("%s * %s / %s = %s, want %s", text, times, per, got, want.FloatString(places))
		case failed == nil && fraction(t, got).Cmp(want) != 0:
			t.Fatalf("%s * %s / %s = %s", text, times, per, got)
		}
		r := &rounding{places: rapid.IntRange(0, 6).Draw(t, "places"), mode: rapid.SampledFrom([]roundingMode{halfEven, halfUp, down, up}).Draw(t, "mode")}
		rightly := rounded(want, r.places, r.mode)
		if exact && places <= r.places {
			rightly = want.FloatString(places)
		}
		if got, failed = (*Plan)(nil).reckon(nil, text, s, r); failed != nil || got != rightly {
			t.Fatalf("%s * %s / %s, %d places %s = %s, want %s", text, times, per, r.places, r.mode, got, rightly)
		}
	})
}

func TestABoundMayHaveAnExponent(t *testing.T) {
	for _, c := range []struct {
		text, bound string
		want        int
	}{{"1000", "1e3", 0}, {"1", "0e999999999", 1}, {"-1000.01", "-1E+3", -1}, {"0.02", "1e-2", 1}} {
		p, ok := parsePlain(c.text)
		if got := p.against(c.bound); !ok || got != c.want {
			t.Errorf("%s against %s is %d, want %d", c.text, c.bound, got, c.want)
		}
	}
}

func TestParseMoment(t *testing.T) {
	at := func(s string) time.Time {
		m, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for in, want := range map[string]string{
		"/Date(0)/":                         "1970-01-01T00:00:00Z",
		"/Date(-2208988800000)/":            "1900-01-01T00:00:00Z",
		"/Date(1782924731000-0700)/":        "2026-07-01T16:52:11Z",
		"/Date(-2776982400000+0100)/":       "1882-01-01T00:00:00Z",
		"2026-07-01T16:53:19.0000001Z":      "2026-07-01T16:53:19.0000001Z",
		"2026-07-01T16:53:19+05:30":         "2026-07-01T11:23:19Z",
		"2007-12-05T14:30Z":                 "2007-12-05T14:30:00Z",
		"2024-02-29":                        "2024-02-29T00:00:00Z",
		"":                                  "",
		"/Date()/":                          "",
		"/Date(1.5)/":                       "",
		"/Date(1)":                          "",
		"/Date(--1)/":                       "",
		"/Date(1+07)/":                      "",
		"/Date(9999999999999999)/":          "",
		"/Date(99999999999999999999)/":      "",
		"2026-02-29":                        "",
		"2026-13-01T00:00:00Z":              "",
		"2026-07-01T16:53:19":               "",
		"2026-07-01 16:53:19Z":              "",
		"2026-07-01T16:53:19,5Z":            "",
		"01.07.2026":                        "",
		"2026-07-01T16:53:19.0000000Z junk": "",
	} {
		got, _, ok := parseMoment(in)
		if ok != (want != "") || ok && !got.Equal(at(want)) {
			t.Errorf("parseMoment(%q) = %s, %t; want %q", in, got, ok, want)
		}
	}
}

func TestUnsetDate(t *testing.T) {
	for _, tt := range []struct {
		text           string
		day, anInstant bool
	}{
		{"1900-01-01T00:00:00Z", true, true},
		{"/Date(-2208988800000)/", true, true},
		{"1900-01-01T12:00:00Z", true, false},
		{"1900-01-02T00:00:00Z", false, false},
		{"1899-12-31T00:00:00Z", false, false},
	} {
		m, _, ok := parseMoment(tt.text)
		if !ok || isUnsetDate(m, true) != tt.day || isUnsetDate(m, false) != tt.anInstant {
			t.Errorf("%s: day %t, instant %t", tt.text, isUnsetDate(m, true), isUnsetDate(m, false))
		}
	}
}

// Taking zeros off the end is what rounding would do.
func TestRoundingWithoutZerosIsExact(t *testing.T) {
	for text, want := range map[string]string{"5.00": "5", "-5.0": "-5", "0.0": "0", "7": "7"} {
		if got, ok := withoutZeros(text, 0); got != want || !ok {
			t.Errorf("withoutZeros(%s, 0) = %s, want %s", text, got, want)
		}
	}
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,17})(\.[0-9]{0,3}(00?0?|5)[05]?0{0,4})?`)
	rapid.Check(t, func(t *rapid.T) {
		text, ok := plainNumber(number.Draw(t, "number"))
		if !ok {
			return // ends with the point
		}
		places := rapid.IntRange(0, 6).Draw(t, "places")
		short, ok := withoutZeros(text, places)
		whole, behind, _ := strings.Cut(text, ".")
		if want := len(strings.TrimRight(behind, "0")) <= places; ok != want {
			t.Fatalf("withoutZeros(%s, %d) is %t", text, places, ok)
		}
		want := text
		if len(behind) > places {
			want = strings.TrimSuffix(whole+"."+behind[:places], ".")
		}
		if ok && short != want {
			t.Fatalf("withoutZeros(%s, %d) = %s, want %s", text, places, short, want)
		}
	})
}

// Rounding by the digits gives what the definitions of the modes give.
func TestRoundingByDigitsIsExact(t *testing.T) {
	number := rapid.StringMatching(`-?(0|9{1,17}|[1-9][0-9]{0,18})\.[0-9]{0,3}(5|50|49|51|9{1,4}|0{0,3}1)`)
	rapid.Check(t, func(t *rapid.T) {
		text := number.Draw(t, "number")
		places := rapid.IntRange(0, 6).Draw(t, "places")
		for _, mode := range []roundingMode{halfEven, halfUp, down, up} {
			got, ok := (&rounding{places: places, mode: mode}).byDigits(text)
			if !ok {
				if p, _ := parsePlain(text); len(p.whole)+places <= maxWordDigits && len(p.fraction) > places {
					t.Fatalf("%s %s to %d places isn't rounded", mode, text, places)
				}
				continue
			}
			if want := rounded(fraction(t, text), places, mode); got != want {
				t.Fatalf("%s %s to %d places is %s, want %s", mode, text, places, got, want)
			}
			d, _ := exact.Parse(text)
			if want, _ := plainNumber(exact.Text((&rounding{places: places, mode: mode}).round(d))); got != want {
				t.Fatalf("%s %s to %d places by the library is %s, want %s", mode, text, places, want, got)
			}
		}
	})
}
