package broker_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosswalk/local/servicebus/broker"
)

// The model is a queue with its dead-letter queue in the plainest form: a list that is searched from end to end for each
// question. TestModel lets both do the same at random and compares everything that can be seen.

type modelPhase int

const (
	isReady modelPhase = iota
	isPaused
	isLocked
	isDeferred
	isLockedDeferred
	isScheduled
)

type modelMessage struct {
	id       string
	sequence int64
	dead     bool // in the dead-letter queue
	phase    modelPhase
	token    [16]byte
	due      time.Time // end of lock or pause, or scheduled time
	ttl      time.Duration
	expires  time.Time
	count    int
	releases int
	reason   string
}

// key names a message, and where it is.
func (x *modelMessage) key() string { return fmt.Sprintf("%s/%d/%t", x.id, x.sequence, x.dead) }

type model struct {
	now      time.Time
	p        broker.QueueProperties
	messages []*modelMessage
	last     int64
	seen     map[string]time.Time
	accepted int // sends that weren't dropped as duplicates
	ended    int // completed, expired, cancelled, received and deleted
}

func (m *model) locked(x *modelMessage) bool {
	return x.phase == isLocked || x.phase == isLockedDeferred
}

// next is when something happens to x by itself.
func (m *model) next(x *modelMessage) (time.Time, bool) {
	ttl := !x.dead && !x.expires.IsZero()
	switch {
	case m.locked(x), x.phase == isScheduled:
		return x.due, true
	case x.phase == isDeferred:
		return time.Time{}, false
	case x.phase == isPaused && (!ttl || x.due.Before(x.expires)):
		return x.due, true
	case ttl:
		return x.expires, true
	}
	return x.due, x.phase == isPaused
}

func (m *model) catchUp() {
	for {
		var first *modelMessage
		var when time.Time
		for _, x := range m.messages {
			if t, ok := m.next(x); ok && !t.After(m.now) {
				if first == nil || t.Before(when) || t.Equal(when) && x.sequence < first.sequence {
					first, when = x, t
				}
			}
		}
		switch x := first; {
		case x == nil:
			return
		case m.locked(x):
			x.releases = 0
			m.giveBack(x)
		case x.phase == isScheduled:
			m.last++
			x.sequence = m.last
			m.activate(x)
		case !x.dead && !x.expires.IsZero() && !x.expires.After(m.now):
			if m.p.DeadLetterOnExpiry {
				m.bury(x, broker.ReasonExpired)
			} else {
				m.end(x)
			}
		default:
			x.phase = isReady
		}
	}
}

func (m *model) activate(x *modelMessage) {
	x.phase = isReady
	life := x.ttl
	if m.p.DefaultTTL > 0 && (life == 0 || life > m.p.DefaultTTL) {
		life = m.p.DefaultTTL
	}
	if life > 0 {
		x.expires = m.now.Add(life)
	}
}

func (m *model) giveBack(x *modelMessage) {
	if !x.dead {
		if x.count++; x.count >= m.p.MaxDeliveryCount {
			m.bury(x, broker.ReasonMaxDeliveryCount)
			return
		}
	}
	m.unlock(x)
}

func (m *model) unlock(x *modelMessage) {
	if x.phase == isLockedDeferred {
		x.phase = isDeferred
	} else {
		x.phase = isReady
	}
}

func (m *model) bury(x *modelMessage, reason string) {
	x.dead, x.phase, x.reason = true, isReady, reason
}

func (m *model) end(x *modelMessage) {
	m.messages = slices.DeleteFunc(m.messages, func(y *modelMessage) bool { return x == y })
	m.ended++
}

func (m *model) send(id string, ttl, delay time.Duration) {
	if at, ok := m.seen[id]; ok && m.p.DuplicateDetection > 0 && m.now.Sub(at) < m.p.DuplicateDetection {
		return
	}
	m.seen[id] = m.now
	m.accepted++
	m.last++
	x := &modelMessage{id: id, sequence: m.last, ttl: ttl, phase: isScheduled, due: m.now.Add(delay)}
	m.messages = append(m.messages, x)
	if delay <= 0 {
		m.activate(x)
	}
}

// where lists what a sub-queue, or the queue itself, holds, in the order of sequence numbers.
func (m *model) where(dead bool, phases ...modelPhase) []*modelMessage {
	var out []*modelMessage
	for _, x := range m.messages {
		if x.dead == dead && (len(phases) == 0 || slices.Contains(phases, x.phase)) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *modelMessage) int { return cmp.Compare(a.sequence, b.sequence) })
	return out
}

func (m *model) settle(x *modelMessage, k broker.Kind) {
	if k == broker.Release {
		if x.phase == isLocked {
			if x.releases++; x.releases > 1 {
				pause := broker.FirstPause
				for range x.releases - 2 {
					pause = min(2*pause, broker.MaxPause)
				}
				x.phase, x.due = isPaused, m.now.Add(pause)
				return
			}
		}
		m.unlock(x)
		return
	}
	x.releases = 0
	switch k {
	case broker.Complete:
		m.end(x)
	case broker.Abandon:
		m.giveBack(x)
	case broker.Defer:
		x.phase = isDeferred
	case broker.DeadLetter:
		m.bury(x, "given")
	}
}

// comparison drives broker and model.
type comparison struct {
	*rapid.T
	b      *broker.Broker
	m      *model
	tokens [][16]byte           // all that were ever given out
	until  map[string]time.Time // by message id: the end of the lock a receiver holds
}

func address(dead bool) string {
	if dead {
		return "q" + dlq
	}
	return "q"
}

func wants(t *rapid.T, err, want error) {
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func (c *comparison) take(got []*broker.Message, want []*modelMessage, deferred bool, mode broker.Mode) {
	if len(got) != len(want) {
		c.Fatalf("received %q, want %d messages", ids(got), len(want))
	}
	for i, x := range want {
		g := got[i]
		if g.MessageID != x.id || g.SequenceNumber != x.sequence || int(g.DeliveryCount) != x.count {
			c.Fatalf("received %s number %d count %d, want %+v", g.MessageID, g.SequenceNumber, g.DeliveryCount, x)
		}
		key := x.key()
		if end, ok := c.until[key]; ok && end.After(c.m.now) {
			c.Fatalf("%s was given out while a receiver holds it until %v", key, end)
		}
		if mode == broker.ReceiveAndDelete {
			c.m.end(x)
			continue
		}
		x.phase = isLocked
		if deferred {
			x.phase = isLockedDeferred
		}
		x.token, x.due = g.LockToken, c.m.now.Add(c.m.p.LockDuration)
		c.tokens = append(c.tokens, g.LockToken)
		c.until[key] = x.due
	}
}

func (c *comparison) receive(t *rapid.T) {
	dead := rapid.Bool().Draw(t, "dead")
	n := rapid.IntRange(1, 4).Draw(t, "n")
	mode := rapid.SampledFrom([]broker.Mode{broker.PeekLock, broker.PeekLock, broker.PeekLock, broker.ReceiveAndDelete}).Draw(t, "mode")
	want := c.m.where(dead, isReady)
	got, err := c.b.Receive(address(dead), n, mode)
	if err != nil {
		t.Fatal(err)
	}
	c.take(got, want[:min(n, len(want))], false, mode)
}

func (c *comparison) receiveDeferred(t *rapid.T) {
	dead := rapid.Bool().Draw(t, "dead")
	n := rapid.Int64Range(1, c.m.last+1).Draw(t, "number")
	want := slices.DeleteFunc(c.m.where(dead, isDeferred), func(x *modelMessage) bool { return x.sequence != n })
	got, err := c.b.ReceiveDeferred(address(dead), []int64{n}, broker.PeekLock)
	if err != nil {
		t.Fatal(err)
	}
	c.take(got, want, true, broker.PeekLock)
}

// holder finds the model's message by a token under a valid lock.
func (c *comparison) holder(dead bool, token [16]byte) *modelMessage {
	for _, x := range c.m.where(dead, isLocked, isLockedDeferred) {
		if x.token == token {
			return x
		}
	}
	return nil
}

func (c *comparison) settle(t *rapid.T) {
	if len(c.tokens) == 0 {
		t.Skip("nothing was received")
	}
	dead := rapid.Bool().Draw(t, "dead")
	token := rapid.SampledFrom(c.tokens).Draw(t, "token")
	kind := rapid.SampledFrom([]broker.Kind{broker.Complete, broker.Abandon, broker.Defer, broker.DeadLetter, broker.Release}).Draw(t, "kind")
	x := c.holder(dead, token)
	err := c.b.Settle(address(dead), token, broker.Disposition{Kind: kind, Reason: "given"})
	switch {
	case x == nil:
		wants(t, err, broker.ErrLockLost)
	case dead && kind == broker.DeadLetter:
		wants(t, err, broker.ErrNotAllowed)
	case err != nil:
		t.Fatal(err)
	default:
		delete(c.until, x.key())
		c.m.settle(x, kind)
		c.m.catchUp() // its life may have ended under the lock
	}
}

func (c *comparison) renew(t *rapid.T) {
	if len(c.tokens) == 0 {
		t.Skip("nothing was received")
	}
	dead := rapid.Bool().Draw(t, "dead")
	token := rapid.SampledFrom(c.tokens).Draw(t, "token")
	until, err := c.b.RenewLock(address(dead), token)
	x := c.holder(dead, token)
	if x == nil {
		wants(t, err, broker.ErrLockLost)
		return
	}
	x.due = c.m.now.Add(c.m.p.LockDuration)
	c.until[x.key()] = x.due
	if err != nil || !until.Equal(x.due) {
		t.Fatalf("renewed until %v, %v; want %v", until, err, x.due)
	}
}

func (c *comparison) send(t *rapid.T) {
	var out []*broker.Message
	for range rapid.IntRange(1, 3).Draw(t, "messages") {
		id := fmt.Sprint("m", rapid.IntRange(0, 40).Draw(t, "id"))
		ttl := time.Duration(rapid.SampledFrom([]int{0, 0, 3, 30}).Draw(t, "ttl")) * time.Second
		delay := time.Duration(rapid.SampledFrom([]int{-1, 0, 0, 1, 5, 20}).Draw(t, "delay")) * time.Second
		c.m.send(id, ttl, delay)
		out = append(out, &broker.Message{MessageID: id, TTL: ttl, ScheduledEnqueueTime: c.m.now.Add(delay), Size: 10})
	}
	if err := c.b.Send("q", out...); err != nil {
		t.Fatal(err)
	}
}

func (c *comparison) cancel(t *rapid.T) {
	n := rapid.Int64Range(1, c.m.last+1).Draw(t, "number")
	found := slices.DeleteFunc(c.m.where(false, isScheduled), func(x *modelMessage) bool { return x.sequence != n })
	err := c.b.CancelScheduled("q", []int64{n})
	if len(found) == 0 {
		wants(t, err, broker.ErrMessageNotFound)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	c.m.end(found[0])
}

func (c *comparison) pass(t *rapid.T) {
	// Steps end exactly at, before and after what is due.
	step := time.Duration(rapid.SampledFrom([]int{1, 20, 1000, 2999, 3000, 5000, 9999, 10000, 30000}).Draw(t, "ms")) * time.Millisecond
	c.m.now = c.m.now.Add(step)
	c.m.catchUp()
	if rapid.Bool().Draw(t, "advance") {
		next, ok := c.b.Advance()
		if ok && !next.After(c.m.now) {
			t.Fatalf("next due at %v, which has passed", next)
		}
		for _, x := range c.m.messages {
			if due, has := c.m.next(x); has && (!ok || due.Before(next)) {
				t.Fatalf("next due at %v (%v), but %+v is due at %v", next, ok, x, due)
			}
		}
	}
}

// check compares all that can be seen.
func (c *comparison) check(t *rapid.T) {
	for _, dead := range []bool{false, true} {
		want := c.m.where(dead)
		got, err := c.b.Peek(address(dead), 0, len(want)+1)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s holds %q (%v), want %d messages", address(dead), ids(got), err, len(want))
		}
		for i, x := range want {
			state := map[modelPhase]broker.State{isDeferred: broker.Deferred, isLockedDeferred: broker.Deferred, isScheduled: broker.Scheduled}[x.phase]
			reason, _ := got[i].Properties[broker.PropertyDeadLetterReason].(string)
			if g := got[i]; g.MessageID != x.id || g.SequenceNumber != x.sequence || g.State != state || int(g.DeliveryCount) != x.count ||
				!g.ExpiresAt.Equal(x.expires) || reason != x.reason {
				t.Fatalf("%s holds %+v, want %+v", address(dead), g, x)
			}
			if x.phase == isScheduled && !x.due.After(c.m.now) {
				t.Fatalf("%+v is still scheduled", x)
			}
		}
		counts, err := c.b.Counts(address(dead))
		wantCounts := broker.Counts{
			Active: len(c.m.where(dead, isReady, isPaused)), Locked: len(c.m.where(dead, isLocked, isLockedDeferred)),
			Deferred: len(c.m.where(dead, isDeferred)), Scheduled: len(c.m.where(dead, isScheduled)),
		}
		if !dead {
			wantCounts.DeadLetter, wantCounts.Size = len(c.m.where(true)), int64(10*len(c.m.messages))
		}
		if err != nil || counts != wantCounts {
			t.Fatalf("%s: counts %+v (%v), want %+v", address(dead), counts, err, wantCounts)
		}
	}
	if c.m.accepted != c.m.ended+len(c.m.messages) {
		t.Fatalf("the model lost a message")
	}
	if err := c.b.CheckInvariants(); err != nil {
		t.Fatal(err)
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{now: epoch, seen: map[string]time.Time{}, p: broker.QueueProperties{
			LockDuration:       10 * time.Second,
			MaxDeliveryCount:   rapid.IntRange(1, 4).Draw(t, "max delivery count"),
			DefaultTTL:         time.Duration(rapid.SampledFrom([]int{0, 0, 15}).Draw(t, "entity's ttl")) * time.Second,
			DuplicateDetection: time.Duration(rapid.SampledFrom([]int{0, 20}).Draw(t, "window")) * time.Second,
			DeadLetterOnExpiry: rapid.Bool().Draw(t, "dead-letter on expiry"),
		}}
		c := &comparison{T: t, m: m, until: map[string]time.Time{}, b: broker.New(broker.Options{Now: func() time.Time { return m.now }})}
		if err := c.b.CreateQueue("q", m.p); err != nil {
			t.Fatal(err)
		}
		t.Repeat(map[string]func(*rapid.T){
			"": c.check, "send": c.send, "receive": c.receive, "receive again": c.receive, "receive deferred": c.receiveDeferred,
			"settle": c.settle, "settle again": c.settle, "renew": c.renew, "cancel": c.cancel, "pass": c.pass,
		})
	})
}

// TestFanOutModel holds that each message that's no duplicate comes to each queue that asks for it exactly once, and to
// no other, through rules, forwards and schedules.
func TestFanOutModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := epoch
		b := broker.New(broker.Options{Now: func() time.Time { return now }})
		must := func(err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		window := time.Minute
		must(b.CreateTopic("t", broker.TopicProperties{DuplicateDetection: window}))
		const queues = 3
		wants := make([][]int, queues) // the colours each queue asks for; it may ask twice for one
		for i := range queues {
			name := fmt.Sprint("q", i)
			wants[i] = rapid.SliceOfN(rapid.IntRange(0, 3), 0, 3).Draw(t, name)
			rules := []broker.Rule{}
			for j, colour := range wants[i] {
				rules = append(rules, broker.Rule{Name: fmt.Sprint("r", j), SQL: fmt.Sprintf("colour = %d", colour)})
			}
			must(b.CreateQueue(name, broker.QueueProperties{}))
			must(b.CreateSubscription("t", "s"+name, broker.SubscriptionProperties{ForwardTo: name, Rules: rules}))
		}
		type sent struct {
			id     string
			colour int
			due    time.Time
		}
		var all []sent
		first := map[string]time.Time{}
		got := make([]map[string]int, queues)
		for i := range got {
			got[i] = map[string]int{}
		}
		drain := func() {
			for q := range queues {
				for {
					ms, err := b.Receive(fmt.Sprint("q", q), 7, broker.ReceiveAndDelete)
					must(err)
					if len(ms) == 0 {
						break
					}
					for _, m := range ms {
						i := slices.IndexFunc(all, func(s sent) bool { return s.id == m.MessageID && !s.due.After(now) })
						if i < 0 || m.EnqueuedSequenceNumber == 0 || m.Properties["colour"] != all[i].colour {
							t.Fatalf("received %+v", m)
						}
						got[q][m.MessageID]++
					}
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				s := sent{id: fmt.Sprint("m", rapid.IntRange(0, 20).Draw(t, "id")), colour: rapid.IntRange(0, 3).Draw(t, "colour")}
				s.due = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "delay")) * 10 * time.Second)
				for _, earlier := range all {
					if earlier.id == s.id {
						s.colour = earlier.colour // so that a message can be recognised by its id
					}
				}
				must(b.Send("t", &broker.Message{MessageID: s.id, Properties: map[string]any{"colour": s.colour}, ScheduledEnqueueTime: s.due}))
				if at, ok := first[s.id]; ok && now.Sub(at) < window {
					return
				}
				first[s.id] = now
				all = append(all, s)
			},
			"pass":  func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "s")) * time.Second) },
			"drain": func(*rapid.T) { drain() },
			"": func(t *rapid.T) {
				must(b.CheckInvariants())
			},
		})
		now = now.Add(time.Hour)
		drain()
		for i := range queues {
			want := map[string]int{}
			for _, s := range all {
				if slices.Contains(wants[i], s.colour) {
					want[s.id]++
				}
			}
			if fmt.Sprint(got[i]) != fmt.Sprint(want) {
				t.Fatalf("queue %d got %v, want %v", i, got[i], want)
			}
		}
	})
}
