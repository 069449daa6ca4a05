package sbwire

import (
	"fmt"
	"time"

	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// management answers the $management node of one entity.
type management struct {
	s      *Service
	entity string
	// link is the name of the link that a request is associated with, empty for none.
	link string
}

// operationSettle is the operation that settles messages by lock token.
const operationSettle = "com.microsoft:update-disposition"

// operations are those of azservicebus 1.11, and those of the other SDKs for rules.
var operations = map[string]func(management, wire.Map) (response, error){
	"com.microsoft:renew-lock":                 management.renewLock,
	"com.microsoft:peek-message":               management.peek,
	"com.microsoft:receive-by-sequence-number": management.receiveDeferred,
	operationSettle:                            management.updateDisposition,
	"com.microsoft:schedule-message":           management.schedule,
	"com.microsoft:cancel-scheduled-message":   management.cancelScheduled,
	"com.microsoft:renew-session-lock":         management.renewSessionLock,
	"com.microsoft:get-session-state":          management.sessionState,
	"com.microsoft:set-session-state":          management.setSessionState,
	"com.microsoft:get-message-sessions":       management.sessions,
	"com.microsoft:add-rule":                   management.addRule,
	"com.microsoft:remove-rule":                management.removeRule,
	"com.microsoft:enumerate-rules":            management.rules,
}

func (m management) handle(r request) response {
	do, ok := operations[r.operation]
	if !ok {
		m.s.o.Logf("servicebus: %s%s: unknown operation %q", m.entity, managementSuffix, r.operation)
		return response{code: 501, description: "the operation is not implemented", condition: wire.NotImplemented}
	}
	body, ok := r.body.(wire.Map)
	if !ok {
		return failed(argument("the body is no map"), m.entity)
	}
	m.link, _ = wire.Text(r.properties.Get("associated-link-name"))
	resp, err := do(m, body)
	if err != nil {
		return failed(err, m.entity)
	}
	if resp.code == 0 {
		resp.code, resp.description = 200, "OK"
	}
	return resp
}

// noContent is the answer of an operation that found nothing.
var noContent = response{code: 204, description: "No Content"}

func argument(format string, args ...any) error {
	return &wire.Error{Condition: conditionArgument, Description: fmt.Sprintf(format, args...)}
}

// maxItems bounds the tokens, numbers and messages of one request.
const maxItems = 10_000

// items reads an argument that is a list or an array.
func items(body wire.Map, key string) ([]any, error) {
	list := wire.Items(body.Get(key))
	if len(list) == 0 || len(list) > maxItems {
		return nil, argument("%s has %d items", key, len(list))
	}
	return list, nil
}

func lockTokens(body wire.Map) ([][16]byte, error) {
	list, err := items(body, "lock-tokens")
	if err != nil {
		return nil, err
	}
	out := make([][16]byte, 0, len(list))
	for _, v := range list {
		switch v := v.(type) {
		case wire.UUID:
			out = append(out, v)
		default:
			return nil, argument("lock-tokens holds what is no uuid")
		}
	}
	return out, nil
}

func sequenceNumbers(body wire.Map) ([]int64, error) {
	list, err := items(body, "sequence-numbers")
	if err != nil {
		return nil, err
	}
	out := make([]int64, 0, len(list))
	for _, v := range list {
		n, ok := wire.Integer(v)
		if !ok {
			return nil, argument("sequence-numbers holds what is no number")
		}
		out = append(out, n)
	}
	return out, nil
}

// renewLock: lock-tokens → expirations, which must be an array of timestamp: the Go SDK takes no list.
func (m management) renewLock(body wire.Map) (response, error) {
	tokens, err := lockTokens(body)
	if err != nil {
		return response{}, err
	}
	ends := make([]time.Time, 0, len(tokens))
	for _, token := range tokens {
		end, err := m.s.b.RenewLock(m.entity, token)
		if err != nil {
			return response{}, err
		}
		ends = append(ends, end)
	}
	return response{body: wire.Map{{Key: "expirations", Value: wire.Timestamps(ends)}}}, nil
}

// peek: from-sequence-number, message-count, perhaps session-id → messages; 204 when there are none.
func (m management) peek(body wire.Map) (response, error) {
	from, ok := wire.Integer(body.Get("from-sequence-number"))
	count, ok2 := wire.Integer(body.Get("message-count"))
	if !ok || !ok2 || count < 1 {
		return response{}, argument("from-sequence-number or message-count is missing")
	}
	var msgs []*broker.Message
	var err error
	if id := body.Get("session-id"); id != nil {
		text, ok := wire.Text(id)
		if !ok {
			return response{}, argument("session-id is no text")
		}
		msgs, err = m.s.b.PeekSession(m.entity, text, from, int(min(count, maxItems)))
	} else {
		msgs, err = m.s.b.Peek(m.entity, from, int(min(count, maxItems)))
	}
	if err != nil {
		return response{}, err
	}
	size := 0
	for i, msg := range msgs { // the answer stops at about four times the usual limit of a message, but holds one of any size
		if size += msg.Size; i > 0 && size > 4*m.s.b.MaxMessageSize() {
			msgs = msgs[:i]
			break
		}
	}
	return m.messages(msgs, false)
}

// receiveDeferred: sequence-numbers, receiver-settle-mode (0 receive-and-delete, 1 peek-lock) → messages with lock-token.
func (m management) receiveDeferred(body wire.Map) (response, error) {
	sequences, err := sequenceNumbers(body)
	if err != nil {
		return response{}, err
	}
	mode := broker.ReceiveAndDelete
	if n, ok := wire.Integer(body.Get("receiver-settle-mode")); ok && n == 1 {
		mode = broker.PeekLock
	}
	lock, ok, err := m.session(body)
	if err != nil {
		return response{}, err
	}
	var msgs []*broker.Message
	if ok {
		msgs, err = m.s.b.ReceiveDeferredFromSession(m.entity, lock, sequences, mode)
	} else {
		msgs, err = m.s.b.ReceiveDeferred(m.entity, sequences, mode)
	}
	if err != nil {
		return response{}, err
	}
	return m.messages(msgs, mode == broker.PeekLock)
}

// messages answers with a list of maps; message holds an encoded message.
func (m management) messages(msgs []*broker.Message, locked bool) (response, error) {
	if len(msgs) == 0 {
		return noContent, nil
	}
	list := make(wire.List, 0, len(msgs))
	for _, msg := range msgs {
		encoded, err := encode(msg, locked)
		if err != nil {
			return response{}, err
		}
		entry := wire.Map{{Key: "message", Value: encoded}}
		if locked {
			entry = append(entry, wire.Entry{Key: "lock-token", Value: wire.UUID(msg.LockToken)})
		}
		list = append(list, entry)
	}
	return response{body: wire.Map{{Key: "messages", Value: list}}}, nil
}

// dispositions are the values of disposition-status; "defered" is spelled as the service spells it.
var dispositions = map[string]broker.Kind{
	"completed": broker.Complete,
	"abandoned": broker.Abandon,
	"suspended": broker.DeadLetter,
	"defered":   broker.Defer,
}

// updateDisposition settles by lock token, whichever link or connection received the message.
func (m management) updateDisposition(body wire.Map) (response, error) {
	tokens, err := lockTokens(body)
	if err != nil {
		return response{}, err
	}
	status, _ := wire.Text(body.Get("disposition-status"))
	kind, ok := dispositions[status]
	if !ok {
		return response{}, argument("disposition-status is unknown")
	}
	d := broker.Disposition{Kind: kind}
	d.Reason, _ = wire.Text(body.Get("deadletter-reason"))
	d.Description, _ = wire.Text(body.Get("deadletter-description"))
	if modify, ok := body.Get("properties-to-modify").(wire.Map); ok {
		d.Properties = properties(modify)
	}
	for _, token := range tokens {
		if err := m.s.b.Settle(m.entity, token, d); err != nil {
			return response{}, err
		}
	}
	return response{}, nil
}

// schedule: messages, a list of maps whose message is an encoded message with the annotation
// x-opt-scheduled-enqueue-time → sequence-numbers, which must be an array of long.
func (m management) schedule(body wire.Map) (response, error) {
	if err := m.s.maySend(); err != nil {
		return response{}, err
	}
	list, err := items(body, "messages")
	if err != nil {
		return response{}, err
	}
	msgs := make([]*broker.Message, 0, len(list))
	for _, v := range list {
		entry, _ := v.(wire.Map)
		encoded, ok := entry.Get("message").([]byte)
		if !ok {
			return response{}, argument("messages holds what is no message")
		}
		msg, err := decodeOne(encoded)
		if err != nil {
			return response{}, err
		}
		msgs = append(msgs, msg)
	}
	sequences, err := m.s.b.Schedule(m.entity, msgs)
	if err != nil {
		return response{}, err
	}
	return response{body: wire.Map{{Key: "sequence-numbers", Value: wire.Longs(sequences)}}}, nil
}

// cancelScheduled: sequence-numbers → nothing.
func (m management) cancelScheduled(body wire.Map) (response, error) {
	if err := m.s.maySend(); err != nil {
		return response{}, err
	}
	sequences, err := sequenceNumbers(body)
	if err != nil {
		return response{}, err
	}
	return response{}, m.s.b.CancelScheduled(m.entity, sequences)
}
