package slots

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"math/bits"
)

// The functions below read one thing each from position i on and return the position behind it, or refused. depth is the
// nesting of the value they read, n the node of the wanted paths it stands at (nil where nobody wants it), and base where the
// row begins whose slots n names. expected is what is known of the value that stood in its place before, nil for nothing.

// document reads a whole text.
func (s *Scanner) document(n *node, base, depth int, expected *shape) int {
	if len(s.src) >= math.MaxInt32 {
		return s.refuse(TooLarge)
	}
	i := s.value(s.space(0), n, base, depth, expected)
	if i == refused {
		return i
	}
	if i = s.space(i); i < len(s.src) {
		return s.refuse(Malformed)
	}
	return i
}

func (s *Scanner) space(i int) int {
	for i < len(s.src) {
		if c := s.src[i]; c > ' ' || c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			break
		}
		i++
	}
	return i
}

func (s *Scanner) value(i int, n *node, base, depth int, expected *shape) int {
	if i >= len(s.src) {
		return s.refuse(Malformed)
	}
	if n == nil {
		return s.unwanted(i, depth, expected)
	}
	var end int
	var kind Kind
	escaped := false
	at := base + n.slot
	switch c := s.src[i]; c {
	case '"':
		if end, escaped = s.str(i); end != refused && n.embedded {
			return s.embeddedIn(i, end, escaped, n, base, depth, expected)
		}
		kind = String
	case '{':
		kind, end = Object, s.object(i, n, base, depth, expected)
	case '[':
		kind, end = List, s.list(i, n, base, depth, expected)
	case 't':
		kind, end = True, s.word(i, "true")
	case 'f':
		kind, end = False, s.word(i, "false")
	case 'n':
		kind, end = Null, s.word(i, "null")
	default:
		kind, end = Number, s.number(i)
	}
	if end == refused {
		return end
	}
	slot := &s.slots[at]
	slot.Raw, slot.Kind, slot.Escaped = s.src[i:end:end], kind, escaped
	if kind != Object && len(n.children) > 0 {
		s.block(n, base, kind)
	}
	return end
}

// unwanted reads a value that nobody asked for.
func (s *Scanner) unwanted(i, depth int, expected *shape) int {
	switch s.src[i] {
	case '"':
		end, _ := s.str(i)
		return end
	case '{':
		return s.object(i, nil, 0, depth, expected)
	case '[':
		return s.list(i, nil, 0, depth, expected)
	case 't':
		return s.word(i, "true")
	case 'f':
		return s.word(i, "false")
	case 'n':
		return s.word(i, "null")
	}
	return s.number(i)
}

// block fills the slots below a value that is no object.
func (s *Scanner) block(n *node, base int, kind Kind) {
	for _, c := range n.children {
		slot := &s.slots[base+c.slot]
		if slot.Kind = Blocked; kind == Null {
			slot.Kind, slot.Raw = Null, null
		}
		s.block(c, base, kind)
	}
}

var null = []byte("null")

func (s *Scanner) object(i int, n *node, base, depth int, expected *shape) int {
	if depth > MaxDepth {
		return s.refuse(TooDeep)
	}
	if i = s.space(i + 1); i < len(s.src) && s.src[i] == '}' {
		return i + 1
	}
	m := members{node: n, base: base, depth: depth + 1, expected: expected}
	if expected != nil && len(expected.names) > 0 {
		end, known := s.matching(i, &m)
		if end == refused || known {
			return end
		}
		i = end
	}
	s.diverge(&m)
	for {
		if i = s.member(i, &m); i == refused {
			return i
		}
		switch i = s.space(i); {
		case i < len(s.src) && s.src[i] == ',':
			i = s.space(i + 1)
		case i < len(s.src) && s.src[i] == '}':
			return i + 1
		default:
			return s.refuse(Malformed)
		}
	}
}

// members is what is known of an object whose members are being read.
type members struct {
	node        *node
	base, depth int    // depth is that of the members' values
	object      uint32 // its number in the set of names
	last        int    // the row of the member before, of an open object
	// expected are the names of the object that stood in this one's place before. As long as this one has the same names in the same
	// order, they are known: that they are all different, and which are wanted. count is how many are.
	expected  *shape
	count     int
	recording bool
}

// matching reads members as long as their names are the expected ones. known is true where that was all of the object; else end
// is where the first other name should begin.
func (s *Scanner) matching(i int, m *members) (end int, known bool) {
	src, text := s.src, m.expected.text
	open := m.node != nil && m.node.open
	for ; m.count < len(m.expected.names); m.count++ {
		p := &m.expected.names[m.count]
		name := i
		if i += int(p.end - p.start); i >= len(src) || string(src[name:i]) != string(text[p.start:p.end]) {
			return name, false
		}
		switch c := src[i]; {
		case open:
			m.last = s.open(m.base+m.node.slot, m.last, name, i-1, false)
			i = s.value(s.space(i), &memberNode, m.last, m.depth, nil)
		case p.child == nil && c == '"':
			i = s.skip(i)
		case p.child == nil && c-'0' <= 9:
			i = s.number(i)
		default:
			if i = s.space(i); i < len(src) && p.below == nil {
				p.below = s.newShape(src[i], p.child)
			}
			i = s.value(i, p.child, m.base, m.depth, p.below)
		}
		if i == refused {
			return s.inMember(int32(name+1), int32(name)+p.end-p.start-2), false
		}
		if i < len(src) && src[i] != ',' && src[i] != '}' {
			i = s.space(i)
		}
		switch {
		case i < len(src) && src[i] == ',':
			if i++; i < len(src) && src[i] != '"' {
				i = s.space(i)
			}
		case i < len(src) && src[i] == '}':
			return i + 1, true
		default:
			return s.refuse(Malformed), false
		}
	}
	return i, false
}

// skip is str where only the end is asked for.
func (s *Scanner) skip(i int) int {
	src := s.src
	for end := i + 1; end+8 <= len(src); end += 8 {
		if found := special(binary.LittleEndian.Uint64(src[end:])); found != 0 {
			if end += bits.TrailingZeros64(found) / 8; src[end] == '"' {
				return end + 1
			}
			break
		}
	}
	end, _ := s.str(i)
	return end
}

// diverge goes on without expectations: the names so far that nobody wants are entered after all. What follows is expected next
// time, unless this text has changed what is expected here already.
func (s *Scanner) diverge(m *members) {
	m.object = s.names.open()
	if m.expected == nil {
		return
	}
	known := m.expected.names[:m.count]
	for _, p := range known {
		if p.child == nil {
			begin := len(s.text)
			s.text = append(s.text, m.expected.text[p.start+1:p.end-2]...)
			s.enter(nameEntry{m.object, uint32(maphash.Bytes(seed, s.text[begin:]) >> 32), int32(^begin), int32(len(s.text))})
		}
	}
	if m.recording = m.expected.learned != s.texts; !m.recording {
		return
	}
	length := 0
	if m.count > 0 {
		length = int(known[m.count-1].end)
	}
	m.expected.names, m.expected.text, m.expected.learned = known, m.expected.text[:length], s.texts
}

// member reads one member whose name isn't known.
func (s *Scanner) member(i int, m *members) int {
	if i >= len(s.src) || s.src[i] != '"' {
		return s.refuse(Malformed)
	}
	quote := i
	end, escaped := s.str(i)
	if end == refused {
		return end
	}
	start, stop := s.unquoted(quote, end, escaped)
	name := s.name(start, stop)
	hash := maphash.Bytes(seed, name)
	var child *node
	if m.node != nil {
		child = m.node.find(hash, name)
	}
	if child == nil && !s.enter(nameEntry{m.object, uint32(hash >> 32), start, stop}) ||
		child != nil && s.slots[m.base+child.slot].Kind != Absent {
		s.refuse(DuplicateName)
		return s.inMember(start, stop)
	}
	if i = s.space(end); i >= len(s.src) || s.src[i] != ':' {
		return s.refuse(Malformed)
	}
	value := s.space(i + 1)
	var below *shape
	if m.recording && !escaped && i == end && value < len(s.src) {
		below = s.record(m.expected, s.src[quote:i+1], child, s.src[value])
	}
	if m.node != nil && m.node.open {
		m.last = s.open(m.base+m.node.slot, m.last, quote, end, escaped)
		i = s.value(value, &memberNode, m.last, m.depth, nil)
	} else {
		i = s.value(value, child, m.base, m.depth, below)
	}
	if i == refused {
		return s.inMember(start, stop)
	}
	return i
}

// memberNode is the value in a row of an object whose members are all wanted.
var memberNode = node{slot: MemberValue}

// open adds the row of a member to the slot of an object whose members are all wanted; last is the row before, 0 for none.
func (s *Scanner) open(owner, last, start, end int, escaped bool) int {
	at := s.link(owner, last, MemberName+1)
	name := &s.slots[at+MemberName]
	name.Raw, name.Kind, name.Escaped = s.src[start:end:end], String, escaped
	return at
}

// link adds an empty row behind the row last, or as the first row of the slot owner.
func (s *Scanner) link(owner, last, width int) int {
	at := s.grow(width)
	if last == 0 {
		s.slots[owner].first = int32(at)
	} else {
		s.slots[last].next = int32(at)
	}
	return at
}

func (s *Scanner) list(i int, n *node, base, depth int, expected *shape) int {
	if depth > MaxDepth {
		return s.refuse(TooDeep)
	}
	if i = s.space(i + 1); i < len(s.src) && s.src[i] == ']' {
		return i + 1
	}
	last := 0
	for index := 0; ; index++ {
		var element *node
		at := 0
		if n != nil && n.element != nil {
			last = s.link(base+n.slot, last, n.element.width)
			element, at = &n.element.root, last
		}
		var below *shape
		if expected != nil && i < len(s.src) {
			if expected.element == nil {
				expected.element = s.newShape(s.src[i], element)
			}
			below = expected.element
		}
		i = s.value(i, element, at, depth+1, below)
		if i == refused {
			return s.inElement(index)
		}
		switch i = s.space(i); {
		case i < len(s.src) && s.src[i] == ',':
			i = s.space(i + 1)
		case i < len(s.src) && s.src[i] == ']':
			return i + 1
		default:
			return s.refuse(Malformed)
		}
	}
}

// embeddedIn reads the JSON that a string holds, where it stands in for its JSON.
func (s *Scanner) embeddedIn(start, end int, escaped bool, n *node, base, depth int, expected *shape) int {
	outer := s.src
	a, b := s.unquoted(start, end, escaped)
	s.src = s.name(a, b)
	inner := s.document(n, base, depth, expected)
	s.src = outer
	if inner == refused {
		return inner
	}
	return end
}

func (s *Scanner) word(i int, word string) int {
	if end := i + len(word); end <= len(s.src) && string(s.src[i:end]) == word {
		return end
	}
	return s.refuse(Malformed)
}

func (s *Scanner) number(i int) int {
	src := s.src
	if i < len(src) && src[i] == '-' {
		i++
	}
	switch {
	case i < len(src) && src[i] == '0':
		i++
	default:
		end := digits(src, i)
		if end == i {
			return s.refuse(Malformed)
		}
		i = end
	}
	if i < len(src) && src[i] == '.' {
		end := digits(src, i+1)
		if end == i+1 {
			return s.refuse(Malformed)
		}
		i = end
	}
	if i < len(src) && src[i]|0x20 == 'e' {
		if i++; i < len(src) && (src[i] == '+' || src[i] == '-') {
			i++
		}
		end := digits(src, i)
		if end == i {
			return s.refuse(Malformed)
		}
		i = end
	}
	return i
}

func digits(src []byte, i int) int {
	for i < len(src) && src[i]-'0' <= 9 {
		i++
	}
	return i
}
