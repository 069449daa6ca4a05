// Package functionshost drives a custom handler on one machine exactly as the Azure Functions host does: it reads
// host.json and the function.json of every immediate sub-folder of a script root, starts the handler, and calls it for
// Service Bus messages, timers and HTTP requests. What it reproduces, and what it leaves out, is in README.md.
package functionshost

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// HostVersion is the version of the Functions host whose recorded traffic this package is compared with.
const HostVersion = "4.1037.0.0"

// Options says what to run and how.
type Options struct {
	// Root is the script root: the folder with host.json, the handler and one folder per function.
	Root string
	// Listen is the address of the HTTP front end, "127.0.0.1:0" by default.
	Listen string
	// Env are the app settings. The handler gets them on top of this process's environment; connections and %NAME%
	// are looked up in both, the app settings first, ignoring case.
	Env map[string]string
	// Keys are the function keys by function name, MasterKey the key that opens every function. A function whose
	// authLevel asks for a key that isn't here can't be called: every request gets 401. HostKeys are the host's own
	// function keys by name: each opens every function of level function.
	Keys      map[string]string
	HostKeys  map[string]string
	MasterKey string
	// Early makes Start return when the front end listens, as the real host does: calls wait for the handler then, and a
	// handler that doesn't get ready ends the host (Done, Err).
	Early bool
	// OnLine gets every line of the host and of the handler, one at a time.
	OnLine func(Line)
	// FunctionTimeout overrides functionTimeout of host.json (default there: 30 minutes).
	FunctionTimeout time.Duration
	// HoldPort keeps the handler's port bound, so that no other process is given it before the handler listens: the real
	// host lets it go at once. The handler must bind with SO_REUSEADDR, as Go's, Node's and .NET's servers do. Linux only.
	HoldPort bool
	// HTTPGrace and MessageGrace bound how long Shutdown waits for calls in flight: 31 and 10 seconds by default, as the
	// real host does.
	HTTPGrace, MessageGrace time.Duration
	// TimerStatus is a file that keeps the timers' schedule status over restarts, so that a missed run is past due.
	// Without it the status lives as long as the host.
	TimerStatus string
	// Now is the clock of timers, restart rules and metadata, time.Now by default.
	Now func() time.Time

	// source replaces the Service Bus client in tests.
	source messageSource
}

// Host is a running host. It ends by Close or Shutdown, or by itself, as the real one does after the third crash of the
// handler.
type Host struct {
	options  Options
	log      *logger
	listener net.Listener
	server   *http.Server
	timers   *timerStatus
	began    time.Time
	serving  sync.WaitGroup // the front end and what watches the script root
	ending   context.Context
	end      context.CancelFunc

	restarting sync.Mutex // one restart at a time
	mu         sync.Mutex
	job        *jobHost // replaced by a restart
	fault      error    // why the script root can't be served now, after a change
	counts     map[string]int
	active     atomic.Int64 // invocations that run
	overHTTP   atomic.Int64 // of them, those of HTTP callers
	retrying   atomic.Int64 // invocations that wait for another try
	draining   atomic.Bool
	err        error
	done       chan struct{}
	stopped    sync.Once
	closed     sync.Once
}

// Function is what the host knows of one function of the script root.
type Function struct {
	// Name is the folder's name, Trigger the trigger's type (serviceBusTrigger, timerTrigger, httpTrigger).
	Name, Trigger string
	// Route is the route of an HTTP function with the prefix, such as "api/dataverse-webhook"; else empty.
	Route string
	// Disabled tells that the setting AzureWebJobs.<name>.Disabled is on.
	Disabled bool
	// Fault says why the host can't run the function; empty when it can.
	Fault string
}

// Start reads the script root, opens the HTTP front end and starts the handler. It returns when the handler has
// answered the readiness request (see Options.Early); listeners for Service Bus and timers start then. An error names
// what is wrong with the script root, or why the handler didn't get ready.
func Start(ctx context.Context, o Options) (*Host, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Host{options: o, log: newLogger(o.OnLine, o.Now), counts: map[string]int{}, done: make(chan struct{}), began: o.Now()}
	h.ending, h.end = context.WithCancel(context.Background())
	h.timers = newTimerStatus(o.TimerStatus)
	if h.listener, err = net.Listen("tcp", o.Listen); err != nil {
		return nil, fmt.Errorf("functions host: %w", err)
	}
	seen := lookAt(o.Root)
	if h.job, err = newJobHost(h); err != nil {
		_ = h.listener.Close()
		return nil, err
	}
	h.serveHTTP()
	if err := h.job.start(ctx, o.Early); err != nil {
		_ = h.Close()
		return nil, err
	}
	if h.job.root.config.watching {
		h.serving.Go(func() { h.watchScriptRoot(seen) })
	}
	return h, nil
}

func (o Options) withDefaults() (Options, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HTTPGrace == 0 {
		o.HTTPGrace = 31 * time.Second
	}
	if o.MessageGrace == 0 {
		o.MessageGrace = 10 * time.Second
	}
	path, err := filepath.Abs(o.Root)
	o.Root = path
	return o, err
}

// current is the job host of now; a restart replaces it.
func (h *Host) current() *jobHost {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.job
}

// BaseURL is the HTTP front end's address without a path: http://127.0.0.1:port.
func (h *Host) BaseURL() string { return "http://" + h.listener.Addr().String() }

// Invocations counts the calls of a function since the start, failed ones included, whatever the case of the name.
func (h *Host) Invocations(function string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[strings.ToLower(function)]
}

// HandlerPID is the process id of the handler that runs now, 0 when none does.
func (h *Host) HandlerPID() int { return h.current().worker.pid() }

// KillHandler kills the handler as a crash would (SIGKILL): calls in flight fail, it is restarted, and the host counts
// the crash; after the third within the rules the host stops. It returns when the process is gone.
func (h *Host) KillHandler() error { return h.current().worker.kill() }

// Functions lists the functions of the script root in the order of their names.
func (h *Host) Functions() []Function {
	var out []Function
	for _, f := range h.current().root.functions {
		route := ""
		if f.route != nil {
			route = f.route.text
		}
		out = append(out, Function{Name: f.name, Trigger: f.trigger.Type, Route: route, Disabled: f.disabled, Fault: f.fault})
	}
	return out
}

// Done is closed when the host has stopped by itself; Err tells why.
func (h *Host) Done() <-chan struct{} { return h.done }

// Err is why the host stopped by itself, nil before.
func (h *Host) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// stopItself ends the host as the real one ends its process: nothing is received any more and calls get 500.
func (h *Host) stopItself(err error) {
	h.stopped.Do(func() {
		h.mu.Lock()
		h.err = err
		job := h.job
		h.mu.Unlock()
		h.log.host(errorLevel, err.Error())
		if job != nil {
			job.stop()
		}
		close(h.done)
	})
}
