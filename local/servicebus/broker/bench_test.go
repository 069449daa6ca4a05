package broker_test

import (
	"fmt"
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
)

func filled(tb testing.TB, n int, ttl time.Duration) *broker.Broker {
	b := broker.New(broker.Options{})
	if err := b.CreateQueue("q", broker.QueueProperties{}); err != nil {
		tb.Fatal(err)
	}
	for range n {
		if err := b.Send("q", &broker.Message{MessageID: "m", TTL: ttl}); err != nil {
			tb.Fatal(err)
		}
	}
	return b
}

// BenchmarkSendReceiveComplete is one message's whole way, with so many others stored, each of which has an end.
func BenchmarkSendReceiveComplete(b *testing.B) {
	for _, stored := range []int{0, 1_000, 1_000_000} {
		b.Run(fmt.Sprint("stored=", stored), func(b *testing.B) {
			q := filled(b, stored, 1000*time.Hour)
			body := make([]byte, 1024)
			b.ReportAllocs()
			for b.Loop() {
				if err := q.Send("q", &broker.Message{MessageID: "m", Body: body, TTL: 1000 * time.Hour}); err != nil {
					b.Fatal(err)
				}
				ms, err := q.Receive("q", 1, broker.PeekLock)
				if err != nil || len(ms) != 1 {
					b.Fatal(err)
				}
				if err := q.Settle("q", ms[0].LockToken, broker.Disposition{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReceive100 takes 100 of 1,000 messages and gives them back.
func BenchmarkReceive100(b *testing.B) {
	q := filled(b, 1000, 0)
	b.ReportAllocs()
	for b.Loop() {
		ms, err := q.Receive("q", 100, broker.PeekLock)
		if err != nil || len(ms) != 100 {
			b.Fatal(err)
		}
		for _, m := range ms {
			if err := q.Settle("q", m.LockToken, broker.Disposition{Kind: broker.Defer}); err != nil {
				b.Fatal(err)
			}
			if _, err := q.ReceiveDeferred("q", []int64{m.SequenceNumber}, broker.ReceiveAndDelete); err != nil {
				b.Fatal(err)
			}
			if err := q.Send("q", m); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkPeek looks at the last of a million messages.
func BenchmarkPeek(b *testing.B) {
	q := filled(b, 1_000_000, 0)
	for b.Loop() {
		if ms, err := q.Peek("q", 999_999, 10); err != nil || len(ms) != 2 {
			b.Fatal(len(ms), err)
		}
	}
}

// BenchmarkFanOut sends through a topic to one of 20 subscriptions that forward.
func BenchmarkFanOut(b *testing.B) {
	q := broker.New(broker.Options{})
	if err := q.CreateTopic("t", broker.TopicProperties{DuplicateDetection: time.Minute}); err != nil {
		b.Fatal(err)
	}
	for i := range 20 {
		name := fmt.Sprint("q", i)
		if err := q.CreateQueue(name, broker.QueueProperties{}); err != nil {
			b.Fatal(err)
		}
		rules := []broker.Rule{{Name: "r", SQL: fmt.Sprintf(`[cloudEvents:type] LIKE 'fno.type\_%d%%' ESCAPE '\' AND [cloudEvents:source] = '/fno/demf'`, i)}}
		if err := q.CreateSubscription("t", name, broker.SubscriptionProperties{ForwardTo: name, Rules: rules}); err != nil {
			b.Fatal(err)
		}
	}
	properties := map[string]any{"cloudEvents:type": "fno.type_7x", "cloudEvents:source": "/fno/demf", "cloudEvents:id": "x"}
	b.ReportAllocs()
	for b.Loop() {
		if err := q.Send("t", &broker.Message{Properties: properties}); err != nil {
			b.Fatal(err)
		}
		if ms, err := q.Receive("q7", 1, broker.ReceiveAndDelete); err != nil || len(ms) != 1 {
			b.Fatal(len(ms), err)
		}
	}
}

// BenchmarkNextSession accepts the next session, completes its message and gives it back, with so many others waiting.
func BenchmarkNextSession(b *testing.B) {
	for _, others := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprint("others=", others), func(b *testing.B) {
			q := broker.New(broker.Options{})
			if err := q.CreateQueue("s", broker.QueueProperties{RequiresSession: true}); err != nil {
				b.Fatal(err)
			}
			send := func(n int) {
				if err := q.Send("s", &broker.Message{MessageID: "m", SessionID: fmt.Sprint("session-", n)}); err != nil {
					b.Fatal(err)
				}
			}
			for n := range others {
				send(n)
			}
			b.ReportAllocs()
			n := others
			for b.Loop() {
				send(n)
				n++
				lock, ok, err := q.AcceptNextSession("s")
				if err != nil || !ok {
					b.Fatal(ok, err)
				}
				ms, err := q.ReceiveFromSession("s", lock.Token, 1, broker.ReceiveAndDelete)
				if err != nil || len(ms) != 1 {
					b.Fatal(err)
				}
				if err := q.ReleaseSession("s", lock.Token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
