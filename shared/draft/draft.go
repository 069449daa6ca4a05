// Package draft writes the first version of a flow: function.json, a contract with every required field of the target, an
// example, and the flow's entry in the topology. What only a person can know is marked TODO, which the contracts' check
// refuses until it is filled in.
package draft

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/eventtype"
	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

// Flow is what a new flow is made from.
type Flow struct {
	// Name becomes the function's, the folder's and the queue's.
	Name string
	From Side
	To   Side
	// Event is the type of the events that start the flow, perhaps with * at its end.
	Event string
	// Key are the columns of the target by which a record is found.
	Key []string
	// Pair names the link that both directions share; "" takes that of the flow in the opposite direction, or the name.
	Pair string
}

// Side is a system's entity.
type Side struct{ System, Entity string }

// ParseSide reads "system/Entity".
func ParseSide(text string) (Side, error) {
	system, entity, ok := strings.Cut(text, "/")
	if !ok || system == "" || entity == "" {
		return Side{}, fmt.Errorf("%q isn't written as system/Entity, such as fno/CustomersV3 or dataverse/account", text)
	}
	return Side{system, entity}, nil
}

// Project is where a flow is drafted.
type Project struct {
	// Root is the project's folder; Functions and Topology are paths below it.
	Root                string
	Functions, Topology string
	Schemas             *schema.Set
}

// flowNames are lower-case words joined by hyphens, as Azure takes them for a function, a queue and a subscription.
var flowNames = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// CheckName says what is wrong with a new flow's name.
func (p Project) CheckName(name string) error {
	if !flowNames.MatchString(name) {
		return fmt.Errorf("the name %q isn't made of lower-case words, digits and single hyphens, such as customer-to-dataverse", name)
	}
	if len(name) > topology.MaxNameLength {
		return fmt.Errorf("the name %s has %d characters; a subscription's may have %d", name, len(name), topology.MaxNameLength)
	}
	if _, err := os.Stat(filepath.Join(p.Root, p.Functions, name)); err == nil {
		return fmt.Errorf("there is a function %s already: %s/%s", name, p.Functions, name)
	}
	text, err := os.ReadFile(filepath.Join(p.Root, p.Topology))
	if err != nil {
		return err
	}
	// An entry on trial: only the topology knows the names that are taken.
	if _, err := topology.Insert(text, topology.Function{Name: name, Events: []topology.Rule{{Type: "fno.any"}}}); err != nil {
		return fmt.Errorf("%s: %w", p.Topology, err)
	}
	return nil
}

// Side reads "system/Entity" and returns its schema. An entity of which there is only one may stand alone, and capitals don't
// matter. The error says what could be meant.
func (p Project) Side(text string) (Side, *schema.Entity, error) {
	var found []Side
	for _, system := range p.Schemas.Systems() {
		for _, name := range p.Schemas.Entities(system) {
			if strings.EqualFold(text, system+"/"+name) || strings.EqualFold(text, name) {
				found = append(found, Side{system, name})
			}
		}
	}
	if len(found) == 1 {
		e, err := p.Entity(found[0])
		return found[0], e, err
	}
	s, err := ParseSide(text)
	if err != nil {
		return s, nil, err
	}
	e, err := p.Entity(s)
	return s, e, err
}

// Entity returns a side's schema, or says which one could be meant.
func (p Project) Entity(s Side) (*schema.Entity, error) {
	if e, ok := p.Schemas.Lookup(s.System, s.Entity); ok {
		return e, nil
	}
	systems := p.Schemas.Systems()
	if !slices.Contains(systems, s.System) {
		hint := "there are those of " + strings.Join(systems, ", ")
		if meant := contract.SystemMeant(s.System, systems); meant != "" {
			hint = "did you mean " + meant + "/" + s.Entity + "?"
		}
		return nil, fmt.Errorf("there are no schemas of a system %q; %s", s.System, hint)
	}
	names := p.Schemas.Entities(s.System)
	hint := "it has " + strings.Join(names, ", ")
	if near := contract.Nearest(s.Entity, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, fmt.Errorf("%s has no schema of an entity %q (%s); crosswalk schema pull %s %s reads it from your environment, or from files that somebody saved there (docs/schemas.md)", s.System, s.Entity, hint, s.System, s.Entity)
}

// Event returns the events that can start a flow from this entity where there is no doubt, else "".
func Event(e *schema.Entity) string {
	switch {
	case e.Event != "":
		return e.Event
	case e.System == schema.Dataverse || e.VirtualTable != "":
		return eventtype.Rows(e.Name, e.VirtualTable)
	}
	return ""
}

// CheckSource says why no event can start a flow from this entity.
func CheckSource(e *schema.Entity) error {
	if e.Event == "" && e.System == schema.FnO && e.VirtualTable == "" {
		return fmt.Errorf("the schema of %s names no virtual table, by which a data event says which entity it is about: "+
			`add "virtualTable": "mserp_…" to shared/schema/fno/%s.json, the name that Dataverse lists the entity's virtual table under, in lower case`, e.Name, e.Name)
	}
	return nil
}

// CheckTarget says why a flow can't write this entity.
func CheckTarget(e *schema.Entity) error {
	if e.Set == "" {
		return fmt.Errorf("%s is an event and can't be written: name a table or a data entity", e.Name)
	}
	return nil
}

// CheckEvent says why events of this type can't start a flow from this entity.
func CheckEvent(e *schema.Entity, event string) error {
	if why, instead := eventtype.Never(event); why != "" {
		return fmt.Errorf("no receiver publishes an event %q (%s): %s", event, why, instead)
	}
	if system := eventtype.System(event); system != e.System {
		return fmt.Errorf("event %q comes from %s, and %s is an entity of %s: write %s", event, system, e.Name, e.System, Event(e))
	}
	if e.Event != "" && event != e.Event {
		return fmt.Errorf("event %q doesn't carry a %s: write %s", event, e.Name, e.Event)
	}
	if e.Event == "" && !eventtype.OfRow(e.Name, e.VirtualTable, event) {
		return fmt.Errorf("event %q isn't about %s: write %s", event, e.Name, eventtype.Rows(e.Name, e.VirtualTable))
	}
	return nil
}

// CheckKey says why rows of this entity can't be found by these columns.
func CheckKey(e *schema.Entity, columns []string) error {
	known := Keys(e)
	want := slices.Sorted(slices.Values(columns))
	same := func(key []string) bool { return slices.Equal(slices.Sorted(slices.Values(key)), want) }
	switch {
	case slices.ContainsFunc(known, same):
		return nil
	case len(known) == 0:
		return fmt.Errorf("%s has no key that another system can know a record by: define an alternate key there and pull its schema again", e.Name)
	case e.HasKey(columns):
		return fmt.Errorf("%s gives its rows [%s] itself, so no other system knows it; use one of %s", e.Name, strings.Join(columns, ", "), listed(known))
	}
	return fmt.Errorf("[%s] is no key of %s, so it can find several rows; its keys are %s", strings.Join(columns, ", "), e.Name, listed(known))
}

func listed(keys [][]string) string {
	var out []string
	for _, key := range keys {
		out = append(out, "["+strings.Join(key, ", ")+"]")
	}
	return strings.Join(out, ", ")
}

// Keys returns the keys by which another system can know a row: none with a value that the entity's own system makes up.
func Keys(e *schema.Entity) [][]string {
	var out [][]string
	for _, key := range append([][]string{e.PrimaryKey}, e.AlternateKeys...) {
		madeUp := func(name string) bool {
			c, ok := e.Column(name)
			return !ok || c.ReadOnly || len(key) == 1 && c.Kind == schema.GUID
		}
		if len(key) > 0 && !slices.ContainsFunc(key, madeUp) {
			out = append(out, key)
		}
	}
	return out
}

// Key returns the key that a flow finds its target's rows by where there is no doubt, else nil: the columns that the key of the
// flow in the opposite direction comes from, in its order, because both know a record by one key; else the only key.
func (p Project) Key(from, to Side) []string {
	target, ok := p.Schemas.Lookup(to.System, to.Entity)
	if !ok {
		return nil
	}
	if back := opposite(p.plans(), from, to); back != nil {
		rules := back.FieldRules()
		var key []string
		for _, name := range back.To.Key {
			i := slices.IndexFunc(rules, func(r contract.FieldRule) bool { return r.Column.Name == name })
			if i >= 0 && rules[i].Source != nil {
				key = append(key, rules[i].Source.Column.Name)
			}
		}
		if target.HasKey(key) {
			return key
		}
	}
	if keys := Keys(target); len(keys) == 1 {
		return keys[0]
	}
	return nil
}

// Write writes the flow's files and its entry in the topology: all or nothing. It returns the paths of the files, below
// the project's root. The error says what to change, and then nothing was written.
func (p Project) Write(f Flow) ([]string, error) {
	files, err := p.files(f)
	if err != nil {
		return nil, err
	}
	topologyPath := filepath.Join(p.Root, p.Topology)
	before, err := os.ReadFile(topologyPath)
	if err != nil {
		return nil, err
	}
	after, err := topology.Insert(before, topology.Function{Name: f.Name, Events: []topology.Rule{{Type: f.Event}}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Topology, err)
	}
	folder := filepath.Join(p.Root, p.Functions, f.Name)
	// Written aside and renamed, so that nobody meets half a flow.
	aside, err := os.MkdirTemp(filepath.Join(p.Root, p.Functions), "."+f.Name+"-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(aside)
	paths := []string{p.Topology}
	for _, file := range files {
		path := filepath.Join(aside, file.name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, file.text, 0o644)); err != nil {
			return nil, err
		}
		paths = append(paths, filepath.ToSlash(filepath.Join(p.Functions, f.Name, file.name)))
	}
	if err := errors.Join(os.Chmod(aside, 0o755), os.Rename(aside, folder)); err != nil {
		return nil, err
	}
	if err := replace(topologyPath, after); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	slices.Sort(paths)
	return paths, nil
}

// replace puts a new text in a file's place at once.
func replace(path string, text []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	aside := path + ".new"
	if err := os.WriteFile(aside, text, mode); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return errors.Join(err, os.Remove(aside))
	}
	return nil
}

type file struct {
	name string
	text []byte
}

// files makes the flow's files, after a look at all that was given.
func (p Project) files(f Flow) ([]file, error) {
	if err := p.CheckName(f.Name); err != nil {
		return nil, err
	}
	source, err := p.Entity(f.From)
	if err != nil {
		return nil, err
	}
	target, err := p.Entity(f.To)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(CheckSource(source), CheckEvent(source, f.Event), CheckTarget(target), CheckKey(target, f.Key)); err != nil {
		return nil, err
	}
	plans := p.plans()
	back := opposite(plans, f.From, f.To)
	switch {
	case f.Pair != "":
	case back != nil:
		f.Pair = back.Pair
	default:
		f.Pair = f.Name
	}
	d := drafting{flow: f, source: source, target: target, schemas: p.Schemas, plans: plans, opposite: back}
	return []file{
		{"function.json", functionJSON(f.Name)},
		{"contract.yaml", d.contract()},
		{"examples/first.json", d.example()},
		{"examples/first.want.json", []byte("{\n  \"write\": {\n    \"TODO\": \"look at what crosswalk try " + f.Name + " first shows; --save writes it here\"\n  }\n}\n")},
	}, nil
}

func functionJSON(name string) []byte {
	return []byte(`{
  "bindings": [
    {
      "type": "serviceBusTrigger",
      "direction": "in",
      "name": "in",
      "queueName": "` + name + `",
      "connection": "SERVICEBUS",
      "dataType": "binary"
    }
  ]
}
`)
}
