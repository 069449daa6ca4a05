package slots

// shape is what is known of the values that stood at one place of the texts before: the texts of one row are alike, and so are
// the elements of a list. Names that are expected needn't be looked up, and need no look whether they occur twice.
type shape struct {
	// names are those of an object, as they stood in text one behind the other.
	names []passed
	text  []byte
	// element is of the elements of a list.
	element *shape
	// learned is the text that names was last changed for.
	learned uint32
}

// passed is a name with its quotes and the colon behind them, what is wanted of it, and the shape of its value.
type passed struct {
	start, end int32
	child      *node
	below      *shape
}

// mostHeld bounds what a scanner holds of shapes, about in bytes: the texts choose it.
const mostHeld = 1 << 18

// costs of a name and a shape, beside the name's text.
const (
	nameHeld  = 32
	shapeHeld = 64
)

// newShape returns a shape for a value of the node n that begins with c, nil where it needs none.
func (s *Scanner) newShape(c byte, n *node) *shape {
	if nested := c == '{' || c == '[' || c == '"' && n != nil && n.embedded; !nested || s.held >= mostHeld {
		return nil
	}
	s.held += shapeHeld
	return new(shape)
}

// record adds a name to what is expected next time, and returns the shape of its value, which begins with c.
func (s *Scanner) record(to *shape, name []byte, child *node, c byte) *shape {
	if s.held += nameHeld + len(name); s.held >= mostHeld {
		return nil
	}
	begin := len(to.text)
	to.text = append(to.text, name...)
	below := s.newShape(c, child)
	to.names = append(to.names, passed{int32(begin), int32(len(to.text)), child, below})
	return below
}

// expect keeps what is known of the texts before if this one is of the same kind, and if that isn't too much.
func (s *Scanner) expect(row *Row) {
	if s.row != row || s.held >= mostHeld {
		s.row, s.held, s.shape = row, 0, new(shape)
	}
	s.texts++
}
