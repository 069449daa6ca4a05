package servicebus

import (
	"errors"
	"fmt"

	"crosswalk/local/servicebus/broker"
)

// Entities are what a broker has from the start. What is there already, from [Options].Dir, gets these settings and
// rules and keeps its messages; what is there besides stays as it is.
type Entities struct {
	Queues        []Queue
	Topics        []Topic
	Subscriptions []Subscription
}

// Queue is a queue with its name.
type Queue struct {
	Name string
	broker.QueueProperties
}

// Topic is a topic with its name.
type Topic struct {
	Name string
	broker.TopicProperties
}

// Subscription is a subscription with its name and its topic's.
type Subscription struct {
	Topic, Name string
	broker.SubscriptionProperties
}

// populate makes the entities of the options.
func populate(b *broker.Broker, o Options) error {
	if o.Topology != nil {
		if err := create(b, o.Topology); err != nil {
			return err
		}
	}
	if o.Entities == nil {
		return nil
	}
	return o.Entities.ensure(b)
}

// ensure makes the entities, in an order in which each finds what it forwards to.
func (e *Entities) ensure(b *broker.Broker) error {
	for _, t := range e.Topics {
		if err := ensureTopic(b, t.Name, t.TopicProperties); err != nil {
			return fmt.Errorf("topic %s: %w", t.Name, err)
		}
	}
	// A queue may forward to one that comes later, so queues are first made without; the names are what it's about.
	for _, q := range e.Queues {
		if b.Exists(q.Name) != nil {
			p := q.QueueProperties
			p.ForwardTo, p.ForwardDeadLetteredTo = "", ""
			if err := ensureQueue(b, q.Name, p); err != nil {
				return fmt.Errorf("queue %s: %w", q.Name, err)
			}
		}
	}
	for _, q := range e.Queues {
		if err := ensureQueue(b, q.Name, q.QueueProperties); err != nil {
			return fmt.Errorf("queue %s: %w", q.Name, err)
		}
	}
	for _, s := range e.Subscriptions {
		if err := ensureSubscription(b, s.Topic, s.Name, s.SubscriptionProperties); err != nil {
			return fmt.Errorf("subscription %s of topic %s: %w", s.Name, s.Topic, err)
		}
	}
	return nil
}

func ensureQueue(b *broker.Broker, name string, p broker.QueueProperties) error {
	err := b.CreateQueue(name, p)
	if errors.Is(err, broker.ErrExists) {
		err = b.UpdateQueue(name, p)
	}
	return err
}

func ensureTopic(b *broker.Broker, name string, p broker.TopicProperties) error {
	err := b.CreateTopic(name, p)
	if errors.Is(err, broker.ErrExists) {
		err = b.UpdateTopic(name, p)
	}
	return err
}

func ensureSubscription(b *broker.Broker, topic, name string, p broker.SubscriptionProperties) error {
	err := b.CreateSubscription(topic, name, p)
	if !errors.Is(err, broker.ErrExists) {
		return err
	}
	if err := b.UpdateSubscription(topic, name, p); err != nil {
		return err
	}
	path := topic + "/Subscriptions/" + name
	old, err := b.Rules(path)
	if err != nil {
		return err
	}
	for _, r := range old {
		if err := b.RemoveRule(path, r.Name); err != nil {
			return err
		}
	}
	rules := p.Rules
	if rules == nil {
		rules = []broker.Rule{{Name: broker.DefaultRuleName}}
	}
	for _, r := range rules {
		if err := b.AddRule(path, r); err != nil {
			return err
		}
	}
	return nil
}
