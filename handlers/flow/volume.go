package flow

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/shared/schema"
	"crosswalk/shared/settle"
	"crosswalk/shared/telemetry"
)

// ReasonVolume is the reason code of the alert of a flow that wrote more records in an hour than its contract's volume says.
const ReasonVolume = "volume-exceeded"

// Volume counts what one flow writes, and tells of an hour in which it was more than the contract says that the flow is made
// for. It never holds a record up: the target's own limits do that, and what they refuse is tried again.
//
// An hour begins with the first write after the last one's end, and has at most one alert. Each process counts what it writes
// itself, so with several instances of the handler the alert comes later than at the contract's number.
type Volume struct {
	Function  string
	To        string // the system that the flow writes to
	BulkAbove int    // records an hour; 0 counts nothing
	Log       telemetry.Log
	Now       func() time.Time

	mu    sync.Mutex
	begin time.Time
	count int
}

// Counted returns handle with its deliveries counted.
func (v *Volume) Counted(handle func(context.Context, event.Event) (settle.Outcome, error)) func(context.Context, event.Event) (settle.Outcome, error) {
	if v.BulkAbove == 0 {
		return handle
	}
	return func(ctx context.Context, e event.Event) (settle.Outcome, error) {
		outcome, err := handle(ctx, e)
		if err == nil && outcome.Delivered && v.passed() {
			v.Log(telemetry.Record{Function: v.Function, Event: e.ID(), Type: e.Type(), Outcome: telemetry.Alert, Reason: ReasonVolume, Detail: v.advice()})
		}
		return outcome, err
	}
}

// passed counts one record, and reports whether it is the first above the number in its hour.
func (v *Volume) passed() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := v.Now(); v.begin.IsZero() || now.Sub(v.begin) >= time.Hour {
		v.begin, v.count = now, 0
	}
	v.count++
	return v.count == v.BulkAbove+1
}

func (v *Volume) advice() string {
	load := "a bulk import into Dataverse"
	if v.To == schema.FnO {
		load = "a data package (DMF) into F&O"
	}
	return fmt.Sprintf("more than %d records were written within an hour; they go on one by one. If somebody loads data in the source, switch its events off for the load and bring it over with %s; "+
		"if it is everyday work, raise bulkAbove in the contract", v.BulkAbove, load)
}
