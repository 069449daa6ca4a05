package broker

import "time"

// life is how long a message lives here: the sender's wish, at most the entity's default; zero for ever.
func (t *entity) life(wish time.Duration) time.Duration {
	if t.defaultTTL > 0 && (wish == 0 || wish > t.defaultTTL) {
		return t.defaultTTL
	}
	return wish
}

// expires says whether an entry has an end here. Nothing expires in a sub-queue.
func (t *entity) expires(e *entry) bool { return !e.msg.ExpiresAt.IsZero() && !t.isSubQueue() }

// expire ends a message's life: a dead letter where that's switched on, else nothing is left of it.
func (t *entity) expire(e *entry, now time.Time) {
	if !t.deadLetterOnExpiry {
		t.leave(e)
		return
	}
	e.msg.Properties = withReason(e.msg.Properties, ReasonExpired, "The message expired and was dead lettered.")
	t.bury(e, now)
}
