package broker_test

import (
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
)

func TestSettle(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   broker.Kind
		counts broker.Counts
		// of the message when it's next received, -1 for never
		deliveryCount int
	}{
		{"complete", broker.Complete, broker.Counts{}, -1},
		{"abandon", broker.Abandon, broker.Counts{Active: 1}, 1},
		{"defer", broker.Defer, broker.Counts{Deferred: 1}, -1},
		{"dead-letter", broker.DeadLetter, broker.Counts{DeadLetter: 1}, -1},
		{"release", broker.Release, broker.Counts{Active: 1}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.queue("q", broker.QueueProperties{})
			w.send("q", "a")
			m := w.one("q")
			w.wantCounts("q", broker.Counts{Locked: 1})
			w.wants(w.Settle("q"+dlq, m.LockToken, broker.Disposition{Kind: c.kind}), broker.ErrLockLost) // another entity
			w.settle("q", m, c.kind)
			w.wantCounts("q", c.counts)
			w.wants(w.Settle("q", m.LockToken, broker.Disposition{Kind: c.kind}), broker.ErrLockLost) // used
			_, err := w.RenewLock("q", m.LockToken)
			w.wants(err, broker.ErrLockLost)
			again := w.receive("q", 1)
			if c.deliveryCount < 0 != (len(again) == 0) {
				t.Fatalf("received again: %d messages", len(again))
			}
			if len(again) == 1 && (int(again[0].DeliveryCount) != c.deliveryCount || again[0].LockToken == m.LockToken || again[0].SequenceNumber != m.SequenceNumber) {
				t.Errorf("received again: %+v", again[0])
			}
		})
	}
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	w.send("q", "a")
	w.wants(w.Settle("q", w.one("q").LockToken, broker.Disposition{Kind: 99}), broker.ErrInvalid)
	w.wants(w.Settle("q", [16]byte{}, broker.Disposition{}), broker.ErrLockLost)
	w.wants(w.Settle("gone", [16]byte{}, broker.Disposition{}), broker.ErrNotFound)
	w.wantCounts("q", broker.Counts{Locked: 1})
}

func TestLockExpires(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{LockDuration: 30 * time.Second})
	w.send("q", "a")
	m := w.one("q")
	w.pass(30*time.Second - 1)
	w.wantIDs(w.receive("q", 1), "")
	until, err := w.RenewLock("q", m.LockToken)
	w.must(err)
	if !until.Equal(w.now.Add(30 * time.Second)) {
		t.Errorf("renewed until %v", until)
	}
	w.pass(30*time.Second - 1)
	w.wantCounts("q", broker.Counts{Locked: 1})
	w.pass(1)
	// Nobody called Advance: the clock alone counts.
	w.wants(w.Settle("q", m.LockToken, broker.Disposition{}), broker.ErrLockLost)
	again := w.one("q")
	if again.DeliveryCount != 1 {
		t.Errorf("delivery count %d", again.DeliveryCount)
	}
	w.wants(w.Settle("q", m.LockToken, broker.Disposition{}), broker.ErrLockLost) // the old token, under the new lock
	w.settle("q", again, broker.Complete)
	w.wantCounts("q", broker.Counts{})
}

func TestMaxDeliveryCount(t *testing.T) {
	for _, how := range []string{"abandon", "expiry"} {
		t.Run(how, func(t *testing.T) {
			w := newWorld(t)
			w.queue("q", broker.QueueProperties{MaxDeliveryCount: 3})
			w.must(w.Send("q", &broker.Message{MessageID: "a", Properties: map[string]any{"k": "v"}}))
			for i := range 3 {
				m := w.one("q")
				if int(m.DeliveryCount) != i {
					t.Fatalf("delivery count %d, want %d", m.DeliveryCount, i)
				}
				if how == "abandon" {
					w.settle("q", m, broker.Abandon)
				} else {
					w.pass(broker.DefaultLockDuration)
				}
			}
			w.wantCounts("q", broker.Counts{DeadLetter: 1})
			d := w.one("q" + dlq)
			w.wantReason(d, "MaxDeliveryCountExceeded", "Message could not be consumed after 3 delivery attempts.")
			if d.DeliveryCount != 3 || d.Properties["k"] != "v" || d.SequenceNumber != 1 || d.State != broker.Active {
				t.Errorf("dead letter %+v", d)
			}
		})
	}
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	w.send("q", "a")
	for range broker.DefaultMaxDeliveryCount {
		w.settle("q", w.one("q"), broker.Abandon)
	}
	w.wantCounts("q", broker.Counts{DeadLetter: 1})
}

func TestPropertiesToModify(t *testing.T) {
	for _, kind := range []broker.Kind{broker.Abandon, broker.Defer, broker.DeadLetter} {
		w := newWorld(t)
		w.queue("q", broker.QueueProperties{})
		w.must(w.Send("q", &broker.Message{Properties: map[string]any{"old": 1, "kept": 2}}))
		m := w.one("q")
		w.must(w.Settle("q", m.LockToken, broker.Disposition{Kind: kind, Properties: map[string]any{"old": 3, "new": 4}}))
		address := "q"
		if kind == broker.DeadLetter {
			address += dlq
		}
		p := w.peek(address)[0].Properties
		if p["old"] != 3 || p["kept"] != 2 || p["new"] != 4 || len(p) != 3 {
			t.Errorf("kind %d: properties %v", kind, p)
		}
	}
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	w.send("q", "a")
	m := w.one("q")
	tooLarge := broker.Disposition{Kind: broker.DeadLetter, Reason: "r", Description: string(make([]byte, 40000))}
	w.wants(w.Settle("q", m.LockToken, tooLarge), broker.ErrTooLarge)
	w.wantCounts("q", broker.Counts{Locked: 1}) // still held
	if p := w.peek("q")[0].Properties; len(p) != 0 {
		t.Errorf("a refused settlement left %d properties", len(p))
	}
	w.settle("q", m, broker.Complete)
}

func TestReleasePauses(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{LockDuration: 5 * time.Minute})
	w.send("q", "a", "b")
	w.settle("q", w.one("q"), broker.Release) // the first time it's back at once
	pause := broker.FirstPause
	for range 12 {
		m := w.one("q")
		if m.MessageID != "a" || m.DeliveryCount != 0 {
			t.Fatalf("received %s, delivery count %d", m.MessageID, m.DeliveryCount)
		}
		w.settle("q", m, broker.Release)
		w.wantCounts("q", broker.Counts{Active: 2})
		w.pass(pause - 1)
		others := w.receive("q", 2) // others aren't held up
		w.wantIDs(others, "b")
		if next, ok := w.Advance(); !ok || !next.Equal(w.now.Add(1)) {
			t.Fatalf("next in %v, want in 1ns", next.Sub(w.now))
		}
		w.settle("q", others[0], broker.Complete)
		w.send("q", "b")
		w.pass(1)
		pause = min(2*pause, broker.MaxPause)
	}
	w.settle("q", w.one("q"), broker.Abandon) // any other end, and the pauses begin anew
	w.settle("q", w.one("q"), broker.Release)
	w.settle("q", w.one("q"), broker.Release)
	w.pass(broker.FirstPause)
	if m := w.one("q"); m.MessageID != "a" {
		t.Fatalf("received %s", m.MessageID)
	}
	w.pass(5 * time.Minute) // an expired lock is such an end too
	w.settle("q", w.one("q"), broker.Release)
	w.wantIDs(w.receive("q", 1), "a")
}

func TestDeferred(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{LockDuration: time.Minute, MaxDeliveryCount: 4, DefaultTTL: time.Hour})
	w.send("q", "a", "b")
	ms := w.receive("q", 2)
	w.settle("q", ms[0], broker.Defer)
	get := func(want int) *broker.Message {
		t.Helper()
		got, err := w.ReceiveDeferred("q", []int64{1, 2, 77, -1}, broker.PeekLock)
		w.must(err)
		if len(got) != want {
			t.Fatalf("%d messages, want %d", len(got), want)
		}
		if want == 0 {
			return nil
		}
		return got[0]
	}
	m := get(1)
	if m.MessageID != "a" || m.State != broker.Deferred || m.LockToken == [16]byte{} {
		t.Errorf("received %+v", m)
	}
	get(0) // under lock
	w.wantIDs(w.receive("q", 5), "")
	w.settle("q", m, broker.Abandon) // stays deferred, counts
	m = get(1)
	if m.DeliveryCount != 1 {
		t.Errorf("delivery count %d", m.DeliveryCount)
	}
	w.settle("q", m, broker.Release)
	m = get(1)
	if m.DeliveryCount != 1 {
		t.Errorf("delivery count %d after release", m.DeliveryCount)
	}
	w.settle("q", m, broker.Defer)
	get(1)
	w.pass(time.Minute) // stays deferred, counts
	w.settle("q", w.one("q"), broker.Complete)
	w.wantCounts("q", broker.Counts{Deferred: 1})
	w.pass(2 * time.Hour) // deferred messages don't expire
	m = get(1)
	if m.DeliveryCount != 2 {
		t.Errorf("delivery count %d", m.DeliveryCount)
	}
	w.settle("q", m, broker.Abandon)
	w.settle("q", get(1), broker.Abandon)
	w.wantCounts("q", broker.Counts{DeadLetter: 1})
	w.wantReason(w.peek("q" + dlq)[0], broker.ReasonMaxDeliveryCount, "4")

	w.send("q", "c")
	m = w.one("q")
	w.settle("q", m, broker.Defer)
	got, err := w.ReceiveDeferred("q", []int64{m.SequenceNumber}, broker.ReceiveAndDelete)
	w.must(err)
	w.wantIDs(got, "c")
	w.wantCounts("q", broker.Counts{DeadLetter: 1})
}
