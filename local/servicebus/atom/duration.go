package atom

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// forever is how .NET writes its longest time span, which stands for "never". Java writes it otherwise; both are longer
// than what Go can hold.
const forever = "P10675199DT2H48M5.4775807S"

// parseDuration reads an ISO 8601 duration of days, hours, minutes and seconds. Zero stands for one too long to hold.
func parseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no duration", text)
	rest, ok := strings.CutPrefix(text, "P")
	if !ok || rest == "" {
		return 0, bad
	}
	date, clock, hasClock := strings.Cut(rest, "T")
	if hasClock && clock == "" {
		return 0, bad
	}
	seconds := 0.0
	for _, part := range []struct{ text, units string }{{date, "D"}, {clock, "HMS"}} {
		text, units := part.text, part.units
		for text != "" {
			i := strings.IndexAny(text, units)
			if i < 1 {
				return 0, bad
			}
			n, err := strconv.ParseFloat(text[:i], 64)
			if err != nil || n < 0 || math.IsInf(n, 0) || math.IsNaN(n) {
				return 0, bad
			}
			seconds += n * map[byte]float64{'D': 86400, 'H': 3600, 'M': 60, 'S': 1}[text[i]]
			units = units[strings.IndexByte(units, text[i])+1:]
			text = text[i+1:]
		}
	}
	if seconds >= math.MaxInt64/1e9 {
		return 0, nil
	}
	return time.Duration(math.Round(seconds*1e7)) * 100, nil
}

// formatDuration writes a duration as .NET does; zero is forever.
func formatDuration(d time.Duration) string {
	if d <= 0 {
		return forever
	}
	var b strings.Builder
	b.WriteString("P")
	if days := d / (24 * time.Hour); days > 0 {
		fmt.Fprintf(&b, "%dD", days)
		d %= 24 * time.Hour
	}
	if d > 0 {
		b.WriteString("T")
	}
	if h := d / time.Hour; h > 0 {
		fmt.Fprintf(&b, "%dH", h)
	}
	if m := d % time.Hour / time.Minute; m > 0 {
		fmt.Fprintf(&b, "%dM", m)
	}
	if s := d % time.Minute; s > 0 {
		fmt.Fprintf(&b, "%sS", strconv.FormatFloat(s.Seconds(), 'f', -1, 64))
	}
	return b.String()
}
