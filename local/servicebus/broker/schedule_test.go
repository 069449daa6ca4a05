package broker_test

import (
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
)

func at(id string, when time.Time) *broker.Message {
	return &broker.Message{MessageID: id, ScheduledEnqueueTime: when}
}

func TestSchedule(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{DefaultTTL: time.Minute})
	numbers, err := w.Schedule("q", []*broker.Message{at("late", w.now.Add(2*time.Hour)), at("soon", w.now.Add(time.Hour)), at("past", w.now.Add(-time.Hour))})
	w.must(err)
	w.wantCounts("q", broker.Counts{Active: 1, Scheduled: 2})
	past := w.receive("q", 9)
	w.wantIDs(past, "past")
	w.settle("q", past[0], broker.Complete)
	m := w.peek("q")[0]
	if m.MessageID != "late" || m.SequenceNumber != numbers[0] || m.State != broker.Scheduled || !m.ScheduledEnqueueTime.Equal(epoch.Add(2*time.Hour)) {
		t.Errorf("peeked %+v", m)
	}
	w.now = epoch.Add(time.Hour - 1)
	w.wantIDs(w.receive("q", 9), "")
	w.pass(1)
	m = w.one("q")
	if m.MessageID != "soon" || m.SequenceNumber <= numbers[2] || !m.EnqueuedTime.Equal(w.now) || !m.ExpiresAt.Equal(w.now.Add(time.Minute)) {
		t.Errorf("received %+v", m)
	}
	w.wants(w.CancelScheduled("q", []int64{numbers[0], numbers[1]}), broker.ErrMessageNotFound) // one is active
	w.wantCounts("q", broker.Counts{Locked: 1, Scheduled: 1})
	w.wants(w.CancelScheduled("q", []int64{m.SequenceNumber}), broker.ErrMessageNotFound)
	w.must(w.CancelScheduled("q", []int64{numbers[0], numbers[0]}))
	w.wantCounts("q", broker.Counts{Locked: 1})
	w.wants(w.CancelScheduled("q", numbers[:1]), broker.ErrMessageNotFound)
	w.wants(w.CancelScheduled("gone", numbers), broker.ErrNotFound)
}

func TestScheduledOrder(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	for _, m := range []*broker.Message{at("3", w.now.Add(3)), at("1", w.now.Add(1)), at("2a", w.now.Add(2)), at("2b", w.now.Add(2))} {
		w.must(w.Send("q", m))
	}
	w.pass(3)
	w.wantIDs(w.receive("q", 9), "1 2a 2b 3")
}

func TestScheduleOnTopic(t *testing.T) {
	w := newWorld(t)
	w.topic("t", broker.TopicProperties{})
	w.subscription("t", "s", broker.SubscriptionProperties{})
	w.must(w.Send("t", at("a", w.now.Add(time.Hour))))
	w.wantCounts("t", broker.Counts{Scheduled: 1})
	w.wantIDs(w.peek("t"), "a")
	w.subscription("t", "later", broker.SubscriptionProperties{}) // rules count at activation
	w.pass(time.Hour)
	w.wantIDs(w.receive("t/subscriptions/s", 1), "a")
	w.wantIDs(w.receive("t/subscriptions/later", 1), "a")
	w.wantCounts("t", broker.Counts{})
}

func TestDuplicateDetection(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{DuplicateDetection: time.Minute})
	w.queue("other", broker.QueueProperties{DuplicateDetection: time.Minute})
	w.queue("off", broker.QueueProperties{})
	w.must(w.Send("q", &broker.Message{MessageID: "a"}, &broker.Message{MessageID: "b"}, &broker.Message{MessageID: "a"}))
	w.wantIDs(w.peek("q"), "a b")
	w.send("other", "a")
	w.send("off", "a", "a")
	w.wantCounts("other", broker.Counts{Active: 1})
	w.wantCounts("off", broker.Counts{Active: 2})
	w.must(w.Send("q", &broker.Message{}, &broker.Message{})) // the broker's own ids are no duplicates
	w.wantCounts("q", broker.Counts{Active: 4})
	for _, m := range w.receive("q", 9) {
		w.settle("q", m, broker.Complete) // what is gone is remembered all the same
	}
	w.pass(time.Minute - 1)
	w.send("q", "a")
	w.wantIDs(w.peek("q"), "")
	w.pass(1) // a duplicate doesn't make the window longer
	w.send("q", "a")
	w.wantIDs(w.peek("q"), "a")
	if n := w.Remembered("q"); n != 1 {
		t.Errorf("%d ids remembered", n)
	}
	w.pass(time.Minute)
	w.Advance()
	if n := w.Remembered("q"); n != 0 {
		t.Errorf("%d ids remembered after the window", n)
	}
}

func TestDuplicateOfScheduled(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{DuplicateDetection: time.Hour})
	first, err := w.Schedule("q", []*broker.Message{at("a", w.now.Add(time.Minute))})
	w.must(err)
	again, err := w.Schedule("q", []*broker.Message{at("a", w.now.Add(time.Hour))})
	w.must(err)
	if first[0] != again[0] {
		t.Errorf("numbers %d and %d", first, again)
	}
	w.send("q", "a")
	w.wantCounts("q", broker.Counts{Scheduled: 1})
	w.pass(time.Minute)
	w.wantIDs(w.receive("q", 9), "a") // its own activation is no duplicate
}
