package functionshost

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var timeSpan = regexp.MustCompile(`^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$`)

// parseTimeSpan reads a .NET TimeSpan: [-][d.]hh:mm[:ss[.fffffff]].
func parseTimeSpan(text string) (time.Duration, error) {
	m := timeSpan.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is no time span such as 00:05:00", text)
	}
	number := func(s string) time.Duration {
		n, _ := strconv.Atoi(s) // digits only; an absent part is 0
		return time.Duration(n)
	}
	hours, minutes, seconds := number(m[3]), number(m[4]), number(m[5])
	if hours > 23 || minutes > 59 || seconds > 59 {
		return 0, fmt.Errorf("%q: hours, minutes or seconds are out of range", text)
	}
	d := number(m[2])*24*time.Hour + hours*time.Hour + minutes*time.Minute + seconds*time.Second
	if fraction := m[6]; fraction != "" {
		d += number((fraction + "000000")[:7]) * 100
	}
	if m[1] != "" {
		d = -d
	}
	return d, nil
}

// formatTimeSpan writes a duration as .NET does: [-][d.]hh:mm:ss[.fffffff], whole ticks of 100 ns.
func formatTimeSpan(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	days := ""
	if n := d / (24 * time.Hour); n > 0 {
		days = strconv.Itoa(int(n)) + "."
	}
	text := fmt.Sprintf("%s%s%02d:%02d:%02d", sign, days, d/time.Hour%24, d/time.Minute%60, d/time.Second%60)
	if ticks := d % time.Second / 100; ticks > 0 {
		text += fmt.Sprintf(".%07d", ticks)
	}
	return text
}
