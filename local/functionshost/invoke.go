package functionshost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// killDelay is the time between a function timeout and the SIGKILL of the handler (recorded).
const killDelay = 2 * time.Second

// invocation is one call of a function.
type invocation struct {
	id       uuid.UUID
	function *function
	reason   string // why it was called, for the log
	started  time.Time
}

// begin counts a call and says so.
func (h *jobHost) begin(f *function, reason string) *invocation {
	i := &invocation{id: uuid.New(), function: f, reason: reason}
	h.again(i)
	return i
}

// again is begin for another try of the same call.
func (h *jobHost) again(i *invocation) {
	i.started = time.Now()
	h.active.Add(1)
	if i.function.trigger.Type == triggerHTTP {
		h.overHTTP.Add(1)
	}
	h.mu.Lock()
	h.counts[strings.ToLower(i.function.name)]++
	h.mu.Unlock()
	h.log.say(information, categoryOf(i.function), fmt.Sprintf("Executing 'Functions.%s' (Reason='%s', Id=%s)", i.function.name, i.reason, i.id))
}

// finish says how a call went.
func (h *jobHost) finish(i *invocation, err error) {
	took := time.Since(i.started).Milliseconds()
	if i.function.trigger.Type == triggerHTTP {
		h.overHTTP.Add(-1)
	}
	h.active.Add(-1)
	if err == nil {
		h.log.say(information, categoryOf(i.function), fmt.Sprintf("Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%dms)", i.function.name, i.id, took))
		return
	}
	h.log.say(errorLevel, categoryOf(i.function), fmt.Sprintf("Executed 'Functions.%s' (Failed, Id=%s, Duration=%dms): %s", i.function.name, i.id, took, err))
}

// request builds the body of a call; it is asked for when the handler is ready.
type request func() []byte

// invoke calls the handler in the host's own protocol and waits for what becomes of it: the answer's outputs, or the
// error that fails the call. take looks at the outputs before the call counts as a success; it may be nil. Only the end
// of the host cuts the request; a function timeout fails the call and kills the handler two seconds later.
func (h *jobHost) invoke(i *invocation, body request, take func(outcome) error) error {
	err := h.exchange(i, body, take)
	h.finish(i, err)
	return err
}

// invokeAndRetry is invoke for the triggers whose calls are retried by the function's policy: each try is another request
// with the same invocation id.
func (h *jobHost) invokeAndRetry(i *invocation, body request) error {
	p := h.policyOf(i.function)
	if p == nil {
		return h.invoke(i, body, nil)
	}
	tries := &retryContext{max: p.max}
	for {
		err := h.invoke(i, func() []byte { return tries.into(body(), i) }, nil)
		if err == nil || p.max >= 0 && tries.count >= p.max {
			return err
		}
		tries.count, tries.last = tries.count+1, err
		if !h.pauseBeforeRetry(i, p, tries.count) {
			return err
		}
		h.again(i)
	}
}

func (h *jobHost) policyOf(f *function) *retryPolicy {
	if f.retry != nil {
		return f.retry
	}
	return h.root.config.retry
}

func (h *jobHost) pauseBeforeRetry(i *invocation, p *retryPolicy, n int) bool {
	wait := p.wait(n)
	h.log.say(information, categoryOf(i.function), fmt.Sprintf("Waiting for `%s` before retrying function execution. Next attempt: '%d'. Max retry count: '%d'", formatTimeSpan(wait), n, p.max))
	h.retrying.Add(1)
	defer h.retrying.Add(-1)
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-h.calls.Done():
		return false
	}
}

func (h *jobHost) exchange(i *invocation, body request, take func(outcome) error) error {
	result, err := h.withTimeout(i, func(c call) (outcome, error) {
		reply, err := h.wire.post(h.life, "/"+i.function.name, i.headers(), body())
		if err != nil {
			c.process.notice()
			return outcome{}, err
		}
		o := judge(reply)
		switch o.verdict {
		case fails:
			return outcome{}, o.err
		case hangs:
			h.reportHang(i, o.err)
			return outcome{}, h.hang(c.limit)
		}
		return o, nil
	})
	if err == nil && take != nil {
		err = take(result)
	}
	if err == nil {
		for _, line := range result.logs {
			h.log.say(information, categoryOf(i.function)+".User", fmt.Sprintf("[Functions.%s %s] %s", i.function.name, i.id, line))
		}
	}
	return err
}

// headers of a call, in the order the host sends them between Host and Transfer-Encoding (Functions host 4.1037, recorded).
func (i *invocation) headers() []header {
	return []header{
		{"X-Azure-Functions-HostVersion", HostVersion},
		{"X-Azure-Functions-InvocationId", i.id.String()},
		{"User-Agent", "Azure-Functions-Host/" + HostVersion},
	}
}

// hang waits for functionTimeout, or for the end of the host.
func (h *jobHost) hang(limit context.Context) error {
	select {
	case <-limit.Done():
		return context.Cause(limit)
	case <-h.calls.Done():
		return errors.New("the host is shutting down")
	}
}

func (h *jobHost) reportHang(i *invocation, what error) {
	timeout := "for ever (functionTimeout is -1)"
	if t := h.root.config.functionTimeout; t != unbounded {
		timeout = "until functionTimeout (" + formatTimeSpan(t) + "), then the handler is killed with SIGKILL and every other call in flight fails too"
	}
	h.log.host(errorLevel, fmt.Sprintf("THIS CALL HANGS: the handler answered 'Functions.%s' (Id=%s) with %s. On Azure the invocation now stays open %s; a Service Bus message stays locked meanwhile. "+
		"Answer at least {} with Content-Type application/json.", i.function.name, i.id, what, timeout))
}

// call is what an exchange with the handler needs: when functionTimeout is up, and which process it talks to.
type call struct {
	limit   context.Context
	process *process
}

// withTimeout waits for the handler, runs a call and fails it at functionTimeout, whatever the call does: the request
// itself isn't cut, but two seconds later the handler is killed.
func (h *jobHost) withTimeout(i *invocation, exchange func(call) (outcome, error)) (outcome, error) {
	limit, cancel := h.limit(i)
	defer cancel()
	if err := h.worker.await(limit); err != nil {
		return outcome{}, err
	}
	type ended struct {
		outcome outcome
		err     error
	}
	c := call{limit, h.worker.current()}
	result := make(chan ended, 1)
	h.running.Go(func() {
		o, err := exchange(c)
		result <- ended{o, err}
	})
	select {
	case r := <-result:
		if r.err == nil || limit.Err() == nil {
			return r.outcome, r.err
		}
	case <-limit.Done():
	}
	err := context.Cause(limit)
	h.log.host(errorLevel, err.Error())
	h.running.Go(func() { h.expireLater(c.process) })
	return outcome{}, err
}

// limit ends with functionTimeout, or with the host.
func (h *jobHost) limit(i *invocation) (context.Context, context.CancelFunc) {
	t := h.root.config.functionTimeout
	if t == unbounded {
		return context.WithCancel(h.life)
	}
	//lint:ignore ST1005 the host's own words
	return context.WithTimeoutCause(h.life, t, fmt.Errorf("Timeout value of %s exceeded by function 'Functions.%s' (Id: '%s'). Initiating cancellation.",
		formatTimeSpan(t), i.function.name, i.id))
}

func (h *jobHost) expireLater(p *process) {
	delay := time.NewTimer(killDelay)
	defer delay.Stop()
	select {
	case <-delay.C:
		h.worker.expire(p)
	case <-h.calls.Done():
	}
}
