package broker

import "time"

// fanOut gives a copy of a topic's message to each subscription whose rules select it. One message comes to one
// subscription once, however many of its rules match. A disabled subscription gets messages all the same: only receiving
// is closed (Service Bus documentation, page on suspending entities).
func (t *entity) fanOut(e *entry, now time.Time) {
	if e.msg.EnqueuedSequenceNumber == 0 {
		e.msg.EnqueuedSequenceNumber = e.msg.SequenceNumber
	}
	for _, s := range t.subscriptions {
		selected, err := s.selects(&e.msg)
		if err == nil && !selected {
			continue
		}
		c := &entry{msg: e.msg, hops: e.hops}
		c.msg.SequenceNumber = s.nextSequence()
		if err == nil {
			c.msg.TTL = t.life(c.msg.TTL) // the topic's limit counts beside the subscription's
			s.arrive(c, now)
			continue
		}
		c.msg.EnqueuedTime = now
		c.msg.Properties = withReason(c.msg.Properties, ReasonFilterError, err.Error())
		s.bury(c, now)
	}
}
