package broker

import "time"

// ReceiveDeferred takes deferred messages by their sequence numbers. Numbers that aren't those of a deferred message, or
// of one that is under lock, are left out of the answer. Errors: ErrNotFound, ErrDisabled, ErrNotAllowed,
// ErrSessionRequired.
func (b *Broker) ReceiveDeferred(address string, sequences []int64, mode Mode) ([]*Message, error) {
	now := b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return nil, err
	}
	if err := t.openForReceiving(); err != nil {
		return nil, err
	}
	if err := t.checkSession(); err != nil {
		return nil, err
	}
	return t.takeDeferred(sequences, mode, now, func(*entry) bool { return true }), nil
}

func (t *entity) takeDeferred(sequences []int64, mode Mode, now time.Time, wanted func(*entry) bool) []*Message {
	var out []*Message
	for _, sequence := range sequences {
		if e := t.ledger.find(sequence); e != nil && e.phase == deferred && wanted(e) {
			out = append(out, t.take(e, mode, now))
		}
	}
	return out
}
