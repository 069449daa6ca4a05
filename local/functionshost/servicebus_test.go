package functionshost

import (
	"strings"
	"testing"
	"time"
)

// TestSettlement follows the table of settlement by the host: recorded for single dispatch, extension 5.x for batches.
func TestSettlement(t *testing.T) {
	t.Parallel()
	off := `,"autoComplete":false,"autoCompleteMessages":false`
	many := `,"cardinality":"many"`
	s := newStage(t, map[string]string{
		"ok/function.json":         serviceBusFunction("ok", ""),
		"bad/function.json":        serviceBusFunction("bad", ""),
		"ok-off/function.json":     serviceBusFunction("ok-off", off),
		"bad-off/function.json":    serviceBusFunction("bad-off", off),
		"many/function.json":       serviceBusFunction("many", many),
		"many-off/function.json":   serviceBusFunction("many-off", many+off),
		"many-bad/function.json":   serviceBusFunction("many-bad", many+off),
		"one-name/function.json":   serviceBusFunction("one-name", `,"autoComplete":false`),
		"disabled/function.json":   serviceBusFunction("disabled", ""),
		"percent/function.json":    serviceBusFunction("%QUEUE%", ""),
		"unresolved/function.json": serviceBusFunction("%NOQUEUE%", ""),
	}, map[string]told{"/bad": {Status: 500}, "/bad-off": {Status: 500}, "/many-bad": {Status: 500}})
	s.options.Env["QUEUE"] = "from-setting"
	s.options.Env["AzureWebJobs.disabled.Disabled"] = "true"
	bus := newFakeBus()
	s.options.source = bus
	s.start()
	for _, c := range []struct {
		queue, want string
		messages    int
	}{{"ok", "Complete", 1}, {"bad", "Abandon", 1}, {"ok-off", "", 1}, {"bad-off", "Abandon", 1}, {"many", "Complete", 3},
		{"many-off", "", 3}, {"many-bad", "Abandon", 3}, {"one-name", "Complete", 1}, {"from-setting", "Complete", 1}} {
		var all []*busMessage
		for range c.messages {
			all = append(all, message("m"))
		}
		bus.deliver(c.queue, all...)
		name := strings.TrimPrefix(s.request().URL, "/")
		if c.want == "" {
			s.line(information, "Executed 'Functions."+name+"' (Succeeded")
			continue // a settlement would show up as the next one's
		}
		for range c.messages {
			if got := bus.settlement(t); got.Action != c.want || got.Entity == "" {
				t.Errorf("%s: %+v, want %s", c.queue, got, c.want)
			}
		}
	}
	s.line(warning, "Function 'one-name': \"autoComplete\" is read by extension 4.x")
	s.line(errorLevel, "The 'unresolved' function is in error: '%NOQUEUE%' does not resolve to a value")
}

func TestRefusedSettlementIsOneLogLine(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"bad/function.json": serviceBusFunction("bad", ""), "ok/function.json": serviceBusFunction("ok", ""),
		"many/function.json": serviceBusFunction("many", `,"cardinality":"many"`)}, map[string]told{"/bad": {Status: 500}})
	bus := newFakeBus()
	bus.refuse["Abandon"], bus.refuse["Complete"] = errLockLost, errLockLost
	s.options.source = bus
	s.start()
	bus.deliver("bad", message("m"))
	l := s.line(errorLevel, "Message processing error (Action=Abandon, ")
	if !strings.Contains(l.Text, "EntityPath=bad") || !strings.Contains(l.Text, "MessageLockLostException") {
		t.Error(l.Text)
	}
	bus.deliver("ok", message("m"))
	s.line(errorLevel, "Message processing error (Action=Complete, ")
	bus.deliver("many", message("m"), message("n"))
	s.line(errorLevel, "An unhandled exception occurred in the message batch receive loop")
	bus.deliver("ok", message("again"))
	for got := bus.settlement(t); got.MessageID != "again"; got = bus.settlement(t) {
		if got.Entity == "" {
			t.Fatal(got)
		}
	}
}

func TestLockIsRenewedAtHalfTimeForSingleDispatchOnly(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"one/function.json": serviceBusFunction("one", ""), "many/function.json": serviceBusFunction("many", `,"cardinality":"many"`)},
		map[string]told{"/one": {Delay: 600}, "/many": {Delay: 600}})
	bus := newFakeBus()
	s.options.source = bus
	s.start()
	for queue, want := range map[string][]string{"one": {"Renew", "Complete"}, "many": {"Complete"}} {
		m := message(queue)
		m.lockedUntil = time.Now().Add(400 * time.Millisecond)
		bus.deliver(queue, m)
		for _, action := range want {
			if got := bus.settlement(t).Action; got != action {
				t.Errorf("%s: %s, want %s", queue, got, action)
			}
		}
	}
}

func TestSinglesRunAtOnceUpToTheLimit(t *testing.T) {
	t.Parallel()
	host := `{"version":"2.0","extensions":{"serviceBus":{"maxConcurrentCalls":9}},"customHandler":{"description":{"defaultExecutablePath":"<handler>"}}}`
	s := newStage(t, map[string]string{"host.json": host, "q/function.json": serviceBusFunction("q", "")}, map[string]told{"/q": {Delay: 1500}})
	s.options.Env["AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls"] = "3" // overrides host.json
	bus := newFakeBus()
	s.options.source = bus
	h := s.start()
	for range 5 {
		bus.deliver("q", message("m"))
	}
	for range 3 {
		s.request()
	}
	if n := h.Invocations("q"); n != 3 {
		t.Errorf("%d at once, want 3", n)
	}
	for range 5 {
		if got := bus.settlement(t).Action; got != "Complete" {
			t.Error(got)
		}
	}
}

func TestMissingConnectionIsThatFunctionsFault(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]string{"q/function.json": serviceBusFunction("q", ""), "hello/function.json": helloFunction}, nil)
	h := s.start()
	s.line(errorLevel, "The 'q' function is in error: Service Bus account connection string with name 'SB' does not exist")
	if got := get(t, h.BaseURL()+"/api/hello"); got != 200 {
		t.Error(got)
	}
}
