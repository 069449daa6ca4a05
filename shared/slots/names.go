package slots

import "bytes"

// nameSet holds the names of the objects that are being read, to find those that occur twice. One table serves all objects
// of all texts: an entry counts only for the object it was made for, so nothing is ever taken out.
type nameSet struct {
	table  []nameEntry // open addressing, at least half empty
	object uint32      // the object that was opened last, counted over all texts
	floor  uint32      // entries up to this object are of earlier texts, and so empty
	used   int
}

// nameEntry is one name: bytes start to end of the text, or, if start is negative, of Scanner.text from ^start on.
type nameEntry struct {
	object     uint32
	hash       uint32
	start, end int32
}

func (n *nameSet) reset() {
	n.floor, n.used = n.object, 0
	if len(n.table) > keep || n.object > 1<<31 {
		*n = nameSet{}
	}
}

// open returns the number of a new object.
func (n *nameSet) open() uint32 {
	n.object++
	return n.object
}

func (n *nameSet) first(object, hash uint32) int {
	return int(hash^object*0x9E3779B1) & (len(n.table) - 1)
}

func (n *nameSet) double() {
	old := n.table
	n.table = make([]nameEntry, max(64, 2*len(old)))
	for _, e := range old {
		if e.object > n.floor {
			i := n.first(e.object, e.hash)
			for n.table[i].object > n.floor {
				i = (i + 1) & (len(n.table) - 1)
			}
			n.table[i] = e
		}
	}
}

// enter adds a name to an object; it is false where the name is there already.
func (s *Scanner) enter(add nameEntry) bool {
	n := &s.names
	if 2*(n.used+1) > len(n.table) {
		n.double()
	}
	for i := n.first(add.object, add.hash); ; i = (i + 1) & (len(n.table) - 1) {
		e := &n.table[i]
		if e.object <= n.floor {
			n.used++
			*e = add
			return true
		}
		if e.object == add.object && e.hash == add.hash && bytes.Equal(s.name(e.start, e.end), s.name(add.start, add.end)) {
			return false
		}
	}
}

// name returns a name by its place, as nameEntry has it.
func (s *Scanner) name(start, end int32) []byte {
	if start < 0 {
		return s.text[^start:end]
	}
	return s.src[start:end]
}
