package contract

import (
	"github.com/shopspring/decimal"

	"crosswalk/shared/exact"
	"crosswalk/shared/schema"
)

// factor is what a number is multiplied with or divided by: a number of the contract, or a column of the record.
type factor struct {
	// number is 1 for a column.
	number decimal.Decimal
	// column is nil for a number of the contract; slot is its place, name the key of the contract.
	column *schema.Column
	slot   int
	name   string
}

var one = decimal.New(1, 0)

// factor compiles times or per; 1 where it isn't written.
func (c *compiler) factor(what, name string, e *element) factor {
	if e == nil || e.shape != mappingShape {
		return factor{number: c.factorNumber(what, e)}
	}
	var d factorDoc
	c.whole("factor", what, e, &d)
	f := factor{number: one, name: name}
	if d.From == nil {
		return f
	}
	column := c.sourceColumn(d.From)
	switch {
	case column == nil:
	case column.Kind != schema.Number && column.Kind != schema.Integer:
		c.add(d.From, "name a number", "%s: %s is a %s, which can't be computed with", what, column.Name, column.Kind)
	default:
		f.column, f.slot = column, c.slot(column)
	}
	return f
}

// factorNumber reads a number that isn't 0.
func (c *compiler) factorNumber(what string, e *element) decimal.Decimal {
	if e == nil {
		return one
	}
	plain, ok := plainNumber([]byte(e.text))
	if !ok || canonicalNumber(plain) == "0" {
		c.add(e, "write a number such as 0.001", "%s: %q is no number, or 0", what, e.text)
		return one
	}
	n, _ := exact.Parse(plain)
	return n
}

// words names the factor as a reader knows it.
func (f *factor) words(e *element) string {
	if f.column != nil {
		return f.column.Name
	}
	return e.text
}

// columns returns the record's columns that the scaling reads.
func (s *scaling) columns() []part {
	var out []part
	if s == nil {
		return nil
	}
	for _, f := range []*factor{&s.times, &s.per} {
		if f.column != nil {
			out = append(out, part{f.slot, f.column})
		}
	}
	return out
}

// value returns the factor of one record.
func (f *factor) value(w *workspace, p *Plan) (n decimal.Decimal, failed *failure) {
	if f.column == nil {
		return f.number, nil
	}
	v, kind, failed := w.scalar(&w.row[f.slot], p.From.System, f.column, p.From.State == StateRow, nil)
	switch {
	case failed != nil:
		return n, fail(failed.reason, f.name+" "+f.column.Name+": "+failed.detail)
	case kind == absent && p.From.State == StateImage:
		return n, fail(imageIncomplete, "the event's image has no column "+f.column.Name+", so its value isn't known: register the image with every column that the contract maps")
	case kind != filled:
		return n, fail("blank-required", "the source says nothing ("+emptyNames[kind]+") in "+f.column.Name+", which the contract computes with")
	}
	n, ok := exact.Parse(v.text)
	switch {
	case !ok:
		return n, fail("out-of-range", "the number in "+f.column.Name+" has more digits than any system keeps")
	case f.name == divisor && n.IsZero():
		return n, fail("bad-value", f.column.Name+", by which the contract divides, is 0")
	}
	return n, nil
}

// divisor is the name of the factor that can't be 0.
const divisor = "per"
