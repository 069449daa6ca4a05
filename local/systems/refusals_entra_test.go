package systems_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"crosswalk/local/systems"
)

// entraRefusal is one row of the table for the token endpoint.
type entraRefusal struct {
	why          string
	status       int
	oauth        string
	number       int
	text, source string
	// change makes a good request bad. It gets a request that would be granted: of Crosswalk's certificate where claims
	// isn't nil, else of the outside tool's secret.
	form   func(url.Values)
	claims func(*assertion)
	// twice sends the same request two times; the second is refused.
	twice bool
}

// assertion is what a client assertion is made of.
type assertion struct {
	header map[string]any
	claims jwt.MapClaims
	method jwt.SigningMethod
	key    any
}

func set(name, value string) func(url.Values) { return func(v url.Values) { v.Set(name, value) } }

func drop(name string) func(url.Values) { return func(v url.Values) { v.Del(name) } }

func claim(name string, value any) func(*assertion) {
	return func(a *assertion) {
		if value == nil {
			delete(a.claims, name)
			return
		}
		a.claims[name] = value
	}
}

var entraRefusals = []entraRefusal{
	{why: "no grant_type", status: 400, oauth: "invalid_request", number: 900144, text: "must contain the following parameter: 'grant_type'", source: documented, form: drop("grant_type")},
	{why: "no client_id", status: 400, oauth: "invalid_request", number: 900144, text: "must contain the following parameter: 'client_id'", source: documented, form: drop("client_id")},
	{why: "no scope", status: 400, oauth: "invalid_request", number: 900144, text: "must contain the following parameter: 'scope'", source: documented, form: drop("scope")},
	{why: "another grant", status: 400, oauth: "unsupported_grant_type", number: 70003, text: "unsupported grant type", source: documented, form: set("grant_type", "password")},
	{why: "an unknown application", status: 400, oauth: "unauthorized_client", number: 700016, text: "was not found in the directory", source: documented, form: set("client_id", "d290f1ee-6c54-4b01-90e6-d701748f0851")},
	{why: "neither secret nor assertion", status: 401, oauth: "invalid_client", number: 7000218, text: "'client_assertion' or 'client_secret'", source: documented, form: drop("client_secret")},
	{why: "a wrong secret", status: 401, oauth: "invalid_client", number: 7000215, text: "Invalid client secret provided.", source: documented, form: set("client_secret", "wrong")},
	{why: "a secret for the application that has a certificate", status: 401, oauth: "invalid_client", number: 7000215, text: "Invalid client secret provided.", source: unconfirmed, form: set("client_id", systems.CrosswalkClientID)},
	{why: "a scope without /.default", status: 400, oauth: "invalid_scope", number: 1002012, text: "must have a scope value with /.default", source: documented, form: set("scope", "https://127.0.0.1/user_impersonation")},
	{why: "two resources in one scope", status: 400, oauth: "invalid_scope", number: 1002012, text: "must have a scope value with /.default", source: unconfirmed, form: set("scope", "https://a.example/.default https://b.example/.default")},
	{why: "a resource that isn't simulated", status: 400, oauth: "invalid_resource", number: 500011, text: "The resource principal was not found in the tenant", source: documented, form: set("scope", "https://contoso.crm.dynamics.com/.default")},
	{why: "an assertion of another type", status: 400, oauth: "invalid_request", number: 900144, text: "'client_assertion_type'", source: unconfirmed, claims: claim("", nil), form: set("client_assertion_type", "jwt")},
	{why: "an assertion that is no JWT", status: 401, oauth: "invalid_client", number: 50027, text: "invalid or malformed", source: unconfirmed, claims: claim("", nil), form: set("client_assertion", "x.y.z")},
	{why: "an assertion for an application without a certificate", status: 401, oauth: "invalid_client", number: 700027, text: "is not registered on application", source: documented, claims: claim("", nil), form: set("client_id", systems.OutsideClientID)},
	{why: "an assertion without thumbprint", status: 401, oauth: "invalid_client", number: 700027, text: "is not registered on application", source: unconfirmed, claims: func(a *assertion) { delete(a.header, "x5t#S256") }},
	{why: "an assertion with another certificate's thumbprint", status: 401, oauth: "invalid_client", number: 700027, text: "is not registered on application", source: documented, claims: func(a *assertion) { a.header["x5t#S256"] = base64.RawURLEncoding.EncodeToString(make([]byte, 32)) }},
	{why: "an assertion signed with another key", status: 401, oauth: "invalid_client", number: 700027, text: "invalid signature", source: documented, claims: func(a *assertion) { a.key = otherKey() }},
	{why: "an assertion signed with the certificate as HMAC secret", status: 401, oauth: "invalid_client", number: 700027, text: "invalid signature", source: unconfirmed, claims: func(a *assertion) { a.method, a.key = jwt.SigningMethodHS256, []byte("public") }},
	{why: "an assertion for another audience", status: 401, oauth: "invalid_client", number: 700023, text: "audience claim does not match", source: documented, claims: claim("aud", "https://login.microsoftonline.com/common/oauth2/v2.0/token")},
	{why: "an assertion of another issuer", status: 401, oauth: "invalid_client", number: 700021, text: "doesn't match 'client_id'", source: documented, claims: claim("iss", systems.OutsideClientID)},
	{why: "an assertion about another subject", status: 401, oauth: "invalid_client", number: 700021, text: "doesn't match 'client_id'", source: documented, claims: claim("sub", systems.OutsideClientID)},
	{why: "an assertion that has expired", status: 401, oauth: "invalid_client", number: 700024, text: "not within its valid time range", source: documented, claims: claim("exp", time.Now().Add(-time.Hour).Unix())},
	{why: "an assertion that isn't valid yet", status: 401, oauth: "invalid_client", number: 700024, text: "not within its valid time range", source: documented, claims: claim("nbf", time.Now().Add(time.Hour).Unix())},
	{why: "an assertion without an end", status: 401, oauth: "invalid_client", number: 700024, text: "not within its valid time range", source: unconfirmed, claims: claim("exp", nil)},
	{why: "an assertion without an id", status: 401, oauth: "invalid_client", number: 50027, text: "invalid or malformed", source: unconfirmed, claims: claim("jti", nil)},
	{why: "an assertion that was used before", status: 401, oauth: "invalid_client", number: 50013, text: "used before", source: unconfirmed, claims: claim("", nil), twice: true},
}

func (r entraRefusal) check(t *testing.T, b *bench) {
	e, c := b.e, b.c
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {e.ClientID}, "client_secret": {e.ClientSecret}, "scope": {e.DataverseHTTPS + "/.default"}}
	if r.claims != nil {
		form = assertionForm(t, e, r.claims)
	}
	if r.form != nil {
		r.form(form)
	}
	if r.twice {
		if status, body := post(t, c, e.TokenURL, form); status != 200 {
			t.Fatalf("the first time: %d %s", status, body)
		}
	}
	status, body := post(t, c, e.TokenURL, form)
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if status != r.status || answer.Error != r.oauth || len(answer.Codes) != 1 || answer.Codes[0] != r.number || !strings.Contains(answer.Description, r.text) {
		t.Errorf("%d %s", status, body)
	}
}

// assertionForm is a request of Crosswalk's own identity, as MSAL makes it: PS256 and x5t#S256.
func assertionForm(t *testing.T, e systems.Endpoints, change func(*assertion)) url.Values {
	t.Helper()
	cert, key := pair(t, e.CrosswalkCertificatePEM)
	sum := sha256.Sum256(cert.Raw)
	now := time.Now()
	a := &assertion{
		header: map[string]any{"x5t#S256": base64.StdEncoding.EncodeToString(sum[:])},
		claims: jwt.MapClaims{"aud": e.TokenURL, "iss": e.CrosswalkClientID, "sub": e.CrosswalkClientID, "jti": rand.Text(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix()},
		method: jwt.SigningMethodPS256, key: key,
	}
	change(a)
	token := jwt.NewWithClaims(a.method, a.claims)
	for k, v := range a.header {
		token.Header[k] = v
	}
	text, err := token.SignedString(a.key)
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {e.CrosswalkClientID}, "scope": {e.DataverseHTTPS + "/.default openid offline_access profile"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {text},
	}
}

func pair(t *testing.T, text []byte) (*x509.Certificate, *rsa.PrivateKey) {
	t.Helper()
	certBlock, rest := pem.Decode(text)
	keyBlock, _ := pem.Decode(rest)
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key.(*rsa.PrivateKey)
}

func otherKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// TestAssertionForms: RS256 with a SHA-1 thumbprint is taken as well as MSAL's PS256.
func TestAssertionForms(t *testing.T) {
	s := start(t)
	e := s.Endpoints()
	c := trusting(t, e)
	forms := map[string]func(*assertion){
		"PS256, x5t#S256": func(*assertion) {},
		"RS256, x5t": func(a *assertion) {
			cert, _ := pair(t, e.CrosswalkCertificatePEM)
			sum := sha1.Sum(cert.Raw)
			a.method, a.header = jwt.SigningMethodRS256, map[string]any{"x5t": base64.RawURLEncoding.EncodeToString(sum[:])}
		},
		"audience by https and localhost": func(a *assertion) {
			a.claims["aud"] = strings.NewReplacer("http://", "https://", "127.0.0.1", "localhost").Replace(e.TokenURL)
		},
	}
	for name, change := range forms {
		if status, body := post(t, c, e.TokenURL, assertionForm(t, e, change)); status != 200 {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if status, body := post(t, c, strings.Replace(e.TokenURL, systems.TenantID, "common", 1), url.Values{"grant_type": {"client_credentials"}}); status != 400 || !strings.Contains(string(body), "AADSTS90002") {
		t.Errorf("another tenant: %d %s", status, body)
	}
}
