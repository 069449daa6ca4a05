package broker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// SessionState returns what a session's holder keeps with it, nil for nothing. ErrNotFound, ErrSessionLockLost.
func (b *Broker) SessionState(address string, lock [16]byte) ([]byte, error) {
	b.begin()
	defer b.end()
	s, err := b.lockedSession(address, lock)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(s.state), nil
}

// SetSessionState keeps something with a session, after the session's last message is gone too; nil or nothing clears
// it. Errors: ErrNotFound, ErrSessionLockLost, ErrTooLarge (over the limit of a message).
func (b *Broker) SetSessionState(address string, lock [16]byte, state []byte) error {
	now := b.begin()
	defer b.end()
	s, err := b.lockedSession(address, lock)
	if err != nil {
		return err
	}
	if len(state) > b.maxMessageSize {
		return fmt.Errorf("%w: a session's state of %d bytes, the limit is %d", ErrTooLarge, len(state), b.maxMessageSize)
	}
	s.keep(state, now)
	return nil
}

// keep is the only function that changes a session's state.
func (s *session) keep(state []byte, now time.Time) {
	s.state, s.stated = nil, now
	if len(state) > 0 {
		s.state = bytes.Clone(state)
	}
	s.home.b.recorder.session(s)
	s.forgetIdle()
}

// Sessions returns a page of the ids, in their order, of the sessions that have active messages or a state; with
// updatedAfter, of those whose state was set after that time. Errors: ErrNotFound, ErrDisabled, ErrNotAllowed,
// ErrSessionless.
func (b *Broker) Sessions(address string, updatedAfter time.Time, skip, top int) ([]string, error) {
	b.begin()
	defer b.end()
	t, err := b.findSessions(address)
	if err != nil {
		return nil, err
	}
	var ids []string
	for id, s := range t.sessions {
		listed := s.state != nil || s.counts[available]+s.counts[paused]+s.counts[locked] > 0
		if !updatedAfter.IsZero() {
			listed = s.state != nil && s.stated.After(updatedAfter)
		}
		if listed {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	ids = ids[min(max(skip, 0), len(ids)):]
	return ids[:min(max(top, 0), len(ids))], nil
}

// sessionRecord is what the journal holds of a session. Its lock isn't part of it: it ends with the link that holds it.
type sessionRecord struct {
	ID     string
	State  []byte `json:",omitempty"`
	Stated time.Time
}

// session records that a session's state changed.
func (r *recorder) session(s *session) {
	if r == nil {
		return
	}
	r.begin(recordSession, s.home)
	r.frame = appendBytes(r.frame, s.record())
}

func (s *session) record() []byte {
	encoded, _ := json.Marshal(sessionRecord{s.id, s.state, s.stated}) // nothing in it can fail
	return encoded
}

// sessionRecords are the contents of the records that restore an entity's sessions.
func (t *entity) sessionRecords() [][]byte {
	var out [][]byte
	for _, id := range slices.Sorted(maps.Keys(t.sessions)) {
		if s := t.sessions[id]; s.state != nil {
			out = append(out, s.record())
		}
	}
	return out
}

// restoreSession applies the record of a session.
func (t *entity) restoreSession(encoded []byte, r *record) error {
	if r.err != nil {
		return r.err
	}
	var from sessionRecord
	if err := json.Unmarshal(encoded, &from); err != nil {
		return err
	}
	t.session(from.ID).keep(from.State, from.Stated)
	return nil
}
