package identity_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/rs/zerolog"

	"crosswalk/local/systems/keyvault"
	simulated "crosswalk/local/systems/tenant"
	keeping "crosswalk/shared/certificate"
	"crosswalk/shared/fault"
	"crosswalk/shared/identity"
	"crosswalk/shared/settings"
)

// azure is a tenant with the handler's and the operator's side. The tenant's clock is later than the real one by moments
// (MSAL signs by the real one), the handler's by ahead.
type azure struct {
	*simulated.Tenant
	t       *testing.T
	moments time.Duration
	ahead   time.Duration
	log     bytes.Buffer
}

func newAzure(t *testing.T) *azure {
	t.Helper()
	t.Setenv("IDENTITY_ENDPOINT", simulated.IdentityEndpoint)
	t.Setenv("IDENTITY_HEADER", simulated.IdentityHeader)
	a := &azure{t: t}
	var err error
	if a.Tenant, err = simulated.New(func() time.Time { return time.Now().Add(a.moments) }); err != nil {
		t.Fatal(err)
	}
	return a
}

// handler returns the credential that a newly started handler would have.
func (a *azure) handler(edit func(*settings.Entra)) azcore.TokenCredential {
	a.t.Helper()
	s := settings.Entra{TenantID: simulated.ID, ClientID: simulated.ApplicationID, ManagedIdentityClientID: simulated.IdentityClientID,
		CertificateVault: simulated.VaultURL, CertificateName: "crosswalk", CertificateRefresh: 4 * time.Hour}
	if edit != nil {
		edit(&s)
	}
	c, err := identity.Application(s, &identity.Options{Transport: a, Now: func() time.Time { return time.Now().Add(a.ahead) }, Log: zerolog.New(&a.log)})
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// operate runs certificate ensure as the operator does.
func (a *azure) operate(edit func(*keeping.Options)) {
	a.t.Helper()
	if _, err := a.manager(edit).Ensure(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
}

func (a *azure) manager(edit func(*keeping.Options)) *keeping.Manager {
	a.t.Helper()
	operator, err := azidentity.NewClientSecretCredential(simulated.ID, simulated.OperatorID, simulated.OperatorSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: policy.ClientOptions{Transport: a}})
	if err != nil {
		a.t.Fatal(err)
	}
	o := keeping.Options{Vault: simulated.VaultURL, Name: "crosswalk", Application: simulated.ApplicationID, Credential: operator, Transport: a,
		Policy:      keeping.Policy{Issuer: "Self", Subject: "CN=crosswalk", KeySize: 2048, Months: 12},
		RenewBefore: 30 * 24 * time.Hour, Say: func(string, ...any) {}, Sleep: func(context.Context, time.Duration) error { return nil }}
	if edit != nil {
		edit(&o)
	}
	m, err := keeping.New(o)
	if err != nil {
		a.t.Fatal(err)
	}
	return m
}

// rotate makes a new version; registered says whether Entra is told.
func (a *azure) rotate(registered bool) {
	a.t.Helper()
	a.moments += 2 * time.Second // versions are ordered by whole seconds
	a.operate(func(o *keeping.Options) {
		o.Renew = true
		if !registered {
			o.Application = ""
		}
	})
}

// keep leaves the application the certificates of those versions (0 is the oldest).
func (a *azure) keep(versions ...int) {
	a.t.Helper()
	all := a.Vault.Versions("crosswalk")
	kept := all[:0:0]
	for _, i := range versions {
		kept = append(kept, all[i])
	}
	if err := a.Entra.SetCertificates(simulated.ApplicationID, kept); err != nil {
		a.t.Fatal(err)
	}
}

// token asks for a token that no cache may give.
func token(t *testing.T, c azcore.TokenCredential) error {
	t.Helper()
	got, err := c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{simulated.DataverseURL + "/.default"}, Claims: `{"access_token":{"nbf":{"essential":true}}}`})
	if err == nil && strings.Count(got.Token, ".") != 2 {
		t.Fatalf("token %q", got.Token)
	}
	return err
}

func accepted(t *testing.T, c azcore.TokenCredential) {
	t.Helper()
	if err := token(t, c); err != nil {
		t.Fatal(err)
	}
}

// refused wants Entra's refusal with that code.
func refused(t *testing.T, c azcore.TokenCredential, code string) {
	t.Helper()
	var failed *azidentity.AuthenticationFailedError
	if err := token(t, c); !errors.As(err, &failed) || !strings.Contains(err.Error(), code) {
		t.Fatalf("error %v, want %s", err, code)
	}
}

// judged wants a failure of that kind and reason whose detail has the text.
func judged(t *testing.T, err error, kind fault.Kind, reason, text string) *fault.Error {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Reason != reason || !strings.Contains(f.Detail, text) {
		t.Fatalf("error %v (%v), want %v, %s: %q", err, fault.KindOf(err), kind, reason, text)
	}
	return f
}

// The way of a certificate: none, made, registered, rotated, the old one gone.
func TestCertificateFromTheVault(t *testing.T) {
	a := newAzure(t)
	handler := a.handler(nil)
	judged(t, token(t, handler), fault.Misconfigured, identity.ReasonNoCertificate, "crosswalk certificate ensure")
	a.operate(func(o *keeping.Options) { o.Application = "" })
	refused(t, handler, "AADSTS700027")
	a.operate(nil)
	accepted(t, handler)

	a.rotate(true)
	accepted(t, handler) // with the old version, which is registered still
	a.keep(1)
	accepted(t, handler) // with the new one, looked up because Entra refused the old
	if !strings.Contains(a.log.String(), "takes another") {
		t.Errorf("log %s", a.log.String())
	}
}

func TestRotationIsFoundInTime(t *testing.T) {
	a := newAzure(t)
	a.operate(nil)
	handler := a.handler(nil)
	accepted(t, handler)
	a.rotate(true)
	a.ahead = 4*time.Hour + time.Second
	accepted(t, handler)
	a.keep(1)
	accepted(t, handler)
	if a.log.Len() > 0 {
		t.Errorf("the old version was used for longer: %s", a.log.String())
	}
}

// Key Vault renews without telling Entra: the version before is used, by a running handler and by a new one.
func TestNewestVersionIsUnknownToEntra(t *testing.T) {
	a := newAzure(t)
	a.operate(nil)
	handler := a.handler(nil)
	accepted(t, handler)
	a.rotate(false)
	a.ahead = 5 * time.Hour
	accepted(t, handler)
	accepted(t, a.handler(nil))
	if n := strings.Count(a.log.String(), "run crosswalk certificate ensure"); n != 2 {
		t.Errorf("%d warnings: %s", n, a.log.String())
	}
	a.operate(nil)
	a.keep(1)
	a.ahead = 10 * time.Hour
	accepted(t, handler)
}

// While nothing helps, Key Vault is asked once a minute, not once a message.
func TestNoCertificateHelps(t *testing.T) {
	a := newAzure(t)
	a.operate(nil)
	handler := a.handler(nil)
	accepted(t, handler)
	a.keep()
	refused(t, handler, "AADSTS700027")
	a.Vault.ThrottleNext(1) // is met by the next request, whenever that comes
	for range 5 {
		refused(t, handler, "AADSTS700027")
	}
	if strings.Contains(a.log.String(), "can't be asked") {
		t.Errorf("Key Vault was asked again at once: %s", a.log.String())
	}
	a.ahead = time.Minute + time.Second
	refused(t, handler, "AADSTS700027")
	if !strings.Contains(a.log.String(), "can't be asked") {
		t.Error("Key Vault was not asked again after a minute")
	}
	a.rotate(true)
	accepted(t, handler)
}

func TestVaultIsNotThere(t *testing.T) {
	a := newAzure(t)
	a.operate(nil)
	handler := a.handler(nil)
	accepted(t, handler)
	a.Vault.Revoke(simulated.IdentityClientID, keyvault.SecretsUser)
	a.ahead = 5 * time.Hour
	accepted(t, handler) // with the version at hand
	if !strings.Contains(a.log.String(), "the one at hand is used on") {
		t.Errorf("log %s", a.log.String())
	}
	judged(t, token(t, a.handler(nil)), fault.Misconfigured, identity.ReasonNoCertificate, "Key Vault Secrets User")
	a.Vault.Grant(simulated.IdentityClientID, keyvault.SecretsUser)
	accepted(t, a.handler(nil))
	a.Vault.ThrottleNext(1)
	if f := judged(t, token(t, a.handler(nil)), fault.Throttled, identity.ReasonNoCertificate, "fewer"); f.After != time.Second {
		t.Errorf("wait %v", f.After)
	}
	judged(t, token(t, a.handler(func(s *settings.Entra) { s.CertificateName = "other" })), fault.Misconfigured, identity.ReasonNoCertificate, "ENTRA_CERTIFICATE_NAME")
	judged(t, token(t, a.handler(func(s *settings.Entra) { s.ManagedIdentityClientID = simulated.ApplicationID })), fault.Misconfigured, identity.ReasonNoIdentity, "ENTRA_MANAGED_IDENTITY_CLIENT_ID")
}

func TestNewestVersionIsDisabled(t *testing.T) {
	a := newAzure(t)
	a.operate(nil)
	a.rotate(true)
	a.rotate(true)
	a.Vault.Disable("crosswalk")
	a.keep(1)
	accepted(t, a.handler(nil))
	if a.log.Len() > 0 {
		t.Error(a.log.String())
	}
}

func TestFederated(t *testing.T) {
	a := newAzure(t)
	federated := func(s *settings.Entra) {
		s.Federated, s.CertificateVault, s.CertificateName = true, "", ""
	}
	handler := a.handler(federated)
	refused(t, handler, "AADSTS700213")
	if _, err := a.manager(nil).Federate(t.Context(), simulated.ID, simulated.IdentityPrincipal); err != nil {
		t.Fatal(err)
	}
	accepted(t, handler)
	other := a.handler(func(s *settings.Entra) { federated(s); s.ManagedIdentityClientID = simulated.ApplicationID })
	judged(t, token(t, other), fault.Misconfigured, identity.ReasonNoIdentity, "ENTRA_MANAGED_IDENTITY_CLIENT_ID")
}

// failing fails every request.
type failing struct{}

func (failing) Do(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("secret-value")}
}

func TestIdentityEndpointIsNotThere(t *testing.T) {
	t.Setenv("IDENTITY_ENDPOINT", simulated.IdentityEndpoint)
	t.Setenv("IDENTITY_HEADER", simulated.IdentityHeader)
	// An identity of its own: the tokens of the others may be in the process's cache.
	s := settings.Entra{TenantID: simulated.ID, ClientID: simulated.ApplicationID, ManagedIdentityClientID: "c0551a1c-0000-4000-8000-0000000000ff",
		CertificateVault: simulated.VaultURL, CertificateName: "crosswalk", CertificateRefresh: time.Hour}
	c, err := identity.Application(s, &identity.Options{Transport: failing{}})
	if err != nil {
		t.Fatal(err)
	}
	judged(t, token(t, c), fault.Transient, identity.ReasonNoCertificate, "didn't answer")
}

// pfx answers like a vault whose secret holds a certificate as PKCS 12, and like Entra.
type pfx struct {
	entra
	content string
}

func (p *pfx) Do(r *http.Request) (*http.Response, error) {
	respond := func(status int, body any, header http.Header) (*http.Response, error) {
		text, err := json.Marshal(body)
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, err
	}
	switch {
	case strings.HasPrefix(r.URL.Host, "127.0.0.1"):
		return respond(200, map[string]any{"access_token": "the-token", "expires_on": "9999999999", "resource": "https://vault.azure.net", "token_type": "Bearer"}, http.Header{})
	case r.URL.Host != "contoso.vault.azure.net":
		return p.entra.Do(r)
	case r.Header.Get("Authorization") == "":
		return respond(401, nil, http.Header{"Www-Authenticate": {`Bearer authorization="https://login.example/` + tenant + `", resource="https://vault.azure.net"`}})
	}
	return respond(200, map[string]any{"id": simulated.VaultURL + "/secrets/crosswalk/0123456789abcdef0123456789abcdef", "contentType": "application/x-pkcs12", "value": p.content}, http.Header{})
}

// Key Vault's default is PKCS 12 in base64; testdata/certificate.pfx is one with a key that nothing else has.
func TestPKCS12InTheVault(t *testing.T) {
	t.Setenv("IDENTITY_ENDPOINT", simulated.IdentityEndpoint)
	t.Setenv("IDENTITY_HEADER", simulated.IdentityHeader)
	data, err := os.ReadFile("testdata/certificate.pfx")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, content, want string }{
		{"sound", base64.StdEncoding.EncodeToString(data), ""},
		{"no base64", "secret-value!", "exportable"},
		{"cut", base64.StdEncoding.EncodeToString(data[:900]), "exportable"},
	} {
		p := &pfx{content: test.content}
		c, err := identity.Application(settings.Entra{AuthorityHost: "https://login.example/", TenantID: tenant, ClientID: client,
			CertificateVault: simulated.VaultURL, CertificateName: "crosswalk", CertificateRefresh: time.Hour}, &identity.Options{Transport: p})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://contoso.crm4.dynamics.com/.default"}})
		if test.want != "" {
			f := judged(t, err, fault.Misconfigured, identity.ReasonNoCertificate, test.want)
			if strings.Contains(f.Detail, "secret-value") {
				t.Errorf("%s: %v", test.name, f)
			}
		} else if err != nil || p.form.Get("client_assertion") == "" {
			t.Errorf("%s: %v, asked with %v", test.name, err, p.form)
		}
	}
}
