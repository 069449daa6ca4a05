package certificate

import (
	"cmp"
	"context"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Show says what the vault and the application have, and reports how many things need somebody: a newest version that is
// near its end or that Entra doesn't know, an application without a certificate of ours that is valid.
func (m *Manager) Show(ctx context.Context) (problems int, err error) {
	newest, _, err := m.newest(ctx)
	if err != nil {
		return 0, err
	}
	var keys []keyCredential
	if m.o.Application != "" {
		if keys, err = m.keys(ctx); err != nil {
			return 0, err
		}
	}
	problem := func(format string, args ...any) {
		problems++
		m.o.Say("PROBLEM: "+format, args...)
	}
	if newest == nil {
		problem("the vault has no certificate %s: crosswalk certificate ensure makes it", m.o.Name)
	} else if err := m.showVersions(ctx, newest, keys, problem); err != nil {
		return problems, err
	}
	slices.SortFunc(keys, func(a, b keyCredential) int { return cmp.Compare(b.End, a.End) })
	for _, k := range keys {
		whose := "somebody else's"
		if m.isOurs(k) {
			whose = "ours"
		}
		until := k.End
		if end, ok := k.end(); ok {
			until = day(end)
			if m.o.Now().After(end) {
				until += ", has ended"
			}
		}
		m.o.Say("application %s: %q (%s) until %s", m.o.Application, k.DisplayName, whose, until)
	}
	return problems, nil
}

// showVersions says what versions the vault has.
func (m *Manager) showVersions(ctx context.Context, newest *version, keys []keyCredential, problem func(string, ...any)) error {
	registered := func(name string, thumbprint []byte) bool {
		return slices.ContainsFunc(keys, func(k keyCredential) bool {
			return k.DisplayName == m.displayName(name) || k.has(thumbprint)
		})
	}
	pager := m.vault.NewListCertificatePropertiesVersionsPager(m.o.Name, nil)
	type line struct {
		made time.Time
		text string
	}
	var lines []line
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return m.explain(err)
		}
		for _, p := range page.Value {
			if p.ID == nil || p.Attributes == nil || p.Attributes.Expires == nil || p.Attributes.Created == nil {
				continue
			}
			text := p.ID.Version() + " until " + day(*p.Attributes.Expires)
			switch known := registered(p.ID.Version(), p.X509Thumbprint); {
			case m.o.Application == "":
			case known:
				text += ", registered in Entra"
			default:
				text += ", unknown to Entra"
				if p.ID.Version() == newest.name {
					problem("Entra doesn't know the newest version: crosswalk certificate ensure registers it")
				}
			}
			lines = append(lines, line{*p.Attributes.Created, text})
		}
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Or(b.made.Compare(a.made), strings.Compare(a.text, b.text)) })
	for _, l := range lines {
		m.o.Say("certificate %s: version %s", m.o.Name, l.text)
	}
	if m.o.Now().Add(m.o.RenewBefore).After(newest.end) {
		problem("the newest version ends on %s, and nothing has renewed it: crosswalk certificate ensure does", day(newest.end))
	}
	return nil
}

// has says whether k's identifier is that thumbprint. Graph writes it in base64, the portal in hexadecimal.
func (k keyCredential) has(thumbprint []byte) bool {
	return strings.EqualFold(k.Identifier, hex.EncodeToString(thumbprint)) || k.Identifier != "" && sameBase64(k.Identifier, thumbprint)
}
