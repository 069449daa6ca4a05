package servicebus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

// What a sender gets accepted, a receiver gets: the broker's own annotations don't count against the limit.
func TestTheLargestMessageThatIsAcceptedIsReceived(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := servicebus.Start(servicebus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Broker().CreateQueue("large", broker.QueueProperties{}); err != nil {
		t.Fatal(err)
	}
	client, err := azservicebus.NewClientFromConnectionString(s.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	sender, err := client.NewSender("large", nil)
	if err != nil {
		t.Fatal(err)
	}
	id, sent := "largest", 0
	for size := broker.DefaultMaxMessageSize; sent == 0; size-- {
		err := sender.SendMessage(ctx, &azservicebus.Message{MessageID: &id, Body: make([]byte, size)}, nil)
		switch {
		case err == nil:
			sent = size
		case !errors.Is(err, azservicebus.ErrMessageTooLarge) || size < broker.DefaultMaxMessageSize-1000:
			t.Fatalf("%d bytes: %v", size, err)
		}
	}
	receiver, err := client.NewReceiverForQueue("large", nil)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := receiver.ReceiveMessages(ctx, 1, nil)
	if err != nil || len(messages) != 1 || len(messages[0].Body) != sent {
		t.Fatalf("of %d bytes sent there came %d messages, %v", sent, len(messages), err)
	}
	if err := receiver.CompleteMessage(ctx, messages[0], nil); err != nil {
		t.Error(err)
	}
}
