package main

import (
	"context"
	"fmt"
	"sync"

	ce "github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/handlers/flow"
	"crosswalk/handlers/probe"
	"crosswalk/shared/contract"
	"crosswalk/shared/customhandler"
	"crosswalk/shared/dataverse"
	"crosswalk/shared/event"
	"crosswalk/shared/finops"
	"crosswalk/shared/link"
	"crosswalk/shared/schema"
	"crosswalk/shared/settings"
	"crosswalk/shared/settle"
)

// flows are the functions that hold a contract. A flow loads its contract with its first message, or when load comes to it.
type flows struct {
	*dependencies
	contracts *contract.Library
	handlers  []func() (handle, error)
}

// handle brings one event to a flow's target.
type handle func(context.Context, ce.Event) (settle.Outcome, error)

func openFlows(d *dependencies, root string) (*flows, error) {
	contracts, err := contract.OpenLibrary(root, schema.BuiltIn())
	return &flows{dependencies: d, contracts: contracts}, err
}

// load loads what no message has asked for yet. The error says which contract is wrong, and why: the program must end then,
// because no flow runs beside a contract that doesn't hold.
func (f *flows) load(ctx context.Context) error {
	if err := f.contracts.Load(ctx); err != nil {
		return err
	}
	for _, handler := range f.handlers {
		if _, err := handler(); err != nil {
			return err
		}
	}
	return nil
}

// add adds the flow of this name.
func (f *flows) add(server *customhandler.Server, name string) error {
	tuning := f.settings.For(name)
	handler := sync.OnceValues(func() (handle, error) {
		plan, err := f.contracts.Plan(name)
		if err != nil {
			return nil, err
		}
		h, err := newFlow(f.dependencies, plan, f.contracts.Ownership, tuning)
		if err != nil {
			return nil, err
		}
		volume := &flow.Volume{Function: name, To: plan.To.System, BulkAbove: plan.BulkAbove, Log: f.outcomes, Now: f.now}
		return volume.Counted(h.Handle), nil
	})
	f.handlers = append(f.handlers, handler)
	queue, err := settle.NewQueue(f.bus, name)
	if err != nil {
		return err
	}
	settler := &settle.Settler{Function: name, Queue: queue, Policy: settle.Policy(tuning.Settle), Log: f.outcomes, Now: f.now}
	server.Single(name, settler.Wrap(func(ctx context.Context, m customhandler.Message) (settle.Outcome, error) {
		if probe.IsProbe(m.Properties) {
			return probe.Handle(ctx, m)
		}
		h, err := handler()
		if err != nil {
			return settle.Outcome{}, err // the program is about to end
		}
		e, err := f.event(ctx, m)
		if err != nil {
			return settle.Outcome{}, err
		}
		return h(ctx, e)
	}))
	return nil
}

// event returns the event that a message carries, with its body out of the claim check where it lies there.
func (f *flows) event(ctx context.Context, m customhandler.Message) (ce.Event, error) {
	body := m.Body
	if ref, _ := m.Properties[event.DataRefProperty].(string); ref != "" && len(body) == 0 { // else somebody mended it
		var err error
		if body, err = f.bodies.Get(ctx, ref); err != nil {
			return ce.Event{}, err
		}
	}
	return event.FromProperties(m.Properties, m.ContentType, body)
}

// newFlow connects a contract's two systems.
func newFlow(d *dependencies, plan *contract.Plan, owners func() (*contract.Ownership, error), tuning settings.Tuning) (*flow.Handler, error) {
	var rows flow.RowReader
	var target flow.Target
	if plan.From.State == contract.StateRow {
		var err error
		if rows, err = newSource(d, plan, tuning); err != nil {
			return nil, err
		}
	}
	switch plan.To.System {
	case "dataverse":
		client, err := dataverse.New(d.settings.Dataverse.URL, d.credential, &dataverse.Options{Timeout: tuning.Client.Timeout})
		if err != nil {
			return nil, err
		}
		if target, err = flow.NewDataverseTarget(client, plan); err != nil {
			return nil, err
		}
	case "fno":
		client, err := finops.New(d.settings.FnO.URL, d.credential, &finops.Options{Timeout: tuning.Client.Timeout})
		if err != nil {
			return nil, err
		}
		target = flow.NewFnOTarget(client, plan)
	default:
		return nil, fmt.Errorf("%s: %s can't be written to yet", plan.Name, plan.To.System)
	}
	options := link.Options{Claim: tuning.Link.Claim, Margin: tuning.Link.Margin, ClientDeadline: tuning.Client.Timeout, Now: d.now}
	return flow.New(plan, d.links, options, rows, flow.Owned(target, plan, owners))
}

// newSource returns the reader of a row flow's source.
func newSource(d *dependencies, plan *contract.Plan, tuning settings.Tuning) (flow.RowReader, error) {
	switch plan.From.System {
	case "dataverse":
		client, err := dataverse.New(d.settings.Dataverse.URL, d.credential, &dataverse.Options{Timeout: tuning.Client.Timeout})
		if err != nil {
			return nil, err
		}
		return flow.NewDataverseSource(client, plan)
	case "fno":
		client, err := finops.New(d.settings.FnO.URL, d.credential, &finops.Options{Timeout: tuning.Client.Timeout})
		if err != nil {
			return nil, err
		}
		return flow.NewFnOSource(client, plan)
	}
	return nil, fmt.Errorf("%s: rows of %s can't be read yet", plan.Name, plan.From.System)
}
