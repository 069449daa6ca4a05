package functionshost

import (
	"context"
	"errors"
	"time"
)

// Close stops receiving, kills the handler (SIGKILL: it never gets a signal it could catch), lets what was in flight
// fail and be abandoned, and waits until nothing is left. It may be called more than once.
func (h *Host) Close() error {
	var err error
	h.closed.Do(func() {
		h.end()
		h.restarting.Lock() // a restart that runs ends first
		defer h.restarting.Unlock()
		job := h.current()
		gone := make(chan struct{})
		go func() { defer close(gone); job.close() }()
		ctx, cancel := context.WithTimeout(context.Background(), drainTime)
		defer cancel()
		if e := h.server.Shutdown(ctx); e != nil && !errors.Is(e, context.DeadlineExceeded) {
			err = e
		}
		_ = h.server.Close()
		<-gone
		h.serving.Wait()
	})
	return err
}

// Shutdown ends the host as SIGTERM ends the real one (Functions host 4.1037, recorded): no new HTTP calls, up to 31 s
// for those in flight, listeners receiving meanwhile; then up to 10 s for messages in flight; then the handler gets
// SIGKILL. What still runs then is cut off: an HTTP caller sees a reset, a message is abandoned. The real host would leave
// such a handler behind as an orphan; this one leaves nothing.
func (h *Host) Shutdown() error {
	h.log.host(information, "Application is shutting down...")
	ctx, cancel := context.WithTimeout(h.ending, h.options.HTTPGrace)
	defer cancel()
	_ = h.server.Shutdown(ctx) // what still runs is cut by Close
	job := h.current()
	job.stop()
	late := time.NewTimer(h.options.MessageGrace)
	defer late.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for h.active.Load() > h.overHTTP.Load() {
		select {
		case <-tick.C:
			continue
		case <-late.C:
		case <-h.ending.Done():
		}
		break
	}
	_ = h.server.Close() // a caller whose answer didn't come is cut off before its call fails
	return h.Close()
}

// drain stops every listener; calls in flight go on, HTTP is still served.
func (h *Host) drain() {
	job := h.current()
	h.log.host(information, "DrainMode mode enabled")
	h.draining.Store(true)
	job.stop()
}
