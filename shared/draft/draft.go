// Package draft writes the first version of a flow: function.json, a contract with every required field of the target, an
// example, and the flow's entry in the topology. What only a person can know is marked TODO, which the contracts' check
// refuses until it is filled in.
package draft

import (
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
	return nil
}

// Entity returns a side's schema, or says which one could be meant.
func (p Project) Entity(s Side) (*schema.Entity, error) {
	if e, ok := p.Schemas.Lookup(s.System, s.Entity); ok {
		return e, nil
	}
	systems := p.Schemas.Systems()
	if !slices.Contains(systems, s.System) {
		return nil, fmt.Errorf("there are no schemas of a system %q; there are those of %s", s.System, strings.Join(systems, ", "))
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

// Key returns the key that records of a target are found by where there is no doubt, else nil. A key that is a single
// generated id is none: no other system knows it.
func Key(e *schema.Entity) []string {
	var found [][]string
	for _, key := range append([][]string{e.PrimaryKey}, e.AlternateKeys...) {
		if len(key) == 0 {
			continue // an event has none
		}
		if c, ok := e.Column(key[0]); ok && (len(key) > 1 || c.Kind != schema.GUID) {
			found = append(found, key)
		}
	}
	if len(found) == 1 {
		return found[0]
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
	if target.Set == "" {
		return nil, fmt.Errorf("%s is an event and can't be written: name a table or a data entity", target.Name)
	}
	if why, instead := eventtype.Never(f.Event); why != "" {
		return nil, fmt.Errorf("no receiver publishes an event %q (%s): %s", f.Event, why, instead)
	}
	if source.Event != "" && f.Event != source.Event {
		return nil, fmt.Errorf("event %q doesn't carry a %s: write %s", f.Event, source.Name, source.Event)
	}
	if source.Event == "" && !eventtype.OfRow(source.Name, source.VirtualTable, f.Event) {
		return nil, fmt.Errorf("event %q isn't about %s: write %s", f.Event, source.Name, eventtype.Rows(source.Name, source.VirtualTable))
	}
	if !target.HasKey(f.Key) {
		return nil, fmt.Errorf("[%s] is no key of %s, so it can find several rows; its keys are %s", strings.Join(f.Key, ", "), target.Name, keys(target))
	}
	if f.Pair == "" {
		f.Pair = p.pair(f)
	}
	d := drafting{flow: f, source: source, target: target, schemas: p.Schemas}
	return []file{
		{"function.json", functionJSON(f.Name)},
		{"contract.yaml", d.contract()},
		{"examples/first.json", d.example()},
		{"examples/first.want.json", []byte("{\n  \"write\": {\n    \"TODO\": \"look at what crosswalk try " + f.Name + " first shows; --save writes it here\"\n  }\n}\n")},
	}, nil
}

func keys(e *schema.Entity) string {
	var out []string
	for _, key := range append([][]string{e.PrimaryKey}, e.AlternateKeys...) {
		out = append(out, "["+strings.Join(key, ", ")+"]")
	}
	return strings.Join(out, ", ")
}

// pair returns the link of the flow in the opposite direction, so that both share it, else the new flow's own name.
func (p Project) pair(f Flow) string {
	paths, _ := filepath.Glob(filepath.Join(p.Root, p.Functions, "*", "contract.yaml")) // the pattern is sound
	for _, path := range paths {
		plan, err := contract.LoadAgainst(path, p.Schemas)
		if err == nil && plan.From.System == f.To.System && plan.From.Entity == f.To.Entity && plan.To.System == f.From.System && plan.To.Entity == f.From.Entity {
			return plan.Pair
		}
	}
	return f.Name
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
