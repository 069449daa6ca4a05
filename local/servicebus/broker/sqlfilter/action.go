package sqlfilter

import (
	"fmt"
	"unicode/utf8"
)

// Action is a parsed SQL action: what a rule does to the messages it selects (Service Bus documentation, "Subscription
// Rule SQL Action Syntax").
//
//	action    = statement { [;] statement }
//	statement = SET property = expression | REMOVE property
//
// An Action may be used by several goroutines.
type Action struct {
	text       string
	statements []statement
}

// Target is the message an action changes.
type Target interface {
	Source
	// SetProperty gives an application property a value of one of the types of expressions; nil is null.
	SetProperty(name string, value any)
	// RemoveProperty takes an application property away, if it's there.
	RemoveProperty(name string)
	// SetSystemProperty gives a property of the message itself a value; nil clears it. The error wraps [ErrEvaluation].
	SetSystemProperty(name string, value any) error
}

// statement is SET, or REMOVE when it has no value.
type statement struct {
	of    property
	value expression
}

// ParseAction reads an action. settable says which properties of the message itself may be set; parameters are as in
// [ParseWith]. The error wraps [ErrSyntax].
func ParseAction(text string, parameters map[string]any, settable func(name string) bool) (*Action, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	p := newParser(text, parameters)
	if err := p.advance(); err != nil {
		return nil, err
	}
	out := &Action{text: text}
	for p.cur.kind != end || len(out.statements) == 0 {
		s, err := p.statement(settable)
		if err != nil {
			return nil, err
		}
		out.statements = append(out.statements, s)
		if _, err := p.accept(";"); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// String returns the action as it was written.
func (a *Action) String() string { return a.text }

// Apply runs the statements one after the other, each on what the ones before have made. The error wraps
// [ErrEvaluation]; the target may have been changed in part then.
func (a *Action) Apply(t Target) error {
	for _, s := range a.statements {
		if s.value == nil {
			t.RemoveProperty(s.of.name)
			continue
		}
		v, err := s.value.value(t)
		if err != nil {
			return err
		}
		if !s.of.system {
			t.SetProperty(s.of.name, v)
			continue
		}
		if err := t.SetSystemProperty(s.of.name, v); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) statement(settable func(string) bool) (statement, error) {
	set := p.is("SET")
	if !set && !p.is("REMOVE") {
		return statement{}, p.fail(p.cur.at, "SET or REMOVE expected")
	}
	if err := p.advance(); err != nil {
		return statement{}, err
	}
	if p.cur.kind != name && p.cur.kind != word {
		return statement{}, p.fail(p.cur.at, "a property's name expected")
	}
	n, err := p.property()
	if err != nil {
		return statement{}, err
	}
	of, ok := n.value.(property)
	switch {
	case !ok:
		return statement{}, p.fail(n.at, "a property expected, not a value")
	case of.system && (!set || !settable(of.name)):
		return statement{}, p.fail(n.at, "sys.%s can't be changed", of.name)
	case !set:
		return statement{of: of}, nil
	}
	if err := p.expect("="); err != nil {
		return statement{}, err
	}
	if n, err = p.sum(); err != nil {
		return statement{}, err
	}
	value, err := p.expression(n)
	return statement{of, value}, err
}

// checkText holds the limits of filters and actions.
func checkText(text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%w: not valid UTF-8", ErrSyntax)
	}
	if n := utf8.RuneCountInString(text); n > MaxLength {
		return fmt.Errorf("%w: %d characters, the limit is %d", ErrSyntax, n, MaxLength)
	}
	return nil
}
