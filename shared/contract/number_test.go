package contract

import (
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/apd/v3"
	"pgregory.net/rapid"
)

func TestPlainNumber(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "-0.0": "0.0", "12450.5": "12450.5", "12450.50": "12450.50", "-318.07": "-318.07",
		"9007199254740993.21": "9007199254740993.21", "1e3": "1000", "1.25E+3": "1250", "-1.5e1": "-15", "125e-2": "1.25", "1e-3": "0.001",
		"12.5e-3": "0.0125", "0e9": "0", "-0e1": "0", "1.50e0": "1.5", "100e-2": "1",
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

// What is answered by a number's digits is what apd answers.
func TestPlainNumbersAreExact(t *testing.T) {
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,5}|[1-9][0-9]{60,66})(\.([0-9]{1,5}|0{1,5}|0{60,66}|0{60,66}1|[0-9]{60,66}))?`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b = a + rapid.SampledFrom([]string{"", "0", "1", ".0", ".10"}).Draw(t, "more")
		}
		x, okX := decimal(a)
		text, ok := plainNumber(a)
		if ok != okX {
			t.Fatalf("plainNumber(%s) is %t, apd says %t", a, ok, okX)
		}
		if !ok {
			return
		}
		if back, _ := decimal(text); back.CmpTotal(new(apd.Decimal).Abs(x)) != 0 && back.CmpTotal(x) != 0 || text != a && !x.IsZero() || strings.HasPrefix(text, "-") != (x.Sign() < 0) {
			t.Fatalf("plainNumber(%s) = %s", a, text)
		}
		reduced, _ := new(apd.Decimal).Reduce(x)
		want := reduced.Text('f')
		if x.IsZero() {
			want = "0"
		}
		if got := canonicalNumber(a); got != want {
			t.Fatalf("canonicalNumber(%s) = %s, want %s", a, got, want)
		}
		if got := places(a); got != int(max(-reduced.Exponent, 0)) {
			t.Fatalf("places(%s) = %d", a, got)
		}
		if y, okY := decimal(b); okY {
			if _, isNumber := plainNumber(b); isNumber && compareNumbers(a, b) != x.Cmp(y) {
				t.Fatalf("compareNumbers(%s, %s) = %d", a, b, compareNumbers(a, b))
			}
		}
	})
}

func TestABoundMayHaveAnExponent(t *testing.T) {
	for _, c := range []struct {
		text, bound string
		want        int
	}{{"1000", "1e3", 0}, {"-1000.01", "-1E+3", -1}, {"0.02", "1e-2", 1}} {
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
		d, _ := decimal(text)
		var rounded apd.Decimal
		if _, err := exactly.Quantize(&rounded, d, -int32(places)); err != nil {
			t.Fatal(err)
		}
		if ok != (rounded.Cmp(d) == 0) {
			t.Fatalf("withoutZeros(%s, %d) is %t", text, places, ok)
		}
		if want := rounded.Text('f'); ok && -d.Exponent >= int32(places) && short != want || ok && -d.Exponent < int32(places) && short != text {
			t.Fatalf("withoutZeros(%s, %d) = %s, want %s", text, places, short, want)
		}
	})
}

// Rounding by the digits gives what apd gives.
func TestRoundingByDigitsIsExact(t *testing.T) {
	number := rapid.StringMatching(`-?(0|9{1,17}|[1-9][0-9]{0,18})\.[0-9]{0,3}(5|50|49|51|9{1,4}|0{0,3}1)`)
	rapid.Check(t, func(t *rapid.T) {
		text := number.Draw(t, "number")
		places := rapid.IntRange(0, 6).Draw(t, "places")
		for name, mode := range roundings {
			got, ok := (&rounding{places: places, mode: mode}).byDigits(text)
			if !ok {
				if p, _ := parsePlain(text); len(p.whole)+places <= maxWordDigits && len(p.fraction) > places {
					t.Fatalf("%s %s to %d places isn't rounded", name, text, places)
				}
				continue
			}
			d, _ := decimal(text)
			if err := (&rounding{places: places, mode: mode}).quantize(d); err != nil {
				t.Fatal(err)
			}
			if want, _ := plainNumber(d.Text('f')); got != want {
				t.Fatalf("%s %s to %d places is %s, want %s", name, text, places, got, want)
			}
		}
	})
}
