package servicebus_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus/broker"
)

func TestMessageArrivesAsItWasSent(t *testing.T) {
	s := newStand(t)
	sent := &azservicebus.Message{
		Body: []byte("body"), MessageID: to.Ptr("id-1"), Subject: to.Ptr("subject"), ContentType: to.Ptr("application/json"),
		CorrelationID: to.Ptr("correlation"), To: to.Ptr("to"), ReplyTo: to.Ptr("reply"), ReplyToSessionID: to.Ptr("replysession"),
		PartitionKey: to.Ptr("part"), SessionID: to.Ptr("part"), TimeToLive: to.Ptr(time.Hour),
		ApplicationProperties: map[string]any{
			"cloudEvents:type": "fno.SalesInvoicePosted", "int": int64(1) << 60, "bool": true, "double": 1.5, "nothing": nil,
		},
	}
	s.check(s.sender("q").SendMessage(s.ctx, sent, nil))
	got := s.one(s.receiver("q", nil))
	back := got.Message()
	if !bytes.Equal(back.Body, sent.Body) || *back.Subject != "subject" || *back.ContentType != "application/json" ||
		*back.CorrelationID != "correlation" || *back.To != "to" || *back.ReplyTo != "reply" || *back.ReplyToSessionID != "replysession" ||
		*back.PartitionKey != "part" || *back.SessionID != "part" || *back.TimeToLive != time.Hour || got.MessageID != "id-1" {
		t.Errorf("got %+v", got)
	}
	if fmt.Sprint(got.ApplicationProperties) != fmt.Sprint(sent.ApplicationProperties) {
		t.Errorf("properties %v", got.ApplicationProperties)
	}
	now := s.clock.Now()
	if got.DeliveryCount != 1 || *got.SequenceNumber != 1 || !got.EnqueuedTime.Equal(now) || !got.LockedUntil.Equal(now.Add(time.Minute)) ||
		!got.ExpiresAt.Equal(now.Add(time.Hour)) || got.State != azservicebus.MessageStateActive {
		t.Errorf("got %+v", got)
	}
}

func TestBatchArrivesWhole(t *testing.T) {
	s := newStand(t)
	sender := s.sender("q")
	batch, err := sender.NewMessageBatch(s.ctx, nil)
	s.check(err)
	for i := range 50 {
		s.check(batch.AddMessage(&azservicebus.Message{Body: fmt.Append(nil, i), MessageID: to.Ptr(fmt.Sprint("id", i))}, nil))
	}
	s.check(sender.SendMessageBatch(s.ctx, batch, nil))
	r := s.receiver("q", &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	for i := range 50 {
		if m := s.one(r); string(m.Body) != fmt.Sprint(i) || m.MessageID != fmt.Sprint("id", i) {
			t.Fatalf("message %d is %s with id %s", i, m.Body, m.MessageID)
		}
	}
	s.counts("q", broker.Counts{})
}

func TestMessageOfSeveralFrames(t *testing.T) {
	s := newStand(t)
	body := bytes.Repeat([]byte("0123456789abcdef"), 240*1024/16)
	s.check(s.sender("q").SendMessage(s.ctx, &azservicebus.Message{Body: body}, nil))
	if m := s.one(s.receiver("q", nil)); !bytes.Equal(m.Body, body) {
		t.Errorf("%d bytes came, not the %d sent", len(m.Body), len(body))
	}
}

func TestSenderIsToldOfTooLargeMessage(t *testing.T) {
	s := newStand(t)
	sender := s.sender("q")
	large := &azservicebus.Message{Body: make([]byte, 256*1024)}
	if err := sender.SendMessage(s.ctx, large, nil); !errors.Is(err, azservicebus.ErrMessageTooLarge) {
		t.Errorf("send: %v", err)
	}
	// The SDK has no code of its own for a message that is too large to be scheduled.
	var refused *amqp.Error
	if _, err := sender.ScheduleMessages(s.ctx, []*azservicebus.Message{large}, s.clock.Now().Add(time.Hour), nil); !errors.As(err, &refused) || refused.Condition != amqp.ErrCondMessageSizeExceeded {
		t.Errorf("schedule: %v", err)
	}
	s.check(sender.SendMessage(s.ctx, &azservicebus.Message{Body: []byte("small")}, nil))
	s.counts("q", broker.Counts{Active: 1})
}

func TestSettlementOnTheLink(t *testing.T) {
	s := newStand(t)
	r := s.receiver("q", nil)

	s.send("q", "complete")
	s.check(r.CompleteMessage(s.ctx, s.one(r), nil))
	s.counts("q", broker.Counts{})

	s.send("q", "abandon")
	s.check(r.AbandonMessage(s.ctx, s.one(r), &azservicebus.AbandonMessageOptions{PropertiesToModify: map[string]any{"why": "busy"}}))
	again := s.one(r)
	if again.DeliveryCount != 2 || again.ApplicationProperties["why"] != "busy" {
		t.Errorf("after abandon: count %d, properties %v", again.DeliveryCount, again.ApplicationProperties)
	}
	s.check(r.CompleteMessage(s.ctx, again, nil))

	s.send("q", "defer")
	m := s.one(r)
	s.check(r.DeferMessage(s.ctx, m, &azservicebus.DeferMessageOptions{PropertiesToModify: map[string]any{"until": "later"}}))
	s.counts("q", broker.Counts{Deferred: 1})
	deferred, err := r.ReceiveDeferredMessages(s.ctx, []int64{*m.SequenceNumber}, nil)
	s.check(err)
	if len(deferred) != 1 || deferred[0].ApplicationProperties["until"] != "later" || deferred[0].State != azservicebus.MessageStateDeferred {
		t.Fatalf("deferred: %+v", deferred)
	}
	s.check(r.CompleteMessage(s.ctx, deferred[0], nil))

	s.send("q", "dead-letter")
	s.check(r.DeadLetterMessage(s.ctx, s.one(r), &azservicebus.DeadLetterOptions{
		Reason: to.Ptr("unknown-option"), ErrorDescription: to.Ptr("field creditonhold"), PropertiesToModify: map[string]any{"attempt": int64(3)},
	}))
	s.counts("q", broker.Counts{DeadLetter: 1})
	dead := s.receiver("q", &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
	m = s.one(dead)
	if *m.DeadLetterReason != "unknown-option" || *m.DeadLetterErrorDescription != "field creditonhold" || m.ApplicationProperties["attempt"] != int64(3) {
		t.Errorf("dead letter %+v", m)
	}
	s.check(dead.AbandonMessage(s.ctx, m, nil))
	m = s.one(dead)
	if m.DeliveryCount != 1 {
		t.Errorf("abandoning a dead letter raised its delivery count to %d", m.DeliveryCount)
	}
	s.check(dead.CompleteMessage(s.ctx, m, nil))
	s.counts("q", broker.Counts{})
}

func TestSecondSettlementOnTheLinkIsLockLost(t *testing.T) {
	s := newStand(t)
	s.send("q", "once")
	r := s.receiver("q", nil)
	m := s.one(r)
	s.check(s.Broker().Settle("q", m.LockToken, broker.Disposition{Kind: broker.Complete}))
	s.wantCode(r.CompleteMessage(s.ctx, m, nil), azservicebus.CodeLockLost)
}

func TestSettlementByLockTokenFromAnotherConnection(t *testing.T) {
	settle := map[string]struct {
		settle func(*stand, *azservicebus.Receiver, *azservicebus.ReceivedMessage) error
		want   broker.Counts
	}{
		"complete": {func(s *stand, r *azservicebus.Receiver, m *azservicebus.ReceivedMessage) error {
			return r.CompleteMessage(s.ctx, m, nil)
		}, broker.Counts{}},
		"abandon": {func(s *stand, r *azservicebus.Receiver, m *azservicebus.ReceivedMessage) error {
			return r.AbandonMessage(s.ctx, m, nil)
		}, broker.Counts{Active: 1}},
		"defer": {func(s *stand, r *azservicebus.Receiver, m *azservicebus.ReceivedMessage) error {
			return r.DeferMessage(s.ctx, m, nil)
		}, broker.Counts{Deferred: 1}},
		"dead-letter": {func(s *stand, r *azservicebus.Receiver, m *azservicebus.ReceivedMessage) error {
			return r.DeadLetterMessage(s.ctx, m, &azservicebus.DeadLetterOptions{Reason: to.Ptr("r"), ErrorDescription: to.Ptr("d")})
		}, broker.Counts{DeadLetter: 1}},
	}
	for name, c := range settle {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			s.send("q", "body")
			held := s.one(s.receiver("q", nil))
			other, err := s.dial().NewReceiverForQueue("q", nil)
			s.check(err)
			bare := &azservicebus.ReceivedMessage{LockToken: held.LockToken}
			s.check(c.settle(s, other, bare))
			s.counts("q", c.want)
			s.wantCode(c.settle(s, other, bare), azservicebus.CodeLockLost)
		})
	}
}

func TestLockRenewalAndExpiry(t *testing.T) {
	s := newStand(t)
	s.send("q", "body")
	r := s.receiver("q", nil)
	m := s.one(r)
	s.clock.Move(50 * time.Second)
	s.check(r.RenewMessageLock(s.ctx, m, nil))
	if want := s.clock.Now().Add(time.Minute); !m.LockedUntil.Equal(want) {
		t.Errorf("locked until %v, want %v", m.LockedUntil, want)
	}
	s.clock.Move(50 * time.Second)
	s.counts("q", broker.Counts{Locked: 1})
	s.clock.Move(11 * time.Second)
	again := s.one(r) // nothing but the clock wakes the waiting receiver
	if again.DeliveryCount != 2 {
		t.Errorf("delivery count %d after an expired lock", again.DeliveryCount)
	}
	s.wantCode(r.CompleteMessage(s.ctx, m, nil), azservicebus.CodeLockLost)
	s.wantCode(r.RenewMessageLock(s.ctx, m, nil), azservicebus.CodeLockLost)
	s.check(r.CompleteMessage(s.ctx, again, nil))
}

func TestTooManyDeliveriesEndInTheDeadLetterQueue(t *testing.T) {
	s := newStand(t)
	s.send("q", "poison")
	r := s.receiver("q", nil)
	for range 3 {
		s.check(r.AbandonMessage(s.ctx, s.one(r), nil))
	}
	m := s.one(s.receiver("q", &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter}))
	if *m.DeadLetterReason != broker.ReasonMaxDeliveryCount {
		t.Errorf("reason %s", *m.DeadLetterReason)
	}
}

func TestScheduling(t *testing.T) {
	s := newStand(t)
	sender := s.sender("q")
	at := s.clock.Now().Add(time.Hour)
	s.check(sender.SendMessage(s.ctx, &azservicebus.Message{Body: []byte("by annotation"), ScheduledEnqueueTime: &at}, nil))
	numbers, err := sender.ScheduleMessages(s.ctx, []*azservicebus.Message{{Body: []byte("by operation")}, {Body: []byte("cancelled")}}, at, nil)
	s.check(err)
	s.counts("q", broker.Counts{Scheduled: 3})
	s.check(sender.CancelScheduledMessages(s.ctx, numbers[1:], nil))
	s.counts("q", broker.Counts{Scheduled: 2})

	r := s.receiver("q", nil)
	peeked, err := r.PeekMessages(s.ctx, 10, nil)
	s.check(err)
	if len(peeked) != 2 || peeked[0].State != azservicebus.MessageStateScheduled || !peeked[0].ScheduledEnqueueTime.Equal(at) {
		t.Errorf("peeked %+v", peeked)
	}
	s.clock.Move(time.Hour)
	bodies := []string{string(s.one(r).Body), string(s.one(r).Body)}
	slices.Sort(bodies)
	if !slices.Equal(bodies, []string{"by annotation", "by operation"}) {
		t.Errorf("came: %v", bodies)
	}
}

func TestPeekChangesNothing(t *testing.T) {
	s := newStand(t)
	s.send("q", "a", "b", "c")
	r := s.receiver("q", nil)
	held := s.one(r)
	peeked, err := r.PeekMessages(s.ctx, 10, nil)
	s.check(err)
	if len(peeked) != 3 || string(peeked[2].Body) != "c" || peeked[0].MessageID != held.MessageID {
		t.Errorf("peeked %d messages", len(peeked))
	}
	if peeked, err = r.PeekMessages(s.ctx, 10, nil); err != nil || len(peeked) != 0 {
		t.Errorf("peek goes on behind the last one: %d messages, %v", len(peeked), err)
	}
	s.counts("q", broker.Counts{Active: 2, Locked: 1})
}

func TestReceiveAndDelete(t *testing.T) {
	s := newStand(t)
	s.send("q", "a", "b")
	r := s.receiver("q", &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	if m := s.one(r); string(m.Body) != "a" {
		t.Errorf("came %s", m.Body)
	}
	s.counts("q", broker.Counts{Active: 1}) // no credit was left for the second
}

func TestMissingEntityIsNotFound(t *testing.T) {
	s := newStand(t)
	s.wantCode(s.sender("nowhere").SendMessage(s.ctx, &azservicebus.Message{}, nil), azservicebus.CodeNotFound)
	_, err := s.receiver("nowhere", nil).ReceiveMessages(s.ctx, 1, nil)
	s.wantCode(err, azservicebus.CodeNotFound)
	_, err = s.receiver("nowhere", nil).PeekMessages(s.ctx, 1, nil)
	s.wantCode(err, azservicebus.CodeNotFound)
}

func TestThousandMessages(t *testing.T) {
	s := newStand(t)
	sender := s.sender("q")
	const total = 1000
	batch, err := sender.NewMessageBatch(s.ctx, nil)
	s.check(err)
	for range total {
		s.check(batch.AddMessage(&azservicebus.Message{Body: bytes.Repeat([]byte("x"), 50)}, nil))
	}
	s.check(sender.SendMessageBatch(s.ctx, batch, nil))
	r := s.receiver("q", nil)
	began := time.Now()
	seen := map[[16]byte]bool{}
	for len(seen) < total {
		msgs, err := r.ReceiveMessages(s.ctx, 100, nil)
		s.check(err)
		for _, m := range msgs {
			seen[m.LockToken] = true
			s.check(r.CompleteMessage(s.ctx, m, nil))
		}
	}
	t.Logf("%d messages received and completed one by one in %v", total, time.Since(began))
	s.counts("q", broker.Counts{})
}
