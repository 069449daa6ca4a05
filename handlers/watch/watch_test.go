package watch

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"crosswalk/shared/telemetry"
)

// counts are dead letters by subscription; a negative one is a subscription that can't be looked at.
type counts map[string]int

func (c counts) Count(_ context.Context, subscription string, limit int) (int, error) {
	if c[subscription] < 0 {
		return 0, errors.New("away")
	}
	return min(c[subscription], limit), nil
}

func TestEachSubscriptionWithDeadLettersRaisesAnAlert(t *testing.T) {
	var alerts []telemetry.Record
	h := &Handler{
		Function: "watch-forwarding", Subscriptions: []string{"away", "clean", "some", "many"}, Now: time.Now,
		Counter: counts{"away": -1, "clean": 0, "some": 3, "many": 5000},
		Log:     func(r telemetry.Record) { alerts = append(alerts, r) },
	}
	err := h.Handle(t.Context())
	if err == nil || !strings.Contains(err.Error(), "subscription away") {
		t.Errorf("error %v does not name the subscription that can't be looked at", err)
	}
	wants := []struct{ reason, detail string }{
		{ReasonNotWatched, "the dead-letter queue of subscription away could not be looked at"},
		{ReasonNotForwarded, "3 messages could not be forwarded to queue some"},
		{ReasonNotForwarded, "1000 or more messages could not be forwarded to queue many"},
	}
	if len(alerts) != len(wants) {
		t.Fatalf("%d alerts, want %d: %+v", len(alerts), len(wants), alerts)
	}
	for i, want := range wants {
		if a := alerts[i]; a.Outcome != telemetry.Alert || a.Reason != want.reason || !strings.HasPrefix(a.Detail, want.detail) {
			t.Errorf("alert %+v, want %+v", a, want)
		}
	}
}

// ages are how long the oldest message has waited by queue; a negative one is a queue that can't be looked at.
type ages struct {
	now    time.Time
	waited map[string]time.Duration
}

func (a ages) Oldest(_ context.Context, queue string, _ int) (time.Time, error) {
	switch waited := a.waited[queue]; {
	case waited < 0:
		return time.Time{}, errors.New("away")
	case waited == 0:
		return time.Time{}, nil
	default:
		return a.now.Add(-waited), nil
	}
}

func TestEachQueueWhoseOldestMessageWaitsTooLongRaisesAnAlert(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	var alerts []telemetry.Record
	h := &Handler{
		Function: "watch-forwarding", Queues: []string{"away", "empty", "busy", "stuck"}, Now: func() time.Time { return now },
		Waiting: ages{now, map[string]time.Duration{"away": -1, "busy": Patience, "stuck": 95 * time.Minute}},
		Log:     func(r telemetry.Record) { alerts = append(alerts, r) },
	}
	if err := h.Handle(t.Context()); err == nil || !strings.Contains(err.Error(), "queue away") {
		t.Errorf("error %v does not name the queue that can't be looked at", err)
	}
	if len(alerts) != 2 || alerts[0].Reason != ReasonNotWatched || alerts[1].Reason != ReasonWaitingTooLong ||
		alerts[1].Outcome != telemetry.Alert || !strings.HasPrefix(alerts[1].Detail, "the oldest message of queue stuck has waited 1h35m0s") {
		t.Errorf("alerts %+v", alerts)
	}
}
