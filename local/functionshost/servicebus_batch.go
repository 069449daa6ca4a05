package functionshost

import (
	"context"
	"time"
)

// batchFill is how long a batch waits for more after its first message. The extension waits less (about 20 ms), but its
// broker is faster than one on a busy developer's machine.
const batchFill = 100 * time.Millisecond

// runBatches dispatches up to maxMessageBatchSize messages per call, one call at a time. Locks aren't renewed.
func (l *entityListener) runBatches() {
	size := l.batchSize()
	r, err := l.open()
	if err != nil {
		l.problem("Receive", err)
		return
	}
	defer closeLink(r)
	failing := false
	for l.host.receive.Err() == nil {
		got, err := l.receiveBatch(r, size)
		if len(got) > 0 {
			failing = false
			l.dispatchBatch(r, got)
			continue
		}
		if err == nil || l.host.receive.Err() != nil {
			continue
		}
		if !failing {
			l.problem("Receive", err)
		}
		failing = true
		if !l.pause() {
			return
		}
	}
}

func (l *entityListener) batchSize() int {
	if n := l.function.trigger.MaxMessageBatchSize; n != nil && *n > 0 {
		return *n
	}
	return l.host.root.config.bus.maxMessageBatchSize
}

// receiveBatch waits for a first message and takes what is there; with minMessageBatchSize it waits for more, up to
// maxBatchWaitTime.
func (l *entityListener) receiveBatch(r receiver, size int) ([]*received, error) {
	got, err := r.Receive(l.host.receive, size, batchFill)
	least := min(l.host.root.config.bus.minMessageBatchSize, size)
	if len(got) == 0 || len(got) >= least {
		return got, err
	}
	ctx, cancel := context.WithTimeout(l.host.receive, l.host.root.config.bus.maxBatchWait)
	defer cancel()
	for len(got) < least && ctx.Err() == nil {
		more, err := r.Receive(ctx, size-len(got), batchFill)
		got = append(got, more...)
		if err != nil {
			break
		}
	}
	return got, nil
}

// dispatchBatch calls the function with a batch and settles it: success completes each message unless autoComplete is
// false; failure abandons all of them (extension 5.x by reading; 4.x abandons nothing when autoComplete is false).
func (l *entityListener) dispatchBatch(r receiver, got []*received) {
	h, f := l.host, l.function
	i := h.begin(f, l.nameOf(len(got)))
	all := make([]*busMessage, len(got))
	for n, m := range got {
		all[n] = m.busMessage
	}
	body, err := bindBatch(f, l.entity, all)
	if err != nil {
		h.finish(i, err)
	} else {
		err = h.invokeAndRetry(i, func() []byte { return body(h.options.Now()) })
	}
	switch {
	case err != nil:
		for _, m := range got {
			l.abandon(r, m)
		}
	case f.autoComplete():
		l.completeBatch(r, got)
	}
}

// completeBatch completes each message with one disposition. A refused one is logged as the extension logs it, and the
// others go on.
func (l *entityListener) completeBatch(r receiver, got []*received) {
	for _, m := range got {
		if err := r.Complete(l.host.life, m); err != nil {
			l.host.log.host(errorLevel, "An unhandled exception occurred in the message batch receive loop: "+err.Error())
		}
	}
}
