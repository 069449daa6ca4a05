// Package odata reads the parts of OData 4.0 that the simulated systems speak: resource paths with keys, $filter, $orderby
// and JSON bodies.
package odata

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Kind is a literal's kind in a URL.
type Kind uint8

const (
	// Null is null.
	Null Kind = iota
	// String is 'text', a quote doubled.
	String
	// Number is any number, as text.
	Number
	// Bool is true or false.
	Bool
	// GUID is 8-4-4-4-12 hex digits, without quotes.
	GUID
	// Date is 2026-07-01 or 2026-07-01T16:53:19Z.
	Date
	// Enum is Namespace.Type'Member'.
	Enum
)

// Literal is a value in a URL. Text is its bare text: quotes removed, GUIDs in lower case.
type Literal struct {
	Kind Kind
	Text string
	// Type is an enum's qualified type.
	Type string
}

var (
	guidForm   = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	numberForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
	dateForm   = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2}))?$`)
	nameForm   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.@]*$`)
)

// IsGUID tells whether s is a GUID in the form with hyphens.
func IsGUID(s string) bool { return guidForm.MatchString(s) }

// token is a piece of a key or an expression: a word (anything without blanks, commas and parentheses, quoted parts
// included) or one of ( ) , =.
func tokens(s string) ([]string, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("invalid UTF-8")
	}
	var out []string
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			i++
		case strings.IndexByte("(),=", c) >= 0:
			out = append(out, s[i:i+1])
			i++
		default:
			end, err := word(s, i)
			if err != nil {
				return nil, err
			}
			out = append(out, s[i:end])
			i = end
		}
	}
	return out, nil
}

func word(s string, i int) (int, error) {
	for i < len(s) && strings.IndexByte(" \t(),=", s[i]) < 0 {
		if s[i] != '\'' {
			i++
			continue
		}
		for i++; ; i++ {
			end := strings.IndexByte(s[i:], '\'')
			if end < 0 {
				return 0, fmt.Errorf("there is an unterminated string literal")
			}
			i += end + 1
			if i >= len(s) || s[i] != '\'' {
				break
			}
		}
	}
	return i, nil
}

// ParseLiteral reads one literal.
func ParseLiteral(w string) (Literal, error) {
	switch {
	case w == "null":
		return Literal{}, nil
	case w == "true" || w == "false":
		return Literal{Kind: Bool, Text: w}, nil
	case len(w) >= 2 && w[0] == '\'' && w[len(w)-1] == '\'':
		return Literal{Kind: String, Text: strings.ReplaceAll(w[1:len(w)-1], "''", "'")}, nil
	case guidForm.MatchString(w):
		return Literal{Kind: GUID, Text: strings.ToLower(w)}, nil
	case numberForm.MatchString(w):
		return Literal{Kind: Number, Text: w}, nil
	case dateForm.MatchString(w):
		return Literal{Kind: Date, Text: w}, nil
	}
	if name, rest, ok := strings.Cut(w, "'"); ok && nameForm.MatchString(name) && strings.HasSuffix(rest, "'") {
		return Literal{Kind: Enum, Type: name, Text: strings.TrimSuffix(rest, "'")}, nil
	}
	return Literal{}, fmt.Errorf("syntax error: %q is no literal", w)
}
