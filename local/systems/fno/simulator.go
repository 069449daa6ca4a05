// Package fno simulates the OData endpoint of Dynamics 365 Finance & Operations on the $metadata of a real environment, as
// strict about requests as the real one. What is known of the real answers comes from Microsoft's documentation and from
// public captures; codes and texts that neither gives are marked UNCONFIRMED where they are made.
package fno

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"crosswalk/local/systems/rows"
	"crosswalk/local/systems/traffic"
)

// Options are what the simulator needs from outside.
type Options struct {
	Now func() time.Time
	// Authorize returns the application id of a request's token.
	Authorize func(*http.Request) (appID string, err error)
	// Users are the application ids that are mapped to a user in "Microsoft Entra ID applications"; others get 401.
	Users []string
}

// DefaultCompany is the company of every user: without cross-company=true a request sees only its rows.
const DefaultCompany = "usmf"

// Simulator is one F&O environment. It is an http.Handler. Its traffic can be disturbed, see [traffic.Control].
type Simulator struct {
	*traffic.Control
	o     Options
	sets  map[string]*entity
	enums map[string][]string
	store *rows.Store
	front http.Handler
	users atomic.Pointer[map[string]bool]
	// numbers is the last number of the number sequences.
	numbers atomic.Int64
}

// New returns a simulator with its start data: legal entities usmf and demf, their customer groups and payment terms,
// currencies, and CustomersV3 usmf/US-001…US-020 and demf/DE-001.
func New(o Options) (*Simulator, error) {
	s := &Simulator{Control: traffic.New(o.Now), o: o, store: rows.NewStore(o.Now, 5_637_144_576)}
	var err error
	if s.sets, s.enums, err = loadEntities(); err != nil {
		return nil, err
	}
	s.SetUsers(o.Users...)
	s.front = s.Control.Handler(http.HandlerFunc(s.serve))
	if err := s.seed(); err != nil {
		return nil, err
	}
	return s, nil
}

// ServeHTTP answers under /data/.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.front.ServeHTTP(w, r) }

// SetUsers says which application ids are mapped to a user; the others get 401.
func (s *Simulator) SetUsers(appIDs ...string) {
	m := map[string]bool{}
	for _, id := range appIDs {
		m[strings.ToLower(id)] = true
	}
	s.users.Store(&m)
}

// Rows returns an entity set's rows ("CustomersV3") of all companies, ordered by key. A row's JSON holds every property.
func (s *Simulator) Rows(set string) []rows.Row { return s.store.All(set) }

// Row returns one row by its key's values in the key's order: Row("CustomersV3", "usmf", "US-001").
func (s *Simulator) Row(set string, key ...string) (rows.Row, bool) {
	return s.store.One(set, keyText(key))
}

// WriteCount returns how many requests have written a key, given as for Row.
func (s *Simulator) WriteCount(set string, key ...string) int {
	return s.store.Writes(set, keyText(key))
}

// History returns every state that a key has had, oldest first, start data included; a delete is a state without JSON.
func (s *Simulator) History(set string, key ...string) []rows.Row {
	return s.store.History(set, keyText(key))
}

// keyText joins a key's values; keys are compared without regard to case, as F&O's database does.
func keyText(key []string) string {
	parts := make([]string, len(key))
	for i, k := range key {
		parts[i] = strings.ReplaceAll(strings.ToLower(k), "/", "%2f")
	}
	return strings.Join(parts, "/")
}

// ThrottleNext answers the next n requests with 429 and the resource-based throttling's error (documentation: "Service
// protection API limits"); n = 0 throttles until remove is called.
func (s *Simulator) ThrottleNext(n int, retryAfter time.Duration) (remove func() (met int)) {
	return s.Inject(traffic.Fault{Times: n, Answer: throttled(retryAfter)})
}

// ThrottleFor is ThrottleNext for every request of the next d.
func (s *Simulator) ThrottleFor(d, retryAfter time.Duration) (remove func() (met int)) {
	return s.Inject(traffic.Fault{For: d, Answer: throttled(retryAfter)})
}

// DuplicateNext answers the next n POSTs with the infolog of a duplicate key and status 500, whether or not there is one.
func (s *Simulator) DuplicateNext(n int) (remove func() (met int)) {
	f := duplicate(s.sets["CustomersV3"], "Customer account", "?")
	return s.Inject(traffic.Fault{Times: n, Match: traffic.Method(http.MethodPost), Answer: traffic.JSON(f.status, 0, string(f.body()))})
}

func throttled(retryAfter time.Duration) *traffic.Answer {
	return traffic.JSON(http.StatusTooManyRequests, retryAfter, `{"error":{"code":"","message":"This request could not be processed at this time due to system experiencing high resource utilization."}}`)
}
