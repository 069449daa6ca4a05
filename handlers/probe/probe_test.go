package probe_test

import (
	"encoding/json"
	"testing"

	"crosswalk/handlers/probe"
	"crosswalk/shared/customhandler"
	"crosswalk/shared/fault"
)

func TestAProbeIsSettledAsItAsks(t *testing.T) {
	for _, c := range []struct {
		name, body string
		attempt    int
		kind       fault.Kind
		reason     string
	}{
		{"reject", `{"then":"reject"}`, 1, fault.Permanent, probe.Reason},
		{"copy", `{"then":"copy"}`, 1, fault.Transient, probe.Reason},
		{"the copy", `{"then":"copy"}`, 2, fault.Permanent, probe.Reason},
		{"nothing known", `{"then":"write"}`, 1, fault.Permanent, "bad-value"},
		{"no JSON", `then`, 1, fault.Permanent, "bad-value"},
		{"no body", ``, 1, fault.Permanent, "bad-value"},
	} {
		m := customhandler.Message{Body: []byte(c.body), DeliveryCount: 3, Properties: map[string]any{"cloudEvents:type": probe.Type}}
		if c.attempt > 1 {
			m.Properties["cwattempt"] = json.Number("2")
		}
		if !probe.IsProbe(m.Properties) {
			t.Fatal("it isn't taken for a probe")
		}
		_, err := probe.Handle(t.Context(), m)
		f := fault.Of(err)
		if f == nil || f.Kind != c.kind || f.Reason != c.reason {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		answer, ok := probe.ReadAnswer(f.Detail)
		if c.kind == fault.Permanent && c.reason == probe.Reason && (!ok || answer != probe.Answer{Attempt: c.attempt, Delivery: 3}) {
			t.Errorf("%s: answer %+v in %q", c.name, answer, f.Detail)
		}
	}
	if probe.IsProbe(map[string]any{"cloudEvents:type": "dataverse.account.updated"}) || probe.IsProbe(nil) {
		t.Error("an event is taken for a probe")
	}
	if _, ok := probe.ReadAnswer("given up after 12 attempts"); ok {
		t.Error("another description is taken for an answer")
	}
}
