// Package identity makes the two credentials that Crosswalk uses.
//
// Infrastructure is for Azure itself (Service Bus, storage, Key Vault), whose roles are granted to the managed identity.
// Application is for Dataverse and F&O, whose application users name an application of Entra: proved by a token of the
// managed identity, by a certificate in Key Vault or by one in a file; or else the managed identity itself.
package identity

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/rs/zerolog"

	"crosswalk/shared/settings"
)

// Options are what tests replace, and where to log.
type Options struct {
	// Transport sends every request; nil means the default one.
	Transport policy.Transporter
	// Now is the clock by which a certificate from Key Vault is looked at again; nil means time.Now.
	Now func() time.Time
	// Log gets a warning when a rotation goes wrong. Its zero value logs nothing.
	Log zerolog.Logger
}

func (o *Options) client() policy.ClientOptions {
	return policy.ClientOptions{
		Transport: o.Transport,
		// A longer wait belongs to who settles the message, so 429 is not retried here.
		Retry: policy.RetryOptions{MaxRetries: 2, RetryDelay: 200 * time.Millisecond, MaxRetryDelay: 2 * time.Second,
			StatusCodes: []int{500, 502, 503, 504}},
	}
}

// Infrastructure returns the managed identity that s describes. No token is asked for yet. o may be nil.
func Infrastructure(s settings.Entra, o *Options) (azcore.TokenCredential, error) {
	if o == nil {
		o = &Options{}
	}
	m := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: policy.ClientOptions{Transport: o.Transport}}
	if s.ManagedIdentityClientID != "" {
		m.ID = azidentity.ClientID(s.ManagedIdentityClientID)
	}
	credential, err := azidentity.NewManagedIdentityCredential(m)
	if err != nil {
		return nil, errors.New("there is no managed identity here: switch one on; " +
			"ENTRA_MANAGED_IDENTITY_CLIENT_ID chooses among several user-assigned ones and doesn't work everywhere")
	}
	return credential, nil
}

// Application returns the credential for Dataverse and F&O that s describes. No token is asked for yet. o may be nil. Errors
// name the setting at fault and what to do; they hold nothing of a certificate. What its GetToken returns is an error of
// azidentity where Entra refused, else a [fault.Error].
func Application(s settings.Entra, o *Options) (azcore.TokenCredential, error) {
	if o == nil {
		o = &Options{}
	}
	switch {
	case s.Federated:
		return newFederated(s, o)
	case s.CertificateVault != "":
		return newVaulted(s, o)
	case s.CertificatePath == "":
		return Infrastructure(s, o)
	}
	certificates, key, err := load(s.CertificatePath)
	if err != nil {
		return nil, fmt.Errorf("ENTRA_CERTIFICATE_PATH: %w", err)
	}
	return newCertificate(s, o, certificates, key)
}

var errBadIDs = errors.New("ENTRA_TENANT_ID, ENTRA_CLIENT_ID and ENTRA_AUTHORITY_HOST don't make a credential: " +
	"the tenant is a GUID or a domain, the client a GUID, the authority an https address")

func newCertificate(s settings.Entra, o *Options, certificates []*x509.Certificate, key crypto.PrivateKey) (azcore.TokenCredential, error) {
	c := &azidentity.ClientCertificateCredentialOptions{ClientOptions: o.client()}
	c.Cloud, c.DisableInstanceDiscovery = authority(s)
	credential, err := azidentity.NewClientCertificateCredential(s.TenantID, s.ClientID, certificates, key, c)
	if err != nil {
		return nil, errBadIDs
	}
	return credential, nil
}

// authority returns where tokens come from. Instance discovery would ask the public cloud whether another authority is a
// known one, so it is off for those.
func authority(s settings.Entra) (_ cloud.Configuration, disableDiscovery bool) {
	if s.AuthorityHost == "" {
		return cloud.Configuration{}, false
	}
	return cloud.Configuration{ActiveDirectoryAuthorityHost: s.AuthorityHost}, true
}

// exchangeScope is the audience of a token that proves an application (workload identity federation). It is the public
// cloud's; the sovereign clouds have their own.
const exchangeScope = "api://AzureADTokenExchange/.default"

// federated is the application, proved by a token of the managed identity. The application has the identity as federated
// credential: issuer https://login.microsoftonline.com/<tenant>/v2.0, subject the identity's principal id.
type federated struct{ azcore.TokenCredential }

type identityFailureKey struct{}

func newFederated(s settings.Entra, o *Options) (azcore.TokenCredential, error) {
	identity, err := Infrastructure(s, o)
	if err != nil {
		return nil, err
	}
	proof := func(ctx context.Context) (string, error) {
		token, err := identity.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{exchangeScope}})
		if err != nil {
			if failure, ok := ctx.Value(identityFailureKey{}).(*error); ok {
				*failure = err
			}
			return "", errors.New("the managed identity gave no token") // its own text may quote an answer
		}
		return token.Token, nil
	}
	c := &azidentity.ClientAssertionCredentialOptions{ClientOptions: o.client()}
	c.Cloud, c.DisableInstanceDiscovery = authority(s)
	credential, err := azidentity.NewClientAssertionCredential(s.TenantID, s.ClientID, proof, c)
	if err != nil {
		return nil, errBadIDs
	}
	return federated{credential}, nil
}

// GetToken tells a failure of the managed identity from a refusal of Entra; azidentity makes one error of both.
func (f federated) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	var failure error
	token, err := f.TokenCredential.GetToken(context.WithValue(ctx, identityFailureKey{}, &failure), o)
	if err != nil && failure != nil {
		return token, judgeIdentity(ctx, failure)
	}
	return token, err
}
