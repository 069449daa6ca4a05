// Package entra is the token endpoint that the simulated systems trust: OAuth 2.0 client credentials, with a client
// certificate whose assertions are verified for real, or with a secret. Error codes and texts follow the AADSTS codes that
// Microsoft's documentation lists.
package entra

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Client is a registered application. It has a certificate or a secret.
type Client struct {
	ID          string
	Certificate *x509.Certificate
	Secret      string
}

// Options describe the one tenant.
type Options struct {
	// Address is this server's host:port.
	Address  string
	TenantID string
	Clients  []Client
	// Resources are the host:port of the systems that tokens can be asked for.
	Resources []string
	// Audiences are further resources, such as https://vault.azure.net.
	Audiences []string
	// Authorities are further base URLs by which this server is called, such as PublicAuthority.
	Authorities []string
	// Identities are the managed identities that Identity gives tokens of.
	Identities []ManagedIdentity
	Now        func() time.Time
}

// Server answers for one tenant. It is an http.Handler.
type Server struct {
	o         Options
	key       *rsa.PrivateKey
	authority []string
	clients   map[string]*credential
	mux       *http.ServeMux

	mu sync.Mutex
	// used holds the ids of assertions that a token was issued for, until they expire.
	used map[string]time.Time
}

// signingKey is made once in a process: RSA keys take a while, and tests start many servers.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// New makes the server.
func New(o Options) (*Server, error) {
	key, err := signingKey()
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, key: key, authority: append(forms(o.Address), o.Authorities...), clients: map[string]*credential{}, used: map[string]time.Time{}, mux: http.NewServeMux()}
	for _, c := range o.Clients {
		cred, err := newCredential(c)
		if err != nil {
			return nil, err
		}
		s.clients[strings.ToLower(c.ID)] = cred
	}
	s.mux.HandleFunc("GET /common/discovery/instance", s.instance)
	s.mux.HandleFunc("GET /{tenant}/v2.0/.well-known/openid-configuration", s.configuration)
	s.mux.HandleFunc("GET /{tenant}/discovery/v2.0/keys", s.keys)
	s.mux.HandleFunc("POST /{tenant}/oauth2/v2.0/token", s.token)
	return s, nil
}

// ServeHTTP answers token and discovery requests.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// instance answers MSAL's instance discovery, for clients that don't switch it off.
func (s *Server) instance(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": base(r) + "/" + s.o.TenantID + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata":                  []any{map[string]any{"preferred_network": r.Host, "preferred_cache": r.Host, "aliases": []string{r.Host}}},
	})
}

func (s *Server) configuration(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.PathValue("tenant"), s.o.TenantID) {
		s.refuse(w, unknownTenant)
		return
	}
	tenant := base(r) + "/" + s.o.TenantID
	writeJSON(w, http.StatusOK, map[string]any{
		"token_endpoint":                        tenant + "/oauth2/v2.0/token",
		"authorization_endpoint":                tenant + "/oauth2/v2.0/authorize",
		"jwks_uri":                              tenant + "/discovery/v2.0/keys",
		"issuer":                                tenant + "/v2.0",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt"},
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
	})
}

func (s *Server) keys(w http.ResponseWriter, _ *http.Request) {
	e := big.NewInt(int64(s.key.E)).Bytes()
	writeJSON(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID,
		"n": base64.RawURLEncoding.EncodeToString(s.key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(e),
	}}})
}

// forms returns every base URL that means the server at address: http and https, by number and as localhost.
func forms(address string) []string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	var out []string
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		out = append(out, "https://"+host+":"+port, "http://"+host+":"+port)
	}
	return out
}

// base is the URL the caller used.
func base(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// refusal is an OAuth error as Entra words it. A trace id, correlation id and timestamp are added when it is sent.
type refusal struct {
	status int
	// oauth is RFC 6749's error, number the AADSTS code.
	oauth  string
	number int
	text   string
}

// The refusals. The codes are in Microsoft's list "Microsoft Entra authentication and authorization error codes"; which
// one an unusual mistake gets is UNCONFIRMED where noted.
var (
	unknownTenant    = refusal{400, "invalid_request", 90002, "Tenant not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."}
	missingParameter = refusal{400, "invalid_request", 900144, "The request body must contain the following parameter: '%s'."}
	wrongGrant       = refusal{400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type. Only client_credentials is simulated."}
	unknownClient    = refusal{400, "unauthorized_client", 700016, "Application with identifier '%s' was not found in the directory. You may have sent your authentication request to the wrong tenant."}
	noCredential     = refusal{401, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
	wrongSecret      = refusal{401, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value."}
	malformed        = refusal{401, "invalid_client", 50027, "JWT token is invalid or malformed."} // UNCONFIRMED for assertions
	noFederation     = refusal{401, "invalid_client", 700213, "No matching federated identity record found for presented assertion subject '%s'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion."}
	expiredKey       = refusal{401, "invalid_client", 700027, "Client assertion contains an invalid signature. [Reason - The key used is expired.]"}
	unknownKey       = refusal{401, "invalid_client", 700027, "The certificate with identifier used to sign the client assertion is not registered on application."}
	wrongSignature   = refusal{401, "invalid_client", 700027, "Client assertion contains an invalid signature."}
	wrongAudience    = refusal{401, "invalid_client", 700023, "Client assertion audience claim does not match Realm issuer."}
	wrongSubject     = refusal{401, "invalid_client", 700021, "Client assertion application identifier doesn't match 'client_id' parameter."}
	outOfTime        = refusal{401, "invalid_client", 700024, "Client assertion is not within its valid time range."}
	replayed         = refusal{401, "invalid_client", 50013, "Assertion failed validation: its identifier was used before."} // UNCONFIRMED: not documented whether Entra remembers jti
	wrongScope       = refusal{400, "invalid_scope", 1002012, "The provided value for scope is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."}
	unknownResource  = refusal{400, "invalid_resource", 500011, "The resource principal was not found in the tenant. You might have sent your authentication request to the wrong tenant."}
	wrongContentType = refusal{400, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'. (Content-Type must be application/x-www-form-urlencoded.)"}
)

func (f refusal) with(name string) refusal {
	f.text = fmt.Sprintf(f.text, name)
	return f
}

func (s *Server) refuse(w http.ResponseWriter, f refusal) {
	trace, correlation := newID(), newID()
	stamp := s.o.Now().UTC().Format("2006-01-02 15:04:05Z")
	writeJSON(w, f.status, map[string]any{
		"error":             f.oauth,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s", f.number, f.text, trace, correlation, stamp),
		"error_codes":       []int{f.number},
		"timestamp":         stamp,
		"trace_id":          trace,
		"correlation_id":    correlation,
		"error_uri":         fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", f.number),
	})
}
