package server

import (
	"errors"

	"crosswalk/local/servicebus/amqp/wire"
)

var (
	// ErrEnded says that the link, its session or its connection has ended.
	ErrEnded = errors.New("the link has ended")
	// ErrNoCredit says that the peer has taken its credit back.
	ErrNoCredit = errors.New("the link has no credit")
	// ErrNotSent says that Message.Before forbade it.
	ErrNotSent = errors.New("the message was not sent")
)

// Outgoing is a link on which the peer receives.
type Outgoing struct {
	*link
	source        Source
	immediate     bool
	credit        uint32
	drain         bool
	deliveryCount uint32
	wake          chan struct{}
}

// Source is asked what becomes of the messages sent on an Outgoing.
type Source interface {
	// Disposed is called on the connection's reading goroutine when the peer has decided about a delivery; state nil
	// means settled without a word. It returns the outcome that is confirmed to the peer.
	Disposed(tag []byte, state wire.State) wire.State
	// Closed is called once after the link has ended. Deliveries that were open stay so: nobody is asked about them.
	Closed()
}

// Message is what an Outgoing sends. Payload is only read. Settled asks for no outcome. Before, where it isn't nil, is
// called at the moment from which the message counts as sent, and may still forbid it by false; the connection's lock
// is held, so it must not call this package.
type Message struct {
	Payload []byte
	Format  uint32
	Tag     []byte
	Settled bool
	Before  func() bool
}

// Accept answers the attach; false when the link has ended meanwhile.
func (l *Outgoing) Accept(a Acceptance, source Source) bool {
	l.s.c.mu.Lock()
	defer l.s.c.mu.Unlock()
	l.source, l.immediate = source, a.Immediate
	if !l.accept(a, source.Closed) {
		return false
	}
	l.Wake()
	return true
}

// Wake makes the next Wait look at the credit again. It never blocks and needs no lock.
func (l *Outgoing) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Wait waits until there is credit and something may have changed since the last Wait: new credit, a drain, or a call of
// Wake. It returns the credit, or false when the link has ended. One goroutine at a time may wait.
func (l *Outgoing) Wait() (credit int, ok bool) {
	for {
		select {
		case <-l.wake:
		case <-l.done:
			return 0, false
		}
		l.s.c.mu.Lock()
		credit = int(l.credit)
		l.s.c.mu.Unlock()
		if credit > 0 {
			return credit, true
		}
	}
}

// Exhausted tells the link that there's nothing more to send for now: when the peer is draining, what is left of its
// credit is used up.
func (l *Outgoing) Exhausted() {
	l.s.c.mu.Lock()
	defer l.s.c.mu.Unlock()
	l.exhausted()
}

func (l *Outgoing) exhausted() {
	if !l.drain || l.ended {
		return
	}
	l.deliveryCount += l.credit
	l.credit = 0
	l.sendFlow()
	l.drain = false
}

func (l *Outgoing) sendFlow() {
	handle, count, credit := l.handle, l.deliveryCount, l.credit
	l.s.sendFlow(&wire.Flow{Handle: &handle, DeliveryCount: &count, LinkCredit: &credit, Drain: l.drain})
}

// flow takes over the peer's credit. A flow that says the same again changes nothing.
func (l *Outgoing) flow(p *wire.Flow) {
	if p.LinkCredit != nil {
		var count uint32
		if p.DeliveryCount != nil {
			count = *p.DeliveryCount
		}
		l.credit = count + *p.LinkCredit - l.deliveryCount
		if int32(l.credit) < 0 && *p.LinkCredit < 1<<31 {
			l.credit = 0
		}
		l.drain = p.Drain
		switch {
		case l.drain && (l.immediate || l.credit == 0):
			l.exhausted()
		case p.Echo:
			l.sendFlow()
		}
		l.Wake()
		l.s.c.room.Broadcast()
		return
	}
	if p.Echo {
		l.sendFlow()
	}
}

// Send sends one message and returns when its last frame is in the buffer of the writer. It waits while the session's
// window is closed or too much is waiting to be written, and with patient also for credit. An error means that the peer
// hasn't got the message.
func (l *Outgoing) Send(m Message, patient bool) error {
	s, c := l.s, l.s.c
	sent := false
	defer func() {
		if sent && c.s.o.Disturber != nil {
			c.s.o.Disturber.Sent(l)
		}
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	var id uint32
	begun := false
	chunk := int(min(c.peerMaxFrame, 1<<20)) - transferOverhead - len(m.Tag)
	rest := m.Payload
	for {
		if !l.waitRoom(patient && !begun) {
			if begun {
				delete(s.unsettled, id)
			}
			return ErrEnded
		}
		t := wire.Transfer{Handle: l.handle, Settled: m.Settled}
		if !begun {
			if l.credit == 0 {
				return ErrNoCredit
			}
			if m.Before != nil && !m.Before() {
				return ErrNotSent
			}
			begun = true
			l.credit--
			l.deliveryCount++
			id = s.nextDeliveryID
			s.nextDeliveryID++
			if !m.Settled {
				s.remember(id, delivery{l, m.Tag})
			}
			t.DeliveryID, t.DeliveryTag, t.MessageFormat = &id, m.Tag, &m.Format
		}
		n := min(chunk, len(rest))
		t.More = n < len(rest)
		s.nextOutgoingID++
		s.remoteIncomingWindow--
		c.append(s.channel, &t, rest[:n])
		if rest = rest[n:]; !t.More {
			sent = true
			return nil
		}
	}
}

// transferOverhead is more than a frame header and a transfer without its tag take.
const transferOverhead = 64

// waitRoom waits until a frame may be appended; false when the link has ended. The lock is held but while waiting.
func (l *Outgoing) waitRoom(forCredit bool) bool {
	c := l.s.c
	for {
		if l.ended || l.s.ending || c.isDead || c.closing {
			return false
		}
		if l.s.remoteIncomingWindow > 0 && c.backlog() < sendBacklog && (!forCredit || l.credit > 0) {
			return true
		}
		c.room.Wait()
	}
}
