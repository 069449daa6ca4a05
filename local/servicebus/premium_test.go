package servicebus_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

func TestPremiumTakesLargeMessagesWhereAnEntitySaysSo(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := servicebus.Start(servicebus.Options{Premium: true, Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, limit := range map[string]int{"usual": 0, "large": 8 << 20} {
		if err := s.Broker().CreateQueue(name, broker.QueueProperties{MaxMessageSize: limit}); err != nil {
			t.Fatal(err)
		}
	}
	client, err := azservicebus.NewClientFromConnectionString(s.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(ctx)
	body := bytes.Repeat([]byte("0123456789abcdef"), 5<<20/16)
	send := func(queue string) error {
		sender, err := client.NewSender(queue, nil)
		if err != nil {
			return err
		}
		return sender.SendMessage(ctx, &azservicebus.Message{Body: body}, nil)
	}
	if err := send("usual"); !errors.Is(err, azservicebus.ErrMessageTooLarge) {
		t.Errorf("5 MiB to a queue of the usual limit: %v", err)
	}
	if err := send("large"); err != nil {
		t.Fatal(err)
	}
	r, err := client.NewReceiverForQueue("large", nil)
	if err != nil {
		t.Fatal(err)
	}
	if peeked, err := r.PeekMessages(ctx, 10, nil); err != nil || len(peeked) != 1 || !bytes.Equal(peeked[0].Body, body) {
		t.Errorf("peeked: %d messages, %v", len(peeked), err)
	}
	msgs, err := r.ReceiveMessages(ctx, 1, nil)
	if err != nil || len(msgs) != 1 || !bytes.Equal(msgs[0].Body, body) {
		t.Fatalf("%d messages, %v", len(msgs), err)
	}
	if err := r.CompleteMessage(ctx, msgs[0], nil); err != nil {
		t.Error(err)
	}
	sender, err := client.NewSender("large", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sender.ScheduleMessages(ctx, []*azservicebus.Message{{Body: body}}, time.Now().Add(time.Hour), nil); err != nil {
		t.Errorf("scheduled: %v", err)
	}
}
