package functionshost

import (
	"context"
	"sync"
	"time"
)

// runSingles dispatches one message per call, maxConcurrentCalls at once. Each slot is a receive link with one credit;
// another is opened when the last free one has got a message, so there is always one that waits.
func (l *entityListener) runSingles() {
	s := &slots{listener: l, max: l.host.root.config.bus.maxConcurrentCalls}
	s.add()
}

type slots struct {
	listener *entityListener
	max      int
	mu       sync.Mutex
	open     int
	waiting  int
}

// add opens one more slot if none waits and the limit allows it.
func (s *slots) add() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting > 0 || s.open >= s.max || s.listener.host.receive.Err() != nil {
		return
	}
	s.open++
	s.waiting++
	s.listener.host.running.Go(s.run)
}

// busy tells that a slot works now, wait that it waits again.
func (s *slots) busy() {
	s.mu.Lock()
	s.waiting--
	s.mu.Unlock()
	s.add()
}

func (s *slots) wait() {
	s.mu.Lock()
	s.waiting++
	s.mu.Unlock()
}

func (s *slots) run() {
	l := s.listener
	r, err := l.open()
	if err != nil {
		l.problem("Receive", err)
		return
	}
	defer closeLink(r)
	failing := false
	for l.host.receive.Err() == nil {
		got, err := r.Receive(l.host.receive, 1, time.Nanosecond)
		for _, m := range got {
			s.busy()
			l.dispatch(r, m)
			s.wait()
		}
		if len(got) > 0 {
			failing = false
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

// dispatch calls the function with one message, renews its lock meanwhile and settles it (Service Bus extension,
// recorded): success completes on the link unless autoComplete is false, failure abandons at once.
func (l *entityListener) dispatch(r receiver, m *received) {
	h, f := l.host, l.function
	i := h.begin(f, l.nameOf(1))
	body, err := bindSingle(f, l.entity, m.busMessage)
	if err != nil {
		h.finish(i, err)
	} else {
		renewing, stop := context.WithCancel(h.life)
		done := make(chan struct{})
		go func() { defer close(done); l.renew(renewing, r, m) }()
		err = h.invokeAndRetry(i, func() []byte { return body(h.options.Now()) })
		stop()
		<-done
	}
	switch {
	case err != nil:
		l.abandon(r, m)
	case f.autoComplete():
		l.complete(r, m)
	}
}

// renew extends the lock every half lock, for maxAutoLockRenewalDuration at most. A refusal is one log line and ends it.
func (l *entityListener) renew(ctx context.Context, r receiver, m *received) {
	now := l.host.options.Now
	limit := now().Add(l.host.root.config.bus.maxLockRenewal)
	for {
		half := m.lockedUntil.Sub(now()) / 2
		if half <= 0 || now().Add(half).After(limit) {
			return
		}
		t := time.NewTimer(half)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		if err := r.Renew(ctx, m); err != nil {
			if ctx.Err() == nil {
				l.problem("RenewLock", err)
			}
			return
		}
	}
}

// closeLink gives the link back; messages it still holds go back to the broker.
func closeLink(r receiver) {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	_ = r.Close(ctx)
}
