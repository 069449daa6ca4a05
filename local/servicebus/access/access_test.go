package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

var at = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func authority(t *testing.T) *Authority {
	t.Helper()
	a, err := New([]Key{
		{Name: "root", Key: "k1", Rights: Manage, Secondary: "k9"}, {Name: "send", Key: "k2", Rights: Send}, {Name: "listen", Key: "k3", Rights: Listen},
		{Name: "one", Key: "k4", Rights: Send, Scope: "orders"},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.now = func() time.Time { return at }
	return a
}

// sign makes a token as the Go SDK does: the resource is escaped and in lower case.
func sign(name, key, resource string, end time.Time) string {
	sr := strings.ToLower(url.QueryEscape(resource))
	mac := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(mac, "%s\n%d", sr, end.Unix())
	sum := url.QueryEscape(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return fmt.Sprintf("SharedAccessSignature sr=%s&sig=%s&se=%d&skn=%s", sr, sum, end.Unix(), name)
}

func TestCheck(t *testing.T) {
	later := at.Add(time.Hour)
	good := sign("send", "k2", "amqps://localhost:5671/Orders", later)
	for _, c := range []struct {
		name, token string
		want        Grant
		err         error
	}{
		{"entity", good, Grant{"send", Send, "orders", later}, nil},
		{"namespace", sign("root", "k1", "localhost:5671", later), Grant{"root", Manage, "", later}, nil},
		{"secondary value", sign("root", "k9", "amqp://h/q", later), Grant{"root", Manage, "q", later}, nil},
		{"node of requests", sign("root", "k1", "amqp://h/q/$management", later), Grant{"root", Manage, "q", later}, nil},
		{"URL of the admin API", sign("root", "k1", "https://h/q?api-version=2024-05", later), Grant{"root", Manage, "q", later}, nil},
		{"URL with an escape", sign("root", "k1", "https://h/t/Subscriptions/s/Rules/a%20b", later), Grant{"root", Manage, "t/subscriptions/s/rules/a b", later}, nil},
		{"identity", "Bearer a.b.c", Grant{Rights: Manage}, nil},
		{"other key", sign("send", "k3", "amqp://h/q", later), Grant{}, ErrSignature},
		{"unknown name", sign("nobody", "k1", "amqp://h/q", later), Grant{}, ErrSignature},
		{"other resource", strings.Replace(good, "orders", "invoices", 1), Grant{}, ErrSignature},
		{"longer life", strings.Replace(good, fmt.Sprint(later.Unix()), fmt.Sprint(later.Unix()+1), 1), Grant{}, ErrSignature},
		{"expired", sign("send", "k2", "amqp://h/q", at), Grant{}, ErrExpired},
		{"empty", "", Grant{}, ErrMalformed},
		{"nothing in it", "SharedAccessSignature ", Grant{}, ErrMalformed},
		{"end no number", strings.Replace(good, "se=", "se=x", 1), Grant{}, ErrMalformed},
		{"too long", "Bearer " + strings.Repeat("a", maxToken), Grant{}, ErrMalformed},
	} {
		got, err := authority(t).Check(c.token)
		if !errors.Is(err, c.err) || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v, %v", c.name, got, err, c.want, c.err)
		}
	}
}

func TestExpiredSaysWhen(t *testing.T) {
	_, err := authority(t).Check(sign("send", "k2", "amqp://h/q", at.Add(-time.Minute)))
	if want := "ExpiredToken: The token is expired. Expiration time: 7/1/2026 11:59:00 AM"; err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
}

func TestGrantCoversWhatLiesBelow(t *testing.T) {
	g := Grant{Scope: "topic"}
	for entity, want := range map[string]bool{
		"topic": true, "topic/subscriptions/s": true, "topics": false, "other": false, "": false,
	} {
		if g.Covers(entity) != want {
			t.Errorf("%q: %v", entity, !want)
		}
	}
}

func TestRightsEndAndAreRevoked(t *testing.T) {
	a := authority(t)
	root, send := Grant{Key: "root", Rights: Manage}, Grant{Key: "send", Rights: Send, Expires: at.Add(time.Hour)}
	check := func(when string, rootMay, sendMay bool) {
		t.Helper()
		if a.Allows(root, Send) != rootMay || a.Allows(send, Send) != sendMay {
			t.Errorf("%s: root %v, send %v", when, !rootMay, !sendMay)
		}
	}
	check("at first", true, true)
	if a.Allows(send, Listen) || a.Allows(send, Manage) || !a.Allows(root, Manage) {
		t.Error("a key allows what it isn't for")
	}
	a.Revoke("send", Send, true)
	check("revoked for one", true, false)
	a.Revoke("send", Send, false)
	a.Revoke("", Send, true)
	check("revoked for all", false, false)
	a.Revoke("", Send, false)
	at2 := at.Add(2 * time.Hour)
	a.now = func() time.Time { return at2 }
	check("after the token's end", true, false)
}

func TestPassword(t *testing.T) {
	a := authority(t)
	if g, err := a.Password("send", "k2"); err != nil || g != (Grant{Key: "send", Rights: Send}) {
		t.Errorf("%+v, %v", g, err)
	}
	for _, c := range [][2]string{{"send", "k1"}, {"nobody", "k1"}, {"nobody", ""}, {"", ""}} {
		if _, err := a.Password(c[0], c[1]); !errors.Is(err, ErrSignature) {
			t.Errorf("%q: %v", c, err)
		}
	}
}

func TestNewRefusesBadKeys(t *testing.T) {
	for _, keys := range [][]Key{
		{{Name: "a", Key: "k", Rights: Send}, {Name: "a", Key: "k", Rights: Send}}, {{Key: "k", Rights: Send}},
		{{Name: "a", Rights: Send}}, {{Name: "a", Key: "k"}},
	} {
		if _, err := New(keys); err == nil {
			t.Errorf("%v is taken", keys)
		}
	}
}

// TestAnEntitysKeyIsGoodThereAlone: an authorization rule of a queue is none of its neighbours'.
func TestAnEntitysKeyIsGoodThereAlone(t *testing.T) {
	a := authority(t)
	end := at.Add(time.Hour)
	for resource, good := range map[string]bool{
		"amqps://localhost/orders": true, "amqps://localhost/Orders/$DeadLetterQueue": true,
		"amqps://localhost/orders2": false, "amqps://localhost/invoices": false, "amqps://localhost/": false,
	} {
		g, err := a.Check(sign("one", "k4", resource, end))
		if (err == nil) != good {
			t.Errorf("%s: %+v, %v", resource, g, err)
		}
	}
	if g, err := a.Password("one", "k4"); err != nil || g.Scope != "orders" {
		t.Errorf("by password: %+v, %v", g, err)
	}
}
