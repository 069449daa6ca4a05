package functionshost

import (
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	helloFunction = `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous"},{"type":"http","direction":"out","name":"res"}]}`
	soon          = 700 // milliseconds until the recorder exits by itself
)

func get(t *testing.T, url string) int {
	t.Helper()
	client := http.Client{Timeout: patience}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// stageExit is one of the cases 07 with a quicker end.
func stageExit(t *testing.T, name string) (*stage, goldenCase) {
	t.Helper()
	g := readGolden(t, name)
	for path, what := range g.Told {
		if what.ExitAfterMs > 0 {
			what.ExitAfterMs = soon
			g.Told[path] = what
		}
	}
	files := g.files(func(_, content string) string {
		return strings.ReplaceAll(content, "queueTrigger", "serviceBusTrigger")
	})
	s := newStage(t, files, g.Told)
	s.options.source = newFakeBus()
	return s, g
}

func (s *stage) awaitDone() {
	s.t.Helper()
	select {
	case <-s.host.Done():
	case <-time.After(patience):
		s.t.Fatalf("the host didn't stop\n%s", s.log())
	}
}

// replayIdleExit0: no restart; calls fail, the host lives on.
func replayIdleExit0(t *testing.T, name string) {
	s, g := stageExit(t, name)
	h := s.start()
	for _, c := range g.Caller {
		if strings.HasPrefix(c.Name, "after exits") {
			s.line(errorLevel, "exit code 0")
		}
		compareAnswer(t, c, s.call(c))
	}
	s.line(errorLevel, "connection refused")
	s.options.source.(*fakeBus).deliver(h.current().functions["qf"].trigger.QueueName, message("after"))
	if got := s.options.source.(*fakeBus).settlement(t).Action; got != "Abandon" {
		t.Errorf("a message after the exit: %s", got)
	}
	p := &tape{stage: s}
	p.untilRequests(1)
	compareRequests(t, p.requests[0], g.overHTTP()[0], g.overHTTP()[0].Body)
	if h.HandlerPID() != 0 || h.Err() != nil || len(p.starts) != g.starts() {
		t.Errorf("pid %d, err %v, %d starts", h.HandlerPID(), h.Err(), len(p.starts))
	}
}

// replayIdleExit1: the third exit stops the host.
func replayIdleExit1(t *testing.T, name string) {
	s, g := stageExit(t, name)
	s.start()
	compareAnswer(t, g.Caller[0], s.call(g.Caller[0]))
	s.awaitDone()
	p := &tape{stage: s}
	p.untilStarts(g.starts())
	if !strings.Contains(s.host.Err().Error(), "Exceeded http worker restart retry count") {
		t.Error(s.host.Err())
	}
	compareRequests(t, p.requests[0], g.overHTTP()[0], g.overHTTP()[0].Body)
	if got := get(t, s.host.BaseURL()+"/api/hello"); got != 500 {
		t.Errorf("after the stop: %d", got)
	}
}

// replayIdleExit200: restarted without limit, on the same port.
func replayIdleExit200(t *testing.T, name string) {
	s, g := stageExit(t, name)
	h := s.start()
	p := &tape{stage: s}
	for _, c := range g.Caller {
		if c.Name == "after exits /api/hello" {
			p.untilStarts(5) // right after a start, so that no exit comes between
		}
		compareAnswer(t, c, s.call(c))
	}
	ids := map[string]bool{}
	for _, st := range p.starts {
		ids[st.Env["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"]] = true
		if st.Env["FUNCTIONS_CUSTOMHANDLER_PORT"] != p.starts[0].Env["FUNCTIONS_HTTPWORKER_PORT"] ||
			st.Env["FUNCTIONS_HTTPWORKER_ID"] != st.Env["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"] {
			t.Error("the port changed over a restart, or the two families of variables differ")
		}
	}
	if len(ids) != len(p.starts) {
		t.Errorf("%d worker ids for %d starts", len(ids), len(p.starts))
	}
	s.compareStart(g, p.starts[0])
	p.untilStarts(len(p.starts) + 1)
	s.options.source.(*fakeBus).deliver(h.current().functions["qf"].trigger.QueueName, message("after"))
	if got := s.options.source.(*fakeBus).settlement(t).Action; got != "Complete" {
		t.Errorf("a message between exits: %s", got)
	}
	if h.Err() != nil {
		t.Error(h.Err())
	}
}

// replayInflightExit follows the two in-flight cases of 07: callers get 500, messages are abandoned, and the third end
// stops the host.
func replayInflightExit(t *testing.T, name string) {
	s, g := stageExit(t, name)
	bus := s.options.source.(*fakeBus)
	h := s.start()
	p := &tape{stage: s}
	slow := make(chan string, 1)
	go func() { slow <- s.call(g.Caller[0]) }()
	p.untilRequests(1)
	for _, c := range g.Caller[1:] {
		compareAnswer(t, c, s.call(c))
	}
	compareAnswer(t, g.Caller[0], <-slow)
	queue := h.current().functions["qf"].trigger.QueueName
	for range 2 {
		bus.deliver(queue, message("m"))
		if got := bus.settlement(t).Action; got != "Abandon" {
			t.Error(got)
		}
	}
	s.awaitDone()
	want := g.overHTTP()
	p.untilRequests(len(want))
	p.untilStarts(g.starts())
	for i, w := range want {
		if w.URL == "/qf" {
			s.compareMessageRequest(w, p.requests[i])
			continue
		}
		compareRequests(t, p.requests[i], w, w.Body)
	}
	if got := h.Invocations("QF"); got != 2 {
		t.Errorf("%d invocations", got)
	}
}

func TestStrikesAreForgottenAfterHalfAnHour(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s := strikes{now: func() time.Time { return now }}
	for i, step := range []struct {
		after time.Duration
		out   bool
	}{{0, false}, {29 * time.Minute, false}, {31 * time.Minute, false}, {30 * time.Minute, false}, {30 * time.Minute, true}} {
		now = now.Add(step.after)
		if got := s.out(); got != step.out {
			t.Errorf("error %d: out is %v", i+1, got)
		}
	}
}

// replayNeverListens has shorter time-outs than the recording; a call that waits gets 500.
func replayNeverListens(t *testing.T, name string) {
	g := readGolden(t, name)
	files := g.files(func(_, content string) string {
		return asServiceBus("", strings.Replace(content, `"00:00:05"`, `"00:00:00.4000000"`, 1))
	})
	s := newStage(t, files, g.Told)
	s.options.source, s.options.Early = newFakeBus(), true
	s.start()
	compareAnswer(t, g.Caller[0], s.call(g.Caller[0]))
	s.awaitDone()
	p := &tape{stage: s}
	p.untilStarts(g.starts())
	for _, text := range []string{"Initializing HttpWorker.", "Initializing HttpWorker timed out.", "Restarting http invoker channel", "Exceeded http worker restart retry count. Shutting down Functions Host"} {
		if !strings.Contains(s.log(), text) {
			t.Errorf("no line %q in\n%s", text, s.log())
		}
	}
	expectGone(t, p.starts[len(p.starts)-1].PID)
}

func TestHandlerThatNeverListensFailsTheStart(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"hello/function.json": helloFunction,
		"host.json": `{"version":"2.0","customHandler":{"initializationTimeout":"00:00:00.2000000","description":{"defaultExecutablePath":"<handler>"}}}`},
		map[string]told{"_process": {NeverListen: true}})
	_, err := Start(t.Context(), s.options)
	if err == nil || !strings.Contains(err.Error(), "didn't get ready") {
		t.Fatalf("start: %v", err)
	}
}

// expectGone waits for the end of a process.
func expectGone(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("the handler %d is still there", pid)
		}
	}
}

func replayLevels(t *testing.T, name string) {
	g := readGolden(t, name)
	s := newStage(t, g.files(func(_, c string) string { return c }), g.Told)
	s.start()
	s.replay(g, g.overHTTP(), nil)
	s.line(information, "during call")
	s.line(warning, "during call warn")
	s.line(errorLevel, "during call plain")
	said := g.Told["_process"]
	s.line(information, "OUT|no-newline-at-end-follows")
	s.line(warning, "ERR|ForwardedWarn")
	for _, text := range said.Stdout {
		if strings.HasPrefix(text, "OUT|") {
			s.line(information, text)
		}
	}
	for _, text := range said.Stderr {
		if strings.HasPrefix(text, "ERR|") {
			level := errorLevel
			if strings.Contains(strings.ToLower(text), "warn") {
				level = warning
			}
			s.line(level, text)
		}
	}
	if got := s.line(information, "plain system"); got.Source != "host" {
		t.Errorf("a system log line came from %s", got.Source)
	}
}

func TestStderrLevelWithoutErrorsOnly(t *testing.T) {
	for text, want := range map[string]string{"plain": information, "an Error here": errorLevel, "failed": errorLevel,
		"SEVERE": errorLevel, "Unhandled exception": errorLevel, "a warning about an error": warning} {
		if got := stderrLevel(text, false); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"q/function.json": serviceBusFunction("q", "")}, map[string]told{"/q": {Delay: 600000}})
	bus := newFakeBus()
	s.options.source = bus
	h := s.start()
	pid := h.HandlerPID()
	bus.deliver("q", message("m"))
	s.request()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if got := bus.settlement(t).Action; got != "Abandon" {
		t.Errorf("a call in flight at the end: %s", got)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the handler is still there: %v", err)
	}
	if _, err := http.Get(h.BaseURL()); err == nil {
		t.Error("the front end still answers")
	}
	if h.Err() != nil {
		t.Error(h.Err())
	}
}

func TestKillHandlerCountsAsACrash(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"hello/function.json": helloFunction}, nil)
	h := s.start()
	for range 2 {
		before := s.startOfHandler().PID
		if got := h.HandlerPID(); got != before {
			t.Errorf("pid %d, the handler says %d", got, before)
		}
		if err := h.KillHandler(); err != nil {
			t.Fatal(err)
		}
		if got := get(t, h.BaseURL()+"/api/hello"); got != 200 {
			t.Errorf("a call after the crash: %d", got)
		}
	}
	s.startOfHandler()
	if err := h.KillHandler(); err != nil {
		t.Fatal(err)
	}
	s.awaitDone()
	if err := h.KillHandler(); err == nil {
		t.Error("a handler was killed that doesn't run")
	}
}
