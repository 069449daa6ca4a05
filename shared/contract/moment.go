package contract

import (
	"strconv"
	"strings"
	"time"

	"crosswalk/shared/schema"
)

// maxMilliseconds is 9999-12-31, minMilliseconds 0001-01-01: what both systems' dates can hold at most.
const (
	minMilliseconds = -62135596800000
	maxMilliseconds = 253402300799999
)

// parseMoment reads a date in one of the forms that both systems send: /Date(ms)/, /Date(ms+hhmm)/ (the offset is for
// display only; ms count from 1970 in UTC), ISO 8601 with seconds, fractions or neither, and a bare day. An ISO time without
// a zone is refused: nobody can know which instant it is. day is true for a bare day.
func parseMoment(s string) (t time.Time, day, ok bool) {
	if rest, found := strings.CutPrefix(s, "/Date("); found {
		ms, found := strings.CutSuffix(rest, ")/")
		if !found {
			return time.Time{}, false, false
		}
		t, ok = parseTicks(ms)
		return t, false, ok
	}
	if len(s) == len(time.DateOnly) {
		t, err := time.Parse(time.DateOnly, s)
		return t, true, err == nil
	}
	if strings.ContainsRune(s, ',') { // Go would read it as a decimal point
		return time.Time{}, false, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), false, true
		}
	}
	return time.Time{}, false, false
}

func parseTicks(s string) (time.Time, bool) {
	if i := strings.LastIndexAny(s, "+-"); i > 0 {
		if len(s)-i != 5 || digits(s[i+1:]) != 4 {
			return time.Time{}, false
		}
		s = s[:i]
	}
	if d := strings.TrimPrefix(s, "-"); d == "" || digits(d) != len(d) {
		return time.Time{}, false
	}
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms < minMilliseconds || ms > maxMilliseconds {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}

// isUnsetDate reports whether t is F&O's empty date. A day is unset at any hour (OData writes days as noon), an instant
// only at midnight.
func isUnsetDate(t time.Time, dateOnly bool) bool {
	y, m, d := t.Date()
	if y != 1900 || m != time.January || d != 1 {
		return false
	}
	return dateOnly || t.Equal(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC))
}

// unsetDate is how F&O writes a date that isn't set.
const unsetDate = "1900-01-01T00:00:00Z"

// inRange reports whether the system's dates can hold t: F&O from 1900 to 2154, Dataverse from 1753 on.
func inRange(system string, t time.Time) bool {
	if system == schema.FnO {
		return t.Year() >= 1900 && t.Year() <= 2154
	}
	return t.Year() >= 1753 && t.Year() <= 9999
}

// appendMoment writes t in a target column's form: a day (in UTC; Dataverse takes it bare, F&O as its midnight) or an
// instant. Both systems keep whole seconds.
func appendMoment(dst []byte, t time.Time, system string, dateOnly bool) []byte {
	switch {
	case dateOnly && system == schema.FnO:
		return append(t.AppendFormat(dst, time.DateOnly), "T00:00:00Z"...)
	case dateOnly:
		return t.AppendFormat(dst, time.DateOnly)
	}
	return t.Truncate(time.Second).AppendFormat(dst, time.RFC3339)
}
