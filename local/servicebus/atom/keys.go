package atom

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"strings"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/broker"
)

var rightNames = map[string]access.Rights{"Send": access.Send, "Listen": access.Listen, "Manage": access.Manage}

// EntityKeys returns the shared access keys of a queue's or topic's own authorization rules; none where there is no such
// entity.
func EntityKeys(b *broker.Broker, path string) []access.Key {
	told, err := b.Describe(path)
	if err != nil {
		return nil
	}
	var metadata map[string]string
	switch {
	case told.Queue != nil:
		metadata = told.Queue.Metadata
	case told.Topic != nil:
		metadata = told.Topic.Metadata
	}
	var rules authorizationRules
	if text := metadata[keyAuthorization]; text == "" || xml.Unmarshal([]byte(text), &rules) != nil { // it's what metadata wrote
		return nil
	}
	var keys []access.Key
	for _, r := range rules.Rules {
		k := access.Key{Name: r.KeyName, Key: r.PrimaryKey, Secondary: r.SecondaryKey}
		for _, right := range r.Rights {
			k.Rights |= rightNames[right]
		}
		if k.Name != "" && k.Rights != 0 {
			keys = append(keys, k)
		}
	}
	return keys
}

// complete checks the rules of an entity and makes the keys that aren't given, as the service does.
func (a *authorizationRules) complete() error {
	seen := map[string]bool{}
	for i := range a.Rules {
		r := &a.Rules[i]
		for _, right := range r.Rights {
			if rightNames[right] == 0 {
				return refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. AuthorizationRules: %q is no right: Send, Listen and Manage are", right)
			}
		}
		name := strings.ToLower(r.KeyName)
		if name == "" || seen[name] {
			return refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. AuthorizationRules: each rule needs a KeyName of its own, not %q", r.KeyName)
		}
		seen[name] = true
		for _, key := range []*string{&r.PrimaryKey, &r.SecondaryKey} {
			if *key == "" {
				var random [32]byte
				_, _ = rand.Read(random[:]) // documented never to fail
				*key = base64.StdEncoding.EncodeToString(random[:])
			}
		}
	}
	return nil
}
