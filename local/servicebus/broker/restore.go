package broker

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrJournal says that a frame doesn't fit: it's damaged, or it doesn't follow on what was restored before.
var ErrJournal = errors.New("the journal can't be read")

// Restore applies one frame of a journal. All frames are restored, in their order, before the broker is used; nothing of
// it is recorded again. What has become due since is done by the first operation afterwards. ErrJournal.
func (b *Broker) Restore(frame []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := &record{rest: frame, codec: b.codec}
	recording := b.recorder
	b.recorder = nil
	defer func() { b.recorder = recording }()
	for len(r.rest) > 0 {
		kind := r.byte()
		if err := b.apply(kind, r); err != nil {
			return fmt.Errorf("%w: record of kind %d: %w", ErrJournal, kind, err)
		}
	}
	return nil
}

// errShort says that a record ends too early.
var errShort = errors.New("it is cut short")

func (b *Broker) apply(kind byte, r *record) error {
	number := uint32(r.uvarint())
	if kind == recordDefine {
		return b.redefine(number, r.bytes(), r)
	}
	t := b.numbered[number]
	switch {
	case r.err != nil:
		return r.err
	case t == nil:
		return fmt.Errorf("there is no entity %d", number)
	}
	switch kind {
	case recordDrop:
		b.drop(t)
	case recordNumber:
		t.lastSequence = r.varint()
	case recordRemember:
		sequence, at, id := r.varint(), r.time(), string(r.bytes())
		if r.err == nil {
			t.history.forget(at) // as it was done then: an id may come again
			t.history.add(id, sequence, at)
		}
	case recordEnter:
		return t.reenter(r)
	case recordShift:
		return t.reshift(r)
	case recordLeave:
		e, err := r.entry(t)
		if err != nil {
			return err
		}
		t.leave(e)
	case recordSession:
		return t.restoreSession(r.bytes(), r)
	default:
		return errors.New("it is unknown; was the journal written by a newer version?")
	}
	return r.err
}

func (t *entity) reenter(r *record) error {
	e := &entry{}
	p := r.phase()
	e.hops, e.releases, e.resumeAt = int(r.varint()), int(r.varint()), r.time()
	r.message(&e.msg)
	if r.err != nil {
		return r.err
	}
	if t.ledger.find(e.msg.SequenceNumber) != nil || e.msg.SequenceNumber < 0 {
		return fmt.Errorf("message %d of %s comes twice", e.msg.SequenceNumber, t.path)
	}
	t.enter(e, p)
	return nil
}

func (t *entity) reshift(r *record) error {
	e, err := r.entry(t)
	if err != nil {
		return err
	}
	p := r.phase()
	count, releases := uint32(r.uvarint()), int(r.varint())
	u, until, resume := e.msg.LockToken, e.msg.LockedUntil, e.resumeAt
	switch {
	case p.locked():
		copy(u[:], r.take(len(u)))
		until = r.time()
	case p == paused:
		resume = r.time()
	}
	properties := e.msg.Properties
	if r.byte() == 1 {
		properties = r.properties()
	}
	if r.err != nil {
		return r.err
	}
	t.unplace(e)
	e.phase, e.releases, e.resumeAt = p, releases, resume
	e.msg.DeliveryCount, e.msg.LockToken, e.msg.LockedUntil, e.msg.Properties = count, u, until, properties
	t.place(e)
	return nil
}

// record reads the fields of records. After an error it reads zeros.
type record struct {
	rest  []byte
	codec Codec
	err   error
}

// fail makes every further read fail.
func (r *record) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = nil
}

func (r *record) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.fail(errShort)
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *record) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *record) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *record) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.fail(errShort)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *record) bytes() []byte {
	n := r.uvarint()
	if n > uint64(len(r.rest)) {
		r.fail(errShort)
		return nil
	}
	return r.take(int(n))
}

func (r *record) time() time.Time {
	if r.byte() == 0 {
		return time.Time{}
	}
	return time.Unix(0, r.varint()).UTC()
}

func (r *record) phase() phase {
	p := phase(r.byte())
	if p >= phases {
		r.fail(fmt.Errorf("phase %d is unknown", p))
	}
	return p
}

// entry reads a sequence number and finds its message in t.
func (r *record) entry(t *entity) (*entry, error) {
	sequence := r.varint()
	if r.err != nil {
		return nil, r.err
	}
	if e := t.ledger.find(sequence); e != nil {
		return e, nil
	}
	return nil, fmt.Errorf("%s has no message %d", t.path, sequence)
}

func (r *record) message(m *Message) {
	m.SequenceNumber, m.EnqueuedSequenceNumber = r.varint(), r.varint()
	m.DeliveryCount = uint32(r.uvarint())
	m.TTL, m.Size = time.Duration(r.varint()), int(r.varint())
	m.ScheduledEnqueueTime, m.EnqueuedTime, m.ExpiresAt, m.LockedUntil = r.time(), r.time(), r.time(), r.time()
	copy(m.LockToken[:], r.take(len(m.LockToken)))
	m.BlankSession = r.byte()&flagBlankSession != 0
	for _, s := range m.texts() {
		*s = string(r.bytes())
	}
	if body := r.bytes(); len(body) > 0 {
		m.Body = bytes.Clone(body)
	}
	m.CorrelationID = r.value()
	m.Properties = r.properties()
	wire := bytes.Clone(r.bytes())
	if r.err != nil {
		return
	}
	var err error
	if m.Wire, err = r.codec.Wire(wire); err != nil {
		r.fail(err)
	}
}

func (r *record) value() any {
	if r.err != nil {
		return nil
	}
	v, rest, err := r.codec.Value(r.rest)
	if err != nil {
		r.fail(err)
		return nil
	}
	r.rest = rest
	return v
}

func (r *record) properties() map[string]any {
	n := r.uvarint()
	if n == 0 || n > uint64(len(r.rest)) {
		return nil
	}
	out := make(map[string]any, n)
	for range n {
		name := string(r.bytes())
		out[name] = r.value()
	}
	return out
}

// redefine makes an entity, or gives one that's there new settings.
func (b *Broker) redefine(number uint32, encoded []byte, r *record) error {
	if r.err != nil {
		return r.err
	}
	var d definition
	if err := json.Unmarshal(encoded, &d); err != nil {
		return err
	}
	t := b.numbered[number]
	if t == nil {
		if d.Kind != kindQueue && d.Kind != kindTopic && b.numbered[d.Owner] == nil {
			return fmt.Errorf("%s has no owner", d.Path)
		}
		t = b.newEntity(d.Path, d.Kind, b.numbered[d.Owner])
		b.renumber(t, number)
		b.entities[foldASCII(t.path)] = t
		switch {
		case t.owner == nil:
		case t.kind == kindSubscription:
			t.owner.subscriptions = append(t.owner.subscriptions, t)
		case t.kind == kindDeadLetter:
			t.owner.deadLetter = t
		case t.kind == kindTransfer:
			t.owner.transfer = t
		}
	}
	return t.redefine(d)
}
