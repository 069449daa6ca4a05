package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"crosswalk/local/feed"
	"crosswalk/local/systems/rows"
	"crosswalk/local/systems/traffic"
	"crosswalk/shared/telemetry"
)

// crashFaults go with the moments that need one, for each system's next write.
var crashFaults = map[feed.Moment]traffic.Fault{
	feed.WriteLost:      {Match: traffic.Writes, Times: 1, Cut: true},
	feed.WriteThrottled: {Match: traffic.Writes, Times: 1, Answer: traffic.JSON(http.StatusTooManyRequests, time.Second, chaosBusy)},
}

// crashSettings have shorter claims than the feed's, because every crash costs a claim's time.
func crashSettings() map[string]string {
	settings := chaosSettings()
	settings["CLIENT_TIMEOUT"], settings["LINK_MARGIN"], settings["LINK_CLAIM"] = "1s", "2s", "3500ms"
	return settings
}

// TestCrashAtEachStep kills the handler at each step around the write of a record, first of its create, then of an update,
// and holds that the record is there once and right, and was written at most twice.
func TestCrashAtEachStep(t *testing.T) {
	settings := crashSettings()
	f := startFeed(t, settings)
	in := ingress(t, f)
	h := feed.NewHold(f.Stack)
	through, err := h.Storage(f.Stack.Storage)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	settings["STORAGE_CONNECTION_STRING"] = through // the hosts to come take it
	moments := feed.Moments()
	for n, moment := range moments {
		t.Run(string(moment), func(t *testing.T) {
			restart(t, f) // a host bears two kills
			invoice := &feed.Subject{Number: fmt.Sprintf("CRASH-%d", n)}
			account := &feed.Subject{Number: invoice.Number, ID: fmt.Sprintf("c4a05000-0000-4000-8000-%012d", 1000+n)}
			for version := 1; version <= 2; version++ {
				invoice.Version, account.Version = version, version
				h.Arm(moment)
				if fault, ok := crashFaults[moment]; ok {
					f.Stack.Systems.Dataverse().Inject(fault)
					f.Stack.Systems.FnO().Inject(fault)
				}
				for _, m := range []feed.Message{invoice.Posted(10*n + version), changed(t, f, account, 10*n+version)} {
					f.Ledger.Expect(m.Pair)
					send(t, in.SendAt, m, time.Now())
				}
				killHeld(t, f, h)
				quiet(t, f)
				dataverse, fno := f.Stack.Systems.Dataverse(), f.Stack.Systems.FnO()
				checkWrites(t, invoice, dataverse.History("invoice", invoice.Number, "usmf"), feed.InvoiceVersion)
				checkWrites(t, account, fno.History("CustomersV3", "usmf", account.Number), feed.CustomerVersion)
			}
		})
	}
	if n := len(f.Stack.Systems.Dataverse().Rows("invoice")); n != len(moments) {
		t.Errorf("%d invoices in Dataverse, wanted %d", n, len(moments))
	}
	noDeadLetters(t, f)
}

// killHeld waits until both flows are held, kills the handler and lets go.
func killHeld(t *testing.T, f *feed.Feed, h *feed.Hold) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	defer h.Release()
	select {
	case <-h.Reached():
	case <-ctx.Done():
		t.Fatal("the flows never got there")
	}
	if err := f.Stack.Host().KillHandler(); err != nil {
		t.Fatal(err)
	}
}

// checkWrites holds that a record's history is its versions in order, each written once or twice.
func checkWrites(t *testing.T, s *feed.Subject, history []rows.Row, versionOf func([]byte) (int, error)) {
	t.Helper()
	writes := make([]int, s.Version+1)
	last := 0
	for _, row := range history {
		version, err := versionOf(row.JSON)
		if err != nil || version < last || version > s.Version {
			t.Errorf("%s: version %d after %d: %v", s.Number, version, last, err)
			return
		}
		writes[version]++
		last = version
	}
	for version, n := range writes[1:] {
		if n < 1 || n > 2 {
			t.Errorf("%s: version %d was written %d times, wanted one and at most one repeat", s.Number, version+1, n)
		}
	}
}

// TestALateWriteNeverWins lets a write take effect when its caller has given up and a newer version is waiting: the newer
// one must not be written before, or the late one would stand over it.
func TestALateWriteNeverWins(t *testing.T) {
	f := startFeed(t, crashSettings())
	in := ingress(t, f)
	h := feed.NewHold(f.Stack)
	invoice := &feed.Subject{Number: "LATE-WRITE"}
	account := &feed.Subject{Number: invoice.Number, ID: "c4a05000-0000-4000-8000-000000002000"}
	next := func() (pairs []feed.Pair) {
		invoice.Version, account.Version = invoice.Version+1, account.Version+1
		for _, m := range []feed.Message{invoice.Posted(invoice.Version), changed(t, f, account, account.Version)} {
			f.Ledger.Expect(m.Pair)
			send(t, in.SendAt, m, time.Now())
			pairs = append(pairs, m.Pair)
		}
		return pairs
	}
	next()
	quiet(t, f)
	h.Arm(feed.WriteLate)
	awaitRetryOrEnd(t, f, next())
	awaitRetryOrEnd(t, f, next())
	h.Release()
	quiet(t, f)
	checkWrites(t, invoice, f.Stack.Systems.Dataverse().History("invoice", invoice.Number, "usmf"), feed.InvoiceVersion)
	checkWrites(t, account, f.Stack.Systems.FnO().History("CustomersV3", "usmf", account.Number), feed.CustomerVersion)
}

// awaitRetryOrEnd waits until each pair has ended or waits for its next attempt.
func awaitRetryOrEnd(t *testing.T, f *feed.Feed, pairs []feed.Pair) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, p := range pairs {
		for {
			changed := f.Ledger.Changed()
			if f.Ledger.Saw(p, telemetry.Retry) || f.Ledger.End(p).Outcome != "" {
				break
			}
			select {
			case <-changed:
			case <-ctx.Done():
				t.Fatalf("%v never got there", p)
			}
		}
	}
}
