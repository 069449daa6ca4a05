// Package traffic stands between a simulated system and its callers: it keeps the request log, injects faults, and lets a
// test stop a request right before or right after its write takes effect.
package traffic

import (
	"net/http"
	"strconv"
	"time"
)

// Fault is one misbehaviour. A request meets at most one: the first that matches, in the order they were injected.
type Fault struct {
	// Match chooses the requests; nil matches all. It must not read the body.
	Match func(*http.Request) bool
	// Times is how many requests it meets; 0 means every one until it is removed or For is over.
	Times int
	// For is how long it stays, counted from its injection; 0 means until it is used up or removed.
	For time.Duration

	// Delay lets this much time pass first; alone, it makes the request slow and nothing else.
	Delay time.Duration
	// Hang keeps the caller waiting until Release is closed, HangFor is over, or the caller gives up. After that the
	// request goes on as usual, unless the caller is gone; see Late. With neither Release nor HangFor it hangs until the
	// caller gives up or the simulator closes.
	Hang    bool
	HangFor time.Duration
	Release <-chan struct{}
	// Late makes a request that hung go on even though its caller gave up: the write takes effect after the caller's
	// time-out.
	Late bool
	// AfterEffect applies Answer, Hang, Delay and Cut after the system has done the work, so that the write stands and only
	// the answer is withheld or wrong. Without it they apply before, and an Answer or a Cut means that nothing was written.
	AfterEffect bool
	// Answer is given instead of the system's own.
	Answer *Answer
	// Cut closes the connection without any answer.
	Cut bool
}

// Answer is a whole HTTP answer.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Busy is the 503 of a gateway in front of a system that is restarting: no JSON in its body.
func Busy() *Answer {
	return &Answer{Status: http.StatusServiceUnavailable, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<html><body>The service is unavailable.</body></html>"}
}

// JSON is an answer with a JSON body; a retryAfter above zero adds the header Retry-After in whole seconds, rounded up.
func JSON(status int, retryAfter time.Duration, body string) *Answer {
	h := http.Header{"Content-Type": {"application/json; odata.metadata=minimal"}}
	if retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((retryAfter+time.Second-1)/time.Second), 10))
	}
	return &Answer{Status: status, Header: h, Body: body}
}

// Writes matches requests that change something: POST, PATCH, PUT, DELETE.
func Writes(r *http.Request) bool {
	switch r.Method {
	case http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete:
		return true
	}
	return false
}

// Method matches requests of one method.
func Method(name string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == name }
}

// injected is a fault with its state; guarded by Control.mu.
type injected struct {
	Fault
	left  int
	until time.Time
	met   int
}

func (f *injected) over(now time.Time) bool {
	return (f.Times > 0 && f.left <= 0) || (!f.until.IsZero() && !now.Before(f.until))
}
