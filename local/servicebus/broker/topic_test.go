package broker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
	"crosswalk/shared/topology"
)

func TestFanOut(t *testing.T) {
	w := newWorld(t)
	w.topic("t", broker.TopicProperties{DuplicateDetection: time.Minute})
	subscribe := func(name string, rules ...broker.Rule) {
		t.Helper()
		w.subscription("T", name, broker.SubscriptionProperties{Rules: rules})
	}
	w.subscription("t", "all", broker.SubscriptionProperties{})
	w.subscription("t", "none", broker.SubscriptionProperties{Rules: []broker.Rule{}})
	subscribe("red", broker.Rule{Name: "r", SQL: "Colour = 'red'"}) // names of properties have no case
	subscribe("twice", broker.Rule{Name: "r", SQL: "colour = 'red'"}, broker.Rule{Name: "s", SQL: "size > 1"}, broker.Rule{Name: "u"})
	subscribe("correlated", broker.Rule{Name: "r", Correlation: &broker.CorrelationFilter{Subject: "order", Properties: map[string]any{"size": int64(2)}}})
	subscribe("system", broker.Rule{Name: "r", SQL: "sys.Label = 'order' AND sys.MessageId LIKE 'b%' AND sys.To IS NULL AND sys.size < 100 AND EXISTS(sys.EnqueuedTimeUtc)"})
	w.must(w.Send("t",
		&broker.Message{MessageID: "a", Properties: map[string]any{"colour": "red", "size": int32(2)}},
		&broker.Message{MessageID: "b", Properties: map[string]any{"colour": "blue", "size": int32(2)}, Subject: "order"},
		&broker.Message{MessageID: "c"},
		&broker.Message{MessageID: "a"}, // a duplicate
	))
	for name, want := range map[string]string{"all": "a b c", "none": "", "red": "a", "twice": "a b c", "correlated": "b", "system": "b"} {
		ms := w.receive("t/Subscriptions/"+name, 9)
		w.wantIDs(ms, want)
		for _, m := range ms {
			if want := int64(strings.Index("abc", m.MessageID) + 1); m.EnqueuedSequenceNumber != want {
				t.Errorf("%s, %s: enqueued sequence number %d, want the topic's %d", name, m.MessageID, m.EnqueuedSequenceNumber, want)
			}
			if m.Properties != nil {
				m.Properties["colour"] = "spoilt" // copies have nothing in common
			}
		}
	}
	if got := w.peek("t/subscriptions/all")[0].Properties["colour"]; got != "red" {
		t.Errorf("colour %v", got)
	}
	// Settling in one subscription leaves the others as they are.
	w.pass(broker.DefaultLockDuration)
	w.must(w.Settle("t/subscriptions/red", w.one("t/subscriptions/red").LockToken, broker.Disposition{Kind: broker.DeadLetter, Reason: "r"}))
	w.wantCounts("t/subscriptions/red", broker.Counts{DeadLetter: 1})
	if p := w.one("t/subscriptions/all").Properties; p["DeadLetterReason"] != nil {
		t.Errorf("properties %v", p)
	}
}

func TestCorrelationFilter(t *testing.T) {
	full := broker.Message{MessageID: "m", CorrelationID: "c", To: "to", ReplyTo: "r", Subject: "s", SessionID: "se", ReplyToSessionID: "rs", ContentType: "ct",
		Properties: map[string]any{"p": 1, "Q": "x"}}
	for i, c := range []struct {
		f    broker.CorrelationFilter
		want bool
	}{
		{broker.CorrelationFilter{}, true},
		{broker.CorrelationFilter{MessageID: "m", CorrelationID: "c", To: "to", ReplyTo: "r", Subject: "s", SessionID: "se", ReplyToSessionID: "rs", ContentType: "ct",
			Properties: map[string]any{"p": int64(1), "q": "x"}}, true},
		{broker.CorrelationFilter{MessageID: "M"}, false},
		{broker.CorrelationFilter{CorrelationID: "x"}, false},
		{broker.CorrelationFilter{To: "x"}, false},
		{broker.CorrelationFilter{ReplyTo: "x"}, false},
		{broker.CorrelationFilter{Subject: "x"}, false},
		{broker.CorrelationFilter{SessionID: "x"}, false},
		{broker.CorrelationFilter{ReplyToSessionID: "x"}, false},
		{broker.CorrelationFilter{ContentType: "x"}, false},
		{broker.CorrelationFilter{Properties: map[string]any{"p": "1"}}, false},
		{broker.CorrelationFilter{Properties: map[string]any{"gone": 1}}, false},
		{broker.CorrelationFilter{Subject: "s", Properties: map[string]any{"p": 2}}, false},
	} {
		w := newWorld(t)
		w.topic("t", broker.TopicProperties{})
		w.subscription("t", "s", broker.SubscriptionProperties{Rules: []broker.Rule{{Name: "r", Correlation: &c.f}}})
		m := full
		w.must(w.Send("t", &m))
		if got := w.counts("t/subscriptions/s").Active == 1; got != c.want {
			t.Errorf("case %d: %v", i, got)
		}
	}
}

func TestFilterError(t *testing.T) {
	for _, wanted := range []bool{true, false} {
		w := newWorld(t)
		w.topic("t", broker.TopicProperties{})
		w.subscription("t", "s", broker.SubscriptionProperties{DeadLetterOnFilterError: wanted, Rules: []broker.Rule{{Name: "r", SQL: "1 / size = 1"}}})
		w.must(w.Send("t",
			&broker.Message{MessageID: "bad", Properties: map[string]any{"size": 0}},
			&broker.Message{MessageID: "good", Properties: map[string]any{"size": 1}},
			&broker.Message{MessageID: "unknown"},
		))
		w.wantIDs(w.receive("t/subscriptions/s", 9), "good")
		d := w.peek("t/subscriptions/s" + dlq)
		if !wanted {
			w.wantIDs(d, "")
			continue
		}
		w.wantIDs(d, "bad")
		w.wantReason(d[0], broker.ReasonFilterError, "division by zero")
	}
}

func TestForward(t *testing.T) {
	w := newWorld(t)
	w.queue("work", broker.QueueProperties{})
	w.topic("t", broker.TopicProperties{})
	w.send("t", "nobody's") // the topic's number 1
	w.subscription("t", "s", broker.SubscriptionProperties{ForwardTo: "work"})
	w.send("work", "direct")
	w.must(w.Send("t", &broker.Message{MessageID: "a", CorrelationID: "c", Properties: map[string]any{"k": "v"}, Body: []byte("x"), Wire: 5}))
	ms := w.receive("work", 9)
	w.wantIDs(ms, "direct a")
	m := ms[1]
	if m.SequenceNumber != 2 || m.EnqueuedSequenceNumber != 2 || m.Properties["k"] != "v" || len(m.Properties) != 1 || m.CorrelationID != "c" ||
		string(m.Body) != "x" || m.Wire != 5 || !m.EnqueuedTime.Equal(w.now) {
		t.Errorf("forwarded %+v", m)
	}
	w.wantCounts("t/subscriptions/s", broker.Counts{})
	_, err := w.Receive("t/subscriptions/s", 1, broker.PeekLock)
	w.wants(err, broker.ErrNotAllowed)
	_, err = w.ReceiveDeferred("t/subscriptions/s", []int64{1}, broker.PeekLock)
	w.wants(err, broker.ErrNotAllowed)
}

func TestForwardFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks func(w *world)
		reason string
	}{
		{"deleted", func(w *world) { w.must(w.Delete("work")) }, broker.ReasonForwardTarget},
		{"disabled", func(w *world) { w.must(w.SetStatus("work", broker.Disabled)) }, broker.ReasonForwardTarget},
		{"closed for sending", func(w *world) { w.must(w.SetStatus("work", broker.SendDisabled)) }, broker.ReasonForwardTarget},
		{"full", func(w *world) { w.must(w.Send("work", &broker.Message{Size: 100})) }, broker.ReasonForwardQuota},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.queue("work", broker.QueueProperties{MaxSize: 100})
			w.topic("t", broker.TopicProperties{})
			w.subscription("t", "s", broker.SubscriptionProperties{ForwardTo: "work"})
			w.subscription("t", "healthy", broker.SubscriptionProperties{})
			c.breaks(w)
			w.must(w.Send("t", &broker.Message{MessageID: "a", Size: 1}))
			w.wantCounts("t/subscriptions/s", broker.Counts{DeadLetter: 1})
			d := w.one("t/subscriptions/s" + dlq)
			w.wantReason(d, c.reason, "work")
			w.wantIDs(w.receive("t/subscriptions/healthy", 9), "a")
		})
	}
}

func TestForwardHops(t *testing.T) {
	w := newWorld(t)
	w.queue("q5", broker.QueueProperties{})
	for i := 4; i >= 0; i-- {
		w.queue(fmt.Sprintf("q%d", i), broker.QueueProperties{ForwardTo: fmt.Sprintf("q%d", i+1)})
	}
	w.send("q1", "four hops")
	m := w.one("q5")
	if m.MessageID != "four hops" || m.EnqueuedSequenceNumber != 1 {
		t.Errorf("forwarded %+v", m)
	}
	w.send("q0", "five hops")
	w.wantCounts("q5", broker.Counts{Locked: 1})
	w.wantCounts("q4", broker.Counts{DeadLetter: 1})
	w.wantReason(w.one("q4"+dlq), "MaxTransferHopCountExceeded", "4")
}

func TestForwardRing(t *testing.T) {
	w := newWorld(t)
	w.queue("b", broker.QueueProperties{})
	w.queue("a", broker.QueueProperties{ForwardTo: "b"})
	w.must(w.Delete("b"))
	w.queue("b", broker.QueueProperties{ForwardTo: "a", ForwardDeadLetteredTo: "a"})
	w.send("a", "x")
	w.wantCounts("a", broker.Counts{DeadLetter: 1}) // a b a b a
	w.send("b", "y")
	w.wantCounts("b", broker.Counts{DeadLetter: 1}) // nor is it forwarded from there
}

func TestForwardToTopicAndDuplicates(t *testing.T) {
	w := newWorld(t)
	w.topic("t", broker.TopicProperties{DuplicateDetection: time.Minute})
	w.subscription("t", "s", broker.SubscriptionProperties{})
	w.queue("q", broker.QueueProperties{ForwardTo: "t"})
	w.send("q", "a", "a", "b")
	w.wantIDs(w.receive("t/subscriptions/s", 9), "a b")
	w.wantCounts("q", broker.Counts{})
}

func TestTopicLife(t *testing.T) {
	w := newWorld(t)
	w.topic("t", broker.TopicProperties{DefaultTTL: time.Minute})
	w.subscription("t", "long", broker.SubscriptionProperties{DefaultTTL: time.Hour})
	w.subscription("t", "short", broker.SubscriptionProperties{DefaultTTL: time.Second, DeadLetterOnExpiry: true})
	w.send("t", "a")
	for name, want := range map[string]time.Duration{"long": time.Minute, "short": time.Second} {
		if got := w.peek("t/subscriptions/" + name)[0].TTL; got != want {
			t.Errorf("%s: time to live %v, want %v", name, got, want)
		}
	}
	w.pass(time.Minute)
	w.wantCounts("t/subscriptions/long", broker.Counts{})
	w.wantCounts("t/subscriptions/short", broker.Counts{DeadLetter: 1})
}

func TestEntities(t *testing.T) {
	w := newWorld(t)
	w.queue("Q", broker.QueueProperties{})
	w.topic("T", broker.TopicProperties{})
	w.subscription("T", "S", broker.SubscriptionProperties{})
	for _, address := range []string{"q", "Q", "q/$deadletterqueue", "Q/$Transfer/$DeadLetterQueue", "t", "t/subscriptions/s", "T/SUBSCRIPTIONS/S/$DEADLETTERQUEUE", "t/subscriptions/s" + transfer} {
		w.must(w.Exists(address))
	}
	for _, address := range []string{"", "x", "q/", "t/s", "t/$DeadLetterQueue", "t/subscriptions/x"} {
		w.wants(w.Exists(address), broker.ErrNotFound)
		_, err := w.Receive(address, 1, broker.PeekLock)
		w.wants(err, broker.ErrNotFound)
		_, err = w.ReceiveDeferred(address, nil, broker.PeekLock)
		w.wants(err, broker.ErrNotFound)
		_, err = w.Peek(address, 0, 1)
		w.wants(err, broker.ErrNotFound)
		_, err = w.Counts(address)
		w.wants(err, broker.ErrNotFound)
		w.wants(w.Send(address, &broker.Message{}), broker.ErrNotFound)
	}
	w.wants(w.CreateQueue("t", broker.QueueProperties{}), broker.ErrExists)
	w.wants(w.CreateTopic("q", broker.TopicProperties{}), broker.ErrExists)
	w.wants(w.CreateSubscription("t", "s", broker.SubscriptionProperties{}), broker.ErrExists)
	w.wants(w.CreateSubscription("x", "s", broker.SubscriptionProperties{}), broker.ErrNotFound)
	w.wants(w.CreateSubscription("q", "s", broker.SubscriptionProperties{}), broker.ErrNotAllowed)
	for _, name := range []string{"", "/a", "a/", "a b", "a$", "a/Subscriptions/b", strings.Repeat("a", 261)} {
		w.wants(w.CreateQueue(name, broker.QueueProperties{}), broker.ErrInvalid)
		w.wants(w.CreateTopic(name, broker.TopicProperties{}), broker.ErrInvalid)
		w.wants(w.CreateSubscription("t", name, broker.SubscriptionProperties{}), broker.ErrInvalid)
	}
	w.wants(w.CreateSubscription("t", strings.Repeat("a", 51), broker.SubscriptionProperties{}), broker.ErrInvalid)
	w.wants(w.CreateSubscription("t", "a/b", broker.SubscriptionProperties{}), broker.ErrInvalid)
	for _, p := range []broker.QueueProperties{{LockDuration: 301 * time.Second}, {LockDuration: -1}, {MaxDeliveryCount: -1}, {DefaultTTL: -1}, {RequiresSession: true, ForwardTo: "q"}} {
		w.wants(w.CreateQueue("new", p), broker.ErrInvalid)
	}
	w.wants(w.CreateQueue("new", broker.QueueProperties{ForwardTo: "gone"}), broker.ErrNotFound)
	w.wants(w.CreateQueue("new", broker.QueueProperties{ForwardDeadLetteredTo: "gone"}), broker.ErrNotFound)
	w.wants(w.CreateQueue("new", broker.QueueProperties{ForwardTo: "t/subscriptions/s"}), broker.ErrNotAllowed)
	w.wants(w.Exists("new"), broker.ErrNotFound)

	_, err := w.Receive("t", 1, broker.PeekLock)
	w.wants(err, broker.ErrNotAllowed)
	_, err = w.Watch("t", func() {})
	w.wants(err, broker.ErrNotAllowed)
	w.wants(w.Send("t/subscriptions/s", &broker.Message{}), broker.ErrNotAllowed)
	w.wants(w.Delete("q"+dlq), broker.ErrNotAllowed)
	w.wants(w.SetStatus("q"+dlq, broker.Disabled), broker.ErrNotAllowed)
	w.wants(w.Delete("x"), broker.ErrNotFound)
	w.wants(w.SetStatus("x", broker.Disabled), broker.ErrNotFound)
	w.queue("sessions", broker.QueueProperties{RequiresSession: true})
	_, err = w.Receive("sessions", 1, broker.PeekLock)
	w.wants(err, broker.ErrSessionRequired)

	w.send("t", "a")
	w.must(w.Delete("t/subscriptions/s"))
	if c, _ := w.Counts("t"); c.Size != 0 {
		t.Errorf("%d bytes left", c.Size)
	}
	w.send("t", "b")
	w.subscription("t", "s", broker.SubscriptionProperties{})
	w.must(w.Delete("t"))
	w.wants(w.Exists("t/subscriptions/s"+dlq), broker.ErrNotFound)
	w.must(w.Send("q", &broker.Message{TTL: time.Second}))
	w.must(w.Delete("q"))
	if _, ok := w.Advance(); ok {
		t.Error("something is due for a queue that's gone")
	}
}

func TestRules(t *testing.T) {
	w := newWorld(t)
	w.topic("t", broker.TopicProperties{})
	for _, c := range []struct {
		rules []broker.Rule
		want  error
	}{
		{[]broker.Rule{{Name: "r", SQL: "a ="}}, broker.ErrInvalid},
		{[]broker.Rule{{SQL: "1=1"}}, broker.ErrInvalid},
		{[]broker.Rule{{Name: strings.Repeat("a", 51)}}, broker.ErrInvalid},
		{[]broker.Rule{{Name: "a"}, {Name: "A"}}, broker.ErrInvalid},
		{[]broker.Rule{{Name: "a", SQL: "1=1", Correlation: &broker.CorrelationFilter{}}}, broker.ErrInvalid},
		{[]broker.Rule{{Name: "a", SQL: "1=1", Never: true}}, broker.ErrInvalid},
		{[]broker.Rule{{Name: "a", Action: "SET a"}}, broker.ErrInvalid},
		{[]broker.Rule{{Name: "a", Action: "SET sys.SequenceNumber = 1"}}, broker.ErrInvalid},
	} {
		w.wants(w.CreateSubscription("t", "s", broker.SubscriptionProperties{Rules: c.rules}), c.want)
	}
	w.wants(w.Exists("t/subscriptions/s"), broker.ErrNotFound)
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		status          broker.Status
		exists, in, out error
	}{
		{broker.Enabled, nil, nil, nil},
		{broker.Disabled, broker.ErrDisabled, broker.ErrDisabled, broker.ErrDisabled},
		{broker.SendDisabled, nil, broker.ErrDisabled, nil},
		{broker.ReceiveDisabled, nil, nil, broker.ErrDisabled},
	} {
		w := newWorld(t)
		w.queue("q", broker.QueueProperties{})
		w.send("q", "a", "b")
		held := w.one("q")
		w.must(w.SetStatus("q", c.status))
		w.wants(w.Exists("q"), c.exists)
		w.wants(w.Exists("q"+dlq), c.exists)
		w.wants(w.Send("q", &broker.Message{}), c.in)
		for _, address := range []string{"q", "q" + dlq} {
			_, err := w.Receive(address, 1, broker.PeekLock)
			w.wants(err, c.out)
			_, err = w.Peek(address, 0, 1)
			w.wants(err, c.out)
			_, err = w.ReceiveDeferred(address, nil, broker.PeekLock)
			w.wants(err, c.out)
		}
		w.settle("q", held, broker.Complete) // what is held can be settled
	}
	w := newWorld(t)
	w.topic("t", broker.TopicProperties{})
	w.subscription("t", "s", broker.SubscriptionProperties{Status: broker.Disabled})
	w.send("t", "a") // a disabled subscription collects
	w.must(w.SetStatus("t/subscriptions/s", broker.Enabled))
	w.wantIDs(w.receive("t/subscriptions/s", 1), "a")
}

// TestTopology runs the product's own topology: each function's queue gets what its rules select, once.
func TestTopology(t *testing.T) {
	w := newWorld(t)
	top := topology.Default()
	w.topic(top.Topic.Name, broker.TopicProperties{DuplicateDetection: time.Duration(top.Topic.DuplicateDetection)})
	w.subscription(top.Topic.Name, top.Topic.Unrouted, broker.SubscriptionProperties{Rules: []broker.Rule{{Name: "unrouted", SQL: topology.UnroutedSQL()}}})
	types := map[string]bool{"nobody.asked": true}
	for _, f := range top.Functions {
		w.queue(f.Name, broker.QueueProperties{})
		p := broker.SubscriptionProperties{ForwardTo: f.Name}
		for i, r := range f.Events {
			p.Rules = append(p.Rules, broker.Rule{Name: fmt.Sprint("rule", i), SQL: r.SQL()})
			types[strings.ReplaceAll(r.Type, "*", "x")] = true
		}
		w.subscription(top.Topic.Name, f.Name, p)
	}
	if len(types) < 2 {
		t.Fatal("the topology has no rule")
	}
	for eventType := range types {
		routes := top.Routes(eventType, "/fno/demf")
		properties := map[string]any{"cloudEvents:type": eventType, "cloudEvents:source": "/fno/demf"}
		if len(routes) == 0 {
			properties[topology.UnroutedProperty] = true
		}
		w.must(w.Send(top.Topic.Name, &broker.Message{MessageID: eventType, Properties: properties}))
		for _, f := range top.Functions {
			want := ""
			for _, r := range routes {
				if r == f.Name {
					want = eventType
				}
			}
			w.wantIDs(w.receive(f.Name, 9), want)
		}
	}
	w.wantIDs(w.receive(top.Topic.Name+"/Subscriptions/"+top.Topic.Unrouted, 9), "nobody.asked")
}
