package settings

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	guidPattern   = regexp.MustCompile(`^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`)
	domainPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$`)
)

// check reports what is missing or can't be, whatever the numbers.
func (s Settings) check() error {
	return errors.Join(s.ServiceBus.check(), s.Storage.check(),
		checkAddress("DATAVERSE_URL", s.Dataverse.URL, "https://contoso.crm4.dynamics.com"),
		checkAddress("FNO_URL", s.FnO.URL, "https://contoso.operations.dynamics.com"),
		s.Entra.check(), s.Log.check())
}

func (s ServiceBus) check() error {
	switch {
	case s.ConnectionString == "" && s.FullyQualifiedNamespace == "":
		return problem("SERVICEBUS__FULLYQUALIFIEDNAMESPACE", "is not set; set it to the namespace's host name, or on a laptop SERVICEBUS to a connection string")
	case s.ConnectionString != "" && s.FullyQualifiedNamespace != "":
		return problem("SERVICEBUS", "and SERVICEBUS__FULLYQUALIFIEDNAMESPACE are both set; remove one")
	case s.ConnectionString != "" && !strings.Contains(string(s.ConnectionString), "Endpoint=sb://"):
		return problem("SERVICEBUS", "is not a connection string; it begins with Endpoint=sb://")
	case s.FullyQualifiedNamespace != "" && !domainPattern.MatchString(s.FullyQualifiedNamespace):
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

func (e Entra) check() error {
	if e.CertificatePath == "" {
		var problems []error
		if e.AuthorityHost != "" {
			problems = append(problems, problem("ENTRA_AUTHORITY_HOST", "is set without ENTRA_CERTIFICATE_PATH; a managed identity knows its authority, so remove it or set the certificate"))
		}
		if e.ClientID != "" && !guidPattern.MatchString(e.ClientID) {
			problems = append(problems, problem("ENTRA_CLIENT_ID", "is not a GUID; copy the managed identity's client id, not its name"))
		}
		return errors.Join(problems...)
	}
	var problems []error
	if !guidPattern.MatchString(e.TenantID) && !domainPattern.MatchString(e.TenantID) {
		problems = append(problems, problem("ENTRA_TENANT_ID", "is neither a GUID nor a domain; a certificate needs it"))
	}
	if !guidPattern.MatchString(e.ClientID) {
		problems = append(problems, problem("ENTRA_CLIENT_ID", "is not a GUID; a certificate needs it: copy the application's client id"))
	}
	if e.AuthorityHost != "" {
		problems = append(problems, checkAddress("ENTRA_AUTHORITY_HOST", e.AuthorityHost, "https://login.microsoftonline.com"))
	}
	return errors.Join(problems...)
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
