package feed

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/stack"
	"crosswalk/shared/event"
	"crosswalk/shared/outlet"
	"crosswalk/shared/topology"
)

// Message is one event as its system sends it to an ingress queue, and the pair that it opens.
type Message struct {
	Queue string
	Body  []byte
	Pair  Pair
}

// Ingress sends to the ingress queues, and to the functions' own. Unlike a Feed it goes on after the Send right was revoked and given back.
type Ingress struct {
	client  *azservicebus.Client
	outlets map[string]*outlet.Outlet[*azservicebus.Sender]
}

// NewIngress returns the queues of a stack.
func NewIngress(s *stack.Stack) (*Ingress, error) {
	client, err := azservicebus.NewClientFromConnectionString(s.Broker.ConnectionString(), nil)
	if err != nil {
		return nil, err
	}
	i := &Ingress{client, map[string]*outlet.Outlet[*azservicebus.Sender]{}}
	t := topology.Default()
	for _, in := range t.Ingress {
		i.outlets[in.Queue] = outlet.To(client, in.Queue)
	}
	for _, function := range t.Functions {
		i.outlets[function.Name] = outlet.To(client, function.Name)
	}
	return i, nil
}

// SendAt sends a message that comes up at a time.
func (i *Ingress) SendAt(ctx context.Context, m Message, at time.Time) error {
	return i.send(ctx, m.Queue, &azservicebus.Message{Body: m.Body, ScheduledEnqueueTime: &at})
}

// ResubmitAt sends a message to its function's own queue, as support staff resubmit one: the topic, which would drop a
// duplicate, doesn't see it.
func (i *Ingress) ResubmitAt(ctx context.Context, m Message, at time.Time) error {
	parsed, err := event.Parse(m.Body)
	if err != nil {
		return err
	}
	e := parsed.Events[0]
	return i.send(ctx, m.Pair.Function, &azservicebus.Message{
		Body: e.Data(), ContentType: ptr(e.DataContentType()), ApplicationProperties: event.ToProperties(e), ScheduledEnqueueTime: &at,
	})
}

func (i *Ingress) send(ctx context.Context, queue string, m *azservicebus.Message) error {
	err := i.outlets[queue].Use(ctx, func(s *azservicebus.Sender) error { return s.SendMessage(ctx, m, nil) })
	if err != nil {
		return fmt.Errorf("sending to %s: %w", queue, err)
	}
	return nil
}

// Close closes the connection to the broker.
func (i *Ingress) Close(ctx context.Context) error { return i.client.Close(ctx) }
