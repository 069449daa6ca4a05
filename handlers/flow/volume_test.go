package flow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/handlers/flow"
	"crosswalk/shared/settle"
	"crosswalk/shared/telemetry"
)

// What is written counts, by the hour, and the record behind the last that the flow is made for is told of once.
func TestVolumeTellsOfALoadOnceAnHour(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	var alerts []string
	v := &flow.Volume{Function: "orders", To: "fno", BulkAbove: 3, Now: func() time.Time { return now }, Log: func(r telemetry.Record) {
		alerts = append(alerts, strings.Join([]string{r.Function, r.Event, r.Outcome, r.Reason}, " "))
		if !strings.Contains(r.Detail, "more than 3 records") || !strings.Contains(r.Detail, "data package (DMF)") {
			t.Errorf("the alert says: %s", r.Detail)
		}
	}}
	outcome, failure := settle.Delivered("created"), error(nil)
	handle := v.Counted(func(context.Context, event.Event) (settle.Outcome, error) { return outcome, failure })
	n := 0
	write := func(times int) {
		for range times {
			n++
			got, err := handle(context.Background(), occurrence("fno.Posted", "", n, `{}`))
			if got != outcome || !errors.Is(err, failure) {
				t.Fatalf("the handler's own answer became %v, %v", got, err)
			}
		}
	}
	write(3)
	outcome = settle.NothingToDo("unchanged")
	write(5)
	outcome, failure = settle.Outcome{}, errors.New("the target is down")
	write(5)
	outcome, failure = settle.Delivered("updated"), nil
	if len(alerts) > 0 {
		t.Errorf("three records were written, and yet: %v", alerts)
	}
	now = now.Add(59 * time.Minute)
	write(4) // the fourth record of the hour is event 14
	now = now.Add(time.Minute)
	write(3)
	now = now.Add(time.Hour)
	write(4) // event 24 is the fourth of the third hour
	want := []string{}
	for _, n := range []int{14, 24} {
		want = append(want, fmt.Sprintf("orders event-%d alert volume-exceeded", 1000-n))
	}
	if !slices.Equal(alerts, want) {
		t.Errorf("alerts %q, want %q", alerts, want)
	}
}
