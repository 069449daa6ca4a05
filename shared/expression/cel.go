//go:build !noexpressions

package expression

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

type program = cel.Program

// costLimit bounds the work of one evaluation, in CEL's units: about one per operation, and one per ten characters of a text
// that is looked through.
const costLimit = 10_000

// longestExpression bounds an expression's characters.
const longestExpression = 2_000

// environment is what all expressions share. Making it takes a millisecond or so, which contracts without an expression don't
// pay.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(append(decimalFunctions(), ext.Strings(ext.StringsVersion(3)), cel.ParserExpressionSizeLimit(longestExpression), cel.ParserRecursionLimit(64))...)
})

// Compile compiles an expression. column tells whether a name is a column, and which; a name may have points.
func Compile(text string, column func(name string) (Column, bool)) (*Program, []Problem) {
	env, err := environment()
	if err != nil {
		return nil, []Problem{{Line: 1, Message: "the expression language can't be set up: " + err.Error()}}
	}
	parsed, issues := env.Parse(text)
	if issues.Err() != nil {
		return nil, problems(issues)
	}
	columns := mentioned(parsed.NativeRep().Expr(), column)
	var declared []cel.EnvOption
	p := &Program{}
	for name, c := range columns {
		p.Columns = append(p.Columns, name)
		declared = append(declared, cel.Variable(name, c.celType()))
	}
	slices.Sort(p.Columns)
	if env, err = env.Extend(declared...); err != nil {
		return nil, []Problem{{Line: 1, Message: "the columns' names can't be used in an expression"}}
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		return nil, problems(issues)
	}
	native := checked.NativeRep()
	if found := slices.Concat(inexact(native), unguarded(native, columns), impossible(native, columns), failing(native)); len(found) > 0 {
		return nil, found
	}
	p.Result, p.Nullable = typeOf(checked.OutputType())
	p.Nullable = p.Nullable && slices.ContainsFunc(p.Columns, func(name string) bool { return columns[name].Nullable })
	if p.Result == None {
		return nil, []Problem{{Line: 1, Message: "the expression gives " + checked.OutputType().String() + ", which no field takes", Fix: "let it give a text, a number, a decimal, true or false, or a time"}}
	}
	if p.program, err = env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit)); err != nil {
		return nil, []Problem{{Line: 1, Message: "the expression can't be prepared: a constant part of it fails", Fix: "look at its literals and patterns"}}
	}
	return p, nil
}

// celType is the column's type as CEL declares it. Decimals and times take null anyway.
func (c Column) celType() *cel.Type {
	t := map[Type]*cel.Type{Text: cel.StringType, Integer: cel.IntType, Decimal: decimalType, Boolean: cel.BoolType, Time: cel.TimestampType}[c.Type]
	if c.Nullable && (c.Type == Integer || c.Type == Boolean) {
		return cel.NullableType(t)
	}
	return t
}

func typeOf(t *cel.Type) (result Type, nullable bool) {
	switch {
	case t.IsExactType(cel.StringType):
		return Text, false
	case t.IsExactType(cel.IntType):
		return Integer, false
	case t.IsExactType(cel.BoolType):
		return Boolean, false
	case t.IsExactType(cel.NullableType(cel.IntType)):
		return Integer, true
	case t.IsExactType(cel.NullableType(cel.BoolType)):
		return Boolean, true
	case t.IsExactType(cel.TimestampType):
		return Time, true
	case t.IsExactType(decimalType):
		return Decimal, true
	}
	return None, false
}

// mentioned finds the columns that an expression names: for a.b.c the longest of a.b.c, a.b and a that is one.
func mentioned(root ast.Expr, column func(string) (Column, bool)) map[string]Column {
	found := map[string]Column{}
	ast.PreOrderVisit(root, ast.NewExprVisitor(func(e ast.Expr) {
		if name, ok := dotted(e); ok {
			if c, known := column(name); known && c.Type != None {
				found[name] = c
			}
		}
	}))
	return found
}

// dotted returns the name that an identifier, or a chain of selections from one, spells.
func dotted(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent(), true
	case ast.SelectKind:
		if before, ok := dotted(e.AsSelect().Operand()); ok && !e.AsSelect().IsTestOnly() {
			return before + "." + e.AsSelect().FieldName(), true
		}
	}
	return "", false
}

// inexact finds the numbers of type double, which holds few decimal fractions exactly.
func inexact(a *ast.AST) []Problem {
	var out []Problem
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if len(out) == 0 && a.GetType(e.ID()).IsExactType(cel.DoubleType) {
			out = append(out, at(a, e, "a number with a point is inexact here", `write decimal("…") around it, in quotes`))
		}
	}))
	return out
}

// unguarded finds the columns that can be null and are computed with, though the expression never asks whether they are.
func unguarded(a *ast.AST, columns map[string]Column) []Problem {
	asked, compared := map[string]bool{}, map[int64]bool{}
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		if call.FunctionName() != operators.Equals && call.FunctionName() != operators.NotEquals {
			return
		}
		for i, operand := range call.Args() {
			compared[operand.ID()] = true
			other := call.Args()[1-i]
			if name, ok := dotted(operand); ok && other.Kind() == ast.LiteralKind && other.AsLiteral() == types.NullValue {
				asked[name] = true
			}
		}
	}))
	var out []Problem
	told := map[string]bool{}
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		name, ok := dotted(e)
		c, known := columns[name]
		if !ok || !known || c.Type == Text || !c.Nullable || asked[name] || compared[e.ID()] || told[name] || e.ID() == a.Expr().ID() && c.Type != Boolean {
			return
		}
		told[name] = true
		fix := "ask first: " + name + " != null && …"
		if c.Type == Boolean {
			fix = "write " + name + " == true"
		}
		out = append(out, at(a, e, name+" can be null, and null can't be computed with", fix))
	}))
	return out
}

// impossible finds comparisons of a column that has options with a literal that is none of them: they always end alike, most often
// because of a slip of the pen.
func impossible(a *ast.AST, columns map[string]Column) []Problem {
	var out []Problem
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		switch args := call.Args(); call.FunctionName() {
		case operators.Equals, operators.NotEquals:
			out = append(append(out, noOption(a, args[0], columns, args[1])...), noOption(a, args[1], columns, args[0])...)
		case operators.In:
			if args[1].Kind() == ast.ListKind {
				out = append(out, noOption(a, args[0], columns, args[1].AsList().Elements()...)...)
			}
		}
	}))
	return out
}

// noOption finds the literals that aren't options of the column that e names. "" isn't looked for: it stands for a blank.
func noOption(a *ast.AST, e ast.Expr, columns map[string]Column, literals ...ast.Expr) []Problem {
	name, _ := dotted(e)
	options := columns[name].Options
	if len(options) == 0 || shadowed(a, name) {
		return nil
	}
	var out []Problem
	for _, l := range literals {
		if l.Kind() != ast.LiteralKind {
			continue
		}
		var spelt, shown string
		switch v := l.AsLiteral().(type) {
		case types.String:
			spelt, shown = string(v), strconv.Quote(string(v))
		case types.Int:
			spelt = strconv.FormatInt(int64(v), 10)
			shown = spelt
		}
		if spelt == "" || slices.Contains(options, spelt) {
			continue
		}
		problem := at(a, l, name+" has no option "+shown, "")
		problem.Choose = name
		out = append(out, problem)
	}
	return out
}

// shadowed reports whether the expression also gives the name to the parts of a text, one after the other.
func shadowed(a *ast.AST, name string) bool {
	found := false
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		found = found || e.Kind() == ast.ComprehensionKind && e.AsComprehension().IterVar() == name
	}))
	return found
}

func at(a *ast.AST, e ast.Expr, message, fix string) Problem {
	where := a.SourceInfo().GetStartLocation(e.ID())
	return Problem{Line: where.Line(), Column: where.Column(), Message: message, Fix: fix}
}

// What CEL's messages begin with.
const (
	undeclared = "undeclared reference to '"
	syntax     = "Syntax error: "
	unreadable = syntax + "token recognition error at: '"
)

// problems turns CEL's issues into ours.
func problems(issues *cel.Issues) []Problem {
	var out []Problem
	for _, e := range issues.Errors() {
		if strings.HasPrefix(e.Message, syntax) && len(out) > 0 {
			break // what comes after the first is mostly its echo
		}
		p := Problem{Line: e.Location.Line(), Column: e.Location.Column(), Message: e.Message}
		switch {
		case strings.HasPrefix(e.Message, unreadable+"="):
			p.Fix = "write == where two values are compared"
		case strings.HasPrefix(e.Message, unreadable) && strings.ContainsAny(e.Message, "“”„‘’"):
			p.Fix = `write straight quotes: "`
		case strings.HasPrefix(e.Message, undeclared):
			p.Unknown, _, _ = strings.Cut(strings.TrimPrefix(e.Message, undeclared), "'")
			p.Message = p.Unknown + " is neither a field nor a function"
		case strings.Contains(e.Message, "'_/_'") && strings.Contains(e.Message, "decimal"):
			p.Fix = "there is no division of decimals: map the number itself, with per and round"
		case strings.Contains(e.Message, "'_+_'") && strings.Contains(e.Message, "string") && !strings.Contains(e.Message, "null"):
			p.Fix = "write string(…) around what is no text"
		case strings.Contains(e.Message, "decimal") && (strings.Contains(e.Message, "int") || strings.Contains(e.Message, "double")):
			p.Fix = `write the number as decimal("…")`
		case strings.Contains(e.Message, "string, null") || strings.Contains(e.Message, "null, string"):
			p.Fix = `compare with "": a blank text is never null`
		}
		out = append(out, p)
	}
	return out
}

// Eval computes the value for one record. read gives a column by its place in Columns, in the type that [Compile] was told;
// an error of read is returned as it is.
func (p *Program) Eval(read func(i int) (Type, Value, error)) (Value, error) {
	a := &activation{columns: p.Columns, read: read}
	out, _, err := p.program.Eval(a)
	switch {
	case a.err != nil:
		return Value{}, a.err
	case err == nil:
		return valueOf(out)
	case strings.Contains(err.Error(), "no such overload"):
		return Value{}, ErrNull
	case strings.Contains(err.Error(), "cost limit"):
		return Value{}, ErrCost
	}
	return Value{}, errFailed
}

var errFailed = errors.New("a conversion, a pattern or a number's range fails")

// activation hands columns to CEL as it asks for them.
type activation struct {
	columns []string
	read    func(i int) (Type, Value, error)
	err     error
}

// Parent implements [cel.Activation].
func (a *activation) Parent() cel.Activation { return nil }

// ResolveName implements [cel.Activation].
func (a *activation) ResolveName(name string) (any, bool) {
	i := slices.Index(a.columns, name)
	if i < 0 {
		return nil, false
	}
	t, v, err := a.read(i)
	if err != nil {
		a.err = err
		return types.NewErr("unreadable"), true
	}
	value, err := celValue(t, v)
	if err != nil {
		a.err = err
		return types.NewErr("unreadable"), true
	}
	return value, true
}
