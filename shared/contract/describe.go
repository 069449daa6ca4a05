package contract

import (
	"maps"
	"slices"
	"strings"

	"crosswalk/shared/schema"
)

// FieldRule is one field of a contract in a form to be read: what documentation says about it.
type FieldRule struct {
	// Column is the target's column.
	Column *schema.Column
	// Owner is the system of record of this field.
	Owner string
	// Key is true for a column of the match key.
	Key bool
	// Initial is true where the field is written only when the row is created.
	Initial bool
	// Source is the field that is read; nil for a fixed value, and for a field that the contract only gives an owner.
	Source *SourceRule
	// OnDelete is the text that a delete in the source writes into the field; "" where none does.
	OnDelete string
	// Constant is the fixed value's text; it counts where Fixed is true.
	Constant string
	Fixed    bool
	// Expression is the CEL expression that gives the value, whose columns Source names; "" for other fields.
	Expression string
	// When is the CEL condition without which Otherwise happens; "" for a field that is always written.
	When      string
	Otherwise BlankRule
	// Edits are the operations on text, in words and in order, such as `lower case`; Converts are those on numbers and dates,
	// which come behind Choices.
	Edits, Converts []string
	// Choices are the entries of map or table, sorted by source value; nil where the field has neither.
	Choices []Choice
	// Other is what the rest becomes; it counts where HasOther is true, else the rest is rejected.
	Other    string
	HasOther bool
	// OtherEmpties is true where the rest empties the field; Other is then the target's own empty.
	OtherEmpties bool
	// Strips is true where something is taken off a text, which rejects one of which nothing is left.
	Strips bool
	// Clamp is true where a number out of range becomes the nearest that the target takes.
	Clamp bool
	// Cut is true where a text that is too long is cut instead of rejected.
	Cut bool
	// Projects is true where the field is a list made of a list's rows. Members are then what a row becomes: the members of an
	// object, or the one value.
	Projects bool
	Members  []FieldRule
	// InRow is true for what a row of a list becomes.
	InRow bool
	// ReferenceEntity and ReferenceKey name the row that a lookup is found by; ReferenceKey is nil for other fields. Where
	// ReferencePair isn't "", the row is the one that this pair's link knows for the source's record.
	ReferencePair   string
	ReferenceEntity string
	ReferenceKey    *schema.Column
	// ReferenceAnd are the other columns of that key, each with the field that has its value, such as "cw_legalentity (as in the
	// field cw_legalentity)".
	ReferenceAnd []string
	// TooLong is true where by the schemas a text can come that the target has no room for.
	TooLong bool
	// MaxLength is the most characters the target takes of a text that comes from the source; 0 is no limit, or no text.
	MaxLength int
}

// Mapped reports whether the flow writes the field.
func (f *FieldRule) Mapped() bool { return f.Source != nil || f.Fixed }

// Label is the field's name as a rejection gives it: "target (from Source)".
func (f *FieldRule) Label() string {
	if f.Source == nil {
		return f.Column.Name
	}
	return f.Column.Name + " (from " + f.Source.Column.Name + ")"
}

// Choice is one entry of a map or table, both as plain text.
type Choice struct{ Source, Target string }

// SourceRule is a source field and what its blanks do.
type SourceRule struct {
	// Column is the source's column; for joined texts one that stands for them all, named after the parts.
	Column *schema.Column
	// Parts are the columns whose texts are joined, With is what stands between them; Parts is nil for one column.
	Parts []string
	With  string
	// Edits is what is done to the value before the field's own operations, in words and in order.
	Edits []string
	// Blanks holds one rule for each kind of empty that the source can send: absent, null, empty, unset, in this order.
	Blanks []BlankRule
	// Rejects is true where some kind of empty is rejected, also that of a column which the field computes with.
	Rejects bool
}

// BlankRule is what one kind of empty does.
type BlankRule struct {
	// Empty is "absent", "null", "empty" or "unset"; "" for what happens where a condition is false.
	Empty string
	// Action is "reject", "null", "skip", "from" or "value".
	Action string
	// Value is the text that "value" and "null" write; "null" for the target's null.
	Value string
	// From is the source that "from" falls back to.
	From *SourceRule
}

var blankActions = [...]string{blankReject: "reject", blankNull: "null", blankSkip: "skip", blankFrom: "from", blankValue: "value", blankIncomplete: "reject"}

// SourceEntity returns the schema snapshot of the flow's source.
func (p *Plan) SourceEntity() *schema.Entity { return p.source }

// TargetEntity returns the schema snapshot of the flow's target.
func (p *Plan) TargetEntity() *schema.Entity { return p.target }

// FieldRules returns every field that the contract names: the mapped ones in the contract's order, then, sorted by name,
// those that it only gives an owner.
func (p *Plan) FieldRules() []FieldRule {
	var out []FieldRule
	mapped := map[string]bool{}
	for i := range p.fields {
		mapped[p.fields[i].column.Name] = true
		out = append(out, p.fieldRule(&p.fields[i], p.owners[p.fields[i].column.Name]))
	}
	for _, name := range slices.Sorted(maps.Keys(p.owners)) {
		if column, ok := p.target.Column(name); ok && !mapped[name] {
			out = append(out, FieldRule{Column: column, Owner: p.owners[name]})
		}
	}
	for _, v := range p.deactivation.Fields() {
		i := slices.IndexFunc(out, func(r FieldRule) bool { return r.Column.Name == v.Name })
		out[i].OnDelete = v.Text()
	}
	return out
}

func (p *Plan) fieldRule(f *fieldPlan, owner string) FieldRule {
	r := FieldRule{
		Column: f.column, Owner: owner, Key: slices.Contains(p.To.Key, f.column.Name),
		Edits: f.edit.words(), Strips: f.edit.strips(), Clamp: f.clamp, Cut: f.cut, Initial: f.initial,
	}
	if f.when != nil {
		r.When, r.Otherwise = f.when.text, p.blankRule(f, "", &f.otherwise)
	}
	if f.input != nil && f.input.rows != nil {
		r.Edits = append([]string{f.input.rows.words()}, r.Edits...)
	}
	if f.project != nil {
		p.projectionRule(f.project, &r)
	}
	if f.input != nil && f.input.computed != nil {
		r.Expression = f.input.computed.text
	}
	if f.scale != nil {
		r.Converts = append(r.Converts, f.scale.words)
	}
	if f.round != nil {
		r.Converts = append(r.Converts, f.round.words)
	}
	if f.zone != nil && (f.input == nil || f.input.early == nil) {
		r.Converts = append(r.Converts, "by the clocks of "+f.zone.String())
	}
	if f.constant != nil {
		r.Fixed, r.Constant = true, f.constant.plain()
	}
	if f.other != nil {
		r.HasOther, r.Other, r.OtherEmpties = true, f.other.plain(), f.otherEmpties
	}
	for _, key := range slices.Sorted(maps.Keys(f.choices)) {
		l := f.choices[key]
		r.Choices = append(r.Choices, Choice{Source: key, Target: l.plain()})
	}
	text := f.column
	if f.bind != nil {
		r.ReferenceEntity, r.ReferenceKey, r.ReferencePair = f.bind.entity.Name, f.bind.key, f.bind.pair
		text = f.bind.key
		for i := range f.bind.and {
			r.ReferenceAnd = append(r.ReferenceAnd, f.bind.and[i].key.Name+" (as in the field "+f.bind.and[i].name+")")
		}
	}
	if f.input != nil {
		r.Source = p.sourceRule(f, f.input)
		r.Edits = append(slices.Clone(r.Source.Edits), r.Edits...)
		r.Source.Rejects = r.Source.Rejects || len(f.scale.columns()) > 0 || len(r.ReferenceAnd) > 0
		if text.Kind == schema.Text && text.MaxLength > 0 && f.choices == nil {
			r.MaxLength, r.TooLong = text.MaxLength, f.overflows(f.input, text.MaxLength)
		}
	}
	return r
}

// projectionRule adds what a list's rows become.
func (p *Plan) projectionRule(j *projection, r *FieldRule) {
	r.Projects = true
	r.Edits = append(r.Edits, j.words())
	for _, m := range j.each() {
		member := p.fieldRule(m, r.Owner)
		member.InRow = true
		r.Members = append(r.Members, member)
	}
}

// overflows reports whether the input, or one that it falls back to, can hold a text of more than limit characters.
func (f *fieldPlan) overflows(in *input, limit int) bool {
	longest, known := longestText(in.column)
	if !known || f.edit.longest(longest) > limit {
		return true
	}
	return slices.ContainsFunc(in.blanks[:], func(b blankPlan) bool { return b.action == blankFrom && b.other != nil && f.overflows(b.other, limit) })
}

func (p *Plan) sourceRule(f *fieldPlan, in *input) *SourceRule {
	r := &SourceRule{Column: in.source(), With: in.with}
	if in.early != nil {
		r.Edits = in.early.words(in.zone)
	}
	for _, part := range in.parts {
		r.Parts = append(r.Parts, part.column.Name)
	}
	c := compiler{plan: p}
	for kind := range in.blanks {
		b := &in.blanks[kind]
		r.Rejects = r.Rejects || b.action == blankReject
		if !c.happens(f, empty(kind), in) {
			continue
		}
		rule := p.blankRule(f, emptyNames[kind], b)
		r.Rejects = r.Rejects || rule.From != nil && rule.From.Rejects
		r.Blanks = append(r.Blanks, rule)
	}
	return r
}

func (p *Plan) blankRule(f *fieldPlan, empty string, b *blankPlan) BlankRule {
	rule := BlankRule{Empty: empty, Action: blankActions[b.action], Value: b.value.plain()}
	if b.other != nil {
		rule.From = p.sourceRule(f, b.other)
	}
	return rule
}

// When returns the contract's condition, "" where every record is wanted.
func (p *Plan) When() string {
	if p.when == nil {
		return ""
	}
	return p.when.text
}

// plain returns a literal's text without quotes, for a lookup the key's value.
func (l *literal) plain() string {
	switch {
	case l.reference != nil:
		return l.reference.Value
	case len(l.json) == 0:
		return ""
	case l.json[0] == '"':
		return Value{JSON: l.json}.Text()
	}
	return strings.TrimSpace(string(l.json))
}
