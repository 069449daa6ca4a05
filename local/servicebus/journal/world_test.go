package journal_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosswalk/local/servicebus/broker"
	"crosswalk/local/servicebus/sbwire"
)

var epoch = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

const (
	dlq      = broker.DeadLetterSuffix
	transfer = broker.TransferDeadLetterSuffix
)

// addresses are all that a test's broker may have.
var addresses = []string{
	"q", "q" + dlq, "q" + transfer, "other", "other" + dlq, "t", "t/Subscriptions/all", "t/Subscriptions/all" + dlq,
	"t/Subscriptions/red", "t/Subscriptions/red" + dlq, "late", "late" + dlq,
	"s", "s" + dlq,
}

// noSync is for tests in which nothing crashes.
func noSync(*os.File) error { return nil }

// frames is a journal in memory.
type frames struct {
	all [][]byte
	err error
}

func (f *frames) Append(frame []byte) { f.all = append(f.all, slices.Clone(frame)) }
func (f *frames) Fail(err error)      { f.err = errors.Join(f.err, err) }

// clock is a clock that stands still.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func newBroker(now func() time.Time, j broker.Journal) *broker.Broker {
	return broker.New(broker.Options{Now: now, Journal: j, Codec: sbwire.Codec{}})
}

// populate makes the entities of the tests.
func populate(b *broker.Broker) error {
	return errors.Join(
		b.CreateQueue("q", broker.QueueProperties{MaxDeliveryCount: 3, DuplicateDetection: 10 * time.Minute, DeadLetterOnExpiry: true}),
		b.CreateQueue("other", broker.QueueProperties{LockDuration: 30 * time.Second}),
		b.CreateQueue("s", broker.QueueProperties{RequiresSession: true, MaxDeliveryCount: 2, Metadata: map[string]string{"k": "v"}}),
		b.CreateTopic("t", broker.TopicProperties{DuplicateDetection: time.Minute}),
		b.CreateSubscription("t", "all", broker.SubscriptionProperties{ForwardDeadLetteredTo: "other"}),
		b.CreateSubscription("t", "red", broker.SubscriptionProperties{ForwardTo: "q", Rules: []broker.Rule{
			{Name: "r", Correlation: &broker.CorrelationFilter{Properties: map[string]any{"n": int64(1)}}},
			{Name: "s", SQL: "colour = 'red'"},
		}}),
	)
}

// view is everything that can be seen at one address.
type view struct {
	Counts   broker.Counts
	Messages []broker.Message
	State    string // of a session
}

// look shows the whole broker.
func look(b *broker.Broker) map[string]view {
	out := map[string]view{}
	for _, address := range addresses {
		counts, err := b.Counts(address)
		if err != nil {
			continue
		}
		v := view{Counts: counts}
		ms, _ := b.Peek(address, 0, 10_000) // disabled: only counted
		for _, m := range ms {
			v.Messages = append(v.Messages, *m)
		}
		out[address] = v
	}
	for _, id := range sessionIDs {
		lock, err := b.AcceptSession("s", id)
		if err != nil {
			continue
		}
		state, _ := b.SessionState("s", lock.Token)
		out["session "+id] = view{State: string(state)}
		_ = b.ReleaseSession("s", lock.Token)
	}
	return out
}

var sessionIDs = []string{"", "a", "b"}

// same compares what two brokers show.
func same(want, got map[string]view) error {
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("the brokers differ (-want +got):\n%s", diff)
	}
	return nil
}

// future asks a broker for what isn't seen by looking: locks, duplicates, pauses, deadlines, numbers. It ends the broker's
// use.
func future(b *broker.Broker, c *clock, tokens map[[16]byte]string) []string {
	var out []string
	note := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, u := range slices.SortedFunc(maps.Keys(tokens), func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) }) {
		until, err := b.RenewLock(tokens[u], u)
		note("renew %x: %v %v", u, until.Unix(), err)
		if u[0]%2 == 0 {
			note("abandon %x: %v", u, b.Settle(tokens[u], u, broker.Disposition{Kind: broker.Abandon}))
		} else {
			note("release %x: %v", u, b.Settle(tokens[u], u, broker.Disposition{Kind: broker.Release}))
		}
	}
	buried := b.Send("s", &broker.Message{MessageID: "to bury", SessionID: "new"})
	if lock, err := b.AcceptSession("s", "new"); err == nil {
		ms, _ := b.ReceiveFromSession("s", lock.Token, 1, broker.PeekLock)
		for _, m := range ms {
			buried = b.Settle("s", m.LockToken, broker.Disposition{Kind: broker.DeadLetter})
		}
		_ = b.ReleaseSession("s", lock.Token)
	}
	note("buried: %v", buried)
	for i := range 6 {
		err := b.Send("q", &broker.Message{MessageID: fmt.Sprint("m", i)})
		note("send: %v, %v", err, b.Send("t", &broker.Message{MessageID: fmt.Sprint("m", i), Properties: map[string]any{"n": int64(i)}}))
	}
	for range 4 {
		next, ok := b.Advance()
		note("next %v %v, %v", next.UTC(), ok, look(b))
		if !ok {
			break
		}
		c.now = next
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
