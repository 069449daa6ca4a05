package broker

import "fmt"

// CheckInvariants compares what the broker keeps in several places: ledger, heaps, locks, counts, sizes.
func (b *Broker) CheckInvariants() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	timers := 0
	sizes := map[*entity]int64{}
	for address, t := range b.entities {
		var counts [phases]int
		n, last := 0, int64(-1)
		for e := range t.ledger.from(0) {
			n++
			counts[e.phase]++
			sizes[t.root()] += int64(e.msg.bytes())
			if e.msg.SequenceNumber <= last || t.ledger.find(e.msg.SequenceNumber) != e || e.home != t {
				return fmt.Errorf("%s: message %d is out of place in the ledger", address, e.msg.SequenceNumber)
			}
			last = e.msg.SequenceNumber
			if (e.readySlot > 0) != (e.phase == available) || e.readySlot > 0 && t.readyOf(e).items[e.readySlot-1] != e {
				return fmt.Errorf("%s: message %d in phase %d is out of place in the ready heap", address, last, e.phase)
			}
			if e.phase.locked() != (t.locks[e.msg.LockToken] == e) {
				return fmt.Errorf("%s: message %d in phase %d and the locks disagree", address, last, e.phase)
			}
			if due := t.dueTime(e); !due.Equal(e.due) || due.IsZero() != (e.timerSlot == 0) || e.timerSlot > 0 && b.timers.items[e.timerSlot-1] != e {
				return fmt.Errorf("%s: message %d in phase %d is out of place in the timers", address, last, e.phase)
			}
			if e.timerSlot > 0 {
				timers++
			}
		}
		ready, alarms, err := t.checkSessions(address)
		if err != nil {
			return err
		}
		timers += alarms
		if !t.requiresSession {
			ready += t.ready.len()
		}
		if n != t.ledger.n || counts != t.counts || ready != counts[available] || len(t.locks) != counts[locked]+counts[lockedDeferred] {
			return fmt.Errorf("%s: counts %v, kept %v, %d messages, kept %d", address, counts, t.counts, n, t.ledger.n)
		}
		for i := 1; i < t.ready.len(); i++ {
			if t.ready.less(t.ready.items[i], t.ready.items[(i-1)/2]) {
				return fmt.Errorf("%s: the ready heap is out of order", address)
			}
		}
	}
	for i := 1; i < b.timers.len(); i++ {
		if b.timers.less(b.timers.items[i], b.timers.items[(i-1)/2]) {
			return fmt.Errorf("the timers are out of order")
		}
	}
	if timers != b.timers.len() {
		return fmt.Errorf("%d timers, %d of messages that are there", b.timers.len(), timers)
	}
	for address, t := range b.entities {
		if t.owner == nil && t.size != sizes[t] {
			return fmt.Errorf("%s: %d bytes, kept %d", address, sizes[t], t.size)
		}
	}
	return nil
}

// checkSessions compares what an entity keeps by session, and returns how many messages are ready there and how many
// locks have a timer.
func (t *entity) checkSessions(address string) (ready, alarms int, err error) {
	filed := 0
	for id, s := range t.sessions {
		var counts [phases]int
		for e := range t.ledger.from(0) {
			if e.session == s {
				counts[e.phase]++
			}
			if _, held := s.held[e]; held != (e.session == s && e.phase.locked()) {
				return 0, 0, fmt.Errorf("%s: session %q and message %d disagree", address, id, e.msg.SequenceNumber)
			}
			if (e.session == s) != (e.msg.SessionID == id) || !e.msg.HasSession() {
				return 0, 0, fmt.Errorf("%s: message %d isn't in its session", address, e.msg.SequenceNumber)
			}
		}
		if counts != s.counts || s.ready.len() != counts[available] || s.home != t {
			return 0, 0, fmt.Errorf("%s: session %q counts %v, kept %v", address, id, counts, s.counts)
		}
		if s.isLocked() != (t.sessionLocks[s.lock] == s) || s.isLocked() != (s.alarm.timerSlot > 0) || !s.alarm.due.Equal(s.until) {
			return 0, 0, fmt.Errorf("%s: the lock of session %q is out of place", address, id)
		}
		if s.isLocked() {
			alarms++
		} else if s.state == nil && counts == [phases]int{} {
			return 0, 0, fmt.Errorf("%s: session %q has nothing to be there for", address, id)
		}
		ready += s.ready.len()
		if free := !s.isLocked() && s.deliverable(); free != (s.alarm.readySlot > 0) || free && s.alarm.msg.SequenceNumber != s.ready.first().msg.SequenceNumber {
			return 0, 0, fmt.Errorf("%s: session %q is out of place among those that can be accepted", address, id)
		}
		if s.alarm.readySlot > 0 {
			filed++
		}
	}
	if t.requiresSession && filed != t.ready.len() {
		return 0, 0, fmt.Errorf("%s: %d sessions can be accepted, kept %d", address, filed, t.ready.len())
	}
	if alarms != len(t.sessionLocks) {
		return 0, 0, fmt.Errorf("%s: %d locks of sessions, kept %d", address, alarms, len(t.sessionLocks))
	}
	return ready, alarms, nil
}

// Remembered is how many message ids an entity remembers.
func (b *Broker) Remembered(address string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.entities[foldASCII(address)].history.order)
}

const (
	FirstPause = firstPause
	MaxPause   = maxPause
)
