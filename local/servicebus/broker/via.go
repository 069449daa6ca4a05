package broker

import (
	"errors"
	"fmt"
	"time"
)

// SendVia sends messages to a queue or topic by way of a queue or a subscription, as Send does. While the destination is disabled they go to
// the transfer dead-letter queue of via (Service Bus documentation, "Dead-lettering in send via scenarios"; the reason they
// carry there is this broker's own). The service keeps what the destination has no room for in a transfer queue; here that
// is ErrQuota. That a subscription may be the way is UNCONFIRMED; it has the sub-queue and its count, as a queue has. Errors:
// those of Send; ErrNotFound also for via, ErrNotAllowed where via is neither.
func (b *Broker) SendVia(via, destination string, msgs ...*Message) error {
	now := b.begin()
	defer b.end()
	v, err := b.find(via)
	switch {
	case err != nil:
		return err
	case v.transfer == nil:
		return v.refuse(ErrNotAllowed)
	case v.status == Disabled || v.status == SendDisabled:
		return v.refuse(ErrDisabled)
	}
	t, err := b.checkSend(destination, msgs)
	switch {
	case errors.Is(err, ErrDisabled):
		return v.keepTransfers(msgs, err, now)
	case err != nil:
		return err
	}
	for _, m := range msgs {
		t.accept(stored(m), 0, now)
	}
	return nil
}

// keepTransfers puts messages that can't be passed on into the transfer dead-letter queue of t: all or none.
func (t *entity) keepTransfers(msgs []*Message, why error, now time.Time) error {
	total := 0
	for _, m := range msgs {
		if err := m.check(t.messageLimit()); err != nil {
			return fmt.Errorf("%w (%s)", err, t.path)
		}
		total += m.bytes()
	}
	if t.full(total) {
		return t.refuse(ErrQuota)
	}
	for _, m := range msgs {
		e := &entry{msg: stored(m)}
		e.msg.SequenceNumber, e.msg.EnqueuedTime = t.nextSequence(), now
		e.msg.Properties = withReason(e.msg.Properties, ReasonForwardTarget, why.Error())
		t.transfer.enter(e, available)
	}
	return nil
}
