package contract

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"crosswalk/shared/expression"
	"crosswalk/shared/fault"
	"crosswalk/shared/schema"
)

// ErrNotWanted says that the contract's "when" is false for a record: there is nothing to do for it.
var ErrNotWanted = errors.New("contract: the record isn't wanted")

// computed is an expression with the columns that it reads.
type computed struct {
	program *expression.Program
	parts   []part
	text    string
}

// computedType marks the column that stands for an expression.
const computedType = "expression"

var expressionTypes = map[schema.Kind]expression.Type{
	schema.Text: expression.Text, schema.GUID: expression.Text, schema.Reference: expression.Text,
	schema.Integer: expression.Integer, schema.Number: expression.Decimal, schema.Boolean: expression.Boolean, schema.Time: expression.Time,
}

// expressionType is a source column's type in expressions: an option is the text that F&O writes, the number that Dataverse does.
func (p *Plan) expressionType(c *schema.Column) expression.Type {
	if c.Kind == schema.Choice {
		if p.From.System == schema.Dataverse {
			return expression.Integer
		}
		return expression.Text
	}
	return expressionTypes[c.Kind]
}

// expression compiles what e says; nil, with findings, where that isn't possible.
func (c *compiler) expression(what string, e *element) *computed {
	c.plan.expressions = true
	program, problems := expression.Compile(e.text, func(name string) (expression.Column, bool) {
		column, ok := c.column(name)
		if !ok {
			return expression.Column{}, false
		}
		var options []string
		for _, o := range column.Options {
			options = append(options, o.Value)
		}
		return expression.Column{Type: c.plan.expressionType(column), Nullable: !column.NotNull, Options: options}, true
	})
	for _, p := range problems {
		fix := p.Fix
		if column, ok := c.column(p.Unknown); ok {
			p.Message, fix = p.Unknown+" is a "+column.Kind.String()+", which an expression can't read", "use another field"
		} else if p.Unknown != "" {
			fix = c.meantHere(p.Unknown)
		} else if column, ok := c.column(p.Choose); ok {
			fix = "use one of " + optionList(column)
		}
		if fix == "" {
			fix = "mend the expression; docs/contract.md tells what it may hold"
		}
		c.add(e.inside(p.Line, p.Column), fix, "%s: %s", what, p.Message)
	}
	if len(problems) > 0 {
		return nil
	}
	x := &computed{program: program, text: e.text}
	for _, name := range program.Columns {
		column, _ := c.column(name)
		x.parts = append(x.parts, part{c.slot(column), column})
	}
	return x
}

// condition compiles a "when", which is true or false and never null.
func (c *compiler) condition(what string, e *element) *computed {
	x := c.expression(what, e)
	switch {
	case x == nil:
	case x.program.Result != expression.Boolean:
		c.add(e, "let it compare something", "%s gives %s instead of true or false", what, x.program.Result)
	}
	return x
}

// eval computes an expression's value.
func (p *Plan) eval(w *workspace, x *computed, zone *time.Location) (expression.Value, *failure) {
	var unread *failure
	v, err := x.program.Eval(func(i int) (expression.Type, expression.Value, error) {
		column := x.parts[i].column
		t := p.expressionType(column)
		v, kind, failed := w.scalar(&w.row[x.parts[i].slot], p.From.System, column, p.From.State == StateRow, zone)
		if failed != nil {
			unread = failed
			return t, expression.Value{}, errUnread
		}
		if kind != filled {
			return t, expression.Value{Null: true}, nil
		}
		return t, expression.Value{Text: v.text, Time: v.moment}, nil
	})
	switch {
	case unread != nil:
		return v, unread
	case err != nil:
		return v, fail("expression-failed", "the expression gives no value for this record: "+err.Error())
	}
	return v, nil
}

var errUnread = errors.New("a column can't be read")

// wanted evaluates a condition. label is what a fault names.
func (p *Plan) wanted(w *workspace, x *computed, label string) (bool, error) {
	v, failed := p.eval(w, x, nil)
	if failed != nil {
		return false, fault.Reject(failed.reason, label, failed.detail)
	}
	return v.Text == "true", nil
}

// compute reads a computed input.
func (p *Plan) compute(w *workspace, in *input) (scalar, empty, *failure) {
	v, failed := p.eval(w, in.computed, in.zone)
	switch {
	case failed != nil:
		return scalar{}, filled, failed
	case v.Null:
		return scalar{}, null, nil
	case in.column.Kind == schema.Time:
		return scalar{kind: schema.Time, moment: v.Time.UTC()}, filled, nil
	case in.column.Kind == schema.Text && strings.TrimSpace(v.Text) == "":
		return scalar{}, emptyText, nil
	}
	return scalar{kind: in.column.Kind, text: v.Text}, filled, nil
}

var computedKinds = map[expression.Type]schema.Kind{
	expression.Text: schema.Text, expression.Integer: schema.Integer, expression.Decimal: schema.Number, expression.Boolean: schema.Boolean, expression.Time: schema.Time,
}

// computed compiles a field whose value is an expression's. The column that stands for it has the expression's type; where the
// target is an option column, its options, which each record is held against.
func (c *compiler) computed(d *fieldDoc, f *fieldPlan) {
	c.operations(d, f)
	for _, k := range []struct {
		name string
		e    *element
	}{{"with", d.With}, {"needs", d.Needs}, {"rows", d.Rows}, {"where", d.Where}, {"fields", d.Fields}, {"datePart", d.DatePart}} {
		if k.e != nil {
			c.add(k.e, "remove "+k.name, "field %s: %s means nothing for a computed value", f.column.Name, k.name)
		}
	}
	what := "field " + f.column.Name + ": compute"
	x := c.expression(what, d.Compute)
	if x == nil {
		return
	}
	column := &schema.Column{Name: cmp.Or(strings.Join(x.program.Columns, ", "), "an expression"), Type: computedType, Kind: computedKinds[x.program.Result], NotNull: !x.program.Nullable}
	f.input = &input{computed: x, column: column, zone: f.zone, label: f.column.Name + " (computed)"}
	option := f.column.Kind == schema.Choice && (column.Kind == schema.Integer) == (c.plan.To.System == schema.Dataverse)
	if !f.choicesWanted(d) && !(option && (column.Kind == schema.Integer || column.Kind == schema.Text)) {
		c.convertible(d, f, d.Compute, column)
	}
	c.blanks(d, f, f.input, d.blank, d.Compute)
	c.checks(d, f)
}

// when compiles a field's condition and what happens where it is false.
func (c *compiler) when(d *fieldDoc, f *fieldPlan) {
	what := "field " + f.column.Name
	if d.When == nil {
		if d.Otherwise != nil {
			c.add(d.Otherwise, "remove otherwise, or add when", "%s: otherwise means nothing without when", what)
		}
		return
	}
	f.when = c.condition(what+": when", d.When)
	f.otherwise = blankPlan{action: blankSkip}
	must := c.mustHave(f.column)
	switch {
	case d.otherwise != nil:
		nothing, hasNothing := c.nothing(f.column)
		f.otherwise = c.blankPlan(d, f, d.otherwise, must, nothing, hasNothing)
	case must:
		c.add(d.When, "add otherwise: reject, {from: OtherField} or {value: …}", "%s is required, and the contract doesn't say what it is where when is false", what)
	}
}
