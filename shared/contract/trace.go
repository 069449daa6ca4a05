package contract

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"crosswalk/shared/fault"
	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

// Step is what one field makes of one record.
type Step struct {
	FieldRule
	// Property is the field's name in a request: the column, or <navigation property>@odata.bind for a lookup. Within a list it
	// has the row's number, as in cw_lines[3].price.
	Property string
	// Read are the source values that were looked at, in order: the field's own, then those that its blank rules fall back
	// to. It is empty for a fixed value and for a field that isn't mapped.
	Read []Reading
	// Value is what the field writes; nil where it is left alone, rejected or not mapped.
	Value *Value
	// Fault is why the value is rejected, else nil.
	Fault *fault.Error
	// Rows are the rows that a list is made of, where the rule projects one; those that aren't wanted are left out.
	Rows []TracedRow
}

// TracedRow is what a list makes of one row of the source.
type TracedRow struct {
	// At is the row's number in the source's list, counted from 0.
	At int
	// Steps are those of the rule's Members.
	Steps []Step
}

// Reading is one source value as it came.
type Reading struct {
	// Path is where it is looked for.
	Path string
	// JSON is the literal as it stands in the source, whose memory it shares; nil where the member is absent, or is an object
	// or a list.
	JSON []byte
	// Empty says in which way the source says nothing: absent, null, empty or unset; "" for a value. In a row an absent
	// member counts as null.
	Empty string
}

// Trace maps a record as [Plan.Apply] does and tells what happens to each field, in the order of [Plan.FieldRules], those
// that only a delete writes left out. It goes
// on behind a field that is rejected; Apply's error is the first Fault. The error is Apply's for a record that isn't
// well-formed, and then there are no steps.
func (p *Plan) Trace(src []byte) ([]Step, error) {
	w := p.workspaces.take()
	defer w.release()
	if err := p.load(w, src); err != nil {
		return nil, err
	}
	rules := slices.DeleteFunc(p.FieldRules(), func(r FieldRule) bool { return !r.Mapped() && r.OnDelete != "" }) // a delete maps no record
	steps := make([]Step, len(rules))
	for i, rule := range rules {
		steps[i] = Step{FieldRule: rule, Property: rule.Column.Name}
		if i < len(p.fields) { // the others are named only for their owner
			p.trace(w, &p.fields[i], &steps[i])
		}
	}
	return steps, nil
}

// WhenReads returns the values that the contract's "when" looks at; none where it has no condition or the record isn't well-formed.
func (p *Plan) WhenReads(src []byte) []Reading {
	w := p.workspaces.take()
	defer w.release()
	if p.when == nil || p.load(w, src) != nil {
		return nil
	}
	return p.readingsOf(w, p.when.parts, nil)
}

// trace fills in what becomes of one field.
func (p *Plan) trace(w *workspace, f *fieldPlan, s *Step) {
	s.Property, s.Read = f.property, p.readings(w, f)
	l, skip, err := p.evaluate(w, f)
	switch {
	case err != nil:
		s.Fault = fault.Of(err)
	case !skip:
		s.Value = &Value{Name: f.property, JSON: bytes.Clone(l.json), Reference: l.reference, Initial: f.initial, column: f.column}
	}
	if f.project != nil {
		s.Rows = p.traceRows(w, f, s.Members)
	}
}

// traceRows follows each row that a list is made of.
func (p *Plan) traceRows(w *workspace, f *fieldPlan, members []FieldRule) []TracedRow {
	in, _, _ := p.start(w, f) // trace tells its error
	if in == nil || w.row[in.slot].Kind != slots.List {
		return nil
	}
	var out []TracedRow
	j, outer := f.project, w.row
	at, wrote := -1, 0
	for row := range w.Rows(&outer[in.slot]) {
		at++
		if wanted, failed := p.meets(w, j.where, row); failed != nil || !wanted {
			continue
		}
		w.row = row
		r, left := TracedRow{At: at, Steps: make([]Step, len(members))}, false
		for i, m := range j.each() {
			s := &r.Steps[i]
			s.FieldRule = members[i]
			p.trace(w, m, s)
			s.locate(j, wrote, at)
			left = j.value != nil && s.Value == nil && s.Fault == nil
		}
		if out = append(out, r); !left {
			wrote++
		}
	}
	w.row = outer
	return out
}

// locate says in which row a step lies.
func (s *Step) locate(j *projection, to, from int) {
	s.Property = numbered(s.Property, j.target, to)
	for i := range s.Read {
		s.Read[i].Path = numbered(s.Read[i].Path, j.source, from)
	}
	if s.Fault != nil {
		s.Fault = fault.Of(j.locate(s.Fault, to, from))
	}
	for _, row := range s.Rows {
		for i := range row.Steps {
			row.Steps[i].locate(j, to, from)
		}
	}
}

// readings follows a field's source and its fallbacks up to the one that decides.
func (p *Plan) readings(w *workspace, f *fieldPlan) []Reading {
	var out []Reading
	if f.when != nil {
		out = p.readingsOf(w, f.when.parts, nil)
	}
	in, _, _ := p.start(w, f) // Trace tells its error
	for in != nil {
		_, kind, failed := p.read(w, in)
		switch {
		case in.computed != nil:
			out = append(out, p.readingsOf(w, in.computed.parts, in.zone)...)
		case in.parts != nil:
			out = append(out, p.readingsOf(w, in.parts, in.zone)...)
		default:
			out = append(out, p.reading(w, in.slot, in.source(), in.zone))
		}
		if kind == filled {
			out = append(out, p.readingsOf(w, f.scale.columns(), nil)...)
			if f.bind != nil {
				for i := range f.bind.and {
					out = append(out, p.readings(w, f.bind.and[i].field)...)
				}
			}
		}
		if failed != nil || kind == filled {
			return out
		}
		in = in.blanks[kind].other
	}
	return out
}

func (p *Plan) readingsOf(w *workspace, parts []part, zone *time.Location) (out []Reading) {
	for i := range parts {
		out = append(out, p.reading(w, parts[i].slot, parts[i].column, zone))
	}
	return out
}

func (p *Plan) reading(w *workspace, i int, column *schema.Column, zone *time.Location) Reading {
	c := compiler{plan: p}
	r := Reading{Path: c.property(column)}
	slot := &w.row[i]
	if slot.Kind != slots.Object && slot.Kind != slots.List {
		r.JSON = slot.Raw
	}
	if _, kind, failed := w.scalar(slot, p.From.System, column, p.From.State == StateRow, zone); failed == nil && kind != filled {
		r.Empty = emptyNames[kind]
	}
	return r
}

// Words returns the rule in one line, steps in the order in which they happen and the blank rule last, such as
// `lower case; demf → EUR, usmf → USD; any other value is rejected; blank is rejected`. It is "" for a field that isn't
// mapped.
func (f *FieldRule) Words() string {
	var parts []string
	if f.Initial {
		parts = append(parts, "only in a new row")
	}
	if f.Fixed {
		parts = append(parts, "always "+f.literal(f.Constant))
	}
	if f.When != "" {
		parts = append(parts, "only where "+f.When+", else it "+f.blankAction(f.Otherwise))
	}
	if f.Expression != "" {
		parts = append(parts, "computed: "+f.Expression)
	}
	if f.Source != nil && f.Source.With != "" {
		parts = append(parts, "joined with "+strconv.Quote(f.Source.With)+" between them")
	}
	parts = append(parts, f.Edits...)
	if len(f.Choices) > 0 {
		parts = append(parts, f.choiceWords()...)
	}
	parts = append(parts, f.Converts...)
	if f.Clamp {
		parts = append(parts, "a number out of range becomes the nearest in range")
	}
	if f.TooLong {
		parts = append(parts, f.lengthWords())
	}
	if f.ReferencePair != "" {
		parts = append(parts, "finds the "+f.ReferenceEntity+" linked to it in the pair "+f.ReferencePair)
	} else if f.ReferenceKey != nil {
		parts = append(parts, "finds the "+f.ReferenceEntity+" by "+strings.Join(append([]string{f.ReferenceKey.Name}, f.ReferenceAnd...), " and by "))
	}
	if f.Source != nil {
		parts = append(parts, f.blankWords(f.Source))
	}
	return strings.Join(parts, "; ")
}

// mostChoices bounds how many entries of a map or table are written out.
const mostChoices = 12

func (f *FieldRule) choiceWords() []string {
	var entries []string
	for _, c := range f.Choices[:min(len(f.Choices), mostChoices)] {
		entries = append(entries, c.Source+" → "+f.literal(c.Target))
	}
	if more := len(f.Choices) - mostChoices; more > 0 {
		entries = append(entries, "and "+itoa(more)+" more")
	}
	other := "any other value is rejected"
	switch {
	case f.OtherEmpties:
		other = "any other value empties the field"
	case f.HasOther:
		other = "any other value → " + f.literal(f.Other)
	}
	return []string{strings.Join(entries, ", "), other}
}

func (f *FieldRule) lengthWords() string {
	limit := f.Column.MaxLength
	if f.ReferenceKey != nil {
		limit = f.ReferenceKey.MaxLength
	}
	if f.Cut {
		return "cut to " + itoa(limit) + " characters"
	}
	return "more than " + itoa(limit) + " characters are rejected"
}

// literal is how a rule names a value of the target: texts in quotes, an option with its label.
func (f *FieldRule) literal(text string) string {
	switch {
	case f.Column.Kind == schema.Text || f.ReferenceKey != nil && f.ReferenceKey.Kind == schema.Text:
		return strconv.Quote(text)
	case f.Column.Kind == schema.Choice:
		if o, ok := f.Column.Option(text); ok && o.Label != "" {
			return text + " (" + o.Label + ")"
		}
	}
	return text
}

// blankWords says what each kind of empty does, in one clause where all that can happen do the same.
func (f *FieldRule) blankWords(s *SourceRule) string {
	var does []string
	kinds := map[string][]string{}
	for _, b := range s.Blanks {
		what := f.blankAction(b)
		if !slices.Contains(does, what) {
			does = append(does, what)
		}
		kinds[what] = append(kinds[what], b.Empty)
	}
	if len(does) == 1 {
		return "blank " + does[0]
	}
	parts := make([]string, len(does))
	for i, what := range does {
		parts[i] = strings.Join(kinds[what], ", ") + " " + what
	}
	return strings.Join(parts, "; ")
}

func (f *FieldRule) blankAction(b BlankRule) string {
	switch b.Action {
	case "skip":
		if f.InRow {
			return "is left out"
		}
		return "leaves the target alone"
	case "from":
		return "→ " + strings.Join(append([]string{b.From.Column.Name}, b.From.Edits...), ", ") + " (there " + f.blankWords(b.From) + ")"
	case "null":
		if b.Value == "null" {
			return "→ null"
		}
		return "→ " + f.literal(b.Value)
	case "value":
		return "→ " + f.literal(b.Value)
	}
	return "is rejected"
}
