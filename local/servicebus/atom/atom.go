// Package atom is the admin API of Service Bus: entities are made, changed, looked at and removed over HTTP, as entries
// and feeds of Atom (Service Bus documentation, "Service Bus Resource Provider REST API", and what azservicebus/admin 1.11
// and its live tests ask for).
//
//	GET                    /$namespaceinfo
//	GET                    /$Resources/Queues   /$Resources/Topics            $skip, $top
//	GET                    /<topic>/Subscriptions/   /…/<subscription>/Rules/  $skip, $top
//	GET PUT DELETE         /<queue>   /<topic>   /<topic>/Subscriptions/<name>   /…/Rules/<name>
//
// A PUT with If-Match changes what is there, one without creates: 201, or 409 where it's there already. A GET of what
// isn't there is answered with 200 and an empty feed of the title "Publicly Listed Services".
package atom

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/broker"
)

// Options say what a handler is for.
type Options struct {
	// Broker holds the entities, Authority judges the tokens.
	Broker    *broker.Broker
	Authority *access.Authority
	// Namespace is the name that the namespace tells.
	Namespace string
	// Premium makes it a namespace of tier Premium: no partitioned entities, but large messages.
	Premium bool
	// Now is the broker's clock, the system's when nil.
	Now func() time.Time
}

// Handler answers the requests of the admin API.
type Handler struct {
	o       Options
	started time.Time
}

// New returns a handler.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Handler{o: o, started: o.Now()}
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.serve(w, r); err != nil {
		refusalOf(err).write(w)
	}
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	t := targetOf(r.URL.Path)
	grant, err := h.authenticate(r)
	if err != nil {
		return err
	}
	q := query{h: h, w: w, r: r, target: t, grant: grant}
	if err := q.authorize(); err != nil {
		return err
	}
	switch t.kind {
	case kindNamespace:
		return q.namespace()
	case kindQueues, kindTopics, kindSubscriptions, kindRules:
		return q.list()
	case kindSubscription:
		return q.dispatch(q.getEntity, q.putSubscription, func() error { return h.o.Broker.Delete(t.path) })
	case kindRule:
		return q.dispatch(q.getRule, q.putRule, func() error { return h.o.Broker.RemoveRule(t.subscription(), t.rule) })
	}
	return q.dispatch(q.getEntity, q.putEntity, func() error { return h.o.Broker.Delete(t.path) })
}

// authenticate judges the token of a request.
func (h *Handler) authenticate(r *http.Request) (access.Grant, error) {
	token := r.Header.Get("Authorization")
	if token == "" {
		return access.Grant{}, refuse(http.StatusUnauthorized, "MissingToken: The authorization header was not found.")
	}
	return h.o.Authority.Check(token)
}

// The kinds of paths.
type pathKind int

const (
	kindEntity pathKind = iota // a queue or a topic
	kindNamespace
	kindQueues
	kindTopics
	kindSubscriptions
	kindSubscription
	kindRules
	kindRule
)

// target is what a path names.
type target struct {
	kind pathKind
	path string // as it was written, without slashes around it
	// topic, name and rule are the parts of the path of a subscription or rule.
	topic, name, rule string
}

// subscription is the address of a rule's subscription.
func (t target) subscription() string { return t.topic + "/Subscriptions/" + t.name }

func targetOf(path string) target {
	path = strings.Trim(path, "/")
	t := target{path: path}
	switch strings.ToLower(path) {
	case "$namespaceinfo":
		t.kind = kindNamespace
		return t
	case "$resources/queues":
		t.kind = kindQueues
		return t
	case "$resources/topics":
		t.kind = kindTopics
		return t
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if i == 0 || !strings.EqualFold(part, "subscriptions") {
			continue
		}
		t.topic = strings.Join(parts[:i], "/")
		rest := parts[i+1:]
		switch {
		case len(rest) == 0:
			t.kind = kindSubscriptions
		case len(rest) == 1:
			t.kind, t.name = kindSubscription, rest[0]
		case len(rest) == 2 && strings.EqualFold(rest[1], "rules"):
			t.kind, t.name = kindRules, rest[0]
		case len(rest) == 3 && strings.EqualFold(rest[1], "rules"):
			t.kind, t.name, t.rule = kindRule, rest[0], rest[2]
		}
		return t
	}
	return t
}

// query is a request that is being answered.
type query struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	target target
	grant  access.Grant
}

// authorize refuses who may not manage, in the words of the service.
func (q query) authorize() error {
	h := q.h
	if h.o.Authority.Allows(q.grant, access.Manage) && q.grant.Covers(strings.ToLower(q.target.path)) {
		return nil
	}
	if operation := q.operation(); operation != "" {
		return refuse(http.StatusUnauthorized,
			"401 SubCode=40100: Unauthorized : Unauthorized access for '%s' operation on endpoint 'sb://%s/%s'.",
			operation, q.r.Host, q.target.path)
	}
	switch q.r.Method {
	case http.MethodPut:
		return refuse(http.StatusUnauthorized, "Authorization failed for specified action: Manage,EntityWrite.")
	case http.MethodDelete:
		return refuse(http.StatusUnauthorized, "Authorization failed for specified action: Manage,EntityDelete.")
	}
	if _, err := h.o.Broker.Describe(q.target.path); q.target.kind == kindEntity && errors.Is(err, broker.ErrNotFound) {
		return nil // what isn't there, anybody may know
	}
	return refuse(http.StatusUnauthorized, "Manage,EntityRead claims required for this operation.")
}

// operation is the service's name of an operation on subscriptions and rules; empty for others.
func (q query) operation() string {
	noun := ""
	switch q.target.kind {
	case kindSubscriptions:
		return "EnumerateSubscriptions"
	case kindRules:
		return "EnumerateRules"
	case kindSubscription:
		noun = "Subscription"
	case kindRule:
		noun = "Rule"
	default:
		return ""
	}
	switch q.r.Method {
	case http.MethodPut:
		return "CreateOrUpdate" + noun
	case http.MethodDelete:
		return "Delete" + noun
	}
	return "Get" + noun
}

func (q query) dispatch(get, put, remove func() error) error {
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		return get()
	case http.MethodPut:
		return put()
	case http.MethodDelete:
		if err := remove(); err != nil {
			return err
		}
		q.w.WriteHeader(http.StatusOK)
		return nil
	}
	return refuse(http.StatusMethodNotAllowed, "SubCode=40500. %s is not supported", q.r.Method)
}

// updating reports whether a PUT is to change what is there.
func (q query) updating() bool { return q.r.Header.Get("If-Match") != "" }

// pageOf cuts a page out of what was asked for, one more than the page has, and links to the next.
func (q query) pageOf(entries []entry, skip, top int) ([]entry, []link) {
	if len(entries) <= top {
		return entries, nil
	}
	href := fmt.Sprintf("%s&$skip=%d&$top=%d", address(q.r, q.target.path), skip+top, top)
	return entries[:top], []link{{"next", href}}
}

// paging reads $skip and $top. Without $top a page has 100 entries, and it never has more.
func (q query) paging() (skip, top int, err error) {
	const maxTop = 100
	number := func(name string, otherwise int) int {
		text := q.r.URL.Query().Get(name)
		if text == "" {
			return otherwise
		}
		n, bad := strconv.Atoi(text)
		if bad != nil || n < 0 {
			err = refuse(http.StatusBadRequest, "SubCode=40000. Bad Request. %s is no number", name)
		}
		return n
	}
	skip, top = number("$skip", 0), number("$top", maxTop)
	return skip, min(top, maxTop), err
}
