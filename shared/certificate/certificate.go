// Package certificate keeps the credential of the Entra application that Dataverse and F&O know: a certificate that Key
// Vault makes and renews and whose public part the application has, or a managed identity as federated credential.
//
// Everything is idempotent: it reads what there is, changes what differs, and says what it did. Nothing of a private key is
// ever read here: Key Vault makes it, and only the handler reads it.
package certificate

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
)

// Options say which certificate, which application, and how.
type Options struct {
	// Vault is the address of the Key Vault, Name the certificate's name in it. Only Federate does without.
	Vault, Name string
	// Application is the client id of the application; "" leaves Entra alone.
	Application string
	Policy      Policy
	// RenewBefore is how long before its end the certificate is renewed.
	RenewBefore time.Duration
	// Renew renews it now, because its key leaked.
	Renew bool
	// Recover brings a deleted certificate back instead of failing.
	Recover bool
	// DryRun changes nothing and says what would be.
	DryRun bool

	// Credential is who does it.
	Credential azcore.TokenCredential
	// Say gets one line for each thing found or done.
	Say func(format string, args ...any)
	// Patience is how long a refusal for want of rights is tried again (role assignments take minutes to arrive), and how
	// long a certificate may take to be made. Default 5 minutes.
	Patience time.Duration
	// Transport, Retry, Now and Sleep are replaced by tests.
	Transport policy.Transporter
	Retry     policy.RetryOptions
	Now       func() time.Time
	Sleep     func(context.Context, time.Duration) error
}

// Policy is what Key Vault makes certificates by.
type Policy struct {
	// Issuer is Self or the name of an issuer that the vault has.
	Issuer string
	// Subject is a distinguished name, such as CN=crosswalk.
	Subject string
	// KeySize is the RSA key's, in bits.
	KeySize int
	// Months is how long a certificate is valid.
	Months int
}

// Manager does it.
type Manager struct {
	o     Options
	vault *azcertificates.Client
	graph *graph
	// changed counts what was changed, or would be.
	changed int
}

var guid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// New makes the clients. Nothing is asked yet.
func New(o Options) (*Manager, error) {
	if o.Patience == 0 {
		o.Patience = 5 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Application != "" && !guid.MatchString(o.Application) {
		return nil, errors.New("the application is not a GUID: copy its client id (\"Application (client) ID\")")
	}
	m := &Manager{o: o}
	client := policy.ClientOptions{Transport: o.Transport, Retry: o.Retry}
	if o.Vault != "" {
		if u, err := url.Parse(o.Vault); err != nil || u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" {
			return nil, errors.New("the vault is not an address such as https://contoso.vault.azure.net")
		}
		if o.Policy.Months > 0 && o.RenewBefore >= time.Duration(27*o.Policy.Months)*24*time.Hour {
			return nil, fmt.Errorf("the certificate is valid for %d months, so it can be renewed at most %d days before its end", o.Policy.Months, 27*o.Policy.Months-1)
		}
		var err error
		m.vault, err = azcertificates.NewClient(o.Vault, o.Credential, &azcertificates.ClientOptions{ClientOptions: client})
		if err != nil {
			return nil, fmt.Errorf("the vault's address makes no client: %w", err)
		}
	}
	m.graph = newGraph(o.Credential, client)
	return m, nil
}

// Ensure makes or renews the certificate in Key Vault, registers it with the application next to the ones that it has, and
// removes ours that have expired. It reports how many things it changed (or would change, in a dry run).
func (m *Manager) Ensure(ctx context.Context) (changed int, err error) {
	m.changed = 0
	newest, err := m.ensureInVault(ctx)
	if err != nil {
		return m.changed, err
	}
	switch {
	case m.o.Application == "":
		m.o.Say("no application is given, so nothing is registered in Entra")
	case newest == nil: // a dry run before the first certificate
		m.o.Say("would register the certificate with application %s", m.o.Application)
	default:
		if err := m.ensureRegistered(ctx, newest); err != nil {
			return m.changed, err
		}
	}
	return m.changed, nil
}

// change says what is done, or in a dry run what would be, and whether to do it.
func (m *Manager) change(format string, args ...any) (do bool) {
	m.changed++
	if m.o.DryRun {
		m.o.Say("would "+format, args...)
		return false
	}
	m.o.Say(format, args...)
	return true
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// day writes a time as people note it down.
func day(t time.Time) string { return t.UTC().Format("2006-01-02") }
