package sbwire

import (
	"time"

	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// session finds the session a request is about: the one it names or, where it names none, the one that its associated
// link holds. ok is false when it's about none.
func (m management) session(body wire.Map) (lock [16]byte, ok bool, err error) {
	var holder *receiver
	if named := body.Get("session-id"); named != nil {
		id, isText := wire.Text(named)
		if !isText {
			return lock, true, argument("session-id is no text")
		}
		if holder = m.s.holders.find(m.entity, id, m.link); holder == nil {
			return lock, true, broker.ErrSessionLockLost
		}
	} else if holder = m.s.holders.findLink(m.entity, m.link); holder == nil {
		return lock, false, nil
	}
	return holder.session.Token, true, nil
}

// mandatorySession is session for an operation that makes no sense without one.
func (m management) mandatorySession(body wire.Map) ([16]byte, error) {
	lock, ok, err := m.session(body)
	if err == nil && !ok {
		err = argument("session-id is missing")
	}
	return lock, err
}

// renewSessionLock: session-id → expiration, a timestamp.
func (m management) renewSessionLock(body wire.Map) (response, error) {
	lock, err := m.mandatorySession(body)
	if err != nil {
		return response{}, err
	}
	until, err := m.s.b.RenewSessionLock(m.entity, lock)
	if err != nil {
		return response{}, err
	}
	return response{body: wire.Map{{Key: "expiration", Value: until}}}, nil
}

// sessionState: session-id → session-state, binary or null.
func (m management) sessionState(body wire.Map) (response, error) {
	lock, err := m.mandatorySession(body)
	if err != nil {
		return response{}, err
	}
	state, err := m.s.b.SessionState(m.entity, lock)
	if err != nil {
		return response{}, err
	}
	var value any
	if len(state) > 0 {
		value = state
	}
	return response{body: wire.Map{{Key: "session-state", Value: value}}}, nil
}

// setSessionState: session-id, session-state (binary or null) → nothing.
func (m management) setSessionState(body wire.Map) (response, error) {
	lock, err := m.mandatorySession(body)
	if err != nil {
		return response{}, err
	}
	state := body.Get("session-state")
	encoded, ok := state.([]byte)
	if state != nil && !ok {
		return response{}, argument("session-state is no binary")
	}
	return response{}, m.s.b.SetSessionState(m.entity, lock, encoded)
}

// sessions: last-updated-time, skip, top → skip, sessions-ids, an array of string; 204 when there are none. A time that
// .NET has no place for lists by messages instead of by the time of the state.
func (m management) sessions(body wire.Map) (response, error) {
	at, ok := body.Get("last-updated-time").(time.Time)
	skip, ok2 := wire.Integer(body.Get("skip"))
	top, ok3 := wire.Integer(body.Get("top"))
	if !ok || !ok2 || !ok3 || skip < 0 || top < 0 {
		return response{}, argument("last-updated-time, skip or top is missing")
	}
	if at.UTC().Year() >= 9999 {
		at = time.Time{}
	} else if at.IsZero() {
		at = at.Add(1) // the broker takes zero for none
	}
	ids, err := m.s.b.Sessions(m.entity, at, int(min(skip, maxItems*maxItems)), int(min(top, maxItems)))
	if err != nil {
		return response{}, err
	}
	if len(ids) == 0 {
		return noContent, nil
	}
	return response{body: wire.Map{{Key: "skip", Value: int32(skip + int64(len(ids)))}, {Key: "sessions-ids", Value: wire.Strings(ids)}}}, nil
}
