package functionshost

import (
	"strings"
	"testing"
	"time"
)

func TestHostJSON(t *testing.T) {
	lenient := "\xef\xbb\xbf" + `{ // comment
		"version": "2.0", "functionTimeout": "00:02:00", /* "x" */
		"CustomHandler": {"description": {"defaultExecutablePath": "handler", "arguments": ["-a","%NAME%","\"quo//ted\""],},"initializationTimeout":"00:00:05"},
		"extensions": {"serviceBus": {"maxConcurrentCalls": 4, "autoCompleteMessages": false, "maxMessageBatchSize": 100}, "http": {"routePrefix": ""}},
	}`
	s := newSettings(nil, map[string]string{"AzureFunctionsJobHost__functionTimeout": "-1", "AZUREFUNCTIONSJOBHOST__EXTENSIONS__SERVICEBUS__MAXCONCURRENTCALLS": "2"})
	cfg, warnings, err := readHostConfig([]byte(lenient), s)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.executable != "handler" || len(cfg.arguments) != 3 || cfg.functionTimeout != unbounded || cfg.initializationTime != 5*time.Second ||
		cfg.bus.maxConcurrentCalls != 2 || cfg.bus.maxMessageBatchSize != 100 || cfg.routePrefix != "" || !cfg.stderrIsErrors {
		t.Errorf("%+v", cfg)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "has NO effect") {
		t.Errorf("warnings %q", warnings)
	}
	for text, want := range map[string]string{
		`{"version":"1.0"}`: "version", `{"version":"2.0"}`: "defaultExecutablePath", `{`: "host.json",
		`{"version":"2.0","functionTimeout":"soon","customHandler":{"description":{"defaultExecutablePath":"h"}}}`: "functionTimeout",
	} {
		if _, _, err := readHostConfig([]byte(text), newSettings(nil, nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestBadFunctionsAreTheirOwnFault(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{
		"hello/function.json":       helloFunction,
		"nothing/readme.txt":        "no function",
		"nested/deep/function.json": helloFunction,
		"0bad/function.json":        helloFunction,
		"broken/function.json":      `{"bindings":`,
		"empty/function.json":       `{"bindings":[]}`,
		"two/function.json":         `{"bindings":[{"type":"timerTrigger","name":"a","schedule":"00:00:01"},{"type":"timerTrigger","name":"b","schedule":"00:00:01"}]}`,
		"same/function.json":        `{"bindings":[{"type":"httpTrigger","name":"a"},{"type":"http","direction":"out","name":"A"}]}`,
		"noconn/function.json":      serviceBusFunction("q", ""),
		"queue/function.json":       `{"bindings":[{"type":"queueTrigger","name":"a"}]}`,
	}, nil)
	h := s.start()
	faults := map[string]string{}
	for _, f := range h.Functions() {
		faults[f.Name] = f.Fault
	}
	for name, want := range map[string]string{"0bad": "valid function name", "broken": "unexpected end", "empty": "At least one binding",
		"two": "Multiple trigger bindings", "same": "must be unique", "queue": "not reproduced", "noconn": "does not exist"} {
		if !strings.Contains(faults[name], want) {
			t.Errorf("%s: %q, want something with %q", name, faults[name], want)
		}
	}
	if len(faults) != 8 || faults["hello"] != "" {
		t.Errorf("functions: %v", faults)
	}
	if got := get(t, h.BaseURL()+"/api/hello"); got != 200 {
		t.Error(got)
	}
}

func TestMissingHandlerIsSaidAtOnce(t *testing.T) {
	for name, path := range map[string]string{"missing": "no-such-handler", "not executable": "host.json"} {
		s := newStage(t, map[string]string{"hello/function.json": helloFunction,
			"host.json": `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"` + path + `"}}}`}, nil)
		h, err := Start(t.Context(), s.options)
		if err == nil {
			_ = h.Close()
			t.Fatalf("%s: started", name)
		}
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMissingHandlerLetsCallsWait is what Azure does: one line, no retry, and the host ends after four time-outs.
func TestMissingHandlerLetsCallsWait(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"hello/function.json": helloFunction,
		"host.json": `{"version":"2.0","customHandler":{"initializationTimeout":"00:00:00.1000000","description":{"defaultExecutablePath":"no-such-handler"}}}`}, nil)
	s.options.Early = true
	h := s.start()
	if got := get(t, h.BaseURL()+"/api/hello"); got != 500 {
		t.Errorf("a call: %d, recorded 500", got)
	}
	s.awaitDone()
	if n := strings.Count(s.log(), "Failed to start Custom Handler process"); n != 1 || !strings.Contains(h.Err().Error(), "Initialization timed out") {
		t.Errorf("%d lines, %v", n, h.Err())
	}
}
