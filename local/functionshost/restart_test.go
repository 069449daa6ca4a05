package functionshost

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write changes a file of the script root.
func (s *stage) write(path, content string) {
	s.t.Helper()
	path = filepath.Join(s.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func TestAChangedScriptRootRestartsTheHandler(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"hello/function.json": helloFunction, "slow/function.json": strings.ReplaceAll(helloFunction, "req", "rq")},
		map[string]told{"/slow": {Delay: 60000}})
	h := s.start()
	p := &tape{stage: s}
	config, err := os.ReadFile(filepath.Join(s.root, "host.json"))
	if err != nil {
		t.Fatal(err)
	}
	p.untilStarts(1)
	slow := make(chan int, 1)
	go func() {
		response, err := http.Get(h.BaseURL() + "/api/slow")
		if err != nil {
			slow <- 0
			return
		}
		_ = response.Body.Close()
		slow <- response.StatusCode
	}()
	p.untilRequests(1)

	s.write("late/function.json", helloFunction)
	p.untilStarts(2)
	if got := <-slow; got != 500 {
		t.Errorf("a call in flight: %d, want 500", got)
	}
	if p.starts[0].Env["FUNCTIONS_CUSTOMHANDLER_PORT"] == p.starts[1].Env["FUNCTIONS_CUSTOMHANDLER_PORT"] {
		t.Error("the port stayed")
	}
	expectGone(t, p.starts[0].PID)
	s.eventually("the new function", func() bool { return get(t, h.BaseURL()+"/api/late") == 200 })

	s.write("host.json", "{")
	s.eventually("a broken host.json", func() bool { return get(t, h.BaseURL()+"/api/late") == 503 })
	expectGone(t, p.starts[1].PID)
	s.write("host.json", string(config))
	s.eventually("the repaired host.json", func() bool { return get(t, h.BaseURL()+"/api/late") == 200 })
	p.untilStarts(3)

	s.write("late/notes.txt", "nothing the host reads")
	pid := h.HandlerPID()
	s.write("other/function.json", helloFunction)
	p.untilStarts(4)
	if n := strings.Count(s.log(), "Signaling restart"); n != 4 || pid == h.HandlerPID() {
		t.Errorf("%d restarts, want 4: for a folder, two states of host.json and a folder again", n)
	}
}

func TestRetryPolicies(t *testing.T) {
	for text, want := range map[string]string{
		`{"strategy":"fixedDelay","maxRetryCount":2,"delayInterval":"00:00:05"}`:                                         "",
		`{"strategy":"exponentialBackoff","maxRetryCount":-1,"minimumInterval":"00:00:01","maximumInterval":"00:00:10"}`: "",
		`{"strategy":"sometimes","maxRetryCount":2}`:                                                                     "strategy",
		`{"strategy":"fixedDelay","delayInterval":"00:00:05"}`:                                                           "maxRetryCount",
		`{"strategy":"fixedDelay","maxRetryCount":2}`:                                                                    "delayInterval",
		`{"strategy":"exponentialBackoff","maxRetryCount":2,"minimumInterval":"00:00:01"}`:                               "maximumInterval",
		`"often"`: "retry",
	} {
		p, err := retryOf([]byte(text))
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			} else if d := p.wait(20); p.exponential && d > p.most || !p.exponential && d != p.delay {
				t.Errorf("%s: waits %s", text, d)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v doesn't name %s", text, err, want)
		}
	}
	if p, err := retryOf([]byte("null")); p != nil || err != nil {
		t.Errorf("%v %v", p, err)
	}
}

func TestRetryOfAMessage(t *testing.T) {
	t.Parallel()
	function := strings.TrimSuffix(serviceBusFunction("q", ""), "}") + `,"retry":{"strategy":"fixedDelay","maxRetryCount":1,"delayInterval":"00:00:00.0100000"}}`
	s := newStage(t, map[string]string{"q/function.json": function}, map[string]told{"/q": {Status: 500}})
	bus := newFakeBus()
	s.options.source = bus
	s.start()
	bus.deliver("q", message("m"))
	first, second := s.request(), s.request()
	if invocationID(first) != invocationID(second) || !strings.Contains(first.Body, `"RetryContext":{"RetryCount":0,`) ||
		!strings.Contains(second.Body, `"RetryContext":{"RetryCount":1,"MaxRetryCount":1,"Exception":{"InstanceId":`) {
		t.Errorf("%s\n%s", first.Body, second.Body)
	}
	if got := bus.settlement(t).Action; got != "Abandon" {
		t.Error(got)
	}
}
