// Package chaos makes a broker misbehave on demand, so that tests can see what their clients do about it. Nothing goes
// wrong unless it's asked for.
package chaos

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// ConditionServerBusy is what a throttled client is told; the SDKs try again after a while.
const ConditionServerBusy wire.Symbol = "com.microsoft:server-busy"

// Control holds what is to go wrong. All methods may be called from several goroutines.
type Control struct {
	b   *broker.Broker
	now func() time.Time

	mu       sync.Mutex
	incoming map[*server.Incoming]string // the links of entities, with the entity in lower case
	outgoing map[*server.Outgoing]string
	dropIn   int // transfers until the connection is cut, zero for never
	delay    time.Duration
	lose     int
	applied  bool
	busy     time.Time // until then
	noAuth   bool
}

// New returns a control under which all goes well. now is the clock of what lasts for a while.
func New(b *broker.Broker, now func() time.Time) *Control {
	if now == nil {
		now = time.Now
	}
	return &Control{b: b, now: now, incoming: map[*server.Incoming]string{}, outgoing: map[*server.Outgoing]string{}}
}

// Detach ends all links to an entity, of senders and of receivers, with a condition such as amqp:link:detach-forced, and
// returns how many there were. New links aren't refused.
func (c *Control) Detach(entity, condition, description string) int {
	var detach []func(*wire.Error)
	entity = strings.ToLower(entity)
	c.mu.Lock()
	for l, at := range c.incoming {
		if at == entity {
			detach = append(detach, l.Detach)
		}
	}
	for l, at := range c.outgoing {
		if at == entity {
			detach = append(detach, l.Detach)
		}
	}
	c.mu.Unlock()
	for _, f := range detach {
		f(&wire.Error{Condition: wire.Symbol(condition), Description: description})
	}
	return len(detach)
}

// DropAfter cuts, without a word, the connection on which the n-th message from now on is transferred, in either
// direction and whatever the entity; zero takes it back. A message that a client sends is stored, but the client isn't
// told; one that it receives has reached it, as far as the broker can know.
func (c *Control) DropAfter(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropIn = n
}

// DelaySettlements makes what receivers say about messages, on their links and by lock token, count, and be answered, only after a time; zero
// takes it back. What comes too late for the lock fails as it does with the service.
func (c *Control) DelaySettlements(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.delay = d
}

// LoseSettlements loses the next n of what receivers say about messages, on their links and by lock token: the client gets no answer. With applied the
// message is settled all the same, and only the answer is lost.
func (c *Control) LoseSettlements(n int, applied bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lose, c.applied = n, applied
}

// ServerBusy refuses messages, new links and requests to $management with com.microsoft:server-busy for a time, by the
// broker's clock; zero ends it. Links that receive go on.
func (c *Control) ServerBusy(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = c.now().Add(d)
}

// ExpireLocks ends all locks at an address now, those of sessions included, and returns how many there were. The error is
// broker.ErrNotFound.
func (c *Control) ExpireLocks(entity string) (int, error) { return c.b.ExpireLocks(entity) }

// RefuseAuth answers every token that is put with 401, or ends that. What has been allowed before stays so: links go on
// until they need a new token.
func (c *Control) RefuseAuth(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noAuth = on
}

// Calm takes everything back.
func (c *Control) Calm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropIn, c.delay, c.lose, c.busy, c.noAuth = 0, 0, 0, time.Time{}, false
}

func (c *Control) busyNow() *wire.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.now().Before(c.busy) {
		return nil
	}
	return &wire.Error{
		Condition: ConditionServerBusy, Description: "The request was terminated because the entity is being throttled.",
	}
}

// Intercept answers requests that are to fail; see sbwire.Options.
func (c *Control) Intercept(node, _ string) (*wire.Error, int32) {
	if node == "$cbs" {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.noAuth {
			return &wire.Error{Condition: wire.UnauthorizedAccess, Description: "InvalidSignature: The token has an invalid signature."}, 401
		}
		return nil, 0
	}
	if err := c.busyNow(); err != nil {
		return err, 503
	}
	return nil, 0
}

// count counts a transfer on the link of an entity and says whether it's the one to cut the connection at.
func (c *Control) count() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dropIn == 0 {
		return false
	}
	c.dropIn--
	return c.dropIn == 0
}

// entityOf returns the entity of an address in lower case; false for the address of a request node.
func entityOf(address string) (string, bool) {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" {
		address = u.Path
	}
	address = strings.ToLower(strings.Trim(address, "/"))
	return address, address != "$cbs" && !strings.HasSuffix(address, "/$management")
}
