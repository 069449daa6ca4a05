package functionshost

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestGolden replays every recording of the real host against the recording handler: what the handler saw, what callers
// got, what became of messages. README.md says where a case differs, and why.
func TestGolden(t *testing.T) {
	replays := map[string]func(*testing.T, string){
		"00-smoke":                   replaySmoke,
		"01c-never-listen-init5":     replayNeverListens,
		"01e-listen-all":             replayEarlyCall,
		"02-http-default":            replayCallers,
		"03a-forward-api":            replayForwarding,
		"05-answers":                 replayAnswers,
		"06-timer":                   replayTimers,
		"07-idle-exit-0":             replayIdleExit0,
		"07-idle-exit-1":             replayIdleExit1,
		"07-idle-exit-200":           replayIdleExit200,
		"07-inflight-exit-1":         replayInflightExit,
		"07-inflight-exit-SIGKILL":   replayInflightExit,
		"08a-stdio-default":          replayLevels,
		"09a-sigterm-inflight-long":  replayShutdownLong,
		"09b-sigterm-inflight-short": replayShutdownShort,
		"11a-discovery":              replayDiscovery,
		"11d-exe-args":               replayArguments,
		"12a-trace-plain":            replayTrace,
		"13-labbus-servicebus-like":  replayServiceBus,
		"17b-routes-order":           replayRoutes,
	}
	cases, err := filepath.Glob(filepath.Join("testdata", "golden", "*.json"))
	if err != nil || len(cases) != len(replays) {
		t.Fatalf("%d recordings, %d replays, %v", len(cases), len(replays), err)
	}
	for _, path := range cases {
		name := strings.TrimSuffix(filepath.Base(path), ".json")
		replay := replays[name]
		if replay == nil {
			t.Errorf("%s is not replayed", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replay(t, name)
		})
	}
}

// caller is an exchange that somebody had with the host, raw but for its line ends.
type caller struct{ Name, Sent, Received string }

// stageGolden is the app of a case, storage queues being Service Bus queues of the fake broker.
func stageGolden(t *testing.T, name string) (*stage, *fakeBus, goldenCase) {
	t.Helper()
	g := readGolden(t, name)
	s := newStage(t, g.files(asServiceBus), g.Told)
	bus := newFakeBus()
	s.options.source = bus
	return s, bus, g
}

// asServiceBus turns a storage queue's trigger and output into Service Bus ones.
func asServiceBus(_, content string) string {
	content = strings.ReplaceAll(content, `"queueTrigger"`, `"serviceBusTrigger"`)
	return strings.ReplaceAll(content, `"type":"queue"`, `"type":"serviceBus"`)
}

// bytesOf gives back the bytes of a recorded request: line ends, and what isn't UTF-8, were lost in the recording.
func (c caller) bytesOf(lost []byte) []byte {
	head, body, _ := strings.Cut(c.Sent, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	length := -1
	if m := regexp.MustCompile(`(?i)\nContent-Length: (\d+)`).FindStringSubmatch(head); m != nil {
		length, _ = strconv.Atoi(m[1])
	}
	if strings.Contains(head, "Transfer-Encoding: chunked") || len(body) < length {
		body = strings.ReplaceAll(body, "\n", "\r\n")
	}
	out := []byte(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n")
	for _, r := range body {
		if r == '\uFFFD' && len(lost) > 0 {
			out, lost = append(out, lost[0]), lost[1:]
			continue
		}
		out = append(out, string(r)...)
	}
	return out
}

// lostBytes are those that the recordings show as U+FFFD, by the caller's name.
var lostBytes = map[string][]byte{"POST octet": {0xFF, 0xFE}, "POST image/png binary": {0xFF, 0xFE}, "POST binary": {0xFF, 0xFE}, "POST latin1": {0xE9}}

var changingLine = regexp.MustCompile(`(?m)^Date: .*\n`)

// call sends a recorded request and gives the answer in the recording's form; "<<reset>>" is a connection without one.
func (s *stage) call(c caller) string {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.host.BaseURL(), "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(c.bytesOf(lostBytes[c.Name])); err != nil {
		s.t.Errorf("%s: %v", c.Name, err)
	}
	got, err := io.ReadAll(conn)
	if len(got) == 0 {
		return "<<reset>>\n"
	}
	if err != nil {
		s.t.Errorf("%s: %v", c.Name, err)
	}
	text := strings.ReplaceAll(string([]rune(string(got))), "\r\n", "\n")
	return changingLine.ReplaceAllString(text, "") + "\n"
}

// homePage is what the recordings hold instead of the host's page, whose length isn't ours.
var homePage = regexp.MustCompile(`(?s)^(HTTP/1.1 200 OK\n)Content-Length: \d+\n(.*?\n\n).*$`)

// compareAnswer compares a whole answer: status, every header in the order of the wire, framing and body.
func compareAnswer(t *testing.T, c caller, got string) {
	t.Helper()
	want := c.Received
	if strings.HasPrefix(c.Sent, "GET / ") {
		got, want = homePage.ReplaceAllString(got, "$1$2"), homePage.ReplaceAllString(want, "$1$2")
	}
	if got != want {
		t.Errorf("%s: answer\n got %q\nwant %q", c.Name, got, want)
	}
}

// tape collects what the recorder reports.
type tape struct {
	stage    *stage
	starts   []*started
	requests []*recorded
	probes   int
}

// until reads reports until a condition holds.
func (p *tape) until(what string, ok func() bool) {
	p.stage.t.Helper()
	limit := time.After(patience)
	for !ok() {
		select {
		case v := <-p.stage.seen:
			switch {
			case v.Start != nil:
				p.starts = append(p.starts, v.Start)
			case v.Request.isProbe():
				p.probes++
			default:
				p.requests = append(p.requests, v.Request)
			}
		case <-limit:
			p.stage.t.Fatalf("%s: %d starts, %d requests\n%s", what, len(p.starts), len(p.requests), p.stage.log())
		}
	}
}

func (p *tape) untilRequests(n int) {
	p.stage.t.Helper()
	p.until("requests", func() bool { return len(p.requests) >= n })
}
func (p *tape) untilStarts(n int) {
	p.stage.t.Helper()
	p.until("starts", func() bool { return len(p.starts) >= n })
}

// overHTTP are the recorded requests that callers caused.
func (g goldenCase) overHTTP(others ...string) []*recorded {
	var out []*recorded
	for _, s := range g.Saw {
		if s.Request != nil && !s.Probe && !isOneOf(s.Request.URL, others...) {
			out = append(out, s.Request)
		}
	}
	return out
}

// replay makes every recorded call, one after the other, and compares answers and requests.
func (s *stage) replay(g goldenCase, want []*recorded, before func(caller, *tape)) {
	s.t.Helper()
	p := &tape{stage: s}
	for _, c := range g.Caller {
		if before != nil {
			before(c, p)
		}
		compareAnswer(s.t, c, s.call(c))
	}
	p.untilRequests(len(want))
	for i, w := range want {
		compareRequests(s.t, p.requests[i], w, w.Body)
	}
	if len(p.requests) > len(want) {
		s.t.Errorf("one request more: %s", p.requests[len(want)].URL)
	}
	s.compareStart(g, p.starts[0])
}

// compareStart compares arguments, directory and the environment that matters.
func (s *stage) compareStart(g goldenCase, got *started) {
	s.t.Helper()
	for _, v := range g.Saw {
		if v.Start == nil {
			continue
		}
		if want := v.Start.Argv[2:]; strings.Join(got.Args, "\x00") != strings.Join(want, "\x00") {
			s.t.Errorf("arguments %q, recorded %q", got.Args, want)
		}
		root, err := filepath.EvalSymlinks(s.root)
		if err != nil {
			s.t.Fatal(err)
		}
		if got.CWD != root {
			s.t.Errorf("the handler runs in %s, not in the script root", got.CWD)
		}
		for name, want := range v.Start.Env {
			if name == "AzureWebJobsStorage" {
				continue // an app setting of the recording
			}
			if g, w := envShape(got.Env[name], s.root), envShape(want, ""); g != w {
				s.t.Errorf("%s is %q, recorded %q", name, g, w)
			}
		}
		return
	}
}

var (
	anyPort = regexp.MustCompile(`^(http://127\.0\.0\.1:)?\d+$`)
	anyGUID = regexp.MustCompile(`^` + shapeGUID + `$`)
)

func envShape(value, root string) string {
	switch {
	case root != "" && value == root:
		return "<root>"
	case anyGUID.MatchString(value):
		return "<guid>"
	}
	return anyPort.ReplaceAllString(value, "${1}<port>")
}

// replayCallers is a case that consists of calls.
func replayCallers(t *testing.T, name string) {
	s, _, g := stageGolden(t, name)
	s.start()
	s.replay(g, g.overHTTP(), nil)
}

// replaySmoke adds a message, whose request has another body: the recording's is one of a storage queue.
func replaySmoke(t *testing.T, name string) {
	s, bus, g := stageGolden(t, name)
	s.start()
	s.replay(g, g.overHTTP("/q1"), nil)
	bus.deliver("probe-q", message("hi"))
	s.compareMessageRequest(g.requests("/q1")[0], s.request())
	if got := bus.settlement(t).Action; got != "Complete" {
		t.Error(got)
	}
}

// compareMessageRequest compares all but the body, which tells of another kind of queue.
func (s *stage) compareMessageRequest(want, got *recorded) {
	s.t.Helper()
	same := *want
	same.Body = got.Body
	compareRequests(s.t, got, &same, got.Body)
}

func replayEarlyCall(t *testing.T, name string) {
	s, _, g := stageGolden(t, name)
	s.options.Early = true
	s.start()
	s.replay(g, g.overHTTP(), nil)
}

// replayForwarding has a call that meets functionTimeout: 1 s here, 5 s there.
func replayForwarding(t *testing.T, name string) {
	s, _, g := stageGolden(t, name)
	s.options.FunctionTimeout = time.Second
	s.start()
	s.replay(g, g.overHTTP(), func(c caller, p *tape) {
		if c.Name == "after timeout" {
			p.untilStarts(2)
		}
	})
}

func replayTrace(t *testing.T, name string) {
	s, bus, g := stageGolden(t, name)
	if err := os.RemoveAll(filepath.Join(s.root, "tm")); err != nil { // case 06 has timers
		t.Fatal(err)
	}
	s.start()
	s.replay(g, g.overHTTP("/qf", "/tm"), nil)
	bus.deliver("t12q", message("m"))
	s.compareMessageRequest(g.requests("/qf")[0], s.request())
}

func replayRoutes(t *testing.T, name string) {
	s, _, g := stageGolden(t, name)
	s.options.Env["RT"] = "fromenv"
	s.start()
	s.replay(g, g.overHTTP(), nil)
	for _, line := range g.inError() {
		s.line(errorLevel, line)
	}
}

var inError = regexp.MustCompile(`The '.*' function is in error: .*$`)

// inError are the recorded lines about functions in error.
func (g goldenCase) inError() []string {
	var out []string
	for _, line := range g.Seen {
		if text := inError.FindString(line); text != "" {
			out = append(out, text)
		}
	}
	return out
}

func replayDiscovery(t *testing.T, name string) {
	g := readGolden(t, name)
	files := g.files(func(_, content string) string {
		if unquoted, err := strconv.Unquote(content); err == nil {
			return unquoted // what isn't JSON is recorded as text
		}
		return content
	})
	files["scriptthere/index.js"], files["extrafiles/notes.txt"], files["nested/inner/function.json"] = "//", "x", helloFunction
	s := newStage(t, files, g.Told)
	s.options.Env["AzureWebJobs.envdisabled.Disabled"] = "1"
	s.start()
	s.replay(g, g.overHTTP(), nil)
	for _, line := range g.inError() {
		if strings.HasPrefix(line, "The 'badjson' function") {
			line = "The 'badjson' function is in error: " // another parser's words
		}
		s.line(errorLevel, line)
	}
	for _, line := range g.Seen {
		if i := strings.Index(line, "Host.Functions."); i >= 0 {
			s.line(information, line[i:])
		}
	}
	if got, want := strings.Count(s.log(), "Host.Functions."), strings.Count(strings.Join(g.Seen, "\n"), "Host.Functions."); got != want {
		t.Errorf("%d functions found, recorded %d", got, want)
	}
}

func replayArguments(t *testing.T, name string) {
	s, _, g := stageGolden(t, name)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(s.root, "handler")); err != nil {
		t.Fatal(err)
	}
	s.options.Env["APP_ENV"] = "prod env"
	s.start()
	s.replay(g, g.overHTTP(), nil)
}

// replayShutdownLong ends the host with calls in flight that don't end: shorter waits here than 31 and 10 seconds.
func replayShutdownLong(t *testing.T, name string) {
	s, bus, g := stageGolden(t, name)
	s.options.HTTPGrace, s.options.MessageGrace = 400*time.Millisecond, 200*time.Millisecond
	answer, p := s.inFlight(g, bus)
	began := time.Now()
	if err := s.host.Shutdown(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < 600*time.Millisecond {
		t.Errorf("the host waited for %s only", took)
	}
	compareAnswer(t, g.Caller[0], <-answer)
	if got := bus.settlement(t).Action; got != "Abandon" {
		t.Error(got)
	}
	expectGone(t, p.starts[0].PID)
}

func replayShutdownShort(t *testing.T, name string) {
	g := readGolden(t, name)
	for path, what := range g.Told {
		what.Delay /= 10
		g.Told[path] = what
	}
	s := newStage(t, g.files(asServiceBus), g.Told)
	bus := newFakeBus()
	s.options.source = bus
	answer, p := s.inFlight(g, bus)
	if err := s.host.Shutdown(); err != nil {
		t.Error(err)
	}
	compareAnswer(t, g.Caller[0], <-answer)
	if got := bus.settlement(t).Action; got != "Complete" {
		t.Error(got)
	}
	expectGone(t, p.starts[0].PID)
}

// inFlight starts a case's host and gives it a call and a message, which the handler has then.
func (s *stage) inFlight(g goldenCase, bus *fakeBus) (answer chan string, p *tape) {
	s.t.Helper()
	h := s.start()
	answer, p = make(chan string, 1), &tape{stage: s}
	go func() { answer <- s.call(g.Caller[0]) }()
	p.untilRequests(1)
	bus.deliver(h.current().functions["qf"].trigger.QueueName, message("inflight"))
	p.untilRequests(2)
	for i, want := range g.overHTTP() {
		if want.URL == "/qf" {
			s.compareMessageRequest(want, p.requests[i])
			continue
		}
		compareRequests(s.t, p.requests[i], want, want.Body)
	}
	return answer, p
}
