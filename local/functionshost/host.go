// Package functionshost drives a custom handler on one machine exactly as the Azure Functions host does: it reads
// host.json and the function.json of every immediate sub-folder of a script root, starts the handler, and calls it for
// Service Bus messages, timers and HTTP requests. What it reproduces, and what it leaves out, is in README.md.
package functionshost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
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
	// authLevel asks for a key that isn't here can't be called: every request gets 401.
	Keys      map[string]string
	MasterKey string
	// OnLine gets every line of the host and of the handler, one at a time.
	OnLine func(Line)
	// FunctionTimeout overrides functionTimeout of host.json (default there: 30 minutes).
	FunctionTimeout time.Duration
	// TimerStatus is a file that keeps the timers' schedule status over restarts, so that a missed run is past due.
	// Without it the status lives as long as the host.
	TimerStatus string
	// Now is the clock of timers, restart rules and metadata, time.Now by default.
	Now func() time.Time

	// source replaces the Service Bus client in tests.
	source messageSource
}

// Host is a running host. It ends by Close or by itself, as the real one does after the third crash of the handler.
type Host struct {
	options   Options
	root      *scriptRoot
	log       *logger
	settings  settings
	worker    *worker
	wire      *wire
	listener  net.Listener
	server    *http.Server
	source    messageSource
	buses     *connections
	timers    *timerStatus
	functions map[string]*function // by name in lower case

	receive context.Context // ended first: listeners take nothing new
	stop    context.CancelFunc
	life    context.Context // ended last: calls and settlements in flight
	end     context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	counts  map[string]int
	err     error
	done    chan struct{}
	stopped sync.Once
	closed  sync.Once
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
// answered the readiness request; listeners for Service Bus and timers start then. An error names what is wrong with
// the script root, or why the handler didn't get ready.
func Start(ctx context.Context, o Options) (*Host, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	path, err := filepath.Abs(o.Root)
	if err != nil {
		return nil, err
	}
	o.Root = path
	log := newLogger(o.OnLine, o.Now)
	set := newSettings(os.Environ(), o.Env)
	root, err := readScriptRoot(o.Root, set)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("functions host: %w", err)
	}
	h := &Host{options: o, root: root, log: log, settings: set, listener: listener,
		counts: map[string]int{}, done: make(chan struct{}), functions: map[string]*function{}}
	h.receive, h.stop = context.WithCancel(context.Background())
	h.life, h.end = context.WithCancel(context.Background())
	if o.FunctionTimeout > 0 {
		root.config.functionTimeout = o.FunctionTimeout
	}
	for _, f := range root.functions {
		h.functions[strings.ToLower(f.name)] = f
	}
	h.reportScriptRoot()
	h.buses = newConnections(set)
	if h.source = o.source; h.source == nil {
		h.source = h.buses
	}
	h.timers = newTimerStatus(o.TimerStatus)
	h.serveHTTP()
	if err := h.startHandler(ctx); err != nil {
		_ = h.Close()
		return nil, err
	}
	h.startListeners()
	return h, nil
}

func (h *Host) startHandler(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	h.wire = newWire(port)
	h.worker = newWorker(h, port)
	if !h.root.anyUsable() {
		h.log.host(warning, "No job functions found: no function of the script root can run, so the handler isn't started.")
		return nil
	}
	if err := h.worker.findExecutable(); err != nil {
		return err
	}
	h.running.Go(h.worker.supervise)
	select {
	case <-h.worker.firstReady:
		return nil
	case <-h.done:
		return fmt.Errorf("functions host: the handler didn't get ready: %w", h.Err())
	case <-ctx.Done():
		return fmt.Errorf("functions host: the handler didn't get ready: %w", context.Cause(ctx))
	}
}

// startListeners starts what waits for work other than HTTP, one loop per function.
func (h *Host) startListeners() {
	for _, f := range h.root.functions {
		if f.fault != "" || f.disabled {
			continue
		}
		switch f.trigger.Type {
		case triggerServiceBus:
			h.listenServiceBus(f)
		case triggerTimer:
			h.running.Go(func() { h.runTimer(f) })
		}
	}
	h.log.host(information, "Job host started")
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
func (h *Host) HandlerPID() int { return h.worker.pid() }

// KillHandler kills the handler as a crash would (SIGKILL): calls in flight fail, it is restarted, and the host counts
// the crash; after the third within the rules the host stops. It returns when the process is gone.
func (h *Host) KillHandler() error { return h.worker.kill() }

// Functions lists the functions of the script root in the order of their names.
func (h *Host) Functions() []Function {
	var out []Function
	for _, f := range h.root.functions {
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
		h.mu.Unlock()
		h.log.host(errorLevel, err.Error())
		h.stop()
		close(h.done)
	})
}

// drainTime bounds how long Close waits for calls in flight to be settled after the handler is gone.
const drainTime = 5 * time.Second

// Close stops receiving, kills the handler (SIGKILL: it never gets a signal it could catch), lets what was in flight
// fail and be abandoned, and waits until nothing is left. It may be called more than once.
func (h *Host) Close() error {
	var err error
	h.closed.Do(func() {
		h.stop()
		if h.worker != nil {
			h.worker.shutdown()
		}
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		if e := h.server.Shutdown(ctx); e != nil && !errors.Is(e, context.DeadlineExceeded) {
			err = e
		}
		_ = h.server.Close()
		idle := make(chan struct{})
		go func() { h.running.Wait(); close(idle) }()
		select {
		case <-idle:
		case <-ctx.Done():
		}
		h.end()
		<-idle
		if h.wire != nil {
			h.wire.close()
		}
		h.buses.close()
	})
	return err
}

func (h *Host) reportScriptRoot() {
	for _, w := range h.root.warnings {
		h.log.host(warning, w)
	}
	for _, f := range h.root.functions {
		if f.fault != "" {
			h.log.host(errorLevel, fmt.Sprintf("The '%s' function is in error: %s", f.name, f.fault))
			continue
		}
		for _, w := range f.warnings {
			h.log.host(warning, fmt.Sprintf("Function '%s': %s", f.name, w))
		}
	}
}
