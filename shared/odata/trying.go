package odata

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"crosswalk/shared/fault"
)

// trying knows, for one call, how far its tries got.
type trying struct {
	write, post bool
	// begun is set once a try got past the token.
	begun bool
	// traced is set as soon as the transport reports progress; one that doesn't is taken to have sent.
	traced atomic.Bool
	// headers is set once the whole header of the current try was handed to the connection: from then on the service may act.
	headers atomic.Bool
	// before is set once an earlier try of this call got that far.
	before bool
	// broken is why the last refusal's body could not be read to its end.
	broken error
}

// begin starts a try and returns the trace for its request.
func (t *trying) begin() *httptrace.ClientTrace {
	t.begun = true
	t.before = t.before || t.headers.Load()
	t.headers.Store(false)
	return &httptrace.ClientTrace{
		GetConn:      func(string) { t.traced.Store(true) },
		WroteHeaders: func() { t.headers.Store(true) },
	}
}

// sent says whether the try that ended with err may have reached the service.
func (t *trying) sent(err error) bool {
	return t.headers.Load() || !t.traced.Load() && !isDial(err)
}

// again is azcore's ShouldRetry. 429 is never retried here: whoever settles the message waits for it without holding a
// worker. A POST is only repeated when it can't have been seen.
func (t *trying) again(response *http.Response, err error) bool {
	if err != nil {
		return isDial(err) || !t.write && !isTrust(err)
	}
	switch response.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return !t.post
	}
	return false
}

type tryingKey struct{}

// watched is the transport of a client's calls, not of its token requests. It lets the call's trying see each try, and cuts
// the bodies of refusals short, because azcore reads those whole even when it is told not to read bodies.
type watched struct{ policy.Transporter }

func (w watched) Do(request *http.Request) (*http.Response, error) {
	ctx := request.Context()
	try, ok := ctx.Value(tryingKey{}).(*trying)
	if !ok {
		return w.Transporter.Do(request)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	response, err := w.Transporter.Do(request.WithContext(httptrace.WithClientTrace(ctx, try.begin())))
	if err == nil && response.StatusCode >= 400 {
		try.broken = nil
		response.Body = &refusalBody{ReadCloser: response.Body, left: maxRefusal, broken: &try.broken}
	}
	return response, err
}

// refusalBody ends after left bytes, or quietly where reading fails: the status is an answer all the same.
type refusalBody struct {
	io.ReadCloser
	left   int
	broken *error
}

func (b *refusalBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		*b.broken, err = err, io.EOF
	}
	return n, err
}

// tokenSource marks a credential's failures, so that they aren't taken for the service's.
type tokenSource struct{ azcore.TokenCredential }

func (s tokenSource) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := s.TokenCredential.GetToken(ctx, o)
	if err != nil {
		return token, &tokenError{err}
	}
	return token, nil
}

type tokenError struct{ cause error }

func (e *tokenError) Error() string { return "no token" }
func (e *tokenError) Unwrap() error { return e.cause }

// unanswered judges a call that ended without an answer.
func (c *Client) unanswered(ctx context.Context, try *trying, err error) error {
	var token *tokenError
	if errors.As(err, &token) {
		return c.tokenless(ctx, token.cause)
	}
	open := try.write && try.begun && (try.before || try.sent(err))
	return c.cut(ctx, open, err)
}

// cut judges a connection that failed or a deadline that passed. open is true when a write may have taken effect.
func (c *Client) cut(ctx context.Context, open bool, err error) error {
	system := c.service.System
	late := ctx.Err() != nil || isTimeout(err)
	switch {
	case open && late:
		return &fault.Error{Kind: fault.Transient, Reason: ReasonUnknown, Err: clean(ctx, err),
			Detail: system + " didn't answer a write in time; it may still take effect"}
	case open:
		return &fault.Error{Kind: fault.Transient, Reason: ReasonUnknown, Err: clean(ctx, err),
			Detail: "the connection to " + system + " was cut after a write was sent; it may have taken effect"}
	case late:
		return &fault.Error{Kind: fault.Transient, Reason: ReasonTimeout, Err: clean(ctx, err),
			Detail: system + " didn't answer in time; nothing was written"}
	case isTrust(err):
		return &fault.Error{Kind: fault.Misconfigured, Reason: ReasonUntrusted,
			Detail: system + "'s TLS certificate is not trusted here: check " + c.service.Setting + " and the certificate authorities of this machine"}
	}
	return &fault.Error{Kind: fault.Transient, Reason: ReasonUnavailable, Err: clean(ctx, err),
		Detail: "no connection to " + system + "; nothing was written"}
}

var entraCode = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`AADSTS[0-9]{4,8}`)
})

// tokenless judges a credential's failure. It happens before anything is sent.
func (c *Client) tokenless(ctx context.Context, err error) error {
	var judged *fault.Error
	if errors.As(err, &judged) && ctx.Err() == nil { // shared/identity knows more of its own failures
		return judged
	}
	var failed *azidentity.AuthenticationFailedError
	status := 0
	if errors.As(err, &failed) && failed.RawResponse != nil {
		status = failed.RawResponse.StatusCode
	}
	switch {
	case ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return &fault.Error{Kind: fault.Transient, Reason: ReasonTimeout, Err: clean(ctx, err),
			Detail: "Entra didn't give a token for " + c.service.System + " in time; nothing was sent"}
	case isTrust(err):
		return &fault.Error{Kind: fault.Misconfigured, Reason: ReasonUntrusted,
			Detail: "Entra's TLS certificate is not trusted here: check ENTRA_AUTHORITY_HOST and the certificate authorities of this machine"}
	case status == http.StatusTooManyRequests:
		return &fault.Error{Kind: fault.Throttled, Reason: ReasonNoToken, After: retryAfter(failed.RawResponse.Header, c.options.Now()),
			Detail: "Entra asks for fewer token requests"}
	case status >= 500 || status == 0 && (failed != nil || isNetwork(err)):
		return &fault.Error{Kind: fault.Transient, Reason: ReasonNoToken, Err: clean(ctx, err),
			Detail: "Entra gave no token for " + c.service.System + "; nothing was sent"}
	}
	detail := "Entra refuses a token for " + c.service.System
	if code := entraCode().FindString(err.Error()); code != "" {
		detail += " (" + code + ")"
	}
	return &fault.Error{Kind: fault.Misconfigured, Reason: ReasonNoToken,
		Detail: detail + ": check ENTRA_TENANT_ID, ENTRA_CLIENT_ID, the certificate or federated credential and " + c.service.Setting}
}

// clean returns what of err may be kept as a cause: errors of net/http hold the URL, and with it the key.
func clean(ctx context.Context, err error) error {
	var number syscall.Errno
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &number):
		return number
	case isTimeout(err):
		return context.DeadlineExceeded
	}
	return nil
}

func isDial(err error) bool {
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "dial" && !isTimeout(err)
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.Canceled) || errors.As(err, &timeout) && timeout.Timeout()
}

func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network)
}

func isTrust(err error) bool {
	var verification *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &verification) || errors.As(err, &unknown) || errors.As(err, &host)
}
