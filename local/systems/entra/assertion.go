package entra

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// assertionType is RFC 7523's name for a JWT as client assertion.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// leeway is how far the client's clock may be off. Entra's own is UNCONFIRMED; five minutes is its documented skew.
const leeway = 5 * time.Minute

// credential is a client with what its credential is checked against.
type credential struct {
	Client
	keys        []registered
	federations []Federation
}

// registered is a certificate that an application has.
type registered struct {
	key    *rsa.PublicKey
	thumbs []string
	until  time.Time
}

func newCredential(c Client) (*credential, error) {
	out := &credential{Client: c}
	if c.Certificate == nil {
		return out, nil
	}
	key, err := register(c.Certificate)
	if err != nil {
		return nil, fmt.Errorf("entra: %s: %w", c.ID, err)
	}
	out.keys = []registered{key}
	return out, nil
}

func register(c *x509.Certificate) (registered, error) {
	key, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok {
		return registered{}, errors.New("the certificate isn't RSA")
	}
	out := registered{key: key, until: c.NotAfter}
	one, two := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	// MSAL writes the thumbprint in standard base64, RFC 7515 in base64url without padding; Entra takes both.
	for _, sum := range [][]byte{one[:], two[:]} {
		out.thumbs = append(out.thumbs, base64.RawURLEncoding.EncodeToString(sum))
	}
	return out, nil
}

// authenticate checks the client's secret or assertion; nil means that it is who it says.
func (s *Server) authenticate(c *credential, form url.Values) *refusal {
	if secret := form.Get("client_secret"); secret != "" {
		if c.Secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(c.Secret)) != 1 {
			return &wrongSecret
		}
		return nil
	}
	assertion := form.Get("client_assertion")
	if assertion == "" {
		return &noCredential
	}
	if form.Get("client_assertion_type") != assertionType {
		f := missingParameter.with("client_assertion_type")
		return &f
	}
	if s.issuedHere(assertion) {
		return s.verifyIdentity(c, assertion)
	}
	if len(c.keys) == 0 {
		return &unknownKey
	}
	return s.verify(c, assertion)
}

func (s *Server) verify(c *credential, assertion string) *refusal {
	claims := jwt.RegisteredClaims{}
	p := jwt.NewParser(jwt.WithValidMethods([]string{"RS256", "PS256"}), jwt.WithTimeFunc(s.o.Now), jwt.WithLeeway(leeway), jwt.WithExpirationRequired())
	_, err := p.ParseWithClaims(assertion, &claims, func(t *jwt.Token) (any, error) {
		for _, k := range c.keys {
			if !k.signed(t.Header) {
				continue
			}
			if s.o.Now().After(k.until) {
				return nil, errExpiredKey
			}
			return k.key, nil
		}
		return nil, errUnknownKey
	})
	switch {
	case errors.Is(err, errUnknownKey):
		return &unknownKey
	case errors.Is(err, errExpiredKey):
		return &expiredKey
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return &wrongSignature
	case errors.Is(err, jwt.ErrTokenExpired), errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return &outOfTime
	case err != nil:
		return &malformed
	}
	if !s.isTokenEndpoint(claims.Audience) {
		return &wrongAudience
	}
	if !strings.EqualFold(claims.Issuer, c.ID) || !strings.EqualFold(claims.Subject, c.ID) {
		return &wrongSubject
	}
	if claims.ID == "" {
		return &malformed
	}
	// Taken when it is seen, so that of two copies sent at once only one passes.
	if !s.take(c.ID+"/"+claims.ID, claims.ExpiresAt.Add(leeway)) {
		return &replayed
	}
	return nil
}

var (
	errUnknownKey = errors.New("the thumbprint belongs to no registered certificate")
	errExpiredKey = errors.New("the registered certificate has expired")
)

// signed compares the thumbprints in the assertion's header; one must be there, and all that are must be right.
func (k registered) signed(header map[string]any) bool {
	seen := false
	for _, name := range []string{"x5t", "x5t#S256"} {
		v, ok := header[name]
		if !ok {
			continue
		}
		text, _ := v.(string)
		text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
		if !slices.Contains(k.thumbs, text) {
			return false
		}
		seen = true
	}
	return seen
}

func (s *Server) isTokenEndpoint(audience []string) bool {
	for _, a := range audience {
		for _, b := range s.authority {
			if strings.EqualFold(a, b+"/"+s.o.TenantID+"/oauth2/v2.0/token") {
				return true
			}
		}
	}
	return false
}

// take remembers an assertion's id until it expires, and tells whether it is new.
func (s *Server) take(id string, until time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	for old, end := range s.used {
		if now.After(end) {
			delete(s.used, old)
		}
	}
	if _, ok := s.used[id]; ok {
		return false
	}
	s.used[id] = until
	return true
}
