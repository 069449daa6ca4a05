// Package backlog tells how long messages have waited in a queue, which no metric of Service Bus does.
package backlog

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// Queues are the queues of a namespace. They are looked at by peeking, which needs no more than the Listen right.
type Queues struct{ client *azservicebus.Client }

// NewQueues returns the queues that the client reaches.
func NewQueues(client *azservicebus.Client) *Queues { return &Queues{client} }

// Oldest returns when the message that has waited longest came, or the zero time where none waits. A message that a function
// has locked counts; one that is scheduled doesn't, until its time has come. It peeks at no more than limit messages; if
// all of them are scheduled, none waits as far as it knows.
func (q *Queues) Oldest(ctx context.Context, queue string, limit int) (time.Time, error) {
	receiver, err := q.client.NewReceiverForQueue(queue, nil)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = receiver.Close(context.WithoutCancel(ctx)) }() // nothing was received that closing could lose
	// Peeking goes by sequence number, and a queue of a namespace without partitions gives messages their numbers as they
	// come; one that was scheduled gets a new number when its time has come.
	for seen := 0; seen < limit; {
		messages, err := receiver.PeekMessages(ctx, min(limit-seen, 250), nil)
		if err != nil || len(messages) == 0 {
			return time.Time{}, err
		}
		for _, m := range messages {
			if m.State == azservicebus.MessageStateActive && m.EnqueuedTime != nil {
				return *m.EnqueuedTime, nil
			}
		}
		seen += len(messages)
	}
	return time.Time{}, nil
}
