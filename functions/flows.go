package main

import (
	"context"
	"fmt"

	"crosswalk/handlers/flow"
	"crosswalk/handlers/probe"
	"crosswalk/shared/contract"
	"crosswalk/shared/customhandler"
	"crosswalk/shared/dataverse"
	"crosswalk/shared/event"
	"crosswalk/shared/finops"
	"crosswalk/shared/link"
	"crosswalk/shared/settings"
	"crosswalk/shared/settle"
)

// addFlow adds one flow, whose function is named after its contract's folder. owners is what all contracts say together.
func addFlow(server *customhandler.Server, d *dependencies, plan *contract.Plan, owners *contract.Ownership) error {
	tuning := d.settings.For(plan.Name)
	handler, err := newFlow(d, plan, owners, tuning)
	if err != nil {
		return err
	}
	queue, err := settle.NewQueue(d.bus, plan.Name)
	if err != nil {
		return err
	}
	settler := &settle.Settler{Function: plan.Name, Queue: queue, Policy: settle.Policy(tuning.Settle), Log: d.outcomes, Now: d.now}
	volume := &flow.Volume{Function: plan.Name, To: plan.To.System, BulkAbove: plan.BulkAbove, Log: d.outcomes, Now: d.now}
	handle := volume.Counted(handler.Handle)
	server.Single(plan.Name, settler.Wrap(func(ctx context.Context, m customhandler.Message) (settle.Outcome, error) {
		if probe.IsProbe(m.Properties) {
			return probe.Handle(ctx, m)
		}
		var err error // each message's own
		body := m.Body
		if ref, _ := m.Properties[event.DataRefProperty].(string); ref != "" && len(body) == 0 { // else somebody mended it
			if body, err = d.bodies.Get(ctx, ref); err != nil {
				return settle.Outcome{}, err
			}
		}
		e, err := event.FromProperties(m.Properties, m.ContentType, body)
		if err != nil {
			return settle.Outcome{}, err
		}
		return handle(ctx, e)
	}))
	return nil
}

// newFlow connects a contract's two systems.
func newFlow(d *dependencies, plan *contract.Plan, owners *contract.Ownership, tuning settings.Tuning) (*flow.Handler, error) {
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
		if target, err = flow.NewFnOTarget(client, plan); err != nil {
			return nil, err
		}
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
