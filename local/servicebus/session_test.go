package servicebus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus/broker"
)

// newSessionStand is a stand whose queue "s" has sessions.
func newSessionStand(t *testing.T) *stand {
	t.Helper()
	s := newStand(t)
	s.check(s.Broker().CreateQueue("s", broker.QueueProperties{RequiresSession: true, MaxDeliveryCount: 3}))
	return s
}

// sendTo sends messages of one session.
func (s *stand) sendTo(entity, session string, bodies ...string) {
	s.t.Helper()
	sender := s.sender(entity)
	for _, b := range bodies {
		s.check(sender.SendMessage(s.ctx, &azservicebus.Message{Body: []byte(b), SessionID: &session}, nil))
	}
	s.check(sender.Close(s.ctx))
}

func (s *stand) accept(queue, session string) *azservicebus.SessionReceiver {
	s.t.Helper()
	r, err := s.AcceptSessionForQueue(s.ctx, queue, session, nil)
	s.check(err)
	return r
}

// acceptNext waits half a second at most.
func (s *stand) acceptNext(queue string) (*azservicebus.SessionReceiver, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 500*time.Millisecond)
	defer cancel()
	return s.AcceptNextSessionForQueue(ctx, queue, nil)
}

// bodies receives n messages of a session and completes them.
func (s *stand) bodies(r *azservicebus.SessionReceiver, n int) []string {
	s.t.Helper()
	var out []string
	for len(out) < n && s.ctx.Err() == nil {
		msgs, err := r.ReceiveMessages(s.ctx, n-len(out), nil)
		s.check(err)
		for _, m := range msgs {
			if *m.SessionID != r.SessionID() {
				s.t.Errorf("a message of session %q came to the holder of %q", *m.SessionID, r.SessionID())
			}
			s.check(r.CompleteMessage(s.ctx, m, nil))
			out = append(out, string(m.Body))
		}
	}
	return out
}

func refusedWith(err error, condition string) bool {
	var refused *amqp.Error
	return errors.As(err, &refused) && string(refused.Condition) == condition
}

func timedOut(err error) bool {
	var told *azservicebus.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &told) && told.Code == azservicebus.CodeTimeout
}

func TestSessionIsReceivedInOrder(t *testing.T) {
	s := newSessionStand(t)
	s.sendTo("s", "a", "a1", "a2")
	s.sendTo("s", "b", "b1")
	s.sendTo("s", "a", "a3")
	b := s.accept("s", "b")
	a, err := s.acceptNext("s")
	s.check(err)
	if a.SessionID() != "a" || !a.LockedUntil().Equal(s.clock.Now().Add(time.Minute)) {
		t.Errorf("session %q until %v", a.SessionID(), a.LockedUntil())
	}
	if got := s.bodies(a, 3); !slices.Equal(got, []string{"a1", "a2", "a3"}) {
		t.Errorf("received %q", got)
	}
	if got := s.bodies(b, 1); !slices.Equal(got, []string{"b1"}) {
		t.Errorf("received %q", got)
	}
	s.counts("s", broker.Counts{})
}

func TestSessionHasOneHolder(t *testing.T) {
	s := newSessionStand(t)
	s.sendTo("s", "a", "1")
	a := s.accept("s", "a")
	for _, other := range []*azservicebus.Client{s.Client, s.dial()} {
		if _, err := other.AcceptSessionForQueue(s.ctx, "s", "a", nil); !refusedWith(err, "com.microsoft:session-cannot-be-locked") {
			t.Errorf("accept of a locked session: %v", err)
		}
	}
	if _, err := s.acceptNext("s"); !timedOut(err) {
		t.Errorf("no session is free, but accept says %v", err)
	}
	s.check(a.Close(s.ctx))
	again := s.accept("s", "a")
	if got := s.bodies(again, 1); !slices.Equal(got, []string{"1"}) {
		t.Errorf("received %q", got)
	}
}

func TestSessionEndsWithItsConnection(t *testing.T) {
	s := newSessionStand(t)
	s.sendTo("s", "a", "1")
	client := s.dial()
	held, err := client.AcceptSessionForQueue(s.ctx, "s", "a", nil)
	s.check(err)
	if msgs, err := held.ReceiveMessages(s.ctx, 1, nil); err != nil || len(msgs) != 1 {
		t.Fatalf("%d messages, %v", len(msgs), err)
	}
	s.check(client.Close(s.ctx))
	r, err := s.AcceptNextSessionForQueue(s.ctx, "s", nil)
	s.check(err)
	msgs, err := r.ReceiveMessages(s.ctx, 1, nil)
	s.check(err)
	if len(msgs) != 1 || msgs[0].DeliveryCount != 1 {
		t.Errorf("received %+v", msgs)
	}
}

func TestNextSessionIsWaitedFor(t *testing.T) {
	s := newSessionStand(t)
	accepted := make(chan string, 1)
	go func() {
		r, err := s.AcceptNextSessionForQueue(s.ctx, "s", nil)
		if err != nil {
			accepted <- err.Error()
			return
		}
		accepted <- r.SessionID()
	}()
	s.sendTo("s", "late", "1")
	if got := <-accepted; got != "late" {
		t.Errorf("accepted %q", got)
	}
}

func TestBlankSessionID(t *testing.T) {
	s := newSessionStand(t)
	s.sendTo("s", "", "1")
	r := s.accept("s", "")
	if got := s.bodies(r, 1); r.SessionID() != "" || !slices.Equal(got, []string{"1"}) {
		t.Errorf("session %q gave %q", r.SessionID(), got)
	}
}

func TestSessionIsAskedForAndGivenWhereItHasTo(t *testing.T) {
	s := newSessionStand(t)
	if err := s.sender("s").SendMessage(s.ctx, &azservicebus.Message{}, nil); !refusedWith(err, "amqp:not-allowed") || !strings.Contains(err.Error(), "SessionId was not set") {
		t.Errorf("send without a session: %v", err)
	}
	if _, err := s.receiver("s", nil).ReceiveMessages(s.ctx, 1, nil); !refusedWith(err, "amqp:not-allowed") || !strings.Contains(err.Error(), "non-sessionful") {
		t.Errorf("receive without a session: %v", err)
	}
	if _, err := s.dial().AcceptSessionForQueue(s.ctx, "q", "a", nil); !refusedWith(err, "amqp:not-allowed") {
		t.Errorf("a session where there are none: %v", err)
	}
	if _, err := s.dial().AcceptSessionForQueue(s.ctx, "nowhere", "a", nil); err == nil {
		t.Error("a session of a queue that isn't there")
	}
}

func TestSessionState(t *testing.T) {
	s := newSessionStand(t)
	r := s.accept("s", "a")
	wants := func(want []byte) {
		t.Helper()
		got, err := r.GetSessionState(s.ctx, nil)
		s.check(err)
		if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("state %q, want %q", got, want)
		}
	}
	wants(nil)
	s.check(r.SetSessionState(s.ctx, []byte("half done"), nil))
	wants([]byte("half done"))
	s.check(r.Close(s.ctx))
	r = s.accept("s", "a")
	wants([]byte("half done"))
	s.check(r.SetSessionState(s.ctx, []byte{}, nil))
	wants(nil)
	s.check(r.SetSessionState(s.ctx, []byte("x"), nil))
	s.check(r.SetSessionState(s.ctx, nil, nil))
	wants(nil)
}

func TestSessionLockIsRenewed(t *testing.T) {
	s := newSessionStand(t)
	s.sendTo("s", "a", "1")
	r := s.accept("s", "a")
	msgs, err := r.ReceiveMessages(s.ctx, 1, nil)
	s.check(err)
	s.clock.Move(50 * time.Second)
	s.check(r.RenewSessionLock(s.ctx, nil))
	if want := s.clock.Now().Add(time.Minute); !r.LockedUntil().Equal(want) {
		t.Errorf("locked until %v, want %v", r.LockedUntil(), want)
	}
	s.clock.Move(50 * time.Second)
	s.Advance()
	s.check(r.CompleteMessage(s.ctx, msgs[0], nil))
	s.counts("s", broker.Counts{})
}

func TestSessionLockExpires(t *testing.T) {
	s := newSessionStand(t)
	s.sendTo("s", "a", "1", "2")
	r := s.accept("s", "a")
	msgs, err := r.ReceiveMessages(s.ctx, 1, nil)
	s.check(err)
	s.clock.Move(time.Minute)
	s.Advance()
	s.counts("s", broker.Counts{Active: 2})
	other, err := s.dial().AcceptSessionForQueue(s.ctx, "s", "a", nil)
	s.check(err)
	again, err := other.ReceiveMessages(s.ctx, 1, nil)
	s.check(err)
	if string(again[0].Body) != "1" || again[0].DeliveryCount != 2 {
		t.Errorf("%q came with count %d", again[0].Body, again[0].DeliveryCount)
	}
	if err := r.CompleteMessage(s.ctx, msgs[0], nil); err == nil {
		t.Error("the old holder completed a message")
	}
	s.check(other.CompleteMessage(s.ctx, again[0], nil))
	s.check(other.Close(s.ctx))
}

func TestSessionSettlements(t *testing.T) {
	s := newSessionStand(t)
	s.sendTo("s", "a", "defer", "dead", "abandon")
	r := s.accept("s", "a")
	next := func() *azservicebus.ReceivedMessage {
		t.Helper()
		for {
			msgs, err := r.ReceiveMessages(s.ctx, 1, nil)
			s.check(err)
			if len(msgs) == 1 {
				return msgs[0]
			}
		}
	}
	put := next()
	s.check(r.DeferMessage(s.ctx, put, nil))
	s.check(r.DeadLetterMessage(s.ctx, next(), &azservicebus.DeadLetterOptions{Reason: to.Ptr("r"), ErrorDescription: to.Ptr("d")}))
	s.check(r.AbandonMessage(s.ctx, next(), nil))
	if m := next(); string(m.Body) != "abandon" || m.DeliveryCount != 2 {
		t.Errorf("%q with count %d", m.Body, m.DeliveryCount)
	} else {
		s.check(r.CompleteMessage(s.ctx, m, nil))
	}
	back, err := r.ReceiveDeferredMessages(s.ctx, []int64{*put.SequenceNumber}, nil)
	s.check(err)
	if len(back) != 1 || string(back[0].Body) != "defer" {
		t.Fatalf("deferred: %+v", back)
	}
	s.check(r.CompleteMessage(s.ctx, back[0], nil))

	dead := s.receiver("s", &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
	m := s.one(dead)
	if string(m.Body) != "dead" || *m.SessionID != "a" || *m.DeadLetterReason != "r" {
		t.Errorf("dead letter %+v", m)
	}
	s.check(dead.CompleteMessage(s.ctx, m, nil))
	s.counts("s", broker.Counts{})
}

func TestSessionReceiveAndDelete(t *testing.T) {
	s := newSessionStand(t)
	s.sendTo("s", "a", "1", "2")
	r, err := s.AcceptSessionForQueue(s.ctx, "s", "a", &azservicebus.SessionReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	s.check(err)
	for _, want := range []string{"1", "2"} {
		msgs, err := r.ReceiveMessages(s.ctx, 1, nil)
		s.check(err)
		if string(msgs[0].Body) != want {
			t.Errorf("%q came, want %q", msgs[0].Body, want)
		}
	}
	s.counts("s", broker.Counts{})
}

func TestScheduledIntoSession(t *testing.T) {
	s := newSessionStand(t)
	_, err := s.sender("s").ScheduleMessages(s.ctx, []*azservicebus.Message{{Body: []byte("soon"), SessionID: to.Ptr("a")}}, s.clock.Now().Add(time.Hour), nil)
	s.check(err)
	r := s.accept("s", "a")
	s.clock.Move(30 * time.Second) // the session's lock stays
	s.check(r.RenewSessionLock(s.ctx, nil))
	peeked, err := r.PeekMessages(s.ctx, 5, nil)
	s.check(err)
	if len(peeked) != 1 || peeked[0].State != azservicebus.MessageStateScheduled {
		t.Errorf("peeked %+v", peeked)
	}
	s.check(r.Close(s.ctx))
	s.clock.Move(time.Hour)
	s.Advance()
	if got := s.bodies(s.accept("s", "a"), 1); !slices.Equal(got, []string{"soon"}) {
		t.Errorf("received %q", got)
	}
}

func TestSessionsAreListed(t *testing.T) {
	s := newSessionStand(t)
	var want []string
	sender := s.sender("s")
	for i := range 120 {
		id := fmt.Sprintf("session-%03d", i)
		want = append(want, id)
		s.check(sender.SendMessage(s.ctx, &azservicebus.Message{SessionID: &id}, nil))
	}
	before := s.clock.Now().Add(-time.Second)
	r := s.accept("s", "state-only")
	s.check(r.SetSessionState(s.ctx, []byte("x"), nil))
	s.check(r.Close(s.ctx))
	list := func(o *azservicebus.ListSessionsOptions) (out []string) {
		t.Helper()
		pager := s.NewListSessionsForQueuePager("s", o)
		for pager.More() {
			page, err := pager.NextPage(s.ctx)
			s.check(err)
			out = append(out, page.Sessions...)
		}
		return out
	}
	if got := list(nil); !slices.Equal(got, append(want, "state-only")) {
		t.Errorf("sessions %q", got)
	}
	if got := list(&azservicebus.ListSessionsOptions{SessionStateUpdatedAfter: &before}); !slices.Equal(got, []string{"state-only"}) {
		t.Errorf("sessions with a state set since: %q", got)
	}
	if got := list(&azservicebus.ListSessionsOptions{SessionStateUpdatedAfter: to.Ptr(s.clock.Now())}); len(got) != 0 {
		t.Errorf("sessions with a state set later: %q", got)
	}
}

func TestSubscriptionWithSessions(t *testing.T) {
	s := newStand(t)
	s.check(s.Broker().CreateTopic("t", broker.TopicProperties{}))
	s.check(s.Broker().CreateSubscription("t", "sub", broker.SubscriptionProperties{RequiresSession: true}))
	s.sendTo("t", "a", "1")
	s.send("t", "without")
	r, err := s.AcceptNextSessionForSubscription(s.ctx, "t", "sub", nil)
	s.check(err)
	if got := s.bodies(r, 1); r.SessionID() != "a" || !slices.Equal(got, []string{"1"}) {
		t.Errorf("session %q gave %q", r.SessionID(), got)
	}
	dead, err := s.NewReceiverForSubscription("t", "sub", &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
	s.check(err)
	if m := s.one(dead); string(m.Body) != "without" || *m.DeadLetterReason != broker.ReasonNoSession {
		t.Errorf("dead letter %q for %q", m.Body, *m.DeadLetterReason)
	}
}

// TestSessionsAmongManyReceivers lets several clients take whichever session is free, and give it back after a few
// messages, until all are done: each session's messages come in order and to one holder at a time.
func TestSessionsAmongManyReceivers(t *testing.T) {
	const sessions, messages, workers = 8, 12, 4
	s := newSessionStand(t)
	sender := s.sender("s")
	for i := range messages {
		for n := range sessions {
			s.check(sender.SendMessage(s.ctx, &azservicebus.Message{Body: fmt.Append(nil, i), SessionID: to.Ptr(fmt.Sprint(n))}, nil))
		}
	}
	var mu sync.Mutex
	holder, next, left := map[string]bool{}, map[string]int{}, sessions*messages
	done := make(chan struct{})
	work := func(client *azservicebus.Client) error {
		for {
			ctx, cancel := context.WithTimeout(s.ctx, time.Second)
			r, err := client.AcceptNextSessionForQueue(ctx, "s", nil)
			cancel()
			select {
			case <-done:
				return nil
			default:
			}
			if timedOut(err) {
				continue
			}
			if err != nil {
				return err
			}
			mu.Lock()
			if holder[r.SessionID()] {
				t.Errorf("session %s has two holders", r.SessionID())
			}
			holder[r.SessionID()] = true
			mu.Unlock()
			msgs, err := r.ReceiveMessages(s.ctx, 3, nil)
			if err != nil {
				return err
			}
			for _, m := range msgs {
				if err := r.CompleteMessage(s.ctx, m, nil); err != nil {
					return err
				}
				mu.Lock()
				if want := fmt.Sprint(next[r.SessionID()]); string(m.Body) != want {
					t.Errorf("session %s gave message %s, want %s", r.SessionID(), m.Body, want)
				}
				next[r.SessionID()]++
				if left--; left == 0 {
					close(done)
				}
				mu.Unlock()
			}
			mu.Lock()
			holder[r.SessionID()] = false
			mu.Unlock()
			if err := r.Close(s.ctx); err != nil {
				return err
			}
		}
	}
	failed := make(chan error, workers)
	for range workers {
		client := s.dial()
		go func() { failed <- work(client) }()
	}
	for range workers {
		s.check(<-failed)
	}
	s.counts("s", broker.Counts{})
}
