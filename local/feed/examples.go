package feed

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"crosswalk/local/systems/rows"
	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
	"crosswalk/shared/telemetry"
)

// examples makes a case of every flow's every example: what the contract's tests hold in memory goes through the whole
// system here. An event flow's example is sent as it is; a row flow's is written in its
// source first, as a person would.
func (f *Feed) examples() ([]Case, error) {
	contracts, err := filepath.Glob(filepath.Join(f.root, "functions", "*", "contract.yaml"))
	if err != nil {
		return nil, err
	}
	var out []Case
	for _, path := range contracts {
		plan, err := contract.Load(path)
		if err != nil {
			return nil, err
		}
		found, findings := contract.Examples(filepath.Dir(path))
		if len(findings) > 0 {
			return nil, fmt.Errorf("%s", findings[0])
		}
		for i, e := range found {
			c := Case{Name: "example " + plan.Name + "/" + e.Name, InRun: true, Wants: wanted(plan, e)}
			if plan.From.State == contract.StateEvent {
				c.Send = sendEvent(e.Input)
			} else {
				c.Send = sendRow(plan, e.Input, 1000+i)
			}
			if e.Want.Write != nil {
				c.Then = targetHolds(plan, e)
			}
			out = append(out, c)
		}
	}
	return out, nil
}

func wanted(p *contract.Plan, e contract.Example) []Want {
	if e.Want.Reject != nil {
		return rejected(p.Name, e.Want.Reject.Reason, e.Want.Reject.Field)
	}
	if e.Want.Ignore != "" {
		return nothing(p.Name, e.Want.Ignore)
	}
	return []Want{{Function: p.Name, Outcome: telemetry.Delivered}}
}

// targetHolds compares the target's row with what the contract makes of the example, to the last digit.
func targetHolds(p *contract.Plan, e contract.Example) func(context.Context, *Feed) error {
	return func(_ context.Context, f *Feed) error {
		record, err := p.Apply(e.Input)
		if err != nil {
			return err
		}
		var key []string
		for _, v := range record.Key() {
			key = append(key, v.Text())
		}
		var row rows.Row
		var found bool
		if p.To.System == "dataverse" {
			row, found = f.Stack.Systems.Dataverse().Row(p.To.Entity, key...)
		} else {
			row, found = f.Stack.Systems.FnO().Row(p.To.Entity, key...)
		}
		if !found {
			return fmt.Errorf("%s has no %s %s", p.To.System, p.To.Entity, record.KeyText())
		}
		var resolved []contract.Resolved
		for _, v := range record.Fields() {
			if v.Reference == nil {
				continue
			}
			to, ok := f.Stack.Systems.Dataverse().Row(v.Reference.Entity, keyOf(v.Reference)...)
			if !ok {
				return fmt.Errorf("the simulator has no %s %s", v.Reference.Entity, v.Reference.Value)
			}
			resolved = append(resolved, contract.Resolved{Name: v.Name, ID: to.Key})
		}
		differences, err := record.Compare(row.JSON, resolved...)
		if err != nil {
			return err
		}
		for _, d := range differences {
			if !d.Same {
				err = errors.Join(err, fmt.Errorf("%s %s: %s is %s after the run, and the contract makes %s of the example", p.To.Entity, record.KeyText(), d.Value.Name, now(d.Now), d.Value.JSON))
			}
		}
		return err
	}
}

func now(value []byte) string {
	if value == nil {
		return "absent"
	}
	return string(value)
}

// keyOf returns the values of a reference's alternate key in the order of its columns in the schema.
func keyOf(r *contract.Reference) []string {
	values := map[string]string{r.Key: r.Value}
	for _, part := range r.And {
		values[part.Column] = part.Value
	}
	e, _ := schema.Lookup(schema.Dataverse, r.Entity)
	for _, key := range e.AlternateKeys {
		var ordered []string
		for _, column := range key {
			if value, ok := values[column]; ok {
				ordered = append(ordered, value)
			}
		}
		if len(ordered) == len(key) && len(key) == len(values) {
			return ordered
		}
	}
	return []string{r.Value}
}
