package functionshost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

// schedule says when a timer is due.
type schedule interface {
	// Next is the first time after t; zero means never.
	Next(t time.Time) time.Time
}

// constant is a TimeSpan schedule: as long after the last run as the span says.
type constant time.Duration

func (c constant) Next(t time.Time) time.Time { return t.Add(time.Duration(c)) }

var (
	sixFields  = cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	fiveFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
)

// parseSchedule reads NCRONTAB (six fields with seconds, or five) or a TimeSpan. Times are UTC, the zone of Functions on Linux.
func parseSchedule(text string) (schedule, error) {
	switch len(strings.Fields(text)) {
	case 6:
		if s, err := sixFields.Parse(text); err == nil {
			return utc{s}, nil
		}
	case 5:
		if s, err := fiveFields.Parse(text); err == nil {
			return utc{s}, nil
		}
	default:
		if d, err := parseTimeSpan(text); err == nil && d > 0 {
			return constant(d), nil
		}
	}
	//lint:ignore ST1005 the host's own words
	return nil, fmt.Errorf("The schedule expression '%s' was not recognized as a valid cron expression or timespan string.", text)
}

type utc struct{ cron.Schedule }

func (u utc) Next(t time.Time) time.Time { return u.Schedule.Next(t.UTC()) }

// timerState is what is kept of a timer between two runs.
type timerState struct {
	Last, Next, LastUpdated time.Time
}

// monitored tells that the schedule's status is kept: not for schedules shorter than a minute, whatever useMonitor says
// (recorded).
func (f *function) monitored(now time.Time) bool {
	if f.trigger.UseMonitor != nil && !*f.trigger.UseMonitor {
		return false
	}
	first := f.schedule.Next(now)
	return f.schedule.Next(first).Sub(first) >= time.Minute
}

// timerBody is the request of a timer call, byte for byte as recorded.
func timerBody(f *function, state *timerState, pastDue bool, now time.Time) []byte {
	_, span := f.schedule.(constant)
	status := any(nil)
	if state != nil {
		status = dictionary{{"Last", dateTimeOffset(orFirst(state.Last))}, {"Next", dateTimeOffset(orFirst(state.Next))},
			{"LastUpdated", dateTimeOffset(orFirst(state.LastUpdated))}}
	}
	metadata := &bindingData{}
	metadata.setSys(f.name, now)
	return envelope(f.trigger.Name, encode(dictionary{
		{"Schedule", dictionary{{"AdjustForDST", !span}}},
		{"ScheduleStatus", status},
		{"IsPastDue", pastDue},
	}), metadata)
}

// orFirst gives UTC; a zero time is DateTime.MinValue already.
func orFirst(t time.Time) time.Time { return t.UTC() }

// runTimer calls a function on its schedule, never twice at once.
func (h *jobHost) runTimer(f *function) {
	now := h.options.Now
	var state *timerState
	due := f.schedule.Next(now())
	pastDue := false
	if f.monitored(now()) {
		kept, ok := h.timers.get(f.name)
		if !ok {
			kept = timerState{Next: due}
		}
		state = &kept
		if ok && !kept.Next.IsZero() && kept.Next.Before(now()) {
			due, pastDue = now(), true
		}
	}
	if f.trigger.RunOnStartup {
		due = now()
	}
	for {
		if due.IsZero() || !h.sleepUntil(due) {
			return
		}
		started := now()
		h.callTimer(f, state, pastDue)
		pastDue = false
		due = f.schedule.Next(now())
		if state != nil {
			*state = timerState{Last: started, Next: due, LastUpdated: started}
			if err := h.timers.put(f.name, *state); err != nil {
				h.log.host(warning, "the timers' status could not be kept: "+err.Error())
			}
		}
	}
}

func (h *jobHost) callTimer(f *function, state *timerState, pastDue bool) {
	i := h.begin(f, "Timer fired at "+h.options.Now().UTC().Format(withTicks)+"+00:00")
	_ = h.invokeAndRetry(i, func() []byte { return timerBody(f, state, pastDue, h.options.Now()) }) // a failed run is logged, the next one comes
}

// sleepUntil waits for a time of the host's clock; false means the host ends.
func (h *jobHost) sleepUntil(due time.Time) bool {
	t := time.NewTimer(due.Sub(h.options.Now()))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-h.receive.Done():
		return false
	}
}

// timerStatus keeps the states in a file, or in memory without one.
type timerStatus struct {
	path   string
	mu     sync.Mutex
	states map[string]timerState
}

func newTimerStatus(path string) *timerStatus {
	s := &timerStatus{path: path, states: map[string]timerState{}}
	if path == "" {
		return s
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s
	}
	if err != nil || json.Unmarshal(data, &s.states) != nil {
		s.states = map[string]timerState{} // as with a lost status blob: the schedule starts anew
	}
	return s
}

func (s *timerStatus) get(name string) (timerState, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, ok := s.states[name]
	return state, ok
}

func (s *timerStatus) put(name string, state timerState) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[name] = state
	if s.path == "" {
		return nil
	}
	data, err := json.Marshal(s.states)
	if err != nil {
		return err
	}
	return os.WriteFile(s.path, data, 0o600)
}
