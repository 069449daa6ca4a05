package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

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
				c.Send = sendRow(plan, e.Input, 1000+i, "functions/"+plan.Name+"/examples/"+e.Name+".json")
			}
			c.Hint = hint(plan, e)
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

// hint says what is often at fault where an example ends in another way than it expects.
func hint(p *contract.Plan, e contract.Example) func(*Feed, End) string {
	return func(f *Feed, end End) string {
		if e.Want.Write != nil && slices.Contains([]string{"unchanged", "duplicate", "late"}, end.Why) {
			return "; another example or flow may have written this record before: give each example a number of its own"
		}
		if p.From.State != contract.StateRow || end.Outcome == "" {
			return ""
		}
		if filled := f.filledIn(p, e.Input); len(filled) > 0 {
			return fmt.Sprintf("; %s itself has filled in what the example leaves blank, %s: write into the example what a record there has", p.From.System, strings.Join(filled, ", "))
		}
		return ""
	}
}

// filledIn returns the columns that a flow reads, that an example leaves blank, and that the source's row has a value in.
func (f *Feed) filledIn(p *contract.Plan, example []byte) []string {
	var said, there map[string]json.RawMessage
	if json.Unmarshal(example, &said) != nil {
		return nil
	}
	e := p.SourceEntity()
	var key []string
	for _, name := range e.PrimaryKey {
		var text string
		if json.Unmarshal(said[name], &text) != nil {
			text = string(said[name])
		}
		key = append(key, text)
	}
	row, found := f.Stack.Systems.Dataverse().Row(e.Name, key...)
	if p.From.System == schema.FnO {
		row, found = f.Stack.Systems.FnO().Row(e.Set, key...)
	}
	if !found || json.Unmarshal(row.JSON, &there) != nil {
		return nil
	}
	var out []string
	for _, name := range p.SourceColumns() {
		if blank(said[name]) && !blank(there[name]) {
			out = append(out, name)
		}
	}
	return out
}

// blank reports whether a member is absent, null or an empty text.
func blank(value json.RawMessage) bool {
	return len(value) == 0 || string(value) == "null" || string(value) == `""`
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
