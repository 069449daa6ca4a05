package entra

import (
	"crypto/subtle"
	"crypto/x509"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// PublicAuthority is Entra of the public cloud, which issues every managed identity's tokens.
const PublicAuthority = "https://login.microsoftonline.com"

// ExchangeAudience is the audience of a token that proves an application.
const ExchangeAudience = "api://AzureADTokenExchange"

// ManagedIdentity is a user-assigned managed identity. Its tokens' appid is ClientID, their subject PrincipalID.
type ManagedIdentity struct{ ClientID, PrincipalID string }

// Federation is a federated credential of an application.
type Federation struct {
	Issuer, Subject string
	Audiences       []string
}

// SetCertificates says which certificates an application has from now on; an unknown application is made.
func (s *Server) SetCertificates(clientID string, certificates []*x509.Certificate) error {
	var keys []registered
	for _, c := range certificates {
		k, err := register(c)
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	s.change(clientID, func(c *credential) { c.keys = keys })
	return nil
}

// SetFederations says which federated credentials an application has from now on; an unknown application is made.
func (s *Server) SetFederations(clientID string, federations []Federation) {
	s.change(clientID, func(c *credential) { c.federations = federations })
}

// change replaces an application's credential by a changed copy: requests may be looking at the old one.
func (s *Server) change(clientID string, edit func(*credential)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := strings.ToLower(clientID)
	c := credential{Client: Client{ID: clientID}}
	if old := s.clients[id]; old != nil {
		c = *old
	}
	edit(&c)
	s.clients[id] = &c
}

func (s *Server) client(id string) *credential {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[strings.ToLower(id)]
}

// Identity returns the endpoint that App Service gives an app for its managed identities (IDENTITY_ENDPOINT, api-version
// 2019-08-01). secret is the app's IDENTITY_HEADER. The error bodies are UNCONFIRMED.
func (s *Server) Identity(secret string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, text string) {
			writeJSON(w, status, map[string]any{"statusCode": status, "message": text})
		}
		q := r.URL.Query()
		if r.Method != http.MethodGet || q.Get("api-version") != "2019-08-01" || q.Get("resource") == "" {
			refuse(http.StatusBadRequest, "api-version 2019-08-01 and resource are needed")
			return
		}
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-IDENTITY-HEADER")), []byte(secret)) != 1 {
			refuse(http.StatusUnauthorized, "the header is not this app's")
			return
		}
		i := slices.IndexFunc(s.o.Identities, func(m ManagedIdentity) bool { return strings.EqualFold(m.ClientID, q.Get("client_id")) })
		if i < 0 {
			refuse(http.StatusBadRequest, "no User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.")
			return
		}
		resource := strings.TrimSuffix(q.Get("resource"), "/")
		if resource != ExchangeAudience && !slices.Contains(s.o.Audiences, resource) {
			refuse(http.StatusBadRequest, "AADSTS500011: the resource principal was not found in the tenant")
			return
		}
		text, err := s.signAs(PublicAuthority, resource, s.o.Identities[i].ClientID, s.o.Identities[i].PrincipalID)
		if err != nil {
			refuse(http.StatusInternalServerError, "no token")
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"access_token": text, "client_id": s.o.Identities[i].ClientID, "resource": resource,
			"token_type": "Bearer", "expires_on": strconv.FormatInt(s.o.Now().Add(lifetime).Unix(), 10)})
	})
}

// issuedHere says whether an assertion is one of this tenant's own tokens rather than one that a client signed.
func (s *Server) issuedHere(assertion string) bool {
	t, _, err := jwt.NewParser().ParseUnverified(assertion, &accessClaims{})
	return err == nil && t.Header["kid"] == keyID
}

// verifyIdentity checks a token of a managed identity that proves an application: workload identity federation.
func (s *Server) verifyIdentity(c *credential, assertion string) *refusal {
	var claims accessClaims
	p := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(s.o.Now), jwt.WithExpirationRequired())
	if _, err := p.ParseWithClaims(assertion, &claims, func(*jwt.Token) (any, error) { return &s.key.PublicKey, nil }); err != nil {
		return &outOfTime
	}
	for _, f := range c.federations {
		if f.Issuer == claims.Issuer && f.Subject == claims.Subject && slices.ContainsFunc(f.Audiences, func(a string) bool { return slices.Contains(claims.Audience, a) }) {
			return nil
		}
	}
	bad := noFederation.with(claims.Subject)
	return &bad
}
