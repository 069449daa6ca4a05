// Package graph simulates what Microsoft Graph (v1.0) lets one do with an application's certificates and federated
// credentials, as strict as the real one. Documentation: "Update application", "keyCredential resource type",
// "federatedIdentityCredential resource type". Texts that it doesn't give are UNCONFIRMED.
package graph

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"crosswalk/local/systems/entra"
)

// MaxFederations is how many federated credentials an application may have.
const MaxFederations = 20

// Options are what the simulator needs from outside.
type Options struct {
	Now func() time.Time
	// Authorize returns the application id of a request's token for https://graph.microsoft.com.
	Authorize func(*http.Request) (appID string, err error)
	// Entra hears of every change, and so takes or refuses what applications sign.
	Entra *entra.Server
}

// Simulator is the Graph of one tenant. It is an http.Handler.
type Simulator struct {
	o   Options
	mux *http.ServeMux

	mu        sync.Mutex
	apps      map[string]*application
	allowed   map[string]bool
	writes    int
	throttled int
	hidden    bool
}

type application struct {
	id, appID   string
	keys        []key
	federations []federation
}

// New returns a tenant without applications, in which nobody may change one.
func New(o Options) *Simulator {
	s := &Simulator{o: o, mux: http.NewServeMux(), apps: map[string]*application{}, allowed: map[string]bool{}}
	handle := func(pattern string, f func(a *application, r *http.Request) (int, any, *refusal)) {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, f) })
	}
	handle("GET /v1.0/{application}", s.get)
	handle("PATCH /v1.0/{application}", s.patch)
	handle("GET /v1.0/{application}/federatedIdentityCredentials", s.listFederations)
	handle("POST /v1.0/{application}/federatedIdentityCredentials", s.addFederation)
	handle("PATCH /v1.0/{application}/federatedIdentityCredentials/{id}", s.patchFederation)
	return s
}

// ServeHTTP answers Graph's REST interface. Applications are addressed as applications(appId='…').
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// AddApplication registers an application without credentials.
func (s *Simulator) AddApplication(appID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apps[strings.ToLower(appID)] = &application{id: newID(), appID: appID}
}

// Allow says whether a caller may write applications (Application.ReadWrite.All, or owner with .OwnedBy).
func (s *Simulator) Allow(appID string, may bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowed[appID] = may
}

// ThrottleNext answers the next n requests with 429.
func (s *Simulator) ThrottleNext(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttled = n
}

// HideKeys makes every answer leave the certificates themselves out, as captures of the real one show too.
func (s *Simulator) HideKeys() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hidden = true
}

// Writes returns how many requests have changed something.
func (s *Simulator) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

var byAppID = regexp.MustCompile(`^applications\(appId='([0-9A-Fa-f-]{36})'\)$`)

func (s *Simulator) serve(w http.ResponseWriter, r *http.Request, f func(a *application, r *http.Request) (int, any, *refusal)) {
	caller, err := s.o.Authorize(r)
	if err != nil {
		(&refusal{http.StatusUnauthorized, "InvalidAuthenticationToken", "Access token is empty or invalid."}).write(w)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	write := r.Method != http.MethodGet
	bad := s.admit(caller, write, r)
	if bad != nil {
		if bad.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		bad.write(w)
		return
	}
	m := byAppID.FindStringSubmatch(r.PathValue("application"))
	if m == nil {
		(&refusal{http.StatusBadRequest, "BadRequest", "Resource not found for the segment '" + r.PathValue("application") + "'."}).write(w)
		return
	}
	a := s.apps[strings.ToLower(m[1])]
	if a == nil {
		(&refusal{http.StatusNotFound, "Request_ResourceNotFound", "Resource '" + m[1] + "' does not exist or one of its queried reference-property objects are not present."}).write(w)
		return
	}
	status, body, bad := f(a, r)
	if bad != nil {
		bad.write(w)
		return
	}
	if write {
		s.writes++
		if err := s.tell(a); err != nil {
			(&refusal{http.StatusBadRequest, "Request_BadRequest", err.Error()}).write(w)
			return
		}
	}
	answer(w, status, body)
}

func (s *Simulator) admit(caller string, write bool, r *http.Request) *refusal {
	switch {
	case s.throttled > 0:
		s.throttled--
		return &refusal{http.StatusTooManyRequests, "TooManyRequests", "Too many requests."}
	case write && !s.allowed[caller]:
		return &refusal{http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."}
	case write && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"):
		return &refusal{http.StatusBadRequest, "BadRequest", "Write requests (excluding DELETE) must contain the Content-Type header declaration."}
	}
	return nil
}

// tell tells Entra what an application's credentials are.
func (s *Simulator) tell(a *application) error {
	var certificates []*x509.Certificate
	for _, k := range a.keys {
		certificates = append(certificates, k.parsed)
	}
	var federations []entra.Federation
	for _, f := range a.federations {
		federations = append(federations, entra.Federation{Issuer: f.Issuer, Subject: f.Subject, Audiences: f.Audiences})
	}
	s.o.Entra.SetFederations(a.appID, federations)
	return s.o.Entra.SetCertificates(a.appID, certificates)
}

// refusal is an error as Graph words it.
type refusal struct {
	status     int
	code, text string
}

func (f *refusal) write(w http.ResponseWriter) {
	answer(w, f.status, map[string]any{"error": map[string]any{"code": f.code, "message": f.text,
		"innerError": map[string]any{"request-id": newID(), "client-request-id": newID()}}})
}

func answer(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// newID returns a random GUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // crypto/rand never fails on a supported platform
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
