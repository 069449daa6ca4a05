package server

import (
	"slices"

	"crosswalk/local/servicebus/amqp/wire"
)

const (
	// incomingWindow is how many transfer frames a peer may send before it hears from us.
	incomingWindow = 5000
	// maxUnsettled is how many deliveries of one session may be open; the oldest are forgotten beyond.
	maxUnsettled = 1 << 16
)

// session is one session. It is guarded by the connection's lock. Its own channel and handles are the peer's numbers:
// one that is free for the peer is free for us.
type session struct {
	c       *Conn
	channel uint16
	links   map[uint32]*link
	ending  bool // our end is sent, the peer's isn't here

	nextIncomingID       uint32
	incomingWindow       uint32
	nextOutgoingID       uint32
	remoteIncomingWindow uint32

	nextDeliveryID uint32
	oldest         uint32 // no open delivery is older
	unsettled      map[uint32]delivery
}

// delivery is one that was sent and that the peer hasn't settled.
type delivery struct {
	link *Outgoing
	tag  []byte
}

func (c *Conn) begin(channel uint16, p *wire.Begin) error {
	if int(channel) >= c.s.o.MaxSessions {
		return &wire.Error{Condition: wire.NotAllowed, Description: "channel number over channel-max"}
	}
	if c.sessions[channel] != nil {
		return &wire.Error{Condition: wire.NotAllowed, Description: "the channel has a session already"}
	}
	s := &session{
		c: c, channel: channel, links: map[uint32]*link{}, unsettled: map[uint32]delivery{},
		nextIncomingID: p.NextOutgoingID, incomingWindow: incomingWindow, remoteIncomingWindow: p.IncomingWindow,
	}
	c.sessions[channel] = s
	s.append(&wire.Begin{
		RemoteChannel:  &channel,
		IncomingWindow: incomingWindow,
		OutgoingWindow: incomingWindow,
		HandleMax:      uint32(c.s.o.MaxLinks - 1),
	})
	return nil
}

func (s *session) append(p wire.Performative) { s.c.append(s.channel, p, nil) }

// end ends the session from our side and returns what is to be called without the lock.
func (s *session) end(condition wire.Symbol, description string) []func() {
	after := s.drop()
	s.ending = true
	s.append(&wire.End{Error: &wire.Error{Condition: condition, Description: description}})
	return after
}

// ended acts on the peer's end.
func (s *session) ended(*wire.End) []func() {
	delete(s.c.sessions, s.channel)
	if s.ending {
		return nil
	}
	after := s.drop()
	s.append(&wire.End{})
	return after
}

// drop forgets all links.
func (s *session) drop() []func() {
	var after []func()
	for handle, l := range s.links {
		delete(s.links, handle)
		after = append(after, l.gone()...)
	}
	s.ending = true
	s.c.room.Broadcast()
	return after
}

// flow acts on a flow frame: windows, then the link's credit.
func (s *session) flow(p *wire.Flow) []func() {
	theirs := uint32(0) // what we sent first
	if p.NextIncomingID != nil {
		theirs = *p.NextIncomingID
	}
	s.remoteIncomingWindow = theirs + p.IncomingWindow - s.nextOutgoingID
	if int32(s.remoteIncomingWindow) < 0 && p.IncomingWindow < 1<<31 {
		s.remoteIncomingWindow = 0
	}
	s.c.room.Broadcast()
	if p.Handle == nil {
		if p.Echo {
			s.sendFlow(nil)
		}
		return nil
	}
	l := s.links[*p.Handle]
	switch {
	case l == nil:
		return s.end(wire.UnattachedHandle, "flow for a handle that isn't attached")
	case l.state == detaching:
		return nil
	case l.out != nil:
		l.out.flow(p)
	case l.in != nil && p.Echo:
		l.in.sendFlow()
	}
	return nil
}

// sendFlow sends the session's windows together with a link's state where link isn't nil.
func (s *session) sendFlow(link *wire.Flow) {
	f := wire.Flow{}
	if link != nil {
		f = *link
	}
	next := s.nextIncomingID
	f.NextIncomingID, f.IncomingWindow = &next, s.incomingWindow
	f.NextOutgoingID, f.OutgoingWindow = s.nextOutgoingID, incomingWindow
	s.append(&f)
}

// transfer counts a transfer frame and gives it to its link.
func (s *session) transfer(p *wire.Transfer, payload []byte) []func() {
	if s.incomingWindow == 0 {
		return s.end(wire.WindowViolation, "transfer beyond the incoming window")
	}
	s.nextIncomingID++
	s.incomingWindow--
	if s.incomingWindow <= incomingWindow/2 {
		s.incomingWindow = incomingWindow
		s.sendFlow(nil)
	}
	l := s.links[p.Handle]
	switch {
	case l == nil || l.in == nil && l.state != detaching:
		return s.end(wire.UnattachedHandle, "transfer on a handle that isn't attached for sending")
	case l.state == detaching:
		return nil
	}
	return l.in.transfer(p, payload)
}

// disposition acts on the peer's word about deliveries it got. What it says about its own deliveries needs no action:
// ours is already settled when it arrives.
func (s *session) disposition(p *wire.Disposition) []func() {
	if p.Role == wire.RoleSender {
		return nil
	}
	if _, ok := p.State.(wire.Received); ok || (p.State == nil && !p.Settled) {
		return nil // no outcome yet
	}
	last := p.First
	if p.Last != nil {
		last = *p.Last
	}
	if newest := s.nextDeliveryID - 1; int32(last-newest) > 0 {
		last = newest
	}
	if int32(last-p.First) < 0 {
		return nil
	}
	open := s.take(p.First, last)
	return []func(){func() { s.disposed(p, last, open) }}
}

// taken is a delivery the peer has decided about.
type taken struct {
	id uint32
	delivery
}

// take removes the open deliveries first to last and returns them in order.
func (s *session) take(first, last uint32) []taken {
	var out []taken
	if int(last-first) <= len(s.unsettled) {
		for id := first; ; id++ {
			if d, ok := s.unsettled[id]; ok {
				out = append(out, taken{id, d})
			}
			if id == last {
				break
			}
		}
	} else {
		for id, d := range s.unsettled {
			if int32(id-first) >= 0 && int32(last-id) >= 0 {
				out = append(out, taken{id, d})
			}
		}
		slices.SortFunc(out, func(a, b taken) int { return int(int32(a.id - b.id)) })
	}
	for _, d := range out {
		delete(s.unsettled, d.id)
	}
	return out
}

// settle asks the links what becomes of the deliveries and, where the peer waits for it, answers with one disposition
// per run of equal outcomes. It's called without the lock, on the reading goroutine.
func (s *session) settle(p *wire.Disposition, last uint32, open []taken) {
	type run struct {
		first, last uint32
		state       wire.State
	}
	var runs []run
	add := func(first, last uint32, state wire.State) {
		if n := len(runs); n > 0 && runs[n-1].last+1 == first && bare(state) && runs[n-1].state == state {
			runs[n-1].last = last
			return
		}
		runs = append(runs, run{first, last, state})
	}
	next := p.First
	for _, d := range open {
		state := d.link.source.Disposed(d.tag, p.State)
		if d.id != next {
			add(next, d.id-1, s.c.links.Unknown())
		}
		add(d.id, d.id, state)
		next = d.id + 1
	}
	if next != last+1 {
		add(next, last, s.c.links.Unknown())
	}
	if p.Settled {
		return
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.ending {
		return
	}
	for _, r := range runs {
		s.append(&wire.Disposition{Role: wire.RoleSender, First: r.first, Last: &r.last, Settled: true, State: r.state})
	}
}

// bare reports whether a state has no contents, so that two of them may be compared.
func bare(s wire.State) bool {
	switch s := s.(type) {
	case wire.Accepted, wire.Released:
		return true
	case wire.Rejected:
		return s.Error == nil
	}
	return false
}

// remember notes a delivery as open, and forgets the oldest when there are too many.
func (s *session) remember(id uint32, d delivery) {
	s.unsettled[id] = d
	for len(s.unsettled) > maxUnsettled {
		delete(s.unsettled, s.oldest)
		s.oldest++
	}
}
