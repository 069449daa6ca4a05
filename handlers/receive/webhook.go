package receive

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"crosswalk/shared/event"
	"crosswalk/shared/fault"
	"crosswalk/shared/telemetry"
)

// Parker puts a body that can't be read into the queue whose receiver dead-letters it, and returns its message's id.
type Parker interface {
	Park(ctx context.Context, body []byte, contentType string) (messageID string, err error)
}

// The bounds of a webhook. Dataverse waits 60 s for the answer and sends at most 256 KB of its own.
const (
	maxWebhookBody  = 4 << 20
	readWithin      = 20 * time.Second
	durableWithin   = 10 * time.Second
	retryAfter      = "10" // seconds; for callers other than Dataverse, which has its own idea
	sizeExceeded    = "X-Ms-Dynamics-Msg-Size-Exceeded"
	invocationID    = "InvocationId" // set by the Functions host on proxied requests
	sizeExceededWhy = "size-exceeded"
)

// Webhook is the handler of the function dataverse-webhook. The host has checked the function key before it gets the
// request, so a body is authentic, and one that can't be read is kept for support staff to see.
type Webhook struct {
	Function  string
	Publisher Publisher
	Parker    Parker
	Routes    func(eventType, source string) []string
	Log       telemetry.Log
	Now       func() time.Time
}

// ServeHTTP answers one webhook. The status says whether the event is safe; the body, for people, says how.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		answer(w, http.StatusMethodNotAllowed, status{Error: "only POST"})
		return
	}
	if r.Header.Get(ProbeHeader) != "" {
		answer(w, http.StatusOK, status{Status: "probe", Through: through(r)})
		return
	}
	c := &call{Webhook: h, request: r, start: h.Now()}
	body, err := readBody(w, r)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		c.report(telemetry.Abandoned, "", fault.Reject("too-large", "", "the body has more than 4 MB, which no webhook of Dataverse has; the sender is answered 413"))
		answer(w, http.StatusRequestEntityTooLarge, status{Error: "larger than 4 MB"})
		return
	}
	if err != nil {
		c.report(telemetry.Abandoned, "", &fault.Error{Kind: fault.Transient, Reason: "body-cut", Detail: "the request ended before its body did", Err: err})
		c.unavailable(w)
		return
	}
	c.body = body
	// The event is no less worth keeping when its sender has hung up: Dataverse doesn't send again after a time-out.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), durableWithin)
	defer cancel()
	c.serve(ctx, w)
}

// ProbeHeader marks a request of `crosswalk verify`, which asks how the host hands requests over and leaves no event.
const ProbeHeader = "X-Crosswalk-Probe"

// The two ways in which the host hands an HTTP request over.
const (
	ThroughProxy      = "proxying"
	ThroughForwarding = "forwarding"
)

// through tells them apart: only proxying adds x-ms-invocation-id (by the source of hosts newer than 4.1037; UNCONFIRMED by a run).
func through(r *http.Request) string {
	if r.Header.Get("X-Ms-Invocation-Id") != "" {
		return ThroughProxy
	}
	return ThroughForwarding
}

// call is one request.
type call struct {
	*Webhook
	request *http.Request
	body    []byte
	start   time.Time
}

func (c *call) serve(ctx context.Context, w http.ResponseWriter) {
	var parsed event.Parsed
	var failure *fault.Error
	if panicking := guard(func() { parsed, failure = c.publish(ctx) }); panicking != nil {
		failure = panicking
	}
	switch {
	case failure == nil && len(parsed.Events) == 0:
		r := c.record(telemetry.NothingToDo)
		r.Why = testEvent
		c.Log(r)
		answer(w, http.StatusOK, status{Status: "nothing to do"})
	case failure == nil:
		answer(w, http.StatusOK, status{Status: "published", Events: len(parsed.Events)})
	case failure.Kind == fault.Permanent, failure.Reason == panicked:
		c.park(ctx, w, failure)
	default:
		c.report(telemetry.Abandoned, firstID(parsed), failure)
		c.unavailable(w)
	}
}

// publish reads the body and publishes its events. The fault is the one that decides: an event that may still get through
// when it is sent again keeps the answer from being 200.
func (c *call) publish(ctx context.Context) (event.Parsed, *fault.Error) {
	parsed, err := event.Parse(c.body)
	if err != nil || len(parsed.Events) == 0 {
		return parsed, fault.Of(err)
	}
	it := item{parsed: parsed, errs: c.Publisher.Publish(ctx, parsed.Events)}
	for i, e := range parsed.Events {
		if it.errs[i] != nil {
			continue
		}
		r := c.record(telemetry.Published)
		r.Event, r.Type, r.Routes = e.ID(), e.Type(), c.Routes(e.Type(), e.Source())
		if _, stripped := c.request.Header[sizeExceeded]; stripped {
			r.Why = sizeExceededWhy
		}
		c.Log(r)
	}
	return parsed, it.failure()
}

// park sends the body to the queue as it is.
func (c *call) park(ctx context.Context, w http.ResponseWriter, why *fault.Error) {
	contentType, _, err := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if err != nil {
		contentType = ""
	}
	var id string
	failure := guard(func() { id, err = c.Parker.Park(ctx, c.body, contentType) })
	if failure == nil {
		failure = fault.Of(err)
	}
	if failure != nil {
		c.report(telemetry.Abandoned, id, failure)
		c.unavailable(w)
		return
	}
	c.report(telemetry.Parked, id, why)
	answer(w, http.StatusOK, status{Status: telemetry.Parked, Reason: why.Reason, Field: why.Field})
}

// unavailable asks the sender to send again. Dataverse does so on 503, and neither on 429 nor on 500.
func (c *call) unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", retryAfter)
	answer(w, http.StatusServiceUnavailable, status{Error: "the event could not be kept; send it again"})
}

func (c *call) record(outcome string) telemetry.Record {
	return telemetry.Record{Function: c.Function, Invocation: c.request.Header.Get(invocationID), Outcome: outcome, Attempt: 1, Took: c.Now().Sub(c.start)}
}

func (c *call) report(outcome, id string, f *fault.Error) {
	r := c.record(outcome)
	r.Event = id
	c.Log(withFault(r, f))
}

func firstID(p event.Parsed) string {
	if len(p.Events) == 0 {
		return ""
	}
	return p.Events[0].ID()
}

// readBody reads the body within a bound of size and time.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	// A writer without deadlines, as in a test, is bounded by the host's own time-out.
	_ = control.SetReadDeadline(time.Now().Add(readWithin))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhookBody))
	// The deadline is the body's alone: left standing, it would end the request's context later on.
	_ = control.SetReadDeadline(time.Time{})
	return body, err
}

// status is the body of an answer. It is never empty: an empty 2xx answer of a custom handler hangs the host.
type status struct {
	Status string `json:"status,omitempty"`
	Events int    `json:"events,omitempty"`
	Reason string `json:"reason,omitempty"`
	Field  string `json:"field,omitempty"`
	Error  string `json:"error,omitempty"`
	// Through says how the host handed a probe over.
	Through string `json:"through,omitempty"`
}

func answer(w http.ResponseWriter, code int, s status) {
	body, err := json.Marshal(s)
	if err != nil {
		body = []byte("{}") // can't be: status holds strings and a number
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n')) // the caller has gone when this fails
}
