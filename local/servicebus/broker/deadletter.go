package broker

import (
	"time"
)

// The application properties that say why a message is a dead letter.
const (
	PropertyDeadLetterReason      = "DeadLetterReason"
	PropertyDeadLetterDescription = "DeadLetterErrorDescription"
)

// The reasons the broker itself gives (Service Bus documentation, page on dead-letter queues). The first two were seen
// in traffic; the exact text of the others, and all descriptions, are UNCONFIRMED.
const (
	ReasonMaxDeliveryCount = "MaxDeliveryCountExceeded"
	ReasonExpired          = "TTLExpiredException"
	ReasonMaxHops          = "MaxTransferHopCountExceeded"
	ReasonFilterError      = "FilterException"
	ReasonNoSession        = "Session ID is null"
	// The documentation names no reason for a forward that fails otherwise; these are this broker's own.
	ReasonForwardTarget = "ForwardTargetUnavailable"
	ReasonForwardQuota  = "ForwardTargetFull"
)

// withReason lays reason and description over properties.
func withReason(properties map[string]any, reason, description string) map[string]any {
	extra := make(map[string]any, 2)
	if reason != "" {
		extra[PropertyDeadLetterReason] = reason
	}
	if description != "" {
		extra[PropertyDeadLetterDescription] = description
	}
	return merged(properties, extra)
}

// bury moves an entry of t, whose properties already say why, to t's dead-letter queue, and from there on where that
// forwards. The message keeps its sequence number, delivery count and times.
func (t *entity) bury(e *entry, now time.Time) {
	if e.home != nil {
		t.leave(e)
	}
	d := t.deadLetter
	// What was forwarded too often isn't forwarded from the dead-letter queue either (azure-service-bus issue 249).
	if d.forwardTo != "" && e.hops < maxHops && d.forwardDeadLetter(e, now) {
		return
	}
	d.enter(e, available)
}
