package sbwire

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

func marshal(t testing.TB, m *amqp.Message) []byte {
	t.Helper()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every type of application property, those included that .NET writes and Go doesn't.
func TestPropertiesKeepTheirTypes(t *testing.T) {
	sent := wire.Map{
		{Key: "binary", Value: []byte{1}}, {Key: "byte", Value: int8(-1)}, {Key: "char", Value: wire.Char('x')},
		{Key: "decimal", Value: wire.Decimal128{1}}, {Key: "float", Value: float32(1.5)}, {Key: "int", Value: int32(7)},
		{Key: "long", Value: int64(1)<<53 + 1}, {Key: "null", Value: nil}, {Key: "symbol", Value: wire.Symbol("s")},
		{Key: "time", Value: time.UnixMilli(1).UTC()}, {Key: "ulong", Value: uint64(1) << 63}, {Key: "uuid", Value: wire.UUID{9}},
	}
	encoded, err := (&wire.Message{ApplicationProperties: sent, Body: wire.AppendData(nil, []byte("b"))}).AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := decodeOne(encoded)
	if err != nil {
		t.Fatal(err)
	}
	out, err := encode(m, false)
	if err != nil {
		t.Fatal(err)
	}
	back, err := wire.ParseMessage(out)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back.ApplicationProperties, sent) {
		t.Errorf("got  %#v\nwant %#v", back.ApplicationProperties, sent)
	}
}

// The Go SDK panics on annotations of a wrong type, so their types are part of the contract.
func TestAnnotationsHaveTheTypesTheSDKAsserts(t *testing.T) {
	at := time.UnixMilli(1782924799000) // in local time, as go-amqp gives it back
	encoded, err := encode(&broker.Message{
		MessageID: "id", SequenceNumber: 7, EnqueuedSequenceNumber: 6, EnqueuedTime: at, LockedUntil: at.Add(time.Minute), LockToken: [16]byte{1},
		ScheduledEnqueueTime: at, State: broker.Deferred, PartitionKey: "p", DeadLetterSource: "q", TTL: time.Hour, DeliveryCount: 2,
	}, true)
	if err != nil {
		t.Fatal(err)
	}
	var m amqp.Message
	if err := m.UnmarshalBinary(encoded); err != nil {
		t.Fatal(err)
	}
	want := amqp.Annotations{
		"x-opt-sequence-number": int64(7), "x-opt-enqueue-sequence-number": int64(6), "x-opt-enqueued-time": at,
		"x-opt-locked-until": at.Add(time.Minute), "x-opt-scheduled-enqueue-time": at, "x-opt-message-state": int32(1),
		"x-opt-partition-key": "p", "x-opt-deadletter-source": "q",
	}
	if !reflect.DeepEqual(m.Annotations, want) {
		t.Errorf("got  %#v\nwant %#v", m.Annotations, want)
	}
	if m.DeliveryAnnotations["x-opt-lock-token"] != (amqp.UUID{1}) || m.Header.DeliveryCount != 2 || m.Header.TTL != time.Hour || m.Properties.MessageID != "id" {
		t.Errorf("%+v", m)
	}
}

// A sender's annotations stay, but for those that are the broker's word.
func TestSendersAnnotations(t *testing.T) {
	m, err := decodeOne(marshal(t, &amqp.Message{
		Header:      &amqp.MessageHeader{Priority: 9, Durable: true},
		Annotations: amqp.Annotations{"x-opt-sequence-number": int64(99), "own": "kept"},
		Data:        [][]byte{[]byte("b")},
	}))
	if err != nil {
		t.Fatal(err)
	}
	m.SequenceNumber = 1
	encoded, err := encode(m, false)
	if err != nil {
		t.Fatal(err)
	}
	var got amqp.Message
	if err := got.UnmarshalBinary(encoded); err != nil {
		t.Fatal(err)
	}
	if got.Annotations["own"] != "kept" || got.Annotations["x-opt-sequence-number"] != int64(1) || got.Header.Priority != 9 || !got.Header.Durable {
		t.Errorf("%+v %+v", got.Annotations, got.Header)
	}
}

func TestIDsOfAnyType(t *testing.T) {
	for want, id := range map[string]any{
		"text": "text", "18446744073709551615": uint64(1<<64 - 1), "0102": []byte{1, 2},
		"01000000-0000-0000-0000-000000000000": wire.UUID{1}, "": nil,
	} {
		encoded, err := (&wire.Message{Properties: &wire.Properties{MessageID: id}}).AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := decodeOne(encoded)
		if err != nil || m.MessageID != want {
			t.Errorf("%v became %q: %v", id, m.MessageID, err)
			continue
		}
		back, err := encode(m, false)
		if err != nil {
			t.Fatal(err)
		}
		if w, err := wire.ParseMessage(back); err != nil || id != nil && !reflect.DeepEqual(w.Properties.MessageID, id) {
			t.Errorf("%v came back as %v: %v", id, w.Properties.MessageID, err)
		}
	}
}

func TestBatch(t *testing.T) {
	inner := func(n int) []byte {
		return marshal(t, &amqp.Message{Properties: &amqp.MessageProperties{MessageID: fmt.Sprint(n)}, Data: [][]byte{bytes.Repeat([]byte("x"), 100*n)}})
	}
	msgs, err := decode(marshal(t, &amqp.Message{Properties: &amqp.MessageProperties{MessageID: "envelope"}, Data: [][]byte{inner(1), inner(2), inner(3)}}), batchFormat)
	if err != nil || len(msgs) != 3 || msgs[2].MessageID != "3" || msgs[0].MessageID != "1" {
		t.Fatalf("%d messages, %v", len(msgs), err)
	}
	for name, b := range map[string][]byte{
		"empty":         {},
		"no messages":   marshal(t, &amqp.Message{Value: "v"}),
		"broken inside": marshal(t, &amqp.Message{Data: [][]byte{inner(1), []byte("garbage")}}),
	} {
		if _, err := decode(b, batchFormat); err == nil {
			t.Errorf("%s: was read", name)
		}
	}
}

func TestTagIsTheTokenInDotNetOrder(t *testing.T) {
	token := [16]byte{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	tag := tagOf(token)
	if want := []byte{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}; !bytes.Equal(tag, want) {
		t.Errorf("tag % x", tag)
	}
	if back, ok := tokenOf(tag); !ok || back != token {
		t.Errorf("token % x", back)
	}
	if _, ok := tokenOf(tag[1:]); ok {
		t.Error("15 bytes are no token")
	}
}

// FuzzDecode holds that no message makes the way in or the way out panic, and that go-amqp can read what goes out.
func FuzzDecode(f *testing.F) {
	f.Add(marshal(f, &amqp.Message{Properties: &amqp.MessageProperties{MessageID: "m"}, Annotations: amqp.Annotations{"x-opt-partition-key": "p"}, Data: [][]byte{[]byte("b")}}), false)
	f.Add(marshal(f, &amqp.Message{Data: [][]byte{marshal(f, &amqp.Message{Value: "v"})}}), true)
	f.Fuzz(func(t *testing.T, b []byte, batch bool) {
		format := uint32(0)
		if batch {
			format = batchFormat
		}
		msgs, err := decode(b, format)
		if err != nil {
			return
		}
		for _, m := range msgs {
			encoded, err := encode(m, true)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := wire.ParseMessage(encoded); err != nil {
				t.Fatal(err)
			}
		}
	})
}
