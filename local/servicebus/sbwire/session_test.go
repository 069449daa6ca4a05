package sbwire

import (
	"reflect"
	"testing"
	"time"

	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

func TestSessionFilterIsEchoedInItsForm(t *testing.T) {
	descriptor := uint64(0x137000000C)
	other := wire.Entry{Key: wire.Symbol("other"), Value: "x"}
	for name, c := range map[string]struct {
		asked any
		want  sessionFilter
		echo  any
	}{
		"Go, named":   {wire.Described{Descriptor: descriptor, Value: "a"}, sessionFilter{id: "a"}, wire.Described{Descriptor: descriptor, Value: "a"}},
		"Go, next":    {wire.Described{Descriptor: descriptor}, sessionFilter{next: true}, wire.Described{Descriptor: descriptor, Value: "free"}},
		"Go, blank":   {wire.Described{Descriptor: descriptor, Value: ""}, sessionFilter{}, wire.Described{Descriptor: descriptor, Value: ""}},
		".NET, named": {"a", sessionFilter{id: "a"}, "a"},
		".NET, next":  {nil, sessionFilter{next: true}, "free"},
	} {
		source := &wire.Source{Filter: wire.Map{other, {Key: wire.Symbol(filterSession), Value: c.asked}}}
		f, ok, err := sessionFilterOf(source)
		c.want.place, c.want.form = 1, c.asked
		if err != nil || !ok || !reflect.DeepEqual(f, c.want) {
			t.Errorf("%s: %+v, %v, %v", name, f, ok, err)
			continue
		}
		id := f.id
		if f.next {
			id = "free"
		}
		answer := f.echo(source, id)
		if want := (wire.Map{other, {Key: wire.Symbol(filterSession), Value: c.echo}}); !reflect.DeepEqual(answer.Filter, want) {
			t.Errorf("%s: echoed %v, want %v", name, answer.Filter, want)
		}
		if !reflect.DeepEqual(source.Filter[1].Value, c.asked) {
			t.Errorf("%s: the source that was asked for has changed", name)
		}
	}
	if _, ok, err := sessionFilterOf(&wire.Source{Filter: wire.Map{{Key: filterSession, Value: int32(1)}}}); !ok || err == nil {
		t.Errorf("a number for a session: %v, %v", ok, err)
	}
	if _, ok, err := sessionFilterOf(&wire.Source{Filter: wire.Map{other}}); ok || err != nil {
		t.Errorf("no session filter: %v, %v", ok, err)
	}
}

func TestTicks(t *testing.T) {
	// The round trip of the SDK: (ticks - 621355968000000000) / 10000 ms since 1970.
	at := time.Date(2026, 7, 1, 12, 0, 0, 123_456_700, time.UTC)
	if got := ticks(at); got != 639_185_040_001_234_567 || (got-621_355_968_000_000_000)/10_000 != at.UnixMilli() {
		t.Errorf("%d", got)
	}
	if got := ticks(time.Time{}); got != 0 {
		t.Errorf("the year 1 is %d", got)
	}
}

func TestSessionOperationsNeedTheirHolder(t *testing.T) {
	s := newService(t, nil)
	if err := s.b.CreateQueue("s", broker.QueueProperties{RequiresSession: true}); err != nil {
		t.Fatal(err)
	}
	lock, err := s.b.AcceptSession("s", "a")
	if err != nil {
		t.Fatal(err)
	}
	id := wire.Map{{Key: "session-id", Value: "a"}}
	listing := wire.Map{{Key: "last-updated-time", Value: time.UnixMilli(253402300800000)}, {Key: "skip", Value: int32(0)}, {Key: "top", Value: int32(10)}}
	for _, c := range []struct {
		operation string
		body      wire.Map
		want      int32
	}{
		{"renew-session-lock", wire.Map{}, 400}, {"renew-session-lock", wire.Map{{Key: "session-id", Value: int32(1)}}, 400},
		// The lock of this session isn't one of a link.
		{"renew-session-lock", id, 410}, {"get-session-state", id, 410}, {"set-session-state", id, 410},
		{"receive-by-sequence-number", append(id, wire.Entry{Key: "sequence-numbers", Value: wire.Longs([]int64{1})}), 410},
		{"receive-by-sequence-number", wire.Map{{Key: "sequence-numbers", Value: wire.Longs([]int64{1})}}, 400},
		{"get-message-sessions", wire.Map{}, 400}, {"get-message-sessions", listing, 204},
		{"peek-message", append(id, wire.Entry{Key: "from-sequence-number", Value: int64(0)}, wire.Entry{Key: "message-count", Value: int32(1)}), 204},
	} {
		if r := (management{s: s, entity: "s"}).handle(request{operation: "com.microsoft:" + c.operation, body: c.body}); r.code != c.want {
			t.Errorf("%s %v: %d %s, want %d", c.operation, c.body, r.code, r.description, c.want)
		}
	}
	if err := s.b.SetSessionState("s", lock.Token, []byte("x")); err != nil {
		t.Fatal(err)
	}
	r := management{s: s, entity: "s"}.handle(request{operation: "com.microsoft:get-message-sessions", body: listing})
	if got := wire.Items(r.body.Get("sessions-ids")); r.code != 200 || !reflect.DeepEqual(got, []any{"a"}) || r.body.Get("skip") != int32(1) {
		t.Errorf("%+v", r)
	}
}

func TestRuleOperations(t *testing.T) {
	s := newService(t, nil)
	for _, err := range []error{
		s.b.CreateTopic("t", broker.TopicProperties{}),
		s.b.CreateSubscription("t", "s", broker.SubscriptionProperties{}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	do := func(operation string, body wire.Map, want int32) response {
		t.Helper()
		r := management{s: s, entity: "t/Subscriptions/s"}.handle(request{operation: "com.microsoft:" + operation, body: body})
		if r.code != want {
			t.Errorf("%s %v: %d %s, want %d", operation, body, r.code, r.description, want)
		}
		return r
	}
	add := func(name, kind string, filter wire.Map, want int32) {
		t.Helper()
		description := wire.Map{{Key: kind, Value: filter}, {Key: "sql-rule-action", Value: wire.Map{{Key: "expression", Value: "SET a = 1"}}}}
		do("add-rule", wire.Map{{Key: "rule-name", Value: name}, {Key: "rule-description", Value: description}}, want)
	}
	expression := func(text string) wire.Map { return wire.Map{{Key: "expression", Value: text}} }
	add("sql", "sql-filter", expression("a = 1"), 200)
	add("sql", "sql-filter", expression("a = 1"), 409)
	add("bad", "sql-filter", expression("a ="), 400)
	add("bad", "sql-filter", wire.Map{}, 400)
	add("none", "sql-filter", expression("1=0"), 200)
	add("correlation", "correlation-filter", wire.Map{{Key: "label", Value: "l"}, {Key: "properties", Value: wire.Map{{Key: "n", Value: int32(5)}}}}, 200)
	do("add-rule", wire.Map{}, 400)
	do("remove-rule", wire.Map{}, 400)
	do("remove-rule", wire.Map{{Key: "rule-name", Value: "gone"}}, 404)
	do("enumerate-rules", wire.Map{}, 400)
	page := func(skip, top int32) wire.Map {
		return wire.Map{{Key: "skip", Value: skip}, {Key: "top", Value: top}}
	}
	do("enumerate-rules", page(9, 1), 204)
	r := do("enumerate-rules", page(0, 100), 200)
	var got []uint64
	for _, item := range wire.Items(r.body.Get("rules")) {
		described := item.(wire.Map).Get("rule-description").(wire.Described)
		fields := described.Value.(wire.List)
		if described.Descriptor != descriptorRule || len(fields) != 4 {
			t.Fatalf("%+v", described)
		}
		got = append(got, fields[0].(wire.Described).Descriptor.(uint64), fields[1].(wire.Described).Descriptor.(uint64))
	}
	want := []uint64{
		descriptorTrue, descriptorNoAction, descriptorSQL, descriptorAction, descriptorFalse, descriptorAction, descriptorCorrelation, descriptorAction,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("descriptors %x, want %x", got, want)
	}
	if _, err := wire.AppendValue(nil, r.body); err != nil {
		t.Error(err)
	}
	do("remove-rule", wire.Map{{Key: "rule-name", Value: "SQL"}}, 200)
	if r := do("enumerate-rules", page(1, 1), 200); len(wire.Items(r.body.Get("rules"))) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestChangedPropertiesAreSent(t *testing.T) {
	text := func(s string) *string { return &s }
	kind := wire.Symbol("text/plain")
	w := &wire.Message{Properties: &wire.Properties{
		MessageID: "m", Subject: text("s"), To: text("to"), GroupID: text("a"), ReplyToGroupID: text(""), ContentType: &kind, UserID: []byte("u"),
	}}
	m := &broker.Message{
		MessageID: "m", Subject: "new", ReplyTo: "r", SessionID: "b", ContentType: "text/plain", CorrelationID: "c", Wire: w,
		Properties: map[string]any{"id": [16]byte{1}},
	}
	encoded, err := encode(m, false)
	if err != nil {
		t.Fatal(err)
	}
	back, err := wire.ParseMessage(encoded)
	if err != nil {
		t.Fatal(err)
	}
	want := &wire.Properties{
		MessageID: "m", Subject: text("new"), ReplyTo: text("r"), GroupID: text("b"), ReplyToGroupID: text(""), ContentType: &kind,
		CorrelationID: "c", UserID: []byte("u"),
	}
	if !reflect.DeepEqual(back.Properties, want) {
		t.Errorf("properties %+v, want %+v", back.Properties, want)
	}
	if id := back.ApplicationProperties.Get("id"); id != (wire.UUID{1}) {
		t.Errorf("id is %T %v", id, id)
	}
	if *w.Properties.Subject != "s" {
		t.Error("the stored message has changed")
	}
}
