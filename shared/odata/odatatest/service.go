// Package odatatest answers a client's calls over TLS as a test wants it.
package odatatest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"crosswalk/shared/odata"
)

// Token is the bearer token that Credential gives; no error may hold it.
const Token = "eyJ-token-that-must-not-leak"

// Reply is an answer. A body that begins with { or [ is sent as JSON, any other as HTML.
type Reply struct {
	Status int
	Header map[string]string
	Body   string
}

// Request is what arrived.
type Request struct {
	Method, URI, Body string
	Header            http.Header
}

// Service is a running server.
type Service struct {
	URL string

	server   *httptest.Server
	mu       sync.Mutex
	replies  []Reply
	requests []Request
}

// New starts a server that gives the replies in turn and repeats the last one. It ends with the test.
func New(t testing.TB, replies ...Reply) *Service {
	s := &Service{replies: replies}
	s.server = httptest.NewTLSServer(http.HandlerFunc(s.answer))
	s.URL = s.server.URL
	t.Cleanup(s.server.Close)
	return s
}

func (s *Service) answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.requests = append(s.requests, Request{Method: r.Method, URI: r.RequestURI, Header: r.Header.Clone(), Body: string(body)})
	reply := s.replies[0]
	if len(s.replies) > 1 {
		s.replies = s.replies[1:]
	}
	s.mu.Unlock()
	kind := "text/html; charset=utf-8"
	if reply.Body != "" && (reply.Body[0] == '{' || reply.Body[0] == '[') {
		kind = "application/json; odata.metadata=minimal"
	}
	w.Header().Set("Content-Type", kind)
	for name, value := range reply.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(reply.Status)
	_, _ = io.WriteString(w, reply.Body)
}

// Requests returns what has arrived so far.
func (s *Service) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Options returns options of a client that trusts the server and waits next to nothing between tries.
func (s *Service) Options() *odata.Options {
	client := s.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &odata.Options{Transport: client, RetryDelay: time.Microsecond}
}

// Credential gives Token.
type Credential struct{}

// GetToken returns Token, valid for an hour.
func (Credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: Token, ExpiresOn: time.Now().Add(time.Hour)}, nil
}
