package contract

import (
	"slices"
	"strings"

	"crosswalk/shared/fault"
	"crosswalk/shared/schema"
)

// keyField is a further column of a lookup's key: its value is that of another field of the contract.
type keyField struct {
	key *schema.Column
	// name is the other field, at where the contract names it; field is set once all fields are compiled.
	name  string
	at    *element
	field *fieldPlan
}

// reference is the row whose key, or id in the source for a link, is value.
func (b *binding) reference(value string) *Reference {
	if b.pair != "" {
		return &Reference{Entity: b.entity.Name, Set: b.entity.Set, Pair: b.pair, Value: value}
	}
	return &Reference{Entity: b.entity.Name, Set: b.entity.Set, Key: b.key.Name, Value: value, Quoted: b.key.Kind == schema.Text}
}

// literalBehind is what stands behind the key's text in a lookup's literal.
const literalBehind = `')"`

// alternateKey finds the key that a lookup's row is known by.
func (c *compiler) alternateKey(d *fieldDoc, e *schema.Entity) *binding {
	names := []string{d.reference.text}
	b := &binding{entity: e, own: d.reference.text == singleID(e)}
	known := true // a snapshot may name a key whose column it lacks
	column := func(at *element) *schema.Column {
		found, ok := e.Column(at.text)
		known = known && ok
		return found
	}
	b.key = column(d.reference)
	if d.referenceAnd != nil {
		for _, m := range d.referenceAnd.members {
			b.and = append(b.and, keyField{key: column(m.key), name: m.value.text, at: m.value})
			names = append(names, m.key.text)
		}
	}
	switch {
	case known && e.HasKey(names):
		return c.findable(d, b)
	case len(names) == 1:
		c.add(d.reference, "use a key of one column of "+e.Name+", or define one there and pull the schema", "%q is no key of %s", d.reference.text, e.Name)
	default:
		c.add(d.reference, "use one of "+keyList(e), "[%s] is no key of %s", strings.Join(names, ", "), e.Name)
	}
	return nil
}

// findable adds a finding where a column of the key has a value that no field of this contract can give.
func (c *compiler) findable(d *fieldDoc, b *binding) *binding {
	columns, at := []*schema.Column{b.key}, []*element{d.reference}
	for _, part := range b.and {
		columns, at = append(columns, part.key), append(at, part.at)
	}
	for i, column := range columns {
		switch {
		case column.Kind == schema.Reference:
			c.add(at[i], "use another key, or link: <pair>", "field %s: reference: the key's %s is a lookup itself, and nobody knows its row's id before it is read", d.name.text, column.Name)
			return nil
		case !b.entity.Keyable(column):
			c.add(at[i], "use another key", "field %s: reference: %s takes no %s (%s) in a key", d.name.text, c.plan.To.System, column.Kind, describeColumn(column))
			return nil
		}
	}
	return b
}

// bindPart is one column of a lookup's key with its value as text.
func bindPart(system string, column *schema.Column, text string) KeyPart {
	literal, quoted := schema.KeyLiteral(system, column, text)
	return KeyPart{column.Name, literal, quoted}
}

// references finds the fields that give further columns of lookups' keys.
func (c *compiler) references() {
	for i := range c.plan.fields {
		f := &c.plan.fields[i]
		if f.bind == nil {
			continue
		}
		for k := range f.bind.and {
			part := &f.bind.and[k]
			other := slices.IndexFunc(c.plan.fields, func(o fieldPlan) bool { return o.column.Name == part.name })
			switch {
			case part.at.shape != textShape: // a finding already
			case other < 0:
				if !slices.ContainsFunc(c.doc.fields, func(d fieldDoc) bool { return d.name.text == part.name && (d.faulty || d.maps()) }) {
					c.add(part.at, "name a field that this contract maps", "field %s: reference: and: no field %q is mapped", f.column.Name, part.name)
				}
			case c.plan.fields[other].column.Kind != part.key.Kind:
				c.add(part.at, "name a field of the same kind", "field %s: reference: and: %s is a %s, and the key's %s a %s", f.column.Name, part.name, c.plan.fields[other].column.Kind, part.key.Name, part.key.Kind)
			default:
				part.field = &c.plan.fields[other]
			}
		}
	}
}

// complete adds the further columns of its key to a lookup's value.
func (p *Plan) complete(w *workspace, f *fieldPlan, l *literal) *failure {
	parts := []KeyPart{{l.reference.Key, l.reference.Value, l.reference.Quoted}}
	for i := range f.bind.and {
		other := f.bind.and[i].field
		value, skip, err := p.evaluate(w, other)
		switch {
		case err != nil:
			failed := fault.Of(err)
			return fail(failed.Reason, "the field "+other.column.Name+" belongs to the key: "+failed.Detail)
		case skip, string(value.json) == "null", string(value.json) == `""`:
			return fail("blank-required", "the field "+other.column.Name+" belongs to the key and has no value")
		}
		v := Value{JSON: value.json, column: f.bind.and[i].key}
		parts = append(parts, bindPart(p.To.System, v.column, strings.Clone(v.keyText())))
	}
	l.reference.And = parts[1:]
	l.json = w.quoted(w.bindURL(f.bind.entity.Set, parts...))
	return nil
}
