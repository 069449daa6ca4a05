// Package odata is what the Dataverse and the F&O client have in common: literals and keys in URLs, the pipeline every call
// goes through, and the skeleton by which a refused or failed call becomes a fault.Error.
//
// No error made here holds a value out of a message, an answer's text, a URL or a token: messages of both systems quote what
// was sent to them, and Azure's own error types print whole answers.
package odata

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
)

// What a call does when nobody says otherwise.
const (
	// DefaultTimeout is how long one call may take: token, retries inside the call and reading the answer included.
	DefaultTimeout = 30 * time.Second
	// DefaultRetryDelay is the first wait between two tries inside a call; the second is three times as long.
	DefaultRetryDelay = 200 * time.Millisecond
	// DefaultMaxAnswer is the largest answer read, in bytes after decompression.
	DefaultMaxAnswer = 16 << 20

	maxRetries    = 2
	maxRetryDelay = 2 * time.Second
)

// Options are the settings of a client that tests and deployments change. The zero value is right for production.
type Options struct {
	// Transport sends requests. Nil means an http.Client without cookie jar that follows no redirects: Dataverse's affinity
	// cookie would pin all calls to one web server, and a redirect leads to a login page.
	Transport policy.Transporter
	// Timeout is the deadline of one call; 0 means DefaultTimeout.
	Timeout time.Duration
	// RetryDelay is the first wait between two tries inside one call; 0 means DefaultRetryDelay.
	RetryDelay time.Duration
	// MaxAnswer is the largest answer read, in bytes; 0 means DefaultMaxAnswer.
	MaxAnswer int64
	// Now is the clock that a Retry-After with a date is measured against; nil means time.Now.
	Now func() time.Time
}

// Service describes one OData service.
type Service struct {
	// System is its name in error details: "Dataverse", "F&O".
	System string
	// Setting names the setting that holds BaseURL, for error texts.
	Setting string
	// BaseURL is the environment's address without a path: https://contoso.crm4.dynamics.com.
	BaseURL string
	// Root is the path of the service root: /api/data/v9.2/ or /data/.
	Root string
	// Judge classifies a refused call.
	Judge func(*Refusal) error
}

// Client sends calls to one service as one principal. It is safe for concurrent use.
type Client struct {
	service  Service
	root     string
	pipeline runtime.Pipeline
	options  Options
}

// NewClient returns a client whose tokens have the scope BaseURL + "/.default". The error names the setting at fault.
func NewClient(service Service, credential azcore.TokenCredential, o *Options) (*Client, error) {
	if credential == nil {
		return nil, fmt.Errorf("%s: no credential given", service.System)
	}
	base, err := checkBase(service)
	if err != nil {
		return nil, err
	}
	options := DefaultOptions(o)
	bearer := runtime.NewBearerTokenPolicy(tokenSource{credential}, []string{base + "/.default"}, nil)
	pipeline := runtime.NewPipeline("crosswalk", "", runtime.PipelineOptions{
		PerRetry: []policy.Policy{bearer},
	}, &policy.ClientOptions{
		Telemetry: policy.TelemetryOptions{Disabled: true}, // its User-Agent would name Go's version and the machine
		Transport: watched{options.Transport},
	})
	return &Client{service: service, root: base + service.Root, pipeline: pipeline, options: options}, nil
}

func checkBase(service Service) (string, error) {
	u, err := url.Parse(service.BaseURL)
	// What was given is not repeated: a URL may hold a key by mistake.
	switch {
	case err != nil || u.Host == "":
		return "", fmt.Errorf("%s must be an absolute URL such as https://contoso.crm4.dynamics.com", service.Setting)
	case u.Scheme != "https":
		return "", fmt.Errorf("%s must begin with https:// because tokens are sent there", service.Setting)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return "", fmt.Errorf("%s must be the environment's address alone, without user, path or query", service.Setting)
	}
	return "https://" + u.Host, nil
}

// DefaultOptions returns o with its zero fields filled in, o being nil or not.
func DefaultOptions(o *Options) Options {
	var options Options
	if o != nil {
		options = *o
	}
	if options.Timeout <= 0 {
		options.Timeout = DefaultTimeout
	}
	if options.RetryDelay <= 0 {
		options.RetryDelay = DefaultRetryDelay
	}
	if options.MaxAnswer <= 0 {
		options.MaxAnswer = DefaultMaxAnswer
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Transport == nil {
		options.Transport = newTransport()
	}
	return options
}

func newTransport() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 32
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Purpose says what a call is for, because the same status means different things to a read and to a write.
type Purpose string

// The purposes of calls.
const (
	Read   Purpose = "read"
	Create Purpose = "create"
	Update Purpose = "update"
	Delete Purpose = "delete"
)

// Call is one request.
type Call struct {
	Purpose Purpose
	Method  string
	// Set is the entity set, a name that CheckSet accepts.
	Set string
	// Key is the key segment as Key makes it, or empty.
	Key string
	// Query is the encoded query without the question mark.
	Query string
	// Row is the GUID of the row addressed, in lower case, if it is addressed by one. Error messages that name it mean the
	// row itself.
	Row string
	// IfMatch and IfNoneMatch are headers; empty means none.
	IfMatch, IfNoneMatch string
	// Columns are names that the URL holds; with the body's they are the names an error may show.
	Columns []string
	// Body is a JSON object, or nil.
	Body []byte
}

// Answer is what a successful call returned.
type Answer struct {
	Status int
	Header http.Header
	// Body is empty for writes, whose answers are not read.
	Body []byte
}

// Do sends call and returns the answer if its status is 2xx. Everything else is a *fault.Error; see Refusal, and the
// Reason constants for what never got an answer. ctx and the client's timeout end the call, whichever comes first.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	try := &trying{write: call.Purpose != Read, post: call.Method == http.MethodPost}
	request, err := c.request(ctx, call, try)
	if err != nil {
		return Answer{}, err
	}
	response, err := c.pipeline.Do(request)
	if response != nil && response.Body != nil {
		defer func() { _ = response.Body.Close() }()
	}
	if err != nil {
		return Answer{}, c.unanswered(ctx, try, err)
	}
	if response.StatusCode/100 != 2 {
		return Answer{}, c.refused(ctx, call, try, response)
	}
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	if try.write {
		// The status says it all; what little body there is, is read so that the connection can be used again.
		_, _ = io.CopyN(io.Discard, response.Body, maxRefusal)
		return answer, nil
	}
	answer.Body, err = c.read(ctx, response)
	return answer, err
}

func (c *Client) request(ctx context.Context, call Call, try *trying) (*policy.Request, error) {
	target := c.root + call.Set + call.Key
	if call.Query != "" {
		target += "?" + call.Query
	}
	ctx = context.WithValue(ctx, tryingKey{}, try)
	ctx = policy.WithRetryOptions(ctx, policy.RetryOptions{
		MaxRetries: maxRetries, RetryDelay: c.options.RetryDelay, MaxRetryDelay: maxRetryDelay, ShouldRetry: try.again,
	})
	request, err := runtime.NewRequest(ctx, call.Method, target)
	if err != nil {
		return nil, misnamed("the call's URL can't be built") // err would repeat the URL and with it the key
	}
	runtime.SkipBodyDownload(request) // azcore's own reading knows no limit
	header := request.Raw().Header
	header.Set("User-Agent", "crosswalk")
	header.Set("Accept", "application/json")
	header.Set("OData-Version", "4.0")
	header.Set("OData-MaxVersion", "4.0")
	if call.IfMatch != "" {
		header.Set("If-Match", call.IfMatch)
	}
	if call.IfNoneMatch != "" {
		header.Set("If-None-Match", call.IfNoneMatch)
	}
	if call.Body != nil {
		if err := request.SetBody(streaming.NopCloser(bytes.NewReader(call.Body)), "application/json"); err != nil {
			return nil, errors.New("the call's body can't be read")
		}
	}
	return request, nil
}

// read returns a successful answer's body.
func (c *Client) read(ctx context.Context, response *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, c.options.MaxAnswer+1))
	if err != nil {
		return nil, c.cut(ctx, false, err)
	}
	if int64(len(body)) > c.options.MaxAnswer {
		return nil, c.unreadable(ReasonTooLarge, fmt.Sprintf("%s answered with more than %d bytes", c.service.System, c.options.MaxAnswer))
	}
	return body, nil
}
