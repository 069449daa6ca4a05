package odata

import (
	"fmt"
	"strings"
)

// Filter is a $filter expression.
type Filter struct {
	// Op is "and", "or", "not", or a comparison: eq, ne, gt, ge, lt, le.
	Op string
	// Left and Right are an "and"'s or "or"'s sides; "not" has only Left.
	Left, Right *Filter
	// Column and Value are a comparison's sides.
	Column string
	Value  Literal
}

// Comparisons calls f for every comparison in the expression and returns the first error.
func (x *Filter) Comparisons(f func(*Filter) error) error {
	if x == nil {
		return nil
	}
	if x.Column != "" {
		return f(x)
	}
	if err := x.Left.Comparisons(f); err != nil {
		return err
	}
	return x.Right.Comparisons(f)
}

// Match evaluates the expression; compare says whether one comparison holds. A nil Filter matches everything.
func (x *Filter) Match(compare func(*Filter) bool) bool {
	switch {
	case x == nil:
		return true
	case x.Op == "and":
		return x.Left.Match(compare) && x.Right.Match(compare)
	case x.Op == "or":
		return x.Left.Match(compare) || x.Right.Match(compare)
	case x.Op == "not":
		return !x.Left.Match(compare)
	}
	return compare(x)
}

// maxDepth bounds nested parentheses and "not".
const maxDepth = 64

// ParseFilter reads comparisons of a column with a literal, joined by and, or, not and parentheses. Functions such as
// contains aren't known.
func ParseFilter(text string) (*Filter, error) {
	words, err := tokens(text)
	if err != nil {
		return nil, err
	}
	p := &parser{words: words}
	x, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if len(p.words) > 0 {
		return nil, fmt.Errorf("syntax error at %q in the filter", p.words[0])
	}
	return x, nil
}

type parser struct{ words []string }

func (p *parser) next() string {
	if len(p.words) == 0 {
		return ""
	}
	w := p.words[0]
	p.words = p.words[1:]
	return w
}

func (p *parser) at(w string) bool {
	if len(p.words) > 0 && p.words[0] == w {
		p.words = p.words[1:]
		return true
	}
	return false
}

func (p *parser) or(depth int) (*Filter, error) {
	x, err := p.and(depth)
	for err == nil && p.at("or") {
		var y *Filter
		y, err = p.and(depth)
		x = &Filter{Op: "or", Left: x, Right: y}
	}
	return x, err
}

func (p *parser) and(depth int) (*Filter, error) {
	x, err := p.one(depth)
	for err == nil && p.at("and") {
		var y *Filter
		y, err = p.one(depth)
		x = &Filter{Op: "and", Left: x, Right: y}
	}
	return x, err
}

func (p *parser) one(depth int) (*Filter, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("the filter is nested too deeply")
	}
	if p.at("not") {
		x, err := p.one(depth + 1)
		return &Filter{Op: "not", Left: x}, err
	}
	if p.at("(") {
		x, err := p.or(depth + 1)
		if err == nil && !p.at(")") {
			err = fmt.Errorf("')' expected in the filter")
		}
		return x, err
	}
	column, op, value := p.next(), p.next(), p.next()
	if !nameForm.MatchString(column) {
		return nil, fmt.Errorf("syntax error at %q in the filter: a column is expected", column)
	}
	if !strings.Contains(" eq ne gt ge lt le ", " "+op+" ") || op == "" {
		return nil, fmt.Errorf("syntax error at %q in the filter: eq, ne, gt, ge, lt or le is expected; functions aren't simulated", op)
	}
	v, err := ParseLiteral(value)
	if err != nil {
		return nil, err
	}
	return &Filter{Op: op, Column: column, Value: v}, nil
}

// Order is one term of $orderby.
type Order struct {
	Column     string
	Descending bool
}

// ParseOrder reads $orderby.
func ParseOrder(text string) ([]Order, error) {
	var out []Order
	for _, term := range strings.Split(text, ",") {
		f := strings.Fields(term)
		switch {
		case len(f) == 1 && nameForm.MatchString(f[0]):
			out = append(out, Order{Column: f[0]})
		case len(f) == 2 && nameForm.MatchString(f[0]) && (f[1] == "asc" || f[1] == "desc"):
			out = append(out, Order{Column: f[0], Descending: f[1] == "desc"})
		default:
			return nil, fmt.Errorf("syntax error at %q in $orderby", strings.TrimSpace(term))
		}
	}
	return out, nil
}
