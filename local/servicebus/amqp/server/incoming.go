package server

import (
	"bytes"

	"crosswalk/local/servicebus/amqp/wire"
)

// maxPartial bounds the bytes of unfinished messages per connection.
const maxPartial = 64 << 20

// Incoming is a link on which the peer sends.
type Incoming struct {
	*link
	sink          Sink
	limit         uint64 // of a message, in bytes; zero for none
	window        uint32
	credit        uint32
	deliveryCount uint32
	outstanding   uint32 // delivered to the sink and not settled
	current       *partial
}

// Sink takes what arrives on an Incoming.
type Sink interface {
	// Deliver is called for each whole message on the connection's reading goroutine and must not wait for the peer.
	// It settles the delivery at once or later.
	Deliver(d Delivery)
	// Closed is called once after the link has ended.
	Closed()
}

// partial is a message of which frames are still to come.
type partial struct {
	id      uint32
	format  uint32
	settled bool
	frames  [][]byte
	size    int // of the frames together
	// tooLarge is set once it is over the link's limit. The rest is read and dropped, and the peer is told at its end: a
	// client that isn't told of the one delivery, but only sees its link end, waits for it until its own time-out.
	tooLarge bool
	dropped  uint64
}

// smallFrame is the size in bytes below which a frame is joined to the one before at once, so that many small frames
// take no more memory than their bytes.
const smallFrame = 4 << 10

// add keeps a copy of a frame.
func (p *partial) add(payload []byte) {
	p.size += len(payload)
	if last := len(p.frames) - 1; last >= 0 && len(payload) < smallFrame {
		p.frames[last] = append(p.frames[last], payload...)
		return
	}
	p.frames = append(p.frames, bytes.Clone(payload))
}

// payload is the whole message, in no more memory than it takes: the broker may keep it for long.
func (p *partial) payload() []byte {
	if len(p.frames) == 1 {
		return p.frames[0]
	}
	return bytes.Join(p.frames, nil)
}

// Delivery is a message that arrived. Payload belongs to who gets it. Settled says that the peer waits for no outcome.
type Delivery struct {
	Payload []byte
	Format  uint32
	Settled bool
	id      uint32
	link    *Incoming
}

// Accept answers the attach and gives the peer its first credit; false when the link has ended meanwhile.
func (l *Incoming) Accept(a Acceptance, sink Sink) bool {
	l.s.c.mu.Lock()
	defer l.s.c.mu.Unlock()
	l.sink, l.limit, l.window = sink, a.MaxMessageSize, max(a.Credit, 1)
	if l.peer.InitialDeliveryCount != nil {
		l.deliveryCount = *l.peer.InitialDeliveryCount
	}
	if !l.accept(a, sink.Closed) {
		return false
	}
	l.replenish()
	return true
}

// replenish gives new credit when at least half of the window is free to be given.
func (l *Incoming) replenish() {
	if l.ended {
		return
	}
	want := l.window - min(l.outstanding, l.window)
	if want > l.credit && (l.credit == 0 || want-l.credit >= (l.window+1)/2) {
		l.credit = want
		l.sendFlow()
	}
}

func (l *Incoming) sendFlow() {
	handle, count, credit := l.handle, l.deliveryCount, l.credit
	l.s.sendFlow(&wire.Flow{Handle: &handle, DeliveryCount: &count, LinkCredit: &credit})
}

// transfer takes one frame of a message and returns the call to the sink when it was the last.
func (l *Incoming) transfer(p *wire.Transfer, payload []byte) []func() {
	c := l.s.c
	if l.current == nil {
		if p.DeliveryID == nil {
			return l.detach(&wire.Error{Condition: wire.InvalidField, Description: "a first transfer without delivery-id"})
		}
		if l.credit == 0 {
			return l.detach(&wire.Error{Condition: wire.TransferLimitExceeded, Description: "transfer without link credit"})
		}
		l.credit--
		l.deliveryCount++
		l.current = &partial{id: *p.DeliveryID}
		if p.MessageFormat != nil {
			l.current.format = *p.MessageFormat
		}
	} else if p.DeliveryID != nil && *p.DeliveryID != l.current.id {
		return l.detach(&wire.Error{Condition: wire.InvalidField, Description: "a new delivery inside another"})
	}
	m := l.current
	if p.Aborted {
		l.forget()
		l.replenish()
		return nil
	}
	m.settled = m.settled || p.Settled
	if l.limit > 0 && uint64(m.size+len(payload)) > l.limit {
		m.tooLarge = true
		c.partial -= m.size
		m.frames, m.size = nil, 0
	}
	if m.tooLarge {
		return l.refuseLarge(m, p.More, len(payload))
	}
	m.add(payload)
	if c.partial += len(payload); c.partial > max(maxPartial, int(l.limit)) {
		return l.detach(&wire.Error{Condition: wire.ResourceLimitExceeded, Description: "too many unfinished messages on the connection"})
	}
	if p.More {
		return nil
	}
	l.forget()
	l.outstanding++
	d := Delivery{Payload: m.payload(), Format: m.format, Settled: m.settled, id: m.id, link: l}
	return []func(){func() { l.arrived(d) }}
}

// refuseLarge waits for the end of a message that is too large, and rejects it. A presettled one can't be rejected, and one
// that goes on and on isn't waited for: then the link ends.
func (l *Incoming) refuseLarge(m *partial, more bool, size int) []func() {
	tooLarge := &wire.Error{Condition: wire.MessageSizeExceeded, Description: "the message is larger than the link's max-message-size"}
	m.dropped += uint64(size)
	if more && m.dropped <= maxPartial {
		return nil
	}
	if more || m.settled {
		return l.detach(tooLarge)
	}
	l.forget()
	l.outstanding++
	d := Delivery{id: m.id, link: l}
	return []func(){func() { d.Settle(wire.Rejected{Error: tooLarge}) }}
}

// forget drops the message that is under way.
func (l *Incoming) forget() {
	if l.current != nil {
		l.s.c.partial -= l.current.size
		l.current = nil
	}
}

// Settle tells the peer what became of the message, and makes room for another. It may be called from any goroutine,
// once.
func (d Delivery) Settle(state wire.State) {
	l := d.link
	l.s.c.mu.Lock()
	defer l.s.c.mu.Unlock()
	if l.ended {
		return
	}
	if !d.Settled {
		l.s.append(&wire.Disposition{Role: wire.RoleReceiver, First: d.id, Settled: true, State: state})
	}
	l.outstanding--
	l.replenish()
}
