package broker

import (
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
)

// Send puts messages into a queue or topic: all, or none with an error. A duplicate within the entity's window is
// accepted and dropped; one with a ScheduledEnqueueTime in the future is scheduled. Errors: ErrNotFound, ErrDisabled,
// ErrNotAllowed, ErrTooLarge, ErrQuota, ErrInvalid.
func (b *Broker) Send(address string, msgs ...*Message) error {
	now := b.begin()
	defer b.end()
	t, err := b.checkSend(address, msgs)
	if err != nil {
		return err
	}
	for _, m := range msgs {
		t.accept(stored(m), 0, now)
	}
	return nil
}

// checkSend says whether all of msgs may be sent to an address.
func (b *Broker) checkSend(address string, msgs []*Message) (*entity, error) {
	t, err := b.find(address)
	if err != nil {
		return nil, err
	}
	if err := t.openForSending(); err != nil {
		return nil, err
	}
	total := 0
	for _, m := range msgs {
		if err := m.check(t.messageLimit()); err != nil {
			return nil, fmt.Errorf("%w (%s)", err, t.path)
		}
		if t.requiresSession && !m.HasSession() {
			return nil, t.refuse(ErrSessionID)
		}
		total += m.bytes()
	}
	if t.full(total) {
		return nil, t.refuse(ErrQuota)
	}
	if len(msgs) > 0 {
		t.accessed = b.now()
	}
	return t, nil
}

func (t *entity) openForSending() error {
	if !t.sendable() {
		return t.refuse(ErrNotAllowed)
	}
	if t.status == Disabled || t.status == SendDisabled {
		return t.refuse(ErrDisabled)
	}
	return nil
}

// full says whether so many more bytes would break the entity's limit.
func (t *entity) full(bytes int) bool {
	root := t.root()
	return root.maxSize > 0 && root.size+int64(bytes) > root.maxSize
}

// stored makes the broker's own copy of a message, without what only the broker says.
func stored(m *Message) Message {
	c := *m
	c.Properties = maps.Clone(m.Properties)
	if c.MessageID == "" {
		id := uuid.New()
		c.MessageID = fmt.Sprintf("%x", id[:])
	}
	c.BlankSession = c.BlankSession && c.SessionID == ""
	c.SequenceNumber, c.EnqueuedSequenceNumber, c.DeliveryCount, c.State = 0, 0, 0, Active
	c.EnqueuedTime, c.ExpiresAt, c.LockedUntil, c.LockToken, c.DeadLetterSource = time.Time{}, time.Time{}, time.Time{}, token{}, ""
	return c
}

// accept takes a message that may be taken, sent or forwarded (hops times so far), and returns its sequence number:
// of a duplicate, which is dropped, the number of the first.
func (t *entity) accept(m Message, hops int, now time.Time) int64 {
	if first, seen := t.history.find(m.MessageID, now); seen {
		return first
	}
	m.SequenceNumber = t.nextSequence()
	t.history.add(m.MessageID, m.SequenceNumber, now)
	t.b.recorder.remember(t, m.MessageID, m.SequenceNumber, now)
	e := &entry{msg: m, hops: hops}
	if m.ScheduledEnqueueTime.After(now) {
		t.schedule(e, now)
	} else {
		t.arrive(e, now)
	}
	return m.SequenceNumber
}

// arrive makes a numbered message, which is nowhere yet, part of t: it's stored, fanned out or passed on.
func (t *entity) arrive(e *entry, now time.Time) {
	e.msg.EnqueuedTime = now
	e.msg.ExpiresAt = time.Time{}
	if life := t.life(e.msg.TTL); life > 0 {
		e.msg.ExpiresAt = now.Add(life)
	}
	switch {
	case t.kind == kindTopic:
		t.fanOut(e, now)
	case t.forwardTo != "":
		t.forward(e, now)
	case t.requiresSession && !e.msg.HasSession():
		e.msg.Properties = withReason(e.msg.Properties, ReasonNoSession, ErrSessionID.Error())
		t.bury(e, now)
	default:
		t.enter(e, available)
	}
}

// openForReceiving says whether messages can be taken from or looked at in t.
func (t *entity) openForReceiving() error {
	if t.kind == kindTopic || t.forwardTo != "" && !t.isSubQueue() {
		return t.refuse(ErrNotAllowed)
	}
	if s := t.statusOf(); s == Disabled || s == ReceiveDisabled {
		return t.refuse(ErrDisabled)
	}
	return nil
}

// Receive takes up to max available messages, the lowest sequence numbers first, and returns at once, with none when
// there is none. Errors: ErrNotFound, ErrDisabled, ErrNotAllowed, ErrSessionRequired.
func (b *Broker) Receive(address string, max int, mode Mode) ([]*Message, error) {
	now := b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return nil, err
	}
	if err := t.openForReceiving(); err != nil {
		return nil, err
	}
	if err := t.checkSession(); err != nil {
		return nil, err
	}
	n := min(max, t.ready.len())
	if n <= 0 {
		return nil, nil
	}
	t.accessed = now
	out := make([]*Message, 0, n)
	for range n {
		out = append(out, t.take(t.ready.first(), mode, now))
	}
	return out, nil
}

// Peek returns copies of up to max messages from a sequence number on, whatever their state, and leaves them as they
// are. A topic shows its scheduled messages. Errors: ErrNotFound, ErrDisabled.
func (b *Broker) Peek(address string, fromSequence int64, max int) ([]*Message, error) {
	return b.peek(address, fromSequence, max, func(*entry) bool { return true })
}

func (b *Broker) peek(address string, fromSequence int64, max int, wanted func(*entry) bool) ([]*Message, error) {
	b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return nil, err
	}
	if s := t.statusOf(); s == Disabled || s == ReceiveDisabled {
		return nil, t.refuse(ErrDisabled)
	}
	var out []*Message
	if max <= 0 {
		return out, nil
	}
	for e := range t.ledger.from(fromSequence) {
		if !wanted(e) {
			continue
		}
		m := e.copyOut()
		m.LockToken, m.LockedUntil = token{}, time.Time{}
		if out = append(out, m); len(out) == max {
			break
		}
	}
	return out, nil
}

// Counts are the numbers of messages at an address. The first four are disjoint: a message under lock counts as Locked
// only. (Azure's ActiveMessageCount is Active + Locked + Deferred.)
type Counts struct {
	Active, Locked, Deferred, Scheduled int
	// DeadLetter and TransferDeadLetter count what the entity's sub-queues hold.
	DeadLetter, TransferDeadLetter int
	// Size in bytes; of a queue or topic with all that belongs to it, zero for others.
	Size int64
}

// Counts counts the messages at an address; a topic's own are its scheduled ones. ErrNotFound.
func (b *Broker) Counts(address string) (Counts, error) {
	b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return Counts{}, err
	}
	return t.count(), nil
}

func (t *entity) count() Counts {
	c := Counts{
		Active:    t.counts[available] + t.counts[paused],
		Locked:    t.counts[locked] + t.counts[lockedDeferred],
		Deferred:  t.counts[deferred],
		Scheduled: t.counts[waiting],
		Size:      t.size,
	}
	if t.deadLetter != nil {
		c.DeadLetter, c.TransferDeadLetter = t.deadLetter.ledger.n, t.transfer.ledger.n
	}
	return c
}
