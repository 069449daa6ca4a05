package broker

import "time"

// fanOut gives each subscription the copies of a topic's message that its rules select. A disabled subscription gets
// messages all the same: only receiving is closed (Service Bus documentation, page on suspending entities).
func (t *entity) fanOut(e *entry, now time.Time) {
	if e.msg.EnqueuedSequenceNumber == 0 {
		e.msg.EnqueuedSequenceNumber = e.msg.SequenceNumber
	}
	for _, s := range t.subscriptions {
		selected, err := s.selections(&e.msg)
		for _, m := range selected {
			c := &entry{msg: m, hops: e.hops}
			c.msg.SequenceNumber = s.nextSequence()
			c.msg.TTL = t.life(c.msg.TTL) // the topic's limit counts beside the subscription's
			s.arrive(c, now)
		}
		if err == nil {
			continue
		}
		c := &entry{msg: e.msg, hops: e.hops}
		c.msg.SequenceNumber = s.nextSequence()
		c.msg.EnqueuedTime = now
		c.msg.Properties = withReason(c.msg.Properties, ReasonFilterError, err.Error())
		s.bury(c, now)
	}
}
