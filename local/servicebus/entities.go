package servicebus

import (
	"time"

	"crosswalk/local/servicebus/broker"
	"crosswalk/shared/topology"
)

// create makes the entities of a topology: the ingress queues; the topic; for each function a work queue and a
// subscription of the same name that forwards its events there; and the subscription for what no function asked for.
func create(b *broker.Broker, t *topology.Topology) error {
	err := ensureTopic(b, t.Topic.Name, broker.TopicProperties{DuplicateDetection: time.Duration(t.Topic.DuplicateDetection)})
	if err != nil {
		return err
	}
	entities := t.Entities()
	for _, q := range entities.Queues {
		err := ensureQueue(b, q.Name, broker.QueueProperties{
			LockDuration:       time.Duration(q.LockDuration),
			MaxDeliveryCount:   q.MaxDeliveryCount,
			DeadLetterOnExpiry: true,
		})
		if err != nil {
			return err
		}
	}
	for _, s := range entities.Subscriptions {
		p := broker.SubscriptionProperties{
			LockDuration:            time.Duration(s.LockDuration),
			MaxDeliveryCount:        s.MaxDeliveryCount,
			DeadLetterOnExpiry:      true,
			DeadLetterOnFilterError: true,
			ForwardTo:               s.ForwardTo,
		}
		for _, f := range s.Filters {
			p.Rules = append(p.Rules, broker.Rule{Name: f.Name, SQL: f.SQL})
		}
		if err := ensureSubscription(b, t.Topic.Name, s.Name, p); err != nil {
			return err
		}
	}
	return nil
}
