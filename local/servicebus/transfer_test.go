package servicebus_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/broker"
)

// TestSendViaADisabledDestination sends by way of one queue to another. While that is disabled the message is a transfer dead
// letter of the first, which the Go SDK receives and the admin API counts.
func TestSendViaADisabledDestination(t *testing.T) {
	k := newKeyed(t)
	if err := k.Broker().CreateQueue("to", broker.QueueProperties{}); err != nil {
		t.Fatal(err)
	}
	root := k.Keys()[0]
	sender := k.via(root, "q", "to")
	if err := sender.Send(k.ctx, amqp.NewMessage([]byte("passes")), nil); err != nil {
		t.Fatal(err)
	}
	if err := k.Broker().SetStatus("to", broker.SendDisabled); err != nil {
		t.Fatal(err)
	}
	if err := sender.Send(k.ctx, amqp.NewMessage([]byte("stays")), nil); err != nil {
		t.Fatal(err)
	}
	if c, err := k.Broker().Counts("to"); err != nil || c.Active != 1 {
		t.Errorf("destination: %+v, %v", c, err)
	}
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: k.roots(), MinVersion: tls.VersionTLS12}}}
	t.Cleanup(web.CloseIdleConnections)
	a, err := admin.NewClientFromConnectionString(k.ConnectionString(), &admin.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: web}})
	if err != nil {
		t.Fatal(err)
	}
	told, err := a.GetQueueRuntimeProperties(k.ctx, "q", nil)
	if err != nil || told.TransferDeadLetterMessageCount != 1 || told.DeadLetterMessageCount != 0 || told.ActiveMessageCount != 0 {
		t.Errorf("told %+v, %v", told, err)
	}
	dead, err := k.client(k.ConnectionString()).NewReceiverForQueue("q", &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueTransfer})
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := dead.ReceiveMessages(k.ctx, 1, nil)
	if err != nil || len(msgs) != 1 || string(msgs[0].Body) != "stays" || msgs[0].DeadLetterReason == nil {
		t.Fatalf("%d messages, %v", len(msgs), err)
	}
	if err := dead.CompleteMessage(k.ctx, msgs[0], nil); err != nil {
		t.Error(err)
	}
}

// TestSendViaIsRefused wants the destination to be there, and the right to send to it.
func TestSendViaIsRefused(t *testing.T) {
	k := newKeyed(t)
	var refused *amqp.Error
	if err := k.viaError(k.Keys()[0], "q", "nowhere"); !errors.As(err, &refused) || refused.Condition != amqp.ErrCondNotFound {
		t.Errorf("a destination that isn't there: %v", err)
	}
	for _, key := range k.Keys() {
		if key.Name == "Listen" {
			if err := k.viaError(key, "q", "q"); !errors.As(err, &refused) || refused.Condition != amqp.ErrCondUnauthorizedAccess {
				t.Errorf("with a key for listening: %v", err)
			}
		}
	}
}

func (k *keyed) viaError(key access.Key, via, destination string) error {
	k.t.Helper()
	_, err := k.trySender(key, via, destination)
	return err
}

func (k *keyed) via(key access.Key, via, destination string) *amqp.Sender {
	k.t.Helper()
	s, err := k.trySender(key, via, destination)
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

// trySender opens a link that sends by way of an entity, which the Go SDK can't.
func (k *keyed) trySender(key access.Key, via, destination string) (*amqp.Sender, error) {
	k.t.Helper()
	conn, err := amqp.Dial(k.ctx, "amqp://"+k.Addr(), &amqp.ConnOptions{SASLType: amqp.SASLTypePlain(key.Name, key.Key)})
	if err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() { _ = conn.Close() })
	session, err := conn.NewSession(k.ctx, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	return session.NewSender(k.ctx, via, &amqp.SenderOptions{Properties: map[string]any{"com.microsoft:transfer-destination-address": destination}})
}
