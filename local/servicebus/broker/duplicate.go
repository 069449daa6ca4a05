package broker

import "time"

// history remembers message ids for a window of time. A nil history remembers nothing.
type history struct {
	window time.Duration
	ids    map[string]remembered
	order  []string // the ids as they came, oldest first
}

type remembered struct {
	sequence int64
	at       time.Time
}

func newHistory(window time.Duration) *history {
	if window <= 0 {
		return nil
	}
	return &history{window: window, ids: map[string]remembered{}}
}

// find returns the sequence number of the message that brought an id within the window before now. A duplicate doesn't
// make the window longer.
func (h *history) find(id string, now time.Time) (int64, bool) {
	if h == nil {
		return 0, false
	}
	h.forget(now)
	r, ok := h.ids[id]
	return r.sequence, ok
}

// add remembers an id that isn't remembered.
func (h *history) add(id string, sequence int64, now time.Time) {
	if h == nil {
		return
	}
	h.ids[id] = remembered{sequence, now}
	h.order = append(h.order, id)
}

// forget drops what is older than the window: each id once, so the cost per message is constant.
func (h *history) forget(now time.Time) {
	if h == nil {
		return
	}
	for len(h.order) > 0 && now.Sub(h.ids[h.order[0]].at) >= h.window {
		delete(h.ids, h.order[0])
		h.order[0] = ""
		h.order = h.order[1:]
	}
}
