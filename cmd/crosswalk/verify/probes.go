package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"

	"crosswalk/handlers/probe"
)

// deadLetter asks a function to dead-letter a message.
func (d *Deployment) deadLetter(ctx context.Context) []Finding {
	const (
		settled = "the handler dead-letters by lock token, with reason and description"
		traced  = "the host sends a trace header with each invocation"
	)
	letter, f := d.probe(ctx, settled, probe.Reject)
	if letter == nil {
		return []Finding{f}
	}
	out := []Finding{held(settled, "reason %q at delivery %d", probe.Reason, letter.Delivery)}
	if letter.Trace {
		return append(out, held(traced, "traceparent is there"))
	}
	return append(out, unknown(traced, "connect Application Insights; without it each invocation begins a trace of its own", "the host sent none"))
}

// scheduledCopy asks a function to come back to a message later.
func (d *Deployment) scheduledCopy(ctx context.Context) []Finding {
	const question = "the handler schedules a copy to its own queue, and the copy comes"
	letter, f := d.probe(ctx, question, probe.Copy)
	switch {
	case letter == nil:
		return []Finding{f}
	case letter.Attempt != 2:
		return []Finding{failed(question, "look at the function's log", "the message that came is attempt %d", letter.Attempt)}
	}
	return []Finding{held(question, "attempt 2 came at delivery %d", letter.Delivery)}
}

// probe sends a probe to the flow's queue and takes its dead letter away again. The answer is nil where there is none, and
// the finding says why.
func (d *Deployment) probe(ctx context.Context, question, then string) (*probe.Answer, Finding) {
	id := "crosswalk-verify-" + uuid.NewString()
	data, err := json.Marshal(probe.Ask{Then: then})
	if err != nil {
		return nil, failed(question, "", "%v", err)
	}
	m := &azservicebus.Message{MessageID: &id, Body: data, ContentType: new("application/json"), ApplicationProperties: map[string]any{
		"cloudEvents:specversion": "1.0", "cloudEvents:id": id, "cloudEvents:type": probe.Type, "cloudEvents:source": "/crosswalk/verify",
	}}
	if err := d.send(ctx, d.Flow, m); err != nil {
		return nil, failed(question, "see that queue "+d.Flow+" is there, and that you may send to it", "the probe can't be sent (%T)", err)
	}
	var letter *azservicebus.ReceivedMessage
	seen, err := d.await(ctx, func(ctx context.Context) (bool, error) {
		letter, err = d.take(ctx, d.Flow, id)
		return letter != nil, err
	})
	switch {
	case err != nil:
		return nil, failed(question, "see that you may listen to queue "+d.Flow, "its dead letters can't be read (%T)", err)
	case !seen:
		return nil, failed(question, "look at the log of function "+d.Flow+": does it run, and may it send to its queue and listen?",
			"no dead letter came to queue %s within %s", d.Flow, d.Patience)
	}
	reason, description := text(letter.DeadLetterReason), text(letter.DeadLetterErrorDescription)
	answer, ok := probe.ReadAnswer(description)
	if reason != probe.Reason || !ok {
		return nil, failed(question, "look at the log of function "+d.Flow, "the dead letter's reason is %q, and its description isn't the handler's", reason)
	}
	return &answer, Finding{}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (d *Deployment) send(ctx context.Context, queue string, m *azservicebus.Message) error {
	ctx, cancel := context.WithTimeout(ctx, d.Patience)
	defer cancel()
	sender, err := d.Bus.NewSender(queue, nil)
	if err != nil {
		return err
	}
	defer func() { _ = sender.Close(context.WithoutCancel(ctx)) }()
	return sender.SendMessage(ctx, m, nil)
}

// reach bounds how many dead letters are looked through for our own.
const reach = 500

// take removes the dead letter whose event has this id from a queue, and returns it; nil where it isn't there (yet). The
// others are given back, which doesn't raise their count of deliveries in a dead-letter queue.
func (d *Deployment) take(ctx context.Context, queue, event string) (*azservicebus.ReceivedMessage, error) {
	receiver, err := d.Bus.NewReceiverForQueue(queue, &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
	if err != nil {
		return nil, err
	}
	defer func() { _ = receiver.Close(context.WithoutCancel(ctx)) }()
	found, err := d.peek(ctx, receiver, event)
	if err != nil || found == nil {
		return nil, err
	}
	var held []*azservicebus.ReceivedMessage
	defer func() {
		for _, m := range held {
			_ = receiver.AbandonMessage(context.WithoutCancel(ctx), m, nil) // its lock's end does the same
		}
	}()
	for len(held) < reach {
		batch, err := next(ctx, receiver)
		if err != nil || len(batch) == 0 {
			return found, err // ours stays where it is; support staff know it by its reason
		}
		for i, m := range batch {
			if m.ApplicationProperties["cloudEvents:id"] == event {
				held = append(held, batch[i+1:]...)
				return m, receiver.CompleteMessage(ctx, m, nil)
			}
			held = append(held, m)
		}
	}
	return found, nil
}

// next returns what is there within a few seconds.
func next(ctx context.Context, receiver *azservicebus.Receiver) ([]*azservicebus.ReceivedMessage, error) {
	within, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	batch, err := receiver.ReceiveMessages(within, 100, nil)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		return nil, nil
	}
	return batch, err
}

// peek looks for the message whose event has this id.
func (d *Deployment) peek(ctx context.Context, receiver *azservicebus.Receiver, event string) (*azservicebus.ReceivedMessage, error) {
	for looked := 0; looked < 10*reach; {
		messages, err := receiver.PeekMessages(ctx, 250, nil)
		if err != nil {
			return nil, fmt.Errorf("peeking: %w", err)
		}
		if len(messages) == 0 {
			return nil, nil
		}
		for _, m := range messages {
			if m.ApplicationProperties["cloudEvents:id"] == event {
				return m, nil
			}
		}
		looked += len(messages)
	}
	return nil, nil
}
