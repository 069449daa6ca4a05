package certificate_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"crosswalk/local/systems/keyvault"
	"crosswalk/local/systems/tenant"
	"crosswalk/shared/certificate"
)

const aDay = 24 * time.Hour

// bench is a tenant, a clock that only sleeping moves, and what was said.
type bench struct {
	*tenant.Tenant
	t      *testing.T
	now    time.Time
	slept  func() // is called at each sleep
	said   []string
	sleeps int
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	var err error
	if b.Tenant, err = tenant.New(func() time.Time { return b.now }); err != nil {
		t.Fatal(err)
	}
	return b
}

// manager returns a manager run by the operator, after edit.
func (b *bench) manager(edit func(*certificate.Options)) *certificate.Manager {
	b.t.Helper()
	b.said = nil
	credential, err := azidentity.NewClientSecretCredential(tenant.ID, tenant.OperatorID, tenant.OperatorSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: policy.ClientOptions{Transport: b}})
	if err != nil {
		b.t.Fatal(err)
	}
	o := certificate.Options{Vault: tenant.VaultURL, Name: "crosswalk", Application: tenant.ApplicationID, Credential: credential,
		Policy: certificate.Policy{Issuer: "Self", Subject: "CN=crosswalk", KeySize: 2048, Months: 12}, RenewBefore: 30 * aDay,
		Say:       func(format string, args ...any) { b.said = append(b.said, fmt.Sprintf(format, args...)) },
		Transport: b, Retry: policy.RetryOptions{RetryDelay: time.Nanosecond, MaxRetryDelay: time.Nanosecond, MaxRetries: -1},
		Now: func() time.Time { return b.now },
		Sleep: func(_ context.Context, d time.Duration) error {
			b.now, b.sleeps = b.now.Add(d), b.sleeps+1
			if b.slept != nil {
				b.slept()
			}
			return nil
		}}
	if edit != nil {
		edit(&o)
	}
	m, err := certificate.New(o)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// ensure runs Ensure and wants that many changes.
func (b *bench) ensure(want int, edit func(*certificate.Options)) {
	b.t.Helper()
	changed, err := b.manager(edit).Ensure(b.t.Context())
	if err != nil || changed != want {
		b.t.Fatalf("%d changes, want %d: %v\n%s", changed, want, err, strings.Join(b.said, "\n"))
	}
}

// fails runs Ensure and wants an error with that text.
func (b *bench) fails(text string, edit func(*certificate.Options)) {
	b.t.Helper()
	if _, err := b.manager(edit).Ensure(b.t.Context()); err == nil || !strings.Contains(err.Error(), text) {
		b.t.Fatalf("error %v, want %q\n%s", err, text, strings.Join(b.said, "\n"))
	}
}

func (b *bench) heard(text string) {
	b.t.Helper()
	if !strings.Contains(strings.Join(b.said, "\n"), text) {
		b.t.Errorf("%q was not said:\n%s", text, strings.Join(b.said, "\n"))
	}
}

// names returns the display names of the application's certificates, versions left out.
func (b *bench) names() []string {
	var out []string
	for _, k := range b.Graph.Keys(tenant.ApplicationID) {
		out = append(out, k.DisplayName)
	}
	return out
}

// foreign registers another tool's certificate, valid until then.
func (b *bench) foreign(name string, until time.Time) {
	b.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: b.now.Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		b.t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.Graph.AddCertificate(tenant.ApplicationID, name, parsed); err != nil {
		b.t.Fatal(err)
	}
}

func TestFirstAndSecondRun(t *testing.T) {
	b := newBench(t)
	b.Vault.SetPolls(3)
	b.foreign("a colleague's", b.now.Add(100*aDay))
	b.foreign("a colleague's, expired", b.now.Add(time.Minute))
	b.ensure(2, nil)
	b.heard("make certificate crosswalk (CN=crosswalk, RSA 2048, 12 months, issuer Self)")
	b.heard("next to 2 that stay")
	versions := b.Vault.Versions("crosswalk")
	if len(versions) != 1 || b.sleeps == 0 {
		t.Fatalf("%d versions, %d sleeps", len(versions), b.sleeps)
	}
	keys := b.Graph.Keys(tenant.ApplicationID)
	if len(keys) != 3 || keys[0].DisplayName != "a colleague's" || keys[1].DisplayName != "a colleague's, expired" || !strings.HasPrefix(keys[2].DisplayName, "crosswalk crosswalk ") {
		t.Fatalf("keys %v", b.names())
	}
	if !keys[2].End.Equal(versions[0].NotAfter) || !keys[2].Start.Equal(versions[0].NotBefore) {
		t.Errorf("registered from %v to %v, the certificate from %v to %v", keys[2].Start, keys[2].End, versions[0].NotBefore, versions[0].NotAfter)
	}
	writes := b.Vault.Writes() + b.Graph.Writes()
	b.ensure(0, nil)
	b.heard("has version")
	if b.Vault.Writes()+b.Graph.Writes() != writes {
		t.Error("the second run has written")
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	b := newBench(t)
	dry := func(o *certificate.Options) { o.DryRun = true }
	b.ensure(1, dry)
	b.heard("would make certificate")
	b.ensure(2, nil)
	writes := b.Vault.Writes() + b.Graph.Writes()
	b.ensure(0, dry)
	b.ensure(1, func(o *certificate.Options) { o.DryRun, o.Policy.KeySize = true, 3072 })
	b.heard("would set the policy of certificate crosswalk (RSA 3072)")
	b.now = b.now.Add(350 * aDay)
	b.ensure(1, dry)
	b.heard("would renew")
	if b.Vault.Writes()+b.Graph.Writes() != writes || len(b.Vault.Versions("crosswalk")) != 1 {
		t.Error("a dry run has written")
	}
}

// Near its end the certificate is renewed; the old one stays registered until it has ended, and only then it goes.
func TestRenewalOverlaps(t *testing.T) {
	b := newBench(t)
	b.foreign("a colleague's, expired", b.now.Add(time.Minute))
	b.ensure(2, nil)
	b.now = b.now.Add(320 * aDay) // 45 days are left
	b.ensure(0, nil)
	b.now = b.now.Add(20 * aDay)
	b.ensure(2, nil)
	b.heard("renew certificate crosswalk")
	if n := len(b.Graph.Keys(tenant.ApplicationID)); n != 3 {
		t.Fatalf("%d certificates, want the colleague's, the old and the new: %v", n, b.names())
	}
	b.ensure(0, nil)
	b.now = b.now.Add(30 * aDay) // the old one has ended
	b.ensure(1, nil)
	b.heard("remove \"crosswalk crosswalk ")
	if names := b.names(); len(names) != 2 || names[0] != "a colleague's, expired" {
		t.Errorf("left: %v", names)
	}
}

// Key Vault renews by itself and doesn't tell Entra; the next run does.
func TestRenewedByKeyVault(t *testing.T) {
	b := newBench(t)
	b.ensure(2, nil)
	b.now = b.now.Add(334 * aDay)
	if n := b.Vault.Renew(); n != 0 {
		t.Fatalf("Key Vault has renewed %d certificates 31 days before their end", n)
	}
	b.now = b.now.Add(2 * aDay)
	if n := b.Vault.Renew(); n != 1 {
		t.Fatalf("Key Vault has renewed %d certificates", n)
	}
	b.ensure(1, nil)
	if len(b.Vault.Versions("crosswalk")) != 2 || len(b.names()) != 2 {
		t.Errorf("%d versions, registered %v", len(b.Vault.Versions("crosswalk")), b.names())
	}
}

// Graph may show an application's certificates or not; either way those of others are sent back as they were.
func TestCertificatesAreShownOrNot(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		b := newBench(t)
		if hidden {
			b.Graph.HideKeys()
		}
		b.foreign("a colleague's", b.now.Add(100*aDay))
		before := b.Graph.Keys(tenant.ApplicationID)[0]
		b.ensure(2, nil)
		if keys := b.Graph.Keys(tenant.ApplicationID); len(keys) != 2 || keys[0] != before {
			t.Errorf("hidden %t: %v", hidden, b.names())
		}
	}
}

// A certificate that a person has uploaded under another name isn't registered twice: Graph refuses that.
func TestUploadedByHand(t *testing.T) {
	b := newBench(t)
	b.ensure(1, func(o *certificate.Options) { o.Application = "" })
	b.heard("nothing is registered")
	if err := b.Graph.AddCertificate(tenant.ApplicationID, "CN=crosswalk", b.Vault.Versions("crosswalk")[0]); err != nil {
		t.Fatal(err)
	}
	b.ensure(0, nil)
}

// A key that leaked is replaced at once, and the policy for the rest of time stays.
func TestRenewNow(t *testing.T) {
	b := newBench(t)
	b.ensure(2, nil)
	b.ensure(2, func(o *certificate.Options) { o.Renew = true })
	b.ensure(0, nil)
	if len(b.Vault.Versions("crosswalk")) != 2 || len(b.names()) != 2 {
		t.Errorf("%d versions, registered %v", len(b.Vault.Versions("crosswalk")), b.names())
	}
}

func TestPolicyIsSet(t *testing.T) {
	b := newBench(t)
	b.ensure(2, nil)
	longer := func(o *certificate.Options) { o.Policy.Months, o.RenewBefore = 24, 60*aDay }
	b.ensure(1, longer)
	b.heard("set the policy")
	b.ensure(0, longer)
	b.now = b.now.Add(310 * aDay)
	b.ensure(2, longer)
	versions := b.Vault.Versions("crosswalk")
	if months := versions[1].NotAfter.Sub(b.now); months < 700*aDay {
		t.Errorf("the renewed certificate is valid for %v", months)
	}
}

func TestDeletedCertificate(t *testing.T) {
	b := newBench(t)
	b.ensure(2, nil)
	b.Vault.Delete("crosswalk")
	b.fails("--recover", nil)
	b.ensure(1, func(o *certificate.Options) { o.Recover = true })
	if len(b.Vault.Versions("crosswalk")) != 1 || len(b.names()) != 1 {
		t.Errorf("%d versions, registered %v", len(b.Vault.Versions("crosswalk")), b.names())
	}
	b.ensure(0, nil)
}

func TestStillBeingMade(t *testing.T) {
	b := newBench(t)
	b.Vault.SetPolls(1000)
	b.fails("run this again later", nil)
	b.Vault.SetPolls(0)
	b.ensure(1, nil)
	b.heard("is being made already")
	if n := len(b.Vault.Versions("crosswalk")); n != 1 {
		t.Errorf("%d versions", n)
	}
}

// A role assignment takes minutes to arrive; want of it is said after some.
func TestRightsOfTheVault(t *testing.T) {
	b := newBench(t)
	b.Vault.Revoke(tenant.OperatorID, keyvault.CertificatesOfficer)
	start := b.now
	b.fails("Key Vault Certificates Officer", nil)
	if waited := b.now.Sub(start); waited < 5*time.Minute || waited > 6*time.Minute {
		t.Errorf("waited %v", waited)
	}
	b.slept = func() {
		if b.now.Sub(start) > 7*time.Minute {
			b.Vault.Grant(tenant.OperatorID, keyvault.CertificatesOfficer)
		}
	}
	b.ensure(2, nil)
	b.heard("tried again until")
}

func TestRefusalsOfGraph(t *testing.T) {
	b := newBench(t)
	b.Graph.Allow(tenant.OperatorID, false)
	b.fails("Application Administrator", nil)
	b.Graph.Allow(tenant.OperatorID, true)
	b.ensure(1, nil) // the certificate was made, the registration was left

	b = newBench(t)
	b.fails("no application with the client id", func(o *certificate.Options) { o.Application = "c0551a1c-0000-4000-8000-00000000dead" })
	b.Graph.ThrottleNext(1)
	b.fails("fewer requests", nil)
}

func TestBadOptions(t *testing.T) {
	for _, o := range []certificate.Options{{Vault: "contoso"}, {Vault: "http://contoso.vault.azure.net"}, {Vault: tenant.VaultURL + "/secrets"}, {Application: "crosswalk"},
		{Vault: tenant.VaultURL, Policy: certificate.Policy{Months: 12}, RenewBefore: 324 * aDay}} {
		if _, err := certificate.New(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func (b *bench) federate(principal string, edit func(*certificate.Options)) (int, error) {
	b.t.Helper()
	return b.manager(edit).Federate(b.t.Context(), tenant.ID, principal)
}

func TestFederate(t *testing.T) {
	b := newBench(t)
	for _, step := range []struct {
		name string
		dry  bool
		want int
		said string
	}{{"dry", true, 1, "would add"}, {"first", false, 1, "add managed identity"}, {"second", false, 0, "has managed identity"}} {
		changed, err := b.federate(tenant.IdentityPrincipal, func(o *certificate.Options) { o.DryRun, o.Vault = step.dry, "" })
		if err != nil || changed != step.want {
			t.Fatalf("%s run: %d changes, %v", step.name, changed, err)
		}
		b.heard(step.said)
	}
	if b.Graph.Writes() != 1 {
		t.Errorf("%d writes", b.Graph.Writes())
	}
	// As many identities as Entra takes, and one more.
	for i := range 20 {
		_, err := b.federate(fmt.Sprintf("c0551a1c-0000-4000-8000-0000000001%02d", i), nil)
		if i < 19 && err != nil || i == 19 && (err == nil || !strings.Contains(err.Error(), "limit of 20")) {
			t.Errorf("identity %d: %v", i, err)
		}
	}
}

// A federated credential that is there under another name is enough; one with a mistake is corrected, because Entra takes no
// second one for the same identity and compares to the letter.
func TestFederationOfSomebodyElse(t *testing.T) {
	const issuer = "https://login.microsoftonline.com/" + tenant.ID + "/v2.0"
	for _, test := range []struct {
		name, issuer, subject, audience string
		want                            int
	}{
		{"right", issuer, tenant.IdentityPrincipal, certificate.Audience, 0},
		{"other audience", issuer, tenant.IdentityPrincipal, "api://crosswalk", 1},
		{"other case", issuer, strings.ToUpper(tenant.IdentityPrincipal), certificate.Audience, 1},
	} {
		b := newBench(t)
		if err := b.Graph.AddFederation(tenant.ApplicationID, "by-bicep", test.issuer, test.subject, test.audience); err != nil {
			t.Fatal(err)
		}
		for run, want := range []int{test.want, 0} {
			if changed, err := b.federate(tenant.IdentityPrincipal, nil); err != nil || changed != want || b.Graph.Writes() != test.want {
				t.Errorf("%s, run %d: %d changes, %d writes, %v", test.name, run, changed, b.Graph.Writes(), err)
			}
		}
	}
}

func TestFederateRefuses(t *testing.T) {
	b := newBench(t)
	if _, err := b.manager(nil).Federate(t.Context(), "contoso.com", tenant.IdentityPrincipal); err == nil || !strings.Contains(err.Error(), "tenant is not a GUID") {
		t.Error(err)
	}
	if _, err := b.federate("id-crosswalk", nil); err == nil || !strings.Contains(err.Error(), "principal id") {
		t.Error(err)
	}
	b.Graph.Allow(tenant.OperatorID, false)
	if _, err := b.federate(tenant.IdentityPrincipal, nil); err == nil || !strings.Contains(err.Error(), "Application Administrator") {
		t.Error(err)
	}
}

// Nothing that is said or reported holds a certificate's secret part, or a token.
func TestNothingSecretIsSaid(t *testing.T) {
	b := newBench(t)
	b.ensure(2, nil)
	all := slices.Clone(b.said)
	b.Vault.Revoke(tenant.OperatorID, keyvault.CertificatesOfficer)
	_, err := b.manager(func(o *certificate.Options) { o.Patience = time.Second }).Ensure(t.Context())
	b.Vault.Grant(tenant.OperatorID, keyvault.CertificatesOfficer)
	credential, cerr := azidentity.NewClientSecretCredential(tenant.ID, tenant.OperatorID, "wrong", &azidentity.ClientSecretCredentialOptions{ClientOptions: policy.ClientOptions{Transport: b}})
	if cerr != nil {
		t.Fatal(cerr)
	}
	_, err2 := b.manager(func(o *certificate.Options) { o.Credential = credential }).Ensure(t.Context())
	text := strings.Join(append(all, errors.Join(err, err2).Error()), "\n")
	for _, banned := range []string{"PRIVATE KEY", "eyJ", tenant.OperatorSecret, "wrong"} {
		if strings.Contains(text, banned) {
			t.Errorf("%q in\n%s", banned, text)
		}
	}
	if err == nil || err2 == nil {
		t.Error("nothing failed")
	}
}
