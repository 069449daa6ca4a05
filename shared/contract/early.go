package contract

import (
	"strconv"
	"time"

	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

// early is what is done to a source column's value before the field's own operations: the part of a date that is wanted, and what a
// fallback does to its text.
type early struct {
	// column is the source's own; the input's stands for what comes out.
	column *schema.Column
	part   *datePart
	edit   *textEdit
}

// datePart is one part of a date.
type datePart struct {
	name, words string
	// min and max bound a number; a text has length characters.
	min, max string
	length   int
	of       func(time.Time) int
	layout   string
}

// dateParts are the parts that there are. Weeks are those of ISO 8601: they begin on Monday, and the first of a year is the one with
// its first Thursday, so the days around New Year can belong to a week of another year.
var dateParts = []datePart{
	{name: "year", words: "its year", min: "1", max: "9999", of: time.Time.Year},
	{name: "quarter", words: "its quarter", min: "1", max: "4", of: func(t time.Time) int { return int(t.Month()+2) / 3 }},
	{name: "month", words: "its month", min: "1", max: "12", of: func(t time.Time) int { return int(t.Month()) }},
	{name: "day", words: "its day of the month", min: "1", max: "31", of: time.Time.Day},
	{name: "weekday", words: "its weekday, Monday being 1", min: "1", max: "7", of: func(t time.Time) int { return int(t.Weekday()+6)%7 + 1 }},
	{name: "week", words: "its week by ISO 8601", min: "1", max: "53", of: func(t time.Time) int { _, week := t.ISOWeek(); return week }},
	{name: "weekYear", words: "the year of its week by ISO 8601", min: "1", max: "9999", of: func(t time.Time) int { year, _ := t.ISOWeek(); return year }},
	{name: "date", words: "its date", length: len(time.DateOnly), layout: time.DateOnly},
	{name: "time", words: "its time of day", length: len(time.TimeOnly), layout: time.TimeOnly},
}

// column stands for the part of a date that the source's column holds.
func (p *datePart) column(source *schema.Column) *schema.Column {
	out := &schema.Column{Name: source.Name, Type: p.words, Kind: schema.Integer, Min: p.min, Max: p.max, NotNull: source.NotNull, Optional: source.Optional}
	if p.layout != "" {
		out.Kind, out.MaxLength = schema.Text, p.length
	}
	return out
}

// text is the part of a date on the clocks of zone; a day has none.
func (p *datePart) text(w *workspace, t time.Time, zone *time.Location) string {
	if zone != nil {
		t = t.In(zone)
	}
	begin := len(w.texts)
	if p.layout != "" {
		w.texts = t.AppendFormat(w.texts, p.layout)
	} else {
		w.texts = strconv.AppendInt(w.texts, int64(p.of(t)), 10)
	}
	return slots.View(w.texts[begin:])
}

// source is the column that the input reads; for joined texts and the like one that stands for them all.
func (in *input) source() *schema.Column {
	if in.early != nil {
		return in.early.column
	}
	return in.column
}

// splits reports whether a part of the text is taken, which may not be there.
func (in *input) splits(f *fieldPlan) bool {
	return f.edit.split != nil || in.early != nil && in.early.edit != nil && in.early.edit.split != nil
}

// readEarly returns the value of an input with early operations.
func (p *Plan) readEarly(w *workspace, in *input) (scalar, empty, *failure) {
	e := in.early
	v, kind, failed := w.scalar(&w.row[in.slot], p.From.System, e.column, p.From.State == StateRow, in.zone)
	if failed != nil || kind != filled {
		return v, kind, failed
	}
	if e.part != nil {
		v = scalar{kind: in.column.Kind, text: e.part.text(w, v.moment, in.zone)}
	}
	if e.edit == nil {
		return v, filled, nil
	}
	text, missing, failed := e.edit.shape(w, v.text)
	if missing {
		return scalar{}, emptyText, nil
	}
	return scalar{kind: schema.Text, text: text}, filled, failed
}

// early compiles the operations that come first. It leaves the input without a column where they aren't possible.
func (c *compiler) early(d *fieldDoc, f *fieldPlan, in *input, from *element, edits *insteadDoc) {
	if in.column == nil || d.DatePart == nil && edits == nil {
		return
	}
	at := d.DatePart
	if edits != nil {
		at = edits.first()
	}
	if in.parts != nil || in.rows != nil || in.id || f.project != nil {
		c.add(at, "map one column", "field %s: datePart, and split, strip and case of a fallback, take the value of one column", f.column.Name)
		in.column = nil
		return
	}
	e := &early{column: in.column}
	if d.DatePart != nil {
		if e.part = c.datePart(d, f, from, in.column); e.part == nil {
			in.column = nil
			return
		}
		in.column = e.part.column(in.column)
	}
	if edits != nil {
		if kind := in.column.Kind; kind == schema.Time || kind == schema.List || kind == schema.Boolean {
			c.add(at, "remove split, strip and case", "field %s: a %s can't be edited as a text", f.column.Name, kind)
			in.column = nil
			return
		}
		edit := c.textEdit(&fieldDoc{name: d.name, Split: edits.Split, Strip: edits.Strip, Case: edits.Case})
		longest, _ := longestText(in.column)
		e.edit, in.column = &edit, &schema.Column{Name: in.column.Name, Type: in.column.Type, Kind: schema.Text, MaxLength: longest, NotNull: in.column.NotNull, Optional: in.column.Optional}
	}
	in.early = e
}

// datePart finds the part of a date that the field wants; nil, with a finding, where the column has none.
func (c *compiler) datePart(d *fieldDoc, f *fieldPlan, from *element, column *schema.Column) *datePart {
	var part *datePart
	for i := range dateParts {
		if dateParts[i].name == d.DatePart.text {
			part = &dateParts[i]
		}
	}
	switch {
	case column.Kind != schema.Time:
		c.add(from, "map a date, or remove datePart", "field %s: datePart: %s is a %s", f.column.Name, column.Name, column.Kind)
	case column.DateOnly && part.name == "time":
		c.add(d.DatePart, "map an instant", "field %s: datePart: %s is a day and has no time", f.column.Name, column.Name)
	case column.DateOnly && f.zone != nil && from == d.From:
		c.add(d.Zone, "remove zone", "field %s: a day stays the same day in every zone", f.column.Name)
	case !column.DateOnly && d.Zone == nil:
		c.add(d.DatePart, "add the zone whose clocks are meant, such as zone: Europe/Berlin", "field %s: datePart: %s is an instant, and its %s depends on the zone", f.column.Name, column.Name, part.name)
	default:
		return part
	}
	return nil
}

// words says what comes first, in order.
func (e *early) words(zone *time.Location) []string {
	var out []string
	if e.part != nil {
		words := e.part.words
		if zone != nil && !e.column.DateOnly {
			words += " by the clocks of " + zone.String()
		}
		out = append(out, words)
	}
	if e.edit != nil {
		out = append(out, e.edit.words()...)
	}
	return out
}
