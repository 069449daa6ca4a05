package event

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// errTime is all that is said of a time that can't be read: its text is a value out of a message.
var errTime = errors.New(`no time: wanted "/Date(1782924799000)/" or ISO 8601 with a zone, such as "2026-07-01T16:53:19.1234567Z"`)

// notSet is how X++ writes an empty date.
var notSet = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// IsNotSet reports whether t is 1900-01-01T00:00:00Z, which F&O sends for a date nobody has filled in.
func IsNotSet(t time.Time) bool { return t.Equal(notSet) }

// ParseTime reads a time as F&O and Dataverse write it, and returns it in UTC:
//
//	/Date(1782924799000)/        milliseconds since 1970 UTC, negative before it
//	/Date(1782924799000-0700)/   the same moment; the offset says how to show it and moves nothing
//	2026-07-01T16:53:19.0000000Z ISO 8601 with seconds or without, up to 7 decimals, Z or an offset
//
// A time without a zone is refused, and so is one outside the years 1 to 9999. The error never holds the text.
func ParseTime(s string) (time.Time, error) {
	t, ok := parseTicks(s)
	if !ok {
		t, ok = parseISO8601(s)
	}
	if !ok || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, errTime
	}
	return t, nil
}

// parseTicks reads the form of Microsoft's JSON serialisers.
func parseTicks(s string) (time.Time, bool) {
	s, ok := strings.CutPrefix(s, "/Date(")
	if !ok {
		return time.Time{}, false
	}
	s, ok = strings.CutSuffix(s, ")/")
	if !ok || s == "" || s[0] == '+' {
		return time.Time{}, false
	}
	if sign := strings.LastIndexAny(s, "+-"); sign > 0 {
		if !isOffset(s[sign+1:]) {
			return time.Time{}, false
		}
		s = s[:sign]
	}
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil || ms == math.MinInt64 {
		return time.Time{}, false
	}
	return time.UnixMilli(ms).UTC(), true
}

// isOffset reports whether s is hhmm, at most 14 hours as the time zones of the world are.
func isOffset(s string) bool {
	return fits(s, "dddd") && s[:2] <= "14" && s[2:] <= "59"
}

func parseISO8601(s string) (time.Time, bool) {
	const minutes = len("2006-01-02T15:04")
	if len(s) < minutes || !fits(s[:minutes], "dddd-dd-ddTdd:dd") {
		return time.Time{}, false
	}
	layout, rest := "2006-01-02T15:04Z07:00", s[minutes:]
	if strings.HasPrefix(rest, ":") {
		if len(rest) < 3 || !fits(rest[:3], ":dd") {
			return time.Time{}, false
		}
		layout, rest = "2006-01-02T15:04:05Z07:00", rest[3:]
		if strings.HasPrefix(rest, ".") {
			decimals := len(rest) - len(strings.TrimLeft(rest[1:], "0123456789")) - 1
			if decimals < 1 || decimals > 7 {
				return time.Time{}, false
			}
			rest = rest[1+decimals:]
		}
	}
	if rest != "Z" && (len(rest) != len("+00:00") || !fits(rest[1:], "dd:dd") || !isOffset(rest[1:3]+rest[4:])) {
		return time.Time{}, false
	}
	t, err := time.Parse(layout, s)
	return t.UTC(), err == nil
}

// fits reports whether s has a digit wherever pattern has a d, and pattern's own character everywhere else.
func fits(s, pattern string) bool {
	if len(s) != len(pattern) {
		return false
	}
	for i := range len(s) {
		if pattern[i] == 'd' && (s[i] < '0' || s[i] > '9') || pattern[i] != 'd' && s[i] != pattern[i] {
			return false
		}
	}
	return true
}
