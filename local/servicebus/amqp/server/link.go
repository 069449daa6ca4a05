package server

import (
	"crosswalk/local/servicebus/amqp/wire"
)

type linkState int

const (
	attaching linkState = iota // the peer's attach isn't answered
	attached
	detaching // our detach is sent, the peer's isn't here
)

// link is what both directions share. It is guarded by the connection's lock; one of in and out is set.
type link struct {
	s      *session
	handle uint32
	peer   *wire.Attach
	state  linkState
	in     *Incoming
	out    *Outgoing
	ended  bool
	closed func()        // called once after an accepted link has ended
	done   chan struct{} // closed when the link has ended
}

// Acceptance says how a link is accepted. Source and Target are the peer's own where they're nil. MaxMessageSize is in
// bytes, zero for no limit. Credit is how many messages an Incoming may have unsettled at a time. Immediate says of an
// Outgoing that nobody waits for its credit, so that draining it needs no answer of its own.
type Acceptance struct {
	Source         *wire.Source
	Target         *wire.Target
	MaxMessageSize uint64
	Properties     wire.Map
	Credit         uint32
	Immediate      bool
}

// Name is the link's name, which the peer chose.
func (l *link) Name() string { return l.peer.Name }

// Attach is what the peer asked for.
func (l *link) Attach() *wire.Attach { return l.peer }

// Conn is the link's connection.
func (l *link) Conn() *Conn { return l.s.c }

// Done is closed when the link has ended.
func (l *link) Done() <-chan struct{} { return l.done }

// Go runs f in a goroutine that the connection waits for before it counts as ended.
func (l *link) Go(f func()) { l.s.c.wg.Go(f) }

func (s *session) attach(p *wire.Attach) []func() {
	if int64(p.Handle) >= int64(s.c.s.o.MaxLinks) {
		return s.end(wire.NotAllowed, "handle over handle-max")
	}
	if s.links[p.Handle] != nil {
		return s.end(wire.HandleInUse, "the handle is in use")
	}
	l := &link{s: s, handle: p.Handle, peer: p, done: make(chan struct{})}
	s.links[p.Handle] = l
	var ask func()
	if p.Role == wire.RoleSender {
		l.in = &Incoming{link: l}
		ask = func() { s.c.links.Sender(l.in) }
	} else {
		l.out = &Outgoing{link: l, wake: make(chan struct{}, 1)}
		ask = func() { s.c.links.Receiver(l.out) }
	}
	if p.Coordinator {
		l.refuse(&wire.Error{Condition: wire.NotImplemented, Description: "transactions are not supported"})
		return nil
	}
	return []func(){ask}
}

// accept answers the attach; false when the link has ended meanwhile. The lock is held.
func (l *link) accept(a Acceptance, closed func()) bool {
	if l.state != attaching || l.ended {
		return false
	}
	l.state, l.closed = attached, closed
	answer := l.answer()
	answer.Source, answer.Target = l.peer.Source, l.peer.Target
	if a.Source != nil {
		answer.Source = a.Source
	}
	if a.Target != nil {
		answer.Target = a.Target
	}
	answer.MaxMessageSize = a.MaxMessageSize
	answer.Properties = a.Properties
	l.s.append(answer)
	return true
}

// answer is an attach frame without source and target, which is how a link is refused. The settlement modes are the
// peer's: clients give up on a link that answers with others.
func (l *link) answer() *wire.Attach {
	a := &wire.Attach{
		Name: l.peer.Name, Handle: l.handle, Role: !l.peer.Role,
		SndSettleMode: l.peer.SndSettleMode, RcvSettleMode: l.peer.RcvSettleMode,
	}
	if a.Role == wire.RoleSender {
		a.InitialDeliveryCount = new(uint32)
	}
	return a
}

// Refuse answers the attach with an error. It does nothing once the link is accepted or gone.
func (l *link) Refuse(err *wire.Error) {
	l.s.c.mu.Lock()
	defer l.s.c.mu.Unlock()
	l.refuse(err)
}

// refuse answers with an attach that has no terminus and the detach at once, so that no newer attach on the same handle
// comes between.
func (l *link) refuse(err *wire.Error) {
	if l.state != attaching || l.ended {
		return
	}
	l.state = detaching
	l.s.append(l.answer())
	l.s.append(&wire.Detach{Handle: l.handle, Closed: true, Error: err})
	l.gone()
}

// Detach ends the link from our side. It does nothing once the link has ended.
func (l *link) Detach(err *wire.Error) {
	l.s.c.mu.Lock()
	after := l.detach(err)
	l.s.c.mu.Unlock()
	for _, f := range after {
		f()
	}
}

func (l *link) detach(err *wire.Error) []func() {
	if l.ended {
		return nil
	}
	if l.state == attaching {
		l.refuse(err)
		return nil
	}
	l.state = detaching
	l.s.append(&wire.Detach{Handle: l.handle, Closed: true, Error: err})
	return l.gone()
}

// gone marks the link as ended and returns what is to be called without the lock.
func (l *link) gone() []func() {
	if l.ended {
		return nil
	}
	l.ended = true
	close(l.done)
	if l.out != nil {
		for id, d := range l.s.unsettled {
			if d.link == l.out {
				delete(l.s.unsettled, id)
			}
		}
	} else {
		l.in.forget()
	}
	l.s.c.room.Broadcast()
	if l.closed == nil {
		return nil
	}
	return []func(){l.closed}
}

// detach acts on the peer's detach frame.
func (s *session) detach(p *wire.Detach) []func() {
	l := s.links[p.Handle]
	if l == nil {
		return s.end(wire.UnattachedHandle, "detach of a handle that isn't attached")
	}
	delete(s.links, p.Handle)
	switch l.state {
	case detaching:
		return nil
	case attaching: // the peer gave up before it was answered; the answer belongs before the detach
		s.append(l.answer())
	}
	s.append(&wire.Detach{Handle: p.Handle, Closed: p.Closed})
	return l.gone()
}
