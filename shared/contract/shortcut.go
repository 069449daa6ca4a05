package contract

import (
	"math"
	"reflect"
	"slices"

	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

// Most values go to the target as they stand, or nearly so. A shortcut takes such a value from the source's text to the body at
// once. It knows plain values only and never rejects one: whatever it doesn't know is left to evaluate, which gives the same for
// those that it does know.
type shortcut struct {
	way way
	// before and behind stand around the value in the target's literal: quotes, a prefix, a lookup's URL.
	before, behind string
	// between is what joined texts have between them.
	between string
	// limit is how many bytes of the value surely fit into the target.
	limit int
	// system is the one in whose form the value is written.
	system string
	// Of a number: places is how many decimal places the target keeps, integer says that it keeps none, and whole is how many
	// digits before the point a number without and one with a minus can have and surely be in the target's range.
	places  int
	integer bool
	whole   [2]int
}

type way byte

const (
	byRules  way = iota // the value is left to evaluate
	asText              // as it stands
	asGUID              // the same, once it is seen to be a unique identifier
	asLower             // in lower case
	asJoined            // several texts
	asLookup            // by alternate key
	asChoice            // by a map or table
	asNumber
	asMoment
)

// shorten finds the shortcuts of all fields.
func (p *Plan) shorten(fields []fieldPlan) {
	for i := range fields {
		p.shortenField(&fields[i])
	}
}

func (p *Plan) shortenField(f *fieldPlan) {
	switch {
	case f.project != nil:
		if p.shorten(f.project.members); f.project.value != nil {
			p.shortenField(f.project.value)
		}
	case f.input != nil && f.when == nil:
		f.short = true
		p.shortenInput(f, f.input)
	}
}

func (p *Plan) shortenInput(f *fieldPlan, in *input) {
	if in == nil || !zeroBut(*in, "slot", "column", "label", "parts", "with", "all", "blanks", "simple", "short") {
		return
	}
	in.simple = in.parts == nil
	if zeroBut(*f, "column", "property", "name", "key", "initial", "input", "edit", "choices", "other", "otherEmpties", "round", "cut", "bind", "free", "short") &&
		zeroBut(f.edit, "letters", "prefix") {
		in.short = p.shortcutOf(f, in)
	}
	for i := range in.blanks {
		p.shortenInput(f, in.blanks[i].other)
	}
}

// zeroBut reports whether a plan has nothing but the named fields, so that an operation that shortcuts don't know rules them out.
func zeroBut(plan any, names ...string) bool {
	v := reflect.ValueOf(plan)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() && !slices.Contains(names, v.Type().Field(i).Name) {
			return false
		}
	}
	return true
}

func (p *Plan) shortcutOf(f *fieldPlan, in *input) shortcut {
	source, target := in.column, f.column
	text := source.Kind == schema.Text || source.Kind == schema.Choice && p.From.System == schema.FnO
	number := source.Kind == schema.Number || source.Kind == schema.Integer
	s := shortcut{before: `"`, behind: `"`, limit: math.MaxInt, system: p.To.System}
	if f.free {
		s.system = ""
	}
	if f.edit.prefix != "" {
		s.before += unquoted(f.edit.prefix)
	}
	room := target.MaxLength
	if f.bind != nil {
		room = f.bind.key.MaxLength
	}
	if room > 0 {
		s.limit = room - textLength(f.edit.prefix)
	}
	edited := f.edit.any()
	switch {
	case in.parts != nil:
		for _, part := range in.parts {
			text = text && part.column.Kind == schema.Text
		}
		if text && f.edit.letters == "" && f.bind == nil && f.choices == nil && f.round == nil && target.Kind == schema.Text {
			s.way, s.between = asJoined, unquoted(in.with)
		}
	case f.choices != nil:
		if text && !edited && f.bind == nil {
			s.way, s.before, s.behind = asChoice, "", ""
		}
	case f.bind != nil:
		if text && !edited && f.round == nil && zeroBut(*f.bind, "entity", "key", "before") && f.bind.key.Kind == schema.Text {
			f.bind.before = `"` + unquoted("/"+f.bind.entity.Set+"("+f.bind.key.Name+"='")
			s.way, s.before, s.behind = asLookup, f.bind.before, literalBehind
		}
	case number:
		if f.edit.letters == "" && (target.Kind == schema.Text && f.round == nil || !edited && (target.Kind == schema.Number || target.Kind == schema.Integer)) {
			s.number(target)
		}
	case f.round != nil:
	case target.Kind == schema.Time:
		if source.Kind == schema.Time && !edited {
			s.way = asMoment
		}
	case target.Kind != schema.Text:
	case (source.Kind == schema.GUID || source.Kind == schema.Reference) && f.edit.letters == "":
		s.way = asGUID
	case text && f.edit.letters == "":
		s.way = asText
	case text && f.edit.letters == "lower":
		s.way = asLower
	}
	return s
}

// unquoted returns a text as JSON writes it, without the quotes around it.
func unquoted(text string) string {
	q := quote(text)
	return string(q[1 : len(q)-1])
}

// number prepares a way for numbers.
func (s *shortcut) number(target *schema.Column) {
	s.way, s.places, s.whole = asNumber, maxDigits, [2]int{maxDigits, maxDigits}
	if target.Kind == schema.Text {
		return
	}
	s.before, s.behind, s.limit, s.integer = "", "", math.MaxInt, target.Kind == schema.Integer
	if target.Precision > 0 {
		s.places = target.Precision
	}
	for sign, bound := range [2]string{target.Max, target.Min} {
		p, ok := parsePlain(bound)
		switch {
		case bound == "":
		case ok && p.negative == (sign == 1):
			s.whole[sign] = len(p.whole) - 1
		case ok && p.isZero():
			s.whole[sign] = 0
		default: // a bound with an exponent, or one on the other side of 0
			s.way = byRules
		}
	}
}

// taken says what a shortcut did.
type taken byte

const (
	tookNothing taken = iota // evaluate decides
	tookValue
	tookLookup // the value stands in a URL
	tookBlank  // the target's field is left alone
)

// take appends a field's value in the target's form if it is plain.
func (p *Plan) take(w *workspace, f *fieldPlan, dst []byte) ([]byte, taken) {
	if !f.short {
		return dst, tookNothing
	}
	for in := f.input; ; {
		if in.short.way != byRules {
			if out, ok := in.take(w, f, dst); ok && in.short.way == asLookup {
				return out, tookLookup
			} else if ok {
				return out, tookValue
			}
		}
		if !in.simple {
			return dst, tookNothing
		}
		switch blank := in.blankOf(&w.row[in.slot], p.From.State == StateRow); {
		case blank == nil:
			return dst, tookNothing
		case blank.action == blankFrom:
			in = blank.other
		case blank.action == blankSkip:
			return dst, tookBlank
		case (blank.action == blankNull || blank.action == blankValue) && blank.value.reference == nil:
			return append(dst, blank.value.json...), tookValue
		default:
			return dst, tookNothing
		}
	}
}

// blankOf returns what a value does that says nothing, nil for any other value and for one of which it isn't plain to see.
func (in *input) blankOf(s *slots.Slot, row bool) *blankPlan {
	switch {
	case s.Kind == slots.Absent && !row:
		return &in.blanks[absent]
	case s.Kind == slots.Absent, s.Kind == slots.Null:
		return &in.blanks[null]
	case s.Kind != slots.String || s.Escaped:
		return nil
	}
	for _, c := range s.Raw[1 : len(s.Raw)-1] {
		if c != ' ' {
			return nil
		}
	}
	return &in.blanks[emptyText]
}
