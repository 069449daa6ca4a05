package backlog_test

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/servicebus"
	"crosswalk/shared/backlog"
	"crosswalk/shared/topology"
)

// The age that counts is that of what waits: not of what is scheduled, and also of what a function holds.
func TestTheOldestMessageThatWaitsIsFound(t *testing.T) {
	top := topology.Default()
	s, err := servicebus.Start(servicebus.Options{Topology: top})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	client, err := azservicebus.NewClientFromConnectionString(s.ConnectionString(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(t.Context()) })
	queue := top.Functions[0].Name
	sender, err := client.NewSender(queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	send := func(m *azservicebus.Message) {
		t.Helper()
		if err := sender.SendMessage(t.Context(), m, nil); err != nil {
			t.Fatal(err)
		}
	}
	queues := backlog.NewQueues(client)
	oldest := func(limit int) time.Time {
		t.Helper()
		at, err := queues.Oldest(t.Context(), queue, limit)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if at := oldest(1000); !at.IsZero() {
		t.Errorf("an empty queue's oldest came %v", at)
	}
	for range 2 {
		send(&azservicebus.Message{ScheduledEnqueueTime: to.Ptr(time.Now().Add(time.Hour))})
	}
	if at := oldest(1000); !at.IsZero() {
		t.Errorf("a scheduled message counts: %v", at)
	}
	send(&azservicebus.Message{})
	send(&azservicebus.Message{})
	receiver, err := client.NewReceiverForQueue(queue, nil)
	if err != nil {
		t.Fatal(err)
	}
	held, err := receiver.ReceiveMessages(t.Context(), 1, nil)
	if err != nil || len(held) != 1 {
		t.Fatalf("%d messages, %v", len(held), err)
	}
	if at := oldest(1000); !at.Equal(*held[0].EnqueuedTime) {
		t.Errorf("the oldest came %v, the one that is held %v", at, held[0].EnqueuedTime)
	}
	if at := oldest(2); !at.IsZero() {
		t.Errorf("looked further than asked: %v", at)
	}
	if _, err := queues.Oldest(t.Context(), "nowhere", 1); err == nil {
		t.Error("a queue that isn't there has no error")
	}
}
