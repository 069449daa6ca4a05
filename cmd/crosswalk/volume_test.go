package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"crosswalk/handlers/flow"
	"crosswalk/local/dist"
	"crosswalk/local/feed"
	"crosswalk/local/functionshost"
	"crosswalk/shared/telemetry"
)

// A flow that its contract makes for one record an hour tells of the second, once, in the handler's log; every record arrives all
// the same. A flow that says nothing about volume tells nothing.
func TestTheLogTellsOfMoreThanAContractsVolume(t *testing.T) {
	handler := filepath.Join(t.TempDir(), "dist")
	if err := dist.Stage(t.Context(), root(t), handler); err != nil {
		t.Fatal(err)
	}
	const loaded = "invoice-to-dataverse"
	contract := filepath.Join(handler, loaded, "contract.yaml")
	text, err := os.ReadFile(contract)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(contract, append(text, "\nvolume: {bulkAbove: 1}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	type line struct{ Function, Event, Outcome, Reason, Detail string }
	var mu sync.Mutex
	var alerts []line
	written := 0
	f := startFeedOf(t, handler, feed.Settings(), func(l functionshost.Line) {
		var o line
		if start := strings.IndexByte(l.Text, '{'); start < 0 || json.Unmarshal([]byte(l.Text[start:]), &o) != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case o.Reason == flow.ReasonVolume:
			alerts = append(alerts, o)
		case o.Function == loaded && o.Outcome == telemetry.Delivered:
			written++
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	invoices := 0
	for _, c := range feed.Cases() {
		if invoices < 3 && len(c.Wants) == 1 && c.Wants[0].Function == loaded && c.Wants[0].Outcome == telemetry.Delivered {
			invoices++
			for _, problem := range f.Start(ctx, c)() {
				t.Errorf("%s: %s", c.Name, problem)
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if invoices != 3 || written < 3 {
		t.Fatalf("%d invoices were sent, %d written", invoices, written)
	}
	if len(alerts) != 1 || alerts[0].Function != loaded || alerts[0].Outcome != telemetry.Alert || alerts[0].Event == "" || !strings.Contains(alerts[0].Detail, "more than 1 records were written within an hour") ||
		!strings.Contains(alerts[0].Detail, "a bulk import into Dataverse") {
		t.Errorf("the log's alerts: %+v", alerts)
	}
}
