package graph

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Key is a certificate that an application has, as Graph shows it. The certificate itself is shown only to a GET of one
// application that selects keyCredentials (documentation: "keyCredential resource type"), unless HideKeys was called.
type Key struct {
	KeyID       string    `json:"keyId"`
	DisplayName string    `json:"displayName"`
	Type        string    `json:"type"`
	Usage       string    `json:"usage"`
	Identifier  string    `json:"customKeyIdentifier"`
	Start       time.Time `json:"startDateTime"`
	End         time.Time `json:"endDateTime"`
	Key         *string   `json:"key"`
}

type key struct {
	Key
	parsed *x509.Certificate
}

// AddCertificate registers a certificate that somebody else uses.
func (s *Simulator) AddCertificate(appID, displayName string, c *x509.Certificate) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[strings.ToLower(appID)]
	k := key{Key: Key{KeyID: newID(), DisplayName: displayName, Type: "AsymmetricX509Cert", Usage: "Verify", Start: c.NotBefore.UTC(), End: c.NotAfter.UTC()}, parsed: c}
	k.identify()
	a.keys = append(a.keys, k)
	return s.tell(a)
}

// Keys returns an application's certificates in the order of their registration.
func (s *Simulator) Keys(appID string) []Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Key
	for _, k := range s.apps[strings.ToLower(appID)].keys {
		out = append(out, k.Key)
	}
	return out
}

// identify sets the identifier that Graph gives where the caller gives none: the SHA-1 thumbprint.
func (k *key) identify() {
	sum := sha1.Sum(k.parsed.Raw)
	k.Identifier = base64.StdEncoding.EncodeToString(sum[:])
}

func (s *Simulator) get(a *application, r *http.Request) (int, any, *refusal) {
	body := map[string]any{"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#applications/$entity"}
	all := map[string]any{"id": a.id, "appId": a.appID, "keyCredentials": []Key{}}
	var keys []Key
	for _, k := range a.keys {
		shown := k.Key
		if !s.hidden && r.URL.Query().Has("$select") {
			text := base64.StdEncoding.EncodeToString(k.parsed.Raw)
			shown.Key = &text
		}
		keys = append(keys, shown)
	}
	if keys != nil {
		all["keyCredentials"] = keys
	}
	wanted := []string{"id", "appId", "keyCredentials"}
	if list := r.URL.Query().Get("$select"); list != "" {
		wanted = strings.Split(list, ",")
	}
	for _, name := range wanted {
		value, ok := all[name]
		if !ok {
			return 0, nil, &refusal{http.StatusBadRequest, "BadRequest", "Could not find a property named '" + name + "' on type 'microsoft.graph.application' (or it isn't simulated)."}
		}
		body[name] = value
	}
	return http.StatusOK, body, nil
}

// patch replaces the whole list of certificates. An entry with a known keyId and no key keeps its certificate, and may not
// differ from it; what the list hasn't got is gone.
func (s *Simulator) patch(a *application, r *http.Request) (int, any, *refusal) {
	var in struct {
		KeyCredentials *[]Key `json:"keyCredentials"`
	}
	if bad := decode(r, &in); bad != nil {
		return 0, nil, bad
	}
	if in.KeyCredentials == nil {
		return 0, nil, badRequest("Only keyCredentials is simulated.")
	}
	var out []key
	for _, k := range *in.KeyCredentials {
		made, bad := s.accept(a, k)
		if bad != nil {
			return 0, nil, bad
		}
		if slices.ContainsFunc(out, func(o key) bool { return o.KeyID == made.KeyID || o.parsed.Equal(made.parsed) }) { // UNCONFIRMED for equal certificates
			return 0, nil, badRequest("Property keyCredentials contains a duplicate.")
		}
		out = append(out, made)
	}
	a.keys = out
	return http.StatusNoContent, nil, nil
}

func (s *Simulator) accept(a *application, k Key) (key, *refusal) {
	i := slices.IndexFunc(a.keys, func(o key) bool { return k.KeyID != "" && o.KeyID == k.KeyID })
	if i >= 0 {
		old := a.keys[i]
		if k.Key != nil || !k.Start.Equal(old.Start) || !k.End.Equal(old.End) || k.Identifier != old.Identifier || k.Type != old.Type || k.Usage != old.Usage {
			return key{}, badRequest("Update to existing credential with KeyId '" + k.KeyID + "' is not allowed.")
		}
		return old, nil
	}
	if k.Key == nil {
		return key{}, badRequest("Property key is required for a new key credential.")
	}
	raw, err := base64.StdEncoding.DecodeString(*k.Key)
	if err != nil {
		return key{}, badRequest("Property key isn't base64.")
	}
	parsed, err := x509.ParseCertificate(raw)
	switch {
	case err != nil:
		return key{}, badRequest("Key credential value is invalid: no certificate (DER) without a private key.")
	case k.Type != "AsymmetricX509Cert" || k.Usage != "Verify":
		return key{}, badRequest("Only type AsymmetricX509Cert with usage Verify is simulated.")
	case s.o.Now().After(parsed.NotAfter):
		return key{}, &refusal{http.StatusBadRequest, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid."}
	}
	if k.Start.IsZero() {
		k.Start = parsed.NotBefore.UTC()
	}
	if k.End.IsZero() {
		k.End = parsed.NotAfter.UTC()
	}
	switch {
	case k.End.After(parsed.NotAfter):
		return key{}, &refusal{http.StatusBadRequest, "KeyCredentialsInvalidEndDate", "Key credential end date is invalid."}
	case k.Start.Before(parsed.NotBefore):
		return key{}, &refusal{http.StatusBadRequest, "KeyCredentialsInvalidStartDate", "Key credential start date is invalid."}
	}
	out := key{Key: k, parsed: parsed}
	out.KeyID, out.Key.Key = newID(), nil
	if k.Identifier == "" {
		out.identify()
	}
	return out, nil
}

// federation is a federated credential as it is on the wire.
type federation struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Issuer      string   `json:"issuer"`
	Subject     string   `json:"subject"`
	Description string   `json:"description"`
	Audiences   []string `json:"audiences"`
}

// AddFederation registers a federated credential that somebody else made, such as a Bicep file.
func (s *Simulator) AddFederation(appID, name, issuer, subject, audience string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[strings.ToLower(appID)]
	a.federations = append(a.federations, federation{ID: newID(), Name: name, Issuer: issuer, Subject: subject, Audiences: []string{audience}})
	return s.tell(a)
}

func (s *Simulator) listFederations(a *application, _ *http.Request) (int, any, *refusal) {
	return http.StatusOK, map[string]any{"value": append([]federation{}, a.federations...)}, nil
}

func (s *Simulator) addFederation(a *application, r *http.Request) (int, any, *refusal) {
	var in federation
	if bad := decode(r, &in); bad != nil {
		return 0, nil, bad
	}
	if bad := in.check(); bad != nil {
		return 0, nil, bad
	}
	conflict := func(what string) *refusal {
		return &refusal{http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue", "FederatedIdentityCredential with " + what + " already exists."}
	}
	for _, f := range a.federations {
		if f.Name == in.Name {
			return 0, nil, conflict("name " + in.Name)
		}
		if f.Issuer == in.Issuer && f.Subject == in.Subject {
			return 0, nil, conflict("the same issuer and subject")
		}
	}
	if len(a.federations) >= MaxFederations {
		return 0, nil, badRequest(fmt.Sprintf("The number of federated identity credentials has reached the limit of %d.", MaxFederations))
	}
	in.ID = newID()
	a.federations = append(a.federations, in)
	return http.StatusCreated, in, nil
}

// patchFederation changes all but the name, which is immutable.
func (s *Simulator) patchFederation(a *application, r *http.Request) (int, any, *refusal) {
	i := slices.IndexFunc(a.federations, func(f federation) bool { return f.ID == r.PathValue("id") })
	if i < 0 {
		return 0, nil, &refusal{http.StatusNotFound, "Request_ResourceNotFound", "Resource '" + r.PathValue("id") + "' does not exist."}
	}
	changed := a.federations[i]
	changed.Audiences = slices.Clone(changed.Audiences)
	if bad := decode(r, &changed); bad != nil {
		return 0, nil, bad
	}
	if changed.Name != a.federations[i].Name || changed.ID != a.federations[i].ID {
		return 0, nil, badRequest("Property name is read-only.")
	}
	if bad := changed.check(); bad != nil {
		return 0, nil, bad
	}
	a.federations[i] = changed
	return http.StatusNoContent, nil, nil
}

func (f federation) check() *refusal {
	switch {
	case f.Name == "" || len(f.Name) > 120 || strings.ContainsAny(f.Name, " /?#"):
		return badRequest("Property name must have 1 to 120 characters that a URL takes.")
	case !strings.HasPrefix(f.Issuer, "https://") || len(f.Issuer) > 600:
		return badRequest("Property issuer must be an https URL.")
	case f.Subject == "" || len(f.Subject) > 600:
		return badRequest("Property subject is required.")
	case len(f.Audiences) != 1:
		return badRequest("Property audiences must have exactly one value.")
	}
	return nil
}

// decode refuses properties that Graph doesn't know.
func decode(r *http.Request, into any) *refusal {
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return badRequest("Unable to read JSON request payload: " + err.Error())
	}
	return nil
}

func badRequest(text string) *refusal {
	return &refusal{http.StatusBadRequest, "Request_BadRequest", text}
}
