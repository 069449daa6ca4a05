package settle

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/shared/outlet"
)

// NewQueue returns the queue of that name on Service Bus. It opens its links on first use.
func NewQueue(client *azservicebus.Client, name string) (*ServiceBusQueue, error) {
	receiver, err := client.NewReceiverForQueue(name, nil)
	if err != nil {
		return nil, fmt.Errorf("queue %s: %w", name, err)
	}
	return &ServiceBusQueue{outlet: outlet.To(client, name), receiver: receiver}, nil
}

// ServiceBusQueue is a [Queue] on Service Bus. The host receives from it; this type only settles by lock token, which works
// from another connection than the one that received the message (seen on the real host with extension 4.3.1).
type ServiceBusQueue struct {
	outlet   *outlet.Outlet[*azservicebus.Sender]
	receiver *azservicebus.Receiver
}

// Schedule sends the copy so that it becomes visible at a time.
func (q *ServiceBusQueue) Schedule(ctx context.Context, c Copy, at time.Time) error {
	m := &azservicebus.Message{Body: c.Body, ApplicationProperties: c.Properties, MessageID: &c.MessageID}
	for _, f := range []struct {
		to   **string
		text *string
	}{{&m.CorrelationID, &c.CorrelationID}, {&m.ContentType, &c.ContentType}, {&m.Subject, &c.Subject}} {
		if *f.text != "" {
			*f.to = f.text
		}
	}
	at = at.UTC()
	m.ScheduledEnqueueTime = &at
	return q.outlet.Use(ctx, func(s *azservicebus.Sender) error { return s.SendMessage(ctx, m, nil) })
}

// DeadLetter moves the message with this lock token to the dead-letter queue.
func (q *ServiceBusQueue) DeadLetter(ctx context.Context, token [16]byte, reason, description string) error {
	return q.receiver.DeadLetterMessage(ctx, &azservicebus.ReceivedMessage{LockToken: token}, &azservicebus.DeadLetterOptions{
		Reason: &reason, ErrorDescription: &description,
	})
}

// Complete removes the message with this lock token.
func (q *ServiceBusQueue) Complete(ctx context.Context, token [16]byte) error {
	return q.receiver.CompleteMessage(ctx, &azservicebus.ReceivedMessage{LockToken: token}, nil)
}
