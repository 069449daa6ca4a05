package identity

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"

	"crosswalk/shared/fault"
	"crosswalk/shared/settings"
)

const (
	// lookPause is how soon the vault is asked again after it couldn't be, or after no version helped.
	lookPause = time.Minute
	// maxOlder is how many older versions are tried when Entra refuses the newest.
	maxOlder = 3
)

// vaulted is the application, proved by a certificate in Key Vault. It uses the newest version that Entra takes.
//
// Key Vault renews a certificate by itself and Entra isn't told, so the newest version may be one that Entra refuses: then
// the version before, which is registered and valid still, is used until the next look. A version is looked for every
// ENTRA_CERTIFICATE_REFRESH and when Entra refuses the one in use, so a rotation needs no restart.
type vaulted struct {
	s       settings.Entra
	o       *Options
	now     func() time.Time
	secrets *azsecrets.Client

	mu sync.Mutex
	// current is the version in use, nil before the first look.
	current *certificateVersion
	// next is when the vault is looked at again.
	next time.Time
	// hopeless is until when no look is worth it, because none of the versions was taken.
	hopeless time.Time
}

// certificateVersion is one version of the certificate as a credential, with a token cache of its own.
type certificateVersion struct {
	azcore.TokenCredential
	version string
}

func newVaulted(s settings.Entra, o *Options) (azcore.TokenCredential, error) {
	identity, err := Infrastructure(s, o)
	if err != nil {
		return nil, err
	}
	secrets, err := azsecrets.NewClient(s.CertificateVault, identity, &azsecrets.ClientOptions{ClientOptions: o.client()})
	if err != nil {
		return nil, errors.New("ENTRA_CERTIFICATE_VAULT is no address of a Key Vault, such as https://contoso.vault.azure.net")
	}
	v := &vaulted{s: s, o: o, now: o.Now, secrets: secrets}
	if v.now == nil {
		v.now = time.Now
	}
	return v, nil
}

// GetToken asks Entra with the version in use, and when Entra refuses it with the others, newest first.
func (v *vaulted) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	used, err := v.use(ctx)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	token, err := used.GetToken(ctx, o)
	switch {
	case err == nil:
		v.mu.Lock()
		v.hopeless = time.Time{}
		v.mu.Unlock()
	case isRefusal(err):
		return v.another(ctx, o, used, err)
	}
	return token, err
}

// isRefusal says whether Entra refused the proof itself (AADSTS700027 and its like: 401, invalid_client).
func isRefusal(err error) bool {
	var failed *azidentity.AuthenticationFailedError
	return errors.As(err, &failed) && failed.RawResponse != nil && failed.RawResponse.StatusCode == http.StatusUnauthorized
}

// use returns the version in use, after a look into the vault where that is due. A vault that doesn't answer is no reason
// not to go on with the version at hand.
func (v *vaulted) use(ctx context.Context) (*certificateVersion, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.current != nil && v.now().Before(v.next) {
		return v.current, nil
	}
	newest, err := v.newest(ctx)
	switch {
	case err == nil && (v.current == nil || v.current.version != newest.version):
		v.current, v.next = newest, v.now().Add(v.s.CertificateRefresh)
	case err == nil:
		v.next = v.now().Add(v.s.CertificateRefresh)
	case v.current != nil:
		v.next = v.now().Add(lookPause)
		v.o.Log.Warn().Str("reason", err.Error()).Msg("the certificate in Key Vault could not be looked at; the one at hand is used on")
	default:
		return nil, err
	}
	return v.current, nil
}

// newest returns the newest version that can be read: the newest of all may have been disabled to take a rotation back.
func (v *vaulted) newest(ctx context.Context) (*certificateVersion, error) {
	found, err := v.read(ctx, "")
	if err == nil || fault.KindOf(err) != fault.Misconfigured {
		return found, err
	}
	names, listErr := v.versions(ctx)
	if listErr != nil || len(names) == 0 {
		return nil, err
	}
	if found, readErr := v.read(ctx, names[0]); readErr == nil {
		return found, nil
	}
	return nil, err
}

// another finds a version that Entra takes after it refused one. It returns the refusal when there is none.
func (v *vaulted) another(ctx context.Context, o policy.TokenRequestOptions, refused *certificateVersion, refusal error) (azcore.AccessToken, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.current != refused { // another call was faster
		if token, err := v.current.GetToken(ctx, o); err == nil || !isRefusal(err) {
			return token, err
		}
	}
	if v.now().Before(v.hopeless) {
		return azcore.AccessToken{}, refusal
	}
	names, err := v.versions(ctx)
	if err != nil {
		v.o.Log.Warn().Str("reason", err.Error()).Msg("Entra refuses the certificate, and Key Vault can't be asked for another")
		return azcore.AccessToken{}, refusal
	}
	for _, name := range names {
		if name == refused.version {
			continue
		}
		candidate, err := v.read(ctx, name)
		if err != nil {
			continue
		}
		token, err := candidate.GetToken(ctx, o)
		if err == nil {
			v.o.Log.Warn().Str("refused", refused.version).Str("used", name).
				Msg("Entra refuses one version of the certificate and takes another: if the one refused is the newer, run crosswalk certificate ensure before the other expires")
			v.current, v.next = candidate, v.now().Add(v.s.CertificateRefresh)
			return token, nil
		}
	}
	v.hopeless = v.now().Add(lookPause)
	return azcore.AccessToken{}, refusal
}

// read returns a version of the certificate; "" is the newest. A certificate's private key is in the secret of its name.
func (v *vaulted) read(ctx context.Context, version string) (*certificateVersion, error) {
	answer, err := v.secrets.GetSecret(ctx, v.s.CertificateName, version, nil)
	if err != nil {
		return nil, judgeVault(ctx, err)
	}
	unusable := &fault.Error{Kind: fault.Misconfigured, Reason: ReasonNoCertificate,
		Detail: "the secret of ENTRA_CERTIFICATE_NAME is no certificate with a private key: its policy must make the key exportable, or it can't be read"}
	if answer.Value == nil || answer.ID == nil {
		return nil, unusable
	}
	data := []byte(*answer.Value)
	if answer.ContentType == nil || *answer.ContentType != "application/x-pem-file" {
		if data, err = base64.StdEncoding.DecodeString(*answer.Value); err != nil {
			return nil, unusable
		}
	}
	certificates, key, err := parse(data)
	if err != nil {
		return nil, unusable
	}
	credential, err := newCertificate(v.s, v.o, certificates, key)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Misconfigured, Reason: ReasonNoCertificate, Detail: err.Error()}
	}
	return &certificateVersion{credential, answer.ID.Version()}, nil
}

// versions returns the versions that are enabled and in their time, newest first.
func (v *vaulted) versions(ctx context.Context) ([]string, error) {
	type dated struct {
		name string
		made time.Time
	}
	var found []dated
	pager := v.secrets.NewListSecretPropertiesVersionsPager(v.s.CertificateName, nil)
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, judgeVault(ctx, err)
		}
		for _, p := range page.Value {
			a := p.Attributes
			if p.ID == nil || a == nil || a.Created == nil || a.Enabled == nil || !*a.Enabled || a.Expires != nil && v.now().After(*a.Expires) {
				continue
			}
			found = append(found, dated{p.ID.Version(), *a.Created})
		}
	}
	slices.SortFunc(found, func(a, b dated) int { return cmp.Or(b.made.Compare(a.made), cmp.Compare(b.name, a.name)) })
	var names []string
	for _, d := range found[:min(len(found), 1+maxOlder)] {
		names = append(names, d.name)
	}
	return names, nil
}
