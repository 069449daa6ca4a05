package servicebus_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

var record = flag.Bool("record", false, "record the Go SDK's traffic anew, as the seed of FuzzTraffic")

const trafficDir = "testdata/traffic"

// newTrafficServer is a broker with what the recorded client asks for.
func newTrafficServer(t testing.TB) *servicebus.Server {
	s, err := servicebus.Start(servicebus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	err = errors.Join(s.Broker().CreateQueue("q", broker.QueueProperties{}), s.Broker().CreateQueue("s", broker.QueueProperties{RequiresSession: true}))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// recorder is a connection that keeps what the client sends.
type recorder struct {
	net.Conn
	mu   sync.Mutex
	sent bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent.Write(b)
	return r.Conn.Write(b)
}

// TestRecordTraffic writes what the Go SDK sends on one connection: SASL, tokens, sending, receiving, settling in every way,
// scheduling, peeking, sessions and their state.
func TestRecordTraffic(t *testing.T) {
	s := newTrafficServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var recorders []*recorder
	// The way by WebSocket is the SDK's only door for a connection of ours; what passes it is plain AMQP all the same.
	client, err := azservicebus.NewClientFromConnectionString(s.ConnectionString(), &azservicebus.ClientOptions{
		NewWebSocketConn: func(ctx context.Context, _ azservicebus.NewWebSocketConnArgs) (net.Conn, error) {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr())
			r := &recorder{Conn: c}
			recorders = append(recorders, r)
			return r, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	drive(t, ctx, client)
	_ = client.Close(ctx)
	if len(recorders) != 1 {
		t.Fatalf("%d connections, want one", len(recorders))
	}
	got := recorders[0].sent.Bytes()
	if len(got) < 2000 || !bytes.HasPrefix(got, []byte("AMQP\x03\x01\x00\x00")) {
		t.Fatalf("%d bytes that begin with %q", len(got), got[:min(8, len(got))])
	}
	if *record {
		if err := errors.Join(os.MkdirAll(trafficDir, 0o755), os.WriteFile(filepath.Join(trafficDir, "go.bin"), got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

func drive(t *testing.T, ctx context.Context, client *azservicebus.Client) {
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sender, err := client.NewSender("q", nil)
	check(err)
	for _, body := range []string{"one", "two", "three", "four"} {
		check(sender.SendMessage(ctx, &azservicebus.Message{Body: []byte(body), ApplicationProperties: map[string]any{"n": 1, "text": "t"}}, nil))
	}
	numbers, err := sender.ScheduleMessages(ctx, []*azservicebus.Message{{Body: []byte("later")}}, time.Now().Add(time.Hour), nil)
	check(err)
	check(sender.CancelScheduledMessages(ctx, numbers, nil))
	receiver, err := client.NewReceiverForQueue("q", nil)
	check(err)
	_, err = receiver.PeekMessages(ctx, 10, nil)
	check(err)
	var got []*azservicebus.ReceivedMessage
	for len(got) < 4 {
		more, err := receiver.ReceiveMessages(ctx, 4-len(got), nil)
		check(err)
		got = append(got, more...)
	}
	check(receiver.RenewMessageLock(ctx, got[0], nil))
	check(receiver.CompleteMessage(ctx, got[0], nil))
	check(receiver.DeferMessage(ctx, got[1], nil))
	check(receiver.DeadLetterMessage(ctx, got[2], nil))
	check(receiver.AbandonMessage(ctx, got[3], nil))
	_, err = receiver.ReceiveDeferredMessages(ctx, []int64{*got[1].SequenceNumber}, nil)
	check(err)
	grouped, err := client.NewSender("s", nil)
	check(err)
	check(grouped.SendMessage(ctx, &azservicebus.Message{Body: []byte("a"), SessionID: new("a")}, nil))
	session, err := client.AcceptNextSessionForQueue(ctx, "s", nil)
	check(err)
	check(session.SetSessionState(ctx, []byte("state"), nil))
	_, err = session.GetSessionState(ctx, nil)
	check(err)
}

// FuzzTraffic sends mutations of what the real SDK sends to a whole broker. Whatever comes, the broker goes on.
func FuzzTraffic(f *testing.F) {
	seeds, err := filepath.Glob(trafficDir + "/*.bin")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no recorded traffic (%v): go test ./local/servicebus -run TestRecordTraffic -record", err)
	}
	for _, name := range seeds {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	s := newTrafficServer(f)
	f.Fuzz(func(t *testing.T, traffic []byte) {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatalf("the broker is gone: %v", err)
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = c.Write(traffic) // the broker may hang up before the end
			_ = c.(*net.TCPConn).CloseWrite()
		}()
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the broker neither answers nor hangs up")
		}
		if _, err := s.Broker().Counts("q"); err != nil {
			t.Error(err)
		}
	})
}
