package functionshost

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var ranAt = regexp.MustCompile(`"Last":"` + shapeTime + `\+00:00"(.*)"LastUpdated":"` + shapeTime + `\+00:00"`)

// stageTimers is the app of case 06 at a time of its own, so that dates come out as recorded.
func stageTimers(t *testing.T, at time.Time) (*stage, goldenCase) {
	t.Helper()
	g := readGolden(t, "06-timer")
	s := newStage(t, g.files(func(_, content string) string { return content }), g.Told)
	began := time.Now()
	s.options.Now = func() time.Time { return at.Add(time.Since(began)) }
	s.options.Env["SCHED"] = "*/7 * * * * *"
	return s, g
}

// replayTimers waits through one minute mark, 13:02:00 of the recording, and through the tries of t_retry.
func replayTimers(t *testing.T, _ string) {
	s, g := stageTimers(t, time.Date(2026, 11, 23, 13, 1, 58, 600e6, time.UTC))
	s.start()
	p := &tape{stage: s}
	p.until("every timer, and three tries of t_retry", func() bool {
		seen := map[string]int{}
		for _, r := range p.requests {
			seen[r.URL]++
		}
		return len(seen) == 8 && seen["/t_retry"] == 3
	})
	seen := map[string]int{}
	var first string // invocation of t_retry
	for _, got := range p.requests {
		n := seen[got.URL]
		seen[got.URL]++
		switch {
		case got.URL == "/t_retry":
			want := g.requests(got.URL)[n]
			if n == 0 {
				first = invocationID(got)
			}
			if invocationID(got) != first {
				t.Errorf("try %d is another invocation", n)
			}
			compareRequests(t, got, want, strings.ReplaceAll(want.Body, invocationID(want), first))
		case n == 0:
			want := g.requests(got.URL)[0]
			compareRequests(t, got, want, want.Body)
		}
	}
	s.line(information, "Next attempt: '2'. Max retry count: '2'")
}

func invocationID(r *recorded) string {
	for _, h := range r.Headers {
		if h[0] == "X-Azure-Functions-InvocationId" {
			return h[1]
		}
	}
	return ""
}

func TestTimerKeepsItsStatusOverARestart(t *testing.T) {
	t.Parallel()
	s, g := stageTimers(t, time.Date(2026, 11, 23, 13, 2, 48, 0, time.UTC))
	s.options.TimerStatus = filepath.Join(s.root, "timers")
	state := `{"t_startup":{"Last":"2026-11-23T13:01:34.7707978Z","Next":"2027-01-01T00:00:00Z","LastUpdated":"2026-11-23T13:01:34.7707978Z"},` +
		`"t_min":{"Last":"2026-11-23T13:01:00Z","Next":"2026-11-23T13:02:00Z","LastUpdated":"2026-11-23T13:01:00Z"}}`
	if err := os.WriteFile(s.options.TimerStatus, []byte(state), 0o600); err != nil {
		t.Fatal(err)
	}
	s.start()
	for missing := map[string]bool{"/t_startup": true, "/t_min": true}; len(missing) > 0; {
		got := s.request()
		if !missing[got.URL] {
			continue
		}
		delete(missing, got.URL)
		if got.URL == "/t_min" {
			if !strings.Contains(got.Body, `"IsPastDue":true`) || !strings.Contains(got.Body, `"Last":"2026-11-23T13:01:00+00:00"`) {
				t.Errorf("a missed run: %s", got.Body)
			}
			continue
		}
		want := g.requests("/t_startup")[1]
		compareRequests(t, got, want, want.Body)
	}
	s.line(information, "Executed 'Functions.t_startup' (Succeeded")
	if err := s.host.Close(); err != nil {
		t.Fatal(err)
	}
	kept, ok := newTimerStatus(s.options.TimerStatus).get("t_startup")
	if !ok || kept.Last.Before(time.Date(2026, 11, 23, 13, 2, 48, 0, time.UTC)) || kept.Next.Year() != 2027 {
		t.Errorf("kept %+v", kept)
	}
	body := string(timerBody(s.host.current().functions["t_startup"], &kept, false, time.Now()))
	if !ranAt.MatchString(body) {
		t.Errorf("the next body would be %s", body)
	}
}

func TestSchedules(t *testing.T) {
	from := time.Date(2026, 11, 23, 13, 1, 58, 0, time.UTC)
	cases := []struct{ text, want string }{
		{"*/5 * * * * *", "2026-11-23T13:02:00Z"},
		{"0 */1 * * * *", "2026-11-23T13:02:00Z"},
		{"0 0 0 1 1 *", "2027-01-01T00:00:00Z"},
		{"0 30 9 * * 1-5", "2026-11-24T09:30:00Z"},
		{"*/15 * * * *", "2026-11-23T13:15:00Z"},
		{"00:00:04", "2026-11-23T13:02:02Z"},
		{"1.00:00:00", "2026-11-24T13:01:58Z"},
		{"", ""}, {"often", ""}, {"60 * * * * *", ""}, {"00:00:00", ""},
	}
	for _, c := range cases {
		s, err := parseSchedule(c.text)
		if c.want == "" {
			if err == nil {
				t.Errorf("%q was accepted", c.text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := s.Next(from).Format(time.RFC3339); got != c.want {
			t.Errorf("%q: next is %s, want %s", c.text, got, c.want)
		}
	}
}
