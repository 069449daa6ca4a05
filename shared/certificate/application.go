package certificate

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"
)

// keyCredential is a certificate of an application, as Graph has it ("keyCredential resource type"). What Graph gave is sent
// back as it came: a PATCH replaces the whole list, an entry with a known keyId and no key keeps its certificate, and one
// that differs from what Graph has is refused.
type keyCredential struct {
	KeyID       string `json:"keyId,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	Type        string `json:"type"`
	Usage       string `json:"usage"`
	Identifier  string `json:"customKeyIdentifier,omitempty"`
	Start       string `json:"startDateTime,omitempty"`
	End         string `json:"endDateTime,omitempty"`
	Key         string `json:"key,omitempty"`
}

// displayName marks the entries that are ours, and says which version each is.
func (m *Manager) displayName(version string) string { return "crosswalk " + m.o.Name + " " + version }

func (m *Manager) isOurs(k keyCredential) bool {
	return strings.HasPrefix(k.DisplayName, m.displayName(""))
}

// is says whether k is that version: by our mark, or by the thumbprint of one that a person has uploaded.
func (k keyCredential) is(v *version, displayName string) bool {
	if k.DisplayName == displayName {
		return true
	}
	sum := sha1.Sum(v.der)
	return k.has(sum[:])
}

func sameBase64(text string, data []byte) bool {
	return strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "=") == base64.RawStdEncoding.EncodeToString(data)
}

// end returns when k ends; false where Graph doesn't say.
func (k keyCredential) end() (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, k.End)
	return t, err == nil
}

// keys returns the certificates that the application has.
func (m *Manager) keys(ctx context.Context) ([]keyCredential, error) {
	var answer struct {
		Keys []keyCredential `json:"keyCredentials"`
	}
	if err := m.graph.do(ctx, http.MethodGet, application(m.o.Application)+"?$select=id,appId,keyCredentials", nil, &answer); err != nil {
		return nil, m.explainGraph(err, "read the application")
	}
	for i := range answer.Keys {
		answer.Keys[i].Key = "" // a GET of one application may show keys, and sending one back counts as a change
	}
	return answer.Keys, nil
}

// ensureRegistered adds v to the application's certificates and removes ours that have expired. Those of others, and ours
// that are still valid, stay: while the handler hasn't looked for the new one it signs with the old.
func (m *Manager) ensureRegistered(ctx context.Context, v *version) error {
	had, err := m.keys(ctx)
	if err != nil {
		return err
	}
	keys := slices.Clone(had)
	changes := m.changed
	keys = slices.DeleteFunc(keys, func(k keyCredential) bool {
		end, ok := k.end()
		if !m.isOurs(k) || !ok || m.o.Now().Before(end) {
			return false
		}
		m.change("remove %q from application %s: it ended on %s", k.DisplayName, m.o.Application, day(end))
		return true
	})
	name := m.displayName(v.name)
	if slices.ContainsFunc(had, func(k keyCredential) bool { return k.is(v, name) }) {
		m.o.Say("application %s has version %s", m.o.Application, v.name)
	} else {
		m.change("register version %s with application %s, next to %d that stay", v.name, m.o.Application, len(keys))
		keys = append(keys, keyCredential{DisplayName: name, Type: "AsymmetricX509Cert", Usage: "Verify", Key: base64.StdEncoding.EncodeToString(v.der),
			Start: v.start.UTC().Format(time.RFC3339), End: v.end.UTC().Format(time.RFC3339)})
	}
	if m.changed == changes || m.o.DryRun {
		return nil
	}
	if err := m.graph.do(ctx, http.MethodPatch, application(m.o.Application), map[string]any{"keyCredentials": keys}, nil); err != nil {
		return m.explainGraph(err, "register the certificate")
	}
	return nil
}
