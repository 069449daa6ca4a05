package odata_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"crosswalk/shared/fault"
	"crosswalk/shared/odata"
	"crosswalk/shared/odata/odatatest"
)

var (
	read   = odata.Call{Purpose: odata.Read, Method: http.MethodGet, Set: "accounts", Key: "(name='x')"}
	patch  = odata.Call{Purpose: odata.Update, Method: http.MethodPatch, Set: "accounts", Key: "(name='x')", Body: []byte(`{"a":"1"}`)}
	post   = odata.Call{Purpose: odata.Create, Method: http.MethodPost, Set: "accounts", Body: []byte(`{"a":"1"}`)}
	remove = odata.Call{Purpose: odata.Delete, Method: http.MethodDelete, Set: "accounts", Key: "(name='x')"}
)

func general(r *odata.Refusal) error { return r.General() }

func client(t *testing.T, url string, credential azcore.TokenCredential, o *odata.Options) *odata.Client {
	t.Helper()
	c, err := odata.NewClient(odata.Service{System: "Test", Setting: "TEST_URL", BaseURL: url, Root: "/data/", Judge: general}, credential, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// want checks kind and reason of err.
func want(t *testing.T, err error, kind fault.Kind, reason string) *fault.Error {
	t.Helper()
	e := fault.Of(err)
	if e == nil || e.Kind != kind || e.Reason != reason {
		t.Fatalf("got %v: %v, want %v: %s", fault.KindOf(err), err, kind, reason)
	}
	return e
}

// transport does what a test says and counts the tries.
type transport struct {
	tries atomic.Int32
	do    func(*http.Request) (*http.Response, error)
}

func (t *transport) Do(r *http.Request) (*http.Response, error) {
	t.tries.Add(1)
	return t.do(r)
}

func TestHeaders(t *testing.T) {
	s := odatatest.New(t, odatatest.Reply{Status: 200, Body: "{}", Header: map[string]string{"Set-Cookie": "affinity=1; Path=/"}})
	c := client(t, s.URL, odatatest.Credential{}, s.Options())
	for range 2 {
		if _, err := c.Do(t.Context(), patch); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range s.Requests() {
		for name, want := range map[string]string{
			"Authorization": "Bearer " + odatatest.Token, "Accept": "application/json", "Odata-Version": "4.0", "Odata-Maxversion": "4.0",
			"Content-Type": "application/json", "User-Agent": "crosswalk", "Cookie": "", "If-Match": "",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if r.Body != `{"a":"1"}` || r.URI != "/data/accounts(name='x')" {
			t.Errorf("sent %s %s", r.URI, r.Body)
		}
	}
}

// TestDefaultTransport holds what the transport of production adds: no cookies, no redirects.
func TestDefaultTransport(t *testing.T) {
	o := odata.DefaultOptions(nil)
	c, ok := o.Transport.(*http.Client)
	if !ok || c.Jar != nil {
		t.Fatalf("the transport is %T and keeps cookies", o.Transport)
	}
	if err := c.CheckRedirect(nil, nil); !errors.Is(err, http.ErrUseLastResponse) {
		t.Errorf("redirects are followed")
	}
	if o.Timeout != 30*time.Second {
		t.Errorf("timeout %v", o.Timeout)
	}
}

func TestHiccups(t *testing.T) {
	ok := odatatest.Reply{Status: 200, Body: "{}"}
	for _, test := range []struct {
		name    string
		call    odata.Call
		replies []odatatest.Reply
		tries   int
		kind    fault.Kind
		reason  string
	}{
		{"read passes after 502 and 503", read, []odatatest.Reply{{Status: 502}, {Status: 503}, ok}, 3, fault.None, ""},
		{"patch passes after 504", patch, []odatatest.Reply{{Status: 504}, ok}, 2, fault.None, ""},
		{"read gives up", read, []odatatest.Reply{{Status: 503}}, 3, fault.Transient, odata.ReasonUnavailable},
		{"patch gives up", patch, []odatatest.Reply{{Status: 503}}, 3, fault.Transient, odata.ReasonUnavailable},
		{"a gateway gives up on a patch", patch, []odatatest.Reply{{Status: 504}}, 3, fault.Transient, odata.ReasonUnknown},
		{"a gateway gives up on a read", read, []odatatest.Reply{{Status: 504}}, 3, fault.Transient, odata.ReasonUnavailable},
		{"post is sent once", post, []odatatest.Reply{{Status: 503}, ok}, 1, fault.Transient, odata.ReasonUnavailable},
		{"a gateway gives up on a post", post, []odatatest.Reply{{Status: 502}, ok}, 1, fault.Transient, odata.ReasonUnknown},
		{"500 is not a hiccup", patch, []odatatest.Reply{{Status: 500}, ok}, 1, fault.Transient, odata.ReasonUnavailable},
		{"429 is never retried here", read, []odatatest.Reply{{Status: 429, Header: map[string]string{"Retry-After": "1"}}, ok}, 1, fault.Throttled, odata.ReasonThrottled},
		{"429 for long", patch, []odatatest.Reply{{Status: 429, Header: map[string]string{"Retry-After": "600"}}, ok}, 1, fault.Throttled, odata.ReasonThrottled},
		{"503 for long", read, []odatatest.Reply{{Status: 503, Header: map[string]string{"Retry-After": "600"}}, ok}, 1, fault.Transient, odata.ReasonUnavailable},
		{"redirect", read, []odatatest.Reply{{Status: 302, Header: map[string]string{"Location": "/login"}}, ok}, 1, fault.Misconfigured, odata.ReasonAddress},
		{"401", patch, []odatatest.Reply{{Status: 401}, ok}, 1, fault.Misconfigured, odata.ReasonUnauthorized},
		{"403", patch, []odatatest.Reply{{Status: 403}, ok}, 1, fault.Misconfigured, odata.ReasonForbidden},
		{"404", read, []odatatest.Reply{{Status: 404}, ok}, 1, fault.Misconfigured, odata.ReasonMissing},
		{"408", patch, []odatatest.Reply{{Status: 408}, ok}, 1, fault.Transient, odata.ReasonTimeout},
		{"413", patch, []odatatest.Reply{{Status: 413}, ok}, 1, fault.Permanent, odata.ReasonRefused},
		{"400", patch, []odatatest.Reply{{Status: 400}, ok}, 1, fault.Permanent, odata.ReasonRefused},
		{"501", patch, []odatatest.Reply{{Status: 501}, ok}, 1, fault.Transient, odata.ReasonUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := odatatest.New(t, test.replies...)
			_, err := client(t, s.URL, odatatest.Credential{}, s.Options()).Do(t.Context(), test.call)
			if test.kind != fault.None {
				want(t, err, test.kind, test.reason)
			} else if err != nil {
				t.Fatal(err)
			}
			requests := s.Requests()
			if len(requests) != test.tries {
				t.Errorf("%d requests, want %d", len(requests), test.tries)
			}
			for _, r := range requests {
				if r.Body != string(test.call.Body) {
					t.Errorf("a try was sent with body %q", r.Body)
				}
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"37": 37 * time.Second, "184": 184 * time.Second, "0": 0, "": 0, "-5": 0, "soon": 0,
		"Wed, 01 Jul 2026 12:01:30 GMT": 90 * time.Second, "Wed, 01 Jul 2026 11:00:00 GMT": 0,
		"4000000000": 24 * time.Hour, "99999999999999999999": 0,
	} {
		s := odatatest.New(t, odatatest.Reply{Status: 429, Header: map[string]string{"Retry-After": text}})
		o := s.Options()
		o.Now = func() time.Time { return now }
		_, err := client(t, s.URL, odatatest.Credential{}, o).Do(t.Context(), patch)
		if e := fault.Of(err); e.Kind != fault.Throttled || e.After != want {
			t.Errorf("Retry-After %q gives %v after %v, want %v", text, e.Kind, e.After, want)
		}
	}
}

func TestConnectionRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	for _, call := range []odata.Call{read, patch, post, remove} {
		counted := &transport{do: http.DefaultClient.Do}
		c := client(t, "https://"+address, odatatest.Credential{}, &odata.Options{Transport: counted, RetryDelay: time.Microsecond})
		_, err := c.Do(t.Context(), call)
		want(t, err, fault.Transient, odata.ReasonUnavailable)
		if n := counted.tries.Load(); n != 3 {
			t.Errorf("%s: %d tries, want 3", call.Method, n)
		}
	}
}

// TestCutConnection closes the connection after the request was read.
func TestCutConnection(t *testing.T) {
	for _, test := range []struct {
		call   odata.Call
		reason string
		tries  int32
	}{
		{read, odata.ReasonUnavailable, 3}, {patch, odata.ReasonUnknown, 1}, {post, odata.ReasonUnknown, 1}, {remove, odata.ReasonUnknown, 1},
	} {
		t.Run(test.call.Method, func(t *testing.T) {
			var tries atomic.Int32
			s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				tries.Add(1)
				panic(http.ErrAbortHandler)
			}))
			defer s.Close()
			_, err := client(t, s.URL, odatatest.Credential{}, &odata.Options{Transport: s.Client(), RetryDelay: time.Microsecond}).Do(t.Context(), test.call)
			want(t, err, fault.Transient, test.reason)
			if n := tries.Load(); n != test.tries {
				t.Errorf("%d tries, want %d", n, test.tries)
			}
		})
	}
}

// TestEarlierTryMayHaveWritten has a gateway give up on a write, and no connection after that.
func TestEarlierTryMayHaveWritten(t *testing.T) {
	for _, test := range []struct {
		call   odata.Call
		reason string
	}{{patch, odata.ReasonUnknown}, {remove, odata.ReasonUnknown}, {read, odata.ReasonUnavailable}} {
		s := odatatest.New(t, odatatest.Reply{Status: 504})
		o := s.Options()
		first := o.Transport
		fading := &transport{}
		fading.do = func(r *http.Request) (*http.Response, error) {
			if fading.tries.Load() == 1 {
				return first.Do(r)
			}
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		}
		o.Transport = fading
		_, err := client(t, s.URL, odatatest.Credential{}, o).Do(t.Context(), test.call)
		want(t, err, fault.Transient, test.reason)
		if n := fading.tries.Load(); n != 3 {
			t.Errorf("%s: %d tries", test.call.Method, n)
		}
	}
}

// TestCancelled ends the caller's context while the service works on the request.
func TestCancelled(t *testing.T) {
	for _, test := range []struct {
		call   odata.Call
		reason string
	}{
		{read, odata.ReasonTimeout}, {patch, odata.ReasonUnknown}, {post, odata.ReasonUnknown}, {remove, odata.ReasonUnknown},
	} {
		t.Run(test.call.Method, func(t *testing.T) {
			arrived, release := make(chan struct{}), make(chan struct{})
			s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				close(arrived)
				<-release
			}))
			defer s.Close()
			defer close(release)
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-arrived; cancel() }()
			_, err := client(t, s.URL, odatatest.Credential{}, &odata.Options{Transport: s.Client()}).Do(ctx, test.call)
			want(t, err, fault.Transient, test.reason)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the cause is lost: %#v", errors.Unwrap(err))
			}
		})
	}
}

// TestOwnDeadline waits out the client's own timeout on a virtual clock, with a transport that reports no progress.
func TestOwnDeadline(t *testing.T) {
	for _, test := range []struct {
		call   odata.Call
		reason string
	}{{read, odata.ReasonTimeout}, {patch, odata.ReasonUnknown}} {
		synctest.Test(t, func(t *testing.T) {
			silent := &transport{do: func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}}
			start := time.Now()
			_, err := client(t, "https://silent.example", odatatest.Credential{}, &odata.Options{Transport: silent}).Do(t.Context(), test.call)
			want(t, err, fault.Transient, test.reason)
			if d := time.Since(start); d != odata.DefaultTimeout || silent.tries.Load() != 1 {
				t.Errorf("%d tries in %v", silent.tries.Load(), d)
			}
		})
	}
}

// TestSlowBody breaks off while the answer's body is on its way.
func TestSlowBody(t *testing.T) {
	for _, status := range []int{200, 400} {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"error":`))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}))
		c := client(t, s.URL, odatatest.Credential{}, &odata.Options{Transport: s.Client(), RetryDelay: time.Microsecond})
		_, err := c.Do(t.Context(), read)
		want(t, err, fault.Transient, odata.ReasonUnavailable)
		if _, err = c.Do(t.Context(), patch); status == 400 {
			want(t, err, fault.Transient, odata.ReasonUnavailable) // which refusal it is stood in the body
		} else if err != nil {
			t.Errorf("a write that was answered 200: %v", err)
		}
		s.Close()
	}
}

func TestBeforeSending(t *testing.T) {
	s := odatatest.New(t, odatatest.Reply{Status: 200, Body: "{}"})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, call := range []odata.Call{read, patch, post} {
		_, err := client(t, s.URL, odatatest.Credential{}, s.Options()).Do(ended, call)
		want(t, err, fault.Transient, odata.ReasonTimeout)
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestUntrustedCertificate(t *testing.T) {
	s := odatatest.New(t, odatatest.Reply{Status: 200, Body: "{}"})
	counted := &transport{do: http.DefaultClient.Do}
	_, err := client(t, s.URL, odatatest.Credential{}, &odata.Options{Transport: counted, RetryDelay: time.Microsecond}).Do(t.Context(), patch)
	want(t, err, fault.Misconfigured, odata.ReasonUntrusted)
	if n := counted.tries.Load(); n != 1 {
		t.Errorf("%d tries", n)
	}
}

// credential fails as it is told.
type credential func(context.Context) error

func (c credential) GetToken(ctx context.Context, _ policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, c(ctx)
}

func entra(status int, body string, header http.Header) error {
	r := &http.Response{StatusCode: status, Header: header, Body: http.NoBody}
	return errors.Join(&azidentity.AuthenticationFailedError{RawResponse: r}, errors.New(body))
}

func TestNoToken(t *testing.T) {
	for _, test := range []struct {
		name   string
		err    error
		kind   fault.Kind
		reason string
		detail string
	}{
		{"wrong certificate", entra(401, "AADSTS700027: client assertion of secret-value", nil), fault.Misconfigured, odata.ReasonNoToken, "AADSTS700027"},
		{"no such tenant", entra(400, "AADSTS90002", nil), fault.Misconfigured, odata.ReasonNoToken, "ENTRA_TENANT_ID"},
		{"Entra is in trouble", entra(503, "secret-value", nil), fault.Transient, odata.ReasonNoToken, "nothing was sent"},
		{"Entra throttles", entra(429, "", http.Header{"Retry-After": {"7"}}), fault.Throttled, odata.ReasonNoToken, "fewer"},
		{"no connection", &net.OpError{Op: "dial", Err: errors.New("secret-value")}, fault.Transient, odata.ReasonNoToken, "nothing was sent"},
		{"no connection, azidentity's way", &azidentity.AuthenticationFailedError{}, fault.Transient, odata.ReasonNoToken, "nothing was sent"},
		{"judged by the credential", &fault.Error{Kind: fault.Misconfigured, Reason: "no-certificate", Detail: "Key Vault refuses"}, fault.Misconfigured, "no-certificate", "Key Vault refuses"},
		{"deadline", context.DeadlineExceeded, fault.Transient, odata.ReasonTimeout, "in time"},
		{"no identity on this machine", errors.New("secret-value"), fault.Misconfigured, odata.ReasonNoToken, "ENTRA_CLIENT_ID"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := odatatest.New(t, odatatest.Reply{Status: 200, Body: "{}"})
			failing := credential(func(context.Context) error { return test.err })
			_, err := client(t, s.URL, failing, s.Options()).Do(t.Context(), patch)
			e := want(t, err, test.kind, test.reason)
			if !strings.Contains(e.Detail, test.detail) || strings.Contains(e.Detail, "secret-value") {
				t.Errorf("detail %q", e.Detail)
			}
			if len(s.Requests()) != 0 {
				t.Error("the call was sent without a token")
			}
		})
	}
}

func TestSlowToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waiting := credential(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		never := &transport{do: func(*http.Request) (*http.Response, error) { return nil, errors.New("sent") }}
		_, err := client(t, "https://slow.example", waiting, &odata.Options{Transport: never}).Do(t.Context(), post)
		want(t, err, fault.Transient, odata.ReasonTimeout)
		if never.tries.Load() != 0 {
			t.Error("the call was sent")
		}
	})
}

func TestLargeAnswer(t *testing.T) {
	s := odatatest.New(t, odatatest.Reply{Status: 200, Body: `{"a":"` + strings.Repeat("x", 100) + `"}`})
	o := s.Options()
	o.MaxAnswer = 100
	_, err := client(t, s.URL, odatatest.Credential{}, o).Do(t.Context(), read)
	want(t, err, fault.Transient, odata.ReasonTooLarge)
	o.MaxAnswer = 108
	if answer, err := client(t, s.URL, odatatest.Credential{}, o).Do(t.Context(), read); err != nil || len(answer.Body) != 108 {
		t.Errorf("%d bytes, %v", len(answer.Body), err)
	}
}

func TestLargeRefusal(t *testing.T) {
	s := odatatest.New(t, odatatest.Reply{Status: 400, Body: `{"error":{"code":"","message":"` + strings.Repeat("x", 8<<20) + `"}}`})
	o := s.Options()
	inner, body := o.Transport, &counter{}
	o.Transport = &transport{do: func(r *http.Request) (*http.Response, error) {
		response, err := inner.Do(r)
		body.ReadCloser = response.Body
		response.Body = body
		return response, err
	}}
	_, err := client(t, s.URL, odatatest.Credential{}, o).Do(t.Context(), patch)
	want(t, err, fault.Permanent, odata.ReasonRefused)
	if body.n > 2<<20 {
		t.Errorf("%d bytes of a refusal were read", body.n)
	}
}

type counter struct {
	io.ReadCloser
	n int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += n
	return n, err
}

func TestBaseURLIsChecked(t *testing.T) {
	for _, url := range []string{"", "contoso", "http://contoso.example", "https://", "https://user:secret-value@contoso.example",
		"https://contoso.example/api/data/v9.2", "https://contoso.example?secret-value", "https://contoso.example#secret-value", "https://a b\x7f"} {
		_, err := odata.NewClient(odata.Service{System: "Test", Setting: "TEST_URL", BaseURL: url, Root: "/data/", Judge: general}, odatatest.Credential{}, nil)
		if err == nil || !strings.Contains(err.Error(), "TEST_URL") || strings.Contains(err.Error(), "secret-value") {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := odata.NewClient(odata.Service{BaseURL: "https://contoso.example/"}, odatatest.Credential{}, nil); err != nil {
		t.Errorf("a slash at the end: %v", err)
	}
}
