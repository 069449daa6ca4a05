package sbwire

import (
	"encoding/binary"
	"errors"
	"slices"

	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// requestCredit is how many requests a client may have under way on one link.
const requestCredit = 100

// request is what arrives at a request node.
type request struct {
	operation  string
	properties wire.Map
	body       any
}

// response is its answer. Condition is the errorCondition of a failed one.
type response struct {
	code        int32
	description string
	condition   wire.Symbol
	body        wire.Map
}

// handler answers a request. It runs on a goroutine of the request link and may take its time.
type handler func(request) response

// requests takes the requests of one link, one after the other.
type requests struct {
	c      *connection
	link   *server.Incoming
	node   string
	handle handler
	queue  chan server.Delivery
}

func newRequests(c *connection, l *server.Incoming, node string, h handler) {
	r := &requests{c: c, link: l, node: node, handle: h, queue: make(chan server.Delivery, requestCredit)}
	if node == cbsNode {
		c.cbs.Store(true)
	}
	entity, _ := managed(node)
	if l.Accept(server.Acceptance{MaxMessageSize: uint64(c.s.b.MessageLimit(entity)), Credit: requestCredit}, r) {
		l.Go(r.work)
	}
}

// Deliver queues a request. The queue has room for all the credit there is.
func (r *requests) Deliver(d server.Delivery) { r.queue <- d }

// Closed makes room for the next link to $cbs; work sees the link's end by itself.
func (r *requests) Closed() {
	if r.node == cbsNode {
		r.c.cbs.Store(false)
	}
}

func (r *requests) work() {
	for {
		select {
		case d := <-r.queue:
			r.answer(d)
		case <-r.link.Done():
			return
		}
	}
}

func (r *requests) answer(d server.Delivery) {
	m, err := wire.ParseMessage(d.Payload)
	if err != nil {
		d.Settle(wire.Rejected{Error: &wire.Error{Condition: wire.DecodeError, Description: err.Error()}})
		return
	}
	d.Settle(wire.Accepted{})
	req := request{properties: m.ApplicationProperties}
	req.operation, _ = wire.Text(m.ApplicationProperties.Get("operation"))
	if len(m.Body) > 0 {
		if req.body, err = wire.Value(m.Body); err != nil {
			req.body = nil // the operation says what it misses
		}
	}
	respond := func(told bool) {
		if resp := r.intercepted(req); told {
			r.respond(m, req.operation, resp)
		}
	}
	if disposed := r.c.s.o.Disposed; disposed != nil && req.operation == operationSettle {
		disposed(r.c.c, respond)
		return
	}
	respond(true)
}

// respond answers a request.
func (r *requests) respond(m *wire.Message, operation string, resp response) {
	var err error
	answer := &wire.Message{
		Properties:            &wire.Properties{},
		ApplicationProperties: resp.properties(),
	}
	replyTo := ""
	if p := m.Properties; p != nil {
		answer.Properties.CorrelationID = p.MessageID
		set(&replyTo, p.ReplyTo)
	}
	if resp.body != nil {
		answer.Body, err = wire.AppendValue(nil, resp.body)
	} else {
		answer.Body, err = wire.AppendValue(nil, nil)
	}
	if err != nil {
		r.c.s.o.Logf("servicebus: %s: the answer to %s can't be encoded: %v", r.node, operation, err)
		return
	}
	r.c.reply(r, replyTo, answer)
}

// properties are the application properties of an answer. Clients differ in the spelling: the .NET client reads
// status-code from $cbs and fails without it, the JavaScript client reads statusCode from $management.
func (r response) properties() wire.Map {
	out := wire.Map{
		{Key: "statusCode", Value: r.code}, {Key: "statusDescription", Value: r.description},
		{Key: "status-code", Value: r.code}, {Key: "status-description", Value: r.description},
	}
	if r.condition != "" {
		out = append(out, wire.Entry{Key: "errorCondition", Value: r.condition})
	}
	return out
}

// failed is the answer that tells an error.
func failed(err error, entity string) response {
	told, code := failure(err, entity)
	return response{code: code, description: told.Description, condition: told.Condition}
}

// isMissing reports whether an error says that an entity isn't there.
func isMissing(err error) bool { return errors.Is(err, broker.ErrNotFound) }

// responses is a link that takes the answers of a node. A request names it by its address, which the client chose: the
// link's target (Go) or, where that has none, the link's name (JavaScript). Addresses are looked up by connection and
// node, since a client may use one on several of them.
type responses struct {
	c       *connection
	link    *server.Outgoing
	node    string
	address string
	settled bool
}

func newResponses(c *connection, l *server.Outgoing, node string) {
	r := &responses{c: c, link: l, node: node, address: l.Name(), settled: true}
	if t := l.Attach().Target; t != nil && t.Address != nil {
		r.address = *t.Address
	}
	if mode := l.Attach().SndSettleMode; mode != nil {
		r.settled = *mode != wire.SendUnsettled
	}
	c.mu.Lock()
	c.replies[node] = append(c.replies[node], r)
	c.mu.Unlock()
	if !l.Accept(server.Acceptance{Immediate: true}, r) {
		r.Closed()
	}
}

// Disposed has nothing to do: an answer that was sent is done with.
func (r *responses) Disposed(_ []byte, state wire.State) wire.State {
	if state == nil {
		return wire.Accepted{}
	}
	return state
}

// Closed forgets the link.
func (r *responses) Closed() {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	left := slices.DeleteFunc(r.c.replies[r.node], func(o *responses) bool { return o == r })
	if r.c.replies[r.node] = left; len(left) == 0 {
		delete(r.c.replies, r.node)
	}
}

// answerLink finds the link that a request names, the newest of that address.
func (c *connection) answerLink(node, address string) *responses {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range slices.Backward(c.replies[node]) {
		if r.address == address {
			return r
		}
	}
	return nil
}

// reply sends an answer on the link that the request named.
func (c *connection) reply(r *requests, replyTo string, m *wire.Message) {
	to := c.answerLink(r.node, replyTo)
	if to == nil {
		c.s.o.Logf("servicebus: %s: a request names no link for its answer", r.node)
		return
	}
	payload, err := m.AppendTo(nil)
	if err != nil {
		c.s.o.Logf("servicebus: %s: an answer can't be encoded: %v", r.node, err)
		return
	}
	var tag [8]byte
	binary.BigEndian.PutUint64(tag[:], c.tags.Add(1))
	_ = to.link.Send(server.Message{Payload: payload, Tag: tag[:], Settled: to.settled}, true) // ended: nobody waits
}
