// Package keyvault simulates the certificates of an Azure Key Vault, and the secrets that hold their private keys, as strict
// about requests as the real one. The wire is that of api-version 2025-07-01 (the SDK's azcertificates and azsecrets 1.5);
// texts of refusals that no documentation gives are UNCONFIRMED.
//
// Certificates are self-signed (issuer Self) and their secrets PEM. Other issuers and PKCS 12 are refused as not simulated.
package keyvault

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Role is what an identity may do, as Azure's built-in roles.
type Role string

// The roles that are looked at.
const (
	CertificatesOfficer Role = "Key Vault Certificates Officer"
	SecretsUser         Role = "Key Vault Secrets User"
)

// Options describe the vault.
type Options struct {
	// Address is the vault's URL, such as https://contoso.vault.azure.net.
	Address, TenantID string
	Now               func() time.Time
	// Authorize returns the application id of a request's token for https://vault.azure.net.
	Authorize func(*http.Request) (appID string, err error)
}

// Simulator is one vault. It is an http.Handler.
type Simulator struct {
	o   Options
	mux *http.ServeMux

	mu           sync.Mutex
	roles        map[string]map[Role]bool
	certificates map[string]*certificate
	deleted      map[string]*certificate
	writes       int
	polls        int
	throttled    int
}

// certificate is all versions of one, oldest first.
type certificate struct {
	policy   policy
	versions []*version
	pending  *operation
}

// operation makes a version; it ends after some looks at it.
type operation struct {
	id        string
	looks     int
	completed bool
}

// New returns an empty vault in which nobody may do anything.
func New(o Options) *Simulator {
	s := &Simulator{o: o, mux: http.NewServeMux(), roles: map[string]map[Role]bool{}, certificates: map[string]*certificate{}, deleted: map[string]*certificate{}, polls: 1}
	handle := func(pattern string, role Role, write bool, f func(r *http.Request) (int, any, *refusal)) {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, role, write, f) })
	}
	handle("POST /certificates/{name}/create", CertificatesOfficer, true, s.create)
	handle("GET /certificates/{name}/pending", CertificatesOfficer, false, s.getPending)
	handle("GET /certificates/{name}/policy", CertificatesOfficer, false, s.getPolicy)
	handle("PATCH /certificates/{name}/policy", CertificatesOfficer, true, s.patchPolicy)
	handle("GET /certificates/{name}/versions", CertificatesOfficer, false, s.listVersions)
	handle("GET /certificates/{name}/{version...}", CertificatesOfficer, false, s.getCertificate)
	handle("GET /deletedcertificates/{name}", CertificatesOfficer, false, s.getDeleted)
	handle("POST /deletedcertificates/{name}/recover", CertificatesOfficer, true, s.recover)
	handle("GET /secrets/{name}/versions", SecretsUser, false, s.listSecretVersions)
	handle("GET /secrets/{name}/{version...}", SecretsUser, false, s.getSecret)
	return s
}

// ServeHTTP answers the vault's REST interface.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Grant gives an application or identity a role; Revoke takes it.
func (s *Simulator) Grant(appID string, role Role) { s.setRole(appID, role, true) }

// Revoke takes a role.
func (s *Simulator) Revoke(appID string, role Role) { s.setRole(appID, role, false) }

func (s *Simulator) setRole(appID string, role Role, has bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.roles[appID] == nil {
		s.roles[appID] = map[Role]bool{}
	}
	s.roles[appID][role] = has
}

// SetPolls says after how many looks a pending operation is complete.
func (s *Simulator) SetPolls(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls = n
}

// ThrottleNext answers the next n requests with 429.
func (s *Simulator) ThrottleNext(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttled = n
}

// Writes returns how many requests have changed something.
func (s *Simulator) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// serve checks what every request must have, in the real vault's order: token, api-version, role.
func (s *Simulator) serve(w http.ResponseWriter, r *http.Request, role Role, write bool, f func(r *http.Request) (int, any, *refusal)) {
	appID, err := s.o.Authorize(r)
	if err != nil {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer authorization="https://login.microsoftonline.com/%s", resource="https://vault.azure.net"`, s.o.TenantID))
		answer(w, http.StatusUnauthorized, (&refusal{code: "Unauthorized", text: "AKV10000: Request is missing a Bearer or PoP token."}).body())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	status, body, bad := s.checked(r, appID, role, write, f)
	if bad != nil {
		if bad.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		answer(w, bad.status, bad.body())
		return
	}
	answer(w, status, body)
}

func (s *Simulator) checked(r *http.Request, appID string, role Role, write bool, f func(r *http.Request) (int, any, *refusal)) (int, any, *refusal) {
	if s.throttled > 0 {
		s.throttled--
		return 0, nil, &refusal{http.StatusTooManyRequests, "Throttled", "Request was not processed because too many requests were received.", ""}
	}
	if r.URL.Query().Get("api-version") == "" {
		return 0, nil, &refusal{http.StatusBadRequest, "BadParameter", "api-version must be specified.", ""}
	}
	if write && r.Method != http.MethodDelete && r.ContentLength != 0 && !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return 0, nil, &refusal{http.StatusUnsupportedMediaType, "BadParameter", "Content-Type must be application/json.", ""}
	}
	if !s.roles[appID][role] {
		return 0, nil, &refusal{http.StatusForbidden, "Forbidden", "Caller is not authorized to perform action on resource. If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.", "ForbiddenByRbac"}
	}
	if name := r.PathValue("name"); !validName(name) {
		return 0, nil, &refusal{http.StatusBadRequest, "BadParameter", "The request URI contains an invalid name: " + name, ""}
	}
	status, body, bad := f(r)
	if bad == nil && write {
		s.writes++
	}
	return status, body, bad
}

// refusal is an error as Key Vault words it.
type refusal struct {
	status            int
	code, text, inner string
}

func (f *refusal) body() any {
	e := map[string]any{"code": f.code, "message": f.text}
	if f.inner != "" {
		e["innererror"] = map[string]any{"code": f.inner}
	}
	return map[string]any{"error": e}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func validName(name string) bool {
	return len(name) > 0 && len(name) <= 127 && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// newVersion returns a version's name: 32 hexadecimal digits.
func newVersion() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err) // crypto/rand never fails on a supported platform
	}
	return hex.EncodeToString(b[:])
}
