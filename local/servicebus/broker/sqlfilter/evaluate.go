package sqlfilter

import (
	"fmt"

	"github.com/google/uuid"
)

// predicate is a condition: what AND, OR and NOT join.
type predicate interface {
	truth(s Source) (truth, error)
}

// expression has a value: nil for unknown, else string, bool, int64, float64 or a type that only compares with itself.
type expression interface {
	value(s Source) (any, error)
}

type (
	always   truth
	anyOf    []predicate
	allOf    []predicate
	negation struct{ of predicate }
	isNull   struct{ of property }
	exists   struct{ of property }
	in       struct {
		value   expression
		members []expression
	}
	comparison struct {
		operator string
		a, b     expression
	}
)

func (p always) truth(Source) (truth, error) { return truth(p), nil }

func (p anyOf) truth(s Source) (truth, error) { return fold(p, s, yes) }

func (p allOf) truth(s Source) (truth, error) { return fold(p, s, no) }

// fold evaluates from left to right and stops at the value that decides. Without one the rest is unknown if any part is.
func fold(parts []predicate, s Source, decides truth) (truth, error) {
	out := decides.not()
	for _, p := range parts {
		v, err := p.truth(s)
		if err != nil || v == decides {
			return v, err
		}
		if v == unknown {
			out = unknown
		}
	}
	return out, nil
}

func (p negation) truth(s Source) (truth, error) {
	v, err := p.of.truth(s)
	return v.not(), err
}

func (p isNull) truth(s Source) (truth, error) {
	v, err := p.of.value(s)
	return truthOf(v == nil), err
}

func (p exists) truth(s Source) (truth, error) {
	if p.of.system {
		v, err := p.of.value(s)
		return truthOf(v != nil), err
	}
	_, ok := s.Property(p.of.name)
	return truthOf(ok), nil
}

// truth of IN: unknown members make the answer unknown unless another one is equal, as in SQL-92.
func (p in) truth(s Source) (truth, error) {
	v, err := p.value.value(s)
	if err != nil || v == nil {
		return unknown, err
	}
	out := no
	for _, m := range p.members {
		w, err := m.value(s)
		if err != nil {
			return unknown, err
		}
		equal := compare("=", v, w)
		if equal == yes {
			return yes, nil
		}
		if w == nil {
			out = unknown
		}
	}
	return out, nil
}

func (p comparison) truth(s Source) (truth, error) {
	a, err := p.a.value(s)
	if err != nil {
		return unknown, err
	}
	b, err := p.b.value(s)
	if err != nil {
		return unknown, err
	}
	return compare(p.operator, a, b), nil
}

type (
	constant struct{ v any }
	property struct {
		name   string
		system bool
	}
	named         struct{ of expression } // property(e)
	parenthesised struct{ of expression }
	newID         struct{}
	signed        struct {
		operator string
		of       expression
	}
	arithmetic struct {
		operator string
		a, b     expression
	}
)

func (e constant) value(Source) (any, error) { return e.v, nil }

func (e property) value(s Source) (any, error) {
	if !e.system {
		v, _ := s.Property(e.name)
		return normal(v), nil
	}
	v, ok := s.SystemProperty(e.name)
	if !ok {
		return nil, fmt.Errorf("%w: there is no property sys.%s", ErrEvaluation, e.name)
	}
	return normal(v), nil
}

func (e named) value(s Source) (any, error) {
	v, err := e.of.value(s)
	if err != nil || v == nil {
		return nil, err
	}
	name, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%w: property() wants a text", ErrEvaluation)
	}
	return property{name: name}.value(s)
}

func (e parenthesised) value(s Source) (any, error) { return e.of.value(s) }

func (newID) value(Source) (any, error) { return [16]byte(uuid.New()), nil }

func (e signed) value(s Source) (any, error) {
	v, err := e.of.value(s)
	if err != nil || v == nil {
		return nil, err
	}
	if e.operator == "-" {
		return compute("-", int64(0), v)
	}
	return compute("+", int64(0), v)
}

func (e arithmetic) value(s Source) (any, error) {
	a, err := e.a.value(s)
	if err != nil {
		return nil, err
	}
	b, err := e.b.value(s)
	if err != nil || a == nil || b == nil {
		return nil, err
	}
	return compute(e.operator, a, b)
}
