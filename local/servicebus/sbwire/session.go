package sbwire

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// filterSession is the key of a source filter that asks for a session, and where the answer names it.
const filterSession = "com.microsoft:session-filter"

// Properties of the attach of a session's receiver.
const (
	propertyTimeout     = "com.microsoft:timeout"          // uint, ms: how long the client waits for a free session
	propertyLockedUntil = "com.microsoft:locked-until-utc" // long, .NET ticks
)

// sessionTimeout is how long a client that doesn't say waits for a free session.
const sessionTimeout = time.Minute

// sessionFilter is what a client asked for.
type sessionFilter struct {
	place int // in the source's filters
	form  any // the value as it came: null, a text, or either described
	id    string
	next  bool // whichever session is free
}

// sessionFilterOf finds the session filter of a source. Go describes its value, .NET and JavaScript don't.
func sessionFilterOf(source *wire.Source) (f sessionFilter, ok bool, err error) {
	for i, e := range source.Filter {
		if key, _ := wire.Text(e.Key); key != filterSession {
			continue
		}
		f = sessionFilter{place: i, form: e.Value}
		value := e.Value
		if described, is := value.(wire.Described); is {
			value = described.Value
		}
		if f.next = value == nil; !f.next {
			if f.id, ok = wire.Text(value); !ok {
				return f, true, argument("the session filter is no text")
			}
		}
		return f, true, nil
	}
	return f, false, nil
}

// echo is the source that answers, with the session's id in the form that was asked for.
func (f sessionFilter) echo(source *wire.Source, id string) *wire.Source {
	answer := *source
	answer.Filter = append(wire.Map(nil), source.Filter...)
	var value any = id
	if described, is := f.form.(wire.Described); is {
		value = wire.Described{Descriptor: described.Descriptor, Value: id}
	}
	answer.Filter[f.place].Value = value
	return &answer
}

// holders are the receivers that hold sessions, by session and by link.
type holders struct {
	mu        sync.Mutex
	bySession map[holderKey]*receiver
	byLink    map[holderKey]*receiver
}

// holderKey is an entity, in lower case, and a session's id or a link's name.
type holderKey struct{ entity, name string }

func newHolders() holders {
	return holders{bySession: map[holderKey]*receiver{}, byLink: map[holderKey]*receiver{}}
}

func keyOf(entity, name string) holderKey { return holderKey{strings.ToLower(entity), name} }

func (h *holders) add(r *receiver) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bySession[keyOf(r.entity, r.session.SessionID)] = r
	h.byLink[keyOf(r.entity, r.link.Name())] = r
}

func (h *holders) remove(r *receiver) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if key := keyOf(r.entity, r.session.SessionID); h.bySession[key] == r {
		delete(h.bySession, key)
	}
	if key := keyOf(r.entity, r.link.Name()); h.byLink[key] == r {
		delete(h.byLink, key)
	}
}

// find returns who holds a session, nil for nobody; link, where it isn't empty, must be its link.
func (h *holders) find(entity, id, link string) *receiver {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.bySession[keyOf(entity, id)]
	if r != nil && link != "" && r.link.Name() != link {
		return nil
	}
	return r
}

// findLink returns the holder of this link, nil for none.
func (h *holders) findLink(entity, link string) *receiver {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byLink[keyOf(entity, link)]
}

// attachSession gives a link a session, at once or when one is free.
func (s *Service) attachSession(l *server.Outgoing, entity string, f sessionFilter) {
	l.Go(func() {
		lock, err := s.acquire(l, entity, f)
		if err != nil {
			s.refuse(l, err, entity)
			return
		}
		r := &receiver{s: s, link: l, entity: entity, session: &lock, delete: wantsSettled(l)}
		changed := make(chan struct{}, 1)
		if r.cancel, err = s.b.WatchSession(entity, lock.Token, func() { signal(changed); l.Wake() }); err != nil {
			s.refuse(l, err, entity) // lost already
			return
		}
		s.holders.add(r)
		accepted := l.Accept(server.Acceptance{
			Source: f.echo(l.Attach().Source, lock.SessionID),

			Properties: wire.Map{{Key: wire.Symbol(propertyLockedUntil), Value: ticks(lock.LockedUntil)}},
		}, r)
		if !accepted {
			r.Closed()
			return
		}
		l.Go(func() { r.guard(changed) })
		r.pump()
	})
}

// signal makes a channel of one place ready to receive from.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// acquire locks the session that was asked for or, when it's any, waits for one.
func (s *Service) acquire(l *server.Outgoing, entity string, f sessionFilter) (broker.SessionLock, error) {
	if !f.next {
		return s.acquireNamed(entity, f.id)
	}
	changed := make(chan struct{}, 1)
	cancel, err := s.b.Watch(entity, func() { signal(changed) })
	if err != nil {
		return broker.SessionLock{}, err
	}
	defer cancel()
	wait := sessionTimeout
	if ms, ok := wire.Integer(l.Attach().Properties.Get(propertyTimeout)); ok && ms >= 0 {
		wait = time.Duration(ms) * time.Millisecond
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		lock, ok, err := s.b.AcceptNextSession(entity)
		if ok || err != nil {
			return lock, err
		}
		select {
		case <-changed:
		case <-timer.C:
			return lock, &wire.Error{Condition: conditionTimeout, Description: fmt.Sprintf("The operation did not complete within the allotted timeout of %v.", wait)}
		case <-l.Done():
			return lock, server.ErrEnded
		}
	}
}

func (s *Service) acquireNamed(entity, id string) (broker.SessionLock, error) {
	lock, err := s.b.AcceptSession(entity, id)
	if r := s.holders.find(entity, id, ""); errors.Is(err, broker.ErrSessionLocked) && r != nil && r.ended() {
		// The holder's link ended a moment ago, which its client knows already.
		r.release()
		lock, err = s.b.AcceptSession(entity, id)
	}
	return lock, err
}

// guard detaches the link when the session's lock is lost or the entity has gone.
func (r *receiver) guard(changed <-chan struct{}) {
	for {
		select {
		case <-changed:
		case <-r.link.Done():
			return
		}
		if err := r.s.b.SessionLocked(r.entity, r.session.Token); err != nil {
			told, _ := failure(err, r.entity)
			r.link.Detach(told)
			return
		}
	}
}

// ended says whether the link has ended.
func (r *receiver) ended() bool {
	select {
	case <-r.link.Done():
		return true
	default:
		return false
	}
}

// release gives the session back.
func (r *receiver) release() {
	_ = r.s.b.ReleaseSession(r.entity, r.session.Token) // lost means: given back already
	r.s.holders.remove(r)
}

// epochTicks is 1970 in .NET ticks, which are 100 ns and count from the year 1.
const epochTicks = 621_355_968_000_000_000

func ticks(t time.Time) int64 { return epochTicks + t.Unix()*1e7 + int64(t.Nanosecond())/100 }
