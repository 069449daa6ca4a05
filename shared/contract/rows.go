package contract

import (
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"crosswalk/shared/exact"
	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

// rowsPlan makes one value of the rows of a list.
type rowsPlan struct {
	op string
	// slot is the value's place in a row; unused by count. column is its column there.
	slot   int
	column *schema.Column
	// inner are the places of lists within the rows, whose rows are meant; see listPlan.
	inner []int
	with  string
	where []rowTest
}

// rowTest is true for a row whose column has this value.
type rowTest struct {
	slot   int
	column *schema.Column
	name   string // of the column within the row
	text   string // as matchText writes it
}

// rowsType marks the column that stands for the rows of a list.
const rowsType = "rows"

// rows compiles a field that makes one value of a list's rows. from is the list, or Lines[].Amount for a column of its rows; the
// rows of a list within a list, as in Lines[].Charges[].Amount, are those of all outer rows.
func (c *compiler) rows(d *fieldDoc, in *input, from *element) {
	op := d.Rows.text
	list, isColumn := c.list(d, from)
	switch {
	case list == nil:
		return
	case (op == "count") == isColumn:
		c.add(d.Rows, "write from: "+list.name+" with rows: count, or from: "+list.name+"[].Column with the others", "field %s: count takes the list itself, the others take a column of its rows", d.name.text)
		return
	}
	in.slot = list.slot
	in.rows = &rowsPlan{op: op, inner: list.inner, with: textOf(d.With)}
	whole := &schema.Column{Name: c.scope.full(from.text), Type: rowsType, Kind: schema.Integer, Optional: list.optional}
	if isColumn {
		column := c.sourceColumn(from)
		if column == nil {
			return
		}
		if !c.canAggregate(d, column) {
			return
		}
		in.rows.column, in.rows.slot = column, list.row.Value(pathOf(strings.TrimPrefix(from.text[len(list.name):], "[]"))...)
		kept := *column
		kept.Name, kept.Type = whole.Name, rowsType
		if whole = &kept; op == "join" {
			whole.Kind, whole.MaxLength = schema.Text, 0
		}
	}
	whole.NotNull = op == "count" || op == "sum" // no rows are 0 then
	in.rows.where = c.where(d, list)
	in.column = whole
}

// listPlan is the way to the rows of a list.
type listPlan struct {
	// name is the list's, from the record or the row in scope on.
	name string
	// slot is its place there. Where it lies in the rows of another list, slot is that of the outermost one, and inner has the
	// places of the further ones in the rows before.
	slot  int
	inner []int
	// row is what is wanted of the list's rows.
	row      *slots.Row
	optional bool
}

// list finds the list that from names itself or, isColumn, a column of whose rows it names; nil, with a finding, where there is
// none.
func (c *compiler) list(d *fieldDoc, from *element) (found *listPlan, isColumn bool) {
	names := strings.Split(from.text, "[]")
	if column, ok := c.column(from.text); len(names) > 1 && (!ok || column.Kind != schema.List) {
		names, isColumn = names[:len(names)-1], true
	}
	if c.scope.depth+len(names) > schema.MaxLists {
		c.add(from, "map a list that lies less deep", "field %s: %s lies %d lists deep, and at most %d are read", d.name.text, c.scope.full(from.text), c.scope.depth+len(names), schema.MaxLists)
		return nil, isColumn
	}
	l := &listPlan{row: c.scope.row}
	for i, name := range names {
		l.name = strings.Join(names[:i+1], "[]")
		column := c.sourceColumn(&element{text: l.name, line: from.line, column: from.column})
		switch {
		case column == nil:
			return nil, isColumn
		case column.Kind != schema.List:
			c.add(from, "remove rows, or map a list", "field %s: %s is a %s and has no rows", d.name.text, l.name, column.Kind)
			return nil, isColumn
		}
		slot, row := l.row.List(pathOf(name)...)
		if l.row = row; i > 0 {
			l.inner = append(l.inner, slot)
		} else {
			l.slot, l.optional = slot, column.Optional
			if c.scope.list == "" {
				c.slots[l.name] = slot
			}
		}
	}
	return l, isColumn
}

// where compiles which rows of a list are wanted.
func (c *compiler) where(d *fieldDoc, list *listPlan) []rowTest {
	if d.Where == nil {
		return nil
	}
	var out []rowTest
	for _, m := range d.Where.members {
		column := c.sourceColumn(&element{text: list.name + "[]." + m.key.text, line: m.key.line, column: m.key.column})
		if column == nil {
			continue
		}
		text, why, fix := matchable(column, m.value.text)
		if strings.TrimSpace(m.value.text) == "" {
			why, fix = "is never blank in a row that counts", "write the value that is wanted"
		}
		if why != "" {
			c.add(m.value, fix, "field %s: %s %s", d.name.text, column.Name, why)
			continue
		}
		out = append(out, rowTest{list.row.Value(pathOf(m.key.text)...), column, m.key.text, text})
	}
	return out
}

// pathOf returns the names on the way to a column, none for "", which is the row itself.
func pathOf(column string) []string {
	if column = strings.TrimPrefix(column, "."); column == "" {
		return nil
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
	return out + whereWords(r.where)
}

// whereWords says which rows are meant, "" for all.
func whereWords(where []rowTest) string {
	out := ""
	for i, t := range where {
		word := " and "
		if i == 0 {
			word = ", of those where "
		}
		out += word + t.name + " is " + strconv.Quote(t.text)
	}
	return out
}

// readRows reads the list and makes one value of it. Rows whose value is blank don't count, but for count. No row at all is 0
// for count and sum, else empty.
func (p *Plan) readRows(w *workspace, in *input) (scalar, empty, *failure) {
	list := &w.row[in.slot]
	if kind, failed := p.listKind(list); failed != nil || kind != filled {
		return scalar{}, kind, failed
	}
	r := rowsRun{plan: in.rows, zone: in.zone, out: scalar{kind: in.column.Kind}}
	begin := len(w.texts)
	if failed := p.gather(w, &r, list, in.rows.inner); failed != nil {
		return scalar{}, filled, failed
	}
	return r.end(w, begin)
}

// listKind tells a list from a blank.
func (p *Plan) listKind(list *slots.Slot) (empty, *failure) {
	switch {
	case list.Kind == slots.List:
		return filled, nil
	case list.Kind == slots.Null, list.Kind == slots.Absent && p.From.State == StateRow:
		return null, nil
	case list.Kind == slots.Absent:
		return absent, nil
	}
	return filled, fail("bad-type", "the source holds no list where its schema says that there is one")
}

// gather adds the rows of a list, or those of the lists that lie in its rows at inner; a blank one of these has no rows.
func (p *Plan) gather(w *workspace, r *rowsRun, list *slots.Slot, inner []int) *failure {
	for row := range w.Rows(list) {
		var failed *failure
		switch {
		case len(inner) == 0:
			failed = p.gatherRow(w, r, row)
		default:
			var kind empty
			if kind, failed = p.listKind(&row[inner[0]]); failed == nil && kind == filled {
				failed = p.gather(w, r, &row[inner[0]], inner[1:])
			}
		}
		if failed != nil || r.done {
			return failed
		}
	}
	return nil
}

func (p *Plan) gatherRow(w *workspace, r *rowsRun, row []slots.Slot) *failure {
	wanted, failed := p.meets(w, r.plan.where, row)
	if failed != nil || !wanted {
		return failed
	}
	if r.plan.op == "count" {
		r.count++
		return nil
	}
	v, kind, failed := w.scalar(&row[r.plan.slot], p.From.System, r.plan.column, true, r.zone)
	if failed == nil && kind == filled {
		failed = r.add(w, v)
	}
	r.done = r.plan.op == "first" && r.count > 0
	return failed
}

// meets reports whether a row has the values that are asked for.
func (p *Plan) meets(w *workspace, where []rowTest, row []slots.Slot) (bool, *failure) {
	for i := range where {
		t := &where[i]
		v, kind, failed := w.scalar(&row[t.slot], p.From.System, t.column, true, nil)
		if failed != nil {
			return false, failed
		}
		if kind != filled || v.matchText(t.column) != t.text {
			return false, nil
		}
	}
	return true, nil
}

// rowsRun is the value under way.
type rowsRun struct {
	plan  *rowsPlan
	zone  *time.Location
	count int
	done  bool
	out   scalar
	sum   decimal.Decimal
}

func (r *rowsRun) add(w *workspace, v scalar) *failure {
	r.count++
	switch op := r.plan.op; {
	case op == "sum":
		d, ok := exact.Parse(v.text)
		if !ok {
			return fail("out-of-range", "the number has more digits than any system keeps")
		}
		r.sum = r.sum.Add(d)
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
		plain, ok := plainNumber(exact.Text(r.sum))
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
