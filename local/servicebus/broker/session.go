package broker

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// session is what an entity with RequiresSession keeps per session id. It's there while it has messages, a state or a
// lock.
type session struct {
	id     string
	home   *entity
	ready  heap                // its messages that can be received
	held   map[*entry]struct{} // those under lock
	counts [phases]int         // of each phase
	state  []byte              // nil for none
	stated time.Time           // when state was last set

	lock  token // zero for none
	until time.Time
	// alarm stands in the timers for the end of the lock and, while there's none but a message to receive, in the
	// entity's ready heap for that message.
	alarm entry

	watchers []*func() // of who holds it
}

// sessionLocked is the phase of an alarm, which is no message.
const sessionLocked = phases + 1

// SessionLock is the right to receive the messages of one session.
type SessionLock struct {
	SessionID   string
	Token       [16]byte
	LockedUntil time.Time
}

// HasSession says whether a message has a session id, which may be blank.
func (m *Message) HasSession() bool { return m.SessionID != "" || m.BlankSession }

// session returns the session of this id and makes it where it's missing; the caller gives it something to be there for.
func (t *entity) session(id string) *session {
	if s := t.sessions[id]; s != nil {
		return s
	}
	s := &session{id: id, home: t, ready: newReadyHeap(), held: map[*entry]struct{}{}}
	s.alarm = entry{home: t, phase: sessionLocked, session: s}
	if t.sessions == nil {
		t.sessions, t.sessionLocks = map[string]*session{}, map[token]*session{}
	}
	t.sessions[id] = s
	return s
}

// forgetIdle drops a session that nothing is left of.
func (s *session) forgetIdle() {
	if s.state == nil && !s.isLocked() && s.counts == [phases]int{} && s.home.sessions[s.id] == s {
		delete(s.home.sessions, s.id)
	}
}

func (s *session) isLocked() bool { return s.lock != token{} }

// deliverable says whether a message can be received. One that was released and rests holds the others up, for they come
// after it.
func (s *session) deliverable() bool { return s.ready.len() > 0 && s.counts[paused] == 0 }

// file enters the session among those that can be accepted, or takes it out.
func (s *session) file() {
	ready := &s.home.ready
	ready.remove(&s.alarm)
	s.alarm.msg.SequenceNumber = 0
	if !s.isLocked() && s.deliverable() {
		s.alarm.msg.SequenceNumber = s.ready.first().msg.SequenceNumber
		ready.push(&s.alarm)
	}
}

// checkSession says whether messages can be received without a session. Sub-queues never have sessions.
func (t *entity) checkSession() error {
	if t.requiresSession {
		return t.refuse(ErrSessionRequired)
	}
	return nil
}

// findSessions finds an entity with sessions that is open for receiving.
func (b *Broker) findSessions(address string) (*entity, error) {
	t, err := b.find(address)
	if err != nil {
		return nil, err
	}
	if err := t.openForReceiving(); err != nil {
		return nil, err
	}
	if !t.requiresSession {
		return nil, t.refuse(ErrSessionless)
	}
	return t, nil
}

// lockedSession finds the session that is locked by a token.
func (b *Broker) lockedSession(address string, lock token) (*session, error) {
	t, err := b.find(address)
	if err != nil {
		return nil, err
	}
	if s := t.sessionLocks[lock]; s != nil {
		return s, nil
	}
	return nil, t.refuse(ErrSessionLockLost)
}

// AcceptSession locks a session, which need not have messages, for the entity's lock duration. Errors: ErrNotFound,
// ErrDisabled, ErrNotAllowed, ErrSessionless, ErrSessionLocked, ErrInvalid (the id is too long).
func (b *Broker) AcceptSession(address, id string) (SessionLock, error) {
	now := b.begin()
	defer b.end()
	t, err := b.findSessions(address)
	if err != nil {
		return SessionLock{}, err
	}
	if err := checkID("session id", id); err != nil {
		return SessionLock{}, err
	}
	if s := t.sessions[id]; s != nil && s.isLocked() {
		return SessionLock{}, fmt.Errorf("%w: %s", ErrSessionLocked, t.path)
	}
	return t.session(id).acquire(now), nil
}

// AcceptNextSession locks, of the sessions that nobody holds and that have a message to receive, the one whose message
// is the oldest; ok is false when there's none. Errors: ErrNotFound, ErrDisabled, ErrNotAllowed, ErrSessionless.
func (b *Broker) AcceptNextSession(address string) (lock SessionLock, ok bool, err error) {
	now := b.begin()
	defer b.end()
	t, err := b.findSessions(address)
	if err != nil {
		return SessionLock{}, false, err
	}
	next := t.ready.first()
	if next == nil {
		return SessionLock{}, false, nil
	}
	return next.session.acquire(now), true, nil
}

func (s *session) acquire(now time.Time) SessionLock {
	s.giveUp((*entity).restore, now) // a restored journal may show messages under a lock whose holder is gone
	s.lock = newToken()
	s.file()
	s.home.sessionLocks[s.lock] = s
	s.extend(now)
	return SessionLock{SessionID: s.id, Token: s.lock, LockedUntil: s.until}
}

// extend makes the lock last the entity's lock duration from now.
func (s *session) extend(now time.Time) {
	b := s.home.b
	b.timers.remove(&s.alarm)
	s.until = now.Add(s.home.lockDuration)
	s.alarm.due = s.until
	b.timers.push(&s.alarm)
	if b.timers.first() == &s.alarm {
		b.deadlineMoved = true
	}
}

// release ends the lock; what becomes of the messages under it is the caller's business.
func (s *session) release() {
	delete(s.home.sessionLocks, s.lock)
	s.home.b.timers.remove(&s.alarm)
	s.lock, s.until, s.alarm.due = token{}, time.Time{}, time.Time{}
	s.file()
	s.home.b.awake[s.home], s.home.b.awakeSessions[s] = struct{}{}, struct{}{}
}

// giveUp does something to each message of the session that is under lock, in their order.
func (s *session) giveUp(do func(t *entity, e *entry, now time.Time), now time.Time) {
	held := make([]*entry, 0, len(s.held))
	for e := range s.held {
		held = append(held, e)
	}
	slices.SortFunc(held, func(a, b *entry) int { return cmp.Compare(a.msg.SequenceNumber, b.msg.SequenceNumber) })
	for _, e := range held {
		do(s.home, e, now)
	}
}

// restore gives a message back as if it had never been delivered, without a pause.
func (t *entity) restore(e *entry, _ time.Time) {
	e.releases = 0
	if e.phase == lockedDeferred {
		t.shift(e, deferred)
		return
	}
	t.shift(e, available)
}

// expireSession ends a lock that nobody renewed: each message under it counts a delivery more.
func (t *entity) expireSession(s *session, now time.Time) {
	s.release()
	s.giveUp((*entity).expireLock, now)
	s.forgetIdle()
}

// ReleaseSession gives a session back. Messages under its lock become available again and count no delivery (Service Bus
// documentation, "Message sessions", on the delivery count). ErrNotFound, ErrSessionLockLost.
func (b *Broker) ReleaseSession(address string, lock [16]byte) error {
	now := b.begin()
	defer b.end()
	s, err := b.lockedSession(address, lock)
	if err != nil {
		return err
	}
	s.release()
	s.giveUp((*entity).restore, now)
	s.forgetIdle()
	return nil
}

// RenewSessionLock makes a session's lock last the entity's lock duration from now and returns its end. ErrNotFound,
// ErrSessionLockLost.
func (b *Broker) RenewSessionLock(address string, lock [16]byte) (time.Time, error) {
	now := b.begin()
	defer b.end()
	s, err := b.lockedSession(address, lock)
	if err != nil {
		return time.Time{}, err
	}
	s.extend(now)
	for e := range s.held {
		e.msg.LockedUntil = s.until
	}
	return s.until, nil
}

// SessionLocked returns nil while a session's lock is valid. ErrNotFound, ErrSessionLockLost.
func (b *Broker) SessionLocked(address string, lock [16]byte) error {
	b.begin()
	defer b.end()
	_, err := b.lockedSession(address, lock)
	return err
}

// WatchSession has f called when messages of a locked session may have become available, when its lock is lost, and when
// the entity's status changes or the entity goes; it's to [Broker.Watch], which tells of free sessions only, what a
// session is to an entity. ErrNotFound, ErrSessionLockLost.
func (b *Broker) WatchSession(address string, lock [16]byte, f func()) (cancel func(), err error) {
	b.begin()
	defer b.end()
	s, err := b.lockedSession(address, lock)
	if err != nil {
		return nil, err
	}
	w := &f
	s.watchers = append(s.watchers, w)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		s.watchers = slices.DeleteFunc(s.watchers, func(o *func()) bool { return o == w })
	}, nil
}

// wake notes that messages may have become available: to the holder of their session or, where there is none, to who
// watches the entity.
func (t *entity) wake(s *session) {
	if s != nil && s.isLocked() {
		t.b.awakeSessions[s] = struct{}{}
	} else if len(t.watchers) > 0 {
		t.b.awake[t] = struct{}{}
	}
}

// wakeAll wakes everybody at an entity and what belongs to it.
func (b *Broker) wakeAll(t *entity) {
	for _, affected := range t.family() {
		b.awake[affected] = struct{}{}
		for _, s := range affected.sessionLocks {
			b.awakeSessions[s] = struct{}{}
		}
	}
}

// ReceiveFromSession is [Broker.Receive] for the messages of a locked session. Errors: ErrNotFound, ErrDisabled,
// ErrSessionLockLost.
func (b *Broker) ReceiveFromSession(address string, lock [16]byte, max int, mode Mode) ([]*Message, error) {
	now := b.begin()
	defer b.end()
	s, err := b.lockedSession(address, lock)
	if err != nil {
		return nil, err
	}
	if err := s.home.openForReceiving(); err != nil {
		return nil, err
	}
	var out []*Message
	for len(out) < max && s.deliverable() {
		out = append(out, s.home.take(s.ready.first(), mode, now))
	}
	return out, nil
}

// ReceiveDeferredFromSession is [Broker.ReceiveDeferred] for the messages of a locked session. Errors: ErrNotFound,
// ErrDisabled, ErrSessionLockLost.
func (b *Broker) ReceiveDeferredFromSession(address string, lock [16]byte, sequences []int64, mode Mode) ([]*Message, error) {
	now := b.begin()
	defer b.end()
	s, err := b.lockedSession(address, lock)
	if err != nil {
		return nil, err
	}
	if err := s.home.openForReceiving(); err != nil {
		return nil, err
	}
	return s.home.takeDeferred(sequences, mode, now, func(e *entry) bool { return e.session == s }), nil
}

// PeekSession is [Broker.Peek] for the messages of one session, whoever holds it. Errors: ErrNotFound, ErrDisabled.
func (b *Broker) PeekSession(address, id string, fromSequence int64, max int) ([]*Message, error) {
	return b.peek(address, fromSequence, max, func(e *entry) bool {
		return e.msg.HasSession() && e.msg.SessionID == id
	})
}
