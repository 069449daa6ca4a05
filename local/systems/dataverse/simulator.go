// Package dataverse simulates the Dataverse Web API v9.2 on the published tables, as strict about requests as the real one.
// What is known of the real answers comes from Microsoft's Web API documentation; codes and texts that it doesn't give are
// marked UNCONFIRMED where they are made.
package dataverse

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/rows"
	"crosswalk/local/systems/traffic"
)

// Options are what the simulator needs from outside.
type Options struct {
	Now func() time.Time
	// Authorize returns the application id of a request's token.
	Authorize func(*http.Request) (appID string, err error)
	// Users are the application ids that have an application user with a role; others get 403.
	Users []string
}

// Simulator is one Dataverse organisation. It is an http.Handler. Its traffic can be disturbed, see [traffic.Control].
type Simulator struct {
	*traffic.Control
	o      Options
	tables map[string]*table // by logical name
	sets   map[string]*table // by entity set
	store  *rows.Store
	// index finds a row's id by an alternate key's values; guarded by the store's lock.
	index map[string]map[string]string
	front http.Handler
	// calculates is the organisation's switch "system price calculation".
	calculates atomic.Bool
	users      atomic.Pointer[map[string]string]
}

// New returns a simulator with its start data: accounts US-001…US-020 and DE-001, currencies USD and EUR, price levels "USD
// list" and "EUR list"; system price calculation is off.
func New(o Options) (*Simulator, error) {
	tables, err := loadTables()
	if err != nil {
		return nil, err
	}
	s := &Simulator{Control: traffic.New(o.Now), o: o, tables: map[string]*table{}, sets: map[string]*table{}, index: map[string]map[string]string{}, store: rows.NewStore(o.Now, 1_000_000)}
	for _, t := range tables {
		s.tables[t.name], s.sets[t.set] = t, t
	}
	s.SetUsers(o.Users...)
	s.front = s.Control.Handler(http.HandlerFunc(s.serve))
	if err := s.seed(); err != nil {
		return nil, err
	}
	return s, nil
}

// ServeHTTP answers under /api/data/v9.2/.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.front.ServeHTTP(w, r) }

// SetUsers says which application ids are users of the organisation; the others get 403, as without an application user.
func (s *Simulator) SetUsers(appIDs ...string) {
	m := map[string]string{}
	for _, id := range appIDs {
		m[strings.ToLower(id)] = strings.ToLower(id)
	}
	s.users.Store(&m)
}

// SetPriceCalculation switches the organisation's system price calculation. While it is on, totals that are written to
// quotes, orders and invoices are ignored: the platform computes them from the lines, of which the simulator has none, so
// they become 0.
func (s *Simulator) SetPriceCalculation(on bool) { s.calculates.Store(on) }

// keyTypes are the types of the columns that an alternate key may have (Microsoft Learn, "Define alternate keys for a table").
var keyTypes = []string{"String", "Integer", "Decimal", "DateTime", "Picklist"}

// DefineKey gives a table an alternate key of those columns, as its customizer would; rows that are there count. Nobody may use
// the simulator meanwhile. The error says why Dataverse would refuse it: an unknown column, a type that no key may have, or two
// rows with the same values.
func (s *Simulator) DefineKey(name string, columns ...string) error {
	t := s.tables[name]
	if t == nil {
		return fmt.Errorf("there is no table %s", name)
	}
	key := make([]string, len(columns))
	for i, column := range columns {
		c := t.byName[column]
		if c == nil || !c.isLookup() && !slices.Contains(keyTypes, c.kind) {
			return fmt.Errorf("%s has no column %s of a type that a key may have", name, column)
		}
		key[i] = c.valueName()
	}
	index := map[string]string{}
	for _, row := range s.store.All(name) {
		values := s.values(name, row.Key)
		if text, ok := keyOf(key, values); ok {
			if index[text] != "" {
				return fmt.Errorf("two rows of %s have the same %s", name, strings.Join(columns, ", "))
			}
			index[text] = row.Key
		}
	}
	s.store.Lock()
	defer s.store.Unlock()
	t.keys = append(slices.Clone(t.keys), key)
	s.index[name+"/"+strings.Join(key, ",")] = index
	return nil
}

func (s *Simulator) values(table, id string) rows.Values {
	s.store.Lock()
	defer s.store.Unlock()
	if rec := s.store.Get(table, id); rec != nil {
		return rec.Values
	}
	return nil
}

// Rows returns a table's rows by its logical name ("account"), ordered by id. A row's JSON holds the columns that aren't
// null, lookups as _<name>_value.
func (s *Simulator) Rows(table string) []rows.Row { return s.store.All(table) }

// Row returns one row by its id, or by its alternate key's values in the key's order: Row("account", "US-001"),
// Row("invoice", "CIV-000784", "demf").
func (s *Simulator) Row(table string, key ...string) (rows.Row, bool) {
	return s.store.One(table, s.find(table, key))
}

// WriteCount returns how many requests have written a row, given as for Row. A row that is gone is found by its id only.
func (s *Simulator) WriteCount(table string, key ...string) int {
	return s.store.Writes(table, s.find(table, key))
}

// History returns every state that a row has had, oldest first, start data included; a delete is a state without JSON. The
// row is given as for Row; one that is gone is found by its id only.
func (s *Simulator) History(table string, key ...string) []rows.Row {
	return s.store.History(table, s.find(table, key))
}

// find returns a row's id.
func (s *Simulator) find(name string, key []string) string {
	t := s.tables[name]
	if t == nil {
		return ""
	}
	if len(key) == 1 && odata.IsGUID(key[0]) {
		return strings.ToLower(key[0])
	}
	s.store.Lock()
	defer s.store.Unlock()
	for _, k := range t.keys {
		if len(k) != len(key) {
			continue
		}
		values := rows.Values{}
		for i, column := range k {
			values[column] = odata.Quote(key[i])
		}
		if id := s.holder(t, k, values); id != "" {
			return id
		}
	}
	return ""
}

// ThrottleNext answers the next n requests with 429 and the service protection limit's error (documentation: "Service
// protection API limits"); n = 0 throttles until remove is called.
func (s *Simulator) ThrottleNext(n int, retryAfter time.Duration) (remove func() (met int)) {
	return s.Inject(traffic.Fault{Times: n, Answer: throttled(retryAfter)})
}

// ThrottleFor is ThrottleNext for every request of the next d.
func (s *Simulator) ThrottleFor(d, retryAfter time.Duration) (remove func() (met int)) {
	return s.Inject(traffic.Fault{For: d, Answer: throttled(retryAfter)})
}

func throttled(retryAfter time.Duration) *traffic.Answer {
	a := traffic.JSON(http.StatusTooManyRequests, retryAfter, `{"error":{"code":"0x80072322","message":"Number of requests exceeded the limit of 6000 over time window of 300 seconds."}}`)
	a.Header.Set("x-ms-ratelimit-burst-remaining-xrm-requests", "0")
	a.Header.Set("x-ms-dop-hint", "10")
	return a
}
