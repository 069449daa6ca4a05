package broker_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"crosswalk/local/servicebus/broker"
)

// drive is what a server does to make a broker's time pass; it returns when stop is closed.
func drive(b *broker.Broker, stop <-chan struct{}) {
	sooner := make(chan struct{}, 1)
	b.OnDeadline(func() { signal(sooner) })
	for {
		var due <-chan time.Time
		if next, ok := b.Advance(); ok {
			due = time.After(time.Until(next))
		}
		select {
		case <-due:
		case <-sooner:
		case <-stop:
			return
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// holders notes who holds which message until when, and fails the test when two do.
type holders struct {
	sync.Mutex
	t     *testing.T
	until map[string]time.Time
	done  map[string]int
}

func (h *holders) took(m *broker.Message) {
	h.Lock()
	defer h.Unlock()
	if h.until[m.MessageID].After(time.Now()) {
		h.t.Errorf("%s is held by two receivers", m.MessageID)
	}
	h.until[m.MessageID] = m.LockedUntil
}

// leaves is called before a message is settled: from then on another receiver may have it.
func (h *holders) leaves(m *broker.Message) {
	h.Lock()
	defer h.Unlock()
	delete(h.until, m.MessageID)
}

func (h *holders) completed(m *broker.Message) (all int) {
	h.Lock()
	defer h.Unlock()
	if h.done[m.MessageID]++; h.done[m.MessageID] > 1 {
		h.t.Errorf("%s was completed twice", m.MessageID)
	}
	return len(h.done)
}

// TestConcurrent has senders and receivers at work at once. Receivers complete, abandon, release and forget messages;
// in the end each message has been completed once. It also holds that nobody waits for a call that never comes.
func TestConcurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const senders, receivers, each = 4, 5, 250
		b := broker.New(broker.Options{})
		if err := b.CreateQueue("q", broker.QueueProperties{LockDuration: 10 * time.Second, MaxDeliveryCount: 1000}); err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		h := &holders{t: t, until: map[string]time.Time{}, done: map[string]int{}}
		var group sync.WaitGroup
		group.Go(func() { drive(b, stop) })
		for s := range senders {
			group.Go(func() {
				for i := range each {
					m := &broker.Message{MessageID: fmt.Sprint(s, "/", i)}
					if i%5 == 0 {
						m.ScheduledEnqueueTime = time.Now().Add(time.Duration(i) * time.Millisecond)
					}
					if err := b.Send("q", m); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for r := range receivers {
			group.Go(func() { work(t, b, h, stop, senders*each, rand.New(rand.NewPCG(1, uint64(r)))) })
		}
		group.Wait()
		if c, err := b.Counts("q"); err != nil || c != (broker.Counts{}) {
			t.Errorf("left over: %+v, %v", c, err)
		}
		if err := b.CheckInvariants(); err != nil {
			t.Error(err)
		}
	})
}

// work receives until all messages are completed, by whomever.
func work(t *testing.T, b *broker.Broker, h *holders, stop chan struct{}, total int, r *rand.Rand) {
	more := make(chan struct{}, 1)
	cancel, err := b.Watch("q", func() { signal(more) })
	if err != nil {
		t.Error(err)
		return
	}
	defer cancel()
	for {
		ms, err := b.Receive("q", 1+r.IntN(10), broker.PeekLock)
		if err != nil {
			t.Error(err)
			return
		}
		for _, m := range ms {
			h.took(m)
			kind := []broker.Kind{broker.Complete, broker.Complete, broker.Abandon, broker.Release, -1}[r.IntN(5)]
			if kind < 0 {
				continue // forgotten: its lock expires
			}
			h.leaves(m)
			if err := b.Settle("q", m.LockToken, broker.Disposition{Kind: kind}); err != nil {
				t.Error(err)
			}
			if kind == broker.Complete && h.completed(m) == total {
				close(stop)
			}
		}
		if len(ms) > 0 {
			continue
		}
		select {
		case <-more:
		case <-stop:
			return
		}
	}
}
