package servicebus

import (
	"fmt"
	"time"

	"crosswalk/local/servicebus/broker"
	"crosswalk/shared/topology"
)

// create makes the entities of a topology: the ingress queues; the topic; for each function a work queue and a
// subscription of the same name that forwards its events there; and the subscription for what no function asked for.
func create(b *broker.Broker, t *topology.Topology) error {
	for _, in := range t.Ingress {
		if err := ensureQueue(b, in.Queue, queueProperties(t.Queues.Ingress)); err != nil {
			return err
		}
	}
	err := ensureTopic(b, t.Topic.Name, broker.TopicProperties{DuplicateDetection: time.Duration(t.Topic.DuplicateDetection)})
	if err != nil {
		return err
	}
	for _, f := range t.Functions {
		if err := ensureQueue(b, f.Name, queueProperties(t.Queues.Work)); err != nil {
			return err
		}
		p := subscriptionProperties(t)
		p.ForwardTo = f.Name
		for i, r := range f.Events {
			p.Rules = append(p.Rules, broker.Rule{Name: fmt.Sprintf("event-%d", i+1), SQL: r.SQL()})
		}
		if err := ensureSubscription(b, t.Topic.Name, f.Name, p); err != nil {
			return err
		}
	}
	p := subscriptionProperties(t)
	p.Rules = []broker.Rule{{Name: t.Topic.Unrouted, SQL: topology.UnroutedSQL()}}
	return ensureSubscription(b, t.Topic.Name, t.Topic.Unrouted, p)
}

func queueProperties(s topology.QueueSettings) broker.QueueProperties {
	return broker.QueueProperties{
		LockDuration:       time.Duration(s.LockDuration),
		MaxDeliveryCount:   s.MaxDeliveryCount,
		DeadLetterOnExpiry: true,
	}
}

func subscriptionProperties(t *topology.Topology) broker.SubscriptionProperties {
	return broker.SubscriptionProperties{
		LockDuration:            time.Duration(t.Queues.Work.LockDuration),
		MaxDeliveryCount:        t.Queues.Work.MaxDeliveryCount,
		DeadLetterOnExpiry:      true,
		DeadLetterOnFilterError: true,
	}
}
