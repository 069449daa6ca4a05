package contract

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"crosswalk/shared/fault"
	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

func itoa(n int) string { return strconv.Itoa(n) }

// fieldPlan is one compiled field.
type fieldPlan struct {
	column   *schema.Column
	property string
	// name is the property as it begins a member of a body: a comma, the name in quotes, a colon.
	name string
	// key is set for a field of the target's key.
	key bool
	// constant is set for a field with a fixed value, input for one that reads the source.
	constant *literal
	input    *input

	// when is nil for a field that is always written; otherwise is what happens where it is false.
	when      *computed
	otherwise blankPlan

	edit textEdit
	// choices maps the source's text to the target's value, for table, map and options; other is what the rest becomes, nil
	// to reject it.
	choices map[string]literal
	other   *literal
	// otherEmpties is true where other is the target's own empty.
	otherEmpties bool

	scale *scaling
	round *rounding
	zone  *time.Location
	// clamp takes the nearest number that the target has, cut the beginning of a text that is too long.
	clamp, cut bool
	// initial is set for a field that is written only when the row is created.
	initial bool
	// short says that the inputs may have shortcuts.
	short bool
	// free is set for a value within a text that holds JSON: its form is that of no system.
	free bool
	// bind is set where the value is a lookup by alternate key.
	bind *binding
	// project is set where the value is a list made of the rows of input, a list too.
	project *projection
}

// binding is a lookup's way to its row.
type binding struct {
	entity *schema.Entity
	// key is the alternate key's column; for a link one that stands for the other record's id.
	key *schema.Column
	// own is true where the key is the row's own id.
	own bool
	// pair is the link that knows the row, "" for an alternate key.
	pair string
	// and are the further columns of an alternate key.
	and []keyField
	// before is what stands before the key's value in the literal, where that is a text and the key's one column.
	before string
}

// input is one source value and what its blanks do.
type input struct {
	slot int
	// column is the source's column; for joined texts one that stands for them all.
	column *schema.Column
	label  string
	// computed is set for a value that an expression gives.
	computed *computed
	// early is set for a column whose value is changed before the field's own operations.
	early *early
	// id says that the parts are the values of a record's key, whose text is wanted.
	id bool
	// rows is set for a value made of the rows of a list.
	rows *rowsPlan
	// parts are the texts to join, with what stands between them; all says that one blank part makes the whole blank.
	parts  []part
	with   string
	all    bool
	zone   *time.Location
	blanks [emptyKinds]blankPlan
	// simple says that the value is one slot's and that nothing but its kind says whether it is blank.
	simple bool
	short  shortcut
}

type blankPlan struct {
	action blankAction
	value  literal
	other  *input
}

// Apply maps one source record: a JSON object that is the event's data or the source row.
//
// The error is a *fault.Error of kind Permanent. Reasons: malformed-json, invalid-utf8, duplicate-key, too-deep (Field is
// the path in the source); blank-required, too-long, unknown-option, out-of-range, bad-value, bad-type (Field is "target
// (from Source)"); image-incomplete; expression-failed (Field is "when", "target (when)" or "target (computed)"). No text holds a value of the
// record. [ErrNotWanted], no fault, is for a record for which the contract's "when" is false.
func (p *Plan) Apply(src []byte) (*Record, error) {
	w := p.workspaces.take()
	defer w.release()
	if err := p.load(w, src); err != nil {
		return nil, err
	}
	if p.when != nil {
		if wanted, err := p.wanted(w, p.when, "when"); err != nil || !wanted {
			return nil, cmp.Or(err, ErrNotWanted)
		}
	}
	for i := range p.fields {
		if p.takeField(w, i) {
			continue
		}
		f := &p.fields[i]
		l, skip, err := p.evaluate(w, f)
		if err != nil {
			return nil, err
		}
		if !skip {
			w.write(f, i, &l)
		}
	}
	return w.record(p), nil
}

// takeField writes a field by its shortcut; false leaves it to evaluate.
func (p *Plan) takeField(w *workspace, field int) bool {
	f := &p.fields[field]
	begin := len(w.members) + len(f.name)
	out, took := p.take(w, f, append(w.members, f.name...))
	if took == tookValue || took == tookLookup {
		w.members = out
		w.close(field, begin)
	}
	if took == tookLookup {
		begin += len(f.bind.before)
		w.values = append(w.values, span{lookupValue, int32(begin), int32(len(out) - len(literalBehind))})
	}
	return took != tookNothing
}

// evaluate returns one field's value; skip leaves the target's field alone.
func (p *Plan) evaluate(w *workspace, f *fieldPlan) (l literal, skip bool, err error) {
	in, end, err := p.start(w, f)
	if err != nil {
		return literal{}, false, err
	}
	if end != nil {
		return end.end(f.column.Name, "when is false and the contract rejects that")
	}
	if in == nil {
		return *f.constant, false, nil
	}
	if f.project != nil {
		return p.projected(w, f, in)
	}
	for {
		v, kind, failed := p.read(w, in)
		if failed == nil && kind == filled {
			if l, kind, failed = p.transform(w, f, v, in.column); failed == nil && kind == filled {
				return l, false, nil
			}
		}
		if failed != nil {
			return literal{}, false, fault.Reject(failed.reason, in.label, failed.detail)
		}
		b := &in.blanks[kind]
		if b.action != blankFrom {
			return b.end(in.label, blankReasons[kind])
		}
		in = b.other
	}
}

// blankReasons are the details of a rejection by kind of empty, put together before the first record.
var blankReasons = func() (out [emptyKinds]string) {
	for kind, name := range emptyNames {
		out[kind] = "the source says nothing (" + name + ") and the contract rejects a blank"
	}
	return out
}()

// start returns where a field's value comes from, nil for its constant. Where its "when" is false, that is what "otherwise"
// takes instead, or the rule that ends it.
func (p *Plan) start(w *workspace, f *fieldPlan) (in *input, end *blankPlan, err error) {
	if f.when == nil {
		return f.input, nil, nil
	}
	switch ok, err := p.wanted(w, f.when, f.column.Name+" (when)"); {
	case err != nil:
		return nil, nil, err
	case ok:
		return f.input, nil, nil
	case f.otherwise.action == blankFrom:
		return f.otherwise.other, nil, nil
	}
	return nil, &f.otherwise, nil
}

// end carries out a rule that takes no other source. why is the detail of a rejection.
func (b *blankPlan) end(label, why string) (l literal, skip bool, err error) {
	switch b.action {
	case blankSkip:
		return literal{}, true, nil
	case blankNull, blankValue:
		return b.value, false, nil
	case blankIncomplete:
		return literal{}, false, fault.Reject(imageIncomplete, label, "the event's image has no such column, so it isn't known whether it is empty: register the image with every column that the contract maps")
	}
	return literal{}, false, fault.Reject("blank-required", label, why)
}

// part is one of the texts that are joined.
type part struct {
	slot   int
	column *schema.Column
}

// read returns the input's value, or which kind of empty it is.
func (p *Plan) read(w *workspace, in *input) (scalar, empty, *failure) {
	row := p.From.State == StateRow
	if in.computed != nil {
		return p.compute(w, in)
	}
	if in.early != nil {
		return p.readEarly(w, in)
	}
	if in.rows != nil {
		return p.readRows(w, in)
	}
	if in.parts == nil && in.id {
		v, kind, failed := w.scalar(&w.row[in.slot], p.From.System, in.column, row, in.zone)
		if v.kind == schema.Time {
			v.text = momentText(v.moment, in.column.DateOnly)
		}
		v.text = schema.KeyText([]string{v.text})
		return v, kind, failed
	}
	if in.parts == nil {
		return w.scalar(&w.row[in.slot], p.From.System, in.column, row, in.zone)
	}
	begin, first := len(w.texts), filled
	for i := range in.parts {
		v, kind, failed := w.scalar(&w.row[in.parts[i].slot], p.From.System, in.parts[i].column, row, in.zone)
		switch {
		case failed != nil:
			return scalar{}, filled, failed
		case kind != filled && in.all:
			return scalar{}, kind, nil
		case kind != filled:
			first = min(first, kind)
			continue
		case len(w.texts) > begin:
			w.texts = append(w.texts, in.with...)
		}
		if v.kind == schema.Time {
			v.text = momentText(v.moment, in.parts[i].column.DateOnly)
		}
		if in.id {
			v.text = schema.KeyText([]string{v.text})
		}
		w.texts = append(w.texts, v.text...)
	}
	if len(w.texts) == begin {
		return scalar{}, first, nil
	}
	return scalar{kind: schema.Text, text: slots.View(w.texts[begin:])}, filled, nil
}

// transform runs the field's operations on a value that isn't blank. What split leaves can be: emptyText.
func (p *Plan) transform(w *workspace, f *fieldPlan, v scalar, source *schema.Column) (literal, empty, *failure) {
	if v.kind == schema.Time && (f.column.Kind != schema.Time || f.choices != nil) {
		v.text = momentText(v.moment, source.DateOnly)
	}
	text, missing, failed := f.edit.shape(w, v.text)
	switch {
	case failed != nil:
		return literal{}, filled, failed
	case missing:
		return literal{}, emptyText, nil
	case f.choices != nil:
		if (v.kind == schema.Number || v.kind == schema.GUID) && !f.edit.any() {
			text = v.matchText(source)
		}
		if l, ok := f.choices[text]; ok {
			return l, filled, nil
		}
		if f.other != nil {
			return *f.other, filled, nil
		}
		return literal{}, filled, fail("unknown-option", "the contract's map, table or labels have no entry for the source's value")
	}
	v.text = f.edit.finish(w, text)
	if f.scale != nil || f.round != nil {
		if v.text, failed = p.reckon(w, v.text, f.scale, f.round); failed != nil {
			return literal{}, filled, failed
		}
	}
	if f.zone != nil {
		if v, failed = inZone(v, source, f.column, f.zone); failed != nil {
			return literal{}, filled, failed
		}
	}
	system := p.To.System
	if f.free {
		system = ""
	}
	l, failed := f.form(w, v, system)
	if failed == nil && f.bind != nil && f.bind.and != nil {
		failed = p.complete(w, f, &l)
	}
	return l, filled, failed
}

// form writes a value in the target's form; for a lookup that is the URL of the row it points to.
func (f *fieldPlan) form(w *workspace, v scalar, system string) (literal, *failure) {
	if f.clamp {
		if plain, ok := plainNumber(v.text); ok {
			v.text = clamped(plain, f.column)
		}
	}
	if f.bind == nil {
		json, failed := w.column(v, system, f.column, f.cut)
		return literal{json: json}, failed
	}
	e := f.bind.entity
	if f.bind.pair != "" {
		return literal{
			json:      w.quoted(w.bindURL(e.Set, KeyPart{"link:" + f.bind.pair, v.text, true})),
			reference: f.bind.reference(strings.Clone(v.text)),
		}, nil
	}
	json, failed := w.column(v, system, f.bind.key, false)
	if failed != nil {
		return literal{}, failed
	}
	text := v.text
	if f.bind.key.Kind != schema.Text {
		value := Value{JSON: json, column: f.bind.key}
		text = value.keyText()
	}
	part := bindPart(system, f.bind.key, text)
	ref := f.bind.reference(strings.Clone(part.Value))
	if f.bind.own {
		part.Column = "" // systemusers and teams take their own id by its value alone
	}
	return literal{json: w.quoted(w.bindURL(e.Set, part)), reference: ref}, nil
}
