package functionshost

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// jobHost is what a restart replaces: the script root as read, the handler and the listeners.
type jobHost struct {
	*Host
	root     *scriptRoot
	settings settings
	worker   *worker
	wire     *wire
	source   messageSource
	buses    *connections
	throttle *throttle

	releasePort func()

	functions map[string]*function // by name in lower case
	usable    bool                 // a function could be called, if its connection were there

	receive context.Context // ended first: listeners take nothing new
	stop    context.CancelFunc
	calls   context.Context // ended with the handler: calls that hang give up
	cut     context.CancelFunc
	life    context.Context // ended last: calls and settlements in flight
	endLife context.CancelFunc
	running tasks
	closing sync.Once
}

// newJobHost reads the script root. The settings are read anew each time.
func newJobHost(host *Host) (*jobHost, error) {
	o := host.options
	set := newSettings(os.Environ(), o.Env)
	root, err := readScriptRoot(o.Root, set)
	if err != nil {
		return nil, err
	}
	port, release, err := portFor(o, root.config)
	if err != nil {
		return nil, err
	}
	if o.FunctionTimeout > 0 {
		root.config.functionTimeout = o.FunctionTimeout
	}
	h := &jobHost{Host: host, root: root, settings: set, releasePort: release, functions: map[string]*function{}}
	for _, f := range root.functions {
		h.functions[strings.ToLower(f.name)] = f
	}
	h.receive, h.stop = context.WithCancel(context.Background())
	h.calls, h.cut = context.WithCancel(context.Background())
	h.life, h.endLife = context.WithCancel(context.Background())
	h.buses = newConnections(set)
	if h.source = o.source; h.source == nil {
		h.source = h.buses
	}
	h.usable = root.anyUsable()
	h.checkConnections()
	h.wire, h.worker = newWire(port), newWorker(h, port)
	h.throttle = newThrottle(root.config)
	host.log.setLevels(root.config.levels)
	return h, nil
}

// portFor is the handler's port, held or not.
func portFor(o Options, cfg hostConfig) (port int, release func(), err error) {
	if o.HoldPort && cfg.port == 0 {
		return holdPort()
	}
	port, err = cfg.handlerPort()
	return port, func() {}, err
}

// checkConnections finds the Service Bus functions whose connection doesn't exist: that is each one's own fault only.
func (h *jobHost) checkConnections() {
	for _, f := range h.root.functions {
		if f.trigger.Type != triggerServiceBus || f.fault != "" || f.disabled {
			continue
		}
		if _, _, err := h.source.of(f.trigger); err != nil {
			f.fault = err.Error()
		}
	}
}

// start starts the handler and the listeners; early tells not to wait for the handler.
func (h *jobHost) start(ctx context.Context, early bool) error {
	h.reportScriptRoot()
	if !h.usable {
		h.log.host(warning, "No job functions found: no function of the script root can run, so the handler isn't started.")
		return nil
	}
	err := h.worker.findExecutable()
	switch {
	case err == nil:
		h.running.Go(h.worker.supervise)
	case !early:
		return err
	default: // said once; calls wait, and the first that waits for four initialization timeouts ends the host (recorded)
		h.log.host(errorLevel, "Failed to start Custom Handler process: "+err.Error())
	}
	if early {
		h.startListeners()
		return nil
	}
	select {
	case <-h.worker.firstReady:
	case <-h.done:
		return fmt.Errorf("functions host: the handler didn't get ready: %w", h.Err())
	case <-ctx.Done():
		return fmt.Errorf("functions host: the handler didn't get ready: %w", context.Cause(ctx))
	}
	h.startListeners()
	return nil
}

// startListeners starts what waits for work other than HTTP, one loop per function.
func (h *jobHost) startListeners() {
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

// drainTime bounds how long the end waits for calls in flight to be settled after the handler is gone.
const drainTime = 5 * time.Second

// close stops receiving, kills the handler, lets what was in flight fail and be abandoned, and waits until nothing is left.
func (h *jobHost) close() { h.closing.Do(h.finishAll) }

func (h *jobHost) finishAll() {
	h.stop()
	h.cut()
	h.worker.shutdown()
	idle := make(chan struct{})
	go func() { h.running.Wait(); close(idle) }()
	late := time.NewTimer(drainTime)
	defer late.Stop()
	select {
	case <-idle:
	case <-late.C:
	}
	h.endLife()
	<-idle
	h.wire.close()
	h.releasePort()
	h.buses.close()
}

func (h *jobHost) reportScriptRoot() {
	for _, w := range h.root.warnings {
		h.log.host(warning, w)
	}
	loaded := 0
	for _, f := range h.root.functions {
		if f.fault != "" {
			h.log.host(errorLevel, fmt.Sprintf("The '%s' function is in error: %s", f.name, f.fault))
			continue
		}
		loaded++
		for _, w := range f.warnings {
			h.log.host(warning, fmt.Sprintf("Function '%s': %s", f.name, w))
		}
	}
	if loaded == 0 {
		return
	}
	h.log.host(information, "Found the following functions:")
	for _, f := range h.root.functions {
		if f.fault == "" {
			h.log.host(information, "Host.Functions."+f.name)
		}
	}
}
