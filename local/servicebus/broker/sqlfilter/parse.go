package sqlfilter

import (
	"slices"
	"strconv"
)

// reserved words are no bare names.
var reserved = []string{"AND", "OR", "NOT", "LIKE", "ESCAPE", "IN", "IS", "NULL", "EXISTS", "TRUE", "FALSE"}

// parser is a recursive descent parser, one function per level of precedence:
// or < and < not < comparison < sum < product < sign < primary. What a level yields is a node; whether it's a predicate
// or an expression is checked where it's used, since "(" may open either.
type parser struct {
	lexer
	cur        lexeme
	depth      int
	parameters map[string]any
}

// node is a predicate, an expression, or, for TRUE, FALSE, both.
type node struct {
	at    int
	pred  predicate
	value expression
}

func newParser(input string, parameters map[string]any) *parser {
	return &parser{lexer: lexer{input: input}, parameters: parameters}
}

func parse(input string, parameters map[string]any) (predicate, error) {
	p := newParser(input, parameters)
	if err := p.advance(); err != nil {
		return nil, err
	}
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.cur.kind != end {
		return nil, p.fail(p.cur.at, "unexpected %q", p.cur.text)
	}
	return p.predicate(root)
}

func (p *parser) advance() (err error) {
	p.cur, err = p.next()
	return err
}

// is says whether the current lexeme is a keyword or symbol.
func (p *parser) is(upper string) bool { return p.cur.upper == upper && upper != "" }

// accept skips the current lexeme if it's this keyword or symbol.
func (p *parser) accept(upper string) (bool, error) {
	if !p.is(upper) {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) expect(upper string) error {
	if !p.is(upper) {
		return p.fail(p.cur.at, "%s expected", upper)
	}
	return p.advance()
}

func (p *parser) predicate(n node) (predicate, error) {
	if n.pred == nil {
		return nil, p.fail(n.at, "a condition is expected here, not a value")
	}
	return n.pred, nil
}

func (p *parser) expression(n node) (expression, error) {
	if n.value == nil {
		return nil, p.fail(n.at, "a value is expected here, not a condition")
	}
	return n.value, nil
}

// deeper guards every way the parser calls itself.
func (p *parser) deeper(parse func() (node, error)) (node, error) {
	if p.depth == MaxDepth {
		return node{}, p.fail(p.cur.at, "nested deeper than %d", MaxDepth)
	}
	p.depth++
	defer func() { p.depth-- }()
	return parse()
}

func (p *parser) or() (node, error) {
	return p.chain("OR", p.and, func(all []predicate) predicate { return anyOf(all) })
}

func (p *parser) and() (node, error) {
	return p.chain("AND", p.not, func(all []predicate) predicate { return allOf(all) })
}

// chain parses "operand (word operand)*" into one flat node.
func (p *parser) chain(word string, operand func() (node, error), join func([]predicate) predicate) (node, error) {
	first, err := operand()
	if err != nil || !p.is(word) {
		return first, err
	}
	all := make([]predicate, 0, 2)
	for n := first; ; {
		pred, err := p.predicate(n)
		if err != nil {
			return node{}, err
		}
		all = append(all, pred)
		more, err := p.accept(word)
		if err != nil {
			return node{}, err
		}
		if !more {
			return node{at: first.at, pred: join(all)}, nil
		}
		if n, err = operand(); err != nil {
			return node{}, err
		}
	}
}

func (p *parser) not() (node, error) {
	at := p.cur.at
	if negated, err := p.accept("NOT"); err != nil || !negated {
		if err != nil {
			return node{}, err
		}
		return p.comparison()
	}
	n, err := p.deeper(p.not)
	if err != nil {
		return node{}, err
	}
	pred, err := p.predicate(n)
	return node{at: at, pred: negation{pred}}, err
}

func (p *parser) comparison() (node, error) {
	left, err := p.sum()
	if err != nil {
		return node{}, err
	}
	operator := p.cur.upper
	switch {
	case slices.Contains([]string{"=", "<>", "!=", "<", "<=", ">", ">="}, operator):
		return p.compared(left, operator)
	case operator == "IS":
		return p.isNull(left)
	case operator != "NOT" && operator != "LIKE" && operator != "IN":
		return left, nil
	}
	value, err := p.expression(left)
	if err != nil {
		return node{}, err
	}
	negated, err := p.accept("NOT")
	if err != nil {
		return node{}, err
	}
	var pred predicate
	switch {
	case p.is("LIKE"):
		pred, err = p.like(value)
	case p.is("IN"):
		pred, err = p.in(value)
	default:
		err = p.fail(p.cur.at, "LIKE or IN expected")
	}
	if negated {
		pred = negation{pred}
	}
	return node{at: left.at, pred: pred}, err
}

func (p *parser) compared(left node, operator string) (node, error) {
	a, err := p.expression(left)
	if err != nil {
		return node{}, err
	}
	if err := p.advance(); err != nil {
		return node{}, err
	}
	right, err := p.sum()
	if err != nil {
		return node{}, err
	}
	b, err := p.expression(right)
	return node{at: left.at, pred: comparison{operator, a, b}}, err
}

func (p *parser) isNull(left node) (node, error) {
	of, ok := left.value.(property)
	if !ok {
		return node{}, p.fail(left.at, "IS NULL asks about a property")
	}
	if err := p.advance(); err != nil {
		return node{}, err
	}
	negated, err := p.accept("NOT")
	if err != nil {
		return node{}, err
	}
	if err := p.expect("NULL"); err != nil {
		return node{}, err
	}
	var pred predicate = isNull{of}
	if negated {
		pred = negation{pred}
	}
	return node{at: left.at, pred: pred}, nil
}

func (p *parser) like(value expression) (predicate, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	at := p.cur.at
	n, err := p.sum()
	if err != nil {
		return nil, err
	}
	pattern, err := p.expression(n)
	if err != nil {
		return nil, err
	}
	out := like{value: value, pattern: pattern}
	escaped, err := p.accept("ESCAPE")
	if err != nil {
		return nil, err
	}
	if escaped {
		if n, err = p.sum(); err != nil {
			return nil, err
		}
		if out.escape, err = p.expression(n); err != nil {
			return nil, err
		}
	}
	if err := out.compile(); err != nil {
		return nil, p.fail(at, "%v", err)
	}
	return out, nil
}

func (p *parser) in(value expression) (predicate, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	out := in{value: value}
	for {
		n, err := p.sum()
		if err != nil {
			return nil, err
		}
		member, err := p.expression(n)
		if err != nil {
			return nil, err
		}
		out.members = append(out.members, member)
		if more, err := p.accept(","); err != nil || !more {
			if err != nil {
				return nil, err
			}
			return out, p.expect(")")
		}
	}
}

func (p *parser) sum() (node, error) { return p.arithmetic([]string{"+", "-"}, p.product) }

func (p *parser) product() (node, error) { return p.arithmetic([]string{"*", "/", "%"}, p.sign) }

func (p *parser) arithmetic(operators []string, operand func() (node, error)) (node, error) {
	left, err := operand()
	if err != nil {
		return node{}, err
	}
	for slices.Contains(operators, p.cur.upper) {
		operator := p.cur.upper
		a, err := p.expression(left)
		if err != nil {
			return node{}, err
		}
		if err := p.advance(); err != nil {
			return node{}, err
		}
		right, err := operand()
		if err != nil {
			return node{}, err
		}
		b, err := p.expression(right)
		if err != nil {
			return node{}, err
		}
		left = node{at: left.at, value: arithmetic{operator, a, b}}
	}
	return left, nil
}

func (p *parser) sign() (node, error) {
	at := p.cur.at
	if !p.is("+") && !p.is("-") {
		return p.primary()
	}
	operator := p.cur.upper
	if err := p.advance(); err != nil {
		return node{}, err
	}
	if operator == "-" && p.cur.kind == integer {
		return p.integer(at, "-"+p.cur.text) // so that the least int64 can be written
	}
	n, err := p.deeper(p.sign)
	if err != nil {
		return node{}, err
	}
	value, err := p.expression(n)
	return node{at: at, value: signed{operator, value}}, err
}

func (p *parser) integer(at int, digits string) (node, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return node{}, p.fail(at, "%s is no 64-bit whole number", digits)
	}
	return node{at: at, value: constant{n}}, p.advance()
}

func (p *parser) primary() (node, error) {
	c := p.cur
	switch c.kind {
	case text:
		return node{at: c.at, value: constant{c.text}}, p.advance()
	case integer:
		return p.integer(c.at, c.text)
	case floating:
		f, err := strconv.ParseFloat(c.text, 64)
		if err != nil {
			return node{}, p.fail(c.at, "%s is no number that a double holds", c.text)
		}
		return node{at: c.at, value: constant{f}}, p.advance()
	case parameter:
		v, ok := p.parameters[c.text]
		if !ok {
			return node{}, p.fail(c.at, "there is no parameter %s", c.text)
		}
		return node{at: c.at, value: constant{normal(v)}}, p.advance()
	case name:
		return p.property()
	case word:
		return p.word()
	case symbol:
		if c.text == "(" {
			return p.parenthesis()
		}
	}
	if c.kind == end {
		return node{}, p.fail(c.at, "the filter ends too early")
	}
	return node{}, p.fail(c.at, "unexpected %q", c.text)
}

func (p *parser) parenthesis() (node, error) {
	at := p.cur.at
	if err := p.advance(); err != nil {
		return node{}, err
	}
	n, err := p.deeper(p.or)
	if err != nil {
		return node{}, err
	}
	n.at = at
	if of, ok := n.value.(property); ok {
		n.value = parenthesised{of} // so that IS NULL sees no property
	}
	return n, p.expect(")")
}

// word parses what starts with a bare word: a constant, EXISTS, a function or a property.
func (p *parser) word() (node, error) {
	c := p.cur
	switch c.upper {
	case "TRUE", "FALSE":
		b := c.upper == "TRUE"
		return node{at: c.at, value: constant{b}, pred: always(truthOf(b))}, p.advance()
	case "NULL":
		return node{at: c.at, value: constant{nil}}, p.advance()
	case "EXISTS":
		return p.exists()
	}
	if slices.Contains(reserved, c.upper) {
		return node{}, p.fail(c.at, "unexpected %s", c.upper)
	}
	return p.property()
}

func (p *parser) exists() (node, error) {
	at := p.cur.at
	if err := p.advance(); err != nil {
		return node{}, err
	}
	if err := p.expect("("); err != nil {
		return node{}, err
	}
	if p.cur.kind != name && (p.cur.kind != word || slices.Contains(reserved, p.cur.upper)) {
		return node{}, p.fail(p.cur.at, "EXISTS asks about a property")
	}
	n, err := p.property()
	if err != nil {
		return node{}, err
	}
	of, ok := n.value.(property)
	if !ok {
		return node{}, p.fail(n.at, "EXISTS asks about a property")
	}
	return node{at: at, pred: exists{of}}, p.expect(")")
}

// property parses [scope.]name, or a function when a bare word is followed by "(".
func (p *parser) property() (node, error) {
	first := p.cur
	if err := p.advance(); err != nil {
		return node{}, err
	}
	if first.kind == word && p.is("(") {
		return p.function(first)
	}
	scoped, err := p.accept(".")
	if err != nil {
		return node{}, err
	}
	if !scoped {
		return node{at: first.at, value: property{name: first.text}}, nil
	}
	if first.kind != word || first.upper != "SYS" && first.upper != "USER" {
		return node{}, p.fail(first.at, "a scope is sys or user")
	}
	if p.cur.kind != name && p.cur.kind != word {
		return node{}, p.fail(p.cur.at, "a property's name expected")
	}
	of := property{name: p.cur.text, system: first.upper == "SYS"}
	return node{at: first.at, value: of}, p.advance()
}

func (p *parser) function(f lexeme) (node, error) {
	if err := p.advance(); err != nil {
		return node{}, err
	}
	switch f.upper {
	case "NEWID":
		return node{at: f.at, value: newID{}}, p.expect(")")
	case "PROPERTY", "P":
		n, err := p.deeper(p.sum)
		if err != nil {
			return node{}, err
		}
		of, err := p.expression(n)
		if err != nil {
			return node{}, err
		}
		return node{at: f.at, value: named{of}}, p.expect(")")
	}
	return node{}, p.fail(f.at, "there is no function %s", f.text)
}
