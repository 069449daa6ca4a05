package sbwire

import (
	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// senderCredit is how many messages a sender may have under way.
const senderCredit = 1000

// propertyDestination of a link names the entity that its messages are for: they go there by way of the link's target
// (AMQP 1.0 in Azure Service Bus and Event Hubs protocol guide, "Send via").
const propertyDestination = "com.microsoft:transfer-destination-address"

// sender takes what a client sends to an entity.
type sender struct {
	s      *Service
	c      *connection
	link   *server.Incoming
	entity string
	// destination is another entity that the messages are for, empty for none.
	destination string
}

func (c *connection) attachSender(l *server.Incoming, entity, destination string) {
	s := c.s
	r := &sender{s: s, c: c, link: l, entity: entity, destination: destination}
	if err := r.give(); err != nil { // no message: only asks whether it would do
		s.refuse(l, err, r.target())
		return
	}
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
	accepted := server.Acceptance{MaxMessageSize: uint64(s.b.MessageLimit(r.target())), Credit: senderCredit}
	if destination != "" {
		accepted.Properties = wire.Map{{Key: wire.Symbol(propertyDestination), Value: destination}}
	}
	if !l.Accept(accepted, r) {
		r.Closed()
	}
}

// target is the entity that the messages are for.
func (r *sender) target() string {
	if r.destination != "" {
		return r.destination
	}
	return r.entity
}

// give gives messages to the broker.
func (r *sender) give(msgs ...*broker.Message) error {
	if r.destination != "" {
		return r.s.b.SendVia(r.entity, r.destination, msgs...)
	}
	return r.s.b.Send(r.entity, msgs...)
}

// Deliver sends a message or a batch to the entity and tells the client how it went.
func (r *sender) Deliver(d server.Delivery) {
	if err := r.send(d); err != nil {
		told, _ := failure(err, r.target())
		d.Settle(wire.Rejected{Error: told})
		return
	}
	d.Settle(wire.Accepted{})
}

func (r *sender) send(d server.Delivery) error {
	if err := r.s.maySend(); err != nil {
		return err
	}
	if !r.c.allows(r.entity, access.Send) || !r.c.allows(r.target(), access.Send) {
		return unauthorized(access.Send)
	}
	msgs, err := decode(d.Payload, d.Format)
	if err != nil {
		return err
	}
	return r.give(msgs...)
}

// Closed forgets the link.
func (r *sender) Closed() {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	delete(r.s.senders, r)
}
