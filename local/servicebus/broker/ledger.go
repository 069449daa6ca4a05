package broker

import "slices"

// pageSize is how many sequence numbers a page of the ledger covers.
const pageSize = 64

// ledger finds messages by sequence number and walks them in its order. Numbers mostly come rising, so it's a list of
// pages: adding and removing at either end is O(1), finding is a binary search over the pages.
type ledger struct {
	pages []*page
	n     int
}

type page struct {
	number int64 // the sequence numbers number*pageSize … number*pageSize + pageSize-1
	n      int
	slots  [pageSize]*entry
}

// at returns the index of the first page whose number isn't below number.
func (l *ledger) at(number int64) int {
	if last := len(l.pages) - 1; last >= 0 && l.pages[last].number <= number {
		if l.pages[last].number == number {
			return last
		}
		return last + 1
	}
	i, _ := slices.BinarySearchFunc(l.pages, number, func(p *page, number int64) int {
		return int(max(-1, min(1, p.number-number)))
	})
	return i
}

func (l *ledger) add(e *entry) {
	number := e.msg.SequenceNumber / pageSize
	i := l.at(number)
	if i == len(l.pages) || l.pages[i].number != number {
		l.pages = slices.Insert(l.pages, i, &page{number: number})
	}
	p := l.pages[i]
	p.slots[e.msg.SequenceNumber%pageSize] = e
	p.n++
	l.n++
}

func (l *ledger) remove(e *entry) {
	i := l.at(e.msg.SequenceNumber / pageSize)
	p := l.pages[i]
	p.slots[e.msg.SequenceNumber%pageSize] = nil
	p.n--
	l.n--
	switch {
	case p.n > 0:
	case i == 0: // the common case, a queue that is worked off: no moving
		l.pages[0] = nil
		l.pages = l.pages[1:]
	default:
		l.pages = slices.Delete(l.pages, i, i+1)
	}
}

// find returns the entry of this number, nil when there is none.
func (l *ledger) find(sequence int64) *entry {
	if sequence < 0 {
		return nil
	}
	i := l.at(sequence / pageSize)
	if i == len(l.pages) || l.pages[i].number != sequence/pageSize {
		return nil
	}
	return l.pages[i].slots[sequence%pageSize]
}

// from yields the entries from this number on, in order. The ledger mustn't change meanwhile.
func (l *ledger) from(sequence int64) func(yield func(*entry) bool) {
	sequence = max(sequence, 0)
	return func(yield func(*entry) bool) {
		for i := l.at(sequence / pageSize); i < len(l.pages); i++ {
			p := l.pages[i]
			start := int64(0)
			if p.number == sequence/pageSize {
				start = sequence % pageSize
			}
			for _, e := range p.slots[start:] {
				if e != nil && !yield(e) {
					return
				}
			}
		}
	}
}
