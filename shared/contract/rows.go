package contract

import (
	"strconv"
	"strings"

	"github.com/cockroachdb/apd/v3"

	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

// rowsPlan makes one value of the rows of a list.
type rowsPlan struct {
	op string
	// slot is the value's place in a row; unused by count. column is its column there.
	slot   int
	column *schema.Column
	with   string
	where  []rowTest
}

// rowTest is true for a row whose column has this text.
type rowTest struct {
	slot   int
	column *schema.Column
	text   string
}

// rowsType marks the column that stands for the rows of a list.
const rowsType = "rows"

// rows compiles a field that makes one value of a list's rows. from is the list, or Lines[].Amount for a column of its rows.
func (c *compiler) rows(d *fieldDoc, in *input, from *element) {
	name, column, isColumn := strings.Cut(from.text, "[]")
	column = strings.TrimPrefix(column, ".")
	op := d.Rows.text
	list := c.sourceColumn(&element{text: name, line: from.line, column: from.column})
	switch {
	case list == nil:
		return
	case list.Kind != schema.List:
		c.add(from, "remove rows, or map a list", "field %s: %s is a %s and has no rows", d.name.text, name, list.Kind)
		return
	case strings.Contains(column, "[]"):
		c.add(from, "map a list that lies in no other", "field %s: a list within a list can't be mapped", d.name.text)
		return
	case (op == "count") == isColumn:
		c.add(d.Rows, "write from: "+name+" with rows: count, or from: "+name+"[].Column with the others", "field %s: count takes the list itself, the others take a column of its rows", d.name.text)
		return
	}
	slot, row := c.plan.root.List(strings.Split(name, ".")...)
	c.slots[name], in.slot = slot, slot
	in.rows = &rowsPlan{op: op, with: textOf(d.With)}
	whole := &schema.Column{Name: from.text, Type: rowsType, Kind: schema.Integer, Optional: list.Optional}
	if isColumn {
		inner := c.sourceColumn(from)
		if inner == nil {
			return
		}
		if !c.canAggregate(d, inner) {
			return
		}
		in.rows.column, in.rows.slot = inner, row.Value(pathOf(column)...)
		kept := *inner
		kept.Name, kept.Type = from.text, rowsType
		if whole = &kept; op == "join" {
			whole.Kind, whole.MaxLength = schema.Text, 0
		}
	}
	whole.NotNull = op == "count" || op == "sum" // no rows are 0 then
	if d.Where != nil {
		for _, m := range d.Where.members {
			other := c.sourceColumn(&element{text: name + "[]." + m.key.text, line: m.key.line, column: m.key.column})
			if other == nil {
				continue
			}
			if _, known := other.Option(m.value.text); other.Kind == schema.Choice && !known {
				c.add(m.value, "use one of "+optionList(other), "field %s: %s has no option %q", d.name.text, other.Name, m.value.text)
			}
			in.rows.where = append(in.rows.where, rowTest{row.Value(pathOf(m.key.text)...), other, m.value.text})
		}
	}
	in.column = whole
}

func pathOf(column string) []string {
	if column == "" {
		return nil // the row is the value itself
	}
	return strings.Split(column, ".")
}

// canAggregate adds a finding for an operation that the column's type doesn't have.
func (c *compiler) canAggregate(d *fieldDoc, column *schema.Column) bool {
	numeric := column.Kind == schema.Integer || column.Kind == schema.Number
	switch op := d.Rows.text; {
	case op == "sum" && !numeric, (op == "min" || op == "max") && !numeric && column.Kind != schema.Time:
		c.add(d.Rows, "use first, last or join", "field %s: %s is a %s and has no %s", d.name.text, column.Name, column.Kind, op)
	case op == "join" && (column.Kind == schema.List || column.Kind == schema.Boolean || column.Kind == schema.Choice && c.plan.From.System == schema.Dataverse):
		c.add(d.Rows, "use first or last", "field %s: a %s can't be joined with others", d.name.text, column.Kind)
	default:
		return true
	}
	return false
}

// words says what is made of the rows.
func (r *rowsPlan) words() string {
	out := map[string]string{"count": "the number of rows", "sum": "the sum over the rows", "min": "the least of the rows", "max": "the greatest of the rows",
		"first": "the first row that says something", "last": "the last row that says something", "join": "all rows joined with " + strconv.Quote(r.with)}[r.op]
	for i, t := range r.where {
		word := " and "
		if i == 0 {
			word = ", of those where "
		}
		_, name, _ := strings.Cut(t.column.Name, "[].")
		out += word + name + " is " + strconv.Quote(t.text)
	}
	return out
}

// readRows reads the list and makes one value of it. Rows whose value is blank don't count, but for count. No row at all is 0
// for count and sum, else empty.
func (p *Plan) readRows(w *workspace, in *input) (scalar, empty, *failure) {
	list := &w.Slots()[in.slot]
	switch list.Kind {
	case slots.Null:
		return scalar{}, null, nil
	case slots.Absent:
		if p.From.State == StateRow {
			return scalar{}, null, nil
		}
		return scalar{}, absent, nil
	case slots.List:
	default:
		return scalar{}, filled, fail("bad-type", "the source holds no list where its schema says that there is one")
	}
	r := rowsRun{plan: in.rows, out: scalar{kind: in.column.Kind}}
	begin := len(w.texts)
	for row := range w.Rows(list) {
		wanted, failed := p.meets(w, in.rows.where, row)
		if failed != nil {
			return scalar{}, filled, failed
		}
		if !wanted {
			continue
		}
		if in.rows.op == "count" {
			r.count++
			continue
		}
		v, kind, failed := w.scalar(&row[in.rows.slot], p.From.System, in.rows.column, true, in.zone)
		if failed != nil {
			return scalar{}, filled, failed
		}
		if kind == filled {
			if failed := r.add(w, v); failed != nil {
				return scalar{}, filled, failed
			}
		}
		if in.rows.op == "first" && r.count > 0 {
			break
		}
	}
	return r.end(w, begin)
}

// meets reports whether a row has the texts that are asked for.
func (p *Plan) meets(w *workspace, where []rowTest, row []slots.Slot) (bool, *failure) {
	for i := range where {
		t := &where[i]
		v, kind, failed := w.scalar(&row[t.slot], p.From.System, t.column, true, nil)
		if failed != nil {
			return false, failed
		}
		if kind != filled || v.text != t.text {
			return false, nil
		}
	}
	return true, nil
}

// rowsRun is the value under way.
type rowsRun struct {
	plan  *rowsPlan
	count int
	out   scalar
	sum   apd.Decimal
}

func (r *rowsRun) add(w *workspace, v scalar) *failure {
	r.count++
	switch op := r.plan.op; {
	case op == "sum":
		d, ok := decimal(v.text)
		if !ok {
			return fail("out-of-range", "the number has more digits than any system keeps")
		}
		if _, err := exactly.Add(&r.sum, &r.sum, d); err != nil {
			return fail("out-of-range", "the sum has more digits than any system keeps")
		}
	case op == "join":
		if r.count > 1 {
			w.texts = append(w.texts, r.plan.with...)
		}
		if v.kind == schema.Time {
			v.text = momentText(v.moment, r.plan.column.DateOnly)
		}
		w.texts = append(w.texts, v.text...)
	case r.count == 1, op == "last", op == "min" && less(v, r.out), op == "max" && less(r.out, v):
		r.out = v
	}
	return nil
}

func less(a, b scalar) bool {
	if a.kind == schema.Time {
		return a.moment.Before(b.moment)
	}
	return compareNumbers(a.text, b.text) < 0
}

func (r *rowsRun) end(w *workspace, begin int) (scalar, empty, *failure) {
	switch {
	case r.plan.op == "count":
		r.out.text = itoa(r.count)
	case r.plan.op == "sum":
		plain, ok := plainNumber(r.sum.Text('f'))
		if !ok {
			return scalar{}, filled, fail("out-of-range", "the sum has more digits than any system keeps")
		}
		r.out.text = plain
	case r.count == 0:
		return scalar{}, emptyText, nil
	case r.plan.op == "join":
		return scalar{kind: schema.Text, text: slots.View(w.texts[begin:])}, filled, nil
	}
	return r.out, filled, nil
}
