package functionshost

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	helloFunction = `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req","authLevel":"anonymous"},{"type":"http","direction":"out","name":"res"}]}`
	soon          = 150 // milliseconds until the recorder exits by itself
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

func TestExitCodeZeroIsNotRestarted(t *testing.T) {
	t.Parallel()
	s, _ := stageExit(t, "07-idle-exit-0")
	h := s.start()
	s.line(errorLevel, "exit code 0")
	if got := get(t, h.BaseURL()+"/api/hello"); got != 500 {
		t.Errorf("after the exit: %d, recorded 500", got)
	}
	if got := get(t, h.BaseURL()+"/admin/host/ping"); got != 200 {
		t.Errorf("ping: %d, recorded 200", got)
	}
	s.line(errorLevel, "connection refused")
	if h.HandlerPID() != 0 || h.Err() != nil {
		t.Errorf("pid %d, err %v", h.HandlerPID(), h.Err())
	}
}

func TestExitCode200IsRestartedWithoutLimit(t *testing.T) {
	t.Parallel()
	s, g := stageExit(t, "07-idle-exit-200")
	s.start()
	ids := map[string]bool{}
	var first *started
	for range 5 {
		st := s.startOfHandler()
		ids[st.Env["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"]] = true
		if first == nil {
			first = st
		}
		if st.Env["FUNCTIONS_CUSTOMHANDLER_PORT"] != first.Env["FUNCTIONS_CUSTOMHANDLER_PORT"] {
			t.Error("the port changed over a restart")
		}
	}
	if len(ids) != 5 {
		t.Errorf("%d worker ids for 5 starts", len(ids))
	}
	for name := range g.Saw[0].Start.Env {
		if name == "AzureWebJobsStorage" {
			continue // an app setting of the recording
		}
		if first.Env[name] == "" {
			t.Errorf("the handler's environment lacks %s", name)
		}
	}
	if first.Env["FUNCTIONS_HTTPWORKER_PORT"] != first.Env["FUNCTIONS_CUSTOMHANDLER_PORT"] ||
		first.Env["FUNCTIONS_HTTPWORKER_ID"] != first.Env["FUNCTIONS_CUSTOMHANDLER_WORKER_ID"] {
		t.Error("the two families of variables differ")
	}
	root, err := filepath.EvalSymlinks(s.root)
	if err != nil {
		t.Fatal(err)
	}
	if first.CWD != root {
		t.Errorf("the handler runs in %s, not in the script root", first.CWD)
	}
}

func TestThirdCrashStopsTheHost(t *testing.T) {
	t.Parallel()
	s, g := stageExit(t, "07-idle-exit-1")
	s.start()
	s.awaitDone()
	for range g.starts() {
		s.startOfHandler()
	}
	if !strings.Contains(s.host.Err().Error(), "Exceeded http worker restart retry count") {
		t.Error(s.host.Err())
	}
	if got := get(t, s.host.BaseURL()+"/api/hello"); got != 500 {
		t.Errorf("after the stop: %d", got)
	}
}

// TestCrashInFlightAbandonsAtOnce follows the two in-flight cases of 07.
func TestCrashInFlightAbandonsAtOnce(t *testing.T) {
	for _, name := range []string{"07-inflight-exit-1", "07-inflight-exit-SIGKILL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := stageExit(t, name)
			bus := s.options.source.(*fakeBus)
			h := s.start()
			queue := h.functions["qf"].trigger.QueueName
			if got := get(t, h.BaseURL()+"/api/h_exit"); got != 500 {
				t.Errorf("the call that ends the handler: %d", got)
			}
			if got := get(t, h.BaseURL()+"/api/hello"); got != 200 {
				t.Errorf("the next one: %d, recorded 200", got)
			}
			for range 2 {
				bus.deliver(queue, message("m"))
				if got := bus.settlement(t).Action; got != "Abandon" {
					t.Error(got)
				}
			}
			s.awaitDone()
			if got := h.Invocations("QF"); got != 2 {
				t.Errorf("%d invocations", got)
			}
		})
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

func TestHandlerThatNeverListens(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"hello/function.json": helloFunction,
		"host.json": `{"version":"2.0","customHandler":{"initializationTimeout":"00:00:00.2000000","description":{"defaultExecutablePath":"<handler>"}}}`},
		map[string]told{"_process": {NeverListen: true}})
	_, err := Start(t.Context(), s.options)
	if err == nil || !strings.Contains(err.Error(), "didn't get ready") {
		t.Fatalf("start: %v", err)
	}
	var last int
	for range readGolden(t, "01c-never-listen-init5").starts() {
		last = s.startOfHandler().PID
	}
	if err := syscall.Kill(last, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the handler is still there: %v", err)
	}
}

func TestLevelsOfHandlerLines(t *testing.T) {
	t.Parallel()
	g := readGolden(t, "08a-stdio-default")
	s := newStage(t, g.files(func(_, c string) string { return c }), g.Told)
	s.start()
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
