package identity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"crosswalk/shared/identity"
	"crosswalk/shared/settings"
)

const (
	tenant = "7f1e2a60-5c1d-4b8e-9a3f-2d6c0e4b9a11"
	client = "c0551a1c-0000-4000-8000-000000000001"
)

// block returns a PEM block.
func block(t *testing.T, kind string, der []byte, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func certificate(t *testing.T, name string, key *rsa.PrivateKey) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return block(t, "CERTIFICATE", der, err)
}

func private(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return block(t, "PRIVATE KEY", der, err)
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret-name.pem")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// entra answers like the authority at login.example and keeps the last token request.
type entra struct{ form url.Values }

func (e *entra) Do(r *http.Request) (*http.Response, error) {
	answer := func(body string) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
	switch {
	case r.URL.Host != "login.example":
		return nil, errors.New("asked " + r.URL.Host)
	case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
		base := "https://login.example/" + tenant
		return answer(`{"token_endpoint":"` + base + `/oauth2/v2.0/token","authorization_endpoint":"` + base + `/authorize","issuer":"` + base + `/v2.0"}`)
	case strings.HasSuffix(r.URL.Path, "/token"):
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		e.form, err = url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		return answer(`{"token_type":"Bearer","expires_in":3600,"access_token":"the-token"}`)
	}
	return nil, errors.New("asked " + r.URL.Path)
}

func TestCertificate(t *testing.T) {
	key := newKey(t)
	own, other := certificate(t, "crosswalk", key), certificate(t, "issuer", newKey(t))
	for name, content := range map[string]string{
		"certificate first": own + private(t, key),
		"key first":         private(t, key) + own,
		"PKCS 1":            own + block(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), nil),
		"a chain":           other + own + private(t, key),
	} {
		t.Run(name, func(t *testing.T) {
			authority := &entra{}
			credential, err := identity.Application(settings.Entra{AuthorityHost: "https://login.example/", TenantID: tenant, ClientID: client, CertificatePath: write(t, content)}, &identity.Options{Transport: authority})
			if err != nil {
				t.Fatal(err)
			}
			token, err := credential.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://contoso.crm4.dynamics.com/.default"}})
			if err != nil || token.Token != "the-token" {
				t.Fatalf("token %q, %v", token.Token, err)
			}
			if authority.form.Get("client_id") != client || authority.form.Get("client_assertion") == "" || !strings.Contains(authority.form.Get("scope"), "https://contoso.crm4.dynamics.com/.default") {
				t.Errorf("asked with %v", authority.form)
			}
		})
	}
}

func TestBadCertificate(t *testing.T) {
	key := newKey(t)
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := certificate(t, "crosswalk", key)
	for _, test := range []struct{ name, path, want string }{
		{"no file", filepath.Join(t.TempDir(), "secret-name.pem"), "no such file"},
		{"a folder", t.TempDir(), "can't be read"},
		{"empty", write(t, ""), "certificate and its unencrypted private key"},
		{"not PEM", write(t, "secret-value"), "certificate and its unencrypted private key"},
		{"no key", write(t, own), "certificate and its unencrypted private key"},
		{"no certificate", write(t, private(t, key)), "certificate and its unencrypted private key"},
		{"broken", write(t, own+"-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXZhbHVl\n-----END PRIVATE KEY-----\n"), "certificate and its unencrypted private key"},
		{"another's key", write(t, own+private(t, newKey(t))), "none of the certificates"},
		{"elliptic key", write(t, own+private(t, elliptic)), "none of the certificates"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := identity.Application(settings.Entra{TenantID: tenant, ClientID: client, CertificatePath: test.path}, nil)
			if err == nil || !strings.Contains(err.Error(), "ENTRA_CERTIFICATE_PATH") || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			for _, banned := range []string{"secret-value", "secret-name", "c2VjcmV0", "BEGIN"} {
				if strings.Contains(err.Error(), banned) {
					t.Errorf("%q in %v", banned, err)
				}
			}
		})
	}
}

func TestBadIDs(t *testing.T) {
	key := newKey(t)
	path := write(t, certificate(t, "crosswalk", key)+private(t, key))
	for _, s := range []settings.Entra{
		{CertificatePath: path, ClientID: client, TenantID: "not a tenant/secret-value"},
		{CertificatePath: path, ClientID: client, TenantID: tenant, AuthorityHost: "http://secret-value"},
	} {
		if _, err := identity.Application(s, nil); err == nil || !strings.Contains(err.Error(), "ENTRA_TENANT_ID") || strings.Contains(err.Error(), "secret-value") {
			t.Errorf("got %v", err)
		}
	}
}

// imds answers like the metadata endpoint of a virtual machine and keeps the last query.
type imds struct{ query url.Values }

func (i *imds) Do(r *http.Request) (*http.Response, error) {
	i.query = r.URL.Query()
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"token_type":"Bearer","expires_in":"3600","access_token":"the-token","resource":"x"}`))}, nil
}

func TestManagedIdentity(t *testing.T) {
	for _, name := range []string{"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "IMDS_ENDPOINT"} {
		t.Setenv(name, "")
		_ = os.Unsetenv(name) // t.Setenv puts it back
	}
	for _, id := range []string{"", client} {
		for name, make := range map[string]func(settings.Entra, *identity.Options) (azcore.TokenCredential, error){
			"infrastructure": identity.Infrastructure, "application": identity.Application} {
			machine := &imds{}
			credential, err := make(settings.Entra{ManagedIdentityClientID: id}, &identity.Options{Transport: machine})
			if err != nil {
				t.Fatal(err)
			}
			token, err := credential.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://" + name + ".example/.default"}}) // tokens are cached in the process
			if err != nil || token.Token != "the-token" {
				t.Fatalf("%s: token %q, %v", name, token.Token, err)
			}
			if got := machine.query.Get("client_id"); got != id {
				t.Errorf("%s: asked for identity %q, want %q", name, got, id)
			}
		}
	}
}
