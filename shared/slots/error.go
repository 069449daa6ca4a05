package slots

import (
	"slices"
	"strconv"
	"strings"
)

// Reason says what is wrong with a text.
type Reason string

const (
	// Malformed is what RFC 8259 refuses, half a surrogate pair, and anything behind the value.
	Malformed     Reason = "malformed-json"
	InvalidUTF8   Reason = "invalid-utf8"
	DuplicateName Reason = "duplicate-key"
	TooDeep       Reason = "too-deep"
	// TooLarge is a text of 2 GiB or more.
	TooLarge Reason = "too-large"
)

// Error says why a text was refused. It holds no value of the text.
type Error struct {
	Reason Reason
	// Path is where, such as lines[2].name; "" for the value as a whole. Its names come from the text.
	Path string
}

// Error returns reason and path.
func (e *Error) Error() string {
	if e.Path == "" {
		return string(e.Reason)
	}
	return string(e.Reason) + ": " + e.Path
}

// segment is one step of a path: a name, or the place in a list.
type segment struct {
	name  string
	index int
}

// refuse notes what is wrong and returns the position that means so.
func (s *Scanner) refuse(why Reason) int {
	s.err.Reason = why
	return refused
}

const refused = -1

// inMember adds a member's name to the path of what was refused.
func (s *Scanner) inMember(start, end int32) int {
	s.path = append(s.path, segment{name: string(s.name(start, end)), index: -1})
	return refused
}

// inElement adds a place in a list to the path of what was refused.
func (s *Scanner) inElement(index int) int {
	s.path = append(s.path, segment{index: index})
	return refused
}

func (s *Scanner) refusal() error {
	var b strings.Builder
	for _, at := range slices.Backward(s.path) {
		if at.index >= 0 {
			b.WriteString("[" + strconv.Itoa(at.index) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(at.name)
	}
	return &Error{Reason: s.err.Reason, Path: b.String()}
}
