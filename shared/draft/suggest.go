package draft

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// suggestion is what a target's column is likely mapped from.
type suggestion struct {
	target, source *schema.Column
	// lower is true where the contract that it comes from writes the text in lower case.
	lower bool
	// sure is true where a reviewed contract says so, or where both columns have the same name and kind: nobody has to confirm it.
	sure bool
	// initial is true where this flow may give the target a first value and no more: the flow in the opposite direction keeps the
	// source's column up to date, or another contract says that the target's system owns its own.
	initial bool
	// why names the contract that it comes from; "" for what the names alone suggest.
	why string
	// others are further columns that may be meant.
	others []string
}

// leastAlike is the score from which a column that needn't be mapped is suggested.
const leastAlike = 61

// plans returns the project's contracts that hold, sorted by name. What is wrong with the others is the check's to say.
func (p Project) plans() []*contract.Plan {
	paths, _ := filepath.Glob(filepath.Join(p.Root, p.Functions, "*", "contract.yaml")) // the pattern is sound
	var out []*contract.Plan
	for _, path := range paths {
		if plan, err := contract.LoadAgainst(path, p.Schemas); err == nil {
			out = append(out, plan)
		}
	}
	return out
}

// opposite returns the flow that carries the same two entities the other way, nil where there is none.
func opposite(plans []*contract.Plan, from, to Side) *contract.Plan {
	i := slices.IndexFunc(plans, func(p *contract.Plan) bool {
		return p.From.System == to.System && p.From.Entity == to.Entity && p.To.System == from.System && p.To.Entity == from.Entity
	})
	if i < 0 {
		return nil
	}
	return plans[i]
}

// suggest returns what a column is likely mapped from; its source is nil where nothing is likely.
func (d drafting) suggest(c *schema.Column) suggestion {
	s := d.fromContracts(c)
	for _, likely := range contract.Likely(c, d.source) {
		switch {
		case s.source == nil:
			s.source, s.sure = likely, d.simple(c, likely) && sameName(c.Name, likely.Name)
		case s.source != likely:
			s.others = append(s.others, likely.Name)
		}
	}
	s.target = c
	s.lower = s.lower || d.flow.To.System == schema.FnO && c.Name == "dataAreaId" // as F&O keeps it
	if !slices.Contains(d.flow.Key, c.Name) {
		s.initial = s.source != nil && d.opposite != nil && d.opposite.OwnsField(s.source.Name) || d.ofTheTarget(c) != ""
	}
	return s
}

// fromContracts returns what the project's contracts say about a column of this name: first the flow in the opposite direction,
// then those between the same two systems, either way.
func (d drafting) fromContracts(c *schema.Column) suggestion {
	votes := map[*schema.Column]int{}
	var found []suggestion
	vote := func(name string, lower, sure bool, flow string, weight int) {
		source, ok := d.source.Column(name)
		if !ok {
			return
		}
		i := slices.IndexFunc(found, func(s suggestion) bool { return s.source == source })
		if i < 0 {
			i, found = len(found), append(found, suggestion{source: source, why: flow})
		}
		found[i].lower, found[i].sure = found[i].lower || lower, found[i].sure || sure
		votes[source] += weight
	}
	inKey := slices.Contains(d.flow.Key, c.Name)
	for _, p := range d.plans {
		along := p.From.System == d.flow.From.System && p.To.System == d.flow.To.System
		against := p.From.System == d.flow.To.System && p.To.System == d.flow.From.System
		weight := 1
		if p == d.opposite {
			weight = len(d.plans) + 1
		}
		for _, r := range p.FieldRules() {
			if !asItStands(r) {
				continue
			}
			switch lower := slices.Contains(r.Edits, lowerCase); {
			case along && r.Column.Name == c.Name:
				same := p.From.Entity == d.flow.From.Entity && p.To.Entity == d.flow.To.Entity
				vote(r.Source.Column.Name, lower, inKey || same, p.Name, weight)
			case against && r.ReferenceKey == nil && r.Source.Column.Name == c.Name:
				vote(r.Column.Name, false, inKey || p == d.opposite, p.Name, weight)
			}
		}
	}
	if len(found) == 0 {
		return suggestion{}
	}
	return slices.MaxFunc(found, func(a, b suggestion) int { return votes[a.source] - votes[b.source] })
}

// lowerCase is how [contract.FieldRule] words case: lower.
const lowerCase = "lower case"

// asItStands reports whether a rule takes one column's value as it is, but for the case of its letters.
func asItStands(r contract.FieldRule) bool {
	edits := slices.DeleteFunc(slices.Clone(r.Edits), func(e string) bool { return e == lowerCase })
	return r.Source != nil && r.Source.Parts == nil && r.Expression == "" && r.Choices == nil && len(edits)+len(r.Converts) == 0
}

// sameName reports whether two names have the same letters and digits.
func sameName(a, b string) bool {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	return plain(a) == plain(b)
}

// suggested returns columns that both sides have under a like name and that need not be mapped, sorted by the target's name: each
// column once, the likeliest pairs first; none that another contract has spoken for, and none that the source's system makes up.
func (d drafting) suggested() []suggestion {
	needed := d.needed()
	var used []*schema.Column
	for _, c := range needed {
		used = append(used, d.suggest(c).source)
	}
	var pairs []scored
	for i := range d.target.Columns {
		c := &d.target.Columns[i]
		if c.ReadOnly || c.Kind == schema.GUID || c.Kind == schema.Reference || slices.Contains(needed, c) || d.spokenFor(c) != "" {
			continue
		}
		if s := d.fromContracts(c); s.source != nil && !s.source.ReadOnly && d.simple(c, s.source) && d.keeps(s.source) == "" {
			s.target = c
			pairs = append(pairs, scored{s, 1000})
			continue
		}
		for j := range d.source.Columns {
			from := &d.source.Columns[j]
			if score := contract.Alike(c, from); score >= leastAlike && !from.ReadOnly && d.simple(c, from) && d.keeps(from) == "" {
				pairs = append(pairs, scored{suggestion{target: c, source: from}, score})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b scored) int {
		return cmp.Or(b.score-a.score, len(a.target.Name)+len(a.source.Name)-len(b.target.Name)-len(b.source.Name))
	})
	var out []suggestion
	for _, p := range pairs {
		taken := slices.Contains(used, p.source) || slices.ContainsFunc(out, func(s suggestion) bool { return s.target == p.target || s.source == p.source })
		if !taken && len(out) < mostSuggestions {
			out = append(out, p.suggestion)
		}
	}
	slices.SortFunc(out, func(a, b suggestion) int { return strings.Compare(a.target.Name, b.target.Name) })
	return out
}

type scored struct {
	suggestion
	score int
}

// spokenFor returns the flow whose contract writes a column of the target, or gives it to another system than the source; ""
// where none does.
func (d drafting) spokenFor(c *schema.Column) string {
	for _, p := range d.plans {
		if p.To.System != d.flow.To.System || p.To.Entity != d.flow.To.Entity {
			continue
		}
		if owner := p.FieldOwner(c.Name); p.OwnsField(c.Name) || owner != "" && owner != d.flow.From.System {
			return p.Name
		}
	}
	return ""
}

// ofTheTarget returns the flow whose contract says that the target's own system owns a column; "" where none does.
func (d drafting) ofTheTarget(c *schema.Column) string {
	for _, p := range d.plans {
		if p.To.System == d.flow.To.System && p.To.Entity == d.flow.To.Entity && p.FieldOwner(c.Name) == d.flow.To.System {
			return p.Name
		}
	}
	return ""
}

// keeps returns the flow that writes a column of the source from the target's system: mapping it back would be a loop.
func (d drafting) keeps(c *schema.Column) string {
	for _, p := range d.plans {
		if p.To.System == d.flow.From.System && p.To.Entity == d.flow.From.Entity && p.From.System == d.flow.To.System && p.OwnsField(c.Name) {
			return p.Name
		}
	}
	return ""
}

// simple reports whether a value needs no map on its way, so that the suggestion holds as it stands.
func (d drafting) simple(target, source *schema.Column) bool {
	return target.Kind == source.Kind && target.Kind != schema.Choice || target.Kind == schema.Number && source.Kind == schema.Integer
}
