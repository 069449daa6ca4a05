package sbwire

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"testing"

	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

func newService(t testing.TB, logf func(string, ...any)) *Service {
	t.Helper()
	b := broker.New(broker.Options{})
	if err := b.CreateQueue("q", broker.QueueProperties{}); err != nil {
		t.Fatal(err)
	}
	return New(b, Options{Logf: logf, RefusalDelay: 1})
}

func TestUnknownOperationIs501AndLogged(t *testing.T) {
	var logged []string
	s := newService(t, func(format string, args ...any) { logged = append(logged, fmt.Sprintf(format, args...)) })
	r := management{s: s, entity: "q"}.handle(request{operation: "com.microsoft:do-as-i-mean", body: wire.Map{}})
	if r.code != 501 || len(logged) != 1 {
		t.Errorf("code %d, log %q", r.code, logged)
	}
}

func TestBadArgumentsAre400(t *testing.T) {
	s := newService(t, nil)
	token := wire.UUIDs([]wire.UUID{{1}})
	for _, c := range []struct {
		operation string
		body      any
		want      int32
	}{
		{"renew-lock", nil, 400},
		{"renew-lock", "text", 400},
		{"renew-lock", wire.Map{}, 400},
		{"renew-lock", wire.Map{{Key: "lock-tokens", Value: wire.Longs([]int64{1})}}, 400},
		{"renew-lock", wire.Map{{Key: "lock-tokens", Value: token}}, 410},
		{"peek-message", wire.Map{{Key: "from-sequence-number", Value: int64(0)}}, 400},
		{"peek-message", wire.Map{{Key: "from-sequence-number", Value: "0"}, {Key: "message-count", Value: int32(1)}}, 400},
		{"peek-message", wire.Map{{Key: "from-sequence-number", Value: int64(0)}, {Key: "message-count", Value: int32(-1)}}, 400},
		{"peek-message", wire.Map{{Key: "from-sequence-number", Value: int64(0)}, {Key: "message-count", Value: int32(1)}}, 204},
		{"receive-by-sequence-number", wire.Map{{Key: "sequence-numbers", Value: wire.Longs([]int64{5})}}, 204},
		{"receive-by-sequence-number", wire.Map{{Key: "sequence-numbers", Value: wire.Symbols("x")}}, 400},
		{"update-disposition", wire.Map{{Key: "lock-tokens", Value: token}, {Key: "disposition-status", Value: "nonsense"}}, 400},
		{"update-disposition", wire.Map{{Key: "lock-tokens", Value: token}, {Key: "disposition-status", Value: "completed"}}, 410},
		{"schedule-message", wire.Map{{Key: "messages", Value: wire.List{"x"}}}, 400},
		{"schedule-message", wire.Map{{Key: "messages", Value: wire.List{wire.Map{{Key: "message", Value: []byte("x")}}}}}, 400},
		{"cancel-scheduled-message", wire.Map{{Key: "sequence-numbers", Value: wire.Longs([]int64{5})}}, 404},
	} {
		if r := (management{s: s, entity: "q"}).handle(request{operation: "com.microsoft:" + c.operation, body: c.body}); r.code != c.want {
			t.Errorf("%s %v: %d %s, want %d", c.operation, c.body, r.code, r.description, c.want)
		}
	}
}

func TestPutToken(t *testing.T) {
	c := &connection{s: newService(t, nil)}
	for name, want := range map[string]int32{
		"amqp://127.0.0.1:5672/q":                          202,
		"sb://localhost/Q":                                 202,
		"amqps://ns.servicebus.windows.net/q/$management":  202,
		"amqp://h/q/$DeadLetterQueue/$management":          202,
		"amqp://h/q/$Transfer/$DeadLetterQueue":            202,
		"q":                                                202,
		"amqp://h/":                                        202,
		"amqp://h/nowhere":                                 404,
		"amqp://h/nowhere/$management":                     404,
		"amqp://h/topic/Subscriptions/nothing/$management": 404,
	} {
		r := c.putToken(request{operation: "put-token", properties: wire.Map{{Key: "name", Value: name}}})
		if r.code != want {
			t.Errorf("%s: %d %s, want %d", name, r.code, r.description, want)
		}
		for _, key := range []string{"status-code", "statusCode"} {
			if got := r.properties().Get(key); got != want {
				t.Errorf("%s: %s is %T %v", name, key, got, got)
			}
		}
	}
	if r := c.putToken(request{operation: "put-token"}); r.code != 400 {
		t.Errorf("without a name: %d", r.code)
	}
	if r := c.putToken(request{operation: "delete-token"}); r.code != 501 {
		t.Errorf("unknown operation: %d", r.code)
	}
}

func TestSettlementMapping(t *testing.T) {
	info := func(key any) wire.Map {
		return wire.Map{{Key: key, Value: "r"}, {Key: "DeadLetterErrorDescription", Value: "d"}, {Key: "attempt", Value: int64(3)}}
	}
	extra := map[string]any{"attempt": int64(3)}
	for name, c := range map[string]struct {
		state     wire.State
		want      broker.Disposition
		confirmed wire.State
	}{
		"accepted":             {wire.Accepted{}, broker.Disposition{Kind: broker.Complete}, wire.Accepted{}},
		"released":             {wire.Released{}, broker.Disposition{Kind: broker.Release}, wire.Released{}},
		"nothing said":         {nil, broker.Disposition{Kind: broker.Release}, wire.Released{}},
		"modified":             {wire.Modified{DeliveryFailed: true}, broker.Disposition{Kind: broker.Abandon}, wire.Modified{DeliveryFailed: true}},
		"modified, properties": {wire.Modified{Annotations: wire.Map{{Key: wire.Symbol("attempt"), Value: int64(3)}}}, broker.Disposition{Kind: broker.Abandon, Properties: extra}, wire.Modified{}},
		"undeliverable here":   {wire.Modified{UndeliverableHere: true}, broker.Disposition{Kind: broker.Defer}, wire.Modified{UndeliverableHere: true}},
		"rejected, bare":       {wire.Rejected{}, broker.Disposition{Kind: broker.DeadLetter}, wire.Rejected{}},
		"rejected by Go":       {wire.Rejected{Error: &wire.Error{Condition: conditionDeadLetter, Info: info(wire.Symbol("DeadLetterReason"))}}, broker.Disposition{Kind: broker.DeadLetter, Reason: "r", Description: "d", Properties: extra}, wire.Rejected{}},
		"rejected by npm":      {wire.Rejected{Error: &wire.Error{Condition: conditionDeadLetter, Info: info("DeadLetterReason")}}, broker.Disposition{Kind: broker.DeadLetter, Reason: "r", Description: "d", Properties: extra}, wire.Rejected{}},
		"rejected by an error": {wire.Rejected{Error: &wire.Error{Condition: "x:y", Description: "why"}}, broker.Disposition{Kind: broker.DeadLetter, Description: "why"}, wire.Rejected{}},
	} {
		d, confirmed, ok := settlement(c.state)
		if !ok || !reflect.DeepEqual(d, c.want) || !reflect.DeepEqual(confirmed, c.confirmed) {
			t.Errorf("%s: %+v confirmed by %+v", name, d, confirmed)
		}
	}
	if _, _, ok := settlement(wire.UnknownState{Descriptor: 0x34}); ok {
		t.Error("a transaction's state was settled")
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		err       error
		condition wire.Symbol
		code      int32
	}{
		{fmt.Errorf("%w: q", broker.ErrNotFound), wire.NotFound, 404},
		{broker.ErrLockLost, "com.microsoft:message-lock-lost", 410},
		{broker.ErrTooLarge, wire.MessageSizeExceeded, 400},
		{broker.ErrDisabled, "com.microsoft:entity-disabled", 403},
		{broker.ErrNotImplemented, wire.NotImplemented, 501},
		{errSendRevoked, wire.UnauthorizedAccess, 401},
		{malformed(io.ErrUnexpectedEOF), wire.DecodeError, 400},
		{errors.New("anything"), wire.InternalError, 500},
	} {
		if told, code := failure(c.err, "q"); told.Condition != c.condition || code != c.code {
			t.Errorf("%v: %s, %d", c.err, told.Condition, code)
		}
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"q": "q", "/q/": "q", "amqps://host/q": "q", "amqp://h:5672/topic/Subscriptions/s": "topic/Subscriptions/s", "sb://host": "", "": "",
	} {
		if got := entityOf(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"q/$management": "q", "q/$Management": "q", "q": "", "$management": "", "/$management": ""} {
		if got, _ := managed(in); got != want {
			t.Errorf("%q manages %q, want %q", in, got, want)
		}
	}
}

// FuzzManagement holds that no request body makes an operation panic.
func FuzzManagement(f *testing.F) {
	for _, v := range []any{
		map[string]any{"lock-tokens": []amqp.UUID{{1}}, "disposition-status": "abandoned", "properties-to-modify": map[string]any{"k": "v"}},
		map[string]any{"from-sequence-number": int64(0), "message-count": int32(10)},
		map[string]any{"sequence-numbers": []int64{1}, "receiver-settle-mode": uint32(1)},
		map[string]any{"session-id": "a", "session-state": []byte("x"), "skip": int32(0), "top": int32(5)},
		map[string]any{"rule-name": "r", "rule-description": map[string]any{"sql-filter": map[string]any{"expression": "a = 1"}}},
		map[string]any{"messages": []any{map[string]any{"message-id": "m", "message": marshal(f, &amqp.Message{Value: "v"})}}},
	} {
		f.Add(marshal(f, &amqp.Message{Value: v}))
	}
	s := newService(f, nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := wire.Value(b)
		if err != nil {
			return
		}
		for operation := range operations {
			r := management{s: s, entity: "q"}.handle(request{operation: operation, body: v})
			if _, err := wire.AppendValue(nil, r.body); err != nil {
				t.Fatalf("%s: %v", operation, err)
			}
		}
	})
}
