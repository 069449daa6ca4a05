package functionshost

import (
	"crypto/subtle"
	"net/http"
	"strings"
)

// keyHeader and keyQuery are the two places of a key. The header wins when both are there.
const (
	keyHeader = "X-Functions-Key"
	keyQuery  = "code"
)

// authorized checks the key that the function's authLevel asks for: anonymous none, function (the default) the
// function's own or the master key, admin the master key.
func (h *Host) authorized(f *function, r *http.Request) bool {
	level := strings.ToLower(f.trigger.AuthLevel)
	if level == "anonymous" {
		return true
	}
	given := givenKey(r)
	if given == "" {
		return false
	}
	if sameKey(given, h.options.MasterKey) {
		return true
	}
	if level == "admin" {
		return false
	}
	for name, key := range h.options.Keys {
		if strings.EqualFold(name, f.name) && sameKey(given, key) {
			return true
		}
	}
	return false
}

func givenKey(r *http.Request) string {
	if values, ok := r.Header[keyHeader]; ok {
		return strings.Join(values, ",")
	}
	for name, values := range r.URL.Query() {
		if strings.EqualFold(name, keyQuery) {
			return strings.Join(values, ",")
		}
	}
	return ""
}

func sameKey(given, key string) bool {
	return key != "" && subtle.ConstantTimeCompare([]byte(given), []byte(key)) == 1
}
