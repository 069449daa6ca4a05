package broker_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
)

var epoch = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// world is a broker with a clock of its own, and the words the tests are written in. Each word fails the test when the
// broker answers with an error.
type world struct {
	testing.TB
	*broker.Broker
	now time.Time
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, now: epoch}
	w.Broker = broker.New(broker.Options{Now: func() time.Time { return w.now }})
	t.Cleanup(func() {
		if err := w.CheckInvariants(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// pass lets time go by; the broker isn't told.
func (w *world) pass(d time.Duration) { w.now = w.now.Add(d) }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) wants(err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("error %v, want %v", err, want)
	}
}

func (w *world) queue(name string, p broker.QueueProperties) {
	w.Helper()
	w.must(w.CreateQueue(name, p))
}

func (w *world) topic(name string, p broker.TopicProperties) {
	w.Helper()
	w.must(w.CreateTopic(name, p))
}

func (w *world) subscription(topic, name string, p broker.SubscriptionProperties) {
	w.Helper()
	w.must(w.CreateSubscription(topic, name, p))
}

// send sends one message per id.
func (w *world) send(address string, ids ...string) {
	w.Helper()
	for _, id := range ids {
		w.must(w.Send(address, &broker.Message{MessageID: id, Body: []byte("body of " + id)}))
	}
}

func (w *world) receive(address string, n int) []*broker.Message {
	w.Helper()
	ms, err := w.Receive(address, n, broker.PeekLock)
	w.must(err)
	return ms
}

// one receives exactly one message.
func (w *world) one(address string) *broker.Message {
	w.Helper()
	ms := w.receive(address, 1)
	if len(ms) != 1 {
		w.Fatalf("nothing to receive at %s", address)
	}
	return ms[0]
}

func (w *world) settle(address string, m *broker.Message, k broker.Kind) {
	w.Helper()
	w.must(w.Settle(address, m.LockToken, broker.Disposition{Kind: k}))
}

func (w *world) peek(address string) []*broker.Message {
	w.Helper()
	ms, err := w.Peek(address, 0, 1000)
	w.must(err)
	return ms
}

func (w *world) counts(address string) broker.Counts {
	w.Helper()
	c, err := w.Counts(address)
	w.must(err)
	c.Size = 0
	return c
}

func (w *world) wantCounts(address string, want broker.Counts) {
	w.Helper()
	if got := w.counts(address); got != want {
		w.Errorf("%s: counts %+v, want %+v", address, got, want)
	}
}

// wantIDs compares message ids, given as one text.
func (w *world) wantIDs(ms []*broker.Message, want string) {
	w.Helper()
	if got := ids(ms); got != want {
		w.Errorf("messages %q, want %q", got, want)
	}
}

func (w *world) wantReason(m *broker.Message, reason, description string) {
	w.Helper()
	if got := m.Properties[broker.PropertyDeadLetterReason]; got != reason {
		w.Errorf("reason %v, want %s", got, reason)
	}
	if got := fmt.Sprint(m.Properties[broker.PropertyDeadLetterDescription]); !strings.Contains(got, description) {
		w.Errorf("description %q, want %q", got, description)
	}
}

func ids(ms []*broker.Message) string {
	var out []string
	for _, m := range ms {
		out = append(out, m.MessageID)
	}
	return strings.Join(out, " ")
}

func sequences(ms []*broker.Message) []int64 {
	var out []int64
	for _, m := range ms {
		out = append(out, m.SequenceNumber)
	}
	slices.Sort(out)
	return out
}

const (
	dlq      = broker.DeadLetterSuffix
	transfer = broker.TransferDeadLetterSuffix
)
