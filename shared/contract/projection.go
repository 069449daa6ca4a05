package contract

import (
	"slices"
	"strings"

	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

// projection makes a list of the rows of a list: of each row an object with members, or one value.
type projection struct {
	where []rowTest
	// source and target are the rows as findings and faults name them: Lines[] and cw_lines[].
	source, target string
	// members is nil where each row becomes the one value.
	members []fieldPlan
	value   *fieldPlan
	// text says that the target is a text, which then holds the list as JSON, of at most limit characters (0 is no limit).
	text  bool
	limit int
	// options says that the target is a set of options.
	options bool
}

// each returns the members, or the one value.
func (j *projection) each() []*fieldPlan {
	if j.value != nil {
		return []*fieldPlan{j.value}
	}
	out := make([]*fieldPlan, len(j.members))
	for i := range j.members {
		out[i] = &j.members[i]
	}
	return out
}

// words says what is made of the rows.
func (j *projection) words() string {
	out := "a list with an object for each row"
	switch {
	case j.options:
		out = "the options that the rows have"
	case j.value != nil:
		out = "a list with a value for each row that has one"
	}
	out += whereWords(j.where)
	if j.text {
		out += ", as JSON"
	}
	return out
}

// rowsProject is the word that asks for a projection.
const rowsProject = "project"

// scope is where a field's names are looked up: in the record, or in the rows of a list.
type scope struct {
	// list and target are the rows of the source and of the target, such as Lines[] and cw_lines[]; "" for the record.
	list, target string
	row          *slots.Row
	// depth is how many lists deep the rows lie.
	depth int
	// system is the system in whose form values are written; "" within a text that holds JSON.
	system string
}

// full returns a column's name as the schema has it; name is "" for the row itself.
func (s *scope) full(name string) string {
	switch {
	case s.list == "":
		return name
	case name == "":
		return s.list
	}
	return s.list + "." + name
}

// within returns the name that a column has in the scope, "" for the row itself.
func (s *scope) within(full string) string {
	return strings.TrimPrefix(strings.TrimPrefix(full, s.list), ".")
}

// column finds the source's column of this name in the scope.
func (c *compiler) column(name string) (*schema.Column, bool) {
	return c.plan.source.Column(c.scope.full(name))
}

// meantHere is meant for a source column in the scope.
func (c *compiler) meantHere(name string) string {
	if c.scope.list == "" {
		return c.meant(name, c.plan.source)
	}
	var names []string
	for _, column := range c.plan.source.Columns {
		if strings.HasPrefix(column.Name, c.scope.list+".") {
			names = append(names, c.scope.within(column.Name))
		}
	}
	if near := nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "use one of " + strings.Join(names, ", ")
}

// projection compiles a field that is made of the rows of a list.
func (c *compiler) projection(d *fieldDoc, f *fieldPlan) {
	if d.From.shape == listShape {
		c.add(d.From, "name one list", "field %s: rows makes one value of one list, not of several texts", f.column.Name)
		return
	}
	list, isColumn := c.list(d, d.From)
	if list == nil || !c.projects(d, f, list, isColumn) {
		return
	}
	j := &projection{where: c.where(d, list), source: c.scope.full(list.name) + "[]", target: f.column.Name + "[]", text: f.column.Kind == schema.Text, limit: f.column.MaxLength, options: f.column.Kind == schema.Choices}
	whole := &schema.Column{Name: c.scope.full(d.From.text), Type: rowsType, Kind: schema.List, NotNull: f.column.Kind != schema.Choices, Optional: list.optional}
	f.project = j
	f.input = &input{slot: list.slot, column: whole, label: f.column.Name + " (from " + whole.Name + ")"}
	c.blanks(d, f, f.input, d.blank, d.From)
	outer := c.scope
	c.scope = scope{list: j.source, target: j.target, row: list.row, depth: c.scope.depth + 1, system: c.scope.system}
	if j.text {
		c.scope.system = ""
	}
	if isColumn {
		c.projectValue(d, f.column, j, strings.TrimPrefix(d.From.text[len(list.name)+len("[]"):], "."))
	} else {
		c.projectMembers(d, j)
	}
	c.scope = outer
}

// projects judges whether the field can be made of the rows of a list.
func (c *compiler) projects(d *fieldDoc, f *fieldPlan, list *listPlan, isColumn bool) bool {
	name := f.column.Name
	switch {
	case f.column.Kind != schema.List && f.column.Kind != schema.Text && f.column.Kind != schema.Choices:
		c.add(d.Rows, "project into a list, or into a text, which then holds it as JSON; or make one value of the rows, such as rows: first", "field %s is a %s and takes no list", name, f.column.Kind)
	case slices.Contains(c.plan.To.Key, name):
		c.add(d.Rows, "map another field", "field %s is part of the key, and a list can't be", name)
	case len(list.inner) > 0:
		c.add(d.From, "project the outer list, with a member for the inner one: {from: …, rows: project, fields: {…}}", "field %s: %s lies in the rows of another list, which are projected first", name, c.scope.full(list.name))
	case f.column.Kind == schema.Choices && !isColumn:
		c.add(d.From, "name a column of the rows: from: "+list.name+"[].Column", "field %s takes options, one from each row, and %s is a list of objects", name, c.scope.full(list.name))
	case isColumn && d.Fields != nil:
		c.add(d.Fields, "write from: "+list.name, "field %s: fields makes objects of the rows of a list, but %s is a column of them", name, c.scope.full(d.From.text))
	case !isColumn && d.Fields == nil:
		fix := "add fields: {member: {from: Column}}, or name a column of the rows: from: " + list.name + "[].Column"
		if _, plain := c.column(list.name + "[]"); plain {
			fix = "name the values: from: \"" + list.name + "[]\""
		}
		c.add(d.Rows, fix, "field %s: nothing says what becomes of a row of %s", name, c.scope.full(list.name))
	case !isColumn && len(d.fields) == 0 && len(d.Fields.members) == 0:
		c.add(d.Fields, "name its members: {member: {from: Column}}", "field %s: nothing says what becomes of a row of %s", name, c.scope.full(list.name))
	default:
		return c.noOperations(d, f, isColumn)
	}
	return false
}

// noOperations adds a finding for each operation that a list hasn't got.
func (c *compiler) noOperations(d *fieldDoc, f *fieldPlan, isColumn bool) bool {
	before := len(c.findings)
	for _, k := range d.operations() {
		if k.e != nil && !isColumn {
			c.add(k.e, "write it at a member of fields", "field %s: %s means nothing for a list of objects", f.column.Name, k.name)
		}
	}
	for _, k := range []named{{"with", d.With}, {"needs", d.Needs}} {
		if k.e != nil {
			c.add(k.e, "remove "+k.name, "field %s: %s means nothing for a list", f.column.Name, k.name)
		}
	}
	rules := []*blankRule{d.otherwise}
	if d.blank != nil {
		rules = append(rules, d.blank.rules[:]...)
	}
	for _, rule := range slices.Compact(rules) {
		if rule != nil && rule.action == blankFrom {
			c.add(rule.from, "write reject, null or skip", "field %s: instead of a list no other field can be taken", f.column.Name)
		}
	}
	switch long := f.column.Kind == schema.Text && f.column.MaxLength > 0; {
	case textOf(d.Longer) == "cut" && (f.column.Kind == schema.Text || !isColumn):
		c.add(d.Longer, "write longer: reject", "field %s: half a list is none, so it can't be cut", f.column.Name)
	case d.Longer != nil && f.column.Kind == schema.List && !isColumn:
		c.add(d.Longer, "write it at a member of fields", "field %s is no text, so it can't be longer", f.column.Name)
	case long && d.Longer == nil:
		c.add(d.From, "add longer: reject", "field %s: nobody knows how long the list is as JSON, and %s takes %d characters", f.column.Name, f.column.Name, f.column.MaxLength)
	}
	return len(c.findings) == before
}

// projectValue compiles the one value that each row becomes, from a column of the row. What is blank is left out.
func (c *compiler) projectValue(d *fieldDoc, of *schema.Column, j *projection, from string) {
	e := *d
	e.name = &element{shape: textShape, text: j.target, line: d.name.line, column: d.name.column}
	e.From = &element{shape: textShape, text: from, line: d.From.line, column: d.From.column}
	e.Rows, e.Where, e.blank, e.Blank, e.When, e.Owner, e.Initial = nil, nil, nil, nil, nil, nil, nil
	if j.text {
		e.Longer = nil
	}
	var column *schema.Column
	if j.options {
		column = &schema.Column{Name: d.name.text, Type: "option", Kind: schema.Choice, Options: of.Options}
	} else if column = c.memberColumn(&e); column == nil {
		return
	}
	kept := *column
	kept.Required = "" // of a list, not of a row
	e.blank = &blankDoc{at: d.From}
	for kind := range e.blank.rules {
		e.blank.rules[kind] = &blankRule{at: d.From, action: blankSkip}
	}
	j.value = &fieldPlan{column: &kept, property: j.target, free: c.scope.system == ""}
	c.value(&e, j.value)
}

// projectMembers compiles the members of the objects that rows become.
func (c *compiler) projectMembers(d *fieldDoc, j *projection) {
	mapped := map[string]bool{}
	for i := range d.fields {
		m := &d.fields[i]
		mapped[m.name.text] = true
		c.member(m, j)
	}
	if c.scope.system == "" {
		return
	}
	for i := range c.plan.target.Columns {
		column := &c.plan.target.Columns[i]
		member, inRow := strings.CutPrefix(column.Name, j.target+".")
		if inRow && !strings.Contains(member, "[]") && column.MustBeSent() && !mapped[column.Name] {
			c.add(d.Fields, "map it: "+member+": {from: …, blank: reject}", "%s is %s required and isn't mapped", column.Name, column.Required)
		}
	}
}

// member compiles one member.
func (c *compiler) member(d *fieldDoc, j *projection) {
	name := d.name.text
	column := c.memberColumn(d)
	if column == nil {
		return
	}
	before := len(c.findings)
	for _, k := range []named{{"owner", d.Owner}, {"initial", d.Initial}, {"reference", d.Reference}, {"link", d.Link}} {
		if k.e != nil {
			c.add(k.e, "remove "+k.name, "field %s: %s means nothing within a list, which is written as a whole", name, k.name)
		}
	}
	switch {
	case !d.maps() && !d.faulty && len(c.findings) == before:
		c.add(d.name, "add from: or value:", "field %s maps nothing", name)
	case !d.maps() || !c.single(d):
	case column.ReadOnly:
		c.add(d.name, "remove the field", "field %s can't be written: %s sets it itself", name, c.plan.To.System)
	case column.Kind == schema.Reference:
		c.add(d.name, "map another member", "field %s is a lookup, which a row of a list can't hold", name)
	}
	f := fieldPlan{column: column, property: name, name: memberName(d.key.text), free: c.scope.system == ""}
	if len(c.findings) == before && d.maps() {
		c.value(d, &f)
		c.when(d, &f)
	}
	j.members = append(j.members, f)
}

// memberColumn returns the target's column of a member, or of the value, that rows become.
func (c *compiler) memberColumn(d *fieldDoc) *schema.Column {
	if c.scope.system == "" {
		return c.freeColumn(d)
	}
	if column, ok := c.plan.target.Column(d.name.text); ok {
		return column
	}
	var names []string
	for _, column := range c.plan.target.Columns {
		if strings.HasPrefix(column.Name, c.scope.target) {
			names = append(names, column.Name)
		}
	}
	near := nearest(d.name.text, names)
	switch {
	case near != "":
		c.add(d.name, "did you mean "+strings.TrimPrefix(near, c.scope.target+".")+"?", "%s has no field %q", c.plan.target.Name, d.name.text)
	case len(names) == 0:
		c.add(d.name, "write them into the snapshot: "+c.scope.target+".name for a member, or "+c.scope.target+" for a plain value", "%s doesn't say what the rows of %s hold", c.plan.target.Name, strings.TrimSuffix(c.scope.target, "[]"))
	default:
		c.add(d.name, "use one of "+strings.Join(names, ", "), "%s has no field %q", c.plan.target.Name, d.name.text)
	}
	return nil
}

// freeColumn is the column that stands for a value within a text that holds JSON: it takes what comes.
func (c *compiler) freeColumn(d *fieldDoc) *schema.Column {
	column := &schema.Column{Name: d.name.text, Type: "JSON", Kind: schema.Text}
	switch {
	case d.Value != nil:
		column.Kind = literalKinds[d.Value.shape]
	case d.Map != nil || d.table != nil:
		column.Kind = kindOfChoices(d)
	case d.DatePart != nil && d.Pad == nil && d.Prefix == nil && d.DatePart.text != "date" && d.DatePart.text != "time":
		column.Kind = schema.Integer
	case d.DatePart != nil:
	case d.Options != nil || d.Split != nil || d.Strip != nil || d.Case != nil || d.Pad != nil || d.Prefix != nil || d.From != nil && d.From.shape == listShape:
	case d.Unit != nil || d.Times != nil || d.Per != nil || d.Round != nil:
		column.Kind = schema.Number
	case d.Compute != nil:
		known := len(c.findings) // its findings come when the value is compiled
		if x := c.expression("", d.Compute); x != nil {
			column.Kind = computedKinds[x.program.Result]
		}
		c.findings = c.findings[:known]
	case d.From != nil:
		c.freeKind(d, column)
	}
	return column
}

// freeKind gives the column the kind of the source's.
func (c *compiler) freeKind(d *fieldDoc, column *schema.Column) {
	source, ok := c.column(d.From.text)
	switch op := textOf(d.Rows); {
	case op == rowsProject:
		column.Kind = schema.List
	case op == "count":
		column.Kind = schema.Integer
	case op == "join", !ok, source.Kind == schema.Choice && c.plan.From.System != schema.Dataverse, d.Zone != nil && !source.DateOnly:
	case source.Kind == schema.Choice:
		column.Kind = schema.Integer
	case source.Kind == schema.Reference:
		column.Kind = schema.GUID
	default:
		column.Kind, column.DateOnly = source.Kind, source.DateOnly
	}
}

var literalKinds = map[shape]schema.Kind{textShape: schema.Text, numberShape: schema.Number, boolShape: schema.Boolean}

// kindOfChoices returns the kind that all values of a map or table have, else a text.
func kindOfChoices(d *fieldDoc) schema.Kind {
	of := d.Map
	if of == nil {
		of = d.table
	}
	kind := schema.Unknown
	for _, m := range of.members {
		if own := literalKinds[m.value.shape]; kind == schema.Unknown || kind == own {
			kind = own
		} else {
			return schema.Text
		}
	}
	if kind == schema.Unknown {
		return schema.Text
	}
	return kind
}
