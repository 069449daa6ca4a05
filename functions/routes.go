package main

import (
	"fmt"
	"slices"

	"crosswalk/handlers/receive"
	"crosswalk/handlers/watch"
	"crosswalk/shared/backlog"
	"crosswalk/shared/customhandler"
	"crosswalk/shared/deadletter"
	"crosswalk/shared/event"
	"crosswalk/shared/settle"
	"crosswalk/shared/topology"
)

// newServer makes the route table: the receive functions of the topology, the webhook, and one flow for each folder under
// root that holds a contract. The flows load their contracts later.
func newServer(d *dependencies, root string) (*customhandler.Server, *flows, error) {
	server := customhandler.NewServer(d.log)
	publisher := event.NewPublisher(d.bus, d.topology.Topic.Name, d.topology.Routes, d.bodies)
	for _, in := range d.topology.Ingress {
		queue, err := settle.NewQueue(d.bus, in.Queue)
		if err != nil {
			return nil, nil, err
		}
		batch := &receive.Batch{Publisher: publisher, Queue: queue, Bodies: d.bodies, Routes: d.topology.Routes, Log: d.outcomes, Now: d.now}
		server.Batch(in.Function, batch.Handle)
	}
	server.HTTP(webhook, "/api/"+webhook, &receive.Webhook{
		Function: webhook, Publisher: publisher, Parker: event.NewParker(d.bus, webhookQueue, d.bodies),
		Routes: d.topology.Routes, Log: d.outcomes, Now: d.now,
	})
	server.Timer(watchForwarding, (&watch.Handler{
		Function: watchForwarding, Subscriptions: subscriptions(d.topology), Queues: queues(d.topology),
		Waiting: backlog.NewQueues(d.bus), Counter: deadletter.NewCounter(d.bus, d.topology.Topic.Name),
		Log: d.outcomes, Now: d.now,
	}).Handle)
	flows, err := openFlows(d, root)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range d.topology.Functions {
		if !slices.Contains(flows.contracts.Names(), f.Name) {
			return nil, nil, fmt.Errorf("%s/contract.yaml is missing, and the topology sends events to that function: no flow runs without a contract", f.Name)
		}
	}
	for _, name := range flows.contracts.Names() {
		if err := flows.add(server, name); err != nil {
			return nil, nil, err
		}
	}
	return server, flows, nil
}

// subscriptions are those that forward, each named like its function.
func subscriptions(t *topology.Topology) []string {
	var out []string
	for _, f := range t.Functions {
		out = append(out, f.Name)
	}
	return out
}

// queues are all that a function reads.
func queues(t *topology.Topology) []string {
	var out []string
	for _, q := range t.Entities().Queues {
		out = append(out, q.Name)
	}
	return out
}

// watchForwarding is the function that looks at what could not be forwarded and at what waits too long.
const watchForwarding = "watch-forwarding"

// The webhook function, and the ingress queue whose receiver dead-letters what it can't read.
const (
	webhook      = "dataverse-webhook"
	webhookQueue = "dataverse-events"
)
