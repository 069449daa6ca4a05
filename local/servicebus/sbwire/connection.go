package sbwire

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
)

// connection decides about the links of one AMQP connection.
type connection struct {
	s *Service
	c *server.Conn

	mu      sync.Mutex
	replies map[string][]*responses // by node
	tags    atomic.Uint64           // of answers
	cbs     atomic.Bool             // there is a link for requests to $cbs
	grants  map[string]access.Grant // by entity in lower case: what the tokens put here allow
}

// Sender decides about a link on which the client sends: to an entity, or requests to a node.
func (c *connection) Sender(l *server.Incoming) {
	t := l.Attach().Target
	if t == nil || t.Address == nil || t.Dynamic {
		l.Refuse(&wire.Error{Condition: wire.InvalidField, Description: "the target has no address"})
		return
	}
	address := entityOf(*t.Address)
	if node, ok := c.node(l, address); node != nil {
		newRequests(c, l, strings.ToLower(address), node)
		return
	} else if ok {
		return
	}
	destination, via := wire.Text(l.Attach().Properties.Get(propertyDestination))
	destination = entityOf(destination)
	if !c.allows(address, access.Send) || via && !c.allows(destination, access.Send) {
		c.s.refuse(l, unauthorized(access.Send), address)
		return
	}
	c.attachSender(l, address, destination)
}

// Receiver decides about a link on which the client receives: from an entity, or the answers of a node.
func (c *connection) Receiver(l *server.Outgoing) {
	src := l.Attach().Source
	if src == nil || src.Address == nil || src.Dynamic {
		l.Refuse(&wire.Error{Condition: wire.InvalidField, Description: "the source has no address"})
		return
	}
	address := entityOf(*src.Address)
	if node, ok := c.node(l, address); node != nil {
		newResponses(c, l, strings.ToLower(address))
		return
	} else if ok {
		return
	}
	if !c.allows(address, access.Listen) {
		c.s.refuse(l, unauthorized(access.Listen), address)
		return
	}
	c.s.attachReceiver(l, address)
}

// refuser is a link of either direction.
type refuser interface{ Refuse(*wire.Error) }

// node returns what answers the requests to an address; nil and true when the link was refused; nil and false for an
// address that is no request node.
func (c *connection) node(l refuser, address string) (handler, bool) {
	if strings.EqualFold(address, cbsNode) {
		if _, requests := l.(*server.Incoming); requests && c.cbs.Load() {
			// As in the service, there is one at a time; what a client holds of an old one is gone by a new connection.
			l.Refuse(&wire.Error{Condition: wire.NotAllowed, Description: "a link to $cbs is open on this connection already"})
			return nil, true
		}
		return c.putToken, true
	}
	entity, ok := managed(address)
	if !ok {
		return nil, false
	}
	if err := c.s.b.Exists(entity); isMissing(err) {
		c.s.refuse(l, err, entity)
		return nil, true
	}
	if !c.allowsAny(entity) {
		c.s.refuse(l, unauthorized(access.Listen), entity)
		return nil, true
	}
	return c.guarded(entity, management{s: c.s, entity: entity}.handle), true
}

// refuse refuses a link; one to an entity that isn't there after a little while.
func (s *Service) refuse(l refuser, err error, entity string) {
	told, _ := failure(err, entity)
	if isMissing(err) {
		time.AfterFunc(s.o.RefusalDelay, func() { l.Refuse(told) })
		return
	}
	l.Refuse(told)
}

// Unknown answers a disposition of a delivery that was settled already, or whose link is gone.
func (c *connection) Unknown() wire.State { return lockLost() }

// Closed has nothing to do: links end on their own.
func (c *connection) Closed() {}
