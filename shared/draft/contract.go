package draft

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/editor"
	"crosswalk/shared/schema"
)

// drafting is one flow being written.
type drafting struct {
	flow           Flow
	source, target *schema.Entity
	schemas        *schema.Set
	// plans are the project's contracts; opposite is the one that carries the same entities the other way, perhaps nil.
	plans    []*contract.Plan
	opposite *contract.Plan
}

// mostSuggestions bounds the fields that are suggested beside those that must be mapped.
const mostSuggestions = 15

// contract writes the contract: what must be mapped, and as comments what could be.
func (d drafting) contract() []byte {
	f := d.flow
	state := contract.StateRow
	if d.source.Set == "" {
		state = contract.StateEvent
	}
	b := []byte(editor.Line)
	add := func(format string, args ...any) { b = fmt.Appendf(b, format+"\n", args...) }
	add("purpose: TODO say in one sentence why the flow exists")
	add("team: TODO say who is told when the flow fails")
	add("pair: %s", f.Pair)
	add("from: {system: %s, entity: %s, event: %s, state: %s}", f.From.System, f.From.Entity, quoted(f.Event), state)
	add("to: {system: %s, entity: %s, key: [%s]}", f.To.System, f.To.Entity, strings.Join(f.Key, ", "))
	add("owner: %s", f.From.System)
	if state == contract.StateRow {
		add("# when: %s # remove the first # where not every record of %s is meant: the others are ignored then", d.condition(), d.source.Name)
	}
	add("")
	add("fields:")
	for _, c := range d.needed() {
		s := d.suggest(c)
		add("  # %s%s", d.describe(c), d.origin(s))
		add("  %s: %s", c.Name, d.rule(s))
	}
	if suggested := d.suggested(); len(suggested) > 0 {
		add("  # What could be mapped as well, by its name; remove the # of what the flow should write:")
		for _, s := range suggested {
			s.sure = true
			add("  # %s: %s", s.target.Name, d.rule(s))
		}
		amounts := slices.ContainsFunc(suggested, func(s suggestion) bool { return isMoney(s.target) })
		if c := d.currency(); c != nil && amounts && !slices.Contains(d.needed(), c) {
			add("  # %s: %s # an amount needs its currency", c.Name, d.rule(d.suggest(c)))
		}
	}
	if kept := d.kept(); kept != "" {
		add("  # Other flows bring these columns of %s, so mapped back they would go round for ever; with owner: %s, initial: true they give a new row its first value: %s",
			d.source.Name, f.To.System, kept)
	}
	if others := d.others(); others != "" {
		add("  # Not for this flow, because other flows have spoken for them: %s", others)
	}
	add("")
	add("delete: reject # a person decides what becomes of the target's record; ignore, delete and {deactivate: {column: value}} are the other choices")
	return b
}

// quoted writes a text so that YAML reads it as one; a * at its end needs no quotes.
func quoted(text string) string {
	if strings.ContainsAny(text, ":#{}[],&!|>'\"%@`") {
		return strconv.Quote(text)
	}
	return text
}

// needed returns the columns that must be mapped: those of the key in its order, those that a new row can't be without, and the
// currency of an amount among them.
func (d drafting) needed() []*schema.Column {
	var out []*schema.Column
	for _, name := range d.flow.Key {
		c, _ := d.target.Column(name) // a key's columns exist
		out = append(out, c)
	}
	for i := range d.target.Columns {
		if c := &d.target.Columns[i]; c.MustBeSent() && !c.InRow() && !slices.Contains(d.flow.Key, c.Name) {
			out = append(out, c)
		}
	}
	if c := d.currency(); c != nil && slices.ContainsFunc(out, isMoney) && !slices.Contains(out, c) {
		out = append(out, c)
	}
	return out
}

// currency returns the column that says in which currency a row's amounts are, nil where the target has none.
func (d drafting) currency() *schema.Column {
	c, ok := d.target.Column("transactioncurrencyid")
	if !ok || d.flow.To.System != schema.Dataverse {
		return nil
	}
	return c
}

func isMoney(c *schema.Column) bool { return c.Type == "Money" }

// rule writes a field's rule. A source that is only likely is marked TODO, so that somebody confirms it.
func (d drafting) rule(s suggestion) string {
	c := s.target
	source := contract.Todo
	switch {
	case s.source != nil && s.sure:
		source = quoted(s.source.Name)
	case s.source != nil:
		source = quoted(contract.Todo + " " + s.source.Name)
	}
	parts := []string{"from: " + source}
	if s.lower {
		parts = append(parts, "case: lower")
	}
	if s.source != nil && c.Kind == schema.Choice || s.source != nil && c.Kind == schema.Boolean && s.source.Kind == schema.Choice {
		parts = append(parts, "map: {"+strings.Join(choices(c, s.source), ", ")+"}")
	}
	if c.Kind == schema.Reference {
		parts = append(parts, "reference: "+d.reference(c))
	}
	if s.initial {
		parts = append(parts, "owner: "+d.flow.To.System, "initial: true")
	}
	if slices.Contains(d.needed(), c) {
		parts = append(parts, "blank: reject")
	} else {
		parts = append(parts, "blank: null")
	}
	if c.Kind == schema.Text && c.MaxLength > 0 {
		parts = append(parts, "longer: reject")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// mostChoices bounds the entries of a map that is written out.
const mostChoices = 12

// choices writes a map's entries: what each of the source's options becomes, TODO where no option of the target has its name.
func choices(target, source *schema.Column) []string {
	values := []string{"true", "false"}
	if source.Kind == schema.Choice {
		values = nil
		for _, o := range source.Options[:min(len(source.Options), mostChoices)] {
			values = append(values, cmp.Or(o.Label, o.Value))
		}
	}
	var out []string
	for i, name := range values {
		from, becomes := name, contract.Todo
		if source.Kind == schema.Choice {
			from = optionKey(source.Options[i].Value)
		}
		for _, o := range target.Options {
			if sameName(name, cmp.Or(o.Label, o.Value)) {
				becomes = o.Value
			}
		}
		out = append(out, from+": "+becomes)
	}
	return out
}

// optionKey writes an option as a key of a map: a number stands as it is, a word in quotes, since YAML reads No as false.
func optionKey(value string) string {
	if _, err := strconv.Atoi(value); err == nil {
		return value
	}
	return strconv.Quote(value)
}

// condition is an example of one, on a column that tells the flow's records from others of the same entity.
func (d drafting) condition() string {
	for _, name := range slices.Backward(d.flow.Key) {
		c, _ := d.target.Column(name) // a key's columns exist
		if s := d.suggest(c); s.source != nil && s.source.Kind == schema.Text {
			return s.source.Name + ` != ""`
		}
	}
	return `Name != ""`
}

// kept names the columns of the source that flows from the target's system keep up to date, by flow: mapped back as they stand,
// they would go round for ever.
func (d drafting) kept() string {
	columns := map[string][]string{}
	for i := range d.source.Columns {
		c := &d.source.Columns[i]
		inKey := slices.ContainsFunc(d.flow.Key, func(name string) bool {
			column, _ := d.target.Column(name)
			return d.suggest(column).source == c
		})
		if flow := d.keeps(c); flow != "" && !inKey {
			columns[flow] = append(columns[flow], c.Name)
		}
	}
	return byFlow(columns)
}

// others names the columns of the target that other contracts write or give away, by contract.
func (d drafting) others() string {
	columns := map[string][]string{}
	for i := range d.target.Columns {
		c := &d.target.Columns[i]
		if flow := d.spokenFor(c); flow != "" && !slices.Contains(d.flow.Key, c.Name) {
			columns[flow] = append(columns[flow], c.Name)
		}
	}
	return byFlow(columns)
}

func byFlow(columns map[string][]string) string {
	var out []string
	for _, flow := range slices.Sorted(maps.Keys(columns)) {
		out = append(out, flow+" ("+strings.Join(columns[flow], ", ")+")")
	}
	return strings.Join(out, "; ")
}

// reference names the key by which a lookup finds its row: the columns that it shares with the flow's own key have the record's
// values, and one more is the field's. TODO where the choice is a person's.
func (d drafting) reference(c *schema.Column) string {
	column, and := contract.Todo, ""
	if e, ok := d.schemas.Lookup(d.flow.To.System, c.Targets[0]); ok {
		for _, k := range e.AlternateKeys {
			own := slices.DeleteFunc(slices.Clone(k), func(name string) bool { return slices.Contains(d.flow.Key, name) })
			if len(own) != 1 || column != contract.Todo && len(k) == 1 {
				continue
			}
			if column, and = own[0], ""; len(k) > 1 {
				var shared []string
				for _, name := range k {
					if name != column {
						shared = append(shared, name+": "+name)
					}
				}
				and = ", and: {" + strings.Join(shared, ", ") + "}"
				break // tells apart what the column alone would not
			}
		}
	}
	if len(c.Targets) > 1 || column == contract.Todo || and != "" {
		return "{entity: " + c.Targets[0] + ", key: " + column + and + "}"
	}
	return column
}

// describe says what the target's column is, for the comment above it.
func (d drafting) describe(c *schema.Column) string {
	parts := []string{c.Kind.String()}
	if slices.Contains(d.flow.Key, c.Name) {
		parts = append([]string{"key"}, parts...)
	}
	if c.MaxLength > 0 {
		parts = append(parts, fmt.Sprintf("at most %d characters", c.MaxLength))
	}
	if c.Kind == schema.Reference {
		parts = append(parts, "to "+strings.Join(c.Targets, " or "))
	}
	if c.MustBeSent() {
		parts = append(parts, "required")
	}
	if c.Kind == schema.Choice {
		var options []string
		for _, o := range c.Options[:min(len(c.Options), 8)] {
			option := o.Value
			if o.Label != "" {
				option += " " + o.Label
			}
			options = append(options, option)
		}
		parts = append(parts, "one of "+strings.Join(options, ", ")+"; write it with map: {source value: option}")
	}
	name := c.Name
	if shown := c.ShownAs(); shown != "" {
		name += " (" + shown + ")"
	}
	return name + ": " + strings.Join(parts, ", ")
}

// origin says in a comment where a suggestion comes from and what else may be meant.
func (d drafting) origin(s suggestion) string {
	writer := d.spokenFor(s.target)
	switch {
	case s.initial && d.ofTheTarget(s.target) != "":
		return "; " + d.flow.To.System + " owns it, says " + d.ofTheTarget(s.target) + ", so this flow gives a first value only"
	case writer != "" && !slices.Contains(d.flow.Key, s.target.Name):
		return "; " + writer + " has spoken for it, and one column can't have two masters"
	case s.source == nil:
		return ""
	case s.initial:
		return "; " + d.opposite.Name + " keeps the source up to date, so this flow gives a first value only"
	case s.why != "" && d.opposite != nil && s.why == d.opposite.Name:
		return "; as in " + s.why + ", the other way round"
	case s.why != "":
		return "; as in " + s.why
	case s.sure:
		return "; both have a column of this name"
	}
	return "; likely " + strings.Join(append([]string{s.source.Name}, s.others...), ", ")
}
