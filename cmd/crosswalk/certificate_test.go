package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"crosswalk/local/systems/tenant"
)

// certifier runs `crosswalk certificate` as the operator of a simulated tenant.
type certifier struct {
	*tenant.Tenant
	t   *testing.T
	now time.Time
}

func newCertifier(t *testing.T) *certifier {
	t.Helper()
	c := &certifier{t: t, now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	var err error
	if c.Tenant, err = tenant.New(func() time.Time { return c.now }); err != nil {
		t.Fatal(err)
	}
	// What azd's environment has after it provisioned.
	for name, value := range map[string]string{"CROSSWALK_CREDENTIAL": "", "CROSSWALK_KEY_VAULT_URI": tenant.VaultURL, "CROSSWALK_CERTIFICATE_NAME": "", "ENTRA_CLIENT_ID": tenant.ApplicationID,
		"AZURE_TENANT_ID": tenant.ID, "CROSSWALK_IDENTITY_PRINCIPAL_ID": tenant.IdentityPrincipal} {
		t.Setenv(name, value)
	}
	return c
}

// run returns what the command said.
func (c *certifier) run(line string) (string, error) {
	c.t.Helper()
	operator, err := azidentity.NewClientSecretCredential(tenant.ID, tenant.OperatorID, tenant.OperatorSecret,
		&azidentity.ClientSecretCredentialOptions{ClientOptions: policy.ClientOptions{Transport: c}})
	if err != nil {
		c.t.Fatal(err)
	}
	sleep := func(_ context.Context, d time.Duration) error { c.now = c.now.Add(d); return nil }
	cmd := newCertificate(certifying{credential: operator, transport: c, now: func() time.Time { return c.now }, sleep: sleep})
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(strings.Fields(line))
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err = cmd.ExecuteContext(c.t.Context())
	return out.String(), err
}

// says runs the command and wants all the texts in what it says.
func (c *certifier) says(line string, want ...string) {
	c.t.Helper()
	out, err := c.run(line)
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			c.t.Errorf("%s doesn't say %q:\n%s", line, text, out)
		}
	}
}

// warns is says for a command that ends with status 1.
func (c *certifier) warns(line string, want ...string) {
	c.t.Helper()
	out, err := c.run(line)
	if code := exitCode(0); !errors.As(err, &code) || code != 1 {
		c.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			c.t.Errorf("%s doesn't say %q:\n%s", line, text, out)
		}
	}
}

// The postprovision hook runs `certificate ensure` without flags, at every provisioning.
func TestCertificateOfAzdEnvironment(t *testing.T) {
	c := newCertifier(t)
	c.warns("show", "no certificate crosswalk")
	c.says("ensure --dry-run --key-size 2048", "would make", "nothing was changed")
	c.says("ensure --key-size 2048", "register version", "valid until 2027-07-01")
	c.says("ensure --key-size 2048", "nothing had to be changed")
	c.says("show", "registered in Entra", "(ours) until 2027-07-01")
	c.now = c.now.AddDate(0, 11, 10)
	c.warns("show", "ends on 2027-07-01, and nothing has renewed it")
	c.says("ensure --key-size 2048", "renew certificate")
	c.says("show", "until 2028-06-1", "until 2027-07-01, registered")
}

func TestShowTellsThatEntraDoesNotKnow(t *testing.T) {
	c := newCertifier(t)
	c.says("ensure --key-size 2048 --application=", "nothing is registered")
	c.warns("show", "unknown to Entra", "Entra doesn't know the newest version")
}

func TestFederatedOfAzdEnvironment(t *testing.T) {
	c := newCertifier(t)
	t.Setenv("CROSSWALK_CREDENTIAL", "federated")
	t.Setenv("CROSSWALK_KEY_VAULT_URI", "")
	c.warns("show", "would add managed identity")
	c.says("ensure", "add managed identity")
	c.says("show", "has managed identity")
	c.says("show --application=", "needs no credential")
	c.says("ensure", "nothing had to be changed")
	c.says("federate", "nothing had to be changed")
	c.says("federate --application=", "needs no credential")
}

// Every command that docs/credentials.md names is one, with the flags that it gives.
func TestCredentialsPageNamesCommands(t *testing.T) {
	page, err := os.ReadFile("../../docs/credentials.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("`crosswalk ([^`]+)`").FindAllSubmatch(page, -1)
	if len(found) < 10 {
		t.Fatalf("%d commands", len(found))
	}
	for _, m := range found {
		cmd, flags, err := newRoot().Find(strings.Fields(string(m[1])))
		if err != nil || cmd.Name() == "crosswalk" {
			t.Errorf("%s: %v", m[1], err)
		} else if err := cmd.ParseFlags(flags); err != nil || cmd.Flags().NArg() > 0 {
			t.Errorf("%s: %v, arguments %v", m[1], err, cmd.Flags().Args())
		}
	}
}

func TestBadCertificateFlags(t *testing.T) {
	c := newCertifier(t)
	for line, want := range map[string]string{
		"ensure --credential secret":      "neither certificate nor federated",
		"show --credential secret":        "neither certificate nor federated",
		"ensure --vault=":                 "CROSSWALK_KEY_VAULT_URI",
		"ensure --vault contoso":          "https://contoso.vault.azure.net",
		"ensure --application crosswalk":  "client id",
		"ensure --renew-before -1":        "number of days",
		"federate --principal id-of-mine": "principal id",
		"federate --tenant contoso.com":   "tenant is not a GUID",
		"ensure --key-size 1024":          "400 BadParameter",
	} {
		if out, err := c.run(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q\n%s", line, err, want, out)
		}
	}
}
