package broker_test

import (
	"slices"
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
)

// ruled is a world with a subscription that has these rules.
func ruled(t *testing.T, rules ...broker.Rule) *world {
	t.Helper()
	w := newWorld(t)
	w.topic("t", broker.TopicProperties{})
	w.subscription("t", "s", broker.SubscriptionProperties{Rules: rules, DeadLetterOnFilterError: true})
	return w
}

const sub = "t/subscriptions/s"

func TestActionsMakeOneCopyEach(t *testing.T) {
	w := ruled(t,
		broker.Rule{Name: "plain", SQL: "n = 1"},
		broker.Rule{Name: "also plain"},
		broker.Rule{Name: "tags", SQL: "n = 1", Action: "SET tag = 'one'; REMOVE gone; SET sys.Label = 'labelled'"},
		broker.Rule{Name: "counts", Action: "SET n = n + 1"},
		broker.Rule{Name: "never", Never: true, Action: "SET n = 0"},
	)
	w.must(w.Send("t", &broker.Message{MessageID: "m", Subject: "s", Properties: map[string]any{"n": int32(1)}}))
	got := w.receive(sub, 10)
	if len(got) != 3 {
		t.Fatalf("%d copies", len(got))
	}
	for i, want := range []struct {
		rule, tag any
		n         any
		subject   string
	}{
		{nil, nil, int32(1), "s"}, {"tags", "one", int32(1), "labelled"}, {"counts", nil, int32(2), "s"},
	} {
		p := got[i].Properties
		if p["RuleName"] != want.rule || p["tag"] != want.tag || p["n"] != want.n || got[i].Subject != want.subject || got[i].MessageID != "m" {
			t.Errorf("copy %d: %q %v, want %+v", i, got[i].Subject, p, want)
		}
	}
}

func TestActionKeepsTypes(t *testing.T) {
	w := ruled(t, broker.Rule{Name: "r", Action: "SET text = 5; SET Double = 5; SET long = 5; SET sys.CorrelationId = 5; SET sys.To = gone; SET null = gone"})
	w.must(w.Send("t", &broker.Message{To: "x", Properties: map[string]any{"text": "a", "double": 1.5, "long": int64(1)}}))
	m := w.one(sub)
	if m.Properties["text"] != "5" || m.Properties["double"] != 5.0 || m.Properties["long"] != int64(5) || m.CorrelationID != "5" || m.To != "" || m.Properties["null"] != nil {
		t.Errorf("%+v", m)
	}
}

func TestActionThatFails(t *testing.T) {
	w := ruled(t, broker.Rule{Name: "r", Action: "SET a = 1 / n"})
	w.must(w.Send("t", &broker.Message{Properties: map[string]any{"n": 0}}))
	w.wantCounts(sub, broker.Counts{DeadLetter: 1})
	m := w.one(sub + dlq)
	w.wantReason(m, broker.ReasonFilterError, "division by zero")
	if _, set := m.Properties["RuleName"]; set {
		t.Error("the dead letter was changed by the action")
	}
}

func TestRulesChange(t *testing.T) {
	w := ruled(t, broker.Rule{Name: "a", SQL: "n = 1", Parameters: map[string]any{}})
	w.pass(time.Second)
	w.must(w.AddRule(sub, broker.Rule{Name: "B", Correlation: &broker.CorrelationFilter{Subject: "s"}}))
	w.wants(w.AddRule(sub, broker.Rule{Name: "b"}), broker.ErrExists)
	w.wants(w.AddRule(sub, broker.Rule{Name: "c", SQL: "("}), broker.ErrInvalid)
	w.wants(w.AddRule("t", broker.Rule{Name: "c"}), broker.ErrNotAllowed)
	w.wants(w.AddRule("t/subscriptions/x", broker.Rule{Name: "c"}), broker.ErrNotFound)
	w.wants(w.RemoveRule(sub, "c"), broker.ErrNotFound)
	w.wants(w.UpdateRule(sub, broker.Rule{Name: "c"}), broker.ErrNotFound)

	rules, err := w.Rules(sub)
	w.must(err)
	if len(rules) != 2 || rules[0].Name != "a" || !rules[0].CreatedAt.Equal(epoch) || rules[1].Name != "B" || !rules[1].CreatedAt.Equal(w.now) {
		t.Errorf("rules %+v", rules)
	}
	rules[1].Correlation.Subject = "changed by the caller"

	w.must(w.Send("t", &broker.Message{MessageID: "m1", Subject: "s"}))
	w.must(w.RemoveRule(sub, "b"))
	w.must(w.Send("t", &broker.Message{MessageID: "m2", Subject: "s"}))
	w.must(w.UpdateRule(sub, broker.Rule{Name: "A", SQL: "n = @p", Parameters: map[string]any{"@p": 2}}))
	w.must(w.Send("t", &broker.Message{MessageID: "m3", Properties: map[string]any{"n": 2}}, &broker.Message{MessageID: "m4", Properties: map[string]any{"n": 1}}))
	w.wantIDs(w.receive(sub, 10), "m1 m3")
	w.must(w.RemoveRule(sub, "a"))
	w.must(w.Send("t", &broker.Message{MessageID: "m5"}))
	w.wantIDs(w.receive(sub, 10), "")
}

func TestCorrelationFilterComparesAll(t *testing.T) {
	full := broker.CorrelationFilter{
		CorrelationID: "c", MessageID: "m", To: "to", ReplyTo: "reply", Subject: "s", SessionID: "session",
		ReplyToSessionID: "replysession", ContentType: "type", Properties: map[string]any{"n": 5, "text": "x", "yes": true},
	}
	message := func() *broker.Message {
		return &broker.Message{
			CorrelationID: "c", MessageID: "m", To: "to", ReplyTo: "reply", Subject: "s", SessionID: "session",
			ReplyToSessionID: "replysession", ContentType: "type", Properties: map[string]any{"N": int64(5), "text": "x", "yes": true},
		}
	}
	w := ruled(t, broker.Rule{Name: "r", Correlation: &full})
	w.must(w.Send("t", message()))
	w.wantCounts(sub, broker.Counts{Active: 1})
	for _, change := range []func(*broker.Message){
		func(m *broker.Message) { m.CorrelationID = "C" }, func(m *broker.Message) { m.MessageID = "other" },
		func(m *broker.Message) { m.To = "" }, func(m *broker.Message) { m.ReplyTo = "x" }, func(m *broker.Message) { m.Subject = "S" },
		func(m *broker.Message) { m.SessionID = "" }, func(m *broker.Message) { m.ReplyToSessionID = "x" },
		func(m *broker.Message) { m.ContentType = "x" }, func(m *broker.Message) { m.Properties["N"] = 6 },
		func(m *broker.Message) { delete(m.Properties, "text") }, func(m *broker.Message) { m.Properties["yes"] = "true" },
	} {
		m := message()
		change(m)
		w.must(w.Send("t", m))
	}
	w.wantCounts(sub, broker.Counts{Active: 1})
}

func TestActionMovesToAnotherSession(t *testing.T) {
	w := newWorld(t)
	w.topic("t", broker.TopicProperties{})
	w.subscription("t", "s", broker.SubscriptionProperties{RequiresSession: true, Rules: []broker.Rule{
		{Name: "r", Action: "SET sys.SessionId = customer"},
	}})
	w.must(w.Send("t", &broker.Message{MessageID: "1", Properties: map[string]any{"customer": "US-001"}}, &broker.Message{MessageID: "2"}))
	ids, err := w.Sessions(sub, time.Time{}, 0, 10)
	w.must(err)
	if !slices.Equal(ids, []string{"US-001"}) {
		t.Errorf("sessions %q", ids)
	}
	w.wantCounts(sub, broker.Counts{Active: 1, DeadLetter: 1})
}
