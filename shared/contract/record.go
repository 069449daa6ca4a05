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
	"crosswalk/shared/slots"

	"github.com/go-json-experiment/json/jsontext"
)

// Record is one record in the target's form.
type Record struct {
	// Key holds the values of the target's key, in the contract's order.
	Key []Value
	// Fields holds everything the flow writes, the key's columns included, in the contract's order. A field that is
	// skipped is missing.
	Fields []Value

	system string
}

// Value is one field of a record.
type Value struct {
	// Name is the property's name in the request: the column, or <navigation property>@odata.bind for a lookup.
	Name string
	// JSON is the exact JSON literal in the target's form. Records share the literals of constants: don't change them.
	JSON []byte
	// Reference is set where the value is a lookup by alternate key; it is nil for a lookup that is emptied.
	Reference *Reference
	// Initial says that the value is for a new row alone.
	Initial bool

	column *schema.Column
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
	parts := make([]string, len(r.Key))
	for i, v := range r.Key {
		text := v.Text()
		if isNumber(v.JSON) {
			text = canonicalNumber(text)
		}
		parts[i] = text
	}
	return schema.KeyText(parts)
}

func isNumber(literal []byte) bool {
	return len(literal) > 0 && (literal[0] == '-' || literal[0] >= '0' && literal[0] <= '9')
}

// Resolve fills in the lookups that go through a link: find returns the target's id of the pair's record that has this id in
// the source. A record with such lookups isn't written before. An error of find is returned as it is.
func (r *Record) Resolve(find func(field, pair, id string) (string, error)) error {
	for i := range r.Fields {
		v := &r.Fields[i]
		if v.Reference == nil || v.Reference.Pair == "" {
			continue
		}
		id, err := find(v.column.Name, v.Reference.Pair, v.Reference.Value)
		if err != nil {
			return err
		}
		resolved := *v.Reference
		resolved.ID = id
		v.Reference, v.JSON = &resolved, quote("/"+resolved.Set+"("+id+")")
	}
	return nil
}

// JSON returns the request body: one object, fields in the contract's order. With create it is for a new row; without, the
// key's columns and the initial values are left out.
func (r *Record) JSON(create bool) []byte {
	size := len("{}")
	for i := range r.Fields {
		size += len(r.Fields[i].Name) + len(r.Fields[i].JSON) + len(`"":,`)
	}
	out := append(make([]byte, 0, size), '{')
	for _, v := range r.Fields {
		if !create && (v.Initial || slices.ContainsFunc(r.Key, func(k Value) bool { return k.Name == v.Name })) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = slots.AppendQuoted(out, v.Name)
		out = append(out, ':')
		out = append(out, v.JSON...)
	}
	return append(out, '}')
}

// Hash returns the SHA-256, in hexadecimal, of the record's canonical form: fields sorted by name, numbers without
// zeros that don't count. Initial values don't count. Equal hashes mean that the same would be written.
func (r *Record) Hash() string {
	fields := slices.Clone(r.Fields)
	slices.SortFunc(fields, func(a, b Value) int { return strings.Compare(a.Name, b.Name) })
	h := sha256.New()
	for _, v := range fields {
		if v.Initial {
			continue
		}
		h.Write(quote(v.Name))
		h.Write([]byte{':'})
		if isNumber(v.JSON) {
			h.Write([]byte(canonicalNumber(string(v.JSON))))
		} else {
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
// field that is null in the record is the same as one that the row lacks; in F&O also as "", and the date 1900-01-01. A
// row holds a lookup as a GUID, so a lookup is different unless resolved says which GUID it is. The error, a fault of
// kind Transient, means that the row is no JSON object.
func (r *Record) Same(currentRow []byte, resolved ...Resolved) (bool, error) {
	row, err := members(currentRow)
	if err != nil {
		return false, &fault.Error{Kind: fault.Transient, Reason: "row-unreadable", Detail: "the target's answer is no well-formed JSON object", Err: err}
	}
	for _, v := range r.Fields {
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
	if r.system != schema.FnO || literal[0] != '"' {
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
