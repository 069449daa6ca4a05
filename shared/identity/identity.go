// Package identity makes the one credential that Crosswalk uses for every system: an application's certificate, or the
// managed identity where no certificate is configured.
package identity

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"crosswalk/shared/settings"
)

// New returns the credential that s describes. transport is nil but in tests. No token is asked for yet. Errors name the
// setting at fault and what to do; they hold nothing of the certificate file.
func New(s settings.Entra, transport policy.Transporter) (azcore.TokenCredential, error) {
	if s.CertificatePath == "" {
		return managed(s, transport)
	}
	certificates, key, err := load(s.CertificatePath)
	if err != nil {
		return nil, fmt.Errorf("ENTRA_CERTIFICATE_PATH: %w", err)
	}
	o := &azidentity.ClientCertificateCredentialOptions{ClientOptions: policy.ClientOptions{
		Transport: transport,
		// A longer wait belongs to who settles the message, so 429 is not retried here.
		Retry: policy.RetryOptions{MaxRetries: 2, RetryDelay: 200 * time.Millisecond, MaxRetryDelay: 2 * time.Second,
			StatusCodes: []int{500, 502, 503, 504}},
	}}
	if s.AuthorityHost != "" {
		o.Cloud = cloud.Configuration{ActiveDirectoryAuthorityHost: s.AuthorityHost}
		o.DisableInstanceDiscovery = true // it would ask the public cloud whether our authority is a known one
	}
	credential, err := azidentity.NewClientCertificateCredential(s.TenantID, s.ClientID, certificates, key, o)
	if err != nil {
		return nil, errors.New("ENTRA_TENANT_ID, ENTRA_CLIENT_ID and ENTRA_AUTHORITY_HOST don't make a credential: " +
			"the tenant is a GUID or a domain, the client a GUID, the authority an https address")
	}
	return credential, nil
}

func managed(s settings.Entra, transport policy.Transporter) (azcore.TokenCredential, error) {
	o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: policy.ClientOptions{Transport: transport}}
	if s.ClientID != "" {
		o.ID = azidentity.ClientID(s.ClientID)
	}
	credential, err := azidentity.NewManagedIdentityCredential(o)
	if err != nil {
		return nil, errors.New("there is no managed identity here: switch one on, or set ENTRA_CERTIFICATE_PATH to use a certificate; " +
			"ENTRA_CLIENT_ID chooses among several user-assigned identities and doesn't work everywhere")
	}
	return credential, nil
}

// load reads a PEM file. The certificate that belongs to the key comes first in what it returns.
func load(path string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, errors.New("there is no such file; set it to a PEM file with certificate and private key, or remove it to use the managed identity")
	case errors.Is(err, fs.ErrPermission):
		return nil, nil, errors.New("the file may not be read by this user; change its permissions")
	case err != nil:
		return nil, nil, errors.New("the file can't be read; set it to a PEM file with certificate and private key")
	}
	certificates, key, err := azidentity.ParseCertificates(data, nil)
	if err != nil || len(certificates) == 0 || key == nil {
		return nil, nil, errors.New("the file must hold a certificate and its unencrypted private key, both as PEM")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, errors.New("the private key is of a kind that can't sign; use RSA")
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil, nil, errors.New("the private key is of a kind that can't be compared; use RSA")
	}
	for i, certificate := range certificates {
		if public.Equal(certificate.PublicKey) {
			certificates[0], certificates[i] = certificates[i], certificates[0]
			return certificates, key, nil
		}
	}
	return nil, nil, errors.New("the private key belongs to none of the certificates in the file")
}
