package broker

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// Journal keeps what a broker tells it, so that another broker can be restored from it.
type Journal interface {
	// Append takes one frame: everything one operation changed, so a frame counts whole or not at all. It's called under
	// the broker's lock, in the order of the operations, and mustn't call the broker. The frame is the callee's only
	// until Append returns.
	Append(frame []byte)
	// Fail is told that a change can't be written: from then on the journal doesn't hold what the broker holds, so
	// nothing may be acknowledged any more.
	Fail(err error)
}

// Codec turns what the broker carries and doesn't look into to bytes and back.
type Codec interface {
	// AppendValue writes a correlation id or the value of an application property; Value reads it and returns the rest.
	AppendValue(dst []byte, v any) ([]byte, error)
	Value(b []byte) (v any, rest []byte, err error)
	// AppendWire writes what stands in Message.Wire, Wire reads it from exactly these bytes, which are its own.
	AppendWire(dst []byte, v any) ([]byte, error)
	Wire(b []byte) (any, error)
}

// The records a frame consists of: a byte that says which, the entity's number where there is one, and the fields. Whole
// numbers are varints, times nanoseconds since 1970 (see appendTime), texts have their length in front.
const (
	recordDefine   = 1 + iota // entity, definition as JSON: made or changed
	recordDrop                // entity: gone, with its family and messages
	recordNumber              // entity, last sequence number
	recordRemember            // entity, sequence number, time, message id: for duplicate detection
	recordEnter               // entity, entry: a message is here
	recordShift               // entity, sequence number, phase and what changes with it
	recordLeave               // entity, sequence number: a message is gone
	recordSession             // entity, session as JSON: its state or lock changed
)

// recorder writes the records of one operation after the other. A nil recorder writes nothing.
type recorder struct {
	journal Journal
	codec   Codec
	frame   []byte
}

func newRecorder(o Options) *recorder {
	if o.Journal == nil {
		return nil
	}
	return &recorder{journal: o.Journal, codec: o.Codec}
}

// seal gives the journal what was recorded since the last time.
func (r *recorder) seal() {
	if r == nil || len(r.frame) == 0 {
		return
	}
	r.journal.Append(r.frame)
	r.frame = r.frame[:0]
	if cap(r.frame) > 1<<20 {
		r.frame = nil
	}
}

func (r *recorder) begin(kind byte, t *entity) {
	r.frame = binary.AppendUvarint(append(r.frame, kind), uint64(t.number))
}

// define records that an entity was made or that its settings changed.
func (r *recorder) define(t *entity) {
	if r == nil {
		return
	}
	d, err := t.definition()
	if err != nil {
		r.journal.Fail(fmt.Errorf("%s: %w", t.path, err))
		return
	}
	r.defineAs(t, d)
}

func (r *recorder) defineAs(t *entity, d definition) {
	encoded, err := json.Marshal(d)
	if err != nil {
		r.journal.Fail(fmt.Errorf("%s: %w", t.path, err))
		return
	}
	r.begin(recordDefine, t)
	r.frame = appendBytes(r.frame, encoded)
}

func (r *recorder) drop(t *entity) {
	if r != nil {
		r.begin(recordDrop, t)
	}
}

func (r *recorder) number(t *entity) {
	if r != nil {
		r.begin(recordNumber, t)
		r.frame = binary.AppendVarint(r.frame, t.lastSequence)
	}
}

func (r *recorder) remember(t *entity, id string, sequence int64, at time.Time) {
	if r != nil && t.history != nil {
		r.begin(recordRemember, t)
		r.frame = binary.AppendVarint(r.frame, sequence)
		r.frame = appendTime(r.frame, at)
		r.frame = appendBytes(r.frame, id)
	}
}

func (r *recorder) enter(e *entry) {
	if r == nil {
		return
	}
	r.begin(recordEnter, e.home)
	r.frame = binary.AppendVarint(append(r.frame, byte(e.phase)), int64(e.hops))
	r.frame = binary.AppendVarint(r.frame, int64(e.releases))
	r.frame = appendTime(r.frame, e.resumeAt)
	var err error
	if r.frame, err = appendMessage(r.frame, &e.msg, r.codec); err != nil {
		r.journal.Fail(fmt.Errorf("%s: message %d: %w", e.home.path, e.msg.SequenceNumber, err))
	}
	e.rewritten = false
}

func (r *recorder) shift(e *entry) {
	if r == nil {
		return
	}
	r.begin(recordShift, e.home)
	r.frame = binary.AppendVarint(r.frame, e.msg.SequenceNumber)
	r.frame = append(r.frame, byte(e.phase))
	r.frame = binary.AppendUvarint(r.frame, uint64(e.msg.DeliveryCount))
	r.frame = binary.AppendVarint(r.frame, int64(e.releases))
	switch {
	case e.phase.locked():
		r.frame = append(r.frame, e.msg.LockToken[:]...)
		r.frame = appendTime(r.frame, e.msg.LockedUntil)
	case e.phase == paused:
		r.frame = appendTime(r.frame, e.resumeAt)
	}
	if !e.rewritten {
		r.frame = append(r.frame, 0)
		return
	}
	e.rewritten = false
	var err error
	if r.frame, err = appendProperties(append(r.frame, 1), e.msg.Properties, r.codec); err != nil {
		r.journal.Fail(fmt.Errorf("%s: message %d: %w", e.home.path, e.msg.SequenceNumber, err))
	}
}

func (r *recorder) leave(t *entity, e *entry) {
	if r != nil {
		r.begin(recordLeave, t)
		r.frame = binary.AppendVarint(r.frame, e.msg.SequenceNumber)
	}
}

// appendMessage writes everything of a message but its State, which the phase says.
func appendMessage(dst []byte, m *Message, codec Codec) ([]byte, error) {
	dst = binary.AppendVarint(dst, m.SequenceNumber)
	dst = binary.AppendVarint(dst, m.EnqueuedSequenceNumber)
	dst = binary.AppendUvarint(dst, uint64(m.DeliveryCount))
	dst = binary.AppendVarint(dst, int64(m.TTL))
	dst = binary.AppendVarint(dst, int64(m.Size))
	for _, t := range []time.Time{m.ScheduledEnqueueTime, m.EnqueuedTime, m.ExpiresAt, m.LockedUntil} {
		dst = appendTime(dst, t)
	}
	dst = append(dst, m.LockToken[:]...)
	var flags byte
	if m.BlankSession {
		flags |= flagBlankSession
	}
	dst = append(dst, flags)
	for _, s := range m.texts() {
		dst = appendBytes(dst, *s)
	}
	dst = appendBytes(dst, m.Body)
	dst, err := codec.AppendValue(dst, m.CorrelationID)
	if err != nil {
		return dst, err
	}
	if dst, err = appendProperties(dst, m.Properties, codec); err != nil {
		return dst, err
	}
	wire, err := codec.AppendWire(nil, m.Wire)
	if err != nil {
		return dst, err
	}
	return appendBytes(dst, wire), nil
}

// flagBlankSession is Message.BlankSession.
const flagBlankSession byte = 1

// texts are the fields of a message that are text, in the order of the journal.
func (m *Message) texts() []*string {
	return []*string{
		&m.MessageID, &m.Subject, &m.To, &m.ReplyTo, &m.ContentType, &m.SessionID, &m.ReplyToSessionID,
		&m.PartitionKey, &m.DeadLetterSource,
	}
}

func appendProperties(dst []byte, properties map[string]any, codec Codec) ([]byte, error) {
	dst = binary.AppendUvarint(dst, uint64(len(properties)))
	for name, value := range properties {
		dst = appendBytes(dst, name)
		var err error
		if dst, err = codec.AppendValue(dst, value); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func appendBytes[T string | []byte](dst []byte, b T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// appendTime writes 0 for the zero time and else 1 and the nanoseconds since 1970.
func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, 0)
	}
	return binary.AppendVarint(append(dst, 1), t.UnixNano())
}
