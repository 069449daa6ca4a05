package contract

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"crosswalk/shared/schema"

	"github.com/go-json-experiment/json/jsontext"
)

// canonical returns the one text that all equal values of a list or of a set of options share: members of objects sorted by name
// and without those that are null, numbers without zeros that don't count, options in order. ok is false for what is no such value.
func canonical(literal []byte, column *schema.Column) (text []byte, ok bool) {
	if column.Kind == schema.Choices {
		if len(literal) == 0 || literal[0] != '"' {
			return nil, false
		}
		options := strings.FieldsFunc(Value{JSON: literal}.Text(), func(r rune) bool { return r == ',' || r == ' ' })
		slices.Sort(options)
		return quote(strings.Join(slices.Compact(options), ",")), true
	}
	return appendCanonical(nil, literal)
}

func appendCanonical(dst []byte, value jsontext.Value) ([]byte, bool) {
	switch kind := value.Kind(); kind {
	case '[':
		return appendCanonicalList(dst, value)
	case '{':
		all, err := members(value)
		if err != nil {
			return nil, false
		}
		dst = append(dst, '{')
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if all[name].Kind() == 'n' {
				continue
			}
			var ok bool
			if dst, ok = appendCanonical(append(append(dst, quote(name)...), ':'), all[name]); !ok {
				return nil, false
			}
			dst = append(dst, ',')
		}
		return append(dst, '}'), true
	case '0':
		number, ok := plainNumber(value)
		return append(dst, canonicalNumber(number)...), ok
	case '"':
		return append(dst, quote(Value{JSON: value}.Text())...), true
	}
	return append(dst, value...), value.IsValid()
}

func appendCanonicalList(dst []byte, list jsontext.Value) ([]byte, bool) {
	dec := jsontext.NewDecoder(bytes.NewReader(list))
	if _, err := dec.ReadToken(); err != nil {
		return nil, false
	}
	dst = append(dst, '[')
	for dec.PeekKind() != ']' {
		element, err := dec.ReadValue()
		ok := err == nil
		if ok {
			dst, ok = appendCanonical(dst, element)
		}
		if !ok {
			return nil, false
		}
		dst = append(dst, ',')
	}
	return append(dst, ']'), true
}

// compared reports whether values of a column are compared in their canonical form.
func compared(column *schema.Column) bool {
	return column != nil && (column.Kind == schema.List || column.Kind == schema.Choices)
}

// sameCanonical compares two values of a list or of a set of options.
func sameCanonical(a, b []byte, column *schema.Column) bool {
	x, okX := canonical(a, column)
	y, okY := canonical(b, column)
	return okX && okY && bytes.Equal(x, y)
}
