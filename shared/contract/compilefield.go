package contract

import (
	"slices"
	"strings"

	"crosswalk/shared/schema"
)

// mapped compiles a field that reads the source.
func (c *compiler) mapped(d *fieldDoc, f *fieldPlan) {
	if d.Where != nil && d.Rows == nil {
		c.add(d.Where, "add rows: count, or another", "field %s: where means nothing without rows", f.column.Name)
	}
	if textOf(d.Rows) == rowsProject {
		c.projection(d, f)
		return
	}
	if d.Fields != nil {
		c.add(d.Fields, "add rows: project, and name a list in from", "field %s: fields means nothing without rows: project", f.column.Name)
		return
	}
	c.operations(d, f)
	f.input = c.input(d, f, d.From, d.blank, nil)
	c.checks(d, f)
}

// operations compiles what is done to the value, whatever it comes from.
func (c *compiler) operations(d *fieldDoc, f *fieldPlan) {
	f.cut = textOf(d.Longer) == "cut"
	f.edit = c.textEdit(d)
	f.zone = c.zone(d)
	c.numberOperations(d, f)
}

// checks judges the operations against the field's input.
func (c *compiler) checks(d *fieldDoc, f *fieldPlan) {
	c.editing(d, f)
	c.choices(d, f)
	if d.Options != nil {
		c.labels(d, f)
	}
	if f.cut && (f.bind != nil || slices.Contains(c.plan.To.Key, f.column.Name)) {
		c.add(d.Longer, "write longer: reject", "field %s is part of a key: cut keys of two records can become the same", f.column.Name)
	}
}

// input compiles one source field and, through its blank rules, those it falls back to. edits is what a fallback does to its own text,
// nil for nothing.
func (c *compiler) input(d *fieldDoc, f *fieldPlan, from *element, blank *blankDoc, edits *insteadDoc) *input {
	in := &input{zone: f.zone, id: f.bind != nil && f.bind.pair != ""}
	if from.shape == listShape && d.Rows != nil && from == d.From {
		c.add(d.Rows, "map one column of the rows", "field %s: rows makes one value of one list, not of several texts", f.column.Name)
		return nil
	}
	if from.shape == listShape {
		c.joined(d, in, from)
	} else {
		if d.With != nil && from == d.From && textOf(d.Rows) != "join" {
			c.add(d.With, "remove with, or write a list: from: [A, B]", "field %s: with means nothing for one text", f.column.Name)
		}
		if d.Needs != nil && from == d.From {
			c.add(d.Needs, "remove needs, or write a list: from: [A, B]", "field %s: needs means nothing for one text", f.column.Name)
		}
		switch {
		case d.Rows != nil && from == d.From:
			c.rows(d, in, from)
		case strings.Contains(from.text, "[]"):
			c.add(from, "say what is made of the rows: rows: sum, or another of count, min, max, first, last, join, project", "field %s: %s has a value in each row", f.column.Name, from.text)
		default:
			if in.column = c.sourceColumn(from); in.column != nil {
				in.slot = c.slot(in.column)
			}
		}
	}
	if c.early(d, f, in, from, edits); in.column == nil {
		return nil
	}
	in.label = f.column.Name + " (from " + in.column.Name + ")"
	if in.id && c.plan.From.System == schema.Dataverse && in.column.Kind != schema.Reference && in.column.Kind != schema.GUID {
		c.add(from, "map a lookup", "field %s: the link knows records of dataverse by their unique identifiers, and %s is a %s", f.column.Name, in.column.Name, in.column.Kind)
	}
	if f.choicesWanted(d) {
		if in.column.Kind == schema.Time || in.column.Kind == schema.List {
			c.add(from, "map another field", "field %s: a %s can't be looked up in a map or table", f.column.Name, in.column.Kind)
		}
	} else {
		c.convertible(d, f, from, in.column)
	}
	c.blanks(d, f, in, blank, from)
	return in
}

// sourceColumn finds a source column, or adds a finding.
func (c *compiler) sourceColumn(from *element) *schema.Column {
	column, ok := c.column(from.text)
	if !ok {
		of := c.plan.source.Name
		if c.scope.list != "" {
			of = "a row of " + strings.TrimSuffix(c.scope.list, "[]")
		}
		c.add(from, c.meantHere(from.text), "%s has no field %q", of, from.text)
		return nil
	}
	return column
}

// joined compiles a list of source columns whose texts are joined. One column that stands for them all has their names and
// the length they can have together.
func (c *compiler) joined(d *fieldDoc, in *input, from *element) {
	in.with, in.all = textOf(d.With), textOf(d.Needs) == "all"
	if in.id {
		in.with, in.all = "/", true // the values of a key, as the link knows it
		if d.With != nil {
			c.add(d.With, "remove with", "field %s: the values of a record's key are put together as the link knows them", d.name.text)
		}
	}
	whole := &schema.Column{Type: "joined text", Kind: schema.Text}
	var names []string
	for i, item := range from.items {
		column := c.sourceColumn(item)
		if column == nil {
			return
		}
		if column.Kind == schema.List || column.Kind == schema.Choice && c.plan.From.System == schema.Dataverse || column.Kind == schema.Boolean {
			c.add(item, "join texts and numbers", "field %s: a %s can't be joined with others", d.name.text, column.Kind)
			return
		}
		longest, known := longestText(column)
		if i == 0 && known {
			whole.MaxLength = longest
		} else if whole.MaxLength > 0 {
			whole.MaxLength += longest + textLength(in.with)
		}
		if !known {
			whole.MaxLength = -1 // nobody knows
		}
		whole.Optional = whole.Optional || column.Optional
		in.parts = append(in.parts, part{c.slot(column), column})
		names = append(names, column.Name)
	}
	if whole.MaxLength < 0 {
		whole.MaxLength = 0
	}
	whole.Name = strings.Join(names, ", ")
	in.column = whole
	if !in.all && slices.Contains(c.plan.To.Key, d.name.text) {
		c.add(from, "add needs: all", "field %s is part of the key: joined from parts of which one may be blank, two records can get the same key", d.name.text)
	}
}

func (f *fieldPlan) choicesWanted(d *fieldDoc) bool {
	return d.Map != nil || d.table != nil || d.Options != nil
}

// slot gives the source column its place and enters its path into the tree of wanted members.
func (c *compiler) slot(column *schema.Column) int {
	name := c.property(column)
	if c.scope.list != "" {
		return c.scope.row.Value(pathOf(c.scope.within(name))...)
	}
	if s, ok := c.slots[name]; ok {
		return s
	}
	c.slots[name] = c.plan.root.Value(strings.Split(name, ".")...)
	return c.slots[name]
}

// property returns a source column's name on the wire.
func (c *compiler) property(column *schema.Column) string {
	if column.Kind == schema.Reference && c.plan.From.System == schema.Dataverse {
		return lookupProperty(column.Name)
	}
	return column.Name
}

// lookupProperty is how the Dataverse Web API names a lookup's id in a row it returns.
func lookupProperty(column string) string { return "_" + column + "_value" }

// convertible checks that the source's type goes into the target's without loss, and that its texts fit.
func (c *compiler) convertible(d *fieldDoc, f *fieldPlan, at *element, source *schema.Column) {
	target := f.column
	if f.bind != nil {
		target = f.bind.key
	}
	from := source.Kind
	if f.edit.any() {
		if from == schema.Time || from == schema.List || from == schema.Boolean {
			c.add(at, "remove split, strip, case, pad and prefix", "field %s: a %s can't be edited as a text", f.column.Name, from)
			return
		}
		from = schema.Text
	}
	if c.reckoned(d, f, at, from) {
		from = schema.Number
	}
	if target.Kind == schema.Integer && from == schema.Number && f.round != nil && f.round.places == 0 {
		from, source = schema.Integer, &schema.Column{Name: source.Name, Type: source.Type, Kind: schema.Integer}
	}
	if d.DatePart == nil {
		c.zoned(d, f, at, source, target)
	}
	if why, fix := c.loss(d, from, source, target, f.zone != nil); why != "" {
		c.add(at, fix, "field %s: %s can't become %s without loss: %s", f.column.Name, describeColumn(source), describeColumn(target), why)
		return
	}
	if target.Kind == schema.Text && target.MaxLength > 0 && d.Longer == nil {
		c.fits(f, at, source, target)
	}
}

func describeColumn(c *schema.Column) string { return c.Name + " (" + c.Type + ")" }

// loss says why a source type can't go into a target type as it is, and what to do; "" where it can.
func (c *compiler) loss(d *fieldDoc, from schema.Kind, source, target *schema.Column, zoned bool) (why, fix string) {
	const useMap = "say what each value becomes: map: {…}, other: reject"
	switch {
	case from == schema.List:
		return "a list has many values", "say what is made of its rows, such as rows: count, or rows: project with fields"
	case from == schema.Choices:
		return "a set of options has many values", "map another field"
	case target.Kind == schema.List:
		return "one value is no list", "name a list and say what becomes of its rows: from: Lines, rows: project, fields: {…}"
	case target.Kind == schema.Text:
		if from == schema.Boolean {
			return "nobody can know which texts stand for yes and no", useMap
		}
		if from == schema.Choice && c.plan.From.System == schema.Dataverse {
			return "an option's number says nothing outside its table", useMap
		}
	case target.Kind == schema.Integer:
		if from == schema.Number {
			return "decimal places would be lost", "say how to round, such as round: {places: 0, mode: half-even}, or map a whole number"
		}
		if from == schema.Integer && d.OutOfRange == nil && (compareNumbers(bound(source.Min, minInt64), bound(target.Min, minInt64)) < 0 || compareNumbers(bound(source.Max, maxInt64), bound(target.Max, maxInt64)) > 0) && wider(source, target) {
			return "the source's numbers go further than the target's", "map it to a wider field or to a text, or say what becomes of the others: outOfRange: reject"
		}
		if from != schema.Integer && from != schema.Text {
			return "they mean different things", useMap
		}
	case target.Kind == schema.Number:
		if from != schema.Integer && from != schema.Number && from != schema.Text {
			return "they mean different things", useMap
		}
	case target.Kind == schema.Choice:
		if from != schema.Choice || c.plan.From.System != c.plan.To.System || !covered(source, target) {
			return "the target has options of its own", useMap
		}
	case target.Kind == schema.Time:
		if from == schema.Time && target.DateOnly && !source.DateOnly && !zoned {
			return "the time of day would be lost", "add the zone whose day is meant, such as zone: Europe/Berlin, or map a field that holds a day"
		}
		if from == schema.Time && !target.DateOnly && source.DateOnly && !zoned {
			return "a day has no time", "add the zone in which the day begins, such as zone: Europe/Berlin, or map a field that holds an instant"
		}
		if from != schema.Time {
			return "a date must come from a date", "map a date field"
		}
	case target.Kind != from && (target.Kind != schema.GUID || from != schema.Reference):
		return "they mean different things", useMap
	}
	return "", ""
}

const (
	minInt64 = "-9223372036854775808"
	maxInt64 = "9223372036854775807"
)

func bound(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// wider reports whether the source is a 64-bit number and the target is not: the ranges of business fields are checked
// per record, the ranges of types here.
func wider(source, target *schema.Column) bool {
	long := func(t string) bool { return t == "BigInt" || t == "Int64" }
	return long(source.Type) && !long(target.Type)
}

// covered reports whether every option of the source is one of the target.
func covered(source, target *schema.Column) bool {
	return !slices.ContainsFunc(source.Options, func(o schema.Option) bool { _, ok := target.Option(o.Value); return !ok })
}

// fits adds a finding where a source's text can be longer than the target's and nothing says what happens then.
func (c *compiler) fits(f *fieldPlan, at *element, source, target *schema.Column) {
	longest, known := longestText(source)
	longest = f.edit.longest(longest)
	const fix = "add longer: reject or longer: cut"
	switch {
	case !known:
		c.add(at, fix, "field %s: nobody knows how long %s can be, and %s takes %d characters", f.column.Name, source.Name, target.Name, target.MaxLength)
	case longest > target.MaxLength:
		c.add(at, fix, "field %s: %s can have %d characters, and %s takes %d", f.column.Name, source.Name, longest, target.Name, target.MaxLength)
	}
}

// longestText returns how long the text of a column's values can be.
func longestText(column *schema.Column) (length int, known bool) {
	switch column.Kind {
	case schema.Integer:
		if column.Min == "" || column.Max == "" {
			return len(minInt64), true
		}
		return max(len(column.Min), len(column.Max)), true
	case schema.Boolean:
		return len("false"), true
	case schema.GUID, schema.Reference:
		return 38, true
	case schema.Time:
		return len("2006-01-02T15:04:05.999999999Z"), true
	case schema.Choice:
		for _, o := range column.Options {
			length = max(length, textLength(o.Value))
		}
		return length, true
	case schema.Text:
		return column.MaxLength, column.MaxLength > 0
	}
	return 0, false
}

// editing checks the operations on text.
func (c *compiler) editing(d *fieldDoc, f *fieldPlan) {
	if d.Pad != nil && f.choicesWanted(d) {
		c.add(d.Pad, "pad the map's or table's values", "field %s: pad and map or table exclude each other", f.column.Name)
	}
	if d.Prefix != nil && f.choicesWanted(d) {
		c.add(d.Prefix, "write the prefix into the map's or table's values", "field %s: prefix and map or table exclude each other", f.column.Name)
	}
	if d.Longer != nil && f.column.Kind != schema.Text && f.bind == nil {
		c.add(d.Longer, "remove longer", "field %s is no text, so it can't be longer", f.column.Name)
	}
}

// choices compiles a map or a table.
func (c *compiler) choices(d *fieldDoc, f *fieldPlan) {
	at, what := d.Map, "map"
	if at == nil {
		at, what = d.table, "table"
	}
	if at == nil {
		if d.Other != nil && d.Options == nil && d.Table == nil {
			c.add(d.Other, "remove other, or add map or table", "field %s: other means nothing without a map or table", f.column.Name)
		}
		if d.Options != nil {
			c.other(d, f)
		}
		return
	}
	if d.Map != nil && d.table != nil {
		c.add(d.table, "keep one of them", "field %s: map and table exclude each other", f.column.Name)
	}
	f.choices = make(map[string]literal, len(at.members))
	for _, m := range at.members {
		key := m.key.text
		switch {
		case f.edit.letters == "lower" && key != strings.ToLower(key), f.edit.letters == "upper" && key != strings.ToUpper(key):
			c.add(m.key, "write the key in "+f.edit.letters+" case", "field %s: the %s's key %q can never match, because case: %s comes first", f.column.Name, what, key, f.edit.letters)
		case d.Map != nil:
			c.option(f, m.key)
		default:
			c.spelt(f, m.key)
		}
		f.choices[key] = c.literal(m.value, f, what+" value")
	}
	c.other(d, f)
	c.unlisted(d, f)
}

func (c *compiler) other(d *fieldDoc, f *fieldPlan) {
	if d.Other != nil && d.Other.shape == nullShape {
		nothing, hasNothing := c.nothing(f.column)
		switch {
		case c.mustHave(f.column):
			c.add(d.Other, "write other: reject, or a value", "field %s is required and can't be left empty", f.column.Name)
		case !hasNothing:
			c.add(d.Other, "write other: reject, or a value", "field %s: %s has no empty %s", f.column.Name, c.plan.To.System, f.column.Kind)
		}
		f.other, f.otherEmpties = &literal{json: []byte(nothing)}, true
		return
	}
	if d.Other != nil && !(d.Other.shape == textShape && d.Other.text == "reject") {
		l := c.literal(d.Other, f, "other")
		f.other = &l
	}
}

// reckoned reports whether the field computes with its value as a number, which only numbers and texts can be.
func (c *compiler) reckoned(d *fieldDoc, f *fieldPlan, at *element, from schema.Kind) bool {
	if f.scale == nil && f.round == nil {
		return false
	}
	if from != schema.Number && from != schema.Integer && from != schema.Text {
		c.add(at, "remove unit, times, per and round", "field %s: a %s isn't computed with", f.column.Name, from)
	}
	return true
}

// zoned checks that a zone has something to do.
func (c *compiler) zoned(d *fieldDoc, f *fieldPlan, at *element, source, target *schema.Column) {
	switch {
	case f.zone == nil || at != d.From:
	case source.Kind != schema.Time:
		c.add(d.Zone, "remove zone", "field %s: zone is for dates, and %s is a %s", f.column.Name, source.Name, source.Kind)
	case source.DateOnly && (target.DateOnly || target.Kind == schema.Text):
		c.add(d.Zone, "remove zone", "field %s: a day stays the same day in every zone", f.column.Name)
	}
}

// fallsBackTo reports whether the input's blank rules can take a column for which ok is true.
func (in *input) fallsBackTo(ok func(*schema.Column) bool) bool {
	return slices.ContainsFunc(in.blanks[:], func(b blankPlan) bool { return b.other != nil && (ok(b.other.column) || b.other.fallsBackTo(ok)) })
}

// option checks that the source can hold the value that a map's key names.
func (c *compiler) option(f *fieldPlan, key *element) {
	if f.input == nil {
		return
	}
	source := f.input.column
	if f.edit.any() || source.Kind == schema.Text || source.Kind == schema.Time || source.Kind == schema.List {
		return
	}
	_, why, fix := matchable(source, key.text)
	if why == "" {
		c.spelt(f, key)
	} else if !f.input.fallsBackTo(func(c *schema.Column) bool {
		_, why, _ := matchable(c, key.text)
		return c.Kind == schema.Text || why == ""
	}) {
		c.add(key, fix, "field %s: %s %s", f.column.Name, source.Name, why)
	}
}

// spelt adds a finding for a number or unique identifier that a map's or table's key writes in another way than it is looked up.
func (c *compiler) spelt(f *fieldPlan, key *element) {
	if f.input == nil || f.edit.any() || f.input.fallsBackTo(func(c *schema.Column) bool { return c.Kind == schema.Text }) {
		return
	}
	source := f.input.column
	if source.Kind != schema.Integer && source.Kind != schema.Number && source.Kind != schema.GUID && source.Kind != schema.Reference {
		return
	}
	if text, why, _ := matchable(source, key.text); why == "" && text != key.text {
		c.add(key, "write \""+text+"\"", "field %s: %s is a %s, which is looked up as %q and never as %q", f.column.Name, source.Name, source.Kind, text, key.text)
	}
}

// unlisted adds a finding where the source has options that a map doesn't list and no "other" says what they become.
func (c *compiler) unlisted(d *fieldDoc, f *fieldPlan) {
	if d.Map == nil || d.Other != nil || f.input == nil || f.edit.any() {
		return
	}
	options := f.input.column.Options
	if f.input.column.Kind == schema.Boolean {
		options = []schema.Option{{Value: "false"}, {Value: "true"}}
	}
	var missing []string
	for _, o := range options {
		if _, ok := f.choices[o.Value]; !ok {
			missing = append(missing, o.Value)
		}
	}
	if len(missing) > 0 {
		c.add(d.Map, "map them, or add other: reject", "field %s: the map doesn't say what %s's %s becomes", f.column.Name, f.input.column.Name, strings.Join(missing, ", "))
	}
}

// columns works out what reads of the source and of the target must select.
func (c *compiler) columns() {
	for name := range c.slots {
		top, _, _ := strings.Cut(name, ".")
		c.plan.columns = append(c.plan.columns, top)
	}
	slices.Sort(c.plan.columns)
	c.plan.columns = slices.Compact(c.plan.columns)
	for i := range c.plan.fields {
		if c.plan.fields[i].initial {
			continue
		}
		c.plan.targetColumns = append(c.plan.targetColumns, rowProperty(c.plan.fields[i].column))
	}
	slices.Sort(c.plan.targetColumns)
}

// rowProperty is how a target column is named in a row that was read.
func rowProperty(column *schema.Column) string {
	if column.Kind == schema.Reference {
		return lookupProperty(column.Name)
	}
	return column.Name
}
