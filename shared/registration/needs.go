// Package registration says what somebody has to set up in F&O and in Dataverse so that the events of all contracts reach
// Crosswalk's ingress queues. It is derived from the contracts and the topology, so it is complete and no more than that.
package registration

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/eventtype"
	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

// Needs are what the contracts want to be sent.
type Needs struct {
	BusinessEvents []BusinessEvent
	DataEvents     []DataEvent
	Steps          []Step
	// Flows says of each flow that reads or writes a system what it does there, by system.
	Flows map[string][]Access
	// Queues are the ingress queues by system.
	Queues map[string]string
}

// BusinessEvent is an event of F&O's business event catalogue.
type BusinessEvent struct {
	// ID is the BusinessEventId. Where Begins is true it is only its beginning.
	ID     string
	Begins bool
	Flows  []string
}

// DataEvent is the changes of an F&O entity. It needs the Power Platform integration.
type DataEvent struct {
	// Entity is the entity's technical name, in lower case; Set is its entity set, where the contract names it.
	Entity, Set string
	Changes     []string // Create, Update, Delete
	Flows       []string
}

// Step is one message of one Dataverse table.
type Step struct {
	Table, Message string
	// Attributes are the columns whose change sends an Update, sorted; nil for other messages.
	Attributes []string
	// Image are the columns of the post-image that flows with state: image map, sorted; nil where none does.
	Image []string
	Flows []string
}

// Access is what one flow does in one system.
type Access struct {
	Flow, Entity string
	// Deletes is true where the flow may delete; Writes where it creates and updates. AppendsTo is true where it points a
	// lookup at the entity, which Dataverse wants a privilege for; who writes such a lookup Appends.
	Writes, Deletes, Appends, AppendsTo bool
}

// Read derives the needs of all contracts under root, the folder of the functions. The error is a [contract.Findings] where
// a contract doesn't hold.
func Read(root string, t *topology.Topology, schemas *schema.Set) (*Needs, error) {
	paths, err := filepath.Glob(filepath.Join(root, "*", "contract.yaml"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("there is no contract under %s", root)
	}
	slices.Sort(paths)
	n := &Needs{Flows: map[string][]Access{}, Queues: map[string]string{}}
	for _, in := range t.Ingress {
		for _, system := range []string{eventtype.FnO, eventtype.Dataverse} {
			if strings.HasPrefix(in.Queue, system+"-") {
				n.Queues[system] = in.Queue
			}
		}
	}
	for _, path := range paths {
		plan, err := contract.LoadAgainst(path, schemas)
		if err != nil {
			return nil, err
		}
		n.add(plan)
	}
	n.sort()
	return n, nil
}

func (n *Needs) add(p *contract.Plan) {
	target := Access{Flow: p.Name, Entity: p.To.Entity, Writes: true, Deletes: p.Delete == contract.DeleteRow}
	for _, f := range p.FieldRules() {
		if f.ReferenceEntity != "" {
			target.Appends = true
			n.Flows[p.To.System] = append(n.Flows[p.To.System], Access{Flow: p.Name, Entity: f.ReferenceEntity, AppendsTo: true})
		}
	}
	n.Flows[p.To.System] = append(n.Flows[p.To.System], target)
	if p.From.State == contract.StateRow {
		n.Flows[p.From.System] = append(n.Flows[p.From.System], Access{Flow: p.Name, Entity: p.From.Entity})
	}
	system := eventtype.System(p.From.Event)
	name, begins := strings.CutSuffix(strings.TrimPrefix(p.From.Event, system+"."), "*")
	table, change, isChange := strings.Cut(name, ".")
	changes := changesOf(change, begins, p.Delete)
	switch {
	case system == eventtype.FnO && !isChange:
		n.businessEvent(p, name, begins)
	case system == eventtype.FnO:
		n.dataEvent(DataEvent{Entity: table, Set: p.From.Entity, Changes: changes, Flows: []string{p.Name}})
	case isChange:
		for _, c := range changes {
			n.step(p, table, c)
		}
	default: // dataverse.<beginning>*: the contract's own table
		for _, c := range changesOf("", true, p.Delete) {
			n.step(p, p.From.Entity, c)
		}
	}
}

// changesOf returns the messages that a pattern's end selects. A flow that ignores deletes needs none to be sent.
func changesOf(change string, begins bool, onDelete string) []string {
	var out []string
	for _, m := range []struct{ kind, message string }{{eventtype.Created, "Create"}, {eventtype.Updated, "Update"}, {eventtype.Deleted, "Delete"}} {
		if (m.kind == change || begins && strings.HasPrefix(m.kind, change)) && (m.kind != eventtype.Deleted || onDelete != contract.DeleteIgnore) {
			out = append(out, m.message)
		}
	}
	if out == nil && change != "" && !begins {
		out = []string{change} // a message of the customer's own; its type is its name in lower case
	}
	return out
}

// businessEvent adds an event of the catalogue. The type of an event has lost the suffix of the class name, which all
// standard events have.
func (n *Needs) businessEvent(p *contract.Plan, name string, begins bool) {
	e := BusinessEvent{ID: name, Begins: begins, Flows: []string{p.Name}}
	if !begins {
		e.ID += "BusinessEvent"
		if source := p.SourceEntity(); source.Event != "" {
			e.ID = source.Name
		}
	}
	if i := slices.IndexFunc(n.BusinessEvents, func(x BusinessEvent) bool { return x.ID == e.ID && x.Begins == e.Begins }); i >= 0 {
		n.BusinessEvents[i].Flows = append(n.BusinessEvents[i].Flows, p.Name)
		return
	}
	n.BusinessEvents = append(n.BusinessEvents, e)
}

func (n *Needs) dataEvent(e DataEvent) {
	i := slices.IndexFunc(n.DataEvents, func(x DataEvent) bool { return strings.EqualFold(x.Entity, e.Entity) })
	if i < 0 {
		n.DataEvents = append(n.DataEvents, e)
		return
	}
	old := &n.DataEvents[i]
	old.Flows = append(old.Flows, e.Flows...)
	old.Changes = union(old.Changes, e.Changes)
}

// step adds a message of a table; flows that need the same one share it, because each step sends an event of its own.
func (n *Needs) step(p *contract.Plan, table, message string) {
	s := Step{Table: table, Message: message, Flows: []string{p.Name}}
	if message == "Update" {
		s.Attributes = attributes(p)
	}
	if p.From.State == contract.StateImage && message != "Delete" {
		s.Image = attributes(p)
	}
	i := slices.IndexFunc(n.Steps, func(x Step) bool { return x.Table == table && x.Message == message })
	if i < 0 {
		n.Steps = append(n.Steps, s)
		return
	}
	old := &n.Steps[i]
	old.Flows = append(old.Flows, p.Name)
	old.Attributes = union(old.Attributes, s.Attributes)
	old.Image = union(old.Image, s.Image)
}

// attributes are the columns that the flow reads from its row, as Dataverse names them: a lookup is read as _<name>_value.
func attributes(p *contract.Plan) []string {
	var out []string
	for _, c := range p.SourceColumns() {
		if inner, ok := strings.CutPrefix(c, "_"); ok {
			c = strings.TrimSuffix(inner, "_value")
		}
		if c != p.SourceID() { // it comes with every update and never changes
			out = append(out, c)
		}
	}
	return union(out, nil)
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

func (n *Needs) sort() {
	slices.SortFunc(n.BusinessEvents, func(a, b BusinessEvent) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(n.DataEvents, func(a, b DataEvent) int { return strings.Compare(a.Entity, b.Entity) })
	slices.SortFunc(n.Steps, func(a, b Step) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Message, b.Message))
	})
}
