package functionshost

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// retryPolicy is "retry" of a function.json or of host.json.
type retryPolicy struct {
	exponential bool
	max         int // -1: no limit
	delay       time.Duration
	least, most time.Duration // of the exponential strategy
}

// retryJSON is the policy as written.
type retryJSON struct {
	Strategy                                        string
	MaxRetryCount                                   *int
	DelayInterval, MinimumInterval, MaximumInterval string
}

func readRetry(r *reader) *retryPolicy {
	if r.c.text("retry:strategy", "") == "" {
		return nil
	}
	count := r.number("retry:maxRetryCount", -2)
	p, err := retryJSON{Strategy: r.c.text("retry:strategy", ""), MaxRetryCount: &count, DelayInterval: r.c.text("retry:delayInterval", ""),
		MinimumInterval: r.c.text("retry:minimumInterval", ""), MaximumInterval: r.c.text("retry:maximumInterval", "")}.policy()
	if err != nil {
		r.keep(fmt.Errorf("host.json: %w", err))
	}
	return p
}

func (j retryJSON) policy() (*retryPolicy, error) {
	if j.MaxRetryCount == nil || *j.MaxRetryCount < -1 {
		return nil, errors.New("retry: maxRetryCount is missing or less than -1")
	}
	p := &retryPolicy{max: *j.MaxRetryCount}
	var err error
	switch strings.ToLower(j.Strategy) {
	case "fixeddelay":
		p.delay, err = parseTimeSpan(j.DelayInterval)
		return p, prefixed("retry: delayInterval", err)
	case "exponentialbackoff":
		p.exponential = true
		if p.least, err = parseTimeSpan(j.MinimumInterval); err != nil {
			return nil, prefixed("retry: minimumInterval", err)
		}
		p.most, err = parseTimeSpan(j.MaximumInterval)
		return p, prefixed("retry: maximumInterval", err)
	}
	return nil, fmt.Errorf("retry: strategy %q is neither fixedDelay nor exponentialBackoff", j.Strategy)
}

func prefixed(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// wait is the pause before try n, the first retry being 1. The exponential strategy doubles from the minimum to the
// maximum, up to a fifth off at random.
func (p *retryPolicy) wait(n int) time.Duration {
	if !p.exponential {
		return p.delay
	}
	d := p.least
	for range n - 1 {
		if d >= p.most {
			break
		}
		d *= 2
	}
	return min(p.most, time.Duration(float64(d)*(0.8+0.4*rand.Float64())))
}

// statusError is an answer that fails the call by its status.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("Response status code does not indicate success: %d (%s).", int(e), http.StatusText(int(e)))
}

// retryContext is what the handler is told of tries: Metadata's last entry (Functions host 4.1037, recorded).
type retryContext struct {
	count, max int
	last       error // of the try before, nil at first
}

// into adds the context to a request's body, whose last two bytes end Metadata and the request.
func (c *retryContext) into(body []byte, i *invocation) []byte {
	entry := dictionary{{"RetryCount", c.count}, {"MaxRetryCount", c.max}, {"Exception", nil}, {"Instance", nil}, {"State", dictionary{}}}
	if c.last != nil {
		entry[2].Value = exceptionOf(c.last, i)
	}
	out := append(body[:len(body)-2:len(body)-2], `,"RetryContext":`...)
	return append(append(out, plain(entry)...), "}}"...)
}

// exceptionOf is the .NET exception of a failed try, with the stack that the recorded host has.
func exceptionOf(err error, i *invocation) any {
	var status any
	var s statusError
	if errors.As(err, &s) {
		status = int(s)
	}
	inner := dictionary{{"HttpRequestError", 0}, {"StatusCode", status}, {"Message", err.Error()}, {"Data", dictionary{}},
		{"InnerException", nil}, {"HelpLink", nil}, {"Source", "System.Net.Http"}, {"HResult", -2146233088}, {"StackTrace", innerStack}}
	return dictionary{{"InstanceId", i.id}, {"MethodName", "Host.Functions." + i.function.name}, {"Handled", false},
		{"ClassName", "Microsoft.Azure.WebJobs.Host.FunctionInvocationException"},
		{"Message", "Exception while executing function: Functions." + i.function.name}, {"Data", nil}, {"InnerException", inner},
		{"HelpURL", nil}, {"StackTraceString", outerStack}, {"RemoteStackTraceString", nil}, {"RemoteStackIndex", 0},
		{"ExceptionMethod", nil}, {"HResult", -2146233088}, {"Source", "System.Private.CoreLib"}, {"WatsonBuckets", nil}}
}

const (
	executor   = "   at Microsoft.Azure.WebJobs.Host.Executors.FunctionExecutor."
	logging    = executor + "ExecuteWithLoggingAsync(IFunctionInstanceEx instance, FunctionStartedMessage message, FunctionInstanceLogEntry instanceLogEntry, ParameterHelper parameterHelper, ILogger logger, CancellationToken cancellationToken)"
	outerStack = logging + "\n" + executor + "TryExecuteAsync(IFunctionInstance functionInstance, CancellationToken cancellationToken)"
	innerStack = "   at System.Net.Http.HttpResponseMessage.EnsureSuccessStatusCode()\n" +
		"   at Microsoft.Azure.WebJobs.Script.Workers.Http.DefaultHttpWorkerService.ProcessDefaultInvocationRequest(ScriptInvocationContext scriptInvocationContext)\n" +
		"   at Microsoft.Azure.WebJobs.Script.Description.WorkerFunctionInvoker.InvokeCore(Object[] parameters, FunctionInvocationContext context)\n" +
		"   at Microsoft.Azure.WebJobs.Script.Description.FunctionInvokerBase.Invoke(Object[] parameters)\n" +
		"   at Microsoft.Azure.WebJobs.Host.Executors.VoidTaskMethodInvoker`2.InvokeAsync(TReflected instance, Object[] arguments)\n" +
		"   at Microsoft.Azure.WebJobs.Host.Executors.FunctionInvoker`2.InvokeAsync(Object instance, Object[] arguments)\n" +
		executor + "InvokeWithTimeoutAsync(IFunctionInvoker invoker, ParameterHelper parameterHelper, CancellationTokenSource timeoutTokenSource, CancellationTokenSource functionCancellationTokenSource, Boolean throwOnTimeout, TimeSpan timerInterval, IFunctionInstance instance)\n" +
		executor + "ExecuteWithWatchersAsync(IFunctionInstanceEx instance, ParameterHelper parameterHelper, ILogger logger, CancellationTokenSource functionCancellationTokenSource)\n" + logging
)

// retryOf is the policy of a function.json, if it has one.
func retryOf(raw json.RawMessage) (*retryPolicy, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var j retryJSON
	if err := json.Unmarshal(raw, &j); err != nil {
		return nil, fmt.Errorf("retry: %w", err)
	}
	return j.policy()
}
