package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"crosswalk/shared/contract"
	"crosswalk/shared/event"
	"crosswalk/shared/fault"
	"crosswalk/shared/topology"
)

func newTry() *cobra.Command {
	var format, save, compare, endpoints string
	cmd := &cobra.Command{
		Use:   "try FLOW EVENT.json",
		Short: "Show what a flow makes of one record, field by field",
		Long: `Show what a flow makes of one record, field by field: source, rule, target.

EVENT.json is a file, "-" for standard input, or the name of one of the flow's examples. It holds what the flow maps: the
source's row, or for a flow with state: event the event, also inside an Event Grid envelope.

The exit status is 0 where everything is accepted, 1 where something is rejected (0 where --save keeps that), and 2 where
nothing could be tried.`,
		Example: "  crosswalk try invoice-to-dataverse posted\n  crosswalk try account-to-fno row.json --format json",
		Args:    exactly("a flow and a record", "try invoice-to-dataverse posted"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return fmt.Errorf("there is no format %q: text or json", format)
			}
			if compare != "" && compare != "local" {
				return fmt.Errorf("--against %s: only the local stack can be looked at, which make run starts: --against local", compare)
			}
			p, err := openProject()
			if err != nil {
				return err
			}
			plan, err := p.plan(args[0])
			if err != nil {
				return err
			}
			in, err := tryInput(p.root, args[0], args[1], cmd.InOrStdin())
			if err != nil {
				return err
			}
			trials, err := try(plan, in)
			if err != nil {
				return err
			}
			if compare != "" {
				if err := against(cmd.Context(), endpointsPath(p.root, endpoints), plan, trials); err != nil {
					return err
				}
			}
			if err := showTrials(cmd.OutOrStdout(), format, plan, trials); err != nil {
				return err
			}
			if save != "" {
				return saveExample(filepath.Join(p.functions(), plan.Name), save, trials)
			}
			if slices.ContainsFunc(trials, func(t trial) bool { return t.fault != nil }) {
				return exitCode(1)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, or json for tools")
	cmd.Flags().StringVar(&compare, "against", "", "local: show what the target of the running local stack holds, and what would become of it; nothing is written")
	cmd.Flags().StringVar(&endpoints, "endpoints", "", "the endpoints file of the local stack, where crosswalk run was told another than "+endpointsFile)
	cmd.Flags().StringVar(&save, "save", "", "keep the record, and what the flow makes of it, as the flow's example of this name")
	return cmd
}

// plan loads a flow's contract by the flow's name.
func (p *project) plan(name string) (*contract.Plan, error) {
	paths, err := filepath.Glob(filepath.Join(p.functions(), "*", "contract.yaml"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, path := range paths {
		flow := filepath.Base(filepath.Dir(path))
		if names = append(names, flow); flow != name {
			continue
		}
		plan, err := contract.LoadAgainst(path, p.schemas)
		var findings contract.Findings
		if errors.As(err, &findings) {
			return nil, fmt.Errorf("the contract of %s doesn't pass the check:\n%w", name, fromHere(findings))
		}
		return plan, err
	}
	return nil, fmt.Errorf("there is no flow %q; the flows are %s", name, strings.Join(names, ", "))
}

// input is what is tried.
type input struct {
	name string
	data []byte
	// example is true for one of the flow's own examples, which hold the event's data and no envelope.
	example bool
}

// tryInput reads standard input, a file, or else the example of that name.
func tryInput(root, flow, name string, stdin io.Reader) (input, error) {
	if name == "-" {
		data, err := io.ReadAll(stdin)
		return input{name: "standard input", data: data}, err
	}
	if isFile(name) {
		data, err := os.ReadFile(name)
		return input{name: name, data: data}, err
	}
	// One without an expectation counts too: it is being written.
	if stem := strings.TrimSuffix(name, ".json"); filepath.Base(stem) == stem {
		if data, err := os.ReadFile(filepath.Join(root, "functions", flow, "examples", stem+".json")); err == nil {
			return input{name: "example " + stem, data: data, example: true}, nil
		}
	}
	examples, _ := contract.Examples(filepath.Join(root, "functions", flow))
	var names []string
	for _, e := range examples {
		names = append(names, e.Name)
	}
	return input{}, fmt.Errorf("there is neither a file nor an example %q; the examples of %s are %s", name, flow, strings.Join(names, ", "))
}

// trial is one record's way through a flow.
type trial struct {
	// name says what was tried, event is what the receiver makes of it ("" for a row and for bare data).
	name, event string
	// note is what the reader should know about how the record was found.
	note string
	// data is what was mapped: the row, or the event's own body without an envelope.
	data   []byte
	steps  []contract.Step
	record *contract.Record
	fault  *fault.Error
	// against is what the target holds of the record; nil where nobody has looked.
	against *comparison
}

// ignored reports whether the contract's when is false for the record.
func (t trial) ignored() bool { return t.record == nil && t.fault == nil }

// try maps what in holds. The error says why there is nothing to map.
func try(plan *contract.Plan, in input) ([]trial, error) {
	if in.example {
		return []trial{tryRecord(plan, trial{name: in.name}, in.data)}, nil
	}
	parsed, err := event.Parse(in.data)
	found := fault.Of(err)
	shapeless := found != nil && found.Reason == "unknown-shape"
	if plan.From.State == contract.StateRow {
		if len(parsed.Events) > 0 {
			return nil, fmt.Errorf("%s holds an event, %s, but %s reads the row that the event is about: give the row, as the source system returns it",
				in.name, parsed.Events[0].Type(), plan.Name)
		}
		return []trial{tryRecord(plan, trial{name: in.name}, in.data)}, nil
	}
	if shapeless && len(parsed.Events) == 0 {
		note := "this is no event that a receiver knows, so it is taken for an event's data"
		return []trial{tryRecord(plan, trial{name: in.name, note: note}, in.data)}, nil
	}
	var trials []trial
	wanted := topology.Rule{Type: plan.From.Event}
	var others []string
	for _, e := range parsed.Events {
		if !wanted.Matches(e.Type(), e.Source()) {
			others = append(others, e.Type())
			continue
		}
		trials = append(trials, tryRecord(plan, trial{name: in.name, event: e.Type() + " " + e.ID() + " from " + e.Source()}, e.Data()))
	}
	if found != nil {
		trials = append(trials, trial{name: in.name, fault: found, note: "a receiver rejects it before any flow sees it"})
	}
	switch {
	case len(trials) > 0:
		return trials, nil
	case len(others) > 0:
		return nil, fmt.Errorf("%s holds %s, but %s is started by %s", in.name, strings.Join(others, ", "), plan.Name, plan.From.Event)
	}
	return nil, fmt.Errorf("%s holds only a test event, which asks for nothing", in.name)
}

func tryRecord(plan *contract.Plan, t trial, data []byte) trial {
	var err error
	t.data = data
	t.record, err = plan.Apply(data)
	if errors.Is(err, contract.ErrNotWanted) {
		t.note, err = "the flow ignores this record, because when is false for it: "+plan.When(), nil
		if read := plan.WhenReads(data); len(read) > 0 {
			t.note += "; it has " + printable(readings(read, nil, ", "), false)
		}
	}
	t.fault = fault.Of(err)
	t.steps, _ = plan.Trace(data) // its error is Apply's
	return t
}

func showTrials(out io.Writer, format string, plan *contract.Plan, trials []trial) error {
	if format == "json" {
		return writeTrials(out, plan, trials)
	}
	v := trialView{out: out, colour: newConsole(out, false).colour}
	for i, t := range trials {
		if i > 0 {
			fmt.Fprintln(out)
		}
		v.trial(plan, t)
	}
	return nil
}

// trialJSON is a trial as tools read it. Values are the exact JSON literals; an absent one is left out.
type trialJSON struct {
	Name     string          `json:"name"`
	Event    string          `json:"event,omitempty"`
	Note     string          `json:"note,omitempty"`
	Accepted bool            `json:"accepted"`
	Ignored  bool            `json:"ignored,omitempty"`
	Reject   *rejectJSON     `json:"reject,omitempty"`
	Key      string          `json:"key,omitempty"`
	Fields   []fieldJSON     `json:"fields"`
	Write    json.RawMessage `json:"write,omitempty"`
	Target   *targetJSON     `json:"target,omitempty"`
}

// targetJSON is what the target holds of a record, and what a write would make of it.
type targetJSON struct {
	Exists  bool         `json:"exists"`
	Changes bool         `json:"changes"`
	Fields  []becomeJSON `json:"fields"`
}

type becomeJSON struct {
	Field   string          `json:"field"`
	Now     json.RawMessage `json:"now,omitempty"`
	Becomes json.RawMessage `json:"becomes"`
	Changes bool            `json:"changes"`
}

func targetOf(c *comparison) *targetJSON {
	if c == nil {
		return nil
	}
	out := &targetJSON{Exists: c.exists, Changes: c.changes()}
	for _, d := range c.fields {
		out.Fields = append(out.Fields, becomeJSON{d.Value.Name, d.Now, d.Value.JSON, !d.Same})
	}
	return out
}

type rejectJSON struct {
	Reason string `json:"reason"`
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

type fieldJSON struct {
	Target   string          `json:"target"`
	Property string          `json:"property"`
	Owner    string          `json:"owner"`
	Key      bool            `json:"key"`
	Rule     string          `json:"rule,omitempty"`
	Read     []readingJSON   `json:"read,omitempty"`
	Outcome  string          `json:"outcome"` // written, skipped, rejected, not-owned
	Value    json.RawMessage `json:"value,omitempty"`
	Reject   *rejectJSON     `json:"reject,omitempty"`
	Rows     []rowJSON       `json:"rows,omitempty"` // of a list that is projected
}

// rowJSON is one row of a list; At is its number in the source's, counted from 0.
type rowJSON struct {
	At     int         `json:"at"`
	Fields []fieldJSON `json:"fields"`
}

type readingJSON struct {
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
	Empty string          `json:"empty,omitempty"`
}

func writeTrials(out io.Writer, plan *contract.Plan, trials []trial) error {
	doc := struct {
		Flow   string      `json:"flow"`
		From   string      `json:"from"`
		To     string      `json:"to"`
		Trials []trialJSON `json:"trials"`
	}{plan.Name, plan.From.System + "/" + plan.From.Entity, plan.To.System + "/" + plan.To.Entity, nil}
	for _, t := range trials {
		j := trialJSON{Name: t.name, Event: t.event, Note: t.note, Accepted: t.record != nil && t.fault == nil, Ignored: t.ignored(), Reject: rejectOf(t.fault), Fields: []fieldJSON{}}
		if t.record != nil {
			j.Key, j.Write, j.Target = t.record.KeyText(), t.record.JSON(true), targetOf(t.against)
		}
		for _, s := range t.steps {
			j.Fields = append(j.Fields, fieldOf(s))
		}
		doc.Trials = append(doc.Trials, j)
	}
	return writeJSON(out, doc)
}

// writeJSON writes v indented and with <, > and & as they are.
func writeJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func rejectOf(f *fault.Error) *rejectJSON {
	if f == nil {
		return nil
	}
	return &rejectJSON{f.Reason, f.Field, f.Detail}
}

func fieldOf(s contract.Step) fieldJSON {
	j := fieldJSON{Target: s.Column.Name, Property: s.Property, Owner: s.Owner, Key: s.Key, Rule: s.Words(), Outcome: outcome(s), Reject: rejectOf(s.Fault)}
	for _, r := range s.Read {
		j.Read = append(j.Read, readingJSON{r.Path, r.JSON, r.Empty})
	}
	if s.Value != nil {
		j.Value = s.Value.JSON
	}
	for _, row := range s.Rows {
		r := rowJSON{At: row.At}
		for _, member := range row.Steps {
			r.Fields = append(r.Fields, fieldOf(member))
		}
		j.Rows = append(j.Rows, r)
	}
	return j
}

// outcome says in one word what became of a field.
func outcome(s contract.Step) string {
	switch {
	case !s.Mapped():
		return "not-owned"
	case s.Fault != nil:
		return "rejected"
	case s.Value == nil:
		return "skipped"
	}
	return "written"
}
