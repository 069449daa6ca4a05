package functionshost

import (
	"context"
	"sync/atomic"
)

// throttle keeps HTTP calls within extensions.http of host.json.
type throttle struct {
	slots       chan struct{} // nil: no limit
	outstanding atomic.Int64
	most        int64 // of those that run or wait; -1: no limit
}

func newThrottle(cfg hostConfig) *throttle {
	t := &throttle{most: int64(cfg.maxOutstanding)}
	if cfg.maxRequests > 0 {
		t.slots = make(chan struct{}, cfg.maxRequests)
	}
	return t
}

// enter waits for a slot. It gives false when too many wait already, or the caller has left; true asks for leave.
func (t *throttle) enter(ctx context.Context) bool {
	if n := t.outstanding.Add(1); t.most > 0 && n > t.most {
		t.outstanding.Add(-1)
		return false
	}
	if t.slots == nil {
		return true
	}
	select {
	case t.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		t.outstanding.Add(-1)
		return false
	}
}

func (t *throttle) leave() {
	t.outstanding.Add(-1)
	if t.slots != nil {
		<-t.slots
	}
}
