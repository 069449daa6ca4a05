package servicebus_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
	"crosswalk/shared/topology"
)

// newTopologyStand is a stand with the entities of the built-in topology.
func newTopologyStand(t *testing.T) (*stand, *topology.Topology) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	top := topology.Default()
	s, err := servicebus.Start(servicebus.Options{Topology: top, Logf: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	st := &stand{Server: s, t: t, ctx: ctx}
	st.Client = st.dial()
	return st, top
}

func TestTopologyIsCreated(t *testing.T) {
	s, top := newTopologyStand(t)
	names := []string{top.Topic.Name, top.Topic.Name + "/Subscriptions/" + top.Topic.Unrouted}
	for _, in := range top.Ingress {
		names = append(names, in.Queue)
	}
	for _, f := range top.Functions {
		names = append(names, f.Name, top.Topic.Name+"/Subscriptions/"+f.Name)
	}
	for _, name := range names {
		if err := s.Broker().Exists(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A subscription begins with a rule $Default that lets everything pass; here that name belongs to a rule of the topology.
func TestSubscriptionsHaveTheRulesOfTheTopologyAlone(t *testing.T) {
	s, top := newTopologyStand(t)
	for _, subscription := range top.Entities().Subscriptions {
		rules, err := s.Broker().Rules(top.Topic.Name + "/Subscriptions/" + subscription.Name)
		s.check(err)
		var got []topology.Filter
		for _, r := range rules {
			got = append(got, topology.Filter{Name: r.Name, SQL: r.SQL})
		}
		if !slices.Equal(got, subscription.Filters) || got[0].Name != broker.DefaultRuleName {
			t.Errorf("%s: rules %v, want %v", subscription.Name, got, subscription.Filters)
		}
	}
}

func TestEventReachesTheWorkQueueItsTypeAsksFor(t *testing.T) {
	s, top := newTopologyStand(t)
	sender := s.sender(top.Topic.Name)
	publish := func(id, eventType string, unrouted bool) {
		m := &azservicebus.Message{MessageID: &id, Body: []byte(id), ApplicationProperties: map[string]any{
			"cloudEvents:type": eventType, "cloudEvents:source": "/fno/usmf",
		}}
		if unrouted {
			m.ApplicationProperties[topology.UnroutedProperty] = true
		}
		s.check(sender.SendMessage(s.ctx, m, nil))
	}
	publish("1", "fno.SalesInvoicePosted", false)
	publish("2", "dataverse.account.updated", false)
	publish("3", "nobody.asked", true)
	publish("1", "fno.SalesInvoicePosted", false) // a duplicate

	invoices := s.receiver("invoice-to-dataverse", nil)
	m := s.one(invoices)
	if m.MessageID != "1" || m.ApplicationProperties["cloudEvents:type"] != "fno.SalesInvoicePosted" {
		t.Errorf("came %+v", m)
	}
	s.check(invoices.CompleteMessage(s.ctx, m, nil))
	s.counts("invoice-to-dataverse", broker.Counts{})
	s.counts("account-to-fno", broker.Counts{Active: 1})

	unrouted, err := s.NewReceiverForSubscription(top.Topic.Name, top.Topic.Unrouted, nil)
	s.check(err)
	if m := s.one(unrouted); m.MessageID != "3" {
		t.Errorf("unrouted is %s", m.MessageID)
	}
	// A queue that is fed by a subscription may be sent to directly as well: that is how a retry copy comes back.
	s.check(s.sender("invoice-to-dataverse").SendMessage(s.ctx, &azservicebus.Message{
		MessageID: to.Ptr("1/1"), ScheduledEnqueueTime: to.Ptr(time.Now().Add(time.Hour)),
	}, nil))
	s.counts("invoice-to-dataverse", broker.Counts{Scheduled: 1})
}

func TestRevokedSendHitsSendersOnly(t *testing.T) {
	s := newStand(t)
	s.send("q", "a", "b", "c")
	r := s.receiver("q", nil)
	held := s.one(r)
	sender := s.sender("q")
	s.check(sender.SendMessage(s.ctx, &azservicebus.Message{Body: []byte("d")}, nil))

	s.Faults().RevokeSend(true)
	s.wantCode(sender.SendMessage(s.ctx, &azservicebus.Message{}, nil), azservicebus.CodeUnauthorizedAccess)
	s.wantCode(s.sender("q").SendMessage(s.ctx, &azservicebus.Message{}, nil), azservicebus.CodeUnauthorizedAccess)
	_, err := s.sender("q").ScheduleMessages(s.ctx, []*azservicebus.Message{{}}, s.clock.Now().Add(time.Hour), nil)
	s.wantCode(err, azservicebus.CodeUnauthorizedAccess)

	s.check(r.RenewMessageLock(s.ctx, held, nil))
	s.check(r.CompleteMessage(s.ctx, held, nil))
	byToken := s.one(r)
	other, err := s.dial().NewReceiverForQueue("q", nil)
	s.check(err)
	s.check(other.DeadLetterMessage(s.ctx, &azservicebus.ReceivedMessage{LockToken: byToken.LockToken}, nil))
	s.counts("q", broker.Counts{Active: 2, DeadLetter: 1})

	s.Faults().RevokeSend(false)
	s.check(s.sender("q").SendMessage(s.ctx, &azservicebus.Message{Body: []byte("e")}, nil))
	s.counts("q", broker.Counts{Active: 3, DeadLetter: 1})
}

func TestClosedEntityEndsItsLinks(t *testing.T) {
	s := newStand(t)
	waiting := make(chan error, 1)
	r := s.receiver("q", nil)
	_, err := r.PeekMessages(s.ctx, 1, nil) // the link is up
	s.check(err)
	go func() {
		_, err := r.ReceiveMessages(s.ctx, 1, nil)
		waiting <- err
	}()
	s.check(s.Broker().SetStatus("q", broker.Disabled))
	var refused *amqp.Error
	if err := <-waiting; !errors.As(err, &refused) || refused.Condition != "com.microsoft:entity-disabled" {
		t.Errorf("receiving ended with %v", err)
	}
	if err := s.sender("q").SendMessage(s.ctx, &azservicebus.Message{}, nil); !errors.As(err, &refused) || refused.Condition != "com.microsoft:entity-disabled" {
		t.Errorf("sending ended with %v", err)
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "nonsense"} {
		if s, err := servicebus.Start(servicebus.Options{Listen: listen}); err == nil {
			s.Close()
			t.Errorf("%q was accepted", listen)
		}
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	s := newStand(t)
	other, err := servicebus.Start(servicebus.Options{Listen: s.Addr()})
	if err == nil {
		other.Close()
		t.Fatal("two brokers on one port")
	}
}

func TestCloseEndsClientsAndCanBeRepeated(t *testing.T) {
	s := newStand(t)
	conn, err := amqp.Dial(s.ctx, "amqp://"+s.Addr(), &amqp.ConnOptions{SASLType: amqp.SASLTypeAnonymous()})
	s.check(err)
	s.check(s.Server.Close())
	s.check(s.Server.Close())
	<-conn.Done()
	var ended *amqp.ConnError
	if err := conn.Err(); !errors.As(err, &ended) || ended.RemoteErr == nil || ended.RemoteErr.Condition != amqp.ErrCondConnectionForced {
		t.Errorf("the connection ended with %v", err)
	}
	if _, err := amqp.Dial(s.ctx, "amqp://"+s.Addr(), nil); err == nil {
		t.Error("a closed broker answers")
	}
}
