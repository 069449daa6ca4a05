package servicebus_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

// patience bounds every wait; nothing that works comes near it.
const patience = time.Minute

// manualClock is the clock of a broker under test.
type manualClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *manualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manualClock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// stand is a running broker with a queue "q" and a client on it.
type stand struct {
	*servicebus.Server
	t     *testing.T
	ctx   context.Context
	clock *manualClock
	*azservicebus.Client
}

func newStand(t *testing.T) *stand {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	clock := &manualClock{now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	s, err := servicebus.Start(servicebus.Options{Now: clock.Now, Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Broker().CreateQueue("q", broker.QueueProperties{MaxDeliveryCount: 3}); err != nil {
		t.Fatal(err)
	}
	st := &stand{Server: s, t: t, ctx: ctx, clock: clock}
	st.Client = st.dial()
	return st
}

// dial opens another client, so another connection.
func (s *stand) dial() *azservicebus.Client {
	s.t.Helper()
	c, err := azservicebus.NewClientFromConnectionString(s.ConnectionString(), &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{MaxRetries: 1, RetryDelay: 10 * time.Millisecond, MaxRetryDelay: 20 * time.Millisecond},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func (s *stand) sender(entity string) *azservicebus.Sender {
	s.t.Helper()
	sender, err := s.NewSender(entity, nil)
	s.check(err)
	return sender
}

func (s *stand) receiver(queue string, o *azservicebus.ReceiverOptions) *azservicebus.Receiver {
	s.t.Helper()
	r, err := s.NewReceiverForQueue(queue, o)
	s.check(err)
	return r
}

func (s *stand) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// send sends messages with these bodies to an entity.
func (s *stand) send(entity string, bodies ...string) {
	s.t.Helper()
	sender := s.sender(entity)
	for _, b := range bodies {
		s.check(sender.SendMessage(s.ctx, &azservicebus.Message{Body: []byte(b)}, nil))
	}
	s.check(sender.Close(s.ctx))
}

// one receives one message.
func (s *stand) one(r *azservicebus.Receiver) *azservicebus.ReceivedMessage {
	s.t.Helper()
	for s.ctx.Err() == nil {
		msgs, err := r.ReceiveMessages(s.ctx, 1, nil)
		s.check(err)
		if len(msgs) == 1 {
			return msgs[0]
		}
	}
	s.t.Fatal("no message came")
	return nil
}

// counts waits until the counts of an entity are as wanted.
func (s *stand) counts(address string, want broker.Counts) {
	s.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		got, err := s.Broker().Counts(address)
		s.check(err)
		got.Size = 0
		if got == want {
			return
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			s.t.Fatalf("%s has %+v, want %+v", address, got, want)
		}
	}
}

// wantCode checks the SDK's error code.
func (s *stand) wantCode(err error, want azservicebus.Code) {
	s.t.Helper()
	var sbErr *azservicebus.Error
	if !errors.As(err, &sbErr) || sbErr.Code != want {
		s.t.Fatalf("error %v, want code %s", err, want)
	}
}
