package dataverse

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/rows"
)

// address is a row as a URL or a bind names it: by id, or by an alternate key.
type address struct {
	t *table
	// id is set for an address by id.
	id string
	// key and values are set for an address by alternate key.
	key    []string
	values rows.Values
}

// address reads the key of a segment. Alternate key values are checked against their columns.
func (s *Simulator) address(t *table, key []odata.KeyPart) (address, *refusal) {
	a := address{t: t}
	if len(key) == 1 && (key[0].Name == "" || key[0].Name == t.id) {
		if key[0].Value.Kind != odata.GUID {
			return a, badRequest(codeQuery, "Bad Request - Error in query syntax: the primary key of %s is a GUID.", t.set)
		}
		a.id = key[0].Value.Text
		return a, nil
	}
	given := rows.Values{}
	for _, part := range key {
		c := t.byName[part.Name]
		if isLookupValue(t, part.Name) {
			c = t.byName[strings.TrimSuffix(strings.TrimPrefix(part.Name, "_"), "_value")]
		}
		if c == nil || c.valueName() != part.Name { // a lookup stands in a key by its row's id alone
			return a, unknownInQuery(t, part.Name)
		}
		v, bad := keyValue(t, c, part.Value)
		if bad != nil {
			return a, bad
		}
		if _, twice := given[part.Name]; twice || v == nil {
			return a, badRequest(codeQuery, "The key property '%s' is given twice or is null.", part.Name)
		}
		given[part.Name] = v
	}
	for _, k := range t.keys {
		if len(k) == len(given) && hasAll(given, k) {
			a.key, a.values = k, given
			return a, nil
		}
	}
	return a, badRequest(codeQuery, "The specified key properties aren't an alternate key of entity '%s'.", t.name)
}

func hasAll(v rows.Values, names []string) bool {
	for _, n := range names {
		if v[n] == nil {
			return false
		}
	}
	return true
}

// keyValue turns a URL's literal into the JSON that the column would hold.
func keyValue(t *table, c *column, l odata.Literal) (jsontext.Value, *refusal) {
	var v jsontext.Value
	switch l.Kind {
	case odata.Null:
		v = jsontext.Value("null")
	case odata.Number, odata.Bool:
		v = jsontext.Value(l.Text)
	default:
		v = odata.Quote(l.Text)
	}
	if wanted := keyLiteral(c); l.Kind != wanted && l.Kind != odata.Null {
		return nil, badRequest(codeQuery, "The key value of '%s' isn't of the column's type.", c.name)
	}
	if c.isLookup() {
		return v, nil
	}
	return accept(t, c, v)
}

// keyLiteral is the kind of literal that a URL's key has for a column.
func keyLiteral(c *column) odata.Kind {
	switch {
	case c.isLookup():
		return odata.GUID
	case c.kind == "String":
		return odata.String
	case c.kind == "DateTime":
		return odata.Date
	}
	return odata.Number
}

// locate returns the id of the addressed row, or "". The caller holds the store's lock.
func (s *Simulator) locate(a address) string {
	if a.id != "" {
		if s.store.Get(a.t.name, a.id) == nil {
			return ""
		}
		return a.id
	}
	return s.holder(a.t, a.key, a.values)
}

// holder returns the id of the row that has these values in an alternate key's columns, or "". Text is compared without
// regard to case, as SQL Server's default collation does. A key with a null column is held by no row. The caller holds the
// store's lock.
func (s *Simulator) holder(t *table, key []string, v rows.Values) string {
	text, ok := keyOf(key, v)
	if !ok {
		return ""
	}
	return s.index[t.name+"/"+strings.Join(key, ",")][text]
}

// reindex moves a row in the index of alternate keys; either side may be nil. The caller holds the store's lock.
func (s *Simulator) reindex(t *table, id string, before, now rows.Values) {
	for _, key := range t.keys {
		name := t.name + "/" + strings.Join(key, ",")
		if text, ok := keyOf(key, before); ok {
			delete(s.index[name], text)
		}
		if text, ok := keyOf(key, now); ok {
			if s.index[name] == nil {
				s.index[name] = map[string]string{}
			}
			s.index[name][text] = id
		}
	}
}

func keyOf(key []string, v rows.Values) (string, bool) {
	var out strings.Builder
	for _, column := range key {
		if v[column] == nil {
			return "", false
		}
		out.WriteString(strings.ToLower(string(v[column])))
		out.WriteByte('\x00')
	}
	return out.String(), true
}
