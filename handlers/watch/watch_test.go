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
