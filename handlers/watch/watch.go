// Package watch looks where no metric does. What a subscription could not forward to its work queue lies in the
// subscription's own dead-letter queue, and the queue that support staff watch shows nothing of it. And no metric tells how
// long the oldest message of a queue has waited.
//
// In: a schedule. Out: one alert in the log for each subscription that holds such messages and for each queue whose oldest
// message has waited too long, every time it looks.
package watch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"crosswalk/shared/telemetry"
)

// Counter counts dead letters.
type Counter interface {
	// Count returns how many messages lie in a subscription's dead-letter queue, at most limit.
	Count(ctx context.Context, subscription string, limit int) (int, error)
}

// Waiting knows what waits in queues.
type Waiting interface {
	// Oldest returns when the message that has waited longest came, the zero time where none waits. It looks at no more
	// than limit messages.
	Oldest(ctx context.Context, queue string, limit int) (time.Time, error)
}

// The reason codes of an alert.
const (
	ReasonNotForwarded   = "not-forwarded"
	ReasonNotWatched     = "not-watched"
	ReasonWaitingTooLong = "waiting-too-long"
)

// limit bounds how far one look goes. More than that is alarming enough.
const limit = 1000

// Patience is how long a message may wait for its function. The longest invocation takes ten minutes.
const Patience = 30 * time.Minute

// Handler looks at the dead-letter queues of subscriptions and at the age of what waits in queues.
type Handler struct {
	Function      string
	Subscriptions []string
	Queues        []string
	Counter       Counter
	Waiting       Waiting
	Log           telemetry.Log
	Now           func() time.Time
}

// Handle looks once. What can't be looked at doesn't keep the rest from being so; the error joins what went wrong.
func (h *Handler) Handle(ctx context.Context) error {
	var errs []error
	for _, name := range h.Subscriptions {
		errs = append(errs, h.subscription(ctx, name))
	}
	for _, name := range h.Queues {
		errs = append(errs, h.queue(ctx, name))
	}
	return errors.Join(errs...)
}

func (h *Handler) subscription(ctx context.Context, name string) error {
	start := h.Now()
	n, err := h.Counter.Count(ctx, name, limit)
	switch {
	case err != nil:
		h.alert(start, ReasonNotWatched, err, "the dead-letter queue of subscription "+name+" could not be looked at: is the subscription there, and has Crosswalk the Listen right?")
		return fmt.Errorf("subscription %s: %w", name, err)
	case n > 0:
		count := fmt.Sprint(n)
		if n >= limit {
			count += " or more"
		}
		h.alert(start, ReasonNotForwarded, nil, count+" messages could not be forwarded to queue "+name+" and lie in the dead-letter queue of the subscription of that name; "+
			"mend the queue (is it there, enabled, and not full?) and send them to it")
	}
	return nil
}

func (h *Handler) queue(ctx context.Context, name string) error {
	start := h.Now()
	oldest, err := h.Waiting.Oldest(ctx, name, limit)
	switch {
	case err != nil:
		h.alert(start, ReasonNotWatched, err, "queue "+name+" could not be looked at: is it there, and has Crosswalk the Listen right?")
		return fmt.Errorf("queue %s: %w", name, err)
	case !oldest.IsZero() && start.Sub(oldest) > Patience:
		h.alert(start, ReasonWaitingTooLong, nil, fmt.Sprintf("the oldest message of queue %s has waited %v for its function; does the function run, and does it keep up?",
			name, start.Sub(oldest).Round(time.Minute)))
	}
	return nil
}

func (h *Handler) alert(start time.Time, reason string, err error, detail string) {
	r := telemetry.Record{Function: h.Function, Outcome: telemetry.Alert, Reason: reason, Detail: detail, Took: h.Now().Sub(start)}
	if err != nil {
		r.Cause = fmt.Sprintf("%T", err)
	}
	h.Log(r)
}
