// Package access judges the tokens of Service Bus: shared access signatures, made with one of the namespace's keys, and
// tokens of an identity, which are taken as they are. What a token allows is a [Grant].
//
//	SharedAccessSignature sr=<url-escaped resource>&sig=<url-escaped base64>&se=<unix seconds>&skn=<key name>
//	sig = HMAC-SHA256(key, sr "\n" se), sr as it is written in the token
//
// (Service Bus documentation, "Service Bus access control with Shared Access Signatures".)
package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rights are what a key allows. Manage includes the other two, as it does in the service.
type Rights uint8

// The rights of Service Bus.
const (
	Send Rights = 1 << iota
	Listen
	manage
	Manage = manage | Send | Listen
)

// String names the rights as refusals do: 'Send', 'Listen', 'Manage'.
func (r Rights) String() string {
	switch {
	case r&manage != 0:
		return "Manage"
	case r == Send:
		return "Send"
	case r == Listen:
		return "Listen"
	case r == Send|Listen:
		return "Send, Listen"
	}
	return "none"
}

// Key is a shared access key. Secondary is a second value that is as good, empty for none. Scope is the path of the one
// entity it is for, in lower case, empty for the whole namespace.
type Key struct {
	Name, Key string
	Rights    Rights
	Secondary string
	Scope     string
}

// has reports whether one of the key's values passes a test.
func (k Key) has(test func(value string) bool) bool {
	return k.Key != "" && test(k.Key) || k.Secondary != "" && test(k.Secondary)
}

// Grant is what a token allows its bearer.
type Grant struct {
	// Key is the name of the key that signed the token, empty for the token of an identity.
	Key    string
	Rights Rights
	// Scope is the path of the entity the token is for, in lower case, empty for the whole namespace. It covers what lies
	// below it.
	Scope string
	// Expires is the end of a signature, zero for the token of an identity, whose end nobody looks at.
	Expires time.Time
}

// Covers reports whether a grant is for an entity, by its path in lower case.
func (g Grant) Covers(entity string) bool {
	return g.Scope == "" || entity == g.Scope || strings.HasPrefix(entity, g.Scope+"/")
}

// What a token is refused for; the texts are those of the service as far as clients look at them.
var (
	ErrMalformed = errors.New("MalformedToken: The provided token is malformed")
	ErrSignature = errors.New("InvalidSignature: The token has an invalid signature")
	ErrExpired   = errors.New("ExpiredToken: The token is expired")
)

// maxToken bounds the length of a token in bytes.
const maxToken = 64 * 1024

// Authority knows the keys of a namespace.
type Authority struct {
	keys map[string]Key
	now  func() time.Time
	of   func(entity string) []Key // nil for no keys of entities

	mu      sync.RWMutex
	revoked map[string]Rights // by key name, "" for all
}

// New returns the authority of these keys. Signatures end by the system's clock, also where a broker runs on a clock of
// its own: it's the clock that clients sign by.
func New(keys []Key) (*Authority, error) {
	a := &Authority{keys: map[string]Key{}, now: time.Now, revoked: map[string]Rights{}}
	for _, k := range keys {
		if _, twice := a.keys[k.Name]; twice || k.Name == "" || k.Key == "" || k.Rights == 0 {
			return nil, fmt.Errorf("shared access key %q: a key has a name of its own, a value and a right", k.Name)
		}
		a.keys[k.Name] = k
	}
	return a, nil
}

// LookUp says where the keys of entities come from: of is called with the path of a queue or topic in lower case and returns
// its own keys. Such a key is good for the entity and what lies below it. LookUp is called before anything is checked.
func (a *Authority) LookUp(of func(entity string) []Key) { a.of = of }

// signer finds the key of a name that passes a test, among those of the namespace and of what a resource belongs to.
func (a *Authority) signer(name, resource string, test func(value string) bool) (Key, bool) {
	if k := a.keys[name]; k.has(test) {
		return k, true
	}
	for entity := resource; entity != "" && a.of != nil; {
		for _, k := range a.of(entity) {
			if k.Name == name && k.has(test) {
				return k, true
			}
		}
		entity = entity[:max(0, strings.LastIndexByte(entity, '/'))]
	}
	return Key{}, false
}

// Check judges a token, which may have "Bearer " in front. The error wraps ErrMalformed, ErrSignature or ErrExpired and
// holds nothing of the token.
func (a *Authority) Check(token string) (Grant, error) {
	if len(token) > maxToken || token == "" {
		return Grant{}, ErrMalformed
	}
	const signature = "SharedAccessSignature "
	if len(token) < len(signature) || !strings.EqualFold(token[:len(signature)], signature) {
		return Grant{Rights: Manage}, nil // of an identity, which this broker can't verify
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(token[len(signature):], "&") {
		name, value, _ := strings.Cut(field, "=")
		fields[name] = value
	}
	resource, err := url.QueryUnescape(fields["sr"])
	seconds, badEnd := strconv.ParseInt(fields["se"], 10, 64)
	sum, badSum := url.QueryUnescape(fields["sig"])
	name, badName := url.QueryUnescape(fields["skn"])
	if err != nil || badEnd != nil || badSum != nil || badName != nil || resource == "" {
		return Grant{}, ErrMalformed
	}
	key, signed := a.signer(name, path(resource), func(value string) bool {
		mac := hmac.New(sha256.New, []byte(value))
		mac.Write([]byte(fields["sr"] + "\n" + fields["se"]))
		return subtle.ConstantTimeCompare([]byte(sum), []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil)))) == 1
	})
	if !signed {
		return Grant{}, ErrSignature
	}
	end := time.Unix(seconds, 0).UTC()
	if !end.After(a.now()) {
		return Grant{}, fmt.Errorf("%w. Expiration time: %s", ErrExpired, end.Format("1/2/2006 3:04:05 PM"))
	}
	scope := path(resource)
	if !(Grant{Scope: key.Scope}).Covers(scope) {
		return Grant{}, ErrSignature // no rule of that entity has the key
	}
	return Grant{Key: name, Rights: key.Rights, Scope: scope, Expires: end}, nil
}

// path takes scheme, host and query off a resource, and the node of requests about an entity. Admin clients sign the address
// as it goes over the wire, with its escapes.
func path(resource string) string {
	if _, rest, ok := strings.Cut(resource, "://"); ok {
		resource = rest
	}
	resource, _, _ = strings.Cut(resource, "?")
	_, entity, _ := strings.Cut(resource, "/")
	if plain, err := url.PathUnescape(entity); err == nil {
		entity = plain
	}
	return strings.TrimSuffix(strings.ToLower(strings.Trim(entity, "/")), "/$management")
}

// Password judges a key's name and value, as SASL PLAIN sends them. The error is ErrSignature.
func (a *Authority) Password(name, key string) (Grant, error) {
	k := a.keys[name]
	if !k.has(func(value string) bool { return subtle.ConstantTimeCompare([]byte(value), []byte(key)) == 1 }) {
		return Grant{}, ErrSignature
	}
	return Grant{Key: name, Rights: k.Rights, Scope: k.Scope}, nil
}

// Allows reports whether a grant still gives a right.
func (a *Authority) Allows(g Grant, right Rights) bool {
	if g.Rights&right != right || !g.Expires.IsZero() && !g.Expires.After(a.now()) {
		return false
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	return (a.revoked[""]|a.revoked[g.Key])&right == 0
}

// Revoke takes a right away from a key, or from everyone where key is empty, or gives it back.
func (a *Authority) Revoke(key string, right Rights, on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if on {
		a.revoked[key] |= right
	} else {
		a.revoked[key] &^= right
	}
}
