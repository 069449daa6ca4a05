package contract

import (
	"strconv"
	"strings"

	"crosswalk/shared/fault"
	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

func itoa(n int) string { return strconv.Itoa(n) }

// fieldPlan is one compiled field.
type fieldPlan struct {
	column   *schema.Column
	property string
	// constant is set for a field with a fixed value, input for one that reads the source.
	constant *literal
	input    *input

	strip, prefix string
	letters       string
	// choices maps the source's text to the target's value, for table and map; other is what the rest becomes, nil to
	// reject it.
	choices map[string]literal
	other   *literal
	cut     bool
	// initial is set for a field that is written only when the row is created.
	initial bool
	// bind is set where the value is a lookup by alternate key.
	bind *binding
}

// binding is a lookup's way to its row.
type binding struct {
	entity *schema.Entity
	key    *schema.Column
}

// input is one source value and what its blanks do.
type input struct {
	slot   int
	column *schema.Column
	label  string
	blanks [emptyKinds]blankPlan
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
// (from Source)"). No text holds a value of the record.
func (p *Plan) Apply(src []byte) (*Record, error) {
	s := scanners.Get().(*slots.Scanner)
	defer scanners.Put(s)
	if err := scan(s, src, p.root); err != nil {
		return nil, err
	}
	r := &Record{system: p.To.System, Fields: make([]Value, 0, len(p.fields)), Key: make([]Value, len(p.keys))}
	for i := range p.fields {
		f := &p.fields[i]
		l, skip, err := p.evaluate(f, s.Slots())
		if err != nil {
			return nil, err
		}
		if skip {
			continue
		}
		v := Value{Name: f.property, JSON: l.json, Reference: l.reference, Initial: f.initial, column: f.column}
		r.Fields = append(r.Fields, v)
		for k, index := range p.keys {
			if index == i {
				r.Key[k] = v
			}
		}
	}
	return r, nil
}

// evaluate returns one field's value; skip leaves the target's field alone.
func (p *Plan) evaluate(f *fieldPlan, source []slots.Slot) (l literal, skip bool, err error) {
	if f.constant != nil {
		return *f.constant, false, nil
	}
	for in := f.input; ; {
		v, kind, failed := readScalar(&source[in.slot], p.From.System, in.column, p.From.State == StateRow)
		if failed != nil {
			return literal{}, false, fault.Reject(failed.reason, in.label, failed.detail)
		}
		if kind == filled {
			l, failed := f.transform(v, p.To.System)
			if failed != nil {
				return literal{}, false, fault.Reject(failed.reason, in.label, failed.detail)
			}
			return l, false, nil
		}
		switch b := &in.blanks[kind]; b.action {
		case blankSkip:
			return literal{}, true, nil
		case blankNull, blankValue:
			return b.value, false, nil
		case blankFrom:
			in = b.other
		default:
			return literal{}, false, fault.Reject("blank-required", in.label, "the source says nothing ("+emptyNames[kind]+") and the contract rejects a blank")
		}
	}
}

// transform runs the field's operations on a value that isn't blank.
func (f *fieldPlan) transform(v scalar, system string) (literal, *failure) {
	text := strings.TrimPrefix(v.text, f.strip)
	switch f.letters {
	case "lower":
		text = strings.ToLower(text)
	case "upper":
		text = strings.ToUpper(text)
	}
	if f.strip != "" && strings.TrimSpace(text) == "" {
		return literal{}, fail("bad-value", "nothing is left once the prefix is stripped")
	}
	if f.choices != nil {
		if l, ok := f.choices[text]; ok {
			return l, nil
		}
		if f.other != nil {
			return *f.other, nil
		}
		return literal{}, fail("unknown-option", "the contract's map or table has no entry for the source's value")
	}
	v.text = f.prefix + text
	return f.form(v, system)
}

// edits reports whether the field changes the source's text.
func (f *fieldPlan) edits() bool { return f.strip != "" || f.prefix != "" || f.letters != "" }

// form writes a value in the target's form; for a lookup that is the URL of the row it points to.
func (f *fieldPlan) form(v scalar, system string) (literal, *failure) {
	if f.bind == nil {
		json, failed := toColumn(v, system, f.column, f.cut)
		return literal{json: json}, failed
	}
	json, failed := toColumn(v, system, f.bind.key, false)
	if failed != nil {
		return literal{}, failed
	}
	value, quoted := string(json), false
	if f.bind.key.Kind == schema.Text {
		value, quoted = v.text, true
	}
	e := f.bind.entity
	return literal{
		json:      quote(bindURL(e.Set, f.bind.key.Name, value, quoted)),
		reference: &Reference{Entity: e.Name, Set: e.Set, Key: f.bind.key.Name, Value: value},
	}, nil
}
