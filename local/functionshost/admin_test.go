package functionshost

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask calls the host with a key and gives status and body.
func (s *stage) ask(method, path, key, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.host.BaseURL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("x-functions-key", key)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(got)
}

// eventually waits until a condition holds.
func (s *stage) eventually(what string, ok func() bool) {
	s.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			s.t.Fatalf("%s: not in time\n%s", what, s.log())
		}
	}
}

const rareTimer = `{"bindings":[{"type":"timerTrigger","direction":"in","name":"t","schedule":"0 0 0 1 1 *"}]}`

func stageAdmin(t *testing.T) (*stage, *fakeBus) {
	t.Helper()
	s := newStage(t, map[string]string{"tick/function.json": rareTimer, "q/function.json": serviceBusFunction("q", ""),
		"hello/function.json": helloFunction, "broken/function.json": `{}`}, map[string]told{"/q": {Delay: 1000}})
	bus := newFakeBus()
	s.options.source, s.options.MasterKey = bus, "master"
	s.start()
	return s, bus
}

func TestAdminWantsTheMasterKey(t *testing.T) {
	t.Parallel()
	s, _ := stageAdmin(t)
	for _, c := range []struct {
		method, path, key, body string
		want                    int
	}{
		{"GET", "/admin/host/ping", "", "", 200},
		{"GET", "/admin/host/status", "", "", 401},
		{"GET", "/admin/host/status", "wrong", "", 401},
		{"GET", "/admin/host/status", "master", "", 200},
		{"GET", "/admin/functions", "master", "", 200},
		{"GET", "/admin/functions/tick", "master", "", 200},
		{"GET", "/admin/functions/broken/status", "master", "", 200},
		{"POST", "/admin/functions/tick", "", "{}", 401},
		{"POST", "/admin/functions/nosuch", "master", "{}", 404},
		{"POST", "/admin/functions/broken", "master", "{}", 404},
		{"POST", "/admin/functions/tick", "master", "not JSON", 400},
		{"POST", "/admin/nothing", "master", "", 404},
	} {
		if got, body := s.ask(c.method, c.path, c.key, c.body); got != c.want {
			t.Errorf("%s %s with %q: %d %s, want %d", c.method, c.path, c.key, got, body, c.want)
		}
	}
	_, body := s.ask("GET", "/admin/host/status", "master", "")
	if !strings.Contains(body, `"state":"Running","version":"4.1037.0.0"`) {
		t.Error(body)
	}
}

func TestFunctionsAreInvokedByHand(t *testing.T) {
	t.Parallel()
	s, bus := stageAdmin(t)
	if got, _ := s.ask("POST", "/admin/functions/TICK", "master", `{"input":""}`); got != 202 {
		t.Errorf("timer: %d", got)
	}
	if got := s.request(); got.URL != "/tick" || !strings.Contains(got.Body, `"IsPastDue":false`) {
		t.Errorf("timer: %s %s", got.URL, got.Body)
	}
	if got, _ := s.ask("POST", "/admin/functions/q", "master", `{"input":"by hand"}`); got != 202 {
		t.Errorf("message: %d", got)
	}
	if got := s.request(); got.URL != "/q" || !strings.Contains(got.Body, `"Data":{"msg":"YnkgaGFuZA=="}`) {
		t.Errorf("message: %s %s", got.URL, got.Body)
	}
	s.line(information, "Executed 'Functions.q' (Succeeded")
	if len(bus.settled) > 0 {
		t.Error("a call by hand was settled")
	}
}

func TestDrainStopsListenersAndLetsCallsEnd(t *testing.T) {
	t.Parallel()
	s, bus := stageAdmin(t)
	status := func() string {
		_, body := s.ask("GET", "/admin/host/drain/status", "master", "")
		var v struct{ State string }
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		return v.State
	}
	if got := status(); got != "Disabled" {
		t.Error(got)
	}
	bus.deliver("q", message("m1"))
	s.request()
	if got, _ := s.ask("POST", "/admin/host/drain", "master", ""); got != 202 {
		t.Error(got)
	}
	s.line(information, "DrainMode mode enabled")
	if got := status(); got != "InProgress" {
		t.Error(got)
	}
	if got := bus.settlement(t); got.Action != "Complete" {
		t.Errorf("the message in flight: %+v", got)
	}
	s.eventually("drained", func() bool { return status() == "Completed" })
	bus.deliver("q", message("m2"))
	if got, _ := s.ask("GET", "/api/hello", "", ""); got != 200 {
		t.Errorf("HTTP while drained: %d", got)
	}
	if got := s.host.Invocations("q"); got != 1 {
		t.Errorf("%d messages were taken", got)
	}
	if got, body := s.ask("POST", "/admin/host/resume", "master", ""); got != 200 {
		t.Errorf("resume: %d %s", got, body)
	}
	if got := bus.settlement(t); got.MessageID != "m2" || got.Action != "Complete" {
		t.Errorf("after the resume: %+v", got)
	}
}

func TestIdentitiesTellTheKey(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"hook/function.json": httpFunction("")}, nil)
	s.options.Keys, s.options.HostKeys, s.options.MasterKey = map[string]string{"hook": "k1"}, map[string]string{"ci": "k2"}, "m"
	s.start()
	for key, want := range map[string]string{"k1": "Function default", "k2": "Function ci", "m": "Admin master"} {
		if got, _ := s.ask("POST", "/api/hook", key, "{}"); got != 200 {
			t.Fatalf("%s: %d", key, got)
		}
		var body struct {
			Data struct {
				Req struct {
					Identities []struct {
						AuthenticationType string
						IsAuthenticated    bool
						Claims             []struct{ Type, Value string }
					}
				}
			}
		}
		if err := json.Unmarshal([]byte(s.request().Body), &body); err != nil {
			t.Fatal(err)
		}
		id := body.Data.Req.Identities
		if len(id) != 1 || !id[0].IsAuthenticated || id[0].AuthenticationType != "WebJobsAuthLevel" || len(id[0].Claims) != 2 ||
			id[0].Claims[0].Value+" "+id[0].Claims[1].Value != want {
			t.Errorf("%s: %+v, want %s", key, id, want)
		}
	}
}
