package odata

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/fault"
)

// The reasons of faults that calls end with.
const (
	// ReasonRefused is Permanent: the service says that the row, as sent, can't be.
	ReasonRefused = "target-refused"
	// ReasonUnavailable is Transient: 5xx or no connection, and a write didn't take effect as far as the service tells.
	ReasonUnavailable = "target-unavailable"
	// ReasonTimeout is Transient: no answer in time; nothing was written.
	ReasonTimeout = "target-timeout"
	// ReasonUnknown is Transient: a write was sent and no answer came; it may take effect yet.
	ReasonUnknown = "outcome-unknown"
	// ReasonThrottled is Throttled: 429.
	ReasonThrottled = "target-throttled"
	// ReasonReference is Transient: the row refers to a row that isn't there (yet).
	ReasonReference = "reference-missing"
	// ReasonUnauthorized, ReasonForbidden, ReasonMissing, ReasonAddress, ReasonUntrusted and ReasonNoToken are Misconfigured:
	// the token isn't accepted; a privilege is missing; no such table or column; what answers isn't the service's API; the
	// TLS certificate isn't trusted; no token (Transient or Throttled where Entra is only away).
	ReasonUnauthorized = "target-unauthorized"
	ReasonForbidden    = "target-forbidden"
	ReasonMissing      = "target-missing"
	ReasonAddress      = "target-address"
	ReasonUntrusted    = "target-untrusted"
	ReasonNoToken      = "token-refused"
	// ReasonTooLarge and ReasonUnreadable are Transient: the answer can't be used.
	ReasonTooLarge   = "answer-too-large"
	ReasonUnreadable = "answer-unreadable"
	// ReasonNotFound, ReasonExists and ReasonStale go with the errors of the same name, Transient for who doesn't handle them.
	ReasonNotFound = "row-missing"
	ReasonExists   = "row-exists"
	ReasonStale    = "row-changed"
)

// The conditions that a flow handles itself. They are found with errors.Is in what a call returns.
var (
	ErrNotFound = errors.New("no such row")
	ErrExists   = errors.New("the row exists already")
	ErrStale    = errors.New("the row has changed since it was read")
)

// Refusal is an answer with a status other than 2xx. Its text is for judging only and is never shown.
type Refusal struct {
	Call   Call
	System string
	Status int
	Header http.Header
	// Form is true if the body has OData's error form.
	Form bool
	// Empty is true if there was no body.
	Empty bool
	// Code is error.code: often empty, else 0x and eight hex digits for Dataverse.
	Code string
	// Message is error.message, Inner error.innererror.message (where F&O keeps the useful text), Type error.innererror.type.
	Message, Inner, Type string

	now time.Time
}

// Text returns all the answer's texts, to search in.
func (r *Refusal) Text() string { return r.Message + "\n" + r.Inner }

// maxRefusal is how much of an error's body is read; F&O sends stack traces.
const maxRefusal = 1 << 20

func (c *Client) refused(ctx context.Context, call Call, try *trying, response *http.Response) error {
	if try.broken != nil && response.StatusCode/100 == 4 && response.StatusCode != http.StatusTooManyRequests {
		return c.cut(ctx, false, try.broken) // which refusal it is stands in the body, and a 4xx has changed nothing
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	r := &Refusal{Call: call, System: c.service.System, Status: response.StatusCode, Header: response.Header,
		Empty: len(bytes.TrimSpace(body)) == 0, now: c.options.Now()}
	r.parse(body)
	return c.service.Judge(r)
}

func (r *Refusal) parse(body []byte) {
	var answer struct {
		Error *struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Inner   struct {
				Message string `json:"message"`
				Type    string `json:"type"`
			} `json:"innererror"`
		} `json:"error"`
	}
	err := json.Unmarshal(body, &answer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err != nil || answer.Error == nil {
		return
	}
	r.Form = true
	r.Code, r.Message = answer.Error.Code, answer.Error.Message
	r.Inner, r.Type = answer.Error.Inner.Message, answer.Error.Inner.Type
}

var codePattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^0x[0-9A-Fa-f]{8}$`)
})

// ShownCode returns the code if it has the form of one: an error's code field could hold any text.
func (r *Refusal) ShownCode() string {
	if codePattern().MatchString(r.Code) {
		return r.Code
	}
	return ""
}

// Fault returns an error of this refusal. what says in plain words what is wrong; status, code and the names of the columns
// or of the alternate key concerned are added.
func (r *Refusal) Fault(kind fault.Kind, reason, what string) *fault.Error {
	detail := fmt.Sprintf("%s answered %d", r.System, r.Status)
	if code := r.ShownCode(); code != "" {
		detail += " " + code
	}
	if what != "" {
		detail += ": " + what
	}
	e := &fault.Error{Kind: kind, Reason: reason, Detail: detail}
	if kind == fault.Permanent || reason == ReasonReference || reason == ReasonExists {
		e.Field = strings.Join(r.Names(), ", ")
	}
	return e
}

// NotFound, Exists and Stale return the errors that wrap the condition of the same name.
func (r *Refusal) NotFound() *fault.Error { return r.condition(ReasonNotFound, ErrNotFound) }

// Exists is like NotFound.
func (r *Refusal) Exists() *fault.Error { return r.condition(ReasonExists, ErrExists) }

// Stale is like NotFound.
func (r *Refusal) Stale() *fault.Error { return r.condition(ReasonStale, ErrStale) }

func (r *Refusal) condition(reason string, condition error) *fault.Error {
	e := r.Fault(fault.Transient, reason, condition.Error())
	e.Err = condition
	return e
}

// General judges what needs no knowledge of the system: by status alone. Clients ask it last.
func (r *Refusal) General() *fault.Error {
	switch {
	case r.Status == http.StatusTooManyRequests:
		e := r.Fault(fault.Throttled, ReasonThrottled, "it asks for fewer requests")
		e.After = retryAfter(r.Header, r.now)
		return e
	case r.Status < 400:
		return r.Fault(fault.Misconfigured, ReasonAddress, "the configured address leads elsewhere; check the environment's URL")
	case r.Status == http.StatusUnauthorized:
		return r.Fault(fault.Misconfigured, ReasonUnauthorized, "it doesn't accept our token; check tenant, client id and that the application is a user there")
	case r.Status == http.StatusForbidden:
		return r.Fault(fault.Misconfigured, ReasonForbidden, "the application user lacks a privilege on "+r.Call.Set)
	case r.Status == http.StatusNotFound:
		return r.Fault(fault.Misconfigured, ReasonMissing, "there is no "+r.Call.Set+" at the configured address; check the URL and the contract")
	case r.Status == http.StatusRequestTimeout:
		return r.Fault(fault.Transient, ReasonTimeout, "our request didn't reach it whole")
	case r.Status == http.StatusRequestEntityTooLarge:
		return r.Fault(fault.Permanent, ReasonRefused, "the row is too large")
	case r.Status < 500:
		return r.Fault(fault.Permanent, ReasonRefused, "it doesn't take the row as sent")
	case (r.Status == http.StatusBadGateway || r.Status == http.StatusGatewayTimeout) && r.Call.Purpose != Read:
		return r.Fault(fault.Transient, ReasonUnknown, "a gateway gave up on a write, which may still take effect")
	}
	return r.Fault(fault.Transient, ReasonUnavailable, "it is in trouble")
}

func (c *Client) unreadable(reason, detail string) *fault.Error {
	return &fault.Error{Kind: fault.Transient, Reason: reason, Detail: detail}
}

// Unreadable returns the error for an answer of status 2xx that isn't what the service's API returns: Misconfigured if it
// isn't JSON at all, as a login page or a proxy's notice is, else Transient.
func (c *Client) Unreadable(answer Answer) *fault.Error {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if kind != "application/json" {
		return &fault.Error{Kind: fault.Misconfigured, Reason: ReasonAddress,
			Detail: fmt.Sprintf("what answers at %s's address is not its API; check %s", c.service.System, c.service.Setting)}
	}
	return c.unreadable(ReasonUnreadable, c.service.System+" answered with JSON that is broken or not a row")
}

// maxRetryAfter is as long as we believe a Retry-After; a wrong clock on either side must not strand a message.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads Retry-After, in seconds or as an HTTP date. It returns 0 if there is none that makes sense.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text == "" {
		return 0
	}
	var after time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		after = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		after = date.Sub(now)
	}
	return min(max(after, 0), maxRetryAfter)
}
