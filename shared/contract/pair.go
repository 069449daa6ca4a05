package contract

import (
	"slices"
	"strings"

	"crosswalk/shared/schema"
)

// sharedLink adds a finding where two flows of one pair would take each other's records for their own: a link knows a record by its
// system, its id and its key, so it belongs to one entity of each system, and to one key.
func (c *checker) sharedLink(f, other flow) {
	a, b := f.plan, other.plan
	for _, end := range [][2]end{{a.begins(), b.begins()}, {a.begins(), b.ends()}, {a.ends(), b.begins()}, {a.ends(), b.ends()}} {
		if x, y := end[0], end[1]; x.system == y.system && x.entity != y.entity && x.entity != "" && y.entity != "" {
			c.add(f.file, f.doc.Pair, "give each pair of entities a name of its own", "the link %s is also flow %s's, between %s and %s: it knows a record by its system and key, so records of %s and of %s that have the same number would be taken for one",
				a.Pair, b.Name, b.From.Entity, b.To.Entity, x.entity, y.entity)
			return
		}
	}
	if a.From.System == b.From.System && a.To.Entity == b.To.Entity && (a.when == nil || b.when == nil) {
		c.oneKey(f, other)
	}
}

// oneKey adds a finding where two flows that go the same way write one record of the source under two keys.
func (c *checker) oneKey(f, other flow) {
	a, b := f.plan, other.plan
	const rejected = ": the link knows one row for a record, so the flow that comes second would reject it (key-changed)"
	fix := "give each of the two flows a pair of its own, or write a when in both that tells their records apart"
	column, apart := a.Apart(b)
	switch {
	case !slices.Equal(a.To.Key, b.To.Key):
		c.add(f.file, f.doc.to.Key, "write key: ["+strings.Join(b.To.Key, ", ")+"] here too, or "+fix, "flow %s shares the link %s and has the key [%s]"+rejected, b.Name, a.Pair, strings.Join(b.To.Key, ", "))
	case apart && a.From.Entity == b.From.Entity:
		c.add(f.file, f.doc.Pair, fix, "flow %s writes the records of %s over the link %s too, under a key with another %s"+rejected, b.Name, a.From.Entity, a.Pair, column)
	}
}

// end is one end of a link: an entity of a system, "" for one that can't be known, as an event's.
type end struct{ system, entity string }

func (p *Plan) begins() end { return endOf(p.From.System, p.source) }

func (p *Plan) ends() end { return endOf(p.To.System, p.target) }

func endOf(system string, e *schema.Entity) end {
	if e == nil || e.Set == "" {
		return end{system, ""}
	}
	return end{system, e.Name}
}
