package servicebus

import (
	"time"

	"crosswalk/local/servicebus/broker"
)

// Waits of the clock: the longest, and the longest on a clock that isn't the system's, which may jump at any time.
const (
	longestWait  = time.Minute
	injectedWait = 5 * time.Millisecond
)

// clock lets the broker's time pass: it calls Advance when something is due.
type clock struct {
	b     *broker.Broker
	now   func() time.Time
	limit time.Duration
	moved chan struct{} // the next deadline may have come nearer
	done  chan struct{}
}

func newClock(b *broker.Broker, now func() time.Time) *clock {
	c := &clock{b: b, now: now, limit: injectedWait, moved: make(chan struct{}, 1), done: make(chan struct{})}
	if now == nil {
		c.now, c.limit = time.Now, longestWait
	}
	b.OnDeadline(func() {
		select {
		case c.moved <- struct{}{}:
		default:
		}
	})
	return c
}

func (c *clock) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-c.moved:
		case <-c.done:
			return
		}
		wait := c.limit
		if next, ok := c.b.Advance(); ok {
			wait = min(wait, max(0, next.Sub(c.now())))
		}
		timer.Reset(wait)
	}
}

func (c *clock) stop() { close(c.done) }
