package settings

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

var (
	guidPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`)
	})
	domainPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$`)
	})
)

// check reports what is missing or can't be, whatever the numbers.
func (s Settings) check() error {
	return errors.Join(s.ServiceBus.check(), s.Storage.check(),
		checkAddress("DATAVERSE_URL", s.Dataverse.URL, "https://contoso.crm4.dynamics.com"),
		checkAddress("FNO_URL", s.FnO.URL, "https://contoso.operations.dynamics.com"),
		s.Entra.Check(), s.Log.check())
}

func (s ServiceBus) check() error {
	switch {
	case s.ConnectionString == "" && s.FullyQualifiedNamespace == "":
		return problem("SERVICEBUS__FULLYQUALIFIEDNAMESPACE", "is not set; set it to the namespace's host name, or on a laptop SERVICEBUS to a connection string")
	case s.ConnectionString != "" && s.FullyQualifiedNamespace != "":
		return problem("SERVICEBUS", "and SERVICEBUS__FULLYQUALIFIEDNAMESPACE are both set; remove one")
	case s.ConnectionString != "" && !strings.Contains(string(s.ConnectionString), "Endpoint=sb://"):
		return problem("SERVICEBUS", "is not a connection string; it begins with Endpoint=sb://")
	case s.FullyQualifiedNamespace != "" && !domainPattern().MatchString(s.FullyQualifiedNamespace):
		return problem("SERVICEBUS__FULLYQUALIFIEDNAMESPACE", "is not a host name; write it without sb:// and without a path, such as contoso.servicebus.windows.net")
	}
	return nil
}

func (s Storage) check() error {
	if s.ConnectionString != "" {
		if s.BlobEndpoint != "" || s.TableEndpoint != "" {
			return problem("STORAGE_CONNECTION_STRING", "and an endpoint are both set; remove the connection string in Azure, the endpoints on a laptop")
		}
		return nil
	}
	return errors.Join(
		checkAddress("STORAGE_BLOB_ENDPOINT", s.BlobEndpoint, "https://contoso.blob.core.windows.net, or on a laptop STORAGE_CONNECTION_STRING"),
		checkAddress("STORAGE_TABLE_ENDPOINT", s.TableEndpoint, "https://contoso.table.core.windows.net, or on a laptop STORAGE_CONNECTION_STRING"),
	)
}

// namePattern is what Key Vault allows as a certificate's name.
var namePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9A-Za-z-]{1,127}$`)
})

// Check reports what is missing or contradicts itself, for programs that need no other settings. Load does it too.
func (e Entra) Check() error {
	var problems []error
	want := func(ok bool, name, format string, args ...any) {
		if !ok {
			problems = append(problems, problem(name, format, args...))
		}
	}
	proof := e.proofs()
	if len(proof) > 1 {
		want(false, proof[0], "and %s are both set; the application is proved in one way, so remove all but one", strings.Join(proof[1:], " and "))
	}
	want(e.ManagedIdentityClientID == "" || guidPattern().MatchString(e.ManagedIdentityClientID), "ENTRA_MANAGED_IDENTITY_CLIENT_ID",
		"is not a GUID; copy the managed identity's client id, not its name")
	if len(proof) == 0 {
		want(e.ClientID == "", "ENTRA_CLIENT_ID", "is set, and nothing proves that application; set ENTRA_FEDERATED, ENTRA_CERTIFICATE_VAULT or ENTRA_CERTIFICATE_PATH, "+
			"or remove it to be the managed identity (of ENTRA_MANAGED_IDENTITY_CLIENT_ID)")
		want(e.AuthorityHost == "", "ENTRA_AUTHORITY_HOST", "is set without ENTRA_FEDERATED, ENTRA_CERTIFICATE_VAULT or ENTRA_CERTIFICATE_PATH; a managed identity knows its authority, so remove it")
	} else {
		want(guidPattern().MatchString(e.TenantID) || domainPattern().MatchString(e.TenantID), "ENTRA_TENANT_ID", "is neither a GUID nor a domain; %s needs it", proof[0])
		want(guidPattern().MatchString(e.ClientID), "ENTRA_CLIENT_ID", "is not a GUID; %s needs it: copy the application's client id", proof[0])
		want(e.ClientID == "" || !strings.EqualFold(e.ClientID, e.ManagedIdentityClientID), "ENTRA_CLIENT_ID",
			"is the managed identity's; it is the application's, which is another one")
	}
	if len(proof) > 0 && e.AuthorityHost != "" {
		problems = append(problems, checkAddress("ENTRA_AUTHORITY_HOST", e.AuthorityHost, "https://login.microsoftonline.com"))
	}
	if e.CertificateVault != "" {
		problems = append(problems, checkAddress("ENTRA_CERTIFICATE_VAULT", e.CertificateVault, "https://contoso.vault.azure.net"))
		want(namePattern().MatchString(e.CertificateName), "ENTRA_CERTIFICATE_NAME", "is no name of a certificate in ENTRA_CERTIFICATE_VAULT; it has 1 to 127 letters, digits and hyphens")
		want(e.CertificateRefresh >= time.Minute, "ENTRA_CERTIFICATE_REFRESH", "must be 1m or more")
	} else {
		want(e.CertificateName == "", "ENTRA_CERTIFICATE_NAME", "is set without ENTRA_CERTIFICATE_VAULT; set the vault's address or remove the name")
	}
	return errors.Join(problems...)
}

// proofs returns the settings that say how the application proves itself.
func (e Entra) proofs() []string {
	var out []string
	if e.Federated {
		out = append(out, "ENTRA_FEDERATED")
	}
	if e.CertificateVault != "" {
		out = append(out, "ENTRA_CERTIFICATE_VAULT")
	}
	if e.CertificatePath != "" {
		out = append(out, "ENTRA_CERTIFICATE_PATH")
	}
	return out
}

func (l Log) check() error {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		return problem("LOG_LEVEL", "is none of debug, info, warn, error")
	}
	return nil
}

// checkAddress wants an https URL of a host alone.
func checkAddress(name, value, example string) error {
	if value == "" {
		return problem(name, "is not set; set it to an address such as %s", example)
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return problem(name, "is not an https address without user, path and query; write one such as %s", example)
	}
	return nil
}

// check reports numbers that don't go together. prefix is empty or a function's.
func (t Tuning) check(prefix string) error {
	name := func(setting string) string {
		if prefix == "" {
			return setting
		}
		return prefix + "_" + setting
	}
	var problems []error
	want := func(ok bool, setting, format string, args ...any) {
		if !ok {
			problems = append(problems, problem(name(setting), format, args...))
		}
	}
	want(t.Settle.Attempts >= 1, "SETTLE_ATTEMPTS", "must be 1 or more")
	want(t.Settle.PanicsToReject >= 1, "SETTLE_PANICS_TO_REJECT", "must be 1 or more")
	want(t.Settle.FirstDelay > 0, "SETTLE_FIRST_DELAY", "must be more than 0")
	want(t.Settle.MaxDelay >= t.Settle.FirstDelay, "SETTLE_MAX_DELAY", "must not be shorter than SETTLE_FIRST_DELAY (%v)", t.Settle.FirstDelay)
	want(t.Settle.MaxAge > t.Settle.MaxDelay, "SETTLE_MAX_AGE", "must be longer than SETTLE_MAX_DELAY (%v), or messages expire while they wait", t.Settle.MaxDelay)
	want(t.Settle.Misconfigured > 0, "SETTLE_MISCONFIGURED", "must be more than 0")
	want(t.Settle.MaxAge > t.Settle.Misconfigured, "SETTLE_MAX_AGE", "must be longer than SETTLE_MISCONFIGURED (%v), or messages expire while they wait", t.Settle.Misconfigured)
	// The host renews a message's lock for five minutes (maxAutoLockRenewalDuration in host.json).
	want(t.Settle.CopyPatience > 0 && t.Settle.CopyPatience < 5*time.Minute, "SETTLE_COPY_PATIENCE", "must be more than 0 and less than the 5m for which the host renews a lock")
	want(t.Client.Timeout > 0, "CLIENT_TIMEOUT", "must be more than 0")
	want(t.Link.Margin >= 2*t.Client.Timeout, "LINK_MARGIN", "must be at least twice CLIENT_TIMEOUT (%v): a call's last try may be sent at its deadline and take effect later", t.Client.Timeout)
	want(t.Link.Claim > t.Link.Margin+t.Client.Timeout, "LINK_CLAIM", "must be longer than LINK_MARGIN and CLIENT_TIMEOUT together (%v), or no time is left to read before a write", t.Link.Margin+t.Client.Timeout)
	return errors.Join(problems...)
}
