package dataverse

import (
	"strings"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/rows"
)

// plan is a body that has passed all checks which need no other row.
type plan struct {
	t *table
	// id is the primary key in the body, or "".
	id string
	// values are the columns to set; nil means null.
	values rows.Values
	binds  []bind
}

// bind sets a lookup; to is nil where it is cleared.
type bind struct {
	column *column
	to     *address
}

// plan reads the request's body. Only the first mistake is told, as the real API does.
func (c *call) plan(t *table) (*plan, *refusal) {
	members, err := odata.Decode(readBody(c.r))
	if err != nil {
		return nil, payload(t, "Invalid JSON: %s", err)
	}
	p := &plan{t: t, values: rows.Values{}}
	for _, m := range members {
		if bad := c.s.planMember(p, m); bad != nil {
			return nil, bad
		}
	}
	return p, nil
}

func (s *Simulator) planMember(p *plan, m odata.Member) *refusal {
	name, annotation, annotated := strings.Cut(m.Name, "@")
	switch {
	case annotated && annotation == "odata.bind":
		return s.planBind(p, name, m)
	case annotated && (name == "" || p.t.byName[name] != nil): // @odata.type and the like are read and ignored
		return nil
	case annotated:
		return payload(p.t, "An undeclared property '%s' which only has property annotations in the payload but no property value was found in the payload.", name)
	}
	if n, ok := p.t.navigations[name]; ok {
		if m.Value.Kind() == 'n' && !n.column.readOnly {
			p.binds = append(p.binds, bind{column: n.column})
			return nil
		}
		return payload(p.t, "A value was found where the navigation property '%s' expects none. Use '%s@odata.bind'.", name, name)
	}
	c := p.t.byName[name]
	switch {
	case c == nil && isLookupValue(p.t, name):
		return payload(p.t, "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.")
	case c == nil || c.isLookup(): // a lookup with several targets has no property of its own name
		return unknownProperty(p.t, name)
	case c.readOnly:
		// UNCONFIRMED: the real platform ignores some of these in silence.
		return badRequest(codeReadOnly, "The property '%s' of '%s' can't be written.", name, p.t.name)
	}
	v, bad := accept(p.t, c, m.Value)
	if bad != nil {
		return bad
	}
	if name == p.t.id {
		p.id, _ = odata.Text(v)
		return nil
	}
	p.values[name] = v
	return nil
}

func isLookupValue(t *table, name string) bool {
	inner, lookup := strings.CutSuffix(strings.TrimPrefix(name, "_"), "_value")
	if !lookup {
		return false
	}
	c := t.byName[inner]
	return c != nil && c.isLookup()
}

// planBind reads <navigation>@odata.bind: "/accounts(<guid>)", "/accounts(accountnumber='US-001')", the same without the
// slash or with the whole URL, or null.
func (s *Simulator) planBind(p *plan, name string, m odata.Member) *refusal {
	n, ok := p.t.navigations[name]
	if !ok {
		return payload(p.t, "An undeclared property '%s' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values.", name)
	}
	if n.column.readOnly {
		return badRequest(codeReadOnly, "The property '%s' of '%s' can't be written.", name, p.t.name)
	}
	if m.Value.Kind() == 'n' {
		if n.column.level == "systemrequired" {
			return required(p.t, n.column)
		}
		p.binds = append(p.binds, bind{column: n.column})
		return nil
	}
	text, ok := odata.Text(m.Value)
	if !ok {
		return payload(p.t, "The value of '%s@odata.bind' isn't text.", name)
	}
	if _, after, found := strings.Cut(text, root); found {
		text = after
	}
	path, err := odata.ParsePath(text)
	if err != nil || len(path) != 1 || path[0].Key == nil {
		return badRequest(codePayload, "The URI in '%s@odata.bind' isn't well formed: it must be /<set>(<key>).", name)
	}
	target := s.sets[path[0].Name]
	if target == nil {
		return noSegment(path[0].Name)
	}
	if !n.takes(target.name) {
		return payload(p.t, "The navigation property '%s' doesn't lead to '%s'.", name, target.set)
	}
	to, bad := s.address(target, path[0].Key)
	if bad != nil {
		return bad
	}
	p.binds = append(p.binds, bind{column: n.column, to: &to})
	return nil
}

func (n navigation) takes(table string) bool {
	if n.target != "" {
		return n.target == table
	}
	for _, t := range n.column.targets {
		if t == table {
			return true
		}
	}
	return false
}
