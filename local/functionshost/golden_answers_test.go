package functionshost

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

var observedAnswer = regexp.MustCompile(`^\S+ (a_\w+) requests: \d+ succeeded: (\d) failed: (\d)`)

// replayAnswers gives each answer of case 05 to a message and looks at its request and its settlement.
func replayAnswers(t *testing.T, name string) {
	g := readGolden(t, name)
	want := map[string]string{}
	for _, line := range g.Seen {
		if m := observedAnswer.FindStringSubmatch(line); m != nil {
			want[m[1]] = map[bool]string{true: "Complete", false: "Abandon"}[m[2] == "1" && m[3] == "0"]
		}
	}
	if len(want) < 30 {
		t.Fatalf("only %d answers in the recording", len(want))
	}
	files := map[string]string{}
	for name := range want {
		files[name+"/function.json"] = serviceBusFunction(name, "")
	}
	s := newStage(t, files, g.Told)
	bus := newFakeBus()
	s.options.source = bus
	s.start()
	for name := range want {
		bus.deliver(name, message(name))
	}
	for range want {
		got := bus.settlement(t)
		if got.Action != want[got.Entity] {
			t.Errorf("%s: %s, recorded %s", got.Entity, got.Action, want[got.Entity])
		}
	}
	s.line(information, "{Curly} {0}")
	p := &tape{stage: s}
	p.untilRequests(len(want) + 2) // two are redirected
	for _, got := range p.requests {
		recorded := g.requests(got.URL)
		if len(recorded) == 0 {
			t.Errorf("the handler was asked for %s", got.URL)
			continue
		}
		s.compareMessageRequest(recorded[0], got)
	}
}

// TestAnEmptyAnswerHangsLoudly: the real host leaves such a call open until functionTimeout, then kills the handler.
func TestAnEmptyAnswerHangsLoudly(t *testing.T) {
	t.Parallel()
	body := func(s string) *string { return &s }
	answers := map[string]told{
		"/empty":   {Body: body("")},
		"/no-type": {Headers: map[string]string{"X-A": "1"}, Body: body("")},
		"/none":    {Status: 204},
		"/null":    {Body: body("null")},
		"/blanks":  {Body: body(" \r\n ")},
	}
	files := map[string]string{}
	for path := range answers {
		files[path[1:]+"/function.json"] = serviceBusFunction(path[1:], "")
	}
	s := newStage(t, files, answers)
	bus := newFakeBus()
	s.options.source, s.options.FunctionTimeout = bus, 500*time.Millisecond
	h := s.start()
	first := s.startOfHandler().PID
	for path := range answers {
		bus.deliver(path[1:], message(path))
	}
	for range answers {
		if got := bus.settlement(t); got.Action != "Abandon" {
			t.Errorf("%+v", got)
		}
	}
	for path := range answers {
		l := s.line(errorLevel, "THIS CALL HANGS: the handler answered 'Functions."+path[1:]+"'")
		if !strings.Contains(l.Text, "functionTimeout (00:00:00.5000000)") {
			t.Error(l.Text)
		}
	}
	s.line(errorLevel, "Timeout value of 00:00:00.5000000 exceeded by function 'Functions.null'")
	if next := s.startOfHandler().PID; next == first {
		t.Error("the handler wasn't restarted")
	}
	s.line(information, "after a function timeout")
	select {
	case <-h.Done():
		t.Error("a function timeout was counted as an error: ", h.Err())
	default:
	}
}

func TestJudgeLooksAtTheEnvelope(t *testing.T) {
	header := map[string][]string{"Content-Type": {"application/json"}}
	cases := []struct {
		body string
		want verdict
		logs int
	}{
		{`{}`, succeeds, 0},
		{`{"outputs":{},"LOGS":["a","b"]}`, succeeds, 2},
		{`{"Logs":null,"Outputs":null}`, succeeds, 0},
		{`{"Logs":[5,true,null]}`, succeeds, 2},
		{`{"Logs":[["x"]]}`, fails, 0},
		{`{"Outputs":"x"}`, fails, 0},
		{`5`, fails, 0},
		{`null`, hangs, 0},
		{"\t", hangs, 0},
	}
	for _, c := range cases {
		got := judge(reply{Status: 200, Header: header, Body: []byte(c.body)})
		if got.verdict != c.want || len(got.logs) != c.logs {
			t.Errorf("%s: verdict %d with %d logs (%v), want %d with %d", c.body, got.verdict, len(got.logs), got.err, c.want, c.logs)
		}
	}
}
