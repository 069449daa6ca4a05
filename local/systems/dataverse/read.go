package dataverse

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/rows"
)

// pageLimit is the largest page; the simulator gives no next link, so more rows than that are cut off with an error.
const pageLimit = 5000

// get answers a GET of one row.
func (c *call) get(a address) *refusal {
	q, bad := c.query(a.t, "$select")
	if bad != nil {
		return bad
	}
	c.s.store.Lock()
	rec := c.s.store.Get(a.t.name, c.s.locate(a))
	c.s.store.Unlock()
	if rec == nil {
		return missing(a)
	}
	if c.r.Header.Get("If-None-Match") == etag(rec.Version) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	c.writeRow(http.StatusOK, a.t, rec, q.selected)
	return nil
}

// query holds the system query options.
type query struct {
	// selected are the columns to show; nil means all.
	selected []*column
	filter   *odata.Filter
	order    []odata.Order
	top      int
	count    bool
}

// query reads the options; allowed are those that fit the request. Dataverse's own tag and partitionId, and options without
// a $, are ignored.
func (c *call) query(t *table, allowed ...string) (query, *refusal) {
	q := query{top: -1}
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return q, badRequest(codeQuery, "The query string isn't well formed.")
	}
	for name := range values {
		if strings.HasPrefix(name, "$") && !slices.Contains(allowed, name) {
			return q, badRequest(codeQuery, "The query parameter %s is not supported.", name)
		}
	}
	var bad *refusal
	if q.selected, bad = selection(t, values.Get("$select")); bad != nil {
		return q, bad
	}
	if f := values.Get("$filter"); f != "" {
		if q.filter, bad = filter(t, f); bad != nil {
			return q, bad
		}
	}
	if o := values.Get("$orderby"); o != "" {
		if q.order, err = odata.ParseOrder(o); err != nil {
			return q, badRequest(codeQuery, "%s", err)
		}
		for _, term := range q.order {
			if t.shown(term.Column) == nil {
				return q, unknownInQuery(t, term.Column)
			}
		}
	}
	if text := values.Get("$top"); text != "" {
		if q.top, err = strconv.Atoi(text); err != nil || q.top < 0 {
			return q, badRequest(codeQuery, "Invalid value '%s' for $top query option found.", text)
		}
	}
	q.count = values.Get("$count") == "true"
	return q, nil
}

// shown returns the column that has this name in answers, or nil.
func (t *table) shown(name string) *column {
	if c := t.byName[name]; c != nil && !c.isLookup() {
		return c
	}
	if isLookupValue(t, name) {
		return t.byName[strings.TrimSuffix(strings.TrimPrefix(name, "_"), "_value")]
	}
	return nil
}

// selection reads $select; a lookup's navigation property stands for its value.
func selection(t *table, text string) ([]*column, *refusal) {
	if text == "" {
		return nil, nil
	}
	out := []*column{t.byName[t.id]}
	for _, name := range strings.Split(text, ",") {
		name = strings.TrimSpace(name)
		col := t.shown(name)
		if n, ok := t.navigations[name]; ok {
			col = n.column
		}
		if col == nil {
			return nil, unknownInQuery(t, name)
		}
		if !slices.Contains(out, col) {
			out = append(out, col)
		}
	}
	return out, nil
}

func filter(t *table, text string) (*odata.Filter, *refusal) {
	f, err := odata.ParseFilter(text)
	if err != nil {
		return nil, badRequest(codeQuery, "%s", err)
	}
	var bad *refusal
	_ = f.Comparisons(func(x *odata.Filter) error {
		c := t.shown(x.Column)
		switch {
		case bad != nil:
		case c == nil:
			bad = unknownInQuery(t, x.Column)
		case !odata.Fits(c.literal(), x.Value):
			bad = badRequest(codeQuery, "A binary operator with incompatible types was detected: the value of '%s' isn't of the column's type.", x.Column)
		}
		return nil
	})
	return f, bad
}

// literal is the kind of literal that a column is compared with.
func (c *column) literal() odata.Kind {
	switch c.kind {
	case "Boolean":
		return odata.Bool
	case "DateTime":
		return odata.Date
	case "Uniqueidentifier":
		return odata.GUID
	case "String":
		return odata.String
	}
	if c.isLookup() {
		return odata.GUID
	}
	return odata.Number
}

// list answers a GET of an entity set.
func (c *call) list(t *table) *refusal {
	q, bad := c.query(t, "$select", "$filter", "$orderby", "$top", "$count")
	if bad != nil {
		return bad
	}
	found := c.s.search(t, q)
	count := len(found)
	if q.top >= 0 && q.top < len(found) {
		found = found[:q.top]
	}
	if len(found) > pageLimit {
		return notSimulated("A result of more than 5,000 rows")
	}
	out := []byte(`{"@odata.context":` + string(odata.Quote(c.base()+"$metadata#"+t.set)))
	if q.count {
		out = append(out, `,"@odata.count":`+strconv.Itoa(count)...)
	}
	out = append(out, `,"value":[`...)
	for i, rec := range found {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '{')
		out = c.appendRow(out, t, rec, q.selected)
		out = append(out, '}')
	}
	c.send(http.StatusOK, append(out, "]}"...))
	return nil
}

// search returns the rows that match, in order: $orderby, then the order of their last change.
func (s *Simulator) search(t *table, q query) []*rows.Record {
	s.store.Lock()
	defer s.store.Unlock()
	var found []*rows.Record
	s.store.Each(t.name, func(r *rows.Record) bool {
		if q.filter.Match(func(x *odata.Filter) bool {
			col := t.shown(x.Column)
			return odata.Holds(x.Op, col.literal(), r.Values[col.valueName()], x.Value)
		}) {
			found = append(found, r.Clone())
		}
		return true
	})
	slices.SortFunc(found, func(a, b *rows.Record) int {
		for _, term := range q.order {
			col := t.shown(term.Column)
			n := odata.Compare(col.literal(), a.Values[col.valueName()], b.Values[col.valueName()])
			if term.Descending {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return int(a.Version - b.Version)
	})
	return found
}

func (c *call) writeRow(status int, t *table, rec *rows.Record, selected []*column) {
	context := c.base() + "$metadata#" + t.set
	if selected != nil {
		names := make([]string, len(selected))
		for i, col := range selected {
			names[i] = col.valueName()
		}
		context += "(" + strings.Join(names, ",") + ")"
	}
	out := []byte(`{"@odata.context":` + string(odata.Quote(context+"/$entity")) + `,`)
	out = c.appendRow(out, t, rec, selected)
	c.w.Header().Set("ETag", etag(rec.Version))
	c.send(status, append(out, '}'))
}

// appendRow renders a row's members, nulls included.
func (c *call) appendRow(out []byte, t *table, rec *rows.Record, selected []*column) []byte {
	if selected == nil {
		selected = t.columns
	}
	out = append(out, `"@odata.etag":`...)
	out = append(out, odata.Quote(etag(rec.Version))...)
	annotate := c.prefer["odata.include-annotations"] != ""
	for _, col := range selected {
		name := col.valueName()
		v := rec.Values[name]
		if col.kind == "BigInt" && col.name == "versionnumber" {
			v = jsontext.Value(strconv.FormatInt(rec.Version, 10))
		}
		if annotate && v != nil {
			out = c.annotations(out, col, v)
		}
		out = append(out, ',')
		out = append(out, odata.Quote(name)...)
		out = append(out, ':')
		if v == nil {
			v = jsontext.Value("null")
		}
		out = append(out, v...)
	}
	return out
}

// annotations gives an option's label and a lookup's table.
func (c *call) annotations(out []byte, col *column, v jsontext.Value) []byte {
	note := func(suffix, text string) {
		out = append(out, ',')
		out = append(out, odata.Quote(col.valueName()+"@"+suffix)...)
		out = append(out, ':')
		out = append(out, odata.Quote(text)...)
	}
	switch {
	case col.isLookup():
		note("Microsoft.Dynamics.CRM.lookuplogicalname", c.s.targetOf(col, v))
	case col.isOption():
		n, _ := strconv.Atoi(string(v))
		for _, o := range col.options {
			if o.value == n {
				note("OData.Community.Display.V1.FormattedValue", o.label)
			}
		}
	}
	return out
}

// targetOf tells which of a lookup's tables holds the row it points to.
func (s *Simulator) targetOf(col *column, v jsontext.Value) string {
	id, _ := odata.Text(v)
	s.store.Lock()
	defer s.store.Unlock()
	for _, target := range col.targets {
		if s.store.Get(target, id) != nil {
			return target
		}
	}
	return col.targets[0]
}

func (c *call) send(status int, body []byte) {
	c.w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
}
