package exact_test

import (
	"strings"
	"testing"

	"crosswalk/shared/exact"
)

func TestNumbersAreReadWithinBoundsAndWrittenOut(t *testing.T) {
	nines := strings.Repeat("9", exact.MaxDigits)
	for text, want := range map[string]string{
		"1.50": "1.50", "-0.5": "-0.5", "15e-1": "1.5", "1E+3": "1000", "0.00": "0.00", "0e5": "0",
		"0e999999999": "0", "1e15": "1" + strings.Repeat("0", 15), "1e63": "1" + strings.Repeat("0", 63),
		nines: nines, "-" + nines: "-" + nines, "0." + nines: "0." + nines,
	} {
		if d, ok := exact.Parse(text); !ok || exact.Text(d) != want {
			t.Errorf("%s is %s, %t; want %s", text, d, ok, want)
		}
	}
	for _, text := range []string{"", "x", ".-5", ".+5", "1e", nines + "9", "0." + nines + "9", "1e64", "1000000000000000e49", "1e-65", "1e999999999", "-1e-999999999"} {
		if d, ok := exact.Parse(text); ok {
			t.Errorf("%q is read, with exponent %d", text, d.Exponent())
		}
	}
}
