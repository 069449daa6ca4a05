package catalog

import (
	"fmt"
	"slices"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// fieldTable writes one row per field that the flow writes, and names the others below.
func (f *flow) fieldTable(w *writer) {
	rows, others := f.fieldRows(f.fields)
	w.table([]string{"field", "type in the target", "owner", "comes from", "rule", "a blank source", "a value that doesn't fit"}, rows)
	for _, o := range others {
		w.line("%s (%s) belongs to %s: this flow never writes it.", columnName(o.Column), typeText(o.Column), title(o.Owner))
	}
	w.line("This flow writes no other field of %s.", code(f.To.Entity))
}

// fieldRows returns the rows of fields, behind each list those of its members, and the fields that the flow doesn't write.
func (f *flow) fieldRows(fields []contract.FieldRule) (rows [][]string, others []contract.FieldRule) {
	for i := range fields {
		field := &fields[i]
		if !field.Mapped() && field.OnDelete != "" {
			continue // the page's head says what a delete does
		}
		if !field.Mapped() {
			others = append(others, *field)
			continue
		}
		name := columnName(field.Column)
		if field.Key {
			name += " (key)"
		}
		if field.Initial {
			name += " (new rows only)"
		}
		from := "fixed value"
		if field.Source != nil {
			from = columnName(field.Source.Column)
		}
		rows = append(rows, []string{name, typeText(field.Column), title(field.Owner), from, f.rule(field), f.blank(field), misfit(field)})
		members, _ := f.fieldRows(field.Members)
		rows = append(rows, members...)
	}
	return rows, others
}

// columnName is a column's logical name, with what people see beside it where that is another word.
func columnName(c *schema.Column) string {
	if shown := c.ShownAs(); shown != "" {
		return code(c.Name) + " " + prose(shown)
	}
	return code(c.Name)
}

// typeText says a column's type, length, range and required level.
func typeText(c *schema.Column) string {
	out := c.Kind.String()
	switch {
	case c.Kind == schema.Time && c.DateOnly:
		out = "day"
	case c.Kind == schema.Time:
		out = "date and time"
	case c.Kind == schema.Choice:
		out = choiceText(c, "one of ")
	case c.Kind == schema.Choices:
		out = choiceText(c, "any of ")
	case c.Kind == schema.Reference:
		out = "lookup to " + strings.Join(c.Targets, " or ")
	}
	if c.MaxLength > 0 {
		out += fmt.Sprintf(", at most %d characters", c.MaxLength)
	}
	if c.Kind == schema.Number && c.Precision > 0 {
		out += fmt.Sprintf(", at most %d decimal places", c.Precision)
	}
	if c.Kind == schema.Number || c.Kind == schema.Integer {
		switch {
		case c.Min != "" && c.Max != "":
			out += ", " + c.Min + " to " + c.Max
		case c.Min != "":
			out += ", at least " + c.Min
		case c.Max != "":
			out += ", at most " + c.Max
		}
	}
	if c.Required == schema.SystemRequired || c.Required == schema.ApplicationRequired {
		out += "; required"
	}
	return out
}

// mostOptions bounds how many options a table's cell lists.
const mostOptions = 10

func choiceText(c *schema.Column, begin string) string {
	if len(c.Options) == 0 || len(c.Options) > mostOptions {
		return begin + fmt.Sprintf("%d options", len(c.Options))
	}
	var names []string
	for _, o := range c.Options {
		names = append(names, option(c, o.Value))
	}
	return begin + strings.Join(names, ", ")
}

// rule says what becomes of a value that isn't blank.
func (f *flow) rule(field *contract.FieldRule) string {
	if field.Fixed && field.When != "" {
		return option(field.Column, field.Constant) + " where " + code(field.When) + ", else " + f.blankRule(field, field.Otherwise)
	}
	if field.Fixed {
		return "always " + option(field.Column, field.Constant)
	}
	var steps []string
	if field.When != "" {
		steps = append(steps, "only where "+code(field.When)+", else "+f.blankRule(field, field.Otherwise))
	}
	if field.Expression != "" {
		steps = append(steps, "computed: "+code(field.Expression))
	}
	if field.Source != nil && field.Source.With != "" {
		steps = append(steps, "joined with "+code(field.Source.With)+" between them")
	}
	for _, edit := range field.Edits {
		steps = append(steps, prose(edit))
	}
	if field.Choices != nil {
		var entries []string
		for _, c := range field.Choices {
			entries = append(entries, option(field.Source.Column, c.Source)+" → "+option(field.Column, c.Target))
		}
		switch {
		case field.OtherEmpties:
			entries = append(entries, "anything else empties the field")
		case field.HasOther:
			entries = append(entries, "anything else → "+option(field.Column, field.Other))
		}
		steps = append(steps, strings.Join(entries, "; "))
	}
	for _, convert := range field.Converts {
		steps = append(steps, prose(convert))
	}
	if field.Cut && field.MaxLength > 0 {
		steps = append(steps, fmt.Sprintf("cut to %d characters", field.MaxLength))
	}
	if field.ReferencePair != "" {
		steps = append(steps, fmt.Sprintf("points to the %s that the pair %s links to that record", code(field.ReferenceEntity), code(field.ReferencePair)))
	} else if field.ReferenceKey != nil {
		steps = append(steps, fmt.Sprintf("points to the %s whose %s is that value", code(field.ReferenceEntity), code(field.ReferenceKey.Name)))
		for _, and := range field.ReferenceAnd {
			steps = append(steps, "and whose key also has "+prose(and))
		}
	}
	if len(steps) == 0 {
		return "as it is"
	}
	return strings.Join(steps, ", then ")
}

// option shows a value, with its label where the column has one for it, or as yes and no.
func option(c *schema.Column, value string) string {
	switch {
	case c.Kind == schema.Boolean && value == "true":
		return "yes"
	case c.Kind == schema.Boolean && value == "false":
		return "no"
	}
	if o, ok := c.Option(value); ok && o.Label != "" && o.Label != value {
		return code(value) + " (" + prose(o.Label) + ")"
	}
	return code(value)
}

var emptyWords = map[string]string{"absent": "missing from the message", "null": "null", "empty": `""`, "unset": "not set (1900-01-01 or a zero GUID)"}

// blank says what each kind of empty does, in one phrase where all do the same.
func (f *flow) blank(field *contract.FieldRule) string {
	if field.Source == nil {
		return "never blank"
	}
	return f.blanks(field, field.Source)
}

func (f *flow) blanks(field *contract.FieldRule, source *contract.SourceRule) string {
	var phrases []string
	kinds := map[string][]string{}
	for _, b := range source.Blanks {
		p := f.blankRule(field, b)
		if !slices.Contains(phrases, p) {
			phrases = append(phrases, p)
		}
		kinds[p] = append(kinds[p], emptyWords[b.Empty])
	}
	if len(phrases) == 1 {
		return phrases[0]
	}
	for i, p := range phrases {
		phrases[i] = strings.Join(kinds[p], " or ") + ": " + p
	}
	return strings.Join(phrases, "; ")
}

func (f *flow) blankRule(field *contract.FieldRule, b contract.BlankRule) string {
	switch b.Action {
	case "reject":
		return "rejected"
	case "skip":
		if field.InRow {
			return "left out"
		}
		return "the target keeps what it has"
	case "value":
		return "becomes " + option(field.Column, b.Value)
	case "from":
		return fmt.Sprintf("%s is taken instead; if that is blank too: %s", strings.Join(append([]string{code(b.From.Column.Name)}, b.From.Edits...), ", "), f.blanks(field, b.From))
	}
	if field.InRow && b.Value == "null" {
		return "becomes null"
	}
	if b.Value == "null" || b.Value == "" {
		return "the target is emptied"
	}
	return "becomes " + code(b.Value) + ", which is how " + title(f.To.System) + " says that nothing is set"
}

// misfit says what becomes of a value that has no place in the target.
func misfit(field *contract.FieldRule) string {
	var out []string
	if field.Source == nil {
		return ""
	}
	if field.MaxLength > 0 && !field.Cut {
		out = append(out, "longer: rejected")
	}
	if field.Projects {
		out = append(out, fmt.Sprintf("more than %d rows: rejected", contract.MaxRows))
	}
	if field.Choices != nil && !field.HasOther && !exhaustive(field) {
		out = append(out, "any other value: rejected")
	}
	if field.ReferenceKey != nil {
		out = append(out, "no such row yet: tried again, then given up")
	}
	if c := field.Column; c.Kind == schema.Number || c.Kind == schema.Integer {
		if field.Choices == nil && (c.Min != "" || c.Max != "" || c.Precision > 0) {
			out = append(out, outOfRange(field))
		}
	}
	if field.Column.Kind == schema.Time {
		out = append(out, "no date that can be read, or a time without a zone: rejected")
	}
	return strings.Join(out, "; ")
}

func outOfRange(field *contract.FieldRule) string {
	if field.Clamp {
		return "out of range: the nearest in range; more decimals: rejected"
	}
	return "out of range or more decimals: rejected, never rounded"
}

// exhaustive reports whether the map has an entry for both yes and no.
func exhaustive(field *contract.FieldRule) bool {
	return field.Source.Column.Kind == schema.Boolean && len(field.Choices) == 2
}
