package traffic

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxBody is the largest body a simulator reads; Dataverse and F&O refuse far smaller ones in practice.
const maxBody = 16 << 20

// maxLog is how many requests the log keeps; the oldest go first.
const maxLog = 20000

// Request is one line of the request log. It holds no body, no query values and no headers.
type Request struct {
	Time   time.Time
	Method string
	// Path is the path with its key segment, as it was sent.
	Path string
	// Status is the answer's; 0 where the caller got none (cut, or gave up).
	Status int
	// Faulted tells that an injected fault met this request.
	Faulted bool
}

// Write is a write that is about to take effect or has just taken effect.
type Write struct {
	// Method is the request's. Table is the table's or the entity set's name; Key is its key as the request gave it, "" for
	// a POST.
	Method, Table, Key string
}

// Control is a simulator's traffic. The zero value isn't usable; see [New].
type Control struct {
	now    func() time.Time
	done   chan struct{}
	closer sync.Once

	mu        sync.Mutex
	faults    []*injected
	log       []Request
	onRequest func(*http.Request)
	before    func(Write)
	after     func(Write)
	hanging   int
}

// New returns a Control without faults. now is the clock of Fault.For and of the log.
func New(now func() time.Time) *Control {
	return &Control{now: now, done: make(chan struct{})}
}

// Close lets go of every request that hangs.
func (c *Control) Close() { c.closer.Do(func() { close(c.done) }) }

// Inject adds a fault. remove takes it out again and tells how many requests have met it, those that still hang included;
// it may be called any number of times.
func (c *Control) Inject(f Fault) (remove func() (met int)) {
	in := &injected{Fault: f, left: f.Times}
	if f.For > 0 {
		in.until = c.now().Add(f.For)
	}
	c.mu.Lock()
	c.faults = append(c.faults, in)
	c.mu.Unlock()
	return func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.faults = without(c.faults, in)
		return in.met
	}
}

// Hanging tells how many requests a fault keeps waiting right now.
func (c *Control) Hanging() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hanging
}

// Heal removes every fault. Requests that hang stay so until their own end.
func (c *Control) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// OnRequest sets a function that sees every request before anything is done with it, on the request's own goroutine; nil
// removes it. It may block.
func (c *Control) OnRequest(f func(*http.Request)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onRequest = f
}

// OnBeforeCommit sets a function that is called when a write has passed all checks of its form and is about to take effect;
// nil removes it. It may block, and no lock is held meanwhile: other requests go on and may win.
func (c *Control) OnBeforeCommit(f func(Write)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before = f
}

// OnAfterCommit sets a function that is called when a write has taken effect and the answer hasn't been sent; nil removes
// it. It may block.
func (c *Control) OnAfterCommit(f func(Write)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.after = f
}

// BeforeCommit is called by the simulators.
func (c *Control) BeforeCommit(w Write) {
	c.mu.Lock()
	f := c.before
	c.mu.Unlock()
	if f != nil {
		f(w)
	}
}

// AfterCommit is called by the simulators.
func (c *Control) AfterCommit(w Write) {
	c.mu.Lock()
	f := c.after
	c.mu.Unlock()
	if f != nil {
		f(w)
	}
}

// Requests returns the log, oldest first: at most the last 20,000.
func (c *Control) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Request(nil), c.log...)
}

// ClearRequests empties the log.
func (c *Control) ClearRequests() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = nil
}

// Handler puts the control in front of next.
func (c *Control) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, next) })
}

func (c *Control) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	line := Request{Time: c.now(), Method: r.Method, Path: r.URL.EscapedPath()}
	defer func() { c.record(line) }()
	// The body is read first: only then does net/http notice a caller that gives up.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		line.Status = http.StatusRequestEntityTooLarge
		w.WriteHeader(line.Status)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f, hook := c.meet(r)
	if hook != nil {
		hook(r)
	}
	line.Faulted = f != nil
	ctx := r.Context()
	if f != nil && !f.AfterEffect {
		if !c.suffer(ctx, f) {
			if !f.Late || ctx.Err() == nil {
				panic(http.ErrAbortHandler)
			}
			r = r.WithContext(context.WithoutCancel(ctx))
		}
		if f.Cut {
			panic(http.ErrAbortHandler)
		}
		if f.Answer != nil {
			line.Status = f.Answer.Status
			f.Answer.write(w)
			return
		}
	}
	kept := &keptAnswer{header: http.Header{}}
	next.ServeHTTP(kept, r)
	if f != nil && f.AfterEffect {
		if !c.suffer(ctx, f) {
			panic(http.ErrAbortHandler)
		}
		if f.Cut {
			panic(http.ErrAbortHandler)
		}
		if f.Answer != nil {
			line.Status = f.Answer.Status
			f.Answer.write(w)
			return
		}
	}
	if ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
	line.Status = kept.status()
	kept.send(w)
}

// meet picks the request's fault and uses it up by one.
func (c *Control) meet(r *http.Request) (*injected, func(*http.Request)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for i := 0; i < len(c.faults); i++ {
		f := c.faults[i]
		if f.over(now) {
			c.faults = append(c.faults[:i:i], c.faults[i+1:]...)
			i--
			continue
		}
		if f.Match == nil || f.Match(r) {
			f.left--
			f.met++
			return f, c.onRequest
		}
	}
	return nil, c.onRequest
}

// suffer waits as the fault says. It returns false if the caller gave up or the simulator closed meanwhile.
func (c *Control) suffer(ctx context.Context, f *injected) bool {
	if f.Delay > 0 && !c.wait(ctx, f.Delay, nil) {
		return false
	}
	if f.Hang {
		c.hangs(1)
		defer c.hangs(-1)
		return c.wait(ctx, f.HangFor, f.Release)
	}
	return true
}

func (c *Control) hangs(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hanging += n
}

func (c *Control) wait(ctx context.Context, d time.Duration, release <-chan struct{}) bool {
	var over <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
	case <-release:
	case <-ctx.Done():
		return false
	case <-c.done:
		return false
	}
	return ctx.Err() == nil
}

func (c *Control) record(line Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = append(c.log, line)
	if len(c.log) > maxLog {
		c.log = append([]Request(nil), c.log[len(c.log)-maxLog/2:]...)
	}
}

func without(list []*injected, gone *injected) []*injected {
	var kept []*injected
	for _, f := range list {
		if f != gone {
			kept = append(kept, f)
		}
	}
	return kept
}
