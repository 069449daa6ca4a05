package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
)

// sessionQueue is a world with a queue "s" that has sessions.
func sessionQueue(t *testing.T, p broker.QueueProperties) *world {
	t.Helper()
	w := newWorld(t)
	p.RequiresSession = true
	w.queue("s", p)
	return w
}

// sendTo sends messages of a session.
func (w *world) sendTo(session string, ids ...string) {
	w.Helper()
	for _, id := range ids {
		w.must(w.Send("s", &broker.Message{MessageID: id, SessionID: session, BlankSession: session == ""}))
	}
}

func (w *world) accept(session string) [16]byte {
	w.Helper()
	lock, err := w.AcceptSession("s", session)
	w.must(err)
	return lock.Token
}

func (w *world) from(lock [16]byte, n int) []*broker.Message {
	w.Helper()
	ms, err := w.ReceiveFromSession("s", lock, n, broker.PeekLock)
	w.must(err)
	return ms
}

func TestSessionErrors(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{})
	w.queue("q", broker.QueueProperties{})
	w.topic("t", broker.TopicProperties{})
	lock := w.accept("a")
	_, err := w.AcceptSession("s", "a")
	w.wants(err, broker.ErrSessionLocked)
	_, err = w.AcceptSession("s", strings.Repeat("x", 129))
	w.wants(err, broker.ErrInvalid)
	for address, want := range map[string]error{
		"x": broker.ErrNotFound, "q": broker.ErrSessionless, "s" + dlq: broker.ErrSessionless, "t": broker.ErrNotAllowed,
	} {
		_, err := w.AcceptSession(address, "a")
		w.wants(err, want)
		_, _, err = w.AcceptNextSession(address)
		w.wants(err, want)
		_, err = w.Sessions(address, time.Time{}, 0, 1)
		w.wants(err, want)
	}
	_, err = w.ReceiveDeferred("s", []int64{1}, broker.PeekLock)
	w.wants(err, broker.ErrSessionRequired)
	_, err = w.ReceiveFromSession("s", [16]byte{1}, 1, broker.PeekLock)
	w.wants(err, broker.ErrSessionLockLost)
	_, err = w.SessionState("s", [16]byte{})
	w.wants(err, broker.ErrSessionLockLost)
	w.wants(w.SetSessionState("s", lock, make([]byte, broker.DefaultMaxMessageSize+1)), broker.ErrTooLarge)
	w.wants(w.CreateQueue("f", broker.QueueProperties{RequiresSession: true, ForwardTo: "q"}), broker.ErrInvalid)
	w.must(w.SetStatus("s", broker.ReceiveDisabled))
	_, err = w.AcceptSession("s", "b")
	w.wants(err, broker.ErrDisabled)
	_, err = w.ReceiveFromSession("s", lock, 1, broker.PeekLock)
	w.wants(err, broker.ErrDisabled)
	w.must(w.SetStatus("s", broker.Enabled))

	w.sendTo("a", "1")
	m := w.from(lock, 1)[0]
	_, err = w.RenewLock("s", m.LockToken)
	w.wants(err, broker.ErrNotAllowed)
}

func TestNextSessionIsTheOldest(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{})
	w.accept("held")
	w.sendTo("held", "0")
	w.sendTo("b", "1")
	w.sendTo("a", "2")
	w.sendTo("b", "3")
	w.must(w.Send("s", &broker.Message{SessionID: "later", ScheduledEnqueueTime: w.now.Add(time.Hour)}))
	var got []string
	for {
		lock, ok, err := w.AcceptNextSession("s")
		w.must(err)
		if !ok {
			break
		}
		got = append(got, lock.SessionID)
	}
	if !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("sessions %q", got)
	}
}

func TestExpiryOfSessionLock(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{MaxDeliveryCount: 2})
	w.sendTo("a", "1", "2", "3")
	lock := w.accept("a")
	w.wantIDs(w.from(lock, 2), "1 2")
	woken := 0
	cancel, err := w.Watch("s", func() { woken++ })
	w.must(err)
	defer cancel()
	w.pass(time.Minute)
	if next, ok := w.Advance(); ok || woken == 0 {
		t.Errorf("next %v %v, woken %d times", next, ok, woken)
	}
	w.wants(w.SessionLocked("s", lock), broker.ErrSessionLockLost)
	lock = w.accept("a")
	again := w.from(lock, 3)
	w.wantIDs(again, "1 2 3")
	if again[0].DeliveryCount != 1 || again[2].DeliveryCount != 0 {
		t.Errorf("counts %d and %d", again[0].DeliveryCount, again[2].DeliveryCount)
	}
	w.pass(time.Minute)
	w.wantCounts("s", broker.Counts{Active: 1, DeadLetter: 2})
	w.wantReason(w.one("s"+dlq), broker.ReasonMaxDeliveryCount, "2 delivery attempts")
}

func TestReleasedSession(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{MaxDeliveryCount: 1})
	w.sendTo("a", "1", "2")
	lock := w.accept("a")
	ms := w.from(lock, 2)
	w.settle("s", ms[1], broker.Defer)
	_, err := w.ReceiveDeferredFromSession("s", lock, sequences(ms[1:]), broker.PeekLock)
	w.must(err)
	w.must(w.ReleaseSession("s", lock))
	w.wantCounts("s", broker.Counts{Active: 1, Deferred: 1})
	w.wants(w.ReleaseSession("s", lock), broker.ErrSessionLockLost)
	lock = w.accept("a")
	if again := w.from(lock, 2); ids(again) != "1" || again[0].DeliveryCount != 0 {
		t.Errorf("%q came back", ids(again))
	}
}

func TestRestingMessageHoldsItsSessionUp(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{})
	w.sendTo("a", "1", "2")
	lock := w.accept("a")
	for range 2 {
		w.settle("s", w.from(lock, 1)[0], broker.Release)
	}
	w.wantIDs(w.from(lock, 2), "")
	w.pass(broker.FirstPause)
	w.wantIDs(w.from(lock, 2), "1 2")
}

func TestSessionState(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{})
	lock := w.accept("a")
	given := []byte("state")
	w.must(w.SetSessionState("s", lock, given))
	given[0] = 'X'
	w.must(w.ReleaseSession("s", lock))
	lock = w.accept("a")
	got, err := w.SessionState("s", lock)
	w.must(err)
	if string(got) != "state" {
		t.Errorf("state %q", got)
	}
	for _, none := range [][]byte{nil, {}} {
		w.must(w.SetSessionState("s", lock, none))
		if got, err := w.SessionState("s", lock); got != nil || err != nil {
			t.Errorf("state %q, %v", got, err)
		}
	}
}

func TestSessionsArePaged(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{})
	for i := range 5 {
		w.sendTo(fmt.Sprint("s", i), "m")
	}
	lock := w.accept("state")
	w.must(w.SetSessionState("s", lock, []byte("x")))
	w.accept("held only")
	w.must(w.Send("s", &broker.Message{SessionID: "scheduled", ScheduledEnqueueTime: w.now.Add(time.Hour)}))
	for _, c := range []struct {
		after     time.Time
		skip, top int
		want      string
	}{
		{time.Time{}, 0, 10, "s0 s1 s2 s3 s4 state"}, {time.Time{}, 4, 1, "s4"}, {time.Time{}, 6, 1, ""}, {time.Time{}, -1, -1, ""},
		{w.now.Add(-1), 0, 10, "state"}, {w.now, 0, 10, ""},
	} {
		got, err := w.Sessions("s", c.after, c.skip, c.top)
		w.must(err)
		if strings.Join(got, " ") != c.want {
			t.Errorf("after %v, %d from %d: %q, want %q", c.after, c.top, c.skip, got, c.want)
		}
	}
}

func TestPeekOfOneSession(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{})
	w.sendTo("a", "1")
	w.sendTo("b", "2")
	w.sendTo("a", "3")
	w.sendTo("", "4")
	for session, want := range map[string]string{"a": "1 3", "b": "2", "": "4", "c": ""} {
		ms, err := w.PeekSession("s", session, 0, 10)
		w.must(err)
		w.wantIDs(ms, want)
	}
	w.wantIDs(w.peek("s"), "1 2 3 4")
}

func TestSessionOfAForward(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{})
	w.queue("from", broker.QueueProperties{ForwardTo: "s"})
	w.must(w.Send("from", &broker.Message{MessageID: "1", SessionID: "a"}, &broker.Message{MessageID: "2"}))
	w.wantCounts("s", broker.Counts{Active: 1, DeadLetter: 1})
	m := w.one("s" + dlq)
	w.wantReason(m, broker.ReasonNoSession, "session id")
	w.wantIDs(w.from(w.accept("a"), 2), "1")
}

func TestMessagesOfASessionExpire(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{DefaultTTL: time.Second, DeadLetterOnExpiry: true})
	w.sendTo("a", "1")
	w.pass(time.Second)
	w.wantCounts("s", broker.Counts{DeadLetter: 1})
	if _, ok, _ := w.AcceptNextSession("s"); ok {
		t.Error("there's a session to receive from")
	}
}

func TestDeletedWhileASessionIsHeld(t *testing.T) {
	w := sessionQueue(t, broker.QueueProperties{})
	w.sendTo("a", "1")
	lock := w.accept("a")
	w.from(lock, 1)
	w.must(w.Delete("s"))
	if _, ok := w.Advance(); ok {
		t.Error("something is due for a queue that's gone")
	}
	w.wants(w.SessionLocked("s", lock), broker.ErrNotFound)
	w.queue("s", broker.QueueProperties{RequiresSession: true})
	w.wants(w.SessionLocked("s", lock), broker.ErrSessionLockLost)
}
