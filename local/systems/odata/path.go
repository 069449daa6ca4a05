package odata

import (
	"fmt"
	"net/url"
	"strings"
)

// Segment is one part of a resource path: a name, with or without a key.
type Segment struct {
	Name string
	// Key is nil where there are no parentheses.
	Key []KeyPart
}

// KeyPart is one value of a key. Name is "" for a key that is given by its value alone, as in accounts(<guid>).
type KeyPart struct {
	Name  string
	Value Literal
}

// ParsePath reads an escaped resource path, such as accounts(accountnumber='O%27%27Neil')/name.
func ParsePath(escaped string) ([]Segment, error) {
	var out []Segment
	for _, part := range split(escaped) {
		if part == "" {
			continue
		}
		text, err := url.PathUnescape(part)
		if err != nil {
			return nil, err
		}
		s, err := ParseSegment(text)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// ParseSegment reads one unescaped segment, such as accounts(accountnumber='US-001').
func ParseSegment(text string) (Segment, error) {
	name, rest, keyed := strings.Cut(text, "(")
	s := Segment{Name: name}
	if !keyed {
		return s, nil
	}
	if !strings.HasSuffix(rest, ")") {
		return s, fmt.Errorf("the key of %q isn't closed", name)
	}
	words, err := tokens(strings.TrimSuffix(rest, ")"))
	if err != nil {
		return s, err
	}
	s.Key = []KeyPart{}
	for len(words) > 0 {
		var part KeyPart
		if len(words) > 2 && words[1] == "=" {
			part.Name, words = words[0], words[2:]
		}
		if part.Value, err = ParseLiteral(words[0]); err != nil {
			return s, err
		}
		s.Key = append(s.Key, part)
		if words = words[1:]; len(words) == 0 {
			break
		}
		if words[0] != "," || len(words) == 1 {
			return s, fmt.Errorf("the key of %q isn't well formed", name)
		}
		words = words[1:]
	}
	return s, nil
}

// split cuts a path at its slashes, but for those between quotes.
func split(path string) []string {
	var out []string
	quoted, from := false, 0
	for i := range len(path) {
		switch {
		case path[i] == '\'':
			quoted = !quoted
		case path[i] == '/' && !quoted:
			out = append(out, path[from:i])
			from = i + 1
		}
	}
	return append(out, path[from:])
}
