package fno

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/rows"
	"crosswalk/local/systems/traffic"
)

// plan reads the request's body: checked values of known properties.
func (c *call) plan(e *entity) (rows.Values, *refusal) {
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		return nil, badPayload("The body can't be read.")
	}
	members, err := odata.Decode(body)
	if err != nil {
		return nil, badPayload("Invalid JSON: %s", err)
	}
	out := rows.Values{}
	for _, m := range members {
		if m.Name != "" && m.Name[0] == '@' { // @odata.type and the like are read and ignored
			continue
		}
		p := e.byName[m.Name]
		if p == nil {
			return nil, unknownProperty(e, m.Name)
		}
		v, bad := accept(e, p, m.Value)
		if bad != nil {
			return nil, bad
		}
		out[p.name] = v
	}
	return out, nil
}

// create answers a POST to an entity set.
func (c *call) create(e *entity) *refusal {
	v, bad := c.plan(e)
	if bad != nil {
		return bad
	}
	if e.hasCompany() && v["dataAreaId"] == nil {
		v["dataAreaId"] = odata.Quote(DefaultCompany)
	}
	company, _ := odata.Text(v["dataAreaId"])
	if !c.sees(company) {
		// UNCONFIRMED: how F&O words a create for another company without cross-company=true.
		return writeFailed(http.StatusBadRequest, e, "Warning: The company '%s' isn't the current one; the request lacks cross-company=true.", company)
	}
	if name := mayBeBlank[e.set]; name != "" && v[name] == nil {
		v[name] = odata.Quote("")
	}
	for _, name := range append(slices.Clone(e.key), mandatory[e.set]...) {
		if name == mayBeBlank[e.set] {
			continue
		}
		if v[name] == nil || string(v[name]) == `""` {
			return notFilled(e, name)
		}
	}
	key := e.keyOf(v)
	w := traffic.Write{Method: c.r.Method, Table: e.set, Key: keyText(key)}
	c.before(w)
	rec, bad := c.s.insert(e, key, v)
	if bad != nil {
		return bad
	}
	c.after(w)
	c.w.Header().Set("Location", c.base()+e.url(rec.Values))
	c.writeRow(http.StatusCreated, e, rec, nil)
	return nil
}

func (s *Simulator) insert(e *entity, key []string, v rows.Values) (*rows.Record, *refusal) {
	s.store.Lock()
	defer s.store.Unlock()
	if s.store.Get(e.set, keyText(key)) != nil {
		return nil, duplicate(e, e.key[len(e.key)-1], key[len(key)-1])
	}
	for _, p := range e.properties {
		if v[p.name] == nil {
			v[p.name] = p.blank()
		}
	}
	if p := v["PartyNumber"]; p != nil && string(p) == `""` {
		v["PartyNumber"] = odata.Quote(fmt.Sprintf("%09d", s.numbers.Add(1)))
	}
	if bad := s.checkRelations(e, v, nil); bad != nil {
		return nil, bad
	}
	return s.store.Put(e.set, keyText(key), v), nil
}

// update answers a PATCH, which is never an upsert.
func (c *call) update(e *entity, key []string) *refusal {
	v, bad := c.plan(e)
	if bad != nil {
		return bad
	}
	w := traffic.Write{Method: c.r.Method, Table: e.set, Key: keyText(key)}
	c.before(w)
	rec, bad := c.s.change(e, key, v, c)
	if bad != nil {
		return bad
	}
	c.after(w)
	c.w.Header().Set("ETag", etag(rec.Version))
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Simulator) change(e *entity, key []string, given rows.Values, c *call) (*rows.Record, *refusal) {
	s.store.Lock()
	defer s.store.Unlock()
	rec, bad := c.forUpdate(e, key)
	if bad != nil {
		return nil, bad
	}
	for _, p := range e.properties {
		v, ok := given[p.name]
		if !ok {
			continue
		}
		if p.isKey && !same(p, v, rec.Values[p.name]) {
			return nil, writeFailed(http.StatusBadRequest, e, "Warning: Field '%s' is part of the key and can't be changed.", p.name) // UNCONFIRMED text
		}
		if slices.Contains(mandatory[e.set], p.name) && string(v) == `""` {
			return nil, notFilled(e, p.name)
		}
		if !p.isKey {
			rec.Values[p.name] = v
		}
	}
	if bad := s.checkRelations(e, rec.Values, given); bad != nil {
		return nil, bad
	}
	return s.store.Put(e.set, keyText(key), rec.Values), nil
}

// forUpdate returns the row that a PATCH or DELETE is about, if the request sees it and its If-Match fits. The caller holds
// the store's lock.
func (c *call) forUpdate(e *entity, key []string) (*rows.Record, *refusal) {
	rec := c.s.store.Get(e.set, keyText(key))
	if rec == nil || !c.sees(companyOf(rec.Values)) {
		return nil, nothingToUpdate()
	}
	if m := c.r.Header.Get("If-Match"); m != "" && m != "*" && m != etag(rec.Version) {
		return nil, stale()
	}
	return rec, nil
}

func same(p *property, a, b jsontext.Value) bool { return odata.Compare(p.literal(), a, b) == 0 }

// delete answers a DELETE.
func (c *call) delete(e *entity, key []string) *refusal {
	w := traffic.Write{Method: c.r.Method, Table: e.set, Key: keyText(key)}
	c.before(w)
	if bad := c.s.remove(e, key, c); bad != nil {
		return bad
	}
	c.after(w)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Simulator) remove(e *entity, key []string, c *call) *refusal {
	s.store.Lock()
	defer s.store.Unlock()
	rec, bad := c.forUpdate(e, key)
	if bad != nil {
		return bad
	}
	if user := s.referrer(e, rec.Values); user != "" {
		// UNCONFIRMED text.
		return writeFailed(http.StatusBadRequest, e, "Warning: Cannot delete a record in %s while dependent %s exist.", e.label, user)
	}
	s.store.Delete(e.set, keyText(key))
	return nil
}

// checkRelations holds that related rows exist; where given isn't nil, only of the properties in it. Blank means no
// relation. The caller holds the store's lock.
func (s *Simulator) checkRelations(e *entity, v, given rows.Values) *refusal {
	for _, r := range relations[e.set] {
		if _, ok := given[r.property]; given != nil && !ok {
			continue
		}
		value, _ := odata.Text(v[r.property])
		if value == "" || r.set == e.set && value == textOf(v, e.key[len(e.key)-1]) {
			continue
		}
		if s.store.Get(r.set, s.relatedKey(r, v, value)) == nil {
			return notInRelated(e, r, value)
		}
	}
	return nil
}

func (s *Simulator) relatedKey(r relation, v rows.Values, value string) string {
	if s.sets[r.set].hasCompany() {
		return keyText([]string{companyOf(v), value})
	}
	return keyText([]string{value})
}

// referrer returns the label of an entity that has a row which refers to v, or "".
func (s *Simulator) referrer(e *entity, v rows.Values) string {
	mine := keyText(e.keyOf(v))
	for _, set := range slices.Sorted(keysOf(relations)) {
		for _, r := range relations[set] {
			if r.set != e.set {
				continue
			}
			found := false
			s.store.Each(set, func(other *rows.Record) bool {
				value := textOf(other.Values, r.property)
				found = value != "" && s.relatedKey(r, other.Values, value) == mine && !(set == e.set && other.Key == mine)
				return !found
			})
			if found {
				return s.sets[set].label
			}
		}
	}
	return ""
}

func companyOf(v rows.Values) string { return textOf(v, "dataAreaId") }

func textOf(v rows.Values, name string) string {
	text, _ := odata.Text(v[name])
	return text
}

// keyOf returns a row's key values as text.
func (e *entity) keyOf(v rows.Values) []string {
	out := make([]string, len(e.key))
	for i, name := range e.key {
		if text, ok := odata.Text(v[name]); ok {
			out[i] = e.byName[name].canonical(text)
		} else {
			out[i] = string(v[name])
		}
	}
	return out
}

// canonical brings a date of a key into the stored form.
func (p *property) canonical(text string) string {
	if p.kind != "DateTimeOffset" {
		return text
	}
	for _, form := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return p.stored(t)
		}
	}
	return text
}

// etag is base64 of the record version between quotes, as in captures: W/"JzEnJw==".
func etag(version int64) string {
	return `W/"` + base64.StdEncoding.EncodeToString([]byte("'"+strconv.FormatInt(version, 10)+"'")) + `"`
}
