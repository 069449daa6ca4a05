package broker_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
)

func TestReceiveInOrder(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	w.send("q", "a", "b", "c", "d")
	first := w.receive("q", 2)
	w.wantIDs(first, "a b")
	w.wantIDs(w.receive("Q", 10), "c d")
	w.wantIDs(w.receive("q", 10), "")
	w.settle("q", first[1], broker.Abandon)
	w.send("q", "e")
	w.settle("q", first[0], broker.Abandon)
	w.wantIDs(w.receive("q", 10), "a b e")
}

func TestReceiveFillsIn(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{LockDuration: 30 * time.Second, DefaultTTL: time.Hour})
	sent := &broker.Message{Properties: map[string]any{"k": "v"}, Body: []byte("x"), Wire: 7, DeliveryCount: 9, SequenceNumber: 99, DeadLetterSource: "x"}
	w.must(w.Send("q", sent))
	sent.Properties["k"] = "changed by the sender"
	m := w.one("q")
	if len(m.MessageID) != 32 || m.MessageID == w.peek("q")[0].LockedUntil.String() {
		t.Errorf("message id %q", m.MessageID)
	}
	if m.Properties["k"] != "v" || string(m.Body) != "x" || m.Wire != 7 || m.DeliveryCount != 0 || m.DeadLetterSource != "" {
		t.Errorf("received %+v", m)
	}
	if m.SequenceNumber != 1 || m.EnqueuedSequenceNumber != 0 || !m.EnqueuedTime.Equal(epoch) || !m.LockedUntil.Equal(epoch.Add(30*time.Second)) {
		t.Errorf("received %+v", m)
	}
	if m.TTL != time.Hour || !m.ExpiresAt.Equal(epoch.Add(time.Hour)) || m.LockToken == [16]byte{} {
		t.Errorf("received %+v", m)
	}
	m.Properties["k"] = "changed by the receiver"
	peeked := w.peek("q")[0]
	if peeked.Properties["k"] != "v" || peeked.MessageID != m.MessageID || peeked.LockToken != [16]byte{} || !peeked.LockedUntil.IsZero() {
		t.Errorf("peeked %+v", peeked)
	}
}

func TestReceiveAndDelete(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	w.send("q", "a", "b")
	ms, err := w.Receive("q", 1, broker.ReceiveAndDelete)
	w.must(err)
	w.wantIDs(ms, "a")
	w.wants(w.Settle("q", ms[0].LockToken, broker.Disposition{}), broker.ErrLockLost)
	w.wantCounts("q", broker.Counts{Active: 1})
}

func TestReceiveNone(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	w.send("q", "a")
	for _, n := range []int{0, -1} {
		w.wantIDs(w.receive("q", n), "")
		peeked, err := w.Peek("q", 0, n)
		w.must(err)
		w.wantIDs(peeked, "")
	}
}

func TestPeek(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	w.send("q", "active", "locked", "deferred")
	ms := w.receive("q", 3)
	w.settle("q", ms[0], broker.Abandon)
	w.settle("q", ms[2], broker.Defer)
	w.must(w.Send("q", &broker.Message{MessageID: "scheduled", ScheduledEnqueueTime: w.now.Add(time.Hour)}))
	all := w.peek("q")
	w.wantIDs(all, "active locked deferred scheduled")
	for i, want := range []broker.State{broker.Active, broker.Active, broker.Deferred, broker.Scheduled} {
		if all[i].State != want {
			t.Errorf("%s: state %d, want %d", all[i].MessageID, all[i].State, want)
		}
	}
	part, err := w.Peek("q", 2, 2)
	w.must(err)
	w.wantIDs(part, "locked deferred")
	for _, from := range []int64{-5, 5, 1 << 62} {
		ms, err := w.Peek("q", from, 1)
		w.must(err)
		if want := map[int64]string{-5: "active"}[from]; ids(ms) != want {
			t.Errorf("from %d: %q, want %q", from, ids(ms), want)
		}
	}
	w.wantCounts("q", broker.Counts{Active: 1, Locked: 1, Deferred: 1, Scheduled: 1})
}

// TestPeekFarApart walks a ledger whose pages are mostly gone.
func TestPeekFarApart(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{})
	for range 2000 {
		w.must(w.Send("q", &broker.Message{}))
	}
	kept := []int64{}
	ms := w.receive("q", 2000)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(ms), func(i, j int) { ms[i], ms[j] = ms[j], ms[i] })
	for _, m := range ms {
		if m.SequenceNumber%700 == 3 {
			kept = append(kept, m.SequenceNumber)
			w.settle("q", m, broker.Defer)
			continue
		}
		w.settle("q", m, broker.Complete)
	}
	w.must(w.CheckInvariants())
	if got := sequences(w.peek("q")); len(got) != 3 || got[0] != 3 || got[1] != 703 || got[2] != 1403 || len(kept) != 3 {
		t.Errorf("kept %v", got)
	}
	part, err := w.Peek("q", 4, 1)
	w.must(err)
	if len(part) != 1 || part[0].SequenceNumber != 703 {
		t.Errorf("peeked %v", sequences(part))
	}
}

func TestLimits(t *testing.T) {
	long := func(n int) string { return strings.Repeat("é", n) }
	for _, c := range []struct {
		name string
		m    broker.Message
		want error
	}{
		{"largest", broker.Message{Size: 256 * 1024}, nil},
		{"too large", broker.Message{Size: 256*1024 + 1}, broker.ErrTooLarge},
		{"too large a body", broker.Message{Body: make([]byte, 256*1024+1)}, broker.ErrTooLarge},
		{"longest ids", broker.Message{MessageID: long(128), SessionID: long(128), PartitionKey: long(128)}, nil},
		{"message id", broker.Message{MessageID: long(129)}, broker.ErrInvalid},
		{"session id", broker.Message{SessionID: long(129)}, broker.ErrInvalid},
		{"reply-to session id", broker.Message{ReplyToSessionID: long(129)}, broker.ErrInvalid},
		{"partition key", broker.Message{PartitionKey: long(129)}, broker.ErrInvalid},
		{"time to live", broker.Message{TTL: -1}, broker.ErrInvalid},
		{"largest property", broker.Message{Properties: map[string]any{"p": string(make([]byte, 32*1024-1))}}, nil},
		{"property", broker.Message{Properties: map[string]any{"p": string(make([]byte, 32*1024))}}, broker.ErrTooLarge},
		{"binary property", broker.Message{Properties: map[string]any{"p": make([]byte, 32*1024)}}, broker.ErrTooLarge},
		{"properties", broker.Message{Properties: map[string]any{
			"a": string(make([]byte, 30000)), "b": string(make([]byte, 30000)), "c": make([]byte, 6000), "d": 1, "e": nil, "f": [16]byte{},
		}}, broker.ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.queue("q", broker.QueueProperties{})
			w.wants(w.Send("q", &broker.Message{}, &c.m), c.want)
			_, err := w.Schedule("q", []*broker.Message{{}, &c.m})
			w.wants(err, c.want)
			want := 4
			if c.want != nil {
				want = 0 // all or none
			}
			if got := len(w.peek("q")); got != want {
				t.Errorf("%d messages, want %d", got, want)
			}
		})
	}
}

func TestMaxMessageSize(t *testing.T) {
	b := broker.New(broker.Options{MaxMessageSize: 10})
	if err := b.CreateQueue("q", broker.QueueProperties{}); err != nil || b.MaxMessageSize() != 10 {
		t.Fatal(err, b.MaxMessageSize())
	}
	if err := b.Send("q", &broker.Message{Size: 10}); err != nil {
		t.Error(err)
	}
	if err := b.Send("q", &broker.Message{Size: 11}); err == nil {
		t.Error("a message over the limit was taken")
	}
}

func TestQuota(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{MaxSize: 100, MaxDeliveryCount: 1})
	w.must(w.Send("q", &broker.Message{Size: 60}, &broker.Message{Size: 40}))
	w.wants(w.Send("q", &broker.Message{Size: 1}), broker.ErrQuota)
	m := w.one("q")
	w.settle("q", m, broker.Abandon) // to the dead-letter queue, which counts
	w.wants(w.Send("q", &broker.Message{Size: 1}), broker.ErrQuota)
	w.settle("q"+dlq, w.one("q"+dlq), broker.Complete)
	w.wants(w.Send("q", &broker.Message{Size: 30}, &broker.Message{Size: 31}), broker.ErrQuota)
	w.must(w.Send("q", &broker.Message{Size: 60}))
	if c, _ := w.Counts("q"); c.Size != 100 {
		t.Errorf("size %d", c.Size)
	}
}

func TestWatch(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{LockDuration: time.Minute})
	calls := 0
	cancel, err := w.Watch("q", func() {
		calls++
		if _, err := w.Counts("q"); err != nil { // it would hang if the lock were held
			t.Error(err)
		}
	})
	w.must(err)
	other := 0
	cancelOther, err := w.Watch("q", func() { other++ })
	w.must(err)
	expect := func(what string, want int) {
		t.Helper()
		if calls != want {
			t.Errorf("%s: %d calls, want %d", what, calls, want)
		}
	}
	w.must(w.Send("q", &broker.Message{}, &broker.Message{}))
	expect("two sent at once", 1)
	m := w.one("q")
	expect("received", 1)
	w.settle("q", m, broker.Abandon)
	expect("abandoned", 2)
	w.must(w.Send("q", &broker.Message{ScheduledEnqueueTime: w.now.Add(time.Second)}))
	expect("scheduled", 2)
	w.pass(time.Second)
	w.Advance()
	expect("activated", 3)
	w.receive("q", 9)
	w.pass(time.Minute)
	w.Advance()
	expect("locks expired", 4)
	w.must(w.SetStatus("q", broker.Disabled))
	expect("disabled", 5)
	if other != calls {
		t.Errorf("the second watcher was called %d times", other)
	}
	cancel()
	cancel()
	w.must(w.Delete("q"))
	expect("cancelled", 5)
	if other != 6 {
		t.Errorf("the second watcher was called %d times, want 6", other)
	}
	cancelOther()
	_, err = w.Watch("q", func() {})
	w.wants(err, broker.ErrNotFound)
}

func TestAdvanceTellsWhatIsNext(t *testing.T) {
	w := newWorld(t)
	w.queue("q", broker.QueueProperties{LockDuration: time.Minute})
	moved := 0
	w.OnDeadline(func() { moved++; w.Exists("q") })
	expect := func(what string, wantMoved int, wantNext time.Duration) {
		t.Helper()
		if moved != wantMoved {
			t.Errorf("%s: called %d times, want %d", what, moved, wantMoved)
		}
		next, ok := w.Advance()
		if ok != (wantNext > 0) || ok && !next.Equal(w.now.Add(wantNext)) {
			t.Errorf("%s: next %v %v, want in %v", what, next, ok, wantNext)
		}
	}
	w.send("q", "a")
	expect("nothing due", 0, 0)
	m := w.one("q")
	expect("locked", 1, time.Minute)
	w.must(w.Send("q", &broker.Message{ScheduledEnqueueTime: w.now.Add(time.Hour)}))
	expect("later", 1, time.Minute)
	w.must(w.Send("q", &broker.Message{TTL: time.Second}))
	expect("sooner", 2, time.Second)
	w.pass(time.Second)
	expect("expired", 2, 59*time.Second)
	w.settle("q", m, broker.Complete)
	expect("settled", 2, time.Hour-time.Second)
}
