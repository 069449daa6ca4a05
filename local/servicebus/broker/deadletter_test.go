package broker_test

import (
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
)

func TestDeadLetter(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{LockDuration: time.Minute, DefaultTTL: time.Hour, DeadLetterOnExpiry: true, MaxDeliveryCount: 2})
	w.must(w.Send("q", &broker.Message{MessageID: "a", Properties: map[string]any{"k": "v"}}))
	w.must(w.Settle("q", w.one("q").LockToken, broker.Disposition{
		Kind: broker.DeadLetter, Reason: "blank-required", Description: "field name", Properties: map[string]any{"extra": 1},
	}))
	w.wantCounts("q", broker.Counts{DeadLetter: 1})
	w.wantCounts("q"+dlq, broker.Counts{Active: 1})
	w.pass(48 * time.Hour) // nothing expires here
	for range 3 {          // deliveries aren't counted, so this goes on for ever
		d := w.one("Q/$deadletterqueue")
		w.wantReason(d, "blank-required", "field name")
		if d.Properties["k"] != "v" || d.Properties["extra"] != 1 || d.DeliveryCount != 0 || d.SequenceNumber != 1 || !d.EnqueuedTime.Equal(epoch) {
			t.Errorf("dead letter %+v", d)
		}
		w.wants(w.Settle("q", d.LockToken, broker.Disposition{}), broker.ErrLockLost)
		w.settle("q"+dlq, d, broker.Abandon)
	}
	w.one("q" + dlq)
	w.pass(time.Minute) // a lock in the sub-queue expires all the same
	d := w.one("q" + dlq)
	if d.DeliveryCount != 0 {
		t.Errorf("delivery count %d", d.DeliveryCount)
	}
	w.wants(w.Settle("q"+dlq, d.LockToken, broker.Disposition{Kind: broker.DeadLetter}), broker.ErrNotAllowed)
	_, err := w.RenewLock("q"+dlq, d.LockToken) // the refusal left it locked
	w.must(err)
	w.settle("q"+dlq, d, broker.Defer)
	ms, err := w.ReceiveDeferred("q"+dlq, []int64{1}, broker.PeekLock)
	w.must(err)
	w.settle("q"+dlq, ms[0], broker.Complete)
	w.wantCounts("q", broker.Counts{})
	w.wants(w.Send("q"+dlq, &broker.Message{}), broker.ErrNotAllowed)
}

func TestDeadLetterWithoutReason(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	w.send("q", "a")
	w.settle("q", w.one("q"), broker.DeadLetter)
	if p := w.one("q" + dlq).Properties; len(p) != 0 {
		t.Errorf("properties %v", p)
	}
}

// TestDeadLetterOrder holds that a dead-letter queue gives out by sequence number, whatever order it was filled in.
func TestDeadLetterOrder(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	for range 200 {
		w.must(w.Send("q", &broker.Message{}))
	}
	ms := w.receive("q", 200)
	for i := len(ms) - 1; i >= 0; i-- {
		w.settle("q", ms[i], broker.DeadLetter)
	}
	for i, d := range w.receive("q"+dlq, 200) {
		if d.SequenceNumber != int64(i+1) {
			t.Fatalf("place %d has number %d", i, d.SequenceNumber)
		}
	}
}

func TestExpiry(t *testing.T) {
	for _, c := range []struct {
		name            string
		entity, message time.Duration
		onExpiry        bool
		life            time.Duration // zero for ever
	}{
		{"for ever", 0, 0, true, 0},
		{"message's own", 0, time.Minute, true, time.Minute},
		{"entity's", time.Minute, 0, true, time.Minute},
		{"entity's caps", time.Minute, time.Hour, true, time.Minute},
		{"message's is shorter", time.Hour, time.Minute, true, time.Minute},
		{"without dead-lettering", time.Minute, 0, false, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.queue("q", broker.QueueProperties{DefaultTTL: c.entity, DeadLetterOnExpiry: c.onExpiry})
			w.must(w.Send("q", &broker.Message{MessageID: "a", TTL: c.message}))
			if c.life == 0 {
				w.pass(1000 * time.Hour)
				w.wantCounts("q", broker.Counts{Active: 1})
				return
			}
			w.pass(c.life - 1)
			m := w.peek("q")[0]
			if m.TTL != c.life || !m.ExpiresAt.Equal(epoch.Add(c.life)) {
				t.Errorf("time to live %v, expires %v", m.TTL, m.ExpiresAt)
			}
			w.pass(1)
			w.wantIDs(w.receive("q", 1), "")
			if !c.onExpiry {
				w.wantCounts("q", broker.Counts{})
				return
			}
			w.wantCounts("q", broker.Counts{DeadLetter: 1})
			d := w.one("q" + dlq)
			w.wantReason(d, "TTLExpiredException", "The message expired and was dead lettered.")
		})
	}
}

// TestExpiryUnderLock holds that a message that is being worked on may be completed after its end; when it comes back
// it's too late.
func TestExpiryUnderLock(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{LockDuration: time.Minute, DeadLetterOnExpiry: true})
	w.must(w.Send("q", &broker.Message{MessageID: "a", TTL: time.Second}, &broker.Message{MessageID: "b", TTL: time.Second}))
	ms := w.receive("q", 2)
	w.pass(30 * time.Second)
	w.wantCounts("q", broker.Counts{Locked: 2})
	w.settle("q", ms[0], broker.Complete)
	w.settle("q", ms[1], broker.Abandon)
	w.wantIDs(w.receive("q", 1), "")
	d := w.peek("q" + dlq)
	w.wantIDs(d, "b")
	w.wantReason(d[0], broker.ReasonExpired, "expired")
}

func TestExpiryWhilePaused(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	w.must(w.Send("q", &broker.Message{TTL: broker.FirstPause / 2}))
	w.settle("q", w.one("q"), broker.Release)
	w.settle("q", w.one("q"), broker.Release)
	w.pass(broker.FirstPause / 2)
	w.wantCounts("q", broker.Counts{})
}

func TestForwardDeadLettered(t *testing.T) {
	w := newWorld(t)
	w.queue("dead", broker.QueueProperties{})
	w.queue("q", broker.QueueProperties{ForwardDeadLetteredTo: "dead"})
	w.send("q", "a")
	bury := func() {
		t.Helper()
		w.must(w.Settle("q", w.one("q").LockToken, broker.Disposition{Kind: broker.DeadLetter, Reason: "r", Description: "d"}))
	}
	w.settle("q", w.one("q"), broker.Abandon)
	bury()
	w.wantCounts("q", broker.Counts{})
	m := w.one("dead")
	w.wantReason(m, "r", "d")
	if m.DeadLetterSource != "q" || m.EnqueuedSequenceNumber != 1 || m.DeliveryCount != 0 {
		t.Errorf("forwarded %+v", m)
	}
	w.must(w.Delete("dead"))
	w.send("q", "b")
	bury()
	d := w.one("q" + dlq) // what can't be forwarded stays
	w.wantReason(d, "r", "d")
	if d.DeadLetterSource != "" {
		t.Errorf("source %q of what stayed", d.DeadLetterSource)
	}
}
