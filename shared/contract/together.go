package contract

import (
	"cmp"
	"slices"
	"strings"
)

// together checks what only several contracts can get wrong: who writes and who owns a field, and values that go round in a
// loop.
func (c *checker) together() {
	writers := map[string][]*Plan{}
	for _, f := range c.flows {
		for _, d := range f.doc.fields {
			if !d.maps() || d.Initial != nil || slices.Contains(f.plan.To.Key, d.name.text) {
				continue // two flows that feed one entity find its rows by the same key; an initial value overwrites nothing
			}
			field := f.plan.To.System + "/" + f.plan.To.Entity + "/" + d.name.text
			if other := f.plan.rival(writers[field]); other != nil {
				c.add(f.file, d.name, oneWriter, "field %s of %s is written by flow %s as well, so the last event wins", d.name.text, f.plan.To.Entity, other.Name)
			}
			writers[field] = append(writers[field], f.plan)
			c.foreign(f, d)
			c.linked(f, d)
			c.othersKey(f, d)
		}
	}
	for _, f := range c.flows {
		c.deactivated(f, writers)
	}
	c.opposites()
	c.loops()
}

const oneWriter = "let one flow write it, or keep their rows apart by a column of both keys that has another fixed value in each"

// rival returns the first of other flows that may write the same rows, nil where none does.
func (p *Plan) rival(others []*Plan) *Plan {
	for _, other := range others {
		if _, apart := p.Apart(other); other != p && !apart {
			return other
		}
	}
	return nil
}

// deactivated adds a finding for each column that a delete in the flow's source sets and that isn't this flow's: another contract
// says that it belongs to another system, or another flow writes it, by field as in writers.
func (c *checker) deactivated(f flow, writers map[string][]*Plan) {
	for _, v := range f.plan.deactivation.Fields() {
		at := f.doc.Delete
		for _, m := range at.members[0].value.members {
			if m.key.text == v.Name {
				at = m.key
			}
		}
		for _, other := range c.flows {
			if f.plan.rival([]*Plan{other.plan}) == nil {
				continue
			}
			if owner := other.plan.owners[v.Name]; owner != "" && owner != f.plan.From.System {
				c.add(f.file, at, "agree on one owner and say so in both contracts", "delete: field %s of %s belongs to %s, says flow %s", v.Name, f.plan.To.Entity, owner, other.plan.Name)
			}
		}
		if writer := f.plan.rival(writers[f.plan.To.System+"/"+f.plan.To.Entity+"/"+v.Name]); writer != nil {
			c.add(f.file, at, oneWriter, "delete: field %s of %s is written by flow %s as well, so the last event wins", v.Name, f.plan.To.Entity, writer.Name)
		}
	}
}

// othersKey adds a finding where a flow changes a column by which another finds its rows.
func (c *checker) othersKey(f flow, d fieldDoc) {
	for _, other := range c.flows {
		if f.plan.rival([]*Plan{other.plan}) != nil && slices.Contains(other.plan.To.Key, d.name.text) {
			c.add(f.file, d.name, "leave the field to flow "+other.plan.Name+", or find the rows by the same key", "field %s of %s is part of the key by which flow %s finds its rows: a change would take them away from it", d.name.text, f.plan.To.Entity, other.plan.Name)
			return
		}
	}
}

// linked adds a finding for a lookup through a link that no flow fills.
func (c *checker) linked(f flow, d fieldDoc) {
	i := slices.IndexFunc(f.plan.fields, func(p fieldPlan) bool { return p.column.Name == d.name.text && p.bind != nil && p.bind.pair != "" })
	if i < 0 {
		return
	}
	bind := f.plan.fields[i].bind
	fills := func(other flow) bool {
		p := other.plan
		brings := p.From.System == f.plan.From.System && p.To.System == f.plan.To.System && p.To.Entity == bind.entity.Name
		takes := p.To.System == f.plan.From.System && p.From.System == f.plan.To.System && p.From.Entity == bind.entity.Name
		return p.Pair == bind.pair && (brings || takes)
	}
	if slices.ContainsFunc(c.flows, fills) {
		return
	}
	var pairs []string
	for _, other := range c.flows {
		pairs = append(pairs, other.plan.Pair)
	}
	fix := "name the pair of a flow between " + f.plan.From.System + " and " + f.plan.To.System + " that brings " + bind.entity.Name + " rows, or write reference: <alternate key>"
	if near := nearest(bind.pair, pairs); near != "" && near != bind.pair {
		fix = "did you mean " + near + "?"
	}
	c.add(f.file, d.link, fix, "field %s: no flow fills a link %s with rows of %s, so the reference would wait for ever", d.name.text, bind.pair, bind.entity.Name)
}

// foreign adds a finding where another contract says that a field this flow writes belongs to another system.
func (c *checker) foreign(f flow, d fieldDoc) {
	for _, other := range c.flows {
		if f.plan.rival([]*Plan{other.plan}) == nil {
			continue
		}
		owner := other.plan.owners[d.name.text]
		if owner == "" || owner == f.plan.From.System {
			continue
		}
		c.add(f.file, d.name, "agree on one owner and say so in both contracts", "field %s of %s belongs to %s, says flow %s", d.name.text, f.plan.To.Entity, owner, other.plan.Name)
		return
	}
}

// opposites adds a finding for two flows that carry the same two entities in opposite directions over different links:
// what the one creates is a new record to the other, because the link is how a flow knows its partner's writes.
func (c *checker) opposites() {
	for i, f := range c.flows {
		for _, other := range c.flows[:i] {
			a, b := f.plan, other.plan
			opposite := a.From.System == b.To.System && a.From.Entity == b.To.Entity && a.To.System == b.From.System && a.To.Entity == b.From.Entity
			if opposite && a.Pair == b.Pair {
				c.sameKey(f, other)
			}
			if a.Pair == b.Pair && a.Pair != "" {
				c.sharedLink(f, other)
			}
			if opposite && a.Pair != b.Pair && a.Pair != "" && b.Pair != "" {
				c.add(f.file, f.doc.Pair, "write pair: "+b.Pair+" here too", "flow %s goes the other way over the link %s: a loop without an echo rule, because each flow would take what the other has just written for news", b.Name, b.Pair)
			}
		}
	}
}

// sameKey adds a finding where two flows of one pair don't have the same key: the link knows a record by the text of its key, so
// each flow would take what the other has linked for another record.
func (c *checker) sameKey(f, other flow) {
	a, b := f.plan, other.plan
	if len(a.keys) == 0 || len(a.keys) != len(a.To.Key) || len(b.keys) == 0 || len(b.keys) != len(b.To.Key) {
		return // a finding already
	}
	from, back := a.keySources(), b.keySources()
	for _, x := range []flow{f, other} {
		if i := slices.IndexFunc(x.plan.keys, func(k int) bool { return x.plan.fields[k].bind != nil }); i >= 0 {
			c.add(x.file, x.doc.to.key[i], "use a key of plain columns", "key: %s is a lookup, and the pair's link knows a record by its key, which flows of both directions must be able to write", x.plan.To.Key[i])
			return
		}
	}
	same := len(a.keys) == len(b.keys)
	for i := 0; same && i < len(a.keys); i++ {
		same = (from[i] == "" || from[i] == b.To.Key[i]) && (back[i] == "" || back[i] == a.To.Key[i])
	}
	if same {
		return
	}
	fix := "give both flows the same columns as their key, in the same order"
	if !slices.Contains(back, "") {
		fix = "write key: [" + strings.Join(back, ", ") + "], the columns that flow " + b.Name + "'s key comes from, in its order"
	}
	c.add(f.file, f.doc.to.Key, fix, "the key [%s] isn't that of flow %s, which goes the other way with [%s]: the pair's link knows a record by its key, so each flow would take the other's for another record",
		strings.Join(a.To.Key, ", "), b.Name, strings.Join(b.To.Key, ", "))
}

// keySources returns the source column of each key column; "" for one that isn't a single column as it stands.
func (p *Plan) keySources() []string {
	out := make([]string, len(p.keys))
	for i, k := range p.keys {
		if in := p.fields[k].input; in != nil && in.column != nil && in.parts == nil && in.computed == nil && in.rows == nil && in.early == nil {
			out[i] = in.column.Name
		}
	}
	return out
}

// column is one column of one system's entity.
type column struct{ system, entity, name string }

func (c column) String() string { return c.entity + "." + c.name }

// edge says that a flow computes a column from another.
type edge struct {
	from, to column
	flow     *flow
	at       *element
}

// edges returns what the flows compute from what. Columns of a match key are left out: they say which record is meant, and
// a key that changes is rejected at run time. So are initial values, which are never written again.
func (c *checker) edges() map[column][]edge {
	out := map[column][]edge{}
	for i := range c.flows {
		f := &c.flows[i]
		p := f.plan
		for j := range p.fields {
			field := &p.fields[j]
			if field.initial || slices.Contains(p.To.Key, field.column.Name) {
				continue
			}
			k := slices.IndexFunc(f.doc.fields, func(d fieldDoc) bool { return d.name.text == field.column.Name })
			to := column{p.To.System, p.To.Entity, field.column.Name}
			for _, name := range field.reads() {
				out[to] = append(out[to], edge{from: column{p.From.System, p.From.Entity, name}, to: to, flow: f, at: f.doc.fields[k].name})
			}
		}
	}
	return out
}

// reads returns the source columns that a field can get its value from, its own first.
func (f *fieldPlan) reads() []string {
	var out []string
	add := func(parts []part) {
		for _, p := range parts {
			if !slices.Contains(out, p.column.Name) {
				out = append(out, p.column.Name)
			}
		}
	}
	var follow func(in *input)
	follow = func(in *input) {
		switch {
		case in == nil || in.column == nil:
			return
		case in.computed != nil:
			add(in.computed.parts)
		case in.parts != nil:
			add(in.parts)
		case slices.Contains(out, in.column.Name):
			return
		default:
			out = append(out, in.column.Name)
		}
		for i := range in.blanks {
			follow(in.blanks[i].other)
		}
	}
	follow(f.input)
	follow(f.otherwise.other)
	if f.project != nil {
		for _, m := range f.project.each() {
			out = append(out, m.reads()...)
		}
	}
	add(f.scale.columns())
	return out
}

// loops adds a finding for each value that goes round: a column computed, over several flows, from itself. The link keeps a
// flow from answering its own echo, but it can't tell which of two systems is right.
func (c *checker) loops() {
	edges := c.edges()
	start := make([]column, 0, len(edges))
	for to := range edges {
		start = append(start, to)
	}
	slices.SortFunc(start, func(a, b column) int {
		return cmp.Or(strings.Compare(a.system, b.system), strings.Compare(a.String(), b.String()))
	})
	done := map[column]bool{}
	for _, first := range start {
		if way := round(edges, first, first, nil, map[column]bool{}); way != nil && !slices.ContainsFunc(way, func(e edge) bool { return done[e.to] }) {
			for _, e := range way {
				done[e.to] = true
			}
			c.loop(way)
		}
	}
}

// round returns the edges of a way from goal back to itself, none where there isn't one.
func round(edges map[column][]edge, goal, at column, way []edge, seen map[column]bool) []edge {
	if seen[at] {
		return nil
	}
	seen[at] = true
	for _, e := range edges[at] {
		if next := append(slices.Clone(way), e); e.from == goal {
			return next
		} else if found := round(edges, goal, e.from, next, seen); found != nil {
			return found
		}
	}
	return nil
}

// loop reports a way round at the flow that comes last, and names the others.
func (c *checker) loop(way []edge) {
	last := 0
	for i, e := range way {
		if e.flow.plan.Name > way[last].flow.plan.Name {
			last = i
		}
	}
	way = append(slices.Clone(way[last:]), way[:last]...)
	parts := []string{way[0].to.String()}
	var others []string
	for _, e := range way {
		parts = append(parts, e.from.String())
		if name := e.flow.plan.Name; e.flow != way[0].flow && !slices.Contains(others, name) {
			others = append(others, name)
		}
	}
	with := ""
	if len(others) > 0 {
		with = " with flow " + strings.Join(others, " and flow ")
	}
	c.add(way[0].flow.file, way[0].at, "let one system own the value: map it in one direction, and in the other name that owner with owner:, either without a mapping or with initial: true for a first value",
		"a loop without an echo rule%s: %s; a change on either side sets off the next write, and no system has the last word", with, strings.Join(parts, " ← "))
}
