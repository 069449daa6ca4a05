package odata

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Member is one member of a JSON object, in the order of the body, its value exactly as it was written.
type Member struct {
	Name  string
	Value jsontext.Value
}

// Decode reads one JSON object. Duplicate names, invalid UTF-8, lone surrogates and anything after the object are errors.
func Decode(body []byte) ([]Member, error) {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	if t.Kind() != '{' {
		return nil, fmt.Errorf("the body isn't a JSON object")
	}
	var out []Member
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		m := Member{Name: name.String()}
		v, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		m.Value = v.Clone()
		out = append(out, m)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("there is something after the JSON object")
	}
	return out, nil
}

// Text returns a JSON string's text, and whether v is one.
func Text(v jsontext.Value) (string, bool) {
	if v.Kind() != '"' {
		return "", false
	}
	b, err := jsontext.AppendUnquote(nil, v)
	return string(b), err == nil
}

// Quote returns s as a JSON string. Invalid UTF-8 is replaced.
func Quote(s string) jsontext.Value {
	b, _ := jsontext.AppendQuote(nil, s)
	return b
}
