package servicebus_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// What the real client makes of answers that the broker never gives: bytes of real ones are changed on their way.

// mangler is a connection on which the peer's bytes at some places come changed.
type mangler struct {
	net.Conn
	at      int
	changes map[int]byte // by place in the stream, to be laid over by exclusive or
}

func (m *mangler) Read(b []byte) (int, error) {
	n, err := m.Conn.Read(b)
	for i := range b[:n] {
		b[i] ^= m.changes[m.at+i]
	}
	m.at += n
	return n, err
}

// mangled is a client whose connections come by manglers.
func mangled(t testing.TB, w *weather, changes map[int]byte) *azservicebus.Client {
	client, err := azservicebus.NewClientFromConnectionString(w.server.ConnectionString(), &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{MaxRetries: -1},
		NewWebSocketConn: func(ctx context.Context, _ azservicebus.NewWebSocketConnArgs) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", w.server.Addr())
			return &mangler{Conn: c, changes: changes}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// ask has a client do what has answers of every kind, and returns the stack of its panic, if any.
func ask(client *azservicebus.Client) (stack string) {
	defer func() {
		if p := recover(); p != nil {
			stack = fmt.Sprintf("%v\n%s", p, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 4*moment)
	defer cancel()
	defer func() { _ = client.Close(ctx) }()
	sender, err := client.NewSender("q", nil)
	if err != nil || sender.SendMessage(ctx, &azservicebus.Message{Body: []byte("x"), PartitionKey: new("p")}, nil) != nil {
		return ""
	}
	_, _ = sender.ScheduleMessages(ctx, []*azservicebus.Message{{Body: []byte("later")}}, time.Now().Add(time.Hour), nil)
	receiver, err := client.NewReceiverForQueue("q", nil)
	if err != nil {
		return ""
	}
	_, _ = receiver.PeekMessages(ctx, 10, nil)
	msgs, _ := receiver.ReceiveMessages(ctx, 2, nil)
	for i, m := range msgs {
		_ = receiver.RenewMessageLock(ctx, m, nil)
		if i == 0 && m.SequenceNumber != nil {
			_ = receiver.DeferMessage(ctx, m, nil)
			_, _ = receiver.ReceiveDeferredMessages(ctx, []int64{*m.SequenceNumber}, nil)
			continue
		}
		_ = receiver.CompleteMessage(ctx, m, nil)
	}
	if session, err := client.AcceptSessionForQueue(ctx, "grouped", "a", nil); err == nil {
		_ = session.SetSessionState(ctx, []byte("state"), nil)
		_, _ = session.GetSessionState(ctx, nil)
		_ = session.RenewSessionLock(ctx, nil)
		_, _ = session.ReceiveMessages(ctx, 1, nil)
	}
	return ""
}

// weaknesses of azservicebus 1.11 are the functions that panic on a field of another type than the service's. The broker
// never sends such a field (see judge), so they're none of its faults.
var weaknesses = []string{"azservicebus.newReceivedMessage("}

// FuzzAnswers changes bytes of what the broker answers the real client. It isn't about the broker, which goes on, but shows
// that what the client panics on is what is known of it.
func FuzzAnswers(f *testing.F) {
	for place := range uint16(24) {
		f.Add(binary.BigEndian.AppendUint16(nil, 8+place*211), []byte{byte(place) + 1})
	}
	w := newWeather(f)
	f.Cleanup(func() { w.close(); _ = w.server.Close() })
	f.Fuzz(func(t *testing.T, places, masks []byte) {
		w.anew()
		changes := map[int]byte{}
		for i := 0; i+2 <= len(places) && i/2 < len(masks); i += 2 {
			changes[int(binary.BigEndian.Uint16(places[i:]))] = masks[i/2]
		}
		if err := w.server.Broker().Send("q", &broker.Message{Body: wire.AppendData(nil, []byte("there"))}); err != nil {
			t.Fatal(err)
		}
		panicked := make(chan string, 1)
		go func() { panicked <- ask(mangled(t, w, changes)) }()
		select {
		case stack := <-panicked:
			if stack != "" && !slices.ContainsFunc(weaknesses, func(known string) bool { return strings.Contains(stack, known) }) {
				t.Errorf("the client panics:\n%s", stack)
			}
		case <-time.After(10 * moment): // the SDK waits without end for what a changed frame doesn't say any more: it's left alone
		}
	})
}
