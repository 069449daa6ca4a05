package sbwire

import (
	"strings"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/amqp/wire"
)

// maxGrants bounds the tokens that one connection may put.
const maxGrants = 10_000

// unauthorized is what is told to who lacks a right, in the words of the service.
func unauthorized(right access.Rights) *wire.Error {
	return &wire.Error{
		Condition:   wire.UnauthorizedAccess,
		Description: "Unauthorized access. '" + right.String() + "' claim(s) are required to perform this operation.",
	}
}

// signOn takes over what a key's name and value allow, where the client gave them with SASL PLAIN.
func (c *connection) signOn() {
	if c.s.o.Authority == nil {
		return
	}
	if mechanism, response := c.c.SASL(); mechanism == "PLAIN" {
		if g, err := PlainGrant(c.s.o.Authority, response); err == nil {
			c.grants[""] = g
		}
	}
}

// PlainGrant judges the response of SASL PLAIN: an authorization identity nobody looks at, the key's name, its value,
// with a zero byte between each.
func PlainGrant(a *access.Authority, response []byte) (access.Grant, error) {
	parts := strings.Split(string(response), "\x00")
	if len(parts) != 3 {
		return access.Grant{}, access.ErrMalformed
	}
	return a.Password(parts[1], parts[2])
}

// put judges a token for an entity, or for all of them where entity is empty, and keeps what it allows.
func (c *connection) put(token, entity string) *wire.Error {
	if c.s.o.Authority == nil {
		return nil
	}
	entity = strings.ToLower(entity)
	g, err := c.s.o.Authority.Check(token)
	if err != nil {
		return &wire.Error{Condition: wire.UnauthorizedAccess, Description: err.Error()}
	}
	if !g.Covers(entity) {
		return &wire.Error{Condition: wire.UnauthorizedAccess, Description: "InvalidAudience: The authorization token's audience isn't the resource."}
	}
	g.Scope = entity
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.grants[entity]; !known && len(c.grants) >= maxGrants {
		return &wire.Error{Condition: wire.ResourceLimitExceeded, Description: "too many tokens on one connection"}
	}
	c.grants[entity] = g
	return nil
}

// allows reports whether one of the tokens on a connection gives a right to an entity. Without an authority every right
// is there.
func (c *connection) allows(entity string, right access.Rights) bool {
	if c.s.o.Authority == nil {
		return true
	}
	entity = strings.ToLower(entity)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.grants {
		if g.Covers(entity) && c.s.o.Authority.Allows(g, right) {
			return true
		}
	}
	return false
}

// allowsAny reports whether there is a right to an entity at all, which is what its $management node asks for.
func (c *connection) allowsAny(entity string) bool {
	return c.allows(entity, access.Send) || c.allows(entity, access.Listen)
}

// guarded lets a request through to a node of an entity when the client has the right it needs: sending for what makes
// or cancels scheduled messages, listening for all else.
func (c *connection) guarded(entity string, h handler) handler {
	return func(r request) response {
		right := access.Listen
		if r.operation == "com.microsoft:schedule-message" || r.operation == "com.microsoft:cancel-scheduled-message" {
			right = access.Send
		}
		if !c.allows(entity, right) {
			return failed(unauthorized(right), entity)
		}
		return h(r)
	}
}

// RevokeSendOf takes the right to send away from one key of the authority, or gives it back; the links of its clients
// that send are detached.
func (s *Service) RevokeSendOf(key string, on bool) {
	if s.o.Authority == nil {
		return
	}
	s.o.Authority.Revoke(key, access.Send, on)
	if !on {
		return
	}
	s.mu.Lock()
	senders := make([]*sender, 0, len(s.senders))
	for l := range s.senders {
		senders = append(senders, l)
	}
	s.mu.Unlock()
	for _, l := range senders {
		if !l.c.allows(l.entity, access.Send) {
			l.link.Detach(errSendRevoked)
		}
	}
}
