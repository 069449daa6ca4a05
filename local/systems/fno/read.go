package fno

import (
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/rows"
)

// pageLimit is the largest page (documentation: "Open Data Protocol (OData)"). The simulator gives no next link, so more
// rows than that are an error.
const pageLimit = 10000

// query holds the query options.
type query struct {
	// selected are the properties to show; nil means all.
	selected  []*property
	filter    *odata.Filter
	order     []odata.Order
	top, skip int
	count     bool
}

var listOptions = []string{"$select", "$filter", "$orderby", "$top", "$skip", "$count"}

func (c *call) query(e *entity, allowed ...string) (query, *refusal) {
	q := query{top: -1}
	for name := range c.options {
		if strings.HasPrefix(name, "$") && !slices.Contains(allowed, name) {
			return q, badPayload("The query parameter '%s' is not supported.", name)
		}
	}
	var bad *refusal
	if q.selected, bad = selection(e, c.options.Get("$select")); bad != nil {
		return q, bad
	}
	if f := c.options.Get("$filter"); f != "" {
		if q.filter, bad = filter(e, f); bad != nil {
			return q, bad
		}
	}
	if o := c.options.Get("$orderby"); o != "" {
		var err error
		if q.order, err = odata.ParseOrder(o); err != nil {
			return q, badPayload("%s", err)
		}
		for _, term := range q.order {
			if e.byName[term.Column] == nil {
				return q, unknownInQuery(e, term.Column)
			}
		}
	}
	if q.top, bad = c.whole("$top", -1); bad != nil {
		return q, bad
	}
	if q.skip, bad = c.whole("$skip", 0); bad != nil {
		return q, bad
	}
	q.count = c.options.Get("$count") == "true"
	return q, nil
}

func (c *call) whole(name string, otherwise int) (int, *refusal) {
	text := c.options.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, badPayload("Invalid value '%s' for %s query option found.", text, name)
	}
	return n, nil
}

func selection(e *entity, text string) ([]*property, *refusal) {
	if text == "" {
		return nil, nil
	}
	var out []*property
	for _, name := range strings.Split(text, ",") {
		p := e.byName[strings.TrimSpace(name)]
		if p == nil {
			return nil, unknownInQuery(e, strings.TrimSpace(name))
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

const enumNamespace = "Microsoft.Dynamics.DataEntities."

func filter(e *entity, text string) (*odata.Filter, *refusal) {
	f, err := odata.ParseFilter(text)
	if err != nil {
		return nil, badPayload("%s", err)
	}
	var bad *refusal
	_ = f.Comparisons(func(x *odata.Filter) error {
		if bad == nil {
			bad = checkComparison(e, x)
		}
		return nil
	})
	return f, bad
}

func checkComparison(e *entity, x *odata.Filter) *refusal {
	p := e.byName[x.Column]
	if p == nil {
		return unknownInQuery(e, x.Column)
	}
	if !odata.Fits(p.literal(), x.Value) {
		return badPayload("A binary operator with incompatible types was detected: the value of '%s' isn't of the property's type.", x.Column)
	}
	if p.kind != "Enum" || x.Value.Kind == odata.Null {
		return nil
	}
	if x.Value.Type != enumNamespace+p.enum || !slices.Contains(p.members, x.Value.Text) {
		return badPayload("The string '%s' is not a valid enumeration type constant.", x.Value.Type+"'"+x.Value.Text+"'")
	}
	if x.Op != "eq" && x.Op != "ne" { // documentation: "Open Data Protocol (OData)"
		return badPayload("Enums can be compared with eq and ne only.")
	}
	return nil
}

// holds evaluates one comparison. A text with stars is F&O's "contains": eq '*x*'.
func holds(e *entity, x *odata.Filter, v rows.Values) bool {
	p := e.byName[x.Column]
	if x.Value.Kind == odata.String && strings.Contains(x.Value.Text, "*") && (x.Op == "eq" || x.Op == "ne") {
		text, _ := odata.Text(v[p.name])
		return like(strings.ToLower(text), strings.ToLower(x.Value.Text)) == (x.Op == "eq")
	}
	return odata.Holds(x.Op, p.literal(), v[p.name], x.Value)
}

// like matches text with a pattern in which * stands for anything.
func like(text, pattern string) bool {
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}

// get answers a GET of one row.
func (c *call) get(e *entity, key []string) *refusal {
	q, bad := c.query(e, "$select")
	if bad != nil {
		return bad
	}
	c.s.store.Lock()
	rec := c.s.store.Get(e.set, keyText(key))
	c.s.store.Unlock()
	if rec == nil || !c.sees(companyOf(rec.Values)) {
		return noRow()
	}
	c.writeRow(http.StatusOK, e, rec, q.selected)
	return nil
}

// list answers a GET of an entity set.
func (c *call) list(e *entity) *refusal {
	q, bad := c.query(e, listOptions...)
	if bad != nil {
		return bad
	}
	found := c.search(e, q)
	count := len(found)
	found = found[min(q.skip, len(found)):]
	if q.top >= 0 {
		found = found[:min(q.top, len(found))]
	}
	if len(found) > pageLimit {
		return notSimulated("A result of more than 10,000 rows")
	}
	out := []byte(`{"@odata.context":` + string(odata.Quote(c.base()+"$metadata#"+e.set)))
	if q.count {
		out = append(out, `,"@odata.count":`+strconv.Itoa(count)...)
	}
	out = append(out, `,"value":[`...)
	for i, rec := range found {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '{')
		out = appendRow(out, e, rec, q.selected)
		out = append(out, '}')
	}
	c.send(http.StatusOK, append(out, "]}"...))
	return nil
}

func (c *call) countOnly(e *entity) *refusal {
	q, bad := c.query(e, "$filter")
	if bad != nil {
		return bad
	}
	c.w.Header().Set("Content-Type", "text/plain")
	c.w.WriteHeader(http.StatusOK)
	_, _ = c.w.Write([]byte(strconv.Itoa(len(c.search(e, q)))))
	return nil
}

// search returns the rows that the request sees and that match, ordered by $orderby, then by key.
func (c *call) search(e *entity, q query) []*rows.Record {
	s := c.s
	s.store.Lock()
	defer s.store.Unlock()
	var found []*rows.Record
	s.store.Each(e.set, func(r *rows.Record) bool {
		if c.sees(companyOf(r.Values)) && q.filter.Match(func(x *odata.Filter) bool { return holds(e, x, r.Values) }) {
			found = append(found, r.Clone())
		}
		return true
	})
	slices.SortFunc(found, func(a, b *rows.Record) int {
		for _, term := range q.order {
			p := e.byName[term.Column]
			n := odata.Compare(p.literal(), a.Values[p.name], b.Values[p.name])
			if term.Descending {
				n = -n
			}
			if n != 0 {
				return n
			}
		}
		return strings.Compare(a.Key, b.Key)
	})
	return found
}

func (c *call) writeRow(status int, e *entity, rec *rows.Record, selected []*property) {
	out := []byte(`{"@odata.context":` + string(odata.Quote(c.base()+"$metadata#"+e.set+"/$entity")) + `,`)
	out = appendRow(out, e, rec, selected)
	c.w.Header().Set("ETag", etag(rec.Version))
	c.send(status, append(out, '}'))
}

func appendRow(out []byte, e *entity, rec *rows.Record, selected []*property) []byte {
	if selected == nil {
		selected = e.properties
	}
	out = append(out, `"@odata.etag":`...)
	out = append(out, odata.Quote(etag(rec.Version))...)
	for _, p := range selected {
		out = append(out, ',')
		out = append(out, odata.Quote(p.name)...)
		out = append(out, ':')
		out = append(out, rec.Values[p.name]...)
	}
	return out
}

func (c *call) send(status int, body []byte) {
	c.w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
}

// url is a row's address below the root.
func (e *entity) url(v rows.Values) string {
	parts := make([]string, len(e.key))
	for i, name := range e.key {
		p := e.byName[name]
		text := string(v[name])
		if bare, ok := odata.Text(v[name]); ok {
			text = bare
			if p.kind == "String" {
				text = "'" + url.PathEscape(strings.ReplaceAll(bare, "'", "''")) + "'"
			}
		}
		parts[i] = name + "=" + text
	}
	return e.set + "(" + strings.Join(parts, ",") + ")"
}

func keysOf[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }
