package chaos

import (
	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
)

// Connect puts the control between a server and what decides about its links.
func (c *Control) Connect(connect func(*server.Conn) server.Links) func(*server.Conn) server.Links {
	return func(conn *server.Conn) server.Links { return links{connect(conn), c} }
}

// links remembers the links of entities, and refuses new ones while the server is busy.
type links struct {
	server.Links
	c *Control
}

// Sender decides about a link on which the client sends.
func (s links) Sender(l *server.Incoming) {
	if t := l.Attach().Target; t != nil && t.Address != nil {
		if entity, ok := entityOf(*t.Address); ok {
			if err := s.c.busyNow(); err != nil {
				l.Refuse(err)
				return
			}
			s.c.mu.Lock()
			s.c.incoming[l] = entity
			s.c.mu.Unlock()
			l.Go(func() {
				<-l.Done()
				s.c.mu.Lock()
				delete(s.c.incoming, l)
				s.c.mu.Unlock()
			})
		}
	}
	s.Links.Sender(l)
}

// Receiver decides about a link on which the client receives.
func (s links) Receiver(l *server.Outgoing) {
	if src := l.Attach().Source; src != nil && src.Address != nil {
		if entity, ok := entityOf(*src.Address); ok {
			if err := s.c.busyNow(); err != nil {
				l.Refuse(err)
				return
			}
			s.c.mu.Lock()
			s.c.outgoing[l] = entity
			s.c.mu.Unlock()
			l.Go(func() {
				<-l.Done()
				s.c.mu.Lock()
				delete(s.c.outgoing, l)
				s.c.mu.Unlock()
			})
		}
	}
	s.Links.Receiver(l)
}

// Arrived disturbs messages that clients send; see server.Disturber.
func (c *Control) Arrived(l *server.Incoming, deliver func(), refuse func(*wire.Error)) {
	c.mu.Lock()
	_, ours := c.incoming[l]
	c.mu.Unlock()
	if !ours {
		deliver()
		return
	}
	if err := c.busyNow(); err != nil {
		refuse(err)
		return
	}
	if c.count() {
		l.Conn().Drop() // first, so that the client surely isn't told
	}
	deliver()
}

// Sent disturbs messages that clients receive; see server.Disturber.
func (c *Control) Sent(l *server.Outgoing) {
	c.mu.Lock()
	_, ours := c.outgoing[l]
	c.mu.Unlock()
	if ours && c.count() {
		l.Conn().DropWritten()
	}
}

// Disposed disturbs what clients say about messages; see server.Disturber.
func (c *Control) Disposed(conn *server.Conn, settle func(answer bool)) {
	c.mu.Lock()
	delay, lost, applied := c.delay, c.lose > 0, c.applied
	if lost {
		c.lose--
	}
	c.mu.Unlock()
	switch {
	case lost && applied:
		settle(false)
	case lost:
	case delay > 0:
		conn.Later(delay, func() { settle(true) })
	default:
		settle(true)
	}
}
