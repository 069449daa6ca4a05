package event

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	ce "github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/shared/fault"
	"crosswalk/shared/outlet"
	"crosswalk/shared/topology"
)

// MaxInline is the largest body in bytes that travels in a message; a larger one goes to the claim check. A message of
// Service Bus has at most 256 KB with all its properties (tier Standard).
const MaxInline = 192 << 10

// maxMessageID is the longest message id of Service Bus, less what a retry copy's number needs.
const maxMessageID = 100

// claimChecks is how many bodies of one batch go to the claim check at once.
const claimChecks = 8

// Claims keeps bodies that are too large for a message. Its errors are judged ([fault.Error]).
type Claims interface {
	Put(ctx context.Context, body []byte) (ref string, err error)
}

// Publisher puts events on the topic. It is safe for concurrent use.
type Publisher struct {
	outlet *outlet.Outlet[sender]
	routes func(eventType, source string) []string
	claims Claims
}

// NewPublisher returns a publisher to this topic. routes names the functions that ask for an event; one that nobody asks
// for is stamped, because a Service Bus rule can't select what no other rule selects.
func NewPublisher(client *azservicebus.Client, topic string, routes func(eventType, source string) []string, claims Claims) *Publisher {
	return &Publisher{outlet: newOutlet(client, topic), routes: routes, claims: claims}
}

// Close closes the link to the topic.
func (p *Publisher) Close(ctx context.Context) { p.outlet.Close(ctx) }

// Publish sends the events in as few batches as their sizes allow and returns one error per event, in their order: nil
// when the event is durable on the topic. MessageId is the event's id, so an event that is sent again within the topic's
// duplicate detection window is dropped there.
//
// Errors are [fault.Error]: Permanent (bad-value, too-large, event-refused) when the event is at fault, which leaves its
// neighbours alone; Misconfigured (broker-refused) or Transient (broker-unavailable) when the broker or the claim store
// is. An event that failed may be durable all the same, where only the broker's answer was lost.
func (p *Publisher) Publish(ctx context.Context, events []ce.Event) []error {
	errs := make([]error, len(events))
	if err := p.send(ctx, p.messages(ctx, events, errs), errs); err != nil {
		for i := range errs {
			if errs[i] == errNotSent {
				errs[i] = err
			}
		}
	}
	return errs
}

// errNotSent marks an event that no attempt was made for, because an earlier one in the same call failed for a reason
// that holds for all.
var errNotSent = errors.New("not sent")

// outgoing is a message and the index of its event.
type outgoing struct {
	index   int
	message *azservicebus.Message
}

// messages makes the events' messages. What can't be sent gets its error, the rest errNotSent.
func (p *Publisher) messages(ctx context.Context, events []ce.Event, errs []error) []outgoing {
	made := make([]*azservicebus.Message, len(events))
	var wg sync.WaitGroup
	slots := make(chan struct{}, claimChecks)
	for i, e := range events {
		if len(e.Data()) <= MaxInline {
			made[i], errs[i] = p.message(ctx, e)
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() {
				// The caller can't recover what panics here, and the program would end with all its invocations.
				if recover() != nil {
					errs[i] = &fault.Error{Kind: fault.Transient, Reason: "panic", Detail: "putting the event's data into the claim check failed by a defect of Crosswalk"}
				}
				<-slots
			}()
			made[i], errs[i] = p.message(ctx, e)
		})
	}
	wg.Wait()
	var out []outgoing
	for i, m := range made {
		if errs[i] == nil {
			out = append(out, outgoing{i, m})
			errs[i] = errNotSent
		}
	}
	return out
}

func (p *Publisher) message(ctx context.Context, e ce.Event) (*azservicebus.Message, error) {
	if err := e.Validate(); err != nil || len(e.ID()) > maxMessageID {
		return nil, &fault.Error{Kind: fault.Permanent, Reason: "bad-value", Detail: "the event's attributes are not what CloudEvents and Service Bus allow", Err: err}
	}
	m := &azservicebus.Message{ApplicationProperties: ToProperties(e)}
	if contentType := e.DataContentType(); contentType != "" {
		m.ContentType = &contentType
	}
	if len(p.routes(e.Type(), e.Source())) == 0 {
		m.ApplicationProperties[topology.UnroutedProperty] = true
	}
	return m, fill(ctx, m, e.ID(), e.Data(), p.claims)
}

// fill gives m its id and its body, or where the body is.
func fill(ctx context.Context, m *azservicebus.Message, id string, body []byte, claims Claims) error {
	m.MessageID = &id
	if len(body) <= MaxInline {
		m.Body = body
		return nil
	}
	ref, err := claims.Put(ctx, body)
	m.ApplicationProperties[DataRefProperty] = ref
	return err
}

// send sends all of queue and sets errs of each, or returns what keeps any event from being sent.
func (p *Publisher) send(ctx context.Context, queue []outgoing, errs []error) error {
	for len(queue) > 0 {
		taken, err := p.sendHead(ctx, queue)
		head := queue[:taken]
		queue = queue[taken:]
		if err == nil {
			for _, m := range head {
				errs[m.index] = nil
			}
			continue
		}
		judged, mixed := judge(err)
		switch {
		case !mixed:
			return judged
		case taken == 1:
			errs[head[0].index] = judged
		default:
			// Halving finds the one at fault in few sends and gets the others through.
			for _, half := range [][]outgoing{head[:taken/2], head[taken/2:]} {
				if err := p.send(ctx, half, errs); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// sendHead sends as much of queue as one batch takes, at least one message, and returns how many that were.
func (p *Publisher) sendHead(ctx context.Context, queue []outgoing) (taken int, err error) {
	err = p.outlet.Use(ctx, func(s sender) error {
		taken = 0
		b, err := s.newBatch(ctx)
		if err != nil {
			return err
		}
		for taken < len(queue) {
			if err = b.add(queue[taken].message); err != nil {
				break
			}
			taken++
		}
		if taken == 0 {
			return unaddable(err)
		}
		return s.send(ctx, b)
	})
	return max(taken, 1), err
}

// Parker sends a body that can't be read to the queue it should have come by, whose receiver dead-letters it there.
type Parker struct {
	outlet *outlet.Outlet[sender]
	claims Claims
}

// NewParker returns a parker to this queue.
func NewParker(client *azservicebus.Client, queue string, claims Claims) *Parker {
	return &Parker{outlet: newOutlet(client, queue), claims: claims}
}

// Close closes the link to the queue.
func (p *Parker) Close(ctx context.Context) { p.outlet.Close(ctx) }

// Park sends body as it is and returns the id of its message, which is the head of the body's hash. A body over
// [MaxInline] goes to the claim check, and the message carries [DataRefProperty]. contentType may be empty.
//
// Errors are those of [Publisher.Publish].
func (p *Parker) Park(ctx context.Context, body []byte, contentType string) (messageID string, err error) {
	sum := sha256.Sum256(body)
	messageID = hex.EncodeToString(sum[:])[:32]
	m := &azservicebus.Message{ApplicationProperties: map[string]any{}}
	if contentType != "" {
		m.ContentType = &contentType
	}
	if err := fill(ctx, m, messageID, body, p.claims); err != nil {
		return messageID, err
	}
	err = p.outlet.Use(ctx, func(s sender) error {
		b, err := s.newBatch(ctx)
		if err != nil {
			return err
		}
		if err := b.add(m); err != nil {
			return unaddable(err)
		}
		return s.send(ctx, b)
	})
	if err != nil {
		judged, _ := judge(err)
		return messageID, judged
	}
	return messageID, nil
}
