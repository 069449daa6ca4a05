package servicebus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus/broker"
)

// Each test shows what a client on the Go SDK sees of a fault.

func message(body string) *azservicebus.Message { return &azservicebus.Message{Body: []byte(body)} }

// briefly is a context for a call that never gets its answer.
func (s *stand) briefly() context.Context { return s.within(100 * time.Millisecond) }

func (s *stand) within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(s.ctx, d)
	s.t.Cleanup(cancel)
	return ctx
}

// A sender and a receiver whose links are detached with a condition that may pass build them anew and notice nothing; one
// that is told that it has no right stays broken.
func TestDetach(t *testing.T) {
	s := newStand(t)
	sender, receiver := s.sender("q"), s.receiver("q", nil)
	s.check(sender.SendMessage(s.ctx, message("1"), nil))
	first := s.one(receiver)
	if n := s.Faults().Detach("Q", "amqp:link:detach-forced", "for a test"); n != 2 {
		t.Errorf("%d links detached, want 2", n)
	}
	s.check(sender.SendMessage(s.ctx, message("2"), nil))
	s.check(receiver.CompleteMessage(s.ctx, first, nil)) // by lock token, for the link is another
	s.check(receiver.CompleteMessage(s.ctx, s.one(receiver), nil))
	s.counts("q", broker.Counts{})
	s.Faults().Detach("q", "amqp:unauthorized-access", "for a test")
	s.wantCode(sender.SendMessage(s.ctx, message("3"), nil), azservicebus.CodeUnauthorizedAccess)
}

// A sender whose connection is cut before it's told sends again: the message is there twice, or once where duplicates are
// detected.
func TestDropWhileSending(t *testing.T) {
	s := newStand(t)
	s.check(s.Broker().CreateQueue("once", broker.QueueProperties{DuplicateDetection: time.Minute}))
	for queue, want := range map[string]int{"q": 3, "once": 2} {
		sender := s.sender(queue)
		s.Faults().DropAfter(2)
		for _, id := range []string{"a", "b"} {
			m := message(id)
			m.MessageID = &id
			s.check(sender.SendMessage(s.ctx, m, nil))
		}
		s.counts(queue, broker.Counts{Active: want})
	}
}

// A receiver whose connection is cut goes on by itself, but what it had it can't settle: the SDK tries the dead link again
// and again, for half a minute or so. The message comes again when its lock ends.
func TestDropWhileReceiving(t *testing.T) {
	s := newStand(t)
	s.send("q", "1", "2")
	receiver := s.receiver("q", nil)
	s.Faults().DropAfter(1)
	completed := map[string]bool{}
	// Each time a little longer: on a busy machine a new connection takes more than the first wait.
	for wait := 100 * time.Millisecond; len(completed) < 2 && s.ctx.Err() == nil; wait *= 2 {
		msgs, err := receiver.ReceiveMessages(s.within(wait), 1, nil)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		for _, m := range msgs {
			if err = receiver.CompleteMessage(s.within(wait), m, nil); err == nil {
				completed[string(m.Body)] = true
			} else if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		if len(msgs) == 0 || err != nil {
			_, err := s.Faults().ExpireLocks("q")
			s.check(err)
		}
	}
	s.counts("q", broker.Counts{})
}

// A settlement that is lost never returns; the message comes again, unless only the answer was lost.
func TestLoseSettlements(t *testing.T) {
	s := newStand(t)
	s.send("q", "1")
	receiver := s.receiver("q", nil)
	m := s.one(receiver)
	s.Faults().LoseSettlements(1, false)
	if err := receiver.CompleteMessage(s.briefly(), m, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
	s.counts("q", broker.Counts{Locked: 1})
	_, err := s.Faults().ExpireLocks("q")
	s.check(err)
	m = s.one(receiver)
	if m.DeliveryCount != 2 {
		t.Errorf("delivery count %d, want 2", m.DeliveryCount)
	}
	s.Faults().LoseSettlements(1, true)
	if err := receiver.CompleteMessage(s.briefly(), m, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
	s.counts("q", broker.Counts{})
}

// A settlement that is late hangs, and holds until its time; one that comes after the lock's end fails.
func TestDelaySettlements(t *testing.T) {
	s := newStand(t)
	s.send("q", "1", "2")
	receiver := s.receiver("q", nil)
	m := s.one(receiver)
	s.Faults().DelaySettlements(10 * time.Millisecond)
	s.check(receiver.CompleteMessage(s.ctx, m, nil))
	s.counts("q", broker.Counts{Active: 1})
	m = s.one(receiver)
	s.Faults().DelaySettlements(time.Hour)
	if err := receiver.CompleteMessage(s.briefly(), m, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
	s.counts("q", broker.Counts{Locked: 1})
}

// A busy server is tried again; when it stays busy the sender is told so, without a code.
func TestServerBusy(t *testing.T) {
	s := newStand(t)
	sender := s.sender("q")
	s.check(sender.SendMessage(s.ctx, message("1"), nil))
	s.Faults().ServerBusy(time.Minute)
	err := sender.SendMessage(s.ctx, message("2"), nil)
	var told *amqp.Error
	if !errors.As(err, &told) || told.Condition != "com.microsoft:server-busy" {
		t.Fatalf("error %v, want server-busy", err)
	}
	if _, err = s.receiver("q", nil).PeekMessages(s.ctx, 1, nil); err == nil {
		t.Error("a busy server answered a request")
	}
	s.clock.Move(2 * time.Minute)
	s.check(sender.SendMessage(s.ctx, message("3"), nil))
	s.counts("q", broker.Counts{Active: 2})
}

// A lock that ends early is lost to its holder, and the message comes again.
func TestExpireLocks(t *testing.T) {
	s := newStand(t)
	s.send("q", "1")
	receiver := s.receiver("q", nil)
	m := s.one(receiver)
	if n, err := s.Faults().ExpireLocks("q"); n != 1 || err != nil {
		t.Errorf("%d locks expired, want 1; %v", n, err)
	}
	s.wantCode(receiver.CompleteMessage(s.ctx, m, nil), azservicebus.CodeLockLost)
	if m = s.one(receiver); m.DeliveryCount != 2 {
		t.Errorf("delivery count %d, want 2", m.DeliveryCount)
	}
	if _, err := s.Faults().ExpireLocks("nowhere"); !errors.Is(err, broker.ErrNotFound) {
		t.Errorf("error %v, want not found", err)
	}
}

// A client whose token is refused is told that it's unauthorised, and doesn't try again; links that are open go on.
func TestRefuseAuth(t *testing.T) {
	s := newStand(t)
	open := s.sender("q")
	s.check(open.SendMessage(s.ctx, message("1"), nil))
	s.Faults().RefuseAuth(true)
	other, err := s.dial().NewSender("q", nil)
	s.check(err)
	s.wantCode(other.SendMessage(s.ctx, message("2"), nil), azservicebus.CodeUnauthorizedAccess)
	s.check(open.SendMessage(s.ctx, message("3"), nil))
	s.Faults().Calm()
	again, err := s.dial().NewSender("q", nil)
	s.check(err)
	s.check(again.SendMessage(s.ctx, message("4"), nil))
	s.counts("q", broker.Counts{Active: 3})
}

// What is settled by lock token, as a deferred message is, gets lost and late as what is settled on a link.
func TestSettlementsByLockTokenAreDisturbed(t *testing.T) {
	s := newStand(t)
	s.send("q", "1")
	receiver := s.receiver("q", nil)
	m := s.one(receiver)
	s.check(receiver.DeferMessage(s.ctx, m, nil))
	again := func() *azservicebus.ReceivedMessage {
		t.Helper()
		_, err := s.Faults().ExpireLocks("q")
		s.check(err)
		msgs, err := receiver.ReceiveDeferredMessages(s.ctx, []int64{*m.SequenceNumber}, nil)
		s.check(err)
		if len(msgs) != 1 {
			t.Fatalf("%d deferred messages, want one", len(msgs))
		}
		return msgs[0]
	}
	hangs := func(deferred *azservicebus.ReceivedMessage) {
		t.Helper()
		if err := receiver.CompleteMessage(s.briefly(), deferred, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
	}
	deferred := again()
	s.Faults().LoseSettlements(1, false)
	hangs(deferred)
	s.counts("q", broker.Counts{Locked: 1})
	deferred = again()
	s.Faults().DelaySettlements(time.Hour)
	hangs(deferred)
	s.counts("q", broker.Counts{Locked: 1})
	s.Faults().Calm()
	deferred = again()
	s.Faults().LoseSettlements(1, true)
	hangs(deferred)
	s.counts("q", broker.Counts{})
}
