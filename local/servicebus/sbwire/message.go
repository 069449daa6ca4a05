package sbwire

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// batchFormat is the message format of a batch: each data section of its body is a complete encoded message.
const batchFormat = 0x80013700

// maxBatch bounds the messages of one batch.
const maxBatch = 10_000

// Annotations of Service Bus. The Go SDK panics on a wrong type, so the types here are exact.
const (
	annotationLockToken        = "x-opt-lock-token"              // uuid, a delivery annotation
	annotationSequence         = "x-opt-sequence-number"         // long
	annotationEnqueuedSequence = "x-opt-enqueue-sequence-number" // long
	annotationEnqueued         = "x-opt-enqueued-time"           // timestamp
	annotationLockedUntil      = "x-opt-locked-until"            // timestamp
	annotationScheduled        = "x-opt-scheduled-enqueue-time"  // timestamp
	annotationState            = "x-opt-message-state"           // int
	annotationPartitionKey     = "x-opt-partition-key"           // string
	annotationDeadLetterSource = "x-opt-deadletter-source"       // string
)

// ours reports whether the broker itself writes an annotation.
func ours(key string) bool {
	switch key {
	case annotationSequence, annotationEnqueuedSequence, annotationEnqueued, annotationLockedUntil,
		annotationScheduled, annotationState, annotationPartitionKey, annotationDeadLetterSource:
		return true
	}
	return false
}

// decode reads what a sender transferred: one message, or the messages of a batch.
func decode(payload []byte, format uint32) ([]*broker.Message, error) {
	if format != batchFormat {
		m, err := decodeOne(payload)
		return []*broker.Message{m}, err
	}
	envelope, err := wire.ParseMessage(payload)
	if err != nil {
		return nil, malformed(err)
	}
	sections, err := wire.DataSections(envelope.Body)
	if err != nil {
		return nil, malformed(err)
	}
	if len(sections) == 0 || len(sections) > maxBatch {
		return nil, malformed(fmt.Errorf("a batch of %d messages", len(sections)))
	}
	out := make([]*broker.Message, 0, len(sections))
	for _, section := range sections {
		m, err := decodeOne(section)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func malformed(err error) error {
	return &wire.Error{Condition: wire.DecodeError, Description: err.Error()}
}

// decodeOne reads an encoded message. The result shares memory with the bytes. Everything that the broker doesn't
// know about stays in Wire, a *wire.Message without application properties and body.
func decodeOne(encoded []byte) (*broker.Message, error) {
	w, err := wire.ParseMessage(encoded)
	if err != nil {
		return nil, malformed(err)
	}
	m := &broker.Message{Body: w.Body, Size: len(encoded), Wire: w}
	if w.Header != nil && w.Header.TTL != nil {
		m.TTL = time.Duration(*w.Header.TTL) * time.Millisecond
	}
	if p := w.Properties; p != nil {
		m.MessageID = idText(p.MessageID)
		m.CorrelationID = p.CorrelationID
		set(&m.Subject, p.Subject)
		set(&m.To, p.To)
		set(&m.ReplyTo, p.ReplyTo)
		set(&m.SessionID, p.GroupID)
		m.BlankSession = p.GroupID != nil && *p.GroupID == ""
		set(&m.ReplyToSessionID, p.ReplyToGroupID)
		set(&m.ContentType, p.ContentType)
	}
	if len(w.ApplicationProperties) > 0 {
		m.Properties = make(map[string]any, len(w.ApplicationProperties))
		for _, e := range w.ApplicationProperties {
			m.Properties[e.Key.(string)] = e.Value // ParseMessage lets no other key through
		}
	}
	if v := w.Annotations.Get(annotationPartitionKey); v != nil {
		var ok bool
		if m.PartitionKey, ok = wire.Text(v); !ok {
			return nil, malformed(fmt.Errorf("%s is no text", annotationPartitionKey))
		}
	}
	if v := w.Annotations.Get(annotationScheduled); v != nil {
		var ok bool
		if m.ScheduledEnqueueTime, ok = v.(time.Time); !ok {
			return nil, malformed(fmt.Errorf("%s is no timestamp", annotationScheduled))
		}
	}
	w.Annotations = slices.DeleteFunc(w.Annotations, func(e wire.Entry) bool {
		key, ok := wire.Text(e.Key)
		return ok && ours(key)
	})
	w.DeliveryAnnotations = slices.DeleteFunc(w.DeliveryAnnotations, func(e wire.Entry) bool {
		key, ok := wire.Text(e.Key)
		return ok && key == annotationLockToken
	})
	w.ApplicationProperties, w.Body = nil, nil
	return m, nil
}

func set[T ~string](to *string, from *T) {
	if from != nil {
		*to = string(*from)
	}
}

// idText gives a message id of any type as the text that duplicate detection and filters see.
func idText(id any) string {
	switch id := id.(type) {
	case string:
		return id
	case uint64:
		return strconv.FormatUint(id, 10)
	case wire.UUID:
		return id.String()
	case []byte:
		return hex.EncodeToString(id)
	}
	return ""
}

// encode writes a message as it goes to a receiver: with the header, annotations and id that the broker gave it. What is
// usual isn't told, as the service does it: no ttl where a message lives for ever, no state where it's active, no first
// sequence number where there was none before. withToken adds the lock token as a delivery annotation.
func encode(m *broker.Message, withToken bool) ([]byte, error) {
	w := wire.Message{Header: &wire.Header{}, Properties: &wire.Properties{}, Body: m.Body}
	if from, ok := m.Wire.(*wire.Message); ok {
		if from.Header != nil {
			w.Header.Durable, w.Header.Priority = from.Header.Durable, from.Header.Priority
		}
		if from.Properties != nil {
			*w.Properties = *from.Properties
		}
		w.Annotations = append(w.Annotations, from.Annotations...)
		w.DeliveryAnnotations = append(w.DeliveryAnnotations, from.DeliveryAnnotations...)
		w.Footer = from.Footer
	}
	w.Header.DeliveryCount = m.DeliveryCount
	if m.TTL > 0 { // what lives for ever has no ttl; what doesn't fit has the largest
		ttl := uint32(min(m.TTL.Milliseconds(), math.MaxUint32))
		w.Header.TTL = &ttl
	}
	overlay(w.Properties, m)
	if withToken {
		w.DeliveryAnnotations = append(w.DeliveryAnnotations, wire.Entry{Key: wire.Symbol(annotationLockToken), Value: wire.UUID(m.LockToken)})
	}
	w.Annotations = append(w.Annotations, annotations(m)...)
	for _, name := range slices.Sorted(maps.Keys(m.Properties)) {
		value := propertyValue(m.Properties[name])
		if name == keyReason || name == keyDescription {
			value = reasonText(value)
		}
		w.ApplicationProperties = append(w.ApplicationProperties, wire.Entry{Key: name, Value: value})
	}
	return w.AppendTo(make([]byte, 0, len(m.Body)+512))
}

// overlay brings to the properties what the broker filled in or a rule's action changed.
func overlay(p *wire.Properties, m *broker.Message) {
	if idText(p.MessageID) != m.MessageID || p.MessageID == nil {
		p.MessageID = m.MessageID
	}
	p.CorrelationID = m.CorrelationID
	give(&p.Subject, m.Subject)
	give(&p.To, m.To)
	give(&p.ReplyTo, m.ReplyTo)
	give(&p.ReplyToGroupID, m.ReplyToSessionID)
	give(&p.ContentType, m.ContentType)
	if m.SessionID != "" || !m.BlankSession {
		give(&p.GroupID, m.SessionID)
	}
}

// give changes a text that differs; a text that isn't there and an empty one are the same here.
func give[T ~string](to **T, text string) {
	if *to != nil && string(**to) == text || *to == nil && text == "" {
		return
	}
	if *to = nil; text != "" {
		t := T(text)
		*to = &t
	}
}

// annotations are those the broker writes.
func annotations(m *broker.Message) wire.Map {
	out := make(wire.Map, 0, 8)
	add := func(key wire.Symbol, value any) { out = append(out, wire.Entry{Key: key, Value: value}) }
	add(annotationSequence, m.SequenceNumber)
	if m.EnqueuedSequenceNumber != 0 {
		add(annotationEnqueuedSequence, m.EnqueuedSequenceNumber)
	}
	add(annotationEnqueued, m.EnqueuedTime)
	if !m.LockedUntil.IsZero() {
		add(annotationLockedUntil, m.LockedUntil)
	}
	if !m.ScheduledEnqueueTime.IsZero() {
		add(annotationScheduled, m.ScheduledEnqueueTime)
	}
	if m.State != broker.Active {
		add(annotationState, int32(m.State))
	}
	if m.PartitionKey != "" {
		add(annotationPartitionKey, m.PartitionKey)
	}
	if m.DeadLetterSource != "" {
		add(annotationDeadLetterSource, m.DeadLetterSource)
	}
	return out
}

// propertyValue gives the uuid that a rule's action made the type of the wire.
func propertyValue(v any) any {
	if u, ok := v.([16]byte); ok {
		return wire.UUID(u)
	}
	return v
}

// reasonText makes a text of a property that says why a message is a dead letter. Any sender, settlement or rule may have
// given it another type, and the Go SDK of whoever receives the message panics on that.
func reasonText(v any) any {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

// tagOf turns a lock token into the delivery tag of its message: the token as .NET writes a GUID, the first three of its
// groups with their bytes reversed.
func tagOf(token [16]byte) []byte {
	t := swapped(token)
	return t[:]
}

// tokenOf turns a delivery tag back into the lock token.
func tokenOf(tag []byte) (token [16]byte, ok bool) {
	if len(tag) != 16 {
		return token, false
	}
	return swapped([16]byte(tag)), true
}

func swapped(t [16]byte) [16]byte {
	t[0], t[1], t[2], t[3] = t[3], t[2], t[1], t[0]
	t[4], t[5] = t[5], t[4]
	t[6], t[7] = t[7], t[6]
	return t
}
