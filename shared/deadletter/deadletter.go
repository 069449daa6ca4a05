// Package deadletter counts what lies in dead-letter queues.
package deadletter

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// Counter counts the dead letters of a topic's subscriptions by peeking, which needs no more than the Listen right.
type Counter struct {
	client *azservicebus.Client
	topic  string
}

// NewCounter returns a counter for the subscriptions of this topic.
func NewCounter(client *azservicebus.Client, topic string) *Counter { return &Counter{client, topic} }

// Count returns how many messages lie in the subscription's own dead-letter queues, at most limit. What can't be forwarded
// goes to the ordinary one (Service Bus documentation, "Dead-lettering in auto forward scenarios"); the one for transfers is
// counted too, because earlier pages named it.
func (c *Counter) Count(ctx context.Context, subscription string, limit int) (int, error) {
	n := 0
	for _, queue := range []azservicebus.SubQueue{azservicebus.SubQueueDeadLetter, azservicebus.SubQueueTransfer} {
		more, err := c.count(ctx, subscription, queue, limit-n)
		if err != nil {
			return 0, err
		}
		n += more
	}
	return n, nil
}

// count counts one sub-queue, at most limit.
func (c *Counter) count(ctx context.Context, subscription string, queue azservicebus.SubQueue, limit int) (int, error) {
	if limit <= 0 {
		return 0, nil
	}
	receiver, err := c.client.NewReceiverForSubscription(c.topic, subscription, &azservicebus.ReceiverOptions{SubQueue: queue})
	if err != nil {
		return 0, err
	}
	defer func() { _ = receiver.Close(context.WithoutCancel(ctx)) }() // nothing was received that closing could lose
	n := 0
	for n < limit {
		messages, err := receiver.PeekMessages(ctx, min(limit-n, 250), nil)
		if err != nil {
			return 0, err
		}
		if len(messages) == 0 {
			break
		}
		n += len(messages)
	}
	return n, nil
}
