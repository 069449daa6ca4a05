package contract

import (
	"slices"
	"strings"

	"crosswalk/shared/schema"
)

// KeyPart is one column of a key with its value, as a URL holds them: Column is the property's name there, Value the literal, which
// the URL writes in quotes where Quoted is true.
type KeyPart struct {
	Column, Value string
	Quoted        bool
}

// KeyParts returns the record's key as the target's URLs hold it, in the contract's order. A lookup of the key is known by the id of
// the row that it points to, which resolved tells for one that is found by a key of its own; ok is false while it isn't known.
func (r *Record) KeyParts(resolved ...Resolved) (parts []KeyPart, ok bool) {
	system, key := r.plan.To.System, r.Key()
	for i := range key {
		v := &key[i]
		text := v.keyText()
		if v.Reference != nil {
			text = v.Reference.ID
			if k := slices.IndexFunc(resolved, func(x Resolved) bool { return x.Name == v.Name }); k >= 0 {
				text = resolved[k].ID
			}
			if text == "" {
				return nil, false
			}
		}
		literal, quoted := schema.KeyLiteral(system, v.column, text)
		parts = append(parts, KeyPart{schema.KeyProperty(system, v.column), literal, quoted})
	}
	return parts, true
}

// Address returns the URL of the record's row in the target, relative to the service's root, such as
// CustomersV3(dataAreaId='usmf',CustomerAccount='US-001'). It is "" while a lookup of the key isn't known, see [Record.KeyParts].
func (p *Plan) Address(r *Record, resolved ...Resolved) string {
	parts, ok := r.KeyParts(resolved...)
	if !ok {
		return ""
	}
	if p.IDIsKey() {
		parts[0].Column = "" // as the client writes it
	}
	return strings.TrimPrefix(new(workspace).bindURL(p.target.Set, parts...), "/")
}

// keyText is the value as the text of a key has it: a number without zeros that don't count, a day without a time.
func (v *Value) keyText() string {
	text := v.Text()
	switch {
	case isNumber(v.JSON):
		return canonicalNumber(text)
	case v.column != nil && v.column.Kind == schema.Time && v.column.DateOnly && v.IsText():
		return text[:len("2006-01-02")]
	}
	return text
}

// IDIsKey reports whether the key is the target's own GUID, under which the row is then created.
func (p *Plan) IDIsKey() bool { return p.idIsKey }

// key checks that the match key can find a row, and that every record has all of it.
func (c *compiler) key() {
	target := c.plan.target
	known := true
	for _, k := range c.doc.to.key {
		if _, ok := target.Column(k.text); !ok {
			known = false
			c.add(k, c.meant(k.text, target), "key: %s has no field %q", target.Name, k.text)
		}
	}
	if len(c.doc.to.key) == 0 || !known {
		return
	}
	switch {
	case !target.HasKey(c.plan.To.Key):
		c.add(c.doc.to.key[0], "use one of "+keyList(target), "[%s] is no key of %s, so it can find several rows", strings.Join(c.plan.To.Key, ", "), target.Name)
	case target.System == schema.FnO && !slices.Equal(c.plan.To.Key, target.PrimaryKey):
		c.add(c.doc.to.key[0], "write key: ["+strings.Join(target.PrimaryKey, ", ")+"]", "key: events name a row of %s by its key's values in the order [%s], and so does the link", target.Name, strings.Join(target.PrimaryKey, ", "))
	}
	before := len(c.findings)
	for _, k := range c.doc.to.key {
		c.keyColumn(k)
	}
	if len(c.findings) == before && len(c.plan.Rows()) == len(c.plan.To.Key) {
		c.add(c.doc.to.key[0], "map one of its columns from what tells the records apart, with blank: reject", "key: each of its columns has a fixed value, so all records of %s would be written to one row", c.plan.source.Name)
	}
	c.plan.idIsKey = len(c.plan.To.Key) == 1 && c.plan.To.Key[0] == c.plan.TargetID()
}

// keyColumn checks one column of the match key.
func (c *compiler) keyColumn(k *element) {
	if column, _ := c.plan.target.Column(k.text); !c.plan.target.Keyable(column) {
		c.add(k, "use a key of other columns", "key: %s takes no %s (%s) in a key", c.plan.To.System, column.Kind, describeColumn(column))
	}
	index := slices.IndexFunc(c.plan.fields, func(f fieldPlan) bool { return f.column.Name == k.text })
	switch {
	case index >= 0:
		c.plan.keys = append(c.plan.keys, index)
		c.plan.fields[index].key = true
	case !slices.ContainsFunc(c.doc.fields, func(d fieldDoc) bool { return d.name.text == k.text && (d.faulty || d.maps()) }):
		c.add(k, "map it under fields: "+k.text+": {from: …, blank: reject}", "key field %s isn't mapped", k.text)
	}
}

func keyList(e *schema.Entity) string {
	keys := []string{"[" + strings.Join(e.PrimaryKey, ", ") + "]"}
	for _, k := range e.AlternateKeys {
		keys = append(keys, "["+strings.Join(k, ", ")+"]")
	}
	return strings.Join(keys, ", ")
}
