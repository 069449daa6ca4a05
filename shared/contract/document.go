package contract

import (
	"slices"
	"strings"
)

// document is a contract as it is written, each part with its position.
type document struct {
	purpose, team, pair, owner, delete *element
	from                               sourceDoc
	to                                 targetDoc
	tables                             map[string]*element
	fields                             []fieldDoc
}

type sourceDoc struct{ at, system, entity, event, state *element }

type targetDoc struct {
	at, system, entity *element
	key                []*element
}

// fieldDoc is one entry of "fields". A nil element is a missing key.
type fieldDoc struct {
	// faulty is true where the entry itself has findings, so that what follows from them isn't reported too.
	faulty bool

	name                                                              *element
	from, value, owner, strip, prefix, letters, table, options, other *element
	longer, reference, referenceEntity                                *element
	blank                                                             *blankDoc
}

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
	d := &document{tables: map[string]*element{}}
	var fields, tables, from, to *element
	r.members(root, "the contract", map[string]**element{
		"purpose": &d.purpose, "team": &d.team, "pair": &d.pair, "owner": &d.owner, "delete": &d.delete,
		"from": &from, "to": &to, "fields": &fields, "tables": &tables,
	})
	for _, part := range []struct {
		name string
		e    **element
		fix  string
	}{
		{"purpose", &d.purpose, "say in one sentence why the flow exists: purpose: …"},
		{"team", &d.team, "say who is told when the flow fails: team: …"},
		{"pair", &d.pair, "name the link that both directions share: pair: customer-account"},
		{"owner", &d.owner, "name the system of record: owner: fno"},
	} {
		if *part.e == nil {
			r.add(root, part.fix, "%s is missing", part.name)
		}
		r.wantText(part.e, part.name)
	}
	r.wantText(&d.delete, "delete")
	d.from = r.source(root, from)
	d.to = r.target(root, to)
	if tables != nil && r.wantMapping(tables, "tables") {
		for _, m := range tables.members {
			if r.wantMapping(m.value, "table "+m.key.text) {
				d.tables[m.key.text] = m.value
			}
		}
	}
	switch {
	case fields == nil:
		r.add(root, "map the target's fields: fields: {name: {from: …}}", "fields is missing")
	case r.wantMapping(fields, "fields"):
		for _, m := range fields.members {
			d.fields = append(d.fields, r.field(m, d.tables))
		}
	}
	return d
}

func (r *reader) source(root, e *element) sourceDoc {
	d := sourceDoc{at: e}
	if e == nil {
		r.add(root, "say what starts the flow: from: {system: fno, entity: …, event: fno.…, state: row}", "from is missing")
		return d
	}
	if !r.wantMapping(e, "from") {
		return d
	}
	r.members(e, "from", map[string]**element{"system": &d.system, "entity": &d.entity, "event": &d.event, "state": &d.state})
	r.require(e, "from", "system", &d.system)
	r.require(e, "from", "entity", &d.entity)
	r.require(e, "from", "event", &d.event)
	r.require(e, "from", "state", &d.state)
	return d
}

func (r *reader) target(root, e *element) targetDoc {
	d := targetDoc{at: e}
	if e == nil {
		r.add(root, "say where records go: to: {system: dataverse, entity: account, key: [accountnumber]}", "to is missing")
		return d
	}
	if !r.wantMapping(e, "to") {
		return d
	}
	var key *element
	r.members(e, "to", map[string]**element{"system": &d.system, "entity": &d.entity, "key": &key})
	r.require(e, "to", "system", &d.system)
	r.require(e, "to", "entity", &d.entity)
	switch {
	case key == nil:
		r.add(e, "name the key's columns: key: [accountnumber]", "to: key is missing")
	case key.shape != listShape || len(key.items) == 0:
		r.add(key, "write a list: key: [accountnumber]", "key is %s instead of a list of columns", key.shape)
	default:
		for _, item := range key.items {
			if r.wantText(&item, "key"); item != nil {
				d.key = append(d.key, item)
			}
		}
	}
	return d
}

func (r *reader) field(m member, tables map[string]*element) (f fieldDoc) {
	f.name = m.key
	before := len(r.findings)
	defer func() { f.faulty = len(r.findings) > before }()
	e := m.value
	if !r.wantMapping(e, "field "+m.key.text) {
		return f
	}
	what := "field " + m.key.text
	var blank, reference *element
	r.members(e, what, map[string]**element{
		"from": &f.from, "value": &f.value, "owner": &f.owner, "strip": &f.strip, "prefix": &f.prefix, "case": &f.letters,
		"table": &f.table, "map": &f.options, "other": &f.other, "longer": &f.longer, "reference": &reference, "blank": &blank,
	})
	for name, t := range map[string]**element{"from": &f.from, "owner": &f.owner, "strip": &f.strip, "prefix": &f.prefix} {
		r.wantText(t, what+": "+name)
	}
	r.oneOf(&f.letters, what+": case", "lower", "upper")
	r.oneOf(&f.longer, what+": longer", "reject", "cut")
	if f.options != nil && !r.wantMapping(f.options, what+": map") {
		f.options = nil
	}
	if t := f.table; t != nil && t.shape != mappingShape {
		if f.table = tables[t.text]; f.table == nil {
			r.add(t, "define it under tables:, or write it out: table: {usmf: USD}", "%s: there is no table %q", what, t.text)
		}
	}
	if f.value != nil && !f.value.isScalar() {
		r.add(f.value, "write a text, a number, true or false", "%s: value is %s", what, f.value.shape)
		f.value = nil
	}
	f.reference, f.referenceEntity = r.reference(what, reference)
	if blank != nil {
		f.blank = r.blank(what+": blank", blank)
	}
	return f
}

// reference reads "reference: accountnumber" or "reference: {entity: account, key: accountnumber}".
func (r *reader) reference(what string, e *element) (key, entity *element) {
	if e == nil || e.shape == textShape {
		return e, nil
	}
	if !r.wantMapping(e, what+": reference") {
		return nil, nil
	}
	r.members(e, what+": reference", map[string]**element{"entity": &entity, "key": &key})
	r.require(e, what+": reference", "key", &key)
	r.wantText(&entity, what+": reference: entity")
	return key, entity
}

// blank reads a blank rule, the same for all kinds of empty or one for each.
func (r *reader) blank(what string, e *element) *blankDoc {
	d := &blankDoc{at: e}
	if e.shape != mappingShape || slices.Contains(e.names(), "from") || slices.Contains(e.names(), "value") {
		rule := r.blankRule(what, e)
		for k := range d.rules {
			d.rules[k] = rule
		}
		return d
	}
	for _, m := range e.members {
		k := slices.Index(emptyNames[:], m.key.text)
		if k < 0 {
			r.add(m.key, "kinds of empty are absent, null, empty, unset; or give one rule for all: reject, null, skip, {from: …}, {value: …}", "%s: unknown key %q", what, m.key.text)
			continue
		}
		d.rules[k] = r.blankRule(what+": "+m.key.text, m.value)
	}
	return d
}

func (r *reader) blankRule(what string, e *element) *blankRule {
	rule := &blankRule{at: e}
	const fix = "write reject, null, skip, {from: OtherField} or {value: …}"
	switch {
	case e.shape == nullShape:
		rule.action = blankNull
	case e.shape == textShape && e.text == "reject":
		rule.action = blankReject
	case e.shape == textShape && e.text == "skip":
		rule.action = blankSkip
	case e.shape == mappingShape:
		var blank *element
		r.members(e, what, map[string]**element{"from": &rule.from, "value": &rule.value, "blank": &blank})
		r.wantText(&rule.from, what+": from")
		switch {
		case rule.from != nil && rule.value == nil:
			rule.action = blankFrom
			if blank != nil {
				rule.then = r.blank(what+": blank", blank)
			}
		case rule.from == nil && rule.value != nil && rule.value.isScalar():
			rule.action = blankValue
		default:
			r.add(e, fix, "%s is no blank rule", what)
			return nil
		}
	default:
		r.add(e, fix, "%s: %q is no blank rule", what, e.text)
		return nil
	}
	return rule
}

// members puts the values of e's known keys where into says. An unknown key is a finding.
func (r *reader) members(e *element, what string, into map[string]**element) {
	for _, m := range e.members {
		if target, ok := into[m.key.text]; ok {
			*target = m.value
			continue
		}
		known := make([]string, 0, len(into))
		for name := range into {
			known = append(known, name)
		}
		slices.Sort(known)
		fix := "remove it; known keys are " + strings.Join(known, ", ")
		if near := nearest(m.key.text, known); near != "" {
			fix = "did you mean " + near + "? Known keys are " + strings.Join(known, ", ")
		}
		r.add(m.key, fix, "%s: unknown key %q", what, m.key.text)
	}
}

// require adds a finding where a text is missing, and drops what is no text.
func (r *reader) require(at *element, what, name string, e **element) {
	if *e == nil {
		r.add(at, "add "+name+": …", "%s: %s is missing", what, name)
		return
	}
	r.wantText(e, what+": "+name)
}

// wantText drops, with a finding, what is no text or an empty one. A missing element is left alone.
func (r *reader) wantText(e **element, what string) {
	if *e == nil {
		return
	}
	if (*e).shape != textShape || strings.TrimSpace((*e).text) == "" {
		r.add(*e, "write a text, in quotes if it looks like a number", "%s is %s instead of a text", what, describe(*e))
		*e = nil
	}
}

func describe(e *element) string {
	if e.shape == textShape {
		return "an empty text"
	}
	return e.shape.String()
}

func (r *reader) wantMapping(e *element, what string) bool {
	if e.shape == mappingShape {
		return true
	}
	r.add(e, "write key: value pairs below it", "%s is %s instead of a mapping", what, e.shape)
	return false
}

func (r *reader) oneOf(e **element, what string, allowed ...string) {
	if *e == nil || (*e).shape == textShape && slices.Contains(allowed, (*e).text) {
		return
	}
	r.add(*e, "write "+strings.Join(allowed, " or "), "%s: %q isn't known", what, (*e).text)
	*e = nil
}
