package dataverse

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/rows"
	"crosswalk/local/systems/traffic"
)

// create answers a POST to an entity set.
func (c *call) create(t *table) *refusal {
	q, bad := c.query(t, "$select")
	if bad != nil {
		return bad
	}
	p, bad := c.plan(t)
	if bad != nil {
		return bad
	}
	c.before(traffic.Write{Method: c.r.Method, Table: t.name})
	rec, bad := c.s.insert(p, address{t: t, id: p.id}, c.user)
	if bad != nil {
		return bad
	}
	c.after(traffic.Write{Method: c.r.Method, Table: t.name, Key: rec.Key})
	c.written(t, rec, q, t.set+"("+rec.Key+")", true)
	return nil
}

// insert stores a POST's row.
func (s *Simulator) insert(p *plan, a address, user string) (*rows.Record, *refusal) {
	s.store.Lock()
	defer s.store.Unlock()
	if a.id != "" && s.locate(a) != "" {
		return nil, &refusal{http.StatusPreconditionFailed, codeDuplicateID, "A record with matching key values already exists."}
	}
	return s.add(p, a, user)
}

// upsert answers a PATCH to a row.
func (c *call) upsert(a address) *refusal {
	q, bad := c.query(a.t, "$select")
	if bad != nil {
		return bad
	}
	p, bad := c.plan(a.t)
	if bad != nil {
		return bad
	}
	if a.id != "" && p.id != "" && p.id != a.id {
		return payload(a.t, "The key property '%s' differs from the request's URL.", a.t.id)
	}
	cond, bad := conditions(c.r.Header)
	if bad != nil {
		return bad
	}
	url := strings.TrimPrefix(c.r.URL.EscapedPath(), root)
	w := traffic.Write{Method: c.r.Method, Table: a.t.name, Key: strings.TrimSuffix(strings.TrimPrefix(url, a.t.set+"("), ")")}
	c.before(w)
	rec, created, bad := c.s.put(p, a, cond, c.user)
	if bad != nil {
		return bad
	}
	c.after(w)
	c.written(a.t, rec, q, url, created)
	return nil
}

// put stores a PATCH: an upsert, unless a condition says otherwise.
func (s *Simulator) put(p *plan, a address, cond condition, user string) (rec *rows.Record, created bool, bad *refusal) {
	s.store.Lock()
	defer s.store.Unlock()
	id := s.locate(a)
	if bad := cond.check(a, s.store.Get(a.t.name, id)); bad != nil {
		return nil, false, bad
	}
	if id == "" {
		rec, bad = s.add(p, a, user)
		return rec, true, bad
	}
	if p.id != "" && p.id != id {
		return nil, false, payload(a.t, "The key property '%s' can't be changed.", a.t.id)
	}
	rec, bad = s.change(p, id, user)
	return rec, false, bad
}

// add creates a row. Values of the body win over those of an alternate key in the URL, as documented for upsert. The caller
// holds the store's lock.
func (s *Simulator) add(p *plan, a address, user string) (*rows.Record, *refusal) {
	t := p.t
	v := rows.Values{}
	for column, value := range a.values {
		v[column] = value
	}
	if bad := s.merge(p, v); bad != nil {
		return nil, bad
	}
	id := a.id
	if id == "" {
		id = p.id
	}
	if id == "" {
		id = uuid.NewString()
	}
	v[t.id] = odata.Quote(id)
	s.fillIn(t, v, user)
	for _, c := range t.columns {
		if c.level == "systemrequired" && v[c.valueName()] == nil {
			return nil, required(t, c)
		}
	}
	return s.commit(t, id, nil, v)
}

// change updates a row. The caller holds the store's lock.
func (s *Simulator) change(p *plan, id, user string) (*rows.Record, *refusal) {
	old := s.store.Get(p.t.name, id)
	v := old.Clone().Values
	if bad := s.merge(p, v); bad != nil {
		return nil, bad
	}
	if p.t.byName["modifiedon"] != nil {
		v["modifiedon"] = odata.Quote(s.stamp())
		v["_modifiedby_value"] = odata.Quote(user)
	}
	return s.commit(p.t, id, old.Values, v)
}

// merge puts the planned values into v, lookups included.
func (s *Simulator) merge(p *plan, v rows.Values) *refusal {
	_, statusGiven := p.values["statuscode"]
	for name, value := range p.values {
		if value == nil {
			delete(v, name)
		} else {
			v[name] = value
		}
	}
	for _, b := range p.binds {
		id := ""
		if b.to != nil {
			if id = s.locate(*b.to); id == "" {
				// UNCONFIRMED for a bind by id: the real answer may have the code of a missing row, 0x80040217.
				return noKey(b.to.t)
			}
			v[b.column.valueName()] = odata.Quote(id)
			continue
		}
		delete(v, b.column.valueName())
	}
	if s.calculates.Load() {
		for _, total := range p.t.totals {
			v[total] = []byte("0")
		}
	}
	return checkState(p.t, v, p.values["statecode"] != nil && !statusGiven)
}

// checkState holds that a status belongs to its state; a new state alone takes its first status.
func checkState(t *table, v rows.Values, stateOnly bool) *refusal {
	if t.states == nil || v["statecode"] == nil {
		return nil
	}
	state, _ := strconv.Atoi(string(v["statecode"]))
	if stateOnly || v["statuscode"] == nil {
		v["statuscode"] = t.defaultStatus(state)
		return nil
	}
	status, _ := strconv.Atoi(string(v["statuscode"]))
	if t.states[status] != state {
		return badRequest(codeState, "%d is not a valid status code for state code %d on %s.", status, state, t.name)
	}
	return nil
}

func (t *table) defaultStatus(state int) []byte {
	for _, o := range t.byName["statuscode"].options {
		if of, ok := t.states[o.value]; ok && of == state {
			return []byte(strconv.Itoa(o.value))
		}
	}
	return nil
}

// fillIn sets what the platform sets itself on a new row.
func (s *Simulator) fillIn(t *table, v rows.Values, user string) {
	now := odata.Quote(s.stamp())
	for _, name := range []string{"createdon", "modifiedon"} {
		if t.byName[name] != nil {
			v[name] = now
		}
	}
	for _, name := range []string{"createdby", "modifiedby", "ownerid"} {
		if c := t.byName[name]; c != nil && v[c.valueName()] == nil {
			v[c.valueName()] = odata.Quote(user)
		}
	}
	if c := t.byName["organizationid"]; c != nil {
		v[c.valueName()] = odata.Quote(organization)
	}
	if t.byName["revisionnumber"] != nil && v["revisionnumber"] == nil {
		v["revisionnumber"] = []byte("0")
	}
	if t.byName["statecode"] != nil && v["statecode"] == nil {
		v["statecode"] = []byte("0")
		if t.states == nil {
			v["statuscode"] = []byte(strconv.Itoa(t.byName["statuscode"].options[0].value))
		}
	}
	if v["statuscode"] == nil && t.states != nil {
		v["statuscode"] = t.defaultStatus(0)
	}
	if c := t.byName["transactioncurrencyid"]; c != nil && c.isLookup() && v[c.valueName()] == nil && hasMoney(t, v) {
		v[c.valueName()] = odata.Quote(baseCurrency)
	}
}

func hasMoney(t *table, v rows.Values) bool {
	for name := range v {
		if c := t.byName[name]; c != nil && c.kind == "Money" {
			return true
		}
	}
	return false
}

// commit checks steps and alternate keys and stores the row. The caller holds the store's lock.
func (s *Simulator) commit(t *table, id string, before, now rows.Values) (*rows.Record, *refusal) {
	if bad := s.checkStep(t, now); bad != nil {
		return nil, bad
	}
	for _, key := range t.keys {
		if other := s.holder(t, key, now); other != "" && other != id {
			return nil, duplicateKey(t, key)
		}
	}
	s.reindex(t, id, before, now)
	return s.store.Put(t.name, id, now), nil
}

// stamp is a row's time: UTC, whole seconds.
func (s *Simulator) stamp() string { return s.o.Now().UTC().Format(time.RFC3339) }

// written answers a successful write: 204 with OData-EntityId, which repeats an alternate key's URL, or the row.
func (c *call) written(t *table, rec *rows.Record, q query, url string, created bool) {
	h := c.w.Header()
	if c.prefer["return"] != "representation" {
		h.Set("OData-EntityId", c.base()+url)
		c.w.WriteHeader(http.StatusNoContent)
		return
	}
	h.Set("Preference-Applied", "return=representation")
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		h.Set("OData-EntityId", c.base()+url)
	}
	c.writeRow(status, t, rec, q.selected)
}

// delete answers a DELETE.
func (c *call) delete(a address) *refusal {
	cond, bad := conditions(c.r.Header)
	if bad != nil {
		return bad
	}
	w := traffic.Write{Method: c.r.Method, Table: a.t.name, Key: a.id}
	c.before(w)
	if bad := c.s.remove(a, cond); bad != nil {
		return bad
	}
	c.after(w)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Simulator) remove(a address, cond condition) *refusal {
	s.store.Lock()
	defer s.store.Unlock()
	id := s.locate(a)
	rec := s.store.Get(a.t.name, id)
	if rec == nil {
		return missing(a)
	}
	if bad := cond.check(a, rec); bad != nil {
		return bad
	}
	if s.inUse(a.t, id) {
		return &refusal{http.StatusMethodNotAllowed, codeInUse, "The object you tried to delete is associated with another object and cannot be deleted."}
	}
	s.reindex(a.t, id, rec.Values, nil)
	s.store.Delete(a.t.name, id)
	return nil
}

func missing(a address) *refusal {
	if a.id == "" {
		return noKey(a.t)
	}
	return noRow(a.t, a.id)
}

// inUse tells whether any row's lookup points to a row. Which of the platform's relationships restrict a delete is
// UNCONFIRMED; here all of them do.
func (s *Simulator) inUse(t *table, id string) bool {
	want := string(odata.Quote(id))
	for _, other := range s.tables {
		for _, c := range other.columns {
			if !c.isLookup() {
				continue
			}
			used := false
			s.store.Each(other.name, func(r *rows.Record) bool {
				used = string(r.Values[c.valueName()]) == want && !(other == t && r.Key == id)
				return !used
			})
			if used {
				return true
			}
		}
	}
	return false
}

// condition is what If-Match and If-None-Match ask.
type condition struct {
	mustExist, mustNot bool
	// version is the row version of If-Match: W/"n"; 0 means any.
	version int64
}

// conditions reads the headers. "If-None-Match: null" is a habit of Microsoft's samples and means nothing.
func conditions(h http.Header) (condition, *refusal) {
	var c condition
	c.mustNot = h.Get("If-None-Match") == "*"
	match := h.Get("If-Match")
	if match == "" {
		return c, nil
	}
	c.mustExist = true
	if match == "*" {
		return c, nil
	}
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimPrefix(match, `W/"`), `"`), 10, 64)
	if err != nil || match != etag(n) {
		return c, badRequest(codeQuery, "The If-Match header isn't a valid ETag.")
	}
	c.version = n
	return c, nil
}

func (c condition) check(a address, rec *rows.Record) *refusal {
	switch {
	case rec == nil && c.mustExist && a.id == "":
		return noKey(a.t)
	case rec == nil && c.mustExist:
		return noRowToUpdate(a.t, a.id)
	case rec != nil && c.mustNot:
		return exists()
	case rec != nil && c.version != 0 && rec.Version != c.version:
		return stale()
	}
	return nil
}

func etag(version int64) string { return fmt.Sprintf(`W/"%d"`, version) }

func readBody(r *http.Request) []byte {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	return b
}
