// Package tenant wires the simulators of an Azure tenant's identities: Entra, Graph, a Key Vault and the endpoint that gives
// an app the tokens of its managed identity. They answer under Azure's own addresses, through a Transporter instead of a
// network, so that the SDKs' checks of host names stay on.
package tenant

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"crosswalk/local/systems/entra"
	"crosswalk/local/systems/graph"
	"crosswalk/local/systems/keyvault"
)

// The tenant's ids and addresses. They never change.
const (
	ID                = "7f1e2a60-5c1d-4b8e-9a3f-2d6c0e4b9a11"
	ApplicationID     = "c0551a1c-0000-4000-8000-000000000001"
	IdentityClientID  = "c0551a1c-0000-4000-8000-000000000003"
	IdentityPrincipal = "c0551a1c-0000-4000-8000-000000000004"
	OperatorID        = "c0551a1c-0000-4000-8000-000000000005"
	VaultURL          = "https://contoso.vault.azure.net"
	DataverseURL      = "https://contoso.crm4.dynamics.com"
	// IdentityEndpoint and IdentityHeader are what App Service sets as IDENTITY_ENDPOINT and IDENTITY_HEADER.
	IdentityEndpoint = "http://127.0.0.1:41741/msi/token"
	IdentityHeader   = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a"
)

// OperatorSecret is the password of who runs the commands, which exists only here.
const OperatorSecret = "placeholder"

// Tenant is one tenant. It is a Transporter of the Azure SDK.
type Tenant struct {
	Entra *entra.Server
	Graph *graph.Simulator
	Vault *keyvault.Simulator
	hosts map[string]http.Handler
}

// New returns a tenant with an application without credentials. Its identity may read the vault's secrets; its operator may
// do anything.
func New(now func() time.Time) (*Tenant, error) {
	t := &Tenant{}
	var err error
	if t.Entra, err = entra.New(entra.Options{Address: "127.0.0.1:1", TenantID: ID, Now: now, Authorities: []string{entra.PublicAuthority},
		Audiences:  []string{"https://vault.azure.net", "https://graph.microsoft.com", DataverseURL},
		Identities: []entra.ManagedIdentity{{ClientID: IdentityClientID, PrincipalID: IdentityPrincipal}},
		Clients:    []entra.Client{{ID: ApplicationID}, {ID: OperatorID, Secret: OperatorSecret}},
	}); err != nil {
		return nil, err
	}
	t.Graph = graph.New(graph.Options{Now: now, Entra: t.Entra, Authorize: t.Entra.AudienceAuthorizer("https://graph.microsoft.com")})
	t.Graph.AddApplication(ApplicationID)
	t.Graph.Allow(OperatorID, true)
	t.Vault = keyvault.New(keyvault.Options{Address: VaultURL, TenantID: ID, Now: now, Authorize: t.Entra.AudienceAuthorizer("https://vault.azure.net")})
	t.Vault.Grant(OperatorID, keyvault.CertificatesOfficer)
	t.Vault.Grant(IdentityClientID, keyvault.SecretsUser)
	identity := http.NewServeMux()
	identity.Handle("/msi/token", t.Entra.Identity(IdentityHeader))
	t.hosts = map[string]http.Handler{"login.microsoftonline.com": t.Entra, "graph.microsoft.com": t.Graph, "contoso.vault.azure.net": t.Vault, "127.0.0.1:41741": identity}
	return t, nil
}

// Do answers a request to one of the tenant's addresses.
func (t *Tenant) Do(r *http.Request) (*http.Response, error) {
	h := t.hosts[r.URL.Host]
	if h == nil || (r.URL.Scheme != "https" && !strings.HasPrefix(r.URL.Host, "127.0.0.1")) {
		return nil, fmt.Errorf("nobody answers at %s://%s", r.URL.Scheme, r.URL.Host)
	}
	served := r.Clone(r.Context())
	served.Host, served.RequestURI = r.URL.Host, r.URL.RequestURI()
	if r.Body == nil {
		served.Body = io.NopCloser(bytes.NewReader(nil))
	}
	if r.URL.Scheme == "https" {
		served.TLS = &tls.ConnectionState{}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, served)
	answer := w.Result()
	answer.Request = r
	return answer, r.Context().Err()
}
