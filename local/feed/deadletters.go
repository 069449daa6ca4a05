package feed

import (
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/shared/topology"
)

// queueOf returns the queue that a function reads.
func queueOf(function string) string {
	for _, in := range topology.Default().Ingress {
		if in.Function == function {
			return in.Queue
		}
	}
	return function
}

// deadLettered says what is wrong with the dead letter of an event: it must lie in the queue's dead-letter queue, with the
// wanted reason and a description that names the field, as support staff will read it. For an event without an id any dead
// letter with the reason stands.
func (f *Feed) deadLettered(ctx context.Context, w Want, id string) error {
	queue := queueOf(w.Function)
	receiver, err := f.client.NewReceiverForQueue(queue, &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
	if err != nil {
		return err
	}
	defer func() { _ = receiver.Close(context.WithoutCancel(ctx)) }()
	for {
		messages, err := receiver.PeekMessages(ctx, 100, nil)
		if err != nil {
			return err
		}
		if len(messages) == 0 {
			return fmt.Errorf("%s/$DeadLetterQueue has no such message with reason %q", queue, w.Reason)
		}
		for _, m := range messages {
			event, _ := m.ApplicationProperties["cloudEvents:id"].(string)
			if (id != "" && m.MessageID != id && event != id) || text(m.DeadLetterReason) != w.Reason {
				continue
			}
			if !strings.Contains(text(m.DeadLetterErrorDescription), w.Field) {
				return fmt.Errorf("the dead letter's description %q does not name the field %q", text(m.DeadLetterErrorDescription), w.Field)
			}
			return nil
		}
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
