package broker

import (
	"errors"
	"time"
)

// maxHops is how often one message may be forwarded (Service Bus documentation, page on auto-forward).
const maxHops = 4

// forward passes a message that arrived at t on. What can't be passed on becomes a dead letter of t itself (Service Bus
// documentation, "Dead-lettering in auto forward scenarios"; Azure/azure-service-bus issue 33 and MicrosoftDocs/azure-docs
// issue 111251 saw the same); the transfer dead-letter queue is for what is sent by way of another entity, see SendVia.
func (t *entity) forward(e *entry, now time.Time) {
	if e.hops >= maxHops {
		e.msg.Properties = withReason(e.msg.Properties, ReasonMaxHops,
			"The maximum number of allowed hops when forwarding between queues has been exceeded. This value is set to 4.")
		t.bury(e, now)
		return
	}
	err := t.passOn(e, now)
	if err == nil {
		return
	}
	reason := ReasonForwardTarget
	if errors.Is(err, ErrQuota) {
		reason = ReasonForwardQuota
	}
	e.msg.Properties = withReason(e.msg.Properties, reason, err.Error())
	t.bury(e, now)
}

// forwardDeadLetter passes a dead letter on from the dead-letter queue t; false when it has to stay there.
func (t *entity) forwardDeadLetter(e *entry, now time.Time) bool {
	e.msg.DeadLetterSource = t.owner.path
	if t.passOn(e, now) != nil {
		e.msg.DeadLetterSource = ""
		return false
	}
	return true
}

// passOn gives a copy of the message, with a new sequence number and life, to the target.
func (t *entity) passOn(e *entry, now time.Time) error {
	to, err := t.b.find(t.forwardTo)
	if err != nil {
		return err
	}
	if err := to.openForSending(); err != nil {
		return err
	}
	if to.full(e.msg.bytes()) {
		return to.refuse(ErrQuota)
	}
	m := e.msg
	if m.EnqueuedSequenceNumber == 0 {
		m.EnqueuedSequenceNumber = m.SequenceNumber
	}
	m.DeliveryCount, m.LockToken, m.LockedUntil = 0, token{}, time.Time{}
	to.accept(m, e.hops+1, now)
	return nil
}
