package deadletter_test

import (
	"fmt"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
	"crosswalk/shared/deadletter"
	"crosswalk/shared/topology"
)

// What can't be forwarded is counted where it lies, by the real client.
func TestMessagesThatCouldNotBeForwardedAreCounted(t *testing.T) {
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
	function := top.Functions[0]
	if err := s.Broker().SetStatus(function.Name, broker.SendDisabled); err != nil {
		t.Fatal(err)
	}
	sender, err := client.NewSender(top.Topic.Name, nil)
	if err != nil {
		t.Fatal(err)
	}
	const sent = 3
	for i := range sent {
		m := &azservicebus.Message{MessageID: new(fmt.Sprint(i)), ApplicationProperties: map[string]any{"cloudEvents:type": function.Events[0].Type}}
		if err := sender.SendMessage(t.Context(), m, nil); err != nil {
			t.Fatal(err)
		}
	}
	counter := deadletter.NewCounter(client, top.Topic.Name)
	if n, err := counter.Count(t.Context(), function.Name, 1000); err != nil || n != sent {
		t.Errorf("counted %d, %v; want %d", n, err, sent)
	}
	if n, err := counter.Count(t.Context(), function.Name, 2); err != nil || n != 2 {
		t.Errorf("counted %d, %v; want no more than asked for", n, err)
	}
	via := top.Topic.Name + "/Subscriptions/" + function.Name
	if err := s.Broker().SendVia(via, function.Name, &broker.Message{Body: wire.AppendData(nil, []byte("a transfer"))}); err != nil {
		t.Fatal(err)
	}
	for limit, want := range map[int]int{1000: sent + 1, sent: sent} {
		if n, err := counter.Count(t.Context(), function.Name, limit); err != nil || n != want {
			t.Errorf("counted %d of at most %d, %v; want %d, the transfer dead letter among them", n, limit, err, want)
		}
	}
	if n, err := counter.Count(t.Context(), top.Functions[1].Name, 1000); err != nil || n != 0 {
		t.Errorf("a clean subscription counts %d, %v", n, err)
	}
}
