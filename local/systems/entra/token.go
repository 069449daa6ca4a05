package entra

import (
	"crypto/rand"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// lifetime is a token's, as Entra's shortest.
const lifetime = time.Hour

// keyID names the one signing key.
const keyID = "crosswalk-local"

// accessClaims are the claims of an access token that the systems look at, named as in Entra's tokens.
type accessClaims struct {
	jwt.RegisteredClaims
	TenantID string `json:"tid"`
	AppID    string `json:"appid"`
	ObjectID string `json:"oid"`
	Version  string `json:"ver"`
}

// token is the v2.0 token endpoint.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	answer, bad := s.issue(w, r)
	if bad != nil {
		s.refuse(w, *bad)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) issue(w http.ResponseWriter, r *http.Request) (map[string]any, *refusal) {
	if !strings.EqualFold(r.PathValue("tenant"), s.o.TenantID) {
		return nil, &unknownTenant
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return nil, &wrongContentType
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return nil, &wrongContentType
	}
	form := r.PostForm
	for _, name := range []string{"grant_type", "client_id", "scope"} {
		if form.Get(name) == "" {
			f := missingParameter.with(name)
			return nil, &f
		}
	}
	if form.Get("grant_type") != "client_credentials" {
		return nil, &wrongGrant
	}
	c := s.client(form.Get("client_id"))
	if c == nil {
		f := unknownClient.with(form.Get("client_id"))
		return nil, &f
	}
	audience, bad := s.resource(form.Get("scope"))
	if bad != nil {
		return nil, bad
	}
	if bad := s.authenticate(c, form); bad != nil {
		return nil, bad
	}
	text, err := s.sign(base(r), audience, c.ID)
	if err != nil {
		return nil, &refusal{500, "server_error", 90033, "A transient error has occurred. Please try again."}
	}
	seconds := int(lifetime/time.Second) - 1
	return map[string]any{"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": text}, nil
}

// reserved are the OpenID scopes that MSAL adds to every request; client credentials ignore them.
var reserved = []string{"openid", "profile", "offline_access"}

// resource returns the audience that a scope asks for.
func (s *Server) resource(scope string) (string, *refusal) {
	var audience string
	for _, one := range strings.Fields(scope) {
		if slices.Contains(reserved, one) {
			continue
		}
		r, ok := strings.CutSuffix(one, "/.default")
		if !ok || audience != "" {
			return "", &wrongScope
		}
		audience = r
	}
	if audience == "" {
		return "", &wrongScope
	}
	if slices.Contains(s.o.Audiences, strings.TrimSuffix(audience, "/")) {
		return strings.TrimSuffix(audience, "/"), nil
	}
	for _, address := range s.o.Resources {
		if isForm(address, audience) {
			return audience, nil
		}
	}
	return "", &unknownResource
}

func isForm(address, url string) bool {
	return slices.ContainsFunc(forms(address), func(f string) bool { return strings.EqualFold(f, strings.TrimSuffix(url, "/")) })
}

func (s *Server) sign(issuer, audience, client string) (string, error) {
	return s.signAs(issuer, audience, client, client)
}

func (s *Server) signAs(issuer, audience, client, subject string) (string, error) {
	now := s.o.Now()
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer + "/" + s.o.TenantID + "/v2.0", Audience: jwt.ClaimStrings{audience}, Subject: subject, ID: newID(),
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(lifetime)),
		},
		TenantID: s.o.TenantID, AppID: client, ObjectID: subject, Version: "1.0",
	})
	t.Header["kid"] = keyID
	return t.SignedString(s.key)
}

// ErrNoToken is returned for a request without a bearer token.
var ErrNoToken = errors.New("the request has no bearer token")

// Authorizer returns a check of a request's bearer token for the system at address: signature, audience (any of its base
// URLs), tenant and time. It gives back the application's client id.
func (s *Server) Authorizer(address string) func(*http.Request) (appID string, err error) {
	return s.authorizer(func(audience string) bool { return isForm(address, audience) })
}

// AudienceAuthorizer is Authorizer for one of Options.Audiences.
func (s *Server) AudienceAuthorizer(audience string) func(*http.Request) (appID string, err error) {
	return s.authorizer(func(a string) bool { return a == audience })
}

func (s *Server) authorizer(isMine func(audience string) bool) func(*http.Request) (appID string, err error) {
	return func(r *http.Request) (string, error) {
		scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || text == "" {
			return "", ErrNoToken
		}
		var claims accessClaims
		p := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(s.o.Now), jwt.WithExpirationRequired())
		if _, err := p.ParseWithClaims(strings.TrimSpace(text), &claims, func(*jwt.Token) (any, error) { return &s.key.PublicKey, nil }); err != nil {
			return "", err
		}
		if len(claims.Audience) != 1 || !isMine(claims.Audience[0]) {
			return "", errors.New("the token is for another resource")
		}
		if claims.TenantID != s.o.TenantID {
			return "", errors.New("the token is of another tenant")
		}
		return claims.AppID, nil
	}
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
