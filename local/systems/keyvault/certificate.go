package keyvault

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"
)

// policy is a certificate's policy as it is on the wire.
type policy struct {
	ID     string `json:"id,omitempty"`
	Issuer struct {
		Name string `json:"name"`
	} `json:"issuer"`
	Key struct {
		Exportable *bool  `json:"exportable,omitempty"`
		Type       string `json:"kty"`
		Size       int    `json:"key_size"`
		Reuse      bool   `json:"reuse_key"`
	} `json:"key_props"`
	Secret struct {
		ContentType string `json:"contentType"`
	} `json:"secret_props"`
	X509 struct {
		Subject        string   `json:"subject"`
		EKUs           []string `json:"ekus,omitempty"`
		KeyUsage       []string `json:"key_usage,omitempty"`
		ValidityMonths int      `json:"validity_months"`
	} `json:"x509_props"`
	LifetimeActions []lifetimeAction `json:"lifetime_actions,omitempty"`
}

type lifetimeAction struct {
	Trigger struct {
		DaysBefore int `json:"days_before_expiry,omitempty"`
		Percentage int `json:"lifetime_percentage,omitempty"`
	} `json:"trigger"`
	Action struct {
		Type string `json:"action_type"`
	} `json:"action"`
}

// check refuses what the real vault refuses in a policy, and what isn't simulated.
func (p policy) check() *refusal {
	bad := func(text string, args ...any) *refusal {
		return &refusal{http.StatusBadRequest, "BadParameter", fmt.Sprintf(text, args...), ""}
	}
	switch {
	case p.Issuer.Name == "":
		return bad("Property issuer.name is required.")
	case p.Issuer.Name != "Self":
		return &refusal{http.StatusNotFound, "IssuerNotFound", "Issuer " + p.Issuer.Name + " not found.", ""}
	case p.Key.Type != "RSA" || !slices.Contains([]int{2048, 3072, 4096}, p.Key.Size):
		return bad("Only RSA keys of 2048, 3072 and 4096 bits are simulated.")
	case p.Secret.ContentType != "application/x-pem-file":
		return bad("Only secrets of type application/x-pem-file are simulated.")
	case !strings.HasPrefix(p.X509.Subject, "CN="):
		return bad("Property x509_props.subject must be a distinguished name.")
	case p.X509.ValidityMonths < 1 || p.X509.ValidityMonths > 1200:
		return bad("Property validity_months must be between 1 and 1200.")
	}
	for _, a := range p.LifetimeActions {
		t := a.Trigger
		switch {
		case (t.DaysBefore == 0) == (t.Percentage == 0):
			return bad("A trigger has either days_before_expiry or lifetime_percentage.")
		case t.DaysBefore < 0 || t.DaysBefore > 27*p.X509.ValidityMonths:
			return bad("Property days_before_expiry must be between 1 and %d.", 27*p.X509.ValidityMonths)
		case t.Percentage < 0 || t.Percentage > 99:
			return bad("Property lifetime_percentage must be between 1 and 99.")
		case a.Action.Type != "AutoRenew" && a.Action.Type != "EmailContacts":
			return bad("Property action_type must be AutoRenew or EmailContacts.")
		}
	}
	return nil
}

// version is one certificate with its key.
type version struct {
	name    string
	made    time.Time
	enabled bool
	policy  policy
	parsed  *x509.Certificate
	key     *rsa.PrivateKey
}

// issue makes a certificate's next version by its policy.
func (s *Simulator) issue(c *certificate) *refusal {
	key, err := rsa.GenerateKey(rand.Reader, c.policy.Key.Size)
	if err != nil {
		return &refusal{http.StatusInternalServerError, "InternalError", "no key", ""}
	}
	now := s.o.Now().UTC().Truncate(time.Second)
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return &refusal{http.StatusInternalServerError, "InternalError", "no serial number", ""}
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: strings.TrimPrefix(c.policy.X509.Subject, "CN=")},
		NotBefore: now.Add(-10 * time.Minute), NotAfter: now.AddDate(0, c.policy.X509.ValidityMonths, 0), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return &refusal{http.StatusBadRequest, "BadParameter", "the policy makes no certificate", ""}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return &refusal{http.StatusInternalServerError, "InternalError", "no certificate", ""}
	}
	c.versions = append(c.versions, &version{name: newVersion(), made: now, enabled: true, policy: c.policy, parsed: parsed, key: key})
	return nil
}

// Renew makes a new version of every certificate whose policy says that it is time (AutoRenew), as the real vault does by
// itself, and returns how many. Nobody is told.
func (s *Simulator) Renew() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.certificates {
		newest := c.versions[len(c.versions)-1].parsed
		for _, a := range c.policy.LifetimeActions {
			at := newest.NotAfter.AddDate(0, 0, -a.Trigger.DaysBefore)
			if a.Trigger.Percentage > 0 {
				at = newest.NotBefore.Add(newest.NotAfter.Sub(newest.NotBefore) * time.Duration(a.Trigger.Percentage) / 100)
			}
			if a.Action.Type == "AutoRenew" && !s.o.Now().Before(at) && s.issue(c) == nil {
				n++
			}
		}
	}
	return n
}

// Versions returns the certificates of a name, oldest first.
func (s *Simulator) Versions(name string) []*x509.Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*x509.Certificate
	if c := s.certificates[name]; c != nil {
		for _, v := range c.versions {
			out = append(out, v.parsed)
		}
	}
	return out
}

// Disable switches the newest version off.
func (s *Simulator) Disable(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.certificates[name]
	c.versions[len(c.versions)-1].enabled = false
}

// Delete deletes a certificate; it can be recovered.
func (s *Simulator) Delete(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleted[name] = s.certificates[name]
	delete(s.certificates, name)
}

func (s *Simulator) create(r *http.Request) (int, any, *refusal) {
	name := r.PathValue("name")
	var in struct {
		Policy policy `json:"policy"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return 0, nil, &refusal{http.StatusBadRequest, "BadParameter", "The body is no JSON.", ""}
	}
	if s.deleted[name] != nil {
		return 0, nil, &refusal{http.StatusConflict, "Conflict", "Certificate " + name + " is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the certificate can only be recovered or purged.", "ObjectIsDeletedButRecoverable"}
	}
	if bad := in.Policy.check(); bad != nil {
		return 0, nil, bad
	}
	c := s.certificates[name]
	if c == nil {
		c = &certificate{}
	}
	if c.pending != nil && !c.pending.completed {
		return 0, nil, &refusal{http.StatusConflict, "Conflict", "A new key vault certificate can not be created or imported while a pending key vault certificate's status is inProgress.", "PendingCertificate"}
	}
	c.policy, c.pending = in.Policy, &operation{id: newVersion()}
	s.certificates[name] = c
	return http.StatusAccepted, s.operationOf(name, c), nil
}

func (s *Simulator) operationOf(name string, c *certificate) map[string]any {
	out := map[string]any{"id": s.o.Address + "/certificates/" + name + "/pending", "issuer": map[string]any{"name": c.policy.Issuer.Name},
		"cancellation_requested": false, "status": "inProgress", "request_id": c.pending.id,
		"status_details": "Pending certificate created. Certificate request is in progress. This may take some time based on the issuer provider. Please check again later."}
	if c.pending.completed {
		out["status"], out["target"] = "completed", s.o.Address+"/certificates/"+name
		delete(out, "status_details")
	}
	return out
}

func (s *Simulator) getPending(r *http.Request) (int, any, *refusal) {
	name := r.PathValue("name")
	c := s.certificates[name]
	if c == nil || c.pending == nil {
		return 0, nil, &refusal{http.StatusNotFound, "PendingCertificateNotFound", "Pending certificate not found: " + name, ""}
	}
	if c.pending.looks++; c.pending.looks > s.polls && !c.pending.completed {
		if bad := s.issue(c); bad != nil {
			return 0, nil, bad
		}
		c.pending.completed = true
	}
	return http.StatusOK, s.operationOf(name, c), nil
}

// find returns a version; "" is the newest.
func (s *Simulator) find(name, wanted string) (*certificate, *version, *refusal) {
	c := s.certificates[name]
	if c != nil && len(c.versions) > 0 && wanted == "" {
		return c, c.versions[len(c.versions)-1], nil
	}
	if c != nil {
		if i := slices.IndexFunc(c.versions, func(v *version) bool { return v.name == wanted }); i >= 0 {
			return c, c.versions[i], nil
		}
	}
	return nil, nil, &refusal{http.StatusNotFound, "CertificateNotFound", "A certificate with (name/id) " + name + "/" + wanted + " was not found in this key vault. " +
		"If you recently deleted this certificate you may be able to recover it using the correct recovery command.", ""}
}

func (s *Simulator) getPolicy(r *http.Request) (int, any, *refusal) {
	c, _, bad := s.find(r.PathValue("name"), "")
	if bad != nil {
		return 0, nil, bad
	}
	return http.StatusOK, c.policy, nil
}

// patchPolicy takes whole parts, as the real one: what the body hasn't got stays.
func (s *Simulator) patchPolicy(r *http.Request) (int, any, *refusal) {
	c, _, bad := s.find(r.PathValue("name"), "")
	if bad != nil {
		return 0, nil, bad
	}
	changed := c.policy
	changed.LifetimeActions = slices.Clone(changed.LifetimeActions) // the decoder would write into the old ones
	changed.Key.Exportable = nil
	if err := json.NewDecoder(r.Body).Decode(&changed); err != nil {
		return 0, nil, &refusal{http.StatusBadRequest, "BadParameter", "The body is no JSON.", ""}
	}
	if changed.Key.Exportable == nil {
		changed.Key.Exportable = c.policy.Key.Exportable
	}
	if bad := changed.check(); bad != nil {
		return 0, nil, bad
	}
	c.policy = changed
	return http.StatusOK, c.policy, nil
}

func (s *Simulator) getCertificate(r *http.Request) (int, any, *refusal) {
	name := r.PathValue("name")
	c, v, bad := s.find(name, r.PathValue("version"))
	if bad != nil {
		return 0, nil, bad
	}
	p := c.policy
	p.ID = s.o.Address + "/certificates/" + name + "/policy"
	body := s.properties("certificates", name, v)
	body["kid"], body["sid"] = s.o.Address+"/keys/"+name+"/"+v.name, s.o.Address+"/secrets/"+name+"/"+v.name
	body["cer"], body["policy"] = base64.StdEncoding.EncodeToString(v.parsed.Raw), p
	return http.StatusOK, body, nil
}

func (s *Simulator) properties(kind, name string, v *version) map[string]any {
	sum := sha1.Sum(v.parsed.Raw)
	return map[string]any{"id": s.o.Address + "/" + kind + "/" + name + "/" + v.name, "x5t": base64.RawURLEncoding.EncodeToString(sum[:]),
		"attributes": map[string]any{"enabled": v.enabled, "nbf": v.parsed.NotBefore.Unix(), "exp": v.parsed.NotAfter.Unix(), "created": v.made.Unix(), "updated": v.made.Unix(),
			"recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90}}
}

func (s *Simulator) listVersions(r *http.Request) (int, any, *refusal) {
	return s.list("certificates", r.PathValue("name"))
}

func (s *Simulator) listSecretVersions(r *http.Request) (int, any, *refusal) {
	return s.list("secrets", r.PathValue("name"))
}

func (s *Simulator) list(kind, name string) (int, any, *refusal) {
	out := []any{}
	if c := s.certificates[name]; c != nil {
		for _, v := range c.versions {
			p := s.properties(kind, name, v)
			if kind == "secrets" {
				delete(p, "x5t")
			}
			out = append(out, p)
		}
	}
	return http.StatusOK, map[string]any{"value": out, "nextLink": nil}, nil
}

// getSecret gives the certificate, with its private key where the policy made that exportable.
func (s *Simulator) getSecret(r *http.Request) (int, any, *refusal) {
	name := r.PathValue("name")
	_, v, bad := s.find(name, r.PathValue("version"))
	if bad != nil {
		bad.code, bad.text = "SecretNotFound", "A secret with (name/id) "+name+" was not found in this key vault."
		return 0, nil, bad
	}
	if !v.enabled {
		return 0, nil, &refusal{http.StatusForbidden, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled"}
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.parsed.Raw})
	if v.policy.Key.Exportable == nil || *v.policy.Key.Exportable {
		der, err := x509.MarshalPKCS8PrivateKey(v.key)
		if err != nil {
			return 0, nil, &refusal{http.StatusInternalServerError, "InternalError", "no key", ""}
		}
		text = append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), text...)
	}
	body := s.properties("secrets", name, v)
	delete(body, "x5t")
	body["value"], body["contentType"], body["managed"], body["kid"] = string(text), v.policy.Secret.ContentType, true, s.o.Address+"/keys/"+name+"/"+v.name
	return http.StatusOK, body, nil
}

func (s *Simulator) deletedOf(name string, v *version) map[string]any {
	body := s.properties("certificates", name, v)
	body["recoveryId"] = s.o.Address + "/deletedcertificates/" + name
	return body
}

func (s *Simulator) getDeleted(r *http.Request) (int, any, *refusal) {
	name := r.PathValue("name")
	c := s.deleted[name]
	if c == nil {
		return 0, nil, &refusal{http.StatusNotFound, "CertificateNotFound", "Deleted Certificate not found: " + name, ""}
	}
	return http.StatusOK, s.deletedOf(name, c.versions[len(c.versions)-1]), nil
}

func (s *Simulator) recover(r *http.Request) (int, any, *refusal) {
	name := r.PathValue("name")
	c := s.deleted[name]
	if c == nil {
		return 0, nil, &refusal{http.StatusNotFound, "CertificateNotFound", "Deleted Certificate not found: " + name, ""}
	}
	delete(s.deleted, name)
	s.certificates[name] = c
	return http.StatusOK, s.properties("certificates", name, c.versions[len(c.versions)-1]), nil
}
