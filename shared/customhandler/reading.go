package customhandler

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// reading takes in bodies. Small ones have memory of their own. Large ones take turns: as many as there are CPUs are read and
// decoded at a time, in memory that stays, so that many batches at once need little more than one.
type reading struct {
	small sync.Pool
	turns chan *invocation
	limit int // in bytes
}

// Sizes in bytes, and the time after which a large body is read although it isn't its turn, because the one before doesn't arrive.
const (
	firstRead = 8 << 10
	large     = 64 << 10
	keptSize  = 4 << 20 // larger memory isn't kept
	patience  = 250 * time.Millisecond
)

func newReading(turns int) *reading {
	r := &reading{turns: make(chan *invocation, turns), limit: MaxRequest}
	r.small.New = func() any { return &invocation{pool: &r.small, body: make([]byte, 0, firstRead)} }
	for range turns {
		r.turns <- &invocation{turn: r.turns}
	}
	return r
}

// errUnread is a body that wasn't read to its end.
var errUnread = errors.New("the body could not be read to its end")

// read takes in a body, whose length is known or -1. The caller releases what it returns.
func (r *reading) read(body io.Reader, length int64) (*invocation, error) {
	v := r.small.Get().(*invocation)
	v.body = v.body[:0]
	if length >= large && length <= int64(r.limit) {
		v = r.enlarge(v, length+1) // one more, so that the end shows without growing
	}
	for {
		if len(v.body) == cap(v.body) {
			v = r.enlarge(v, 2*int64(cap(v.body)))
		}
		n, err := body.Read(v.body[len(v.body):cap(v.body)])
		v.body = v.body[:len(v.body)+n]
		switch {
		case len(v.body) > r.limit:
			v.release()
			return nil, fmt.Errorf("%w: it has more than %d bytes", errUnread, r.limit)
		case errors.Is(err, io.EOF):
			return v, nil
		case err != nil:
			v.release()
			return nil, fmt.Errorf("%w: %w", errUnread, err)
		}
	}
}

// enlarge returns an invocation with memory for size bytes and with what v has read. For a large one it waits for a turn.
func (r *reading) enlarge(v *invocation, size int64) *invocation {
	to, taken := v, v.body
	if size > large && v.turn == nil && v.pool != nil {
		to = r.await()
	}
	if int64(cap(to.body)) < size {
		to.body = make([]byte, 0, size)
	}
	to.body = append(to.body[:0], taken...)
	if to != v {
		v.release()
	}
	return to
}

func (r *reading) await() *invocation {
	select {
	case v := <-r.turns:
		return v
	default:
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case v := <-r.turns:
		return v
	case <-limit.C:
		return new(invocation)
	}
}

// release gives back an invocation that has been decoded.
func (v *invocation) release() {
	switch {
	case v.pool != nil:
		v.pool.Put(v)
	case v.turn != nil && cap(v.body) > keptSize:
		v.turn <- &invocation{turn: v.turn}
	case v.turn != nil:
		v.turn <- v
	}
}
