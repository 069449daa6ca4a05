package servicebus_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

// What the real client does while the broker misbehaves in every way it knows, and with what other clients sent. A panic in
// any goroutine of the client ends the test's process.

// moment bounds one call of a client that a fault may leave without an answer.
const moment = 60 * time.Millisecond

// weather is a broker, a client on it, and what the client has in its hands.
type weather struct {
	t       testing.TB
	server  *servicebus.Server
	clock   *manualClock
	judge   judge
	mu      sync.Mutex
	conns   []net.Conn // of the client
	client  *azservicebus.Client
	sender  *azservicebus.Sender
	topic   *azservicebus.Sender
	plain   *azservicebus.Receiver
	reader  *azservicebus.Receiver // receives and deletes
	session *azservicebus.SessionReceiver
	held    []*azservicebus.ReceivedMessage
	ofGroup []*azservicebus.ReceivedMessage
	numbers []int64
}

func newWeather(t testing.TB) *weather {
	t.Helper()
	w := &weather{t: t, clock: &manualClock{now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}}
	var err error
	if w.server, err = servicebus.Start(servicebus.Options{Now: w.clock.Now}); err != nil {
		t.Fatal(err)
	}
	w.entities()
	w.dial()
	return w
}

// entities makes those that aren't there.
func (w *weather) entities() {
	b := w.server.Broker()
	_ = b.CreateQueue("q", broker.QueueProperties{MaxDeliveryCount: 3})
	_ = b.CreateQueue("grouped", broker.QueueProperties{RequiresSession: true})
	_ = b.CreateTopic("t", broker.TopicProperties{})
	_ = b.CreateSubscription("t", "s", broker.SubscriptionProperties{ForwardTo: "q"})
}

// dial gives the client up and takes a new one.
func (w *weather) dial() {
	w.close()
	retry := azservicebus.RetryOptions{MaxRetries: 1, RetryDelay: time.Millisecond, MaxRetryDelay: time.Millisecond}
	client, err := azservicebus.NewClientFromConnectionString(w.server.ConnectionString(), &azservicebus.ClientOptions{
		RetryOptions: retry,
		NewWebSocketConn: func(ctx context.Context, _ azservicebus.NewWebSocketConnArgs) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", w.server.Addr())
			if err != nil {
				return nil, err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.conns = append(w.conns, c)
			return w.judge.watch(c), nil
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.client, w.session, w.held, w.ofGroup = client, nil, nil, nil
	deleting := &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete}
	var errs [4]error
	w.sender, errs[0] = client.NewSender("q", nil)
	w.topic, errs[1] = client.NewSender("t", nil)
	w.plain, errs[2] = client.NewReceiverForQueue("q", nil)
	w.reader, errs[3] = client.NewReceiverForQueue("q", deleting)
	for _, err := range errs {
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *weather) close() {
	if w.client == nil {
		return
	}
	w.patiently(func(ctx context.Context) { _ = w.client.Close(ctx) })
}

// patiently lets the client do something for a moment. Where it goes on for much longer its connections are cut: what the
// SDK releases by itself has no end to its wait, and the answer may be lost.
func (w *weather) patiently(f func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), moment)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	select {
	case <-done:
		return
	case <-time.After(10 * moment):
	}
	w.mu.Lock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
	w.mu.Unlock()
	<-done
}

// Conditions to detach links with: those that the SDK knows, of each way to recover, and what it has never heard of.
var conditions = []string{
	"amqp:link:detach-forced", "amqp:unauthorized-access", "amqp:not-found", "amqp:connection:forced", "amqp:link:transfer-limit-exceeded",
	"amqp:resource-limit-exceeded", "amqp:internal-error", "amqp:not-allowed", "amqp:link:stolen", "com.microsoft:server-busy",
	"com.microsoft:timeout", "com.microsoft:session-lock-lost", "com.microsoft:message-lock-lost", "com.microsoft:entity-disabled",
	"com.microsoft:operation-cancelled", "", "?", "no condition at all\x00\u00e4",
}

// fault makes something go wrong, or takes it back.
func (w *weather) fault(kind, arg byte) {
	f, b := w.server.Faults(), w.server.Broker()
	entity := []string{"q", "t", "grouped", "t/subscriptions/s"}[int(arg)%4]
	switch kind % 14 {
	case 0:
		f.Detach(entity, conditions[int(arg/4)%len(conditions)], "for a test")
	case 1:
		f.DropAfter(int(arg) % 5)
	case 2:
		f.DelaySettlements(time.Duration(arg) * time.Millisecond)
	case 3:
		f.LoseSettlements(int(arg)%4, arg >= 128)
	case 4:
		f.ServerBusy(time.Duration(arg) * time.Second)
	case 5:
		_, _ = f.ExpireLocks(entity)
	case 6:
		f.RefuseAuth(arg%2 == 0)
	case 7:
		f.RevokeSend(arg%2 == 0)
	case 8:
		_ = b.Delete(entity)
	case 9:
		w.entities()
	case 10:
		_ = b.SetStatus(entity, broker.Status(arg/4%4))
	case 11:
		w.clock.Move(time.Duration(arg) * time.Second)
		w.server.Advance()
	default:
		f.Calm()
		f.RevokeSend(false)
	}
}

// act has the client do something; whether it works is none of this test's business.
func (w *weather) act(ctx context.Context, kind, arg byte) {
	switch kind {
	case 0:
		_ = w.sender.SendMessage(ctx, w.message(arg), nil)
	case 1:
		w.batch(ctx, int(arg)%20)
	case 2:
		_ = w.topic.SendMessage(ctx, w.message(arg), nil)
	case 3:
		msgs, _ := w.plain.ReceiveMessages(ctx, 1+int(arg)%10, nil)
		w.held = append(w.held, msgs...)
	case 4:
		_, _ = w.reader.ReceiveMessages(ctx, 1+int(arg)%10, nil)
	case 5:
		_, _ = w.plain.PeekMessages(ctx, 1+int(arg), nil)
	case 6, 7:
		if len(w.held) > 0 {
			w.settle(ctx, w.plain, w.held[0], arg)
			w.held = w.held[1:]
		}
	case 8:
		if len(w.held) > 0 {
			_ = w.plain.RenewMessageLock(ctx, w.held[0], nil)
		}
	case 9:
		w.schedule(ctx, arg)
	case 10:
		msgs, _ := w.plain.ReceiveDeferredMessages(ctx, w.numbers, nil)
		w.held = append(w.held, msgs...)
		w.numbers = nil
	case 11:
		w.dead(ctx, arg)
	default:
		w.group(ctx, arg)
	}
}

// message makes a message, some of them with what nobody should send.
func (w *weather) message(arg byte) *azservicebus.Message {
	odd := []any{nil, "text", int64(arg), 1.5, true, []byte{arg}, w.clock.Now()}[int(arg)%7]
	m := &azservicebus.Message{Body: make([]byte, int(arg)*int(arg)*2), SessionID: new(fmt.Sprint(arg % 3)), MessageID: new(fmt.Sprint(arg))}
	if arg%2 == 0 {
		m.ApplicationProperties = map[string]any{"DeadLetterReason": odd, "DeadLetterErrorDescription": odd, "odd": odd}
	}
	return m
}

func (w *weather) batch(ctx context.Context, n int) {
	batch, err := w.sender.NewMessageBatch(ctx, nil)
	if err != nil {
		return
	}
	for i := range n {
		_ = batch.AddMessage(w.message(byte(i)), nil)
	}
	if batch.NumMessages() > 0 { // the SDK panics by itself on an empty batch
		_ = w.sender.SendMessageBatch(ctx, batch, nil)
	}
}

// settler is a receiver, of a session or not.
type settler interface {
	CompleteMessage(context.Context, *azservicebus.ReceivedMessage, *azservicebus.CompleteMessageOptions) error
	AbandonMessage(context.Context, *azservicebus.ReceivedMessage, *azservicebus.AbandonMessageOptions) error
	DeferMessage(context.Context, *azservicebus.ReceivedMessage, *azservicebus.DeferMessageOptions) error
	DeadLetterMessage(context.Context, *azservicebus.ReceivedMessage, *azservicebus.DeadLetterOptions) error
}

func (w *weather) settle(ctx context.Context, r settler, m *azservicebus.ReceivedMessage, arg byte) {
	odd := map[string]any{"DeadLetterReason": int64(arg), "DeadLetterErrorDescription": nil}
	switch arg % 4 {
	case 0:
		_ = r.CompleteMessage(ctx, m, nil)
	case 1:
		_ = r.AbandonMessage(ctx, m, &azservicebus.AbandonMessageOptions{PropertiesToModify: odd})
	case 2:
		if r.DeferMessage(ctx, m, &azservicebus.DeferMessageOptions{PropertiesToModify: odd}) == nil {
			w.numbers = append(w.numbers, *m.SequenceNumber)
		}
	default:
		_ = r.DeadLetterMessage(ctx, m, &azservicebus.DeadLetterOptions{PropertiesToModify: odd})
	}
}

func (w *weather) schedule(ctx context.Context, arg byte) {
	numbers, err := w.sender.ScheduleMessages(ctx, []*azservicebus.Message{w.message(arg)}, w.clock.Now().Add(time.Duration(arg)*time.Second), nil)
	if err == nil && arg%2 == 0 {
		_ = w.sender.CancelScheduledMessages(ctx, numbers, nil)
	}
}

// dead takes from the dead-letter queues.
func (w *weather) dead(ctx context.Context, arg byte) {
	sub := azservicebus.SubQueueDeadLetter
	if arg%3 == 0 {
		sub = azservicebus.SubQueueTransfer
	}
	r, err := w.client.NewReceiverForQueue("q", &azservicebus.ReceiverOptions{SubQueue: sub})
	if err != nil {
		w.t.Fatal(err)
	}
	msgs, _ := r.ReceiveMessages(ctx, 5, nil)
	for _, m := range msgs {
		w.settle(ctx, r, m, arg)
	}
	_ = r.Close(ctx)
}

// group works on a session.
func (w *weather) group(ctx context.Context, arg byte) {
	if w.session == nil || arg%8 == 0 {
		if s, err := w.client.NewSender("grouped", nil); err == nil {
			_ = s.SendMessage(ctx, w.message(arg), nil)
			_ = s.Close(ctx)
		}
		w.ofGroup = nil
		if arg < 128 {
			w.session, _ = w.client.AcceptNextSessionForQueue(ctx, "grouped", nil)
		} else {
			w.session, _ = w.client.AcceptSessionForQueue(ctx, "grouped", fmt.Sprint(arg%3), nil)
		}
		return
	}
	switch arg % 6 {
	case 1:
		msgs, _ := w.session.ReceiveMessages(ctx, 5, nil)
		w.ofGroup = append(w.ofGroup, msgs...)
	case 2:
		_ = w.session.RenewSessionLock(ctx, nil)
	case 3:
		_ = w.session.SetSessionState(ctx, []byte{arg}, nil)
		_, _ = w.session.GetSessionState(ctx, nil)
	case 4:
		_ = w.session.Close(ctx)
		w.session = nil
	default:
		if len(w.ofGroup) > 0 {
			w.settle(ctx, w.session, w.ofGroup[0], arg/6)
			w.ofGroup = w.ofGroup[1:]
		}
		_, _ = w.session.PeekMessages(ctx, 3, nil)
	}
}

// maxSteps bounds one history.
const maxSteps = 40

// run reads a history, three bytes a step: what it is, of which kind, with what.
func (w *weather) run(history []byte) {
	for i := 0; i+3 <= len(history) && i < 3*maxSteps; i += 3 {
		if history[i]%3 == 0 {
			w.fault(history[i+1], history[i+2])
		} else {
			if kind, arg := history[i+1]%14, history[i+2]; kind == 13 {
				w.dial()
			} else {
				w.patiently(func(ctx context.Context) { w.act(ctx, kind, arg) })
			}
		}
	}
}

// afterwards wants broker and client to work as if nothing had been.
func (w *weather) afterwards() {
	w.server.Faults().Calm()
	w.server.Faults().RevokeSend(false)
	_ = w.server.Broker().Delete("t")
	w.anew()
	w.dial()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.sender.SendMessage(ctx, &azservicebus.Message{Body: []byte("fair")}, nil); err != nil {
		w.t.Fatalf("after all faults have ended: %v", err)
	}
	for ctx.Err() == nil {
		msgs, err := w.plain.ReceiveMessages(ctx, 1, nil)
		if err != nil {
			w.t.Fatalf("after all faults have ended: %v", err)
		}
		if len(msgs) == 1 {
			if err := w.plain.CompleteMessage(ctx, msgs[0], nil); err != nil || string(msgs[0].Body) != "fair" {
				w.t.Errorf("message %q, %v", msgs[0].Body, err)
			}
			return
		}
	}
	w.t.Error("after all faults have ended no message comes")
}

// FuzzClientUnderFaults has the real client do at random what clients do, while every fault there is comes and goes,
// entities are removed, closed and made anew, and time passes. The client must not panic, the broker must send
// nothing but what the client allows and asserts, and all must work again in the end.
func FuzzClientUnderFaults(f *testing.F) {
	for kind := range byte(14) {
		for arg := range byte(3) {
			// Something in everybody's hands, a fault, then everything once.
			history := []byte{1, 0, 2, 1, 1, 9, 1, 3, 5, 1, 12, 8, 1, 12, 1, 0, kind, arg * 89}
			for act := range byte(14) {
				history = append(history, 1, act, arg*29+act)
			}
			f.Add(history)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		history := make([]byte, 3*maxSteps)
		for i := range history {
			history[i] = byte(random.Uint32())
		}
		f.Add(history)
	}
	f.Fuzz(func(t *testing.T, history []byte) {
		t.Parallel() // mostly it waits
		w := newWeather(t)
		defer w.server.Close()
		defer w.close()
		w.run(history)
		w.afterwards()
		w.judge.verdict(t)
		if w.judge.frames == 0 {
			t.Error("nothing was judged")
		}
	})
}

// FuzzRelayedMessage has a client of another make put any bytes there are into a queue, as a message of a batch. What the
// broker takes, the real client must get without a panic; what it refuses leaves nothing behind.
func FuzzRelayedMessage(f *testing.F) {
	for _, m := range []*amqp.Message{
		amqp.NewMessage([]byte("body")),
		{Value: map[string]any{"a": []any{int8(1), nil}}},
		{
			Header: &amqp.MessageHeader{Durable: true, TTL: time.Hour}, Properties: &amqp.MessageProperties{MessageID: uint64(7), CorrelationID: amqp.UUID{1}},
			Annotations:           amqp.Annotations{"x-opt-partition-key": "p", "x-opt-sequence-number": "no number", "x-other": int64(1)},
			DeliveryAnnotations:   amqp.Annotations{"x-opt-lock-token": "no token"},
			ApplicationProperties: map[string]any{"DeadLetterReason": int64(1), "DeadLetterErrorDescription": false, "n": 1.5},
			Data:                  [][]byte{[]byte("a"), []byte("b")}, Footer: amqp.Annotations{"f": true},
		},
	} {
		encoded, err := m.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	w := newWeather(f)
	f.Cleanup(func() { w.close(); _ = w.server.Close() })
	key := w.server.Keys()[0]
	conn, err := amqp.Dial(f.Context(), "amqp://"+w.server.Addr(), &amqp.ConnOptions{SASLType: amqp.SASLTypePlain(key.Name, key.Key)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = conn.Close() })
	session, err := conn.NewSession(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		other, err := session.NewSender(ctx, "q", nil) // a refusal ends the link
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close(ctx)
		err = other.Send(ctx, &amqp.Message{Format: 0x80013700, Data: [][]byte{encoded}}, nil)
		counts, _ := w.server.Broker().Counts("q")
		if err != nil {
			if ctx.Err() != nil || counts.Active+counts.Scheduled != 0 {
				t.Errorf("refused with %v, and %+v is there", err, counts)
			}
			return
		}
		reader, err := w.client.NewReceiverForQueue("q", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close(ctx)
		if _, err := reader.PeekMessages(ctx, 1, nil); err == nil && counts.Active > 0 {
			var msgs []*azservicebus.ReceivedMessage
			for len(msgs) == 0 && err == nil { // none and no error is an answer of the SDK's, too
				msgs, err = reader.ReceiveMessages(ctx, 1, nil)
			}
			if err != nil {
				t.Errorf("what can be peeked at can't be received: %v", err)
			}
		}
		w.judge.verdict(t)
		w.anew()
	})
}

// anew makes the queues empty ones.
func (w *weather) anew() {
	for _, queue := range []string{"q", "grouped"} {
		_ = w.server.Broker().Delete(queue) // it may not be there
	}
	w.entities()
}
