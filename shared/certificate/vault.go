package certificate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
)

// pause is between two looks at something that takes its time.
const pause = 10 * time.Second

// version is one version of the certificate; its public part only.
type version struct {
	name  string
	der   []byte
	start time.Time
	end   time.Time
}

// ensureInVault returns the newest version after what was needed was done; nil in a dry run before the first one.
func (m *Manager) ensureInVault(ctx context.Context) (*version, error) {
	newest, policy, err := m.newest(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case newest == nil:
		if newest, err = m.first(ctx); newest == nil || err != nil {
			return nil, err
		}
		return newest, nil
	case m.o.Renew || m.o.Now().Add(m.o.RenewBefore).After(newest.end):
		if !m.change("renew certificate %s, whose version %s ends on %s", m.o.Name, newest.name, day(newest.end)) {
			return newest, nil
		}
		return m.create(ctx)
	}
	if same, what := m.policy().equal(policy); !same {
		if m.change("set the policy of certificate %s (%s); it counts from the next renewal on", m.o.Name, what) {
			if _, err := m.vault.UpdateCertificatePolicy(ctx, m.o.Name, m.policy().wire(), nil); err != nil {
				return nil, m.explain(err)
			}
		}
	}
	m.o.Say("certificate %s: version %s is valid until %s", m.o.Name, newest.name, day(newest.end))
	return newest, nil
}

// first makes the first version, recovers a deleted certificate, or waits for one that is being made.
func (m *Manager) first(ctx context.Context) (*version, error) {
	if _, err := m.vault.GetCertificateOperation(ctx, m.o.Name, nil); err == nil {
		if m.o.DryRun {
			m.o.Say("certificate %s is being made; a run without --dry-run waits for it", m.o.Name)
			return nil, nil
		}
		m.o.Say("certificate %s is being made already", m.o.Name)
		return m.wait(ctx)
	} else if statusOf(err) != http.StatusNotFound {
		return nil, m.explain(err)
	}
	_, err := m.vault.GetDeletedCertificate(ctx, m.o.Name, nil)
	switch {
	case err == nil && !m.o.Recover:
		return nil, fmt.Errorf("certificate %s was deleted from the vault and its name is kept for it: if it was deleted by mistake, run this again with --recover; "+
			"if because its key leaked, purge it (az keyvault certificate purge --vault-name … --name %s) or choose another --name", m.o.Name, m.o.Name)
	case err == nil:
		if !m.change("recover certificate %s, which was deleted", m.o.Name) {
			return nil, nil
		}
		if _, err := m.vault.RecoverDeletedCertificate(ctx, m.o.Name, nil); err != nil {
			return nil, m.explain(err)
		}
		return m.appear(ctx)
	case statusOf(err) != http.StatusNotFound && statusOf(err) != http.StatusForbidden: // without soft delete there is no such thing
		return nil, m.explain(err)
	}
	if !m.change("make certificate %s (%s, RSA %d, %d months, issuer %s)", m.o.Name, m.o.Policy.Subject, m.o.Policy.KeySize, m.o.Policy.Months, m.o.Policy.Issuer) {
		return nil, nil
	}
	return m.create(ctx)
}

// newest returns the newest version and the policy; nil where there is no certificate. It bears the time that a role
// assignment takes to arrive.
func (m *Manager) newest(ctx context.Context) (*version, *azcertificates.CertificatePolicy, error) {
	var answer azcertificates.GetCertificateResponse
	until := m.o.Now().Add(m.o.Patience)
	for {
		var err error
		answer, err = m.vault.GetCertificate(ctx, m.o.Name, "", nil)
		switch {
		case err == nil:
			v, err := versionOf(answer.Certificate)
			return v, answer.Policy, err
		case statusOf(err) == http.StatusNotFound:
			return nil, nil, nil
		case statusOf(err) != http.StatusForbidden || m.o.Now().After(until):
			return nil, nil, m.explain(err)
		}
		m.o.Say("Key Vault says 403: a new role assignment takes minutes to arrive, so this is tried again until %s", until.UTC().Format("15:04:05Z"))
		if err := m.o.Sleep(ctx, pause); err != nil {
			return nil, nil, err
		}
	}
}

// create makes a version and waits for it.
func (m *Manager) create(ctx context.Context) (*version, error) {
	wire := m.policy().wire()
	if _, err := m.vault.CreateCertificate(ctx, m.o.Name, azcertificates.CreateCertificateParameters{CertificatePolicy: &wire}, nil); err != nil {
		return nil, m.explain(err)
	}
	return m.wait(ctx)
}

// wait waits until the pending version is made.
func (m *Manager) wait(ctx context.Context) (*version, error) {
	until := m.o.Now().Add(m.o.Patience)
	for {
		operation, err := m.vault.GetCertificateOperation(ctx, m.o.Name, nil)
		if err != nil {
			return nil, m.explain(err)
		}
		switch status := deref(operation.Status); {
		case status == "completed":
			v, _, err := m.newest(ctx)
			if err == nil && v == nil {
				err = fmt.Errorf("certificate %s was made and is not there: look at it in the portal", m.o.Name)
			}
			if err == nil {
				m.o.Say("certificate %s: version %s is valid until %s", m.o.Name, v.name, day(v.end))
			}
			return v, err
		case status != "inProgress":
			return nil, fmt.Errorf("the vault ended the making of certificate %s with status %q: %s", m.o.Name, status, deref(operation.StatusDetails))
		case m.o.Now().After(until):
			return nil, fmt.Errorf("certificate %s is still being made (%s); run this again later, it goes on from there", m.o.Name, deref(operation.StatusDetails))
		}
		if err := m.o.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// appear waits until a recovered certificate is there.
func (m *Manager) appear(ctx context.Context) (*version, error) {
	until := m.o.Now().Add(m.o.Patience)
	for {
		v, _, err := m.newest(ctx)
		if v != nil || err != nil {
			return v, err
		}
		if m.o.Now().After(until) {
			return nil, fmt.Errorf("certificate %s is being recovered and isn't there yet; run this again later", m.o.Name)
		}
		if err := m.o.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

func versionOf(c azcertificates.Certificate) (*version, error) {
	if c.ID == nil || len(c.CER) == 0 || c.Attributes == nil || c.Attributes.Expires == nil || c.Attributes.NotBefore == nil {
		return nil, errors.New("the vault's answer has no certificate, no dates or no id")
	}
	return &version{name: c.ID.Version(), der: c.CER, start: *c.Attributes.NotBefore, end: *c.Attributes.Expires}, nil
}

// wanted is the whole policy: what may be chosen, and what may not.
type wanted struct {
	Policy
	renewDays int32
}

// policy returns what the certificate's policy should be. Key Vault renews it RenewBefore its end by itself.
func (m *Manager) policy() wanted {
	return wanted{m.o.Policy, max(1, int32(m.o.RenewBefore.Hours()/24))}
}

// wire is the policy as Key Vault takes it. The key is exportable, because the handler signs with it in its own process: one
// read in hours instead of one call to Key Vault for each token. Each renewal makes a new key.
func (w wanted) wire() azcertificates.CertificatePolicy {
	return azcertificates.CertificatePolicy{
		IssuerParameters: &azcertificates.IssuerParameters{Name: to.Ptr(w.Issuer)},
		KeyProperties: &azcertificates.KeyProperties{KeyType: to.Ptr(azcertificates.KeyTypeRSA), KeySize: to.Ptr(int32(w.KeySize)),
			Exportable: to.Ptr(true), ReuseKey: to.Ptr(false)},
		SecretProperties: &azcertificates.SecretProperties{ContentType: to.Ptr("application/x-pem-file")},
		X509CertificateProperties: &azcertificates.X509CertificateProperties{Subject: to.Ptr(w.Subject), ValidityInMonths: to.Ptr(int32(w.Months)),
			KeyUsage: []*azcertificates.KeyUsageType{to.Ptr(azcertificates.KeyUsageTypeDigitalSignature)}},
		LifetimeActions: []*azcertificates.LifetimeAction{{
			Action:  &azcertificates.LifetimeActionType{ActionType: to.Ptr(azcertificates.CertificatePolicyActionAutoRenew)},
			Trigger: &azcertificates.LifetimeActionTrigger{DaysBeforeExpiry: to.Ptr(w.renewDays)}}},
	}
}

// equal compares with what the vault has, in the points that matter, and names the first that differs.
func (w wanted) equal(p *azcertificates.CertificatePolicy) (same bool, what string) {
	if p == nil || p.IssuerParameters == nil || p.KeyProperties == nil || p.SecretProperties == nil || p.X509CertificateProperties == nil {
		return false, "it is incomplete"
	}
	renews := slices.ContainsFunc(p.LifetimeActions, func(a *azcertificates.LifetimeAction) bool {
		return a != nil && a.Action != nil && a.Trigger != nil && deref(a.Action.ActionType) == azcertificates.CertificatePolicyActionAutoRenew && deref(a.Trigger.DaysBeforeExpiry) == w.renewDays
	})
	for _, part := range []struct {
		differs bool
		what    string
	}{
		{deref(p.IssuerParameters.Name) != w.Issuer, "issuer " + w.Issuer},
		{deref(p.KeyProperties.KeyType) != azcertificates.KeyTypeRSA || deref(p.KeyProperties.KeySize) != int32(w.KeySize), fmt.Sprintf("RSA %d", w.KeySize)},
		{p.KeyProperties.Exportable != nil && !*p.KeyProperties.Exportable, "an exportable key, which the handler signs with"},
		{deref(p.KeyProperties.ReuseKey), "a new key at each renewal"},
		{deref(p.X509CertificateProperties.Subject) != w.Subject, "subject " + w.Subject},
		{deref(p.X509CertificateProperties.ValidityInMonths) != int32(w.Months), fmt.Sprintf("%d months", w.Months)},
		{!renews, fmt.Sprintf("renewed %d days before its end", w.renewDays)},
	} {
		if part.differs {
			return false, part.what
		}
	}
	return true, ""
}

// explain says what to do about a refusal of Key Vault.
func (m *Manager) explain(err error) error {
	var answer *azcore.ResponseError
	if !errors.As(err, &answer) {
		return fmt.Errorf("the Key Vault %s can't be asked: %w", m.o.Vault, err)
	}
	switch answer.StatusCode {
	case http.StatusForbidden:
		return fmt.Errorf("the Key Vault %s refuses (403 %s): who runs this needs the role Key Vault Certificates Officer on the vault, and the vault's network must let this machine in", m.o.Vault, answer.ErrorCode)
	case http.StatusUnauthorized:
		return fmt.Errorf("the Key Vault %s doesn't take the token (401): log in to the vault's tenant (azd auth login, az login)", m.o.Vault)
	case http.StatusTooManyRequests:
		return fmt.Errorf("the Key Vault %s asks for fewer requests (429): run this again in a minute", m.o.Vault)
	}
	return fmt.Errorf("the Key Vault %s: %d %s for certificate %s", m.o.Vault, answer.StatusCode, answer.ErrorCode, m.o.Name)
}

func statusOf(err error) int {
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
