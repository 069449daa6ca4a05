package journal_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crosswalk/local/servicebus/broker"
)

// moment is what held after an operation was acknowledged.
type moment struct {
	frames int
	now    time.Time
	seen   map[string]view
	tokens map[[16]byte]string
	alive  map[string]bool // message ids that were sent and not settled
	gone   map[string]bool // that were settled for good
}

// history is a broker in use, whose journal and every moment are kept.
type history struct {
	*broker.Broker
	clock   *clock
	journal *frames
	tokens  map[[16]byte]string // of messages that were received: where
	ids     map[[16]byte]string
	alive   map[string]bool
	gone    map[string]bool
	moments []moment
	sent    int
}

func newHistory() (*history, error) {
	h := &history{
		clock: &clock{epoch}, journal: &frames{},
		tokens: map[[16]byte]string{}, ids: map[[16]byte]string{}, alive: map[string]bool{}, gone: map[string]bool{},
	}
	h.Broker = newBroker(h.clock.Now, h.journal)
	h.note() // the empty broker
	err := populate(h.Broker)
	h.note()
	return h, err
}

func (h *history) note() {
	h.moments = append(h.moments, moment{
		seen: look(h.Broker), now: h.clock.now, tokens: maps.Clone(h.tokens),
		alive: maps.Clone(h.alive), gone: maps.Clone(h.gone), frames: len(h.journal.all),
	})
}

// step does one operation at random.
func (h *history) step(t *rapid.T) {
	defer h.note()
	switch rapid.SampledFrom([]string{
		"send", "send", "send", "topic", "schedule", "receive", "receive", "settle", "settle", "settle", "renew",
		"delete", "deferred", "cancel", "pass", "pass", "status", "late", "session", "session", "update",
	}).Draw(t, "step") {
	case "send":
		h.send(t, "q", 0)
	case "session":
		h.session(t)
	case "update":
		_ = h.UpdateQueue("s", broker.QueueProperties{RequiresSession: true, MaxDeliveryCount: rapid.IntRange(2, 5).Draw(t, "deliveries"), ForwardDeadLetteredTo: "other"})
	case "topic":
		h.send(t, "t", 0)
	case "schedule":
		h.send(t, rapid.SampledFrom([]string{"q", "t"}).Draw(t, "to"), 90*time.Second)
	case "receive":
		h.receive(t, broker.PeekLock)
	case "delete":
		h.receive(t, broker.ReceiveAndDelete)
	case "settle":
		h.settle(t)
	case "renew":
		if u, ok := h.token(t); ok {
			_, _ = h.RenewLock(h.tokens[u], u)
		}
	case "deferred":
		h.deferred(t)
	case "cancel":
		ms, _ := h.Peek("q", 0, 100)
		for _, m := range ms {
			if m.State == broker.Scheduled && h.CancelScheduled("q", []int64{m.SequenceNumber}) == nil {
				h.settled(m.MessageID)
				break
			}
		}
	case "pass":
		h.clock.now = h.clock.now.Add(rapid.SampledFrom([]time.Duration{time.Millisecond, 20 * time.Second, time.Minute, 11 * time.Minute}).Draw(t, "pass"))
		h.Advance()
	case "status":
		_ = h.SetStatus("other", rapid.SampledFrom([]broker.Status{broker.Enabled, broker.ReceiveDisabled}).Draw(t, "status"))
	case "late":
		if errors.Is(h.Delete("late"), broker.ErrNotFound) {
			_ = h.CreateQueue("late", broker.QueueProperties{ForwardTo: "other"})
		}
	}
}

func (h *history) send(t *rapid.T, to string, delay time.Duration) {
	h.sent++
	id := fmt.Sprint("m", h.sent)
	if h.sent > 1 && rapid.IntRange(0, 4).Draw(t, "again") == 0 {
		id = fmt.Sprint("m", rapid.IntRange(1, h.sent-1).Draw(t, "which")) // perhaps a duplicate
	} else if to == "q" {
		h.alive[id] = true
	}
	m := &broker.Message{
		MessageID: id, Body: []byte("body " + id), CorrelationID: uint64(h.sent), Subject: "s",
		Properties: map[string]any{"n": int64(h.sent % 3), "b": []byte{1, 2}, "none": nil, "t": epoch},
	}
	if delay > 0 {
		m.ScheduledEnqueueTime = h.clock.now.Add(delay)
	}
	_ = h.Send(to, m)
}

// session sends to a session, takes from it, settles, and changes its state, all under one lock.
func (h *history) session(t *rapid.T) {
	id := rapid.SampledFrom(sessionIDs).Draw(t, "session")
	_ = h.Send("s", &broker.Message{MessageID: "of " + id, SessionID: id, BlankSession: id == ""})
	lock, err := h.AcceptSession("s", id)
	if err != nil {
		t.Fatal(err)
	}
	ms, _ := h.ReceiveFromSession("s", lock.Token, 2, broker.PeekLock)
	for _, m := range ms {
		kind := rapid.SampledFrom([]broker.Kind{broker.Complete, broker.Abandon, broker.Defer, broker.DeadLetter}).Draw(t, "kind")
		_ = h.Settle("s", m.LockToken, broker.Disposition{Kind: kind})
	}
	if rapid.Bool().Draw(t, "stated") {
		_ = h.SetSessionState("s", lock.Token, rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "state"))
	}
	_ = h.ReleaseSession("s", lock.Token)
}

func (h *history) receive(t *rapid.T, mode broker.Mode) {
	address := rapid.SampledFrom([]string{"q", "q", "q" + dlq, "other", "t/Subscriptions/all", "t/Subscriptions/red" + dlq}).Draw(t, "from")
	ms, _ := h.Receive(address, rapid.IntRange(1, 3).Draw(t, "max"), mode)
	for _, m := range ms {
		if mode == broker.ReceiveAndDelete {
			h.settled(m.MessageID)
			continue
		}
		h.tokens[m.LockToken], h.ids[m.LockToken] = address, m.MessageID
	}
}

// settled notes that a message that was sent to q is gone for good, unless another of its name is about.
func (h *history) settled(id string) {
	if h.alive[id] {
		delete(h.alive, id)
		h.gone[id] = true
	}
}

func (h *history) token(t *rapid.T) (u [16]byte, ok bool) {
	if len(h.tokens) == 0 {
		return u, false
	}
	all := slices.SortedFunc(maps.Keys(h.tokens), func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) })
	return rapid.SampledFrom(all).Draw(t, "token"), true
}

func (h *history) settle(t *rapid.T) {
	u, ok := h.token(t)
	if !ok {
		return
	}
	d := broker.Disposition{Kind: rapid.SampledFrom([]broker.Kind{
		broker.Complete, broker.Complete, broker.Abandon, broker.Defer, broker.DeadLetter, broker.Release,
	}).Draw(t, "kind")}
	if d.Kind == broker.DeadLetter {
		d.Reason, d.Description = "why", "because"
	}
	if rapid.Bool().Draw(t, "modify") {
		d.Properties = map[string]any{"extra": int32(h.sent)}
	}
	if h.Settle(h.tokens[u], u, d) == nil && d.Kind == broker.Complete {
		h.settled(h.ids[u])
	}
	if rapid.Bool().Draw(t, "forget") {
		delete(h.tokens, u)
	}
}

func (h *history) deferred(t *rapid.T) {
	ms, _ := h.Peek("q", 0, 100)
	for _, m := range ms {
		if m.State == broker.Deferred {
			got, _ := h.ReceiveDeferred("q", []int64{m.SequenceNumber}, broker.PeekLock)
			for _, g := range got {
				h.tokens[g.LockToken], h.ids[g.LockToken] = "q", g.MessageID
			}
			return
		}
	}
}

// check compares a broker that was restored with what held at a moment.
func (m *moment) check(b *broker.Broker) error {
	seen := look(b)
	if err := same(m.seen, seen); err != nil {
		return err
	}
	there := map[string]bool{}
	for _, v := range seen {
		for _, x := range v.Messages {
			there[x.MessageID] = true
		}
	}
	for id := range m.alive {
		if !there[id] {
			return fmt.Errorf("message %s was acknowledged and is lost", id)
		}
	}
	return nil
}

// TestRestoreEqualsEveryMoment restores a broker from each beginning of a random journal, and a broker from a snapshot of
// that, and compares both with what held then: what is seen, and what comes of it later.
func TestRestoreEqualsEveryMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, err := newHistory()
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			h.step(t)
		}
		if h.journal.err != nil {
			t.Fatal(h.journal.err)
		}
		for i, m := range h.moments {
			restored := restore(t, h.journal.all[:m.frames], m.now)
			if err := m.check(restored.Broker); err != nil {
				t.Fatalf("after operation %d: %v", i, err)
			}
			var shot [][]byte
			for f, err := range restored.Snapshot(func() {}) {
				if err != nil {
					t.Fatal(err)
				}
				shot = append(shot, slices.Clone(f))
			}
			again := restore(t, shot, m.now)
			if err := m.check(again.Broker); err != nil {
				t.Fatalf("from a snapshot after operation %d: %v", i, err)
			}
			if i < len(h.moments)-1 {
				continue
			}
			want := future(h.Broker, h.clock, m.tokens)
			for name, got := range map[string][]string{
				"journal":  future(restored.Broker, restored.clock, m.tokens),
				"snapshot": future(again.Broker, again.clock, m.tokens),
			} {
				if !slices.Equal(want, got) {
					t.Fatalf("what comes later differs after the %s (-want +got):\n%s", name, cmp.Diff(want, got))
				}
			}
		}
	})
}

// TestPausesGoOn restores a broker whose message was released again and again, and compares how long it rests next.
func TestPausesGoOn(t *testing.T) {
	h, err := newHistory()
	must(t, err)
	must(t, h.Send("other", &broker.Message{MessageID: "m"}))
	release := func(b *broker.Broker, c *clock) time.Duration {
		for {
			ms, err := b.Receive("other", 1, broker.PeekLock)
			must(t, err)
			if len(ms) == 1 {
				must(t, b.Settle("other", ms[0].LockToken, broker.Disposition{Kind: broker.Release}))
				next, _ := b.Advance()
				return next.Sub(c.now)
			}
			next, ok := b.Advance()
			if !ok {
				t.Fatal("the message is nowhere")
			}
			c.now = next
		}
	}
	for range 4 {
		release(h.Broker, h.clock)
	}
	r := restore(t, h.journal.all, h.clock.now)
	if want, got := release(h.Broker, h.clock), release(r.Broker, r.clock); want != got || want <= 0 {
		t.Errorf("the message rests %v, want %v", got, want)
	}
}

// restored is a broker with a clock of its own.
type restored struct {
	*broker.Broker
	clock *clock
}

func restore(t rapid.TB, frames [][]byte, now time.Time) restored {
	t.Helper()
	r := restored{clock: &clock{now}}
	r.Broker = newBroker(r.clock.Now, &discard{})
	for _, f := range frames {
		if err := r.Restore(f); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

type discard struct{}

func (*discard) Append([]byte) {}
func (*discard) Fail(error)    {}
