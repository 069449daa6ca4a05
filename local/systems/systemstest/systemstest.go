// Package systemstest lets tests call the simulated systems as the handler calls the real ones: over TLS, as its application with a
// certificate, by tokens of Entra.
package systemstest

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"crosswalk/local/systems"
	"crosswalk/shared/identity"
	"crosswalk/shared/settings"
)

// Systems are simulated systems that run until the test ends.
type Systems struct {
	*systems.Systems
	// Client trusts the systems' certificates.
	Client *http.Client
	// Credential is the application's.
	Credential azcore.TokenCredential
}

// Start starts the systems.
func Start(t *testing.T) Systems { return StartAs(t, "") }

// StartAs starts the systems and calls them as the application with this client id; "" is the one that they know.
func StartAs(t *testing.T, clientID string) Systems {
	t.Helper()
	s, err := systems.Start(systems.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	e := s.Endpoints()
	if clientID == "" {
		clientID = e.CrosswalkClientID
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(e.CAPEM)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	certificate := filepath.Join(t.TempDir(), "crosswalk.pem")
	if err := os.WriteFile(certificate, e.CrosswalkCertificatePEM, 0o600); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: transport}
	entra := settings.Entra{AuthorityHost: e.EntraAuthorityHTTPS, TenantID: e.TenantID, ClientID: clientID, CertificatePath: certificate}
	credential, err := identity.Application(entra, &identity.Options{Transport: client})
	if err != nil {
		t.Fatal(err)
	}
	return Systems{s, client, credential}
}
