package topology

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Insert returns the text of a topology file with one more function at the end of its functions, a line of its own, and all
// other bytes as they were. The error is for a text that has no such list, and for what Parse would refuse.
func Insert(text []byte, f Function) ([]byte, error) {
	entry, err := json.Marshal(f, jsontext.SpaceAfterColon(true), jsontext.SpaceAfterComma(true))
	if err != nil {
		return nil, err
	}
	at, empty, err := endOfFunctions(text)
	if err != nil {
		return nil, err
	}
	indent := []byte("    ")
	line := "\n"
	if !empty {
		line = ",\n"
		start := bytes.LastIndexByte(text[:at], '\n') + 1
		indent = text[start : start+len(text[start:at])-len(bytes.TrimLeft(text[start:at], " \t"))]
	}
	added := fmt.Appendf(nil, "%s%s%s", line, indent, entry)
	if empty {
		added = append(added, "\n  "...)
	}
	out := bytes.Join([][]byte{text[:at], added, text[at:]}, nil)
	if _, err := Parse(out); err != nil {
		return nil, err
	}
	return out, nil
}

// endOfFunctions returns the offset behind the last element of "functions", or behind the bracket where it has none.
func endOfFunctions(text []byte) (at int, empty bool, err error) {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return 0, false, errors.New("the topology has no list of functions")
		}
		if d.StackDepth() == 1 && token.Kind() == '"' && token.String() == "functions" {
			break
		}
		if d.StackDepth() == 1 && token.Kind() == '"' {
			if _, err := d.ReadValue(); err != nil {
				return 0, false, err
			}
		}
	}
	if d.PeekKind() != '[' {
		return 0, false, errors.New("functions is no list")
	}
	if _, err := d.ReadToken(); err != nil {
		return 0, false, err
	}
	at, empty = int(d.InputOffset()), true
	for d.PeekKind() != ']' {
		if _, err := d.ReadValue(); err != nil {
			return 0, false, err
		}
		at, empty = int(d.InputOffset()), false
	}
	return at, empty, nil
}
