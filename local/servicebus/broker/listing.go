package broker

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Description is what there is to know about a queue, a topic or a subscription, without its messages.
type Description struct {
	// Path is the address as it was created; of a subscription topic/Subscriptions/name.
	Path string
	// One of the three is set. A subscription's Rules are nil: [Broker.Rules] gives them.
	Queue        *QueueProperties
	Topic        *TopicProperties
	Subscription *SubscriptionProperties

	Created, Updated time.Time
	// Accessed is when a message was last sent to it or received from it, zero for never.
	Accessed time.Time
	Counts   Counts
	// Of a topic: its subscriptions and what rules they have together. A rule without a filter counts as a SQL filter.
	Subscriptions, SQLFilters, CorrelationFilters int
}

// Describe describes the queue, topic or subscription at an address. ErrNotFound, also for a sub-queue.
func (b *Broker) Describe(address string) (Description, error) {
	b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return Description{}, err
	}
	if t.isSubQueue() {
		return Description{}, t.refuse(ErrNotFound)
	}
	return t.describe(), nil
}

// Queues describes the queues by name, from the skip-th on, at most top.
func (b *Broker) Queues(skip, top int) []Description {
	b.begin()
	defer b.end()
	return b.list(kindQueue, skip, top)
}

// Topics describes the topics by name, from the skip-th on, at most top.
func (b *Broker) Topics(skip, top int) []Description {
	b.begin()
	defer b.end()
	return b.list(kindTopic, skip, top)
}

// Subscriptions describes a topic's subscriptions by name, from the skip-th on, at most top. ErrNotFound; ErrNotAllowed
// for what is no topic.
func (b *Broker) Subscriptions(topic string, skip, top int) ([]Description, error) {
	b.begin()
	defer b.end()
	t, err := b.ofKind(topic, kindTopic)
	if err != nil {
		return nil, err
	}
	return describeSome(slices.Clone(t.subscriptions), skip, top), nil
}

func (b *Broker) list(k kind, skip, top int) []Description {
	var found []*entity
	for _, t := range b.entities {
		if t.kind == k {
			found = append(found, t)
		}
	}
	return describeSome(found, skip, top)
}

func describeSome(found []*entity, skip, top int) []Description {
	slices.SortFunc(found, func(a, b *entity) int { return strings.Compare(foldASCII(a.path), foldASCII(b.path)) })
	found = found[min(max(skip, 0), len(found)):]
	found = found[:min(max(top, 0), len(found))]
	out := make([]Description, 0, len(found))
	for _, t := range found {
		out = append(out, t.describe())
	}
	return out
}

func (t *entity) describe() Description {
	d := Description{
		Path: t.path, Created: t.created, Updated: t.updated, Accessed: t.accessed, Counts: t.count(),
		Subscriptions: len(t.subscriptions),
	}
	window := time.Duration(0)
	if t.history != nil {
		window = t.history.window
	}
	switch t.kind {
	case kindTopic:
		d.Topic = &TopicProperties{
			DefaultTTL: t.defaultTTL, DuplicateDetection: window, MaxSize: t.maxSize, Status: t.status,
			MaxMessageSize: t.maxMessageSize, Metadata: maps.Clone(t.metadata),
		}
		for _, s := range t.subscriptions {
			for _, r := range s.rules {
				if r.source.Correlation != nil {
					d.CorrelationFilters++
				} else {
					d.SQLFilters++
				}
			}
		}
	case kindQueue:
		d.Queue = &QueueProperties{
			LockDuration: t.lockDuration, DefaultTTL: t.defaultTTL, MaxDeliveryCount: t.maxDeliveryCount,
			RequiresSession: t.requiresSession, DuplicateDetection: window, DeadLetterOnExpiry: t.deadLetterOnExpiry,
			ForwardTo: t.forwardTo, ForwardDeadLetteredTo: t.deadLetter.forwardTo,
			MaxSize: t.maxSize, Status: t.status, MaxMessageSize: t.maxMessageSize, Metadata: maps.Clone(t.metadata),
		}
	case kindSubscription:
		d.Subscription = &SubscriptionProperties{
			LockDuration: t.lockDuration, DefaultTTL: t.defaultTTL, MaxDeliveryCount: t.maxDeliveryCount,
			RequiresSession: t.requiresSession, DeadLetterOnExpiry: t.deadLetterOnExpiry,
			DeadLetterOnFilterError: t.deadLetterOnFilterError,
			ForwardTo:               t.forwardTo, ForwardDeadLetteredTo: t.deadLetter.forwardTo,
			Status: t.status, Metadata: maps.Clone(t.metadata),
		}
	}
	return d
}
