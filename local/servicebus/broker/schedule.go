package broker

import (
	"fmt"
	"time"
)

// Schedule sends messages that become active at their ScheduledEnqueueTime, or at once when that has passed, and
// returns the sequence numbers by which they can be cancelled. Errors as for [Broker.Send].
func (b *Broker) Schedule(address string, msgs []*Message) ([]int64, error) {
	now := b.begin()
	defer b.end()
	t, err := b.checkSend(address, msgs)
	if err != nil {
		return nil, err
	}
	out := make([]int64, 0, len(msgs))
	for _, m := range msgs {
		out = append(out, t.accept(stored(m), 0, now))
	}
	return out, nil
}

// CancelScheduled removes scheduled messages: all, or none and ErrMessageNotFound when one of the numbers isn't that of
// a message still scheduled.
func (b *Broker) CancelScheduled(address string, sequences []int64) error {
	b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return err
	}
	found := map[int64]*entry{}
	for _, sequence := range sequences {
		e := t.ledger.find(sequence)
		if e == nil || e.phase != waiting {
			return fmt.Errorf("%w: scheduled message %d at %s", ErrMessageNotFound, sequence, t.path)
		}
		found[sequence] = e
	}
	for _, e := range found {
		t.leave(e)
	}
	return nil
}

// schedule keeps a numbered message until its time.
func (t *entity) schedule(e *entry, now time.Time) {
	e.msg.EnqueuedTime = now
	t.enter(e, waiting)
}

// activate makes a scheduled message active, under a new sequence number.
func (t *entity) activate(e *entry, now time.Time) {
	t.leave(e)
	e.msg.SequenceNumber = t.nextSequence()
	t.arrive(e, now)
}
