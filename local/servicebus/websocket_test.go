package servicebus_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/coder/websocket"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

// A client behind a proxy speaks AMQP inside of a WebSocket, on the same port.
func TestAClientMayComeByWebSocket(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := servicebus.Start(servicebus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Broker().CreateQueue("q", broker.QueueProperties{}); err != nil {
		t.Fatal(err)
	}
	url, sockets := "ws://"+s.Addr()+"/$servicebus/websocket", 0
	client, err := azservicebus.NewClientFromConnectionString(s.ConnectionString(), &azservicebus.ClientOptions{
		NewWebSocketConn: func(ctx context.Context, _ azservicebus.NewWebSocketConnArgs) (net.Conn, error) {
			sockets++
			c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{"amqp"}})
			if err != nil {
				return nil, err
			}
			return websocket.NetConn(context.WithoutCancel(ctx), c, websocket.MessageBinary), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	sender, err := client.NewSender("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 200<<10) // several frames, and several reads
	if err := sender.SendMessage(ctx, &azservicebus.Message{Body: body}, nil); err != nil {
		t.Fatal(err)
	}
	receiver, err := client.NewReceiverForQueue("q", nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := receiver.ReceiveMessages(ctx, 1, nil)
	if err != nil || len(got) != 1 || len(got[0].Body) != len(body) {
		t.Fatalf("%d messages, %v", len(got), err)
	}
	if err := receiver.CompleteMessage(ctx, got[0], nil); err != nil {
		t.Error(err)
	}
	if sockets == 0 {
		t.Error("the client never used the WebSocket")
	}
	for _, other := range [][]string{nil, {"chat"}} {
		c, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: other})
		if err != nil {
			continue // refused at once
		}
		if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
			t.Errorf("a socket for %v ended with %v", other, err)
		}
	}
}
