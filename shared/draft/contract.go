package draft

import (
	"fmt"
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
	add("")
	add("fields:")
	for _, c := range d.needed() {
		add("  # %s%s", d.describe(c), d.likely(c))
		add("  %s: %s", c.Name, d.rule(c, contract.Todo))
	}
	if suggested := d.suggested(); len(suggested) > 0 {
		add("  # What could be mapped as well, by its name; remove the # of what the flow should write:")
		for _, s := range suggested {
			add("  # %s: %s", s.target.Name, d.rule(s.target, s.source.Name))
		}
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

// needed returns the columns that must be mapped: those of the key in its order, then those that a new row can't be
// without.
func (d drafting) needed() []*schema.Column {
	var out []*schema.Column
	for _, name := range d.flow.Key {
		c, _ := d.target.Column(name) // a key's columns exist
		out = append(out, c)
	}
	for i := range d.target.Columns {
		if c := &d.target.Columns[i]; c.MustBeSent() && !slices.Contains(d.flow.Key, c.Name) {
			out = append(out, c)
		}
	}
	return out
}

type suggestion struct{ target, source *schema.Column }

// suggested returns columns that both sides have under a like name and that need not be mapped.
func (d drafting) suggested() []suggestion {
	var out []suggestion
	var taken []string
	needed := d.needed()
	for i := range d.target.Columns {
		c := &d.target.Columns[i]
		if c.ReadOnly || c.Kind == schema.GUID || c.Kind == schema.Reference || slices.Contains(needed, c) || len(out) == mostSuggestions {
			continue
		}
		likely := contract.Likely(c, d.source)
		if len(likely) == 0 || slices.Contains(taken, likely[0].Name) || !d.simple(c, likely[0]) {
			continue
		}
		taken = append(taken, likely[0].Name)
		out = append(out, suggestion{c, likely[0]})
	}
	return out
}

// simple reports whether a value needs no map on its way, so that the suggestion holds as it stands.
func (d drafting) simple(target, source *schema.Column) bool {
	return target.Kind == source.Kind && target.Kind != schema.Choice || target.Kind == schema.Number && source.Kind == schema.Integer
}

// rule writes a field's rule with the given source.
func (d drafting) rule(c *schema.Column, source string) string {
	parts := []string{"from: " + source}
	if c.Kind == schema.Reference {
		parts = append(parts, "reference: "+d.reference(c))
	}
	must := c.MustBeSent() || slices.Contains(d.flow.Key, c.Name)
	if must {
		parts = append(parts, "blank: reject")
	} else {
		parts = append(parts, "blank: null")
	}
	if c.Kind == schema.Text && c.MaxLength > 0 {
		parts = append(parts, "longer: reject")
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// reference names the key of one column by which a lookup finds its row, TODO where the choice is a person's.
func (d drafting) reference(c *schema.Column) string {
	key := contract.Todo
	if e, ok := d.schemas.Lookup(d.flow.To.System, c.Targets[0]); ok {
		for _, k := range e.AlternateKeys {
			if len(k) == 1 {
				key = k[0]
				break
			}
		}
	}
	if len(c.Targets) > 1 || key == contract.Todo {
		return "{entity: " + c.Targets[0] + ", key: " + key + "}"
	}
	return key
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

// likely names the source columns that may be meant.
func (d drafting) likely(c *schema.Column) string {
	var names []string
	for _, s := range contract.Likely(c, d.source) {
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return ""
	}
	return "; likely " + strings.Join(names, ", ")
}
