package server

import (
	"time"

	"crosswalk/local/servicebus/amqp/wire"
)

// Disturber makes a server misbehave, for tests of clients. Its methods are called without any lock held.
type Disturber interface {
	// Arrived is called on the reading goroutine for each message that arrived, before its link gets it: deliver gives it
	// to the link, refuse rejects it.
	Arrived(l *Incoming, deliver func(), refuse func(*wire.Error))
	// Sent is called after each message that was sent, on the goroutine that sent it.
	Sent(l *Outgoing)
	// Disposed is called on the reading goroutine for what a peer says about deliveries: settle does it, and tells the
	// peer so where answer is true.
	Disposed(c *Conn, settle func(answer bool))
}

// arrived gives a delivery to its sink, by way of the disturber where there is one.
func (l *Incoming) arrived(d Delivery) {
	deliver := func() { l.sink.Deliver(d) }
	if disturber := l.s.c.s.o.Disturber; disturber != nil {
		disturber.Arrived(l, deliver, func(err *wire.Error) { d.Settle(wire.Rejected{Error: err}) })
		return
	}
	deliver()
}

// disposed settles what a peer has decided about.
func (s *session) disposed(p *wire.Disposition, last uint32, open []taken) {
	if disturber := s.c.s.o.Disturber; disturber != nil {
		disturber.Disposed(s.c, func(answer bool) {
			quiet := *p
			quiet.Settled = p.Settled || !answer
			s.settle(&quiet, last, open)
		})
		return
	}
	s.settle(p, last, open)
}

// Drop cuts the connection without a word. What waits to be written is lost.
func (c *Conn) Drop() { c.die() }

// DropWritten cuts the connection without a word as soon as what waits is written. It waits for that, so it mustn't be
// called on the reading goroutine.
func (c *Conn) DropWritten() {
	c.mu.Lock()
	for c.backlog() > 0 && !c.isDead {
		c.room.Wait()
	}
	c.mu.Unlock()
	c.die()
}

// Later calls f after a time, unless the connection ends before.
func (c *Conn) Later(d time.Duration, f func()) {
	c.wg.Go(func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			f()
		case <-c.dead:
		}
	})
}
