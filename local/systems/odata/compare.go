package odata

import (
	"cmp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Fits tells whether a literal can be compared with a column whose literals are of kind want. Null fits all; an enum's
// literal fits an enum only.
func Fits(want Kind, l Literal) bool { return l.Kind == Null || l.Kind == want }

// Holds evaluates "stored op l" for a column of the given kind; stored is nil for null. Text is compared without regard to
// case, as SQL Server's default collation does. A null is different from everything and neither less nor greater.
func Holds(op string, kind Kind, stored jsontext.Value, l Literal) bool {
	if stored == nil || l.Kind == Null {
		same := stored == nil && l.Kind == Null
		return op == "eq" && same || op == "ne" && !same
	}
	return verdict(op, compareText(kind, bare(stored), l.Text))
}

// Compare orders two stored values of a column of the given kind; null comes first.
func Compare(kind Kind, a, b jsontext.Value) int {
	if a == nil || b == nil {
		return cmp.Compare(len(a), len(b))
	}
	return compareText(kind, bare(a), bare(b))
}

func verdict(op string, order int) bool {
	switch op {
	case "eq":
		return order == 0
	case "ne":
		return order != 0
	case "gt":
		return order > 0
	case "ge":
		return order >= 0
	case "lt":
		return order < 0
	case "le":
		return order <= 0
	}
	return false
}

func bare(v jsontext.Value) string {
	if text, ok := Text(v); ok {
		return text
	}
	return string(v)
}

func compareText(kind Kind, a, b string) int {
	switch kind {
	case Number:
		x, _, okX := Decimal(a)
		y, _, okY := Decimal(b)
		if okX && okY {
			return x.Cmp(y)
		}
	case Date:
		x, okX := date(a)
		y, okY := date(b)
		if okX && okY {
			return x.Compare(y)
		}
	}
	return cmp.Compare(strings.ToLower(a), strings.ToLower(b))
}

func date(text string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
