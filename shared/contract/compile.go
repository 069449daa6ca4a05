package contract

import (
	"cmp"
	"slices"
	"strings"

	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

// lookupFunc finds a schema snapshot; tests give their own.
type lookupFunc func(system, entity string) (*schema.Entity, bool)

// compiler checks a document against both schemas and builds the plan. It goes on after a finding, to report them all.
type compiler struct {
	*reader
	doc    *document
	plan   *Plan
	lookup lookupFunc
	slots  map[string]int
	// scope is where the field that is being compiled reads and writes.
	scope scope
	// disowned is true once the contract's owner has its finding.
	disowned bool
}

// compile returns the plan, usable only if r has no findings.
func compile(r *reader, d *document, name string, lookup lookupFunc) *Plan {
	c := &compiler{reader: r, doc: d, lookup: lookup, slots: map[string]int{}}
	own := new(workspaces)
	c.plan = &Plan{
		Name: name, Purpose: textOf(d.Purpose), Team: textOf(d.Team), Pair: textOf(d.Pair), Owner: textOf(d.Owner),
		root: slots.NewRow(), deactivation: new(body).record(&Plan{workspaces: own}), owners: map[string]string{}, workspaces: own,
	}
	c.source()
	c.target()
	c.scope = scope{row: c.plan.root, system: c.plan.To.System}
	if c.plan.source == nil || c.plan.target == nil {
		return c.plan // no field can be judged
	}
	if d.When != nil {
		c.plan.when = c.condition("when", d.When)
	}
	for i := range d.fields {
		c.field(&d.fields[i])
	}
	c.legalEntities()
	c.references()
	c.deleteRule()
	c.volume()
	c.currency()
	c.required()
	c.key()
	c.columns()
	c.plan.shorten(c.plan.fields)
	return c.plan
}

func textOf(e *element) string {
	if e == nil {
		return ""
	}
	return e.text
}

func (c *compiler) entity(system, entity *element) *schema.Entity {
	if system == nil || entity == nil {
		return nil
	}
	names := schema.Entities(system.text)
	e, ok := c.lookup(system.text, entity.text)
	switch {
	case ok:
		return e
	case len(names) == 0:
		fix := "write dataverse or fno"
		if meant := SystemMeant(system.text, []string{schema.Dataverse, schema.FnO, schema.Salesforce}); meant != "" {
			fix = "did you mean " + meant + "?"
		}
		c.add(system, fix, "there are no schemas of a system %q", system.text)
	default:
		fix := "pull its schema, or use one of " + strings.Join(names, ", ")
		if near := nearest(entity.text, names); near != "" {
			fix = "did you mean " + near + "? Else pull its schema"
		}
		c.add(entity, fix, "%s has no schema of an entity %q", system.text, entity.text)
	}
	return nil
}

func (c *compiler) source() {
	d := c.doc.from
	c.plan.From = Source{System: textOf(d.System), Entity: textOf(d.Entity), Event: textOf(d.Event), State: textOf(d.State)}
	c.plan.source = c.entity(d.System, d.Entity)
	if d.Event != nil {
		c.event(d)
	}
	e := c.plan.source
	if d.State == nil || e == nil {
		return
	}
	isEvent := e.Set == ""
	switch {
	case d.State.text == StateEvent && !isEvent:
		c.add(d.State, "write state: row, so that the flow reads the record", "state: event maps an event's payload as if it were the whole record, but %s is a table, whose events carry only what changed", e.Name)
	case d.State.text == StateImage && (isEvent || e.System != schema.Dataverse):
		c.add(d.State, "write state: row or state: event", "state: image maps the post-image of a Dataverse event, and %s is none of its tables", e.Name)
	case d.State.text == StateRow && isEvent:
		c.add(d.State, "write state: event", "state: row reads a record, but %s is an event and can't be read", e.Name)
	case d.State.text == StateRow && e.System == schema.FnO:
		c.readable(d.Entity, e)
	}
}

// readable checks that a data event names a row of the F&O entity by its key: the receiver takes the key from columns of the virtual
// table, where an option is a number and a day has another form.
func (c *compiler) readable(at *element, e *schema.Entity) {
	var others []string
	for _, name := range e.PrimaryKey {
		if column, _ := e.Column(name); column.Kind != schema.Text && column.Kind != schema.Integer {
			others = append(others, describeColumn(column))
		}
	}
	if len(others) > 0 {
		c.add(at, "start the flow from a business event, with state: event, or read another entity", "state: row reads a record by its key, and events don't have the %s of %s in the form that a key has", strings.Join(others, ", "), e.Name)
	}
}

func (c *compiler) target() {
	d := c.doc.to
	c.plan.To = Target{System: textOf(d.System), Entity: textOf(d.Entity)}
	for _, k := range d.key {
		c.plan.To.Key = append(c.plan.To.Key, k.text)
	}
	e := c.entity(d.System, d.Entity)
	switch {
	case e == nil:
	case e.System != schema.Dataverse && e.System != schema.FnO:
		c.add(d.System, "write dataverse or fno", "to: flows can't write to %s yet", e.System)
		return
	case e.Set == "":
		c.add(d.Entity, "name a table or data entity", "%s is an event and can't be written", e.Name)
		return
	}
	c.plan.target = e
}

func (c *compiler) deleteRule() {
	c.plan.Delete = DeleteReject
	switch d := c.doc.Delete; {
	case d == nil:
	case d.shape == mappingShape:
		c.plan.Delete = DeleteDeactivate
		c.deactivate(d)
	default:
		c.plan.Delete = d.text
	}
}

// deactivate compiles the columns that a delete sets. They are the flow's to write, like any field.
func (c *compiler) deactivate(e *element) {
	var d deactivateDoc
	c.whole("deactivate", "delete", e, &d)
	if d.Columns == nil {
		return
	}
	if len(d.Columns.members) == 0 {
		c.add(d.Columns, "name the columns, as in {deactivate: {statecode: 1, statuscode: 2}}, or write delete: ignore", "delete: deactivate sets no column, so a delete would leave the row as it is")
	}
	sets := &Plan{To: c.plan.To, workspaces: c.plan.workspaces}
	for _, m := range d.Columns.members {
		name := m.key.text
		column, ok := c.plan.target.Column(name)
		switch owner := c.plan.owners[name]; {
		case !ok:
			c.add(m.key, c.meant(name, c.plan.target), "delete: %s has no field %q", c.plan.target.Name, name)
		case column.ReadOnly || column.Kind == schema.Reference:
			c.add(m.key, "use a column that says whether a row is in use", "delete: a flow can't set %s to a fixed value", name)
		case slices.Contains(c.plan.To.Key, name):
			c.add(m.key, "use a column that says whether a row is in use", "delete: %s is part of the key", name)
		case owner != "" && owner != c.plan.From.System:
			c.add(m.key, "agree on one owner", "delete: field %s belongs to %s, and this flow comes from %s", name, owner, c.plan.From.System)
		default:
			f := fieldPlan{column: column, property: name, name: memberName(name)}
			l := c.literal(m.value, &f, "deactivate")
			f.constant = &l
			c.plan.owners[name] = c.plan.From.System
			sets.fields = append(sets.fields, f)
		}
	}
	var b body
	for i := range sets.fields {
		b.write(&sets.fields[i], i, sets.fields[i].constant)
	}
	c.plan.deactivation = b.record(sets)
}

func (c *compiler) field(d *fieldDoc) {
	name := d.name.text
	column, ok := c.plan.target.Column(name)
	if !ok {
		c.add(d.name, c.meant(name, c.plan.target), "%s has no field %q", c.plan.target.Name, name)
		return
	}
	if list, _, inRow := strings.Cut(name, "[]"); inRow {
		c.add(d.name, "map the list: "+list+": {from: …, rows: project, fields: {…}}", "%s is a field of the rows of %s, which are written as a whole", name, list)
		return
	}
	owner := c.plan.Owner
	if d.Owner != nil {
		owner = d.Owner.text
	}
	c.plan.owners[name] = owner
	if !d.maps() {
		c.unmapped(d, owner)
		return
	}
	if !c.single(d) {
		return
	}
	if owner == "" {
		return // the missing owner is a finding of its own
	}
	if d.Initial != nil && slices.Contains(c.plan.To.Key, name) {
		c.add(d.Initial, "remove initial", "field %s is part of the key, which says which row is written: it can't be an initial value only", name)
		return
	}
	switch fromSource := owner == c.plan.From.System; {
	case !fromSource && d.Initial == nil:
		c.notOwned(d, owner)
		return
	case fromSource && d.Initial != nil:
		at := cmp.Or(d.Owner, d.Initial)
		c.add(at, "name the system that owns it from then on, such as owner: "+c.plan.To.System+", or remove initial", "field %s is an initial value, yet it belongs to %s, which this flow comes from: a later change there would reach nobody", name, owner)
		return
	}
	if column.ReadOnly {
		c.add(d.name, "remove the field", "field %s can't be written: %s sets it itself", name, c.plan.To.System)
		return
	}
	f := fieldPlan{column: column, property: name, initial: d.Initial != nil}
	before := len(c.findings)
	c.binding(d, &f)
	if len(c.findings) == before {
		c.value(d, &f)
	}
	c.when(d, &f)
	f.name = memberName(f.property)
	c.plan.fields = append(c.plan.fields, f)
}

// single adds a finding for a field that says more than once where its value comes from.
func (c *compiler) single(d *fieldDoc) bool {
	switch {
	case d.From != nil && d.Value != nil:
		c.add(d.Value, "keep one of them", "field %s: from and value exclude each other", d.name.text)
	case d.Compute != nil && (d.From != nil || d.Value != nil):
		c.add(d.Compute, "keep one of them", "field %s: compute excludes from and value", d.name.text)
	default:
		return true
	}
	return false
}

// value compiles where a field's value comes from and what is done to it.
func (c *compiler) value(d *fieldDoc, f *fieldPlan) {
	switch {
	case d.Value != nil:
		c.constant(d, f)
	case d.Compute != nil:
		c.computed(d, f)
	default:
		c.mapped(d, f)
	}
}

// notOwned adds a finding for a field that the flow maps and another system owns. Where the contract's own owner says so, one
// finding there stands for all its fields.
func (c *compiler) notOwned(d *fieldDoc, owner string) {
	at, from, name := d.Owner, c.plan.From.System, d.name.text
	if at == nil {
		if at = c.doc.Owner; c.disowned {
			return
		}
		c.disowned = true
	}
	known := []string{from, c.plan.To.System}
	switch meant := SystemMeant(owner, known); {
	case meant != "" && !slices.Contains(known, owner):
		c.add(at, "did you mean "+meant+"?", "there is no system %q in this project", owner)
	case d.Owner != nil:
		c.add(at, "remove the mapping and keep owner: "+owner+", or let "+from+" own the field", "field %s belongs to %s, and this flow comes from %s: it would overwrite what another system owns", name, owner, from)
	default:
		c.add(at, "write owner: "+from+" here, and owner: "+owner+" without a mapping at each field that "+owner+" owns", "every field that names no owner belongs to %s, and this flow comes from %s: it would overwrite what another system owns", owner, from)
	}
}

// maps reports whether the flow writes the field.
func (d *fieldDoc) maps() bool { return d.From != nil || d.Value != nil || d.Compute != nil }

// unmapped judges a field that only names its owner, so that nobody maps it by accident.
func (c *compiler) unmapped(d *fieldDoc, owner string) {
	known := []string{c.plan.From.System, c.plan.To.System}
	switch {
	case d.faulty:
	case d.Owner != nil && !slices.Contains(known, owner) && SystemMeant(owner, known) != "":
		c.add(d.Owner, "did you mean "+SystemMeant(owner, known)+"?", "field %s belongs to %q, a system that the flow knows nothing of", d.name.text, owner)
	case d.Owner == nil:
		c.add(d.name, "add from: or value:, or owner: if another system owns it", "field %s maps nothing", d.name.text)
	case owner == c.plan.From.System:
		c.add(d.Owner, "add from: or value:", "field %s belongs to the flow's own system, yet nothing is mapped", d.name.text)
	}
}

func (c *compiler) meant(name string, e *schema.Entity) string {
	names := make([]string, len(e.Columns))
	for i := range e.Columns {
		names[i] = e.Columns[i].Name
	}
	if near := nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return "use a field of " + e.Name + ", or pull its schema again if the field is new"
}

// binding resolves the row that a lookup points to.
func (c *compiler) binding(d *fieldDoc, f *fieldPlan) {
	if f.column.Kind != schema.Reference {
		if d.Link != nil {
			c.add(d.Link, "remove link", "field %s is no lookup", f.column.Name)
		}
		if d.reference != nil {
			c.add(d.reference, "remove reference", "field %s is no lookup", f.column.Name)
		}
		return
	}
	at := d.reference
	switch {
	case d.link != nil && d.reference != nil:
		c.add(d.Link, "keep one of them", "field %s: link and reference exclude each other", f.column.Name)
		return
	case d.link != nil:
		at = d.Link
	case d.Link != nil:
		return // the pair is missing, which is a finding already
	case d.reference == nil:
		c.add(d.name, "add reference: <alternate key>, such as reference: accountnumber, or link: <pair>", "field %s is a lookup and needs the key its row is found by", f.column.Name)
		return
	}
	table := f.column.Targets[0]
	switch {
	case d.referenceEntity != nil && !slices.Contains(f.column.Targets, d.referenceEntity.text):
		c.add(d.referenceEntity, "use one of "+strings.Join(f.column.Targets, ", "), "field %s can't point to %q", f.column.Name, d.referenceEntity.text)
		return
	case d.referenceEntity != nil:
		table = d.referenceEntity.text
	case len(f.column.Targets) > 1:
		c.add(at, "write reference: {entity: "+table+", key: …} or link: {pair: …, entity: "+table+"}", "field %s can point to %s: the entity must be said", f.column.Name, strings.Join(f.column.Targets, " or "))
		return
	}
	e, ok := c.lookup(c.plan.To.System, table)
	if !ok {
		c.add(at, "pull the schema of "+table, "%s has no schema of an entity %q, which field %s points to", c.plan.To.System, table, f.column.Name)
		return
	}
	if d.link != nil {
		f.bind = &binding{entity: e, key: &schema.Column{Name: "id", Type: "record of " + c.plan.From.System, Kind: schema.Text}, pair: d.link.text}
	} else if f.bind = c.alternateKey(d, e); f.bind == nil {
		return
	}
	f.property = f.column.Name
	if f.column.Type == "Customer" {
		f.property += "_" + table // the navigation property of a lookup with several targets
	}
	f.property += "@odata.bind"
}

// named is a key of a field with its value, nil where it isn't written.
type named struct {
	name string
	e    *element
}

// operations returns what can be done to a value.
func (d *fieldDoc) operations() []named {
	return []named{{"datePart", d.DatePart}, {"split", d.Split}, {"strip", d.Strip}, {"case", d.Case}, {"pad", d.Pad}, {"prefix", d.Prefix}, {"map", d.Map}, {"table", d.table}, {"options", d.Options},
		{"other", d.Other}, {"unit", d.Unit}, {"times", d.Times}, {"per", d.Per}, {"round", d.Round}, {"zone", d.Zone}, {"outOfRange", d.OutOfRange}}
}

func (c *compiler) constant(d *fieldDoc, f *fieldPlan) {
	for _, k := range slices.Concat([]named{{"with", d.With}, {"needs", d.Needs}, {"rows", d.Rows}, {"where", d.Where}, {"fields", d.Fields}}, d.operations(), []named{{"longer", d.Longer}}) {
		if k.e != nil {
			c.add(k.e, "remove "+k.name, "field %s: %s means nothing for a fixed value", d.name.text, k.name)
		}
	}
	if d.blank != nil {
		c.add(d.blank.at, "remove blank", "field %s: blank means nothing for a fixed value", d.name.text)
	}
	l := c.literal(d.Value, f, "value")
	f.constant = &l
}

// literal turns a constant of the contract into the target's form.
func (c *compiler) literal(e *element, f *fieldPlan, what string) literal {
	v := scalar{text: e.text}
	switch e.shape {
	case numberShape:
		v.kind = schema.Number
		v.text, _ = plainNumber([]byte(e.text))
	case boolShape:
		v.kind = schema.Boolean
	case textShape:
		v.kind = schema.Text
	default:
		if !e.refused {
			c.add(e, "write a text, a number, true or false", "field %s: %s is %s", f.column.Name, what, e.shape)
		}
		return literal{}
	}
	if !validText(v.text) {
		c.add(e, "save the file as UTF-8", "field %s: %s is no UTF-8", f.column.Name, what)
		return literal{}
	}
	if v.kind == schema.Text && (f.column.Kind == schema.Integer || f.column.Kind == schema.Number || f.column.Kind == schema.Boolean) {
		fix := "write a number, without quotes"
		if f.column.Kind == schema.Boolean {
			fix = "write true or false, without quotes"
		}
		c.add(e, fix, "field %s: %s is a text, but the target is a %s", f.column.Name, what, f.column.Type)
		return literal{}
	}
	if f.bind != nil && f.bind.and != nil {
		c.add(e, "map a column, with blank: reject", "field %s: %s is fixed, and the row is found by a value of the record too", f.column.Name, what)
		return literal{}
	}
	l, failed := f.form(new(workspace), v, c.scope.system)
	if failed == nil {
		return l
	}
	fix := "use a value the target takes"
	if f.column.Kind == schema.Choice || f.column.Kind == schema.Choices {
		fix = "use one of " + optionList(f.column)
	}
	c.add(e, fix, "field %s: %s %q: %s", f.column.Name, what, e.text, failed.detail)
	return literal{}
}

// optionList names a column's options for a fix, the first ones if there are many.
func optionList(column *schema.Column) string {
	var names []string
	for i, o := range column.Options {
		if i == 8 {
			names = append(names, "…")
			break
		}
		if o.Label != "" {
			names = append(names, o.Value+" ("+o.Label+")")
			continue
		}
		names = append(names, o.Value)
	}
	return strings.Join(names, ", ")
}

// required adds a finding for every field without which a row can't or mustn't be created.
func (c *compiler) required() {
	mapped := map[string]bool{}
	for i := range c.plan.fields {
		mapped[c.plan.fields[i].column.Name] = true
	}
	for _, d := range c.doc.fields {
		if d.faulty || d.maps() {
			mapped[d.name.text] = true // its own findings say what's wrong
		}
	}
	for i := range c.plan.target.Columns {
		if column := &c.plan.target.Columns[i]; column.MustBeSent() && !mapped[column.Name] && !column.InRow() {
			c.add(c.doc.to.Entity, "map it under fields, with a blank rule: "+column.Name+": {from: …, blank: reject}", "%s.%s is %s required and isn't mapped", c.plan.target.Name, column.Name, column.Required)
		}
	}
}
