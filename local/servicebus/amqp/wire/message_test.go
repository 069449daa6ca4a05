package wire

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/Azure/go-amqp"
)

// richMessage has something in every section.
func richMessage() *amqp.Message {
	at := time.UnixMilli(1782925999123).UTC()
	return &amqp.Message{
		Header:              &amqp.MessageHeader{Durable: true, Priority: 5, TTL: time.Hour, FirstAcquirer: true, DeliveryCount: 3},
		DeliveryAnnotations: amqp.Annotations{"x-opt-lock-token": amqp.UUID{1}},
		Annotations:         amqp.Annotations{"x-opt-sequence-number": int64(1) << 60, "x-opt-enqueued-time": at},
		Properties: &amqp.MessageProperties{
			MessageID: "m", UserID: []byte("u"), To: ptr("t"), Subject: ptr("s"), ReplyTo: ptr("r"), CorrelationID: uint64(7),
			ContentType: ptr("application/json"), ContentEncoding: ptr("gzip"), AbsoluteExpiryTime: &at, CreationTime: &at,
			GroupID: ptr("g"), GroupSequence: ptr[uint32](4), ReplyToGroupID: ptr("rg"),
		},
		ApplicationProperties: map[string]any{"s": "text", "i": int64(-1), "b": true, "f": 1.5, "n": nil, "u": amqp.UUID{2}, "t": at},
		Data:                  [][]byte{[]byte("one"), bytes.Repeat([]byte("2"), 300)},
		Footer:                amqp.Annotations{"f": "oot"},
	}
}

func marshal(t testing.TB, m *amqp.Message) []byte {
	t.Helper()
	b, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// reencode reads a message with this package and writes it again.
func reencode(t testing.TB, b []byte) []byte {
	t.Helper()
	m, err := ParseMessage(b)
	if err != nil {
		t.Fatalf("% x: %v", b, err)
	}
	out, err := m.AppendTo(nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMessageSurvives(t *testing.T) {
	value, sequence := richMessage(), richMessage()
	value.Data, value.Value = nil, map[string]any{"k": []int64{1, 2}}
	sequence.Data, sequence.Sequence = nil, [][]any{{"a", int64(1)}, {nil}}
	for _, want := range []*amqp.Message{richMessage(), value, sequence, {Data: [][]byte{{}}}, {}} {
		encoded := marshal(t, want)
		var got amqp.Message
		if err := got.UnmarshalBinary(reencode(t, encoded)); err != nil {
			t.Fatal(err)
		}
		var straight amqp.Message
		if err := straight.UnmarshalBinary(encoded); err != nil {
			t.Fatal(err)
		}
		if straight.Header == nil && got.Header != nil {
			t.Error("a header came from nowhere")
		}
		if !reflect.DeepEqual(got, straight) {
			t.Errorf("got  %+v\nwant %+v", got, straight)
		}
	}
}

func TestMessageSectionsAreRead(t *testing.T) {
	m, err := ParseMessage(marshal(t, richMessage()))
	if err != nil {
		t.Fatal(err)
	}
	if *m.Header.TTL != 3600_000 || m.Header.DeliveryCount != 3 || m.Properties.CorrelationID != uint64(7) || *m.Properties.ContentType != "application/json" ||
		m.Annotations.Get("x-opt-sequence-number") != int64(1)<<60 || m.ApplicationProperties.Get("s") != "text" {
		t.Errorf("%+v", m)
	}
	data, err := DataSections(m.Body)
	if err != nil || len(data) != 2 || string(data[0]) != "one" || len(data[1]) != 300 {
		t.Errorf("%q, %v", data, err)
	}
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	section := func(desc uint64, v any) []byte {
		b, err := Append(nil, Described{desc, v})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, b := range map[string][]byte{
		"no section":                   {codeNull},
		"another section":              section(descOpen, List{}),
		"out of order":                 join(section(descProperties, List{}), section(descHeader, List{})),
		"twice the same":               join(section(descProperties, List{}), section(descProperties, List{})),
		"two kinds of body":            join(section(descData, []byte("a")), section(descValue, "b")),
		"two values":                   join(section(descValue, "a"), section(descValue, "b")),
		"body behind the footer":       join(section(descFooter, Map{}), section(descData, []byte("a"))),
		"data that is text":            section(descData, "a"),
		"annotations that are a list":  section(descMessage, List{}),
		"property whose key is binary": section(descApplication, Map{{[]byte("k"), "v"}}),
		"message id of another type":   section(descProperties, List{true}),
		"ttl of another type":          section(descHeader, List{nil, nil, "1"}),
		"half a section":               section(descData, []byte("abc"))[:5],
	} {
		if _, err := ParseMessage(b); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// FuzzMessage holds, with go-amqp as the judge: what both can read means the same after this package has written it
// again; what go-amqp writes this package reads.
func FuzzMessage(f *testing.F) {
	f.Add(marshal(f, richMessage()))
	f.Add(marshal(f, &amqp.Message{Value: "v"}))
	f.Add(marshal(f, &amqp.Message{Sequence: [][]any{{int64(1)}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, err := ParseMessage(b)
		if err != nil {
			return
		}
		var judge amqp.Message
		if judge.UnmarshalBinary(b) != nil {
			return // it knows no char and no decimals, and no described values where it doesn't expect them
		}
		written, err := ours.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		var again amqp.Message
		if err := again.UnmarshalBinary(written); err != nil {
			t.Fatalf("% x can't be read by go-amqp: %v", written, err)
		}
		normal(&judge)
		normal(&again)
		if !reflect.DeepEqual(judge, again) && !hasNaN(b) {
			t.Fatalf("got  %+v\nwant %+v", again, judge)
		}
		if back, err := judge.MarshalBinary(); err == nil {
			reencode(t, back)
		}
	})
}

// normal takes away what this package doesn't keep because it means nothing.
func normal(m *amqp.Message) {
	if len(m.DeliveryAnnotations) == 0 {
		m.DeliveryAnnotations = nil
	}
	if len(m.Annotations) == 0 {
		m.Annotations = nil
	}
	if len(m.ApplicationProperties) == 0 {
		m.ApplicationProperties = nil
	}
}

// hasNaN reports whether the bytes may hold a float that isn't equal to itself.
func hasNaN(b []byte) bool {
	return bytes.ContainsAny(b, "\x72\x82") && (bytes.Contains(b, []byte{0x7f}) || bytes.Contains(b, []byte{0xff}))
}
