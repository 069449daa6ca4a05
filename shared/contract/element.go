package contract

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// shape is the shape of an element.
type shape uint8

const (
	nullShape shape = iota
	textShape
	numberShape
	boolShape
	mappingShape
	listShape
)

var shapeNames = [...]string{"nothing", "a text", "a number", "true or false", "a mapping", "a list"}

func (s shape) String() string { return shapeNames[s] }

// element is a YAML value with its position. Scalars keep the text as it was written, so numbers stay exact.
type element struct {
	shape   shape
	text    string
	members []member
	items   []*element
	// file is the element's file where that isn't the reader's.
	file         string
	line, column int
	// inset is how far a text's first character lies behind column; a text of several lines begins on the line below, at
	// column inset.
	inset int
	block bool
	// refused is true for what contracts don't use, which is a finding already.
	refused bool
}

// member is one "key: value" of a mapping.
type member struct {
	key   *element
	value *element
}

// isScalar reports whether e is a text, a number or a yes/no.
func (e *element) isScalar() bool {
	return e.shape == textShape || e.shape == numberShape || e.shape == boolShape
}

// reader turns a file into elements and collects findings on the way.
type reader struct {
	file     string
	findings Findings
	// tables are those that all contracts share; mark is the file that elements name where it isn't the contract.
	tables map[string]*element
	mark   string
	// used are the tables that a field names.
	used map[*element]bool
	// fallbacks is how many columns the rule that is being read has fallen back to.
	fallbacks int
	// holds says what belongs into the file, where that isn't a contract.
	holds string
}

func (r *reader) add(at *element, fix, format string, args ...any) {
	file, line, column := r.file, 1, 1
	if at != nil {
		file, line, column = cmp.Or(at.file, r.file), at.line, at.column
	}
	r.findings = append(r.findings, Finding{File: file, Line: line, Column: column, Message: fmt.Sprintf(format, args...), Fix: fix})
}

// read parses a YAML file that holds one mapping. It returns nil, with findings, where there is none.
func (r *reader) read(data []byte) *element {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // the byte order mark of Windows editors, which YAML allows there
	if i := invalidUTF8(data); i >= 0 {
		line, column := position(data, i)
		r.add(&element{line: line, column: column, file: r.mark}, "save it as UTF-8", "the file is no UTF-8")
		return nil
	}
	if i := unreadable(data); i >= 0 {
		line, column := position(data, i)
		c, _ := utf8.DecodeRune(data[i:])
		fault, fix := fmt.Sprintf("the file holds the control character %U", c), `remove it; in a text in double quotes it is written "\u0007"`
		if c == '[' || c == '{' {
			fault, fix = fmt.Sprintf("brackets are nested deeper than %d levels", maxBrackets), "close them"
		}
		r.add(&element{line: line, column: column, file: r.mark}, fix, "%s", fault)
		return nil
	}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at := &element{line: 1, column: 1, file: r.mark}
		message := "the file is no YAML"
		var syntax yaml.Error
		if errors.As(err, &syntax) {
			message = "the file is no YAML: " + syntax.GetMessage()
			if t := syntax.GetToken(); t != nil && t.Position != nil {
				at.line, at.column = t.Position.Line, t.Position.Column
			}
		}
		r.add(at, syntaxFix(data, at.line, message), "%s", message)
		return nil
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			r.add(r.position(doc.Body), "give each contract a file of its own", "a second document")
			continue
		}
		body = doc.Body
	}
	if body == nil {
		r.add(&element{line: 1, column: 1, file: r.mark}, "write "+cmp.Or(r.holds, "the contract: purpose, team, from, to, owner, fields"), "the file is empty")
		return nil
	}
	e := r.element(body)
	if e.shape != mappingShape {
		if !e.refused {
			r.add(e, "write "+cmp.Or(r.holds, "the contract as a mapping: purpose, team, from, to, owner, fields"), "the file holds %s instead of a mapping", e.shape)
		}
		return nil
	}
	return e
}

// invalidUTF8 returns where the first byte is that is no UTF-8, -1 where there is none.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// maxBrackets is how many brackets may be open at once; the parser's time grows with their square.
const maxBrackets = 500

// unreadable returns where the first character is that YAML refuses and the parser lets pass, or the bracket that is one too
// deep; -1 where there is none. Brackets within texts count too: no text has that many open ones.
func unreadable(data []byte) int {
	open := 0
	for i, c := range string(data) {
		switch {
		case c == '[' || c == '{':
			if open++; open > maxBrackets {
				return i
			}
		case c == ']' || c == '}':
			open = max(0, open-1)
		case c < ' ' && c != '\t' && c != '\n' && c != '\r', c == 0x7f, c >= 0x80 && c < 0xa0 && c != 0x85:
			return i
		}
	}
	return -1
}

// syntaxFix says what is most likely wrong in the line at which the parser gave up.
func syntaxFix(data []byte, line int, message string) string {
	lines := strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
	text, before := "", ""
	if line <= len(lines) {
		text = lines[line-1]
	}
	for i := min(line-1, len(lines)) - 1; i >= 0 && before == ""; i-- {
		before = strings.TrimRight(lines[i], " ")
	}
	margin := func(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
	switch {
	case strings.HasPrefix(strings.TrimLeft(text, " "), "\t"):
		return "replace the tab at the line's beginning with spaces"
	case noBlank().MatchString(text):
		return "put a blank behind the colon"
	case strings.Contains(message, "not allowed in this context") && margin(text) != margin(before) && before != "" && !strings.HasSuffix(before, ":"):
		return "let the line begin in the same column as the one above it that it belongs to, and see that brackets and quotes above it are closed"
	}
	return "mend the syntax; indent with spaces and quote texts with special characters"
}

// noBlank matches a key whose value follows the colon without a blank.
var noBlank = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\s*[A-Za-z0-9_]+:[^\s:]`) })

func (r *reader) position(n ast.Node) *element {
	e := &element{file: r.mark, line: 1, column: 1}
	if t := n.GetToken(); t != nil && t.Position != nil {
		e.line, e.column = t.Position.Line, t.Position.Column
	}
	return e
}

// element converts a node. What contracts don't use (anchors, aliases, merge keys, tags) is a finding, because it would
// hide from a reader what a field does.
func (r *reader) element(n ast.Node) *element {
	e := r.position(n)
	switch n := n.(type) {
	case *ast.MappingNode:
		r.mapping(e, n.Values)
	case *ast.MappingValueNode:
		r.mapping(e, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		e.shape = listShape
		for _, item := range n.Values {
			e.items = append(e.items, r.element(item))
		}
	case *ast.StringNode:
		e.shape, e.text = textShape, n.Value
		if n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType {
			e.inset = 1
		}
	case *ast.LiteralNode:
		e.shape, e.text = textShape, n.Value.Value
		e.block, e.inset = true, 1+indent(n.Value.Token.Origin)
	case *ast.BoolNode:
		e.shape, e.text = boolShape, fmt.Sprint(n.Value)
	case *ast.IntegerNode:
		r.number(e, n.Token)
	case *ast.FloatNode:
		r.number(e, n.Token)
	case *ast.NullNode, nil:
		e.text = "null"
	case *ast.CommentGroupNode:
	default:
		e.refused = true
		r.add(e, "write the value out where it is used", "contracts have no anchors, aliases, merge keys, tags or special numbers")
	}
	return e
}

func (r *reader) number(e *element, t *token.Token) {
	e.shape, e.text = numberShape, t.Value
	if _, ok := plainNumber([]byte(t.Value)); !ok {
		r.add(e, "quote it if it is a text or an id; a number is written like 12.50", "%s isn't written as a decimal number, so its leading zeros, sign or base could be lost", t.Value)
		e.shape = textShape
	}
}

func (r *reader) mapping(e *element, values []*ast.MappingValueNode) {
	e.shape = mappingShape
	if len(values) > 0 {
		first := r.position(values[0].Key)
		e.line, e.column = first.line, first.column
	}
	seen := map[string]bool{}
	for _, v := range values {
		key := r.element(v.Key)
		if key.refused {
			continue
		}
		if key.shape == mappingShape || key.shape == listShape {
			r.add(key, "write a plain name", "a key can't be a mapping or a list")
			continue
		}
		if seen[key.text] {
			r.add(key, "remove one of them", "%s is written twice", key.text)
			continue
		}
		seen[key.text] = true
		e.members = append(e.members, member{key: key, value: r.element(v.Value)})
	}
}

// names reports whether the mapping e has this key.
func (e *element) names(key string) bool {
	return slices.ContainsFunc(e.members, func(m member) bool { return m.key.text == key })
}

// inside returns the place of a text's character, its line counted from 1 and its column from 0. Escapes before it in a text
// in double quotes aren't counted.
func (e *element) inside(line, column int) *element {
	switch {
	case e.block:
		return &element{line: e.line + line, column: e.inset + column}
	case line > 1:
		return &element{line: e.line + line - 1, column: column + 1}
	}
	return &element{line: e.line, column: e.column + e.inset + column}
}

// indent returns how far the first line of a text of several lines stands from the margin.
func indent(origin string) int {
	for line := range strings.Lines(origin) {
		if text := strings.TrimLeft(line, " "); strings.TrimSpace(text) != "" {
			return len(line) - len(text)
		}
	}
	return 0
}
