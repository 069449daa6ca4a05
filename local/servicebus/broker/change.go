package broker

import "time"

// phase is what a stored message is in, finer than [State].
type phase uint8

const (
	available      phase = iota // can be received
	paused                      // was released more than once; available again at resumeAt
	locked                      // received in mode PeekLock
	deferred                    // waits to be asked for by number
	lockedDeferred              // received by number; goes back to deferred
	waiting                     // scheduled
	phases
)

func (p phase) locked() bool { return p == locked || p == lockedDeferred }

func (p phase) state() State {
	switch p {
	case deferred, lockedDeferred:
		return Deferred
	case waiting:
		return Scheduled
	}
	return Active
}

// entry is a stored message.
type entry struct {
	msg   Message
	home  *entity
	phase phase
	// session is nil where there are none.
	session *session
	// rewritten says that the properties changed since the journal was told of them.
	rewritten bool
	hops      int       // how often the message was forwarded
	releases  int       // how often it was released since the last settlement of another kind
	resumeAt  time.Time // of a paused message

	due                  time.Time // when something happens to it without anybody's doing
	readySlot, timerSlot int32     // places in the heaps
}

// The functions enter, shift and leave are the only ones that change what an entity holds. Each takes an entry whose
// fields already have their new values, so what a journal has to write is the entry and the phase: one place, three
// records. Together with history.add and the making of entities they are the broker's whole state.

// enter puts an entry that is nowhere into t. Its message has its sequence number.
func (t *entity) enter(e *entry, p phase) {
	e.home, e.phase = t, p
	if t.requiresSession {
		e.session = t.session(e.msg.SessionID)
	}
	t.ledger.add(e)
	t.root().size += int64(e.msg.bytes())
	t.place(e)
	t.b.recorder.enter(e)
}

// shift moves an entry of t into a phase, the same one included.
func (t *entity) shift(e *entry, p phase) {
	t.unplace(e)
	e.phase = p
	t.place(e)
	t.b.recorder.shift(e)
}

// leave takes an entry out of t.
func (t *entity) leave(e *entry) {
	t.leaveKept(e)
	t.ledger.remove(e)
	t.b.recorder.leave(t, e)
}

// leaveKept is leave for who drops the whole ledger afterwards.
func (t *entity) leaveKept(e *entry) {
	t.unplace(e)
	t.root().size -= int64(e.msg.bytes())
	if e.session != nil {
		e.session.forgetIdle()
	}
	e.home, e.session = nil, nil
}

// place enters an entry into what its phase asks for.
func (t *entity) place(e *entry) {
	t.counts[e.phase]++
	if e.session != nil {
		e.session.counts[e.phase]++
	}
	switch e.phase {
	case available:
		t.readyOf(e).push(e)
		t.wake(e.session)
	case locked, lockedDeferred:
		t.locks[e.msg.LockToken] = e
		if e.session != nil {
			e.session.held[e] = struct{}{}
		}
	}
	if e.session != nil {
		e.session.file()
	}
	if e.due = t.dueTime(e); !e.due.IsZero() {
		t.b.timers.push(e)
		if t.b.timers.first() == e {
			t.b.deadlineMoved = true
		}
	}
}

// unplace undoes place.
func (t *entity) unplace(e *entry) {
	t.counts[e.phase]--
	if e.session != nil {
		e.session.counts[e.phase]--
	}
	switch e.phase {
	case available:
		t.readyOf(e).remove(e)
	case paused:
		t.wake(e.session) // which it held up
	case locked, lockedDeferred:
		delete(t.locks, e.msg.LockToken)
		if e.session != nil {
			delete(e.session.held, e)
		}
	}
	if e.session != nil {
		e.session.file()
	}
	t.b.timers.remove(e)
}

// readyOf is the heap that an available entry stands in: the entity's or its session's.
func (t *entity) readyOf(e *entry) *heap {
	if e.session != nil {
		return &e.session.ready
	}
	return &t.ready
}

// dueTime says when something will happen to an entry by itself, zero for never. Locked and deferred messages don't
// expire, nor does anything in a sub-queue (Service Bus documentation, pages on expiration and dead-letter queues).
func (t *entity) dueTime(e *entry) time.Time {
	switch e.phase {
	case locked, lockedDeferred:
		if e.session != nil && e.session.isLocked() {
			return time.Time{} // the session's lock counts
		}
		return e.msg.LockedUntil
	case waiting:
		return e.msg.ScheduledEnqueueTime
	case paused:
		if t.expires(e) && e.msg.ExpiresAt.Before(e.resumeAt) {
			return e.msg.ExpiresAt
		}
		return e.resumeAt
	case available:
		if t.expires(e) {
			return e.msg.ExpiresAt
		}
	}
	return time.Time{}
}

// fallDue does to an entry what is due by now.
func (t *entity) fallDue(e *entry, now time.Time) {
	switch {
	case e.phase == sessionLocked:
		t.expireSession(e.session, now)
	case e.phase.locked():
		t.expireLock(e, now)
	case e.phase == waiting:
		t.activate(e, now)
	case t.expires(e) && !e.msg.ExpiresAt.After(now):
		t.expire(e, now)
	default:
		t.shift(e, available)
	}
}
