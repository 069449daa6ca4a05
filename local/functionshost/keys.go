package functionshost

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// keyHeader and keyQuery are the two places of a key. The header wins when both are there.
const (
	keyHeader = "X-Functions-Key"
	keyQuery  = "code"
)

// Levels a key gives, as the host writes them in Identities.
const (
	levelAnonymous = "Anonymous"
	levelFunction  = "Function"
	levelAdmin     = "Admin"
)

// keyInfo is what a request's key is worth.
type keyInfo struct{ level, name string }

// keyOf looks a request's key up: the master key, then the function's own (f may be nil), then the host's function keys.
func (h *jobHost) keyOf(f *function, r *http.Request, head *requestHead) keyInfo {
	given := givenKey(r.URL, head)
	switch {
	case given == "":
		return keyInfo{levelAnonymous, ""}
	case sameKey(given, h.options.MasterKey):
		return keyInfo{levelAdmin, "master"}
	}
	if f != nil {
		for name, key := range h.options.Keys {
			if strings.EqualFold(name, f.name) && sameKey(given, key) {
				return keyInfo{levelFunction, "default"}
			}
		}
		for name, key := range h.options.HostKeys {
			if sameKey(given, key) {
				return keyInfo{levelFunction, name}
			}
		}
	}
	return keyInfo{levelAnonymous, ""}
}

// opens tells whether a key is enough for the function's authLevel: anonymous needs none, admin the master key, function
// (the default) any.
func (k keyInfo) opens(f *function) bool {
	switch strings.ToLower(f.trigger.AuthLevel) {
	case "anonymous":
		return true
	case "admin", "system":
		return k.level == levelAdmin
	}
	return k.level != levelAnonymous
}

// identity is the caller as the handler sees it in Identities: the recorded anonymous one, or one with the claims of the
// key (the host's source; not recorded).
func (k keyInfo) identity() dictionary {
	claims, kind := array{}, any(nil)
	if k.level != levelAnonymous {
		kind = "WebJobsAuthLevel"
		claims = append(claims, claim("authlevel", k.level), claim("keyid", k.name))
	}
	return dictionary{{"AuthenticationType", kind}, {"IsAuthenticated", kind != nil}, {"Actor", nil}, {"BootstrapContext", nil},
		{"Claims", claims}, {"Label", nil}, {"Name", nil},
		{"NameClaimType", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"},
		{"RoleClaimType", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}}
}

func claim(name, value string) dictionary {
	return dictionary{{"Issuer", "LOCAL AUTHORITY"}, {"OriginalIssuer", "LOCAL AUTHORITY"}, {"Properties", dictionary{}},
		{"Type", "http://schemas.microsoft.com/2017/07/functions/claims/" + name}, {"Value", value},
		{"ValueType", "http://www.w3.org/2001/XMLSchema#string"}}
}

func givenKey(u *url.URL, head *requestHead) string {
	if values := head.values(keyHeader); len(values) > 0 {
		return values[0]
	}
	for name, values := range u.Query() {
		if strings.EqualFold(name, keyQuery) {
			return values[0]
		}
	}
	return ""
}

func sameKey(given, key string) bool {
	return key != "" && subtle.ConstantTimeCompare([]byte(given), []byte(key)) == 1
}
