package broker

import (
	"errors"
	"reflect"
	"testing"
	"time"
)

func TestUpdateQueueChangesWhatComesAfter(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	b := New(Options{Now: func() time.Time { return now }})
	if err := b.CreateQueue("target", QueueProperties{}); err != nil {
		t.Fatal(err)
	}
	if err := b.CreateQueue("q", QueueProperties{LockDuration: 10 * time.Second, DuplicateDetection: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if err := b.Send("q", &Message{MessageID: "a"}, &Message{MessageID: "b"}); err != nil {
		t.Fatal(err)
	}
	before, err := b.Receive("q", 1, PeekLock)
	if err != nil || len(before) != 1 {
		t.Fatal(before, err)
	}
	now = now.Add(time.Second)
	want := QueueProperties{
		LockDuration: 20 * time.Second, DefaultTTL: time.Hour, MaxDeliveryCount: 3, DuplicateDetection: 2 * time.Minute,
		DeadLetterOnExpiry: true, ForwardDeadLetteredTo: "target", MaxSize: 1 << 20, MaxMessageSize: 1000,
		Metadata: map[string]string{"UserMetadata": "x"},
	}
	if err := b.UpdateQueue("Q", want); err != nil {
		t.Fatal(err)
	}
	after, err := b.Receive("q", 1, PeekLock)
	if err != nil || len(after) != 1 {
		t.Fatal(after, err)
	}
	if got := before[0].LockedUntil.Sub(now); got != 9*time.Second {
		t.Errorf("the lock there was ends in %v", got)
	}
	if got := after[0].LockedUntil.Sub(now); got != 20*time.Second {
		t.Errorf("the new lock ends in %v", got)
	}
	d, err := b.Describe("q")
	if err != nil || !reflect.DeepEqual(*d.Queue, want) {
		t.Errorf("%+v, %v\nwant %+v", d.Queue, err, want)
	}
	if !d.Updated.Equal(now) || !d.Created.Equal(now.Add(-time.Second)) || !d.Accessed.Equal(now) {
		t.Errorf("created %v, updated %v, accessed %v", d.Created, d.Updated, d.Accessed)
	}
	if err := b.Send("q", &Message{Size: 1001}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a message over the entity's own limit: %v", err)
	}
	if err := b.Settle("q", after[0].LockToken, Disposition{Kind: DeadLetter}); err != nil {
		t.Fatal(err)
	}
	if c, _ := b.Counts("target"); c.Active != 1 {
		t.Errorf("the dead letter wasn't forwarded: %+v", c)
	}
}

func TestUpdateRefuses(t *testing.T) {
	b := New(Options{})
	for _, err := range []error{
		b.CreateQueue("q", QueueProperties{}), b.CreateTopic("t", TopicProperties{}),
		b.CreateSubscription("t", "s", SubscriptionProperties{}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ err, want error }{
		"sessions":           {b.UpdateQueue("q", QueueProperties{RequiresSession: true}), ErrInvalid},
		"duplicates":         {b.UpdateQueue("q", QueueProperties{DuplicateDetection: time.Minute}), ErrInvalid},
		"topic's duplicates": {b.UpdateTopic("t", TopicProperties{DuplicateDetection: time.Minute}), ErrInvalid},
		"long lock":          {b.UpdateQueue("q", QueueProperties{LockDuration: time.Hour}), ErrInvalid},
		"forward to nowhere": {b.UpdateSubscription("t", "s", SubscriptionProperties{ForwardTo: "none"}), ErrNotFound},
		"no queue":           {b.UpdateQueue("t", QueueProperties{}), ErrNotAllowed},
		"missing":            {b.UpdateTopic("none", TopicProperties{}), ErrNotFound},
		"sub-queue":          {b.UpdateQueue("q/$DeadLetterQueue", QueueProperties{}), ErrNotAllowed},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
	d, err := b.Describe("q")
	if err != nil || d.Queue.LockDuration != DefaultLockDuration {
		t.Errorf("a refused update left its mark: %+v, %v", d.Queue, err)
	}
}

func TestDescribe(t *testing.T) {
	b := New(Options{})
	for _, err := range []error{
		b.CreateTopic("B", TopicProperties{}), b.CreateTopic("a", TopicProperties{}), b.CreateTopic("c", TopicProperties{}),
		b.CreateSubscription("a", "s", SubscriptionProperties{Rules: []Rule{
			{Name: "1", Correlation: &CorrelationFilter{Subject: "x"}}, {Name: "2", SQL: "x = 1"}, {Name: "3"},
		}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	d, err := b.Describe("a")
	if err != nil || d.Subscriptions != 1 || d.SQLFilters != 2 || d.CorrelationFilters != 1 || d.Topic == nil {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := b.Describe("a/Subscriptions/s/$DeadLetterQueue"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a sub-queue: %v", err)
	}
	var paths []string
	for _, d := range append(b.Topics(0, 2), b.Topics(2, 5)...) {
		paths = append(paths, d.Path)
	}
	if want := []string{"a", "B", "c"}; !reflect.DeepEqual(paths, want) {
		t.Errorf("%q, want %q", paths, want)
	}
	if got := b.Queues(0, 10); len(got) != 0 {
		t.Errorf("queues: %+v", got)
	}
	if got := b.Topics(-1, -1); len(got) != 0 {
		t.Errorf("a page of nothing: %+v", got)
	}
	if _, err := b.Subscriptions("none", 0, 1); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
