package slots

import "hash/maphash"

// Row says which values are wanted of one value, most often an object: of the record itself, or of each element of a list.
// Slot 0 is that value as a whole. A row is complete before the first scan with it and never changed after; then any number
// of scanners may use it at once.
type Row struct {
	root  node
	width int
}

// NewRow returns a row that wants nothing but the value as a whole.
func NewRow() *Row { return &Row{width: 1} }

// Value returns the slot of the value at path, names from the outside in; of the whole value for an empty path.
//
// An object or a list there is kept as it stands. A null on the way makes it Null, anything else but an object Blocked.
func (r *Row) Value(path ...string) int { return r.at(path).slot }

// List returns the slot of the list at path and the row of its elements. An element that is no object has a slot 0 all the
// same; its other slots are Null or Blocked.
func (r *Row) List(path ...string) (slot int, element *Row) {
	n := r.at(path)
	if n.element == nil {
		n.element = NewRow()
	}
	return n.slot, n.element
}

// The slots of a member in the rows of [Row.Members].
const (
	MemberValue = 0
	MemberName  = 1
)

// Members returns the slot of the object at path, all of whose members are wanted, whatever their names: [Scanner.Rows] gives
// a row with [MemberValue] and [MemberName] for each. Nothing below that object can be wanted beside it.
func (r *Row) Members(path ...string) int {
	n := r.at(path)
	n.open = true
	return n.slot
}

// Embedded says that the value at path may come as a string that holds JSON, and that this JSON is meant: its slot and those
// below it are filled as if it stood there itself.
func (r *Row) Embedded(path ...string) { r.at(path).embedded = true }

func (r *Row) at(path []string) *node {
	n := &r.root
	for _, name := range path {
		n = n.child(name, r)
	}
	return n
}

// node is one level of the wanted paths. Each has a slot, wanted or only passed: a slot that is filled already is how a name
// that occurs twice shows.
type node struct {
	name     string
	slot     int
	children []*node
	table    []*node // children by hash, open addressing, at least half empty
	element  *Row
	open     bool
	embedded bool
}

// seed makes it impossible to choose names that collide.
var seed = maphash.MakeSeed()

func (n *node) child(name string, r *Row) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	c := &node{name: name, slot: r.width}
	r.width++
	n.children = append(n.children, c)
	if 2*len(n.children) > len(n.table) {
		n.table = make([]*node, max(4, 2*len(n.table)))
		for _, c := range n.children {
			n.enter(c)
		}
	} else {
		n.enter(c)
	}
	return c
}

func (n *node) enter(c *node) {
	mask := uint64(len(n.table) - 1)
	i := maphash.String(seed, c.name) & mask
	for n.table[i] != nil {
		i = (i + 1) & mask
	}
	n.table[i] = c
}

// find returns the child of this name, nil if nobody wants it.
func (n *node) find(hash uint64, name []byte) *node {
	if len(n.table) == 0 {
		return nil
	}
	mask := uint64(len(n.table) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		c := n.table[i]
		if c == nil || c.name == string(name) {
			return c
		}
	}
}
