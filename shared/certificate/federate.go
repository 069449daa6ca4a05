package certificate

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// Audience is what a managed identity's token is for when it proves an application, in the public cloud.
const Audience = "api://AzureADTokenExchange"

// federation is a federated credential of an application ("federatedIdentityCredential resource type").
type federation struct {
	ID          string   `json:"id,omitempty"`
	Name        string   `json:"name,omitempty"`
	Issuer      string   `json:"issuer"`
	Subject     string   `json:"subject"`
	Description string   `json:"description,omitempty"`
	Audiences   []string `json:"audiences"`
}

// Federate makes the managed identity with that principal id (its object id) a federated credential of the application: the
// identity's tokens prove the application, and there is nothing to renew. tenant is the GUID of the tenant that both are in.
func (m *Manager) Federate(ctx context.Context, tenant, principal string) (changed int, err error) {
	m.changed = 0
	switch {
	case m.o.Application == "":
		return 0, errors.New("no application is given: its client id is needed")
	case !guid.MatchString(tenant):
		return 0, errors.New("the tenant is not a GUID: the issuer of a managed identity's tokens has the tenant's id, not its domain")
	case !guid.MatchString(principal):
		return 0, errors.New("the principal id is not a GUID: copy the managed identity's \"Object (principal) ID\"")
	}
	want := federation{Name: "crosswalk-" + strings.ToLower(principal), Issuer: "https://login.microsoftonline.com/" + strings.ToLower(tenant) + "/v2.0",
		Subject: strings.ToLower(principal), Description: "The managed identity of Crosswalk's function app.", Audiences: []string{Audience}}
	path := application(m.o.Application) + "/federatedIdentityCredentials"
	var had struct {
		Value []federation `json:"value"`
	}
	if err := m.graph.do(ctx, http.MethodGet, path, nil, &had); err != nil {
		return 0, m.explainGraph(err, "read the application's federated credentials")
	}
	for _, f := range had.Value {
		switch same := strings.EqualFold(f.Issuer, want.Issuer) && strings.EqualFold(f.Subject, want.Subject); {
		case same && f.Issuer == want.Issuer && f.Subject == want.Subject && slices.Contains(f.Audiences, Audience):
			m.o.Say("application %s has managed identity %s as federated credential %q", m.o.Application, principal, f.Name)
			return m.changed, nil
		case same || f.Name == want.Name:
			return m.changed, m.mend(ctx, path, f, want)
		}
	}
	if m.change("add managed identity %s to application %s as federated credential %q", principal, m.o.Application, want.Name) {
		if err := m.graph.do(ctx, http.MethodPost, path, want, nil); err != nil {
			return m.changed, m.explainGraph(err, "add the federated credential")
		}
	}
	return m.changed, nil
}

// mend sets what differs. Entra compares issuer and subject to the letter, so one in other case never matches.
func (m *Manager) mend(ctx context.Context, path string, old, want federation) error {
	if !m.change("correct federated credential %q of application %s: issuer, subject or audience differ", old.Name, m.o.Application) {
		return nil
	}
	want.Name = "" // it can't be changed
	if err := m.graph.do(ctx, http.MethodPatch, path+"/"+old.ID, want, nil); err != nil {
		return m.explainGraph(err, "correct the federated credential")
	}
	return nil
}
