// Package watch looks where no metric does: what a subscription could not forward to its work queue lies in the
// subscription's own dead-letter queue, and the queue that support staff watch shows nothing of it.
//
// In: a schedule. Out: one alert in the log for each subscription that holds such messages, every time it looks.
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

// The reason codes of an alert.
const (
	ReasonNotForwarded = "not-forwarded"
	ReasonNotWatched   = "not-watched"
)

// limit bounds how far one look counts. More than that is alarming enough.
const limit = 1000

// Handler looks at the dead-letter queues of subscriptions.
type Handler struct {
	Function      string
	Subscriptions []string
	Counter       Counter
	Log           telemetry.Log
	Now           func() time.Time
}

// Handle looks once. A subscription that can't be looked at doesn't keep the others from being so; the error joins what
// went wrong.
func (h *Handler) Handle(ctx context.Context) error {
	var errs []error
	for _, name := range h.Subscriptions {
		start := h.Now()
		n, err := h.Counter.Count(ctx, name, limit)
		if err != nil {
			h.Log(telemetry.Record{
				Function: h.Function, Outcome: telemetry.Alert, Reason: ReasonNotWatched, Cause: fmt.Sprintf("%T", err), Took: h.Now().Sub(start),
				Detail: "the dead-letter queue of subscription " + name + " could not be looked at: is the subscription there, and has Crosswalk the Listen right?",
			})
			errs = append(errs, fmt.Errorf("subscription %s: %w", name, err))
			continue
		}
		if n == 0 {
			continue
		}
		count := fmt.Sprint(n)
		if n >= limit {
			count += " or more"
		}
		h.Log(telemetry.Record{
			Function: h.Function, Outcome: telemetry.Alert, Reason: ReasonNotForwarded, Took: h.Now().Sub(start),
			Detail: count + " messages could not be forwarded to queue " + name + " and lie in the dead-letter queue of the subscription of that name; " +
				"mend the queue (is it there, enabled, and not full?) and send them to it",
		})
	}
	return errors.Join(errs...)
}
