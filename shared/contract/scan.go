package contract

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"crosswalk/shared/fault"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is the deepest nesting of objects and arrays that is read.
const maxDepth = 64

// slot holds one source value as it stands in the source.
type slot struct {
	state slotState
	raw   jsontext.Value
}

type slotState uint8

const (
	// slotAbsent is a member that isn't there.
	slotAbsent slotState = iota
	// slotFound is a member with a value, null included.
	slotFound
	// slotBlocked is a nested path that ends at a text, a number or a list.
	slotBlocked
)

// node is one level of the source paths that a plan reads.
type node struct {
	children map[string]*node
	// slot is where the member's value goes, -1 for a level that is only passed.
	slot int
}

// scanner reads one source record in one strict pass: duplicate names, invalid UTF-8, lone surrogates, nesting over
// maxDepth and trailing data are errors with the path.
type scanner struct {
	dec   *jsontext.Decoder
	src   []byte
	slots []slot
}

func (s *scanner) scan(src []byte, root *node, slots int) error {
	s.src = src
	s.slots = append(s.slots[:0], make([]slot, slots)...)
	reader := bytes.NewBuffer(src) // the decoder reads a bytes.Buffer in place
	if s.dec == nil {
		s.dec = jsontext.NewDecoder(reader)
	} else {
		s.dec.Reset(reader)
	}
	if kind := s.dec.PeekKind(); kind != '{' && kind != 0 {
		return fault.Reject("bad-type", "", "the record is no JSON object")
	}
	if err := s.object(root); err != nil {
		return s.judge(err)
	}
	if _, err := s.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return fault.Reject("malformed-json", "", "something follows the record's closing brace")
	}
	return nil
}

var errTooDeep = errors.New("too deep")

// object reads an object and fills the slots of the members that n names.
func (s *scanner) object(n *node) error {
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	for s.dec.PeekKind() != '}' {
		quoted, err := s.dec.ReadValue()
		if err != nil {
			return err
		}
		child, err := n.child(quoted)
		if err != nil {
			return err
		}
		if err := s.member(child); err != nil {
			return err
		}
	}
	_, err := s.dec.ReadToken()
	return err
}

func (s *scanner) member(n *node) error {
	kind := s.dec.PeekKind()
	switch {
	case kind == '{' && n != nil && len(n.children) > 0:
		if s.dec.StackDepth() >= maxDepth {
			return errTooDeep
		}
		return s.object(n)
	case kind == '{' || kind == '[':
		if n != nil {
			n.block(s.slots)
		}
		return s.skip()
	case n == nil:
		return s.dec.SkipValue()
	}
	raw, err := s.dec.ReadValue()
	if err != nil {
		return err
	}
	end := int(s.dec.InputOffset())
	switch {
	case n.slot >= 0:
		s.slots[n.slot] = slot{state: slotFound, raw: s.src[end-len(raw) : end]}
	case kind == 'n':
		n.fill(s.slots, slot{state: slotFound, raw: jsontext.Value("null")})
	default:
		n.block(s.slots)
	}
	return nil
}

// skip reads an object or array that nobody asked for.
func (s *scanner) skip() error {
	outer := s.dec.StackDepth()
	for {
		if _, err := s.dec.ReadToken(); err != nil {
			return err
		}
		switch depth := s.dec.StackDepth(); {
		case depth > maxDepth:
			return errTooDeep
		case depth == outer:
			return nil
		}
	}
}

// child finds the node of a quoted member name.
func (n *node) child(quoted jsontext.Value) (*node, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return n.children[string(quoted[1:len(quoted)-1])], nil
	}
	name, err := jsontext.AppendUnquote(nil, quoted)
	return n.children[string(name)], err
}

// fill sets every slot at or below n.
func (n *node) fill(slots []slot, v slot) {
	if n.slot >= 0 {
		slots[n.slot] = v
	}
	for _, c := range n.children {
		c.fill(slots, v)
	}
}

func (n *node) block(slots []slot) { n.fill(slots, slot{state: slotBlocked}) }

// judge turns the decoder's error into a fault. Its text may hold a piece of the record, so it is never shown.
func (s *scanner) judge(err error) error {
	path := dotted(s.dec.StackPointer())
	if errors.Is(err, errTooDeep) {
		return fault.Reject("too-deep", cutPath(path), "objects and arrays are nested deeper than "+strconv.Itoa(maxDepth)+" levels")
	}
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		path = dotted(syntax.JSONPointer)
	}
	path = cutPath(path)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fault.Reject("duplicate-key", path, "the same name occurs twice in one object, so its value is ambiguous")
	case !utf8.Valid(s.src):
		return fault.Reject("invalid-utf8", path, "the record holds bytes that are no UTF-8")
	}
	return fault.Reject("malformed-json", path, "the record is no well-formed JSON at this place")
}

// dotted writes a JSON pointer as contracts write paths: lines[2].name. It is "" for the record itself.
func dotted(p jsontext.Pointer) string {
	var b strings.Builder
	for name := range p.Tokens() {
		if name != "" && digits([]byte(name)) == len(name) {
			b.WriteString("[" + name + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(name)
	}
	return b.String()
}

// maxPath bounds what a fault shows of a path, whose names come from the record.
const maxPath = 120

func cutPath(path string) string {
	if len(path) <= maxPath {
		return strings.ToValidUTF8(path, "?")
	}
	return strings.ToValidUTF8(path[:maxPath], "") + "…"
}
