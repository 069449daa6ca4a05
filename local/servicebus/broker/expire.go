package broker

// ExpireLocks ends every lock at an address as if its time were over, those of sessions included, and returns how many
// there were. ErrNotFound.
func (b *Broker) ExpireLocks(address string) (int, error) {
	now := b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return 0, err
	}
	n := len(t.sessionLocks)
	for _, s := range t.sessionLocks {
		t.expireSession(s, now)
	}
	var held []*entry
	for e := range t.ledger.from(0) {
		if e.phase.locked() {
			held = append(held, e)
		}
	}
	for _, e := range held {
		t.expireLock(e, now)
	}
	return n + len(held), nil
}
