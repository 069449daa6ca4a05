package contract

import (
	"maps"
	"strings"
)

// blankDoc says what each kind of empty does. A nil rule is one that isn't written.
type blankDoc struct {
	at    *element
	rules [emptyKinds]*blankRule
}

// blankRule is what one kind of empty does.
type blankRule struct {
	at     *element
	action blankAction
	// from is the other source field of blankFrom, then what its own blank does.
	from *element
	then *blankDoc
	// edits is what is done to the other field's text first, nil for nothing.
	edits *insteadDoc
	// value is the constant of blankValue.
	value *element
}

type blankAction uint8

const (
	blankReject blankAction = iota
	blankNull
	blankSkip
	blankFrom
	blankValue
	// blankIncomplete rejects a column that an image lacks: nobody knows whether it is empty or wasn't registered. It can't be
	// written; it stands for "absent" in a flow with state: image, unless the contract has a rule for absent alone.
	blankIncomplete
)

// empty is one of the four ways in which a source says nothing.
type empty uint8

const (
	// absent is a member that isn't there.
	absent empty = iota
	// null is JSON null.
	null
	// emptyText is "" or nothing but white space.
	emptyText
	// unset is the system's own "not set": 1900-01-01 and the zero GUID in F&O.
	unset
	// emptyKinds is how many there are.
	emptyKinds
	// filled is no empty at all.
	filled
)

var emptyNames = [emptyKinds]string{"absent", "null", "empty", "unset"}

// document reads the contract's parts; everything unknown is a finding.
func (r *reader) document(root *element) *document {
	d := &document{tables: map[string]*element{}, used: map[*element]bool{}}
	r.used = d.used
	r.object("contract", topLevel, root, d)
	for _, part := range []struct {
		name string
		e    *element
		fix  string
	}{
		{"purpose", d.Purpose, "say in one sentence why the flow exists: purpose: …"},
		{"team", d.Team, "say who is told when the flow fails: team: …"},
		{"pair", d.Pair, "name the link that both directions share: pair: customer-account"},
		{"owner", d.Owner, "name the system of record: owner: fno"},
		{"from", d.From, "say what starts the flow: from: {system: fno, entity: …, event: fno.…, state: row}"},
		{"to", d.To, "say where records go: to: {system: dataverse, entity: account, key: [accountnumber]}"},
		{"fields", d.Fields, "map the target's fields: fields: {name: {from: …}}"},
	} {
		if part.e == nil && !root.names(part.name) {
			r.add(root, part.fix, "%s is missing", part.name)
		}
	}
	if d.From != nil {
		r.whole("source", "from", d.From, &d.from)
	}
	if d.To != nil {
		r.whole("target", "to", d.To, &d.to)
	}
	if d.to.Key != nil {
		d.to.key = d.to.Key.items
	}
	maps.Copy(d.tables, r.tables)
	if d.Tables != nil {
		for _, m := range d.Tables.members {
			if r.tables[m.key.text] != nil {
				r.add(m.key, "remove one of them", "table %s is defined in %s as well, so a reader can't know which is meant", m.key.text, TablesFile)
			}
			if r.fits("table "+m.key.text, m.value, grammar().values("contract", "tables")) {
				d.tables[m.key.text] = m.value
			}
		}
	}
	if d.Fields != nil {
		for _, m := range d.Fields.members {
			d.fields = append(d.fields, r.field(m, d.tables))
		}
	}
	return d
}

// whole reads an object and adds a finding for each required key that isn't there.
func (r *reader) whole(name, what string, e *element, into any) {
	r.object(name, what, e, into)
	for _, k := range grammar().objects[name].Keys {
		if k.Required && !e.names(k.Name) {
			r.add(e, "add "+k.Name+": …, as in "+grammar().objects[name].Example, "%s: %s is missing", what, k.Name)
		}
	}
}

func (r *reader) field(m member, tables map[string]*element) (f fieldDoc) {
	before := len(r.findings)
	defer func() { f.faulty = len(r.findings) > before }()
	f.name = m.key
	what := "field " + m.key.text
	if !r.fits(what, m.value, grammar().values("contract", "fields")) {
		before = -1 // what YAML's other forms stand for has its finding already
		return f
	}
	r.object("field", what, m.value, &f)
	if f.table = f.Table; f.Table != nil && f.Table.shape != mappingShape {
		if f.table = tables[f.Table.text]; f.table == nil {
			r.add(f.Table, "define it under tables: or in "+TablesFile+" beside the flows' folders, or write it out: table: {usmf: USD}", "%s: there is no table %q", what, f.Table.text)
		}
		r.used[f.table] = true
	}
	if f.reference = f.Reference; f.Reference != nil && f.Reference.shape == mappingShape {
		var d referenceDoc
		r.whole("reference", what+": reference", f.Reference, &d)
		f.reference, f.referenceEntity, f.referenceAnd = d.Key, d.Entity, d.And
		if d.And != nil {
			for _, m := range d.And.members {
				r.fits(what+": reference: and: "+m.key.text, m.value, grammar().values("reference", "and"))
			}
		}
	}
	if f.link = f.Link; f.Link != nil && f.Link.shape == mappingShape {
		var d linkedDoc
		r.whole("linked", what+": link", f.Link, &d)
		f.link, f.referenceEntity = d.Pair, d.Entity
	}
	if f.Blank != nil {
		f.blank = r.blank(what+": blank", f.Blank)
	}
	if f.Fields != nil {
		f.fields = r.members(m.key.text, f.Fields, tables)
	}
	if f.Otherwise != nil {
		f.otherwise = r.blankRule(what+": otherwise", f.Otherwise)
	}
	return f
}

// members reads the members of a list's rows.
func (r *reader) members(list string, e *element, tables map[string]*element) []fieldDoc {
	out := make([]fieldDoc, len(e.members))
	for i, m := range e.members {
		name := *m.key
		name.text = list + "[]." + name.text
		out[i] = r.field(member{&name, m.value}, tables)
		out[i].key = m.key
	}
	return out
}

// blank reads a blank rule, the same for all kinds of empty or one for each.
func (r *reader) blank(what string, e *element) *blankDoc {
	d := &blankDoc{at: e}
	if e.shape != mappingShape || e.names("from") || e.names("value") {
		rule := r.blankRule(what, e)
		for k := range d.rules {
			d.rules[k] = rule
		}
		return d
	}
	var kinds blankKindsDoc
	r.object("blank", what, e, &kinds)
	for k, rule := range [emptyKinds]*element{kinds.Absent, kinds.Null, kinds.Empty, kinds.Unset} {
		if rule != nil {
			d.rules[k] = r.blankRule(what+": "+emptyNames[k], rule)
		}
	}
	return d
}

// maxFallbacks is how often a blank can fall back to another column; the work grows with the kinds of empty to this power.
const maxFallbacks = 5

// blankRule reads what has the form of a rule.
func (r *reader) blankRule(what string, e *element) *blankRule {
	rule := &blankRule{at: e}
	switch {
	case e.shape == nullShape:
		rule.action = blankNull
		return rule
	case e.text == "skip":
		rule.action = blankSkip
		return rule
	case e.shape != mappingShape:
		return rule
	}
	var d insteadDoc
	r.object("instead", what, e, &d)
	rule.from, rule.value = d.From, d.Value
	switch {
	case d.From != nil && d.Value == nil:
		rule.action = blankFrom
		if d.first() != nil {
			rule.edits = &d
		}
		switch r.fallbacks++; {
		case d.Blank == nil:
		case r.fallbacks == maxFallbacks:
			r.add(d.Blank, "end with reject, null, skip or {value: …}", "%s: nobody can follow more than %d fallbacks", what, maxFallbacks)
		default:
			rule.then = r.blank(what+": blank", d.Blank)
		}
		r.fallbacks--
	case d.From == nil && d.Value != nil:
		rule.action = blankValue
		if at := d.first(); at != nil {
			r.add(at, "write the value as it is meant", "%s: a fixed value isn't edited", what)
		}
	default:
		r.add(e, "write reject, null, skip, {from: OtherField} or {value: …}", "%s is no blank rule", what)
		return nil
	}
	return rule
}

func describe(e *element) string {
	switch {
	case e.shape == textShape && strings.TrimSpace(e.text) == "":
		return "an empty text"
	case e.shape == listShape && len(e.items) == 0:
		return "an empty list"
	}
	return e.shape.String()
}
