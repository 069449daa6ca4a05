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
			if (e.readySlot > 0) != (e.phase == available) || e.readySlot > 0 && t.ready.items[e.readySlot-1] != e {
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
		if n != t.ledger.n || counts != t.counts || t.ready.len() != counts[available] || len(t.locks) != counts[locked]+counts[lockedDeferred] {
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
