package broker

import (
	"crypto/rand"
	"fmt"
	"time"
)

// Kind says how a message is settled.
type Kind int

// The ways to settle a message.
const (
	// Complete removes it.
	Complete Kind = iota
	// Abandon gives it back and counts the delivery, but in a sub-queue, where deliveries aren't counted. A message
	// that was received by its sequence number stays deferred.
	Abandon
	// Defer puts it aside until it's asked for by its sequence number.
	Defer
	// DeadLetter moves it to the dead-letter queue; inside a sub-queue that's ErrNotAllowed and the lock stays.
	DeadLetter
	// Release gives it back without counting the delivery. From the second time on it comes back after a pause.
	Release
)

// Disposition is what a receiver says about a message it holds.
type Disposition struct {
	Kind Kind
	// Reason and Description, of a dead letter, become its properties DeadLetterReason and
	// DeadLetterErrorDescription; empty ones don't.
	Reason, Description string
	// Properties are laid over the message's application properties by Abandon, Defer and DeadLetter.
	Properties map[string]any
}

// A message that is released again and again rests a little longer each time, so that a receiver with credit to spare
// doesn't turn in a busy loop.
const (
	firstPause = 20 * time.Millisecond
	maxPause   = 500 * time.Millisecond
)

// take hands out a message that isn't locked.
func (t *entity) take(e *entry, mode Mode, now time.Time) *Message {
	if mode == ReceiveAndDelete {
		t.leave(e)
		return e.copyOut()
	}
	e.msg.LockToken = newToken()
	e.msg.LockedUntil = now.Add(t.lockDuration)
	if e.session != nil {
		e.msg.LockedUntil = e.session.until
	}
	if e.phase == deferred {
		t.shift(e, lockedDeferred)
	} else {
		t.shift(e, locked)
	}
	return e.copyOut()
}

// newToken makes a random (version 4) UUID.
func newToken() (u token) {
	_, _ = rand.Read(u[:]) // documented never to fail
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// held finds the message that is locked at an address by a token, whoever received it.
func (b *Broker) held(address string, u token) (*entity, *entry, error) {
	t, err := b.find(address)
	if err != nil {
		return nil, nil, err
	}
	e := t.locks[u]
	if e == nil {
		return nil, nil, t.refuse(ErrLockLost)
	}
	return t, e, nil
}

// Settle ends the lock of a message. Errors: ErrNotFound, ErrLockLost; ErrTooLarge, ErrNotAllowed and ErrInvalid leave
// the message locked.
func (b *Broker) Settle(address string, lockToken [16]byte, d Disposition) error {
	now := b.begin()
	defer b.end()
	t, e, err := b.held(address, lockToken)
	if err != nil {
		return err
	}
	switch d.Kind {
	case Complete:
		t.leave(e)
		return nil
	case Release:
		t.release(e, now)
		return nil
	case Abandon, Defer, DeadLetter:
	default:
		return fmt.Errorf("%w: kind of settlement %d", ErrInvalid, d.Kind)
	}
	if d.Kind == DeadLetter && t.isSubQueue() {
		return t.refuse(ErrNotAllowed)
	}
	properties := merged(e.msg.Properties, d.Properties)
	if d.Kind == DeadLetter {
		properties = withReason(properties, d.Reason, d.Description)
	}
	if err := checkProperties(properties); err != nil {
		return err
	}
	e.msg.Properties = properties
	e.rewritten = e.rewritten || len(d.Properties) > 0
	e.releases = 0
	switch d.Kind {
	case Abandon:
		t.giveBack(e, now)
	case Defer:
		t.shift(e, deferred)
	case DeadLetter:
		t.bury(e, now)
	}
	return nil
}

// RenewLock makes a lock last the entity's lock duration from now and returns its end. ErrNotFound, ErrLockLost;
// ErrNotAllowed for a message of a session, whose lock is the session's.
func (b *Broker) RenewLock(address string, lockToken [16]byte) (time.Time, error) {
	now := b.begin()
	defer b.end()
	t, e, err := b.held(address, lockToken)
	if err != nil {
		return time.Time{}, err
	}
	if e.session != nil {
		return time.Time{}, t.refuse(ErrNotAllowed)
	}
	e.msg.LockedUntil = now.Add(t.lockDuration)
	t.shift(e, e.phase)
	return e.msg.LockedUntil, nil
}

func (t *entity) expireLock(e *entry, now time.Time) {
	e.releases = 0
	t.giveBack(e, now)
}

// giveBack counts a delivery that failed and makes the message ready again, or a dead letter when it was one too many.
func (t *entity) giveBack(e *entry, now time.Time) {
	if !t.isSubQueue() {
		e.msg.DeliveryCount++
		if int(e.msg.DeliveryCount) >= t.maxDeliveryCount {
			e.msg.Properties = withReason(e.msg.Properties, ReasonMaxDeliveryCount,
				fmt.Sprintf("Message could not be consumed after %d delivery attempts.", t.maxDeliveryCount))
			t.bury(e, now)
			return
		}
	}
	if e.phase == lockedDeferred {
		t.shift(e, deferred)
		return
	}
	t.shift(e, available)
}

// release gives a message back as if it had never been delivered.
func (t *entity) release(e *entry, now time.Time) {
	if e.phase == lockedDeferred {
		t.shift(e, deferred)
		return
	}
	e.releases++
	if e.releases == 1 {
		t.shift(e, available)
		return
	}
	pause := maxPause
	if doublings := e.releases - 2; doublings < 8 {
		pause = min(maxPause, firstPause<<doublings)
	}
	e.resumeAt = now.Add(pause)
	t.shift(e, paused)
}
