package sbwire

import (
	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
)

// senderCredit is how many messages a sender may have under way.
const senderCredit = 1000

// sender takes what a client sends to an entity.
type sender struct {
	s      *Service
	c      *connection
	link   *server.Incoming
	entity string
}

func (c *connection) attachSender(l *server.Incoming, entity string) {
	s := c.s
	if err := s.b.Send(entity); err != nil { // no message: only asks whether it would do
		s.refuse(l, err, entity)
		return
	}
	r := &sender{s: s, c: c, link: l, entity: entity}
	s.mu.Lock()
	revoked := s.sendRevoked
	if !revoked {
		s.senders[r] = struct{}{}
	}
	s.mu.Unlock()
	if revoked {
		l.Refuse(errSendRevoked)
		return
	}
	if !l.Accept(server.Acceptance{MaxMessageSize: uint64(s.b.MessageLimit(entity)), Credit: senderCredit}, r) {
		r.Closed()
	}
}

// Deliver sends a message or a batch to the entity and tells the client how it went.
func (r *sender) Deliver(d server.Delivery) {
	if err := r.send(d); err != nil {
		told, _ := failure(err, r.entity)
		d.Settle(wire.Rejected{Error: told})
		return
	}
	d.Settle(wire.Accepted{})
}

func (r *sender) send(d server.Delivery) error {
	if err := r.s.maySend(); err != nil {
		return err
	}
	if !r.c.allows(r.entity, access.Send) {
		return unauthorized(access.Send)
	}
	msgs, err := decode(d.Payload, d.Format)
	if err != nil {
		return err
	}
	return r.s.b.Send(r.entity, msgs...)
}

// Closed forgets the link.
func (r *sender) Closed() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	delete(r.s.senders, r)
}
