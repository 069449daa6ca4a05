// Package expression gives contracts their conditions and rare computed values: CEL, the Common Expression Language, typed
// against the columns of a source.
//
// An expression is compiled once and judged then: an unknown column, operands of types that don't go together, and a value
// that may be null where null can't be computed with are problems with line and column. It has no side effects, no loops but
// those over a text's parts, and its cost is limited.
//
// Types are text, whole number (int64, exact), decimal, yes/no and time. A decimal is exact: it never passes through a
// float64, and an expression in which one would appear is refused; decimal("0.50") writes one. A text is never null, a blank
// one is "". Any other column that can be empty is null then, which == and != compare with and nothing else takes.
//
// CEL costs every start of a program a millisecond and a half and some megabytes, used or not. With the build tag
// noexpressions a program is built without it, and refuses every expression. Package dist sets the tag for a handler whose
// contracts have none.
package expression

import (
	"errors"
	"time"
)

// Type is the type of a column or of an expression's value.
type Type uint8

const (
	// None is no type that an expression knows.
	None Type = iota
	Text
	Integer
	Decimal
	Boolean
	Time
)

var typeNames = [...]string{"nothing", "a text", "a whole number", "a decimal number", "yes/no", "a date"}

// String returns the type as a finding names it.
func (t Type) String() string { return typeNames[t] }

// Column is what an expression must know of a source's column.
type Column struct {
	Type Type
	// Nullable is true where the column can be empty. It counts for no text, which is "" then.
	Nullable bool
	// Options are the values of a column with options, as a literal of its type spells them; nil where any value may come.
	Options []string
}

// Problem is what is wrong with an expression.
type Problem struct {
	// Line counts from 1, Column from 0, both within the expression.
	Line, Column int
	// Message says what is wrong, Fix what to do; Fix is "" where only the author knows.
	Message, Fix string
	// Unknown is the name that is no column, where that is the problem.
	Unknown string
	// Choose is the column that is compared with what is none of its options, where that is the problem.
	Choose string
}

// Program is a compiled expression. Any number of goroutines may use it at once.
type Program struct {
	// Columns are the columns that it reads, sorted.
	Columns []string
	// Result is the type of its value; the value can be null where Nullable is true.
	Result   Type
	Nullable bool

	program program
}

// ErrNull and ErrCost say why an expression gives no value; errors of other causes are unexported. None holds a value of the
// record.
var (
	ErrNull = errors.New("it computes with a value that is null")
	ErrCost = errors.New("it costs more than is allowed")
)

// Value is a value of one of the types, or null. Times are instants.
type Value struct {
	Null bool
	// Text holds a text, and a whole or decimal number in plain digits; "true" or "false" for yes/no.
	Text string
	Time time.Time
}
