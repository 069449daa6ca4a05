package catalog

import (
	"fmt"
	"slices"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// index writes the first page.
func (b *book) index() []byte {
	w := newPage("Catalog of flows")
	w.line("What Crosswalk carries between systems, made from the contracts in %s: %s between %s.",
		code(strings.TrimLeft(b.root, "./")), count(len(b.flows), "flow"), list(titles(b.connected())))
	w.picture(b.landscape())
	w.line("A box is a system; a rounded box is a flow, which carries one kind of record in the direction of its arrows.")
	w.line("## Flows")
	var rows [][]string
	for _, f := range b.flows {
		rows = append(rows, []string{
			fmt.Sprintf("[%s](flows/%s.md)", f.Name, f.Name), prose(f.Purpose),
			title(f.From.System) + " " + code(f.From.Entity), title(f.To.System) + " " + code(f.To.Entity), prose(f.Team),
		})
	}
	w.table([]string{"flow", "purpose", "from", "to", "team"}, rows)
	w.line("## Who owns what")
	w.line("[Field by field](ownership.md), for every entity that a flow writes. [search.html](search.html), opened in a browser, holds all pages and finds a field or a word in them.")
	w.line("## If a system is retired")
	for _, s := range b.systems() {
		w.item("[%s](systems/%s.md)", title(s), s)
	}
	w.end()
	w.line("These pages are made by `%s` and checked by `make test`.", Refresh)
	return finish(w)
}

// connected returns the systems that a flow reads or writes, sorted.
func (b *book) connected() []string {
	var out []string
	for _, f := range b.flows {
		out = append(out, f.From.System, f.To.System)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func titles(systems []string) []string {
	out := make([]string, len(systems))
	for i, s := range systems {
		out[i] = title(s)
	}
	return out
}

// landscape is the picture of all systems and flows.
func (b *book) landscape() []string {
	var out []string
	for _, s := range b.connected() {
		out = append(out, fmt.Sprintf("%s[%s]", node("system", s), label(title(s))))
	}
	for _, f := range b.flows {
		id := node("flow", f.Name)
		out = append(out,
			fmt.Sprintf("%s([%s])", id, label(f.Name)),
			fmt.Sprintf("%s -- %s --> %s -- %s --> %s", node("system", f.From.System), label(f.From.Entity), id, label(f.To.Entity), node("system", f.To.System)))
	}
	return out
}

// claim is what the contracts say of one field of an entity.
type claim struct {
	field  string
	column *schema.Column
	owners []string // more than one where contracts disagree
	flows  []*flow  // those that write it
	from   []string // where each gets it
	key    bool
	// namers are the flows whose contracts name the field, each with the owner that it says.
	namers []namer
}

// namer is a contract that says who owns a field.
type namer struct {
	flow  *flow
	owner string
}

// agreed reports whether the contracts say one owner for each row: those that say another keep to other rows.
func (c *claim) agreed() bool {
	for i, a := range c.namers {
		for _, b := range c.namers[:i] {
			if _, apart := a.flow.Apart(b.flow.Plan); a.owner != b.owner && !apart {
				return false
			}
		}
	}
	return true
}

// entities returns the targets of all flows, as system/entity, sorted.
func (b *book) entities() []string {
	var out []string
	for _, f := range b.flows {
		out = append(out, f.To.System+"/"+f.To.Entity)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// claims returns what the contracts say of an entity's fields, sorted by field.
func (b *book) claims(entity string) []claim {
	byField := map[string]*claim{}
	var out []*claim
	for i := range b.flows {
		f := &b.flows[i]
		if f.To.System+"/"+f.To.Entity != entity {
			continue
		}
		for j := range f.fields {
			field := &f.fields[j]
			c := byField[field.Column.Name]
			if c == nil {
				c = &claim{field: field.Column.Name, column: field.Column}
				byField[c.field] = c
				out = append(out, c)
			}
			if !slices.Contains(c.owners, field.Owner) {
				c.owners = append(c.owners, field.Owner)
			}
			c.namers = append(c.namers, namer{f, field.Owner})
			c.key = c.key || field.Key
			if field.Mapped() {
				c.flows = append(c.flows, f)
				c.from = append(c.from, fieldSource(f, field))
			}
			if field.OnDelete != "" {
				if !field.Mapped() {
					c.flows = append(c.flows, f)
				}
				c.from = append(c.from, "fixed value "+option(field.Column, field.OnDelete)+", where "+title(f.From.System)+" deletes the record")
			}
		}
	}
	slices.SortFunc(out, func(x, y *claim) int { return strings.Compare(x.field, y.field) })
	sorted := make([]claim, len(out))
	for i, c := range out {
		slices.Sort(c.owners)
		sorted[i] = *c
	}
	return sorted
}

func fieldSource(f *flow, field *contract.FieldRule) string {
	out := title(f.From.System) + " "
	if field.Fixed {
		out = "fixed value " + option(field.Column, field.Constant)
	} else {
		out += code(f.From.Entity + "." + field.Source.Column.Name)
	}
	if field.Initial {
		out += ", into a new record only"
	}
	return out
}

// ownership writes the matrix of every entity that a flow writes.
func (b *book) ownership() []byte {
	w := newPage("Who owns which field")
	w.line("One system owns each field: it alone decides the value, and only a flow from that system may write it, another one at most into a new record. " +
		"Key fields say which record is meant, so every flow of an entity may fill them.")
	if slices.ContainsFunc(b.flows, func(f flow) bool { return len(f.Rows()) > 0 }) {
		w.line("Flows whose keys have different fixed values write different rows, and in each of them a field has one owner.")
	}
	for _, entity := range b.entities() {
		system, name, _ := strings.Cut(entity, "/")
		w.line("## %s: %s", title(system), name)
		var rows [][]string
		for _, c := range b.claims(entity) {
			field := columnName(c.column)
			if c.key {
				field += " (key)"
			}
			rows = append(rows, []string{field, c.owner(), c.writers("flows/", system), strings.Join(c.from, "; ")})
		}
		w.table([]string{"field", "owner", "written by", "from"}, rows)
		w.line("No contract names any other field of %s, so no flow writes one.", code(name))
	}
	w.line("[All flows](README.md)")
	return finish(w)
}

func (c *claim) owner() string {
	out := list(titles(c.owners))
	switch {
	case len(c.owners) < 2 || c.key:
	case !c.agreed():
		out += ": **the contracts don't agree**"
	default:
		parts := make([]string, len(c.namers))
		for i, n := range c.namers {
			parts[i] = title(n.owner) + " where " + rowsOf(n.flow)
		}
		out = strings.Join(parts, ", ")
	}
	return out
}

// writers links the flows that write the field, or says who fills it without one.
func (c *claim) writers(folder, system string) string {
	if len(c.flows) == 0 {
		if slices.Contains(c.owners, system) {
			return "no flow: kept in " + title(system) + " itself"
		}
		return "no flow yet"
	}
	out := make([]string, len(c.flows))
	for i, f := range c.flows {
		out[i] = fmt.Sprintf("[%s](%s%s.md)", f.Name, folder, f.Name)
		if rows := rowsOf(f); len(c.flows) > 1 && rows != "" {
			out[i] += " where " + rows
		}
	}
	return strings.Join(out, ", ")
}

// rowsOf says which rows of its target a flow keeps to; "" where its key has no fixed value.
func rowsOf(f *flow) string {
	var out []string
	for _, part := range f.Rows() {
		column, _ := f.TargetEntity().Column(part.Column)
		out = append(out, code(part.Column)+" is "+option(column, part.Value))
	}
	return strings.Join(out, " and ")
}

// system writes what changes if a system is retired.
func (b *book) system(system string) []byte {
	w := newPage("If " + title(system) + " is retired")
	b.stops(w, system)
	w.line("## Fields that lose their owner")
	w.line("Somebody must decide, before the system goes, which system owns these from then on, or that they stay as they are.")
	var rows [][]string
	for _, entity := range b.entities() {
		home, name, _ := strings.Cut(entity, "/")
		for _, c := range b.claims(entity) {
			if home != system && slices.Contains(c.owners, system) {
				rows = append(rows, []string{title(home), code(name), columnName(c.column), c.writers("../flows/", home)})
			}
		}
	}
	if len(rows) == 0 {
		w.line("None: %s owns no field that a flow writes in another system.", title(system))
	} else {
		w.table([]string{"in", "entity", "field", "filled by"}, rows)
	}
	b.leftIdle(w, system)
	w.line("[All flows](../README.md) · [Who owns which field](../ownership.md)")
	return finish(w)
}

// stops lists the flows that end with a system.
func (b *book) stops(w *writer, system string) {
	w.line("## Flows that stop")
	var rows [][]string
	var teams []string
	for _, f := range b.flows {
		effect := ""
		switch system {
		case f.From.System:
			effect = fmt.Sprintf("%s %s is no longer filled from %s", title(f.To.System), code(f.To.Entity), code(f.From.Entity))
		case f.To.System:
			effect = fmt.Sprintf("changes of %s %s go nowhere", title(f.From.System), code(f.From.Entity))
		default:
			continue
		}
		rows = append(rows, []string{fmt.Sprintf("[%s](../flows/%s.md)", f.Name, f.Name), effect, prose(f.Purpose), prose(f.Team)})
		teams = append(teams, prose(f.Team))
	}
	if len(rows) == 0 {
		w.line("None.")
		return
	}
	w.table([]string{"flow", "what ends", "why it was there", "team"}, rows)
	slices.Sort(teams)
	teams = slices.Compact(teams)
	w.line("To be told: %s.", list(teams))
}

// leftIdle lists what has no use any more once the flows are gone.
func (b *book) leftIdle(w *writer, system string) {
	w.line("## What can be removed then")
	before := w.Len()
	for _, f := range b.flows {
		if f.From.System != system && f.To.System != system {
			continue
		}
		w.item("function %s, its queue and its subscription", code(f.Name))
		if f.To.System == system && !b.wanted(f.From.Event, system) {
			w.item("event %s: no other flow asks for it, so it would pile up in %s as long as %s sends it", code(f.From.Event), code(b.topology.Topic.Unrouted), title(f.From.System))
		}
	}
	if queue, function := b.ingress(system); queue != "" {
		w.item("queue %s and function %s, which receive from it", code(queue), code(function))
	}
	if hook := b.webhooks[system]; hook != "" {
		w.item("function %s, its webhook", code(hook))
	}
	if w.Len() == before {
		w.line("Nothing.")
		return
	}
	w.end()
	w.line("Before that, let every queue run empty and settle its dead letters: what waits there is delivered to nobody later.")
}

// wanted reports whether a flow that stays, once the system is gone, asks for the event.
func (b *book) wanted(event, gone string) bool {
	return slices.ContainsFunc(b.flows, func(f flow) bool {
		return f.From.System != gone && f.To.System != gone && strings.HasPrefix(strings.TrimSuffix(event, "*"), strings.TrimSuffix(f.From.Event, "*"))
	})
}
