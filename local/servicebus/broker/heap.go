package broker

// heap is a binary min-heap of entries that knows where each entry stands, so that one can be taken out of the middle
// in O(log n).
type heap struct {
	items []*entry
	less  func(a, b *entry) bool
	// slot is the field of an entry that keeps its place in this heap: place + 1, so that zero means "not in it".
	slot func(*entry) *int32
}

func (h *heap) len() int { return len(h.items) }

// first returns the least entry, nil when there is none.
func (h *heap) first() *entry {
	if len(h.items) == 0 {
		return nil
	}
	return h.items[0]
}

func (h *heap) push(e *entry) {
	h.items = append(h.items, e)
	*h.slot(e) = int32(len(h.items))
	h.up(len(h.items) - 1)
}

// remove takes e out; an entry that isn't in the heap is no error.
func (h *heap) remove(e *entry) {
	i := int(*h.slot(e)) - 1
	if i < 0 {
		return
	}
	last := len(h.items) - 1
	h.swap(i, last)
	h.items[last] = nil
	h.items = h.items[:last]
	*h.slot(e) = 0
	if i < last {
		h.down(i)
		h.up(i)
	}
}

func (h *heap) swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	*h.slot(h.items[i]), *h.slot(h.items[j]) = int32(i+1), int32(j+1)
}

func (h *heap) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(h.items[i], h.items[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *heap) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.items); child++ {
			if h.less(h.items[child], h.items[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}

// newReadyHeap orders by sequence number: first in, first out.
func newReadyHeap() heap {
	return heap{
		less: func(a, b *entry) bool { return a.msg.SequenceNumber < b.msg.SequenceNumber },
		slot: func(e *entry) *int32 { return &e.readySlot },
	}
}

// newTimerHeap orders by the time something is due, and what is due at once by sequence number.
func newTimerHeap() heap {
	return heap{
		less: func(a, b *entry) bool {
			if c := a.due.Compare(b.due); c != 0 {
				return c < 0
			}
			return a.msg.SequenceNumber < b.msg.SequenceNumber
		},
		slot: func(e *entry) *int32 { return &e.timerSlot },
	}
}
