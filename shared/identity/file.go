package identity

import (
	"crypto"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// load reads a certificate and its private key from a file.
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
	return parse(data)
}

// parse reads a certificate and its private key, as PEM or as PKCS 12 without a password. The certificate that belongs to
// the key comes first in what it returns. Errors hold nothing of data.
func parse(data []byte) ([]*x509.Certificate, crypto.PrivateKey, error) {
	certificates, key, err := azidentity.ParseCertificates(data, nil)
	if err != nil || len(certificates) == 0 || key == nil {
		return nil, nil, errors.New("it must hold a certificate and its unencrypted private key, as PEM or PKCS 12")
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
	return nil, nil, errors.New("the private key belongs to none of the certificates")
}
