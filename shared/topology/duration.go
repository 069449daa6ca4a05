package topology

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// Duration is written in ISO 8601, as Service Bus and Bicep write it: PT1M, PT30S, P1DT2H.
type Duration time.Duration

var iso8601 = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$`)
})

// UnmarshalText reads days, hours, minutes and seconds; years, months and weeks are refused.
func (d *Duration) UnmarshalText(text []byte) error {
	m := iso8601().FindStringSubmatch(string(text))
	if m == nil || (m[1] == "" && m[2] == "" && m[3] == "" && m[4] == "") {
		return fmt.Errorf("%q is no ISO 8601 duration such as PT1M or P1DT2H", text)
	}
	var total time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseFloat(m[i+1], 64)
		if err != nil {
			return err
		}
		total += time.Duration(n * float64(unit))
	}
	*d = Duration(total)
	return nil
}
