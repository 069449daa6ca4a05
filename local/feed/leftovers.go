package feed

import (
	"context"
	"fmt"
	"time"

	"crosswalk/shared/topology"
)

// Leftovers waits until the broker holds nothing that is still to be worked on, and names what it holds when time runs
// out. The handler's lines say what it did; this says that the broker agrees.
func (f *Feed) Leftovers(ctx context.Context) []string {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		left := f.held()
		if len(left) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return left
		case <-tick.C:
		}
	}
}

func (f *Feed) held() []string {
	var out []string
	t := topology.Default()
	var queues []string
	for _, in := range t.Ingress {
		queues = append(queues, in.Queue)
	}
	for _, fn := range t.Functions {
		queues = append(queues, fn.Name)
	}
	for _, q := range queues {
		c, err := f.Stack.Broker.Broker().Counts(q)
		if err != nil {
			out = append(out, fmt.Sprintf("queue %s: %v", q, err))
			continue
		}
		if c.Active+c.Scheduled+c.Locked > 0 {
			out = append(out, fmt.Sprintf("queue %s still holds %d active, %d locked and %d scheduled messages", q, c.Active, c.Locked, c.Scheduled))
		}
	}
	for _, fn := range t.Functions {
		address := t.Topic.Name + "/Subscriptions/" + fn.Name
		c, err := f.Stack.Broker.Broker().Counts(address)
		if err != nil {
			out = append(out, fmt.Sprintf("subscription %s: %v", address, err))
			continue
		}
		if c.Active+c.DeadLetter+c.TransferDeadLetter > 0 {
			out = append(out, fmt.Sprintf("subscription %s did not forward %d messages", address, c.Active+c.DeadLetter+c.TransferDeadLetter))
		}
	}
	return out
}
