// Package sqlfilter parses and evaluates the SQL filters and actions of Service Bus subscriptions (Service Bus
// documentation, "Subscription Rule SQL Filter Syntax"; see [Action] for the other).
//
//	predicate  = NOT p | p AND p | p OR p | ( p ) | TRUE | FALSE
//	           | e (= | <> | != | < | <= | > | >=) e
//	           | e [NOT] LIKE e [ESCAPE e] | e [NOT] IN ( e, … ) | property IS [NOT] NULL | EXISTS ( property )
//	expression = e (+ | - | * | / | %) e | (+ | -) e | ( e ) | constant | property | property(e) | p(e) | newid()
//	property   = [sys. | user.] name, where a name is a word, [anything] or "anything"; ]] and "" stand for ] and "
//	constant   = 'text' ('' stands for ') | 12 | 1.5 | 1e3 | TRUE | FALSE | NULL | @parameter
//
// The logic has three values: a property that's missing or null is unknown, so is what's computed from it, and a message
// is selected only when the whole is true. Values of kinds that don't compare, a text and a number say, give unknown;
// what the service does then is UNCONFIRMED.
//
// As in the service, whole numbers are int64 and all others are IEEE doubles.
package sqlfilter

import (
	"errors"
)

// The limits of a filter.
const (
	// MaxLength is the longest filter in characters (Service Bus documentation, page on quotas).
	MaxLength = 1024
	// MaxDepth bounds how deep parentheses, NOT and signs may nest.
	MaxDepth = 32
)

// Errors of [Parse] and of evaluation wrap one of these. They show the filter's text, never a property's value.
var (
	ErrSyntax = errors.New("filter syntax")
	// ErrEvaluation says that a filter can't be evaluated for a message: an unknown system property, a division by zero,
	// an overflow, operands of the wrong kind, a bad escape.
	ErrEvaluation = errors.New("filter evaluation")
)

// Source is the message a filter is evaluated on. Numbers may be of any of Go's types; texts are strings; nil is null;
// what else there is only compares for equality with its own type.
type Source interface {
	// Property gives an application property, false when there is none.
	Property(name string) (value any, ok bool)
	// SystemProperty gives a property of the message itself, false when there is no such property at all.
	SystemProperty(name string) (value any, ok bool)
}

// Filter is a parsed filter. It may be used by several goroutines.
type Filter struct{ root predicate }

// Parse reads a filter. The error wraps [ErrSyntax] and gives the place as a character's number from 1.
func Parse(text string) (*Filter, error) { return ParseWith(text, nil) }

// ParseWith is Parse for a filter with parameters: words that begin with @ and stand for the values given under the same
// names, @ included.
func ParseWith(text string, parameters map[string]any) (*Filter, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	root, err := parse(text, parameters)
	if err != nil {
		return nil, err
	}
	return &Filter{root}, nil
}

// Matches says whether a filter selects a message: whether it's true, not false or unknown. The error wraps
// [ErrEvaluation].
func (f *Filter) Matches(s Source) (bool, error) {
	v, err := f.root.truth(s)
	return err == nil && v == yes, err
}

// truth is a value of three-valued logic; the order makes AND the minimum and OR the maximum.
type truth int8

const (
	no truth = iota
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth { return yes - t }
