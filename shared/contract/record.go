package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"crosswalk/shared/fault"
	"crosswalk/shared/schema"

	"github.com/go-json-experiment/json/jsontext"
)

// Record is one record in the target's form.
type Record struct {
	// plan has the fields' names and kinds.
	plan *Plan
	// text begins with the request body for a new row, of size bytes; behind it are lookups' values that don't stand in it.
	text   []byte
	size   int
	values []span
	// resolved are the rows that [Record.Resolve] has found.
	resolved []Resolved
}

// span is where one field's literal stands in a record's text. A lookup's is followed by one whose field is lookupValue: the
// plain text that its row is found by.
type span struct{ field, start, end int32 }

const lookupValue = -1

// Value is one field of a record.
type Value struct {
	// Name is the property's name in the request: the column, or <navigation property>@odata.bind for a lookup.
	Name string
	// JSON is the exact JSON literal in the target's form. It is the record's own memory: don't change it.
	JSON []byte
	// Reference is set where the value is a lookup by alternate key; it is nil for a lookup that is emptied.
	Reference *Reference
	// Initial says that the value is for a new row alone.
	Initial bool

	column *schema.Column
}

// Fields returns everything the flow writes, the key's columns included, in the contract's order. A field that is skipped is
// missing.
func (r *Record) Fields() []Value {
	out := make([]Value, 0, len(r.values))
	for i, at := range r.values {
		if at.field != lookupValue {
			out = append(out, r.value(i))
		}
	}
	return out
}

// Key returns the values of the target's key, in the contract's order.
func (r *Record) Key() []Value {
	out := make([]Value, len(r.plan.keys))
	for k, field := range r.plan.keys {
		out[k] = r.field(&r.plan.fields[field])
	}
	return out
}

// field returns the value of a field; one without JSON where it is skipped.
func (r *Record) field(f *fieldPlan) Value {
	for i, at := range r.values {
		if at.field != lookupValue && &r.plan.fields[at.field] == f {
			return r.value(i)
		}
	}
	return Value{Name: f.property, column: f.column}
}

func (r *Record) value(i int) Value {
	f := &r.plan.fields[r.values[i].field]
	return Value{Name: f.property, JSON: r.at(i), Reference: r.reference(f, i), Initial: f.initial, column: f.column}
}

func (r *Record) at(i int) []byte { s := r.values[i]; return r.text[s.start:s.end:s.end] }

// reference returns the row that the lookup at i points to.
func (r *Record) reference(f *fieldPlan, i int) *Reference {
	if i+1 == len(r.values) || r.values[i+1].field != lookupValue {
		return nil
	}
	ref := f.bind.reference(string(r.at(i + 1)))
	for _, part := range f.bind.and {
		v := r.field(part.field)
		ref.And = append(ref.And, bindPart(r.plan.To.System, part.key, v.keyText()))
	}
	if f.bind.pair != "" {
		if k := slices.IndexFunc(r.resolved, func(x Resolved) bool { return x.Name == f.property }); k >= 0 {
			ref.ID = r.resolved[k].ID
		}
	}
	return ref
}

// Text returns the value as plain text: a JSON string without quotes and escapes, any other literal as it is.
func (v Value) Text() string {
	if len(v.JSON) == 0 || v.JSON[0] != '"' {
		return string(v.JSON)
	}
	text, err := jsontext.AppendUnquote(nil, v.JSON)
	if err != nil {
		return string(v.JSON)
	}
	return string(text)
}

// IsText reports whether the value is a JSON string, which an OData key writes in quotes.
func (v Value) IsText() bool { return len(v.JSON) > 0 && v.JSON[0] == '"' }

// Reference says which row a lookup points to.
type Reference struct {
	// Entity and Set name the table and its entity set, Key the column of its alternate key, Value that column's value, which
	// a URL writes in quotes where Quoted is true.
	Entity, Set, Key string
	Value            string
	Quoted           bool
	// And are the key's other columns, where it has several.
	And []KeyPart
	// Pair is the link that knows the row, by the source's id of it in Value; "" for an alternate key. ID is the row's id, once
	// [Record.Resolve] has found it.
	Pair, ID string
}

// KeyText returns the canonical text of the match key, as [schema.KeyText] writes it.
func (r *Record) KeyText() string {
	key := r.Key()
	parts := make([]string, len(key))
	for i := range key {
		parts[i] = key[i].keyText()
	}
	return schema.KeyText(parts)
}

func isNumber(literal []byte) bool {
	return len(literal) > 0 && (literal[0] == '-' || literal[0] >= '0' && literal[0] <= '9')
}

// Resolve fills in the lookups that go through a link: find returns the target's id of the pair's record that has this id in
// the source. A record with such lookups isn't written before. An error of find is returned as it is.
func (r *Record) Resolve(find func(field, pair, id string) (string, error)) error {
	w := r.plan.workspaces.take()
	defer w.release()
	var resolved []Resolved
	for i, at := range r.values {
		if at.field == lookupValue {
			continue
		}
		f := &r.plan.fields[at.field]
		l := literal{json: r.at(i), reference: r.reference(f, i)}
		if l.reference != nil && l.reference.Pair != "" {
			id, err := find(f.column.Name, l.reference.Pair, l.reference.Value)
			if err != nil {
				return err
			}
			resolved = append(resolved, Resolved{Name: f.property, ID: id})
			l.json = quote("/" + l.reference.Set + "(" + id + ")")
		}
		w.write(f, int(at.field), &l)
	}
	if resolved != nil {
		*r = *w.record(r.plan)
		r.resolved = resolved
	}
	return nil
}

// JSON returns the request body: one object, fields in the contract's order. With create it is for a new row, and the record's
// own memory: don't change it. Without, the key's columns and the initial values are left out. A Dataverse row's own GUID is
// never there: it stands in the URL.
func (r *Record) JSON(create bool) []byte {
	if create && !r.plan.idIsKey {
		return r.text[:r.size:r.size]
	}
	members := make([]byte, 0, r.size)
	for i, at := range r.values {
		if at.field == lookupValue {
			continue
		}
		if f := &r.plan.fields[at.field]; !f.key && (create || !f.initial) {
			members = append(append(members, f.name...), r.at(i)...)
		}
	}
	return object(members)
}

// Hash returns the SHA-256, in hexadecimal, of the record's canonical form: fields sorted by name, members of a list's rows too,
// numbers without zeros that don't count. Initial values don't count. Equal hashes mean that the same would be written.
func (r *Record) Hash() string {
	fields := r.Fields()
	slices.SortFunc(fields, func(a, b Value) int { return strings.Compare(a.Name, b.Name) })
	h := sha256.New()
	for _, v := range fields {
		if v.Initial {
			continue
		}
		h.Write(quote(v.Name))
		h.Write([]byte{':'})
		text, ok := []byte(nil), false
		if compared(v.column) {
			text, ok = canonical(v.JSON, v.column)
		}
		switch {
		case ok:
			h.Write(text)
		case isNumber(v.JSON):
			h.Write([]byte(canonicalNumber(string(v.JSON))))
		default:
			h.Write(v.JSON)
		}
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Resolved tells Same which row a lookup of the record points to.
type Resolved struct {
	// Name is the lookup's Value.Name, ID the row's GUID.
	Name, ID string
}

// Same reports whether the target's row, as it was read, already holds all the record's fields but the initial ones, so that
// nothing needs writing. Numbers are compared by value (1.50 is 1.5), dates by instant, unique identifiers without regard to case. A
// list is compared row by row, the members of a row in any order, and a set of options in any order. A field that is null
// in the record is the same as one that the row lacks; in F&O also as "", and the date 1900-01-01. A
// row holds a lookup as a GUID, so a lookup is different unless resolved says which GUID it is. The error, a fault of
// kind Transient, means that the row is no JSON object.
func (r *Record) Same(currentRow []byte, resolved ...Resolved) (bool, error) {
	row, err := members(currentRow)
	if err != nil {
		return false, &fault.Error{Kind: fault.Transient, Reason: "row-unreadable", Detail: "the target's answer is no well-formed JSON object", Err: err}
	}
	for _, v := range r.Fields() {
		if !v.Initial && !r.sameValue(v, row, resolved) {
			return false, nil
		}
	}
	return true, nil
}

func (r *Record) sameValue(v Value, row map[string]jsontext.Value, resolved []Resolved) bool {
	name, want := v.Name, v.JSON
	if v.column != nil {
		name = rowProperty(v.column)
	}
	current := row[name]
	if v.Reference != nil && v.Reference.ID != "" {
		return strings.EqualFold(Value{JSON: current}.Text(), v.Reference.ID)
	}
	if v.Reference != nil {
		i := slices.IndexFunc(resolved, func(x Resolved) bool { return x.Name == v.Name })
		return i >= 0 && strings.EqualFold(Value{JSON: current}.Text(), resolved[i].ID)
	}
	if r.isEmpty(want, v.column) || r.isEmpty(current, v.column) {
		return r.isEmpty(want, v.column) && r.isEmpty(current, v.column)
	}
	if compared(v.column) {
		return sameCanonical(want, current, v.column)
	}
	if isNumber(want) && isNumber(current) {
		a, okA := plainNumber(want)
		b, okB := plainNumber(current)
		return okA && okB && compareNumbers(a, b) == 0
	}
	a, b := Value{JSON: want}.Text(), Value{JSON: current}.Text()
	if v.column != nil && v.column.Kind == schema.Time {
		ta, _, okA := parseMoment(a)
		tb, _, okB := parseMoment(b)
		if v.column.DateOnly { // F&O reads a day back as its noon
			return okA && okB && ta.Format(time.DateOnly) == tb.Format(time.DateOnly)
		}
		return okA && okB && ta.Equal(tb)
	}
	if v.column != nil && v.column.Kind == schema.GUID {
		return strings.EqualFold(a, b)
	}
	return a == b && (want[0] == '"') == (current[0] == '"')
}

// isEmpty reports whether a literal is the system's way to say nothing.
func (r *Record) isEmpty(literal []byte, column *schema.Column) bool {
	if len(literal) == 0 || bytes.Equal(literal, []byte("null")) {
		return true
	}
	if r.plan.To.System != schema.FnO || literal[0] != '"' {
		return false
	}
	text := Value{JSON: literal}.Text()
	if text == "" || column == nil {
		return text == ""
	}
	if column.Kind == schema.Time {
		t, _, ok := parseMoment(text)
		return ok && isUnsetDate(t, column.DateOnly)
	}
	return column.Kind == schema.GUID && text == zeroGUID
}

// members returns the members of a JSON object, values as they stand.
func members(object []byte) (map[string]jsontext.Value, error) {
	dec := jsontext.NewDecoder(bytes.NewReader(object))
	if kind := dec.PeekKind(); kind != '{' {
		_, err := dec.ReadValue()
		if err == nil {
			err = jsontext.ErrNonStringName
		}
		return nil, err
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	out := map[string]jsontext.Value{}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		out[key] = value.Clone()
	}
	_, err := dec.ReadToken()
	return out, err
}
