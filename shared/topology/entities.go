package topology

import "fmt"

// DefaultRule is the name of the rule that Service Bus gives a new subscription and that lets everything pass. Each
// subscription's first rule takes this name, so that the one that lets everything pass can't survive beside it.
const DefaultRule = "$Default"

// Entities are what a namespace has: the topology in full. The topic is [Topology.Topic].
type Entities struct {
	Queues        []Queue
	Subscriptions []Subscription
}

// Queue is an ingress queue or a work queue. What expires in it is dead-lettered; it has neither sessions nor duplicate
// detection.
type Queue struct {
	Name string
	QueueSettings
}

// Subscription is one of the topic's. What expires in it is dead-lettered, and what its filters fail on too.
type Subscription struct {
	Name string
	QueueSettings
	// ForwardTo is the work queue that gets its messages; empty where they stay.
	ForwardTo string
	Filters   []Filter
}

// Filter is a subscription's rule with its SQL filter.
type Filter struct{ Name, SQL string }

// Entities returns the queues, ingress first, and the subscriptions, each after the queue it forwards to.
func (t *Topology) Entities() Entities {
	var e Entities
	for _, in := range t.Ingress {
		e.Queues = append(e.Queues, Queue{Name: in.Queue, QueueSettings: t.Queues.Ingress})
	}
	for _, f := range t.Functions {
		e.Queues = append(e.Queues, Queue{Name: f.Name, QueueSettings: t.Queues.Work})
		s := Subscription{Name: f.Name, QueueSettings: t.Queues.Work, ForwardTo: f.Name}
		for i, r := range f.Events {
			s.Filters = append(s.Filters, Filter{filterName(i), r.SQL()})
		}
		e.Subscriptions = append(e.Subscriptions, s)
	}
	e.Subscriptions = append(e.Subscriptions, Subscription{
		Name: t.Topic.Unrouted, QueueSettings: t.Queues.Work, Filters: []Filter{{filterName(0), UnroutedSQL()}},
	})
	return e
}

func filterName(position int) string {
	if position == 0 {
		return DefaultRule
	}
	return fmt.Sprintf("event-%d", position+1)
}
