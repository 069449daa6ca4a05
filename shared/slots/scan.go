package slots

import (
	"hash/maphash"
	"math"
)

// The functions below read one thing each from position i on and return the position behind it, or refused. depth is the
// nesting of the value they read, n the node of the wanted paths it stands at (nil where nobody wants it), and base where the
// row begins whose slots n names.

// document reads a whole text.
func (s *Scanner) document(n *node, base, depth int) int {
	if len(s.src) >= math.MaxInt32 {
		return s.refuse(TooLarge)
	}
	i := s.value(s.space(0), n, base, depth)
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

func (s *Scanner) value(i int, n *node, base, depth int) int {
	if i >= len(s.src) {
		return s.refuse(Malformed)
	}
	if n == nil {
		return s.unwanted(i, depth)
	}
	var end int
	var kind Kind
	escaped := false
	at := base + n.slot
	switch c := s.src[i]; c {
	case '"':
		if end, escaped = s.str(i); end != refused && n.embedded {
			return s.embeddedIn(i, end, escaped, n, base, depth)
		}
		kind = String
	case '{':
		kind, end = Object, s.object(i, n, base, depth)
	case '[':
		kind, end = List, s.list(i, n, base, depth)
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
func (s *Scanner) unwanted(i, depth int) int {
	switch s.src[i] {
	case '"':
		end, _ := s.str(i)
		return end
	case '{':
		return s.object(i, nil, 0, depth)
	case '[':
		return s.list(i, nil, 0, depth)
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

func (s *Scanner) object(i int, n *node, base, depth int) int {
	like, follows := s.like, s.follows
	s.follows = false
	if depth > MaxDepth {
		return s.refuse(TooDeep)
	}
	if i = s.space(i + 1); i < len(s.src) && s.src[i] == '}' {
		return i + 1
	}
	m := members{node: n, base: base, depth: depth, object: s.names.open(), like: like}
	switch {
	case n != nil && base == 0 && len(n.children) > 0:
		m.shape = &s.shapes[n.slot]
		m.expected, m.spelled = m.shape.names, m.shape.text
	case follows && like.from < like.to:
		m.expected, m.spelled = s.trail[like.from:like.to], s.src
	case follows:
		m.recording, m.like = true, span{len(s.trail), len(s.trail)}
	}
	m.matching = len(m.expected) > 0
	m.recording = m.recording || m.shape != nil && !m.matching
	for count := 0; ; count++ {
		if i = s.member(i, &m, count); i == refused {
			return i
		}
		switch i = s.space(i); {
		case i < len(s.src) && s.src[i] == ',':
			i = s.space(i + 1)
		case i < len(s.src) && s.src[i] == '}':
			s.like = m.like
			return i + 1
		default:
			return s.refuse(Malformed)
		}
	}
}

// members is what is known of an object whose members are being read.
type members struct {
	node        *node
	base, depth int
	object      uint32 // its number in the set of names
	last        int    // the row of the member before, of an open object
	// expected are the names of the element before in the same list, or of the same object in the text before, as they stand in
	// spelled. As long as this object has the same names in the same order, matching, they are known: that they are all
	// different, and which are wanted.
	expected            []passed
	spelled             []byte
	matching, recording bool
	like                span   // of an element: where the trail has its names
	shape               *shape // of an object of the record: what the next text's is expected to be like
}

// shape has the names of an object, to expect them of the same object in the next text.
type shape struct {
	names []passed
	text  []byte // the names as they stood, one behind the other
}

// record adds a name to what is expected next time. The number of names is bounded, because the text chooses it.
func (s *Scanner) record(m *members, start, end int, child *node) {
	if m.shape == nil {
		s.trail = append(s.trail, passed{int32(start), int32(end), child})
		m.like.to = len(s.trail)
		return
	}
	if begin := len(m.shape.text); begin < keep {
		m.shape.text = append(m.shape.text, s.src[start:end]...)
		m.shape.names = append(m.shape.names, passed{int32(begin), int32(len(m.shape.text)), child})
	}
}

// span is a part of the trail.
type span struct{ from, to int }

// passed is a name on the trail, with its quotes and the colon behind them, and what is wanted of it.
type passed struct {
	start, end int32
	child      *node
}

// member reads one member, the one at place count of its object.
func (s *Scanner) member(i int, m *members, count int) int {
	var start, stop int32
	var child *node
	end, escaped, quote := 0, false, i
	if known := s.known(i, m, count); known != nil {
		start, stop, child = int32(i+1), int32(i)+known.end-known.start-2, known.child
		i = int(stop) + 2
		end = i - 1
	} else {
		if i >= len(s.src) || s.src[i] != '"' {
			return s.refuse(Malformed)
		}
		if end, escaped = s.str(i); end == refused {
			return end
		}
		start, stop = s.unquoted(i, end, escaped)
		name := s.name(start, stop)
		hash := maphash.Bytes(seed, name)
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
		if i++; m.recording && !escaped && i == end+1 {
			s.record(m, quote, i, child)
		}
	}
	i = s.space(i)
	if m.node != nil && m.node.open {
		m.last = s.open(m.base+m.node.slot, m.last, quote, end, escaped)
		i = s.value(i, &memberNode, m.last, m.depth+1)
	} else {
		i = s.value(i, child, m.base, m.depth+1)
	}
	if i == refused {
		return s.inMember(start, stop)
	}
	return i
}

// known returns the name at i, if it is the expected one.
func (s *Scanner) known(i int, m *members, count int) *passed {
	if !m.matching {
		return nil
	}
	if count < len(m.expected) {
		p := &m.expected[count]
		if end := i + int(p.end-p.start); end <= len(s.src) && string(s.src[i:end]) == string(m.spelled[p.start:p.end]) {
			return p
		}
	}
	s.diverge(m, count)
	return nil
}

// diverge goes on without expectations: the names so far that nobody wants are entered after all.
func (s *Scanner) diverge(m *members, count int) {
	m.matching = false
	for _, p := range m.expected[:count] {
		if p.child == nil {
			begin := len(s.text)
			s.text = append(s.text, m.spelled[p.start+1:p.end-2]...)
			s.enter(nameEntry{m.object, uint32(maphash.Bytes(seed, s.text[begin:]) >> 32), int32(^begin), int32(len(s.text))})
		}
	}
	if m.shape != nil {
		m.shape.names, m.shape.text = m.shape.names[:0], m.shape.text[:0] // the next text's is like this one, or like none
	}
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

func (s *Scanner) list(i int, n *node, base, depth int) int {
	if depth > MaxDepth {
		return s.refuse(TooDeep)
	}
	if i = s.space(i + 1); i < len(s.src) && s.src[i] == ']' {
		return i + 1
	}
	last, mark := 0, len(s.trail)
	like := span{mark, mark}
	for index := 0; ; index++ {
		object := i < len(s.src) && s.src[i] == '{'
		s.like, s.follows = like, object
		if n != nil && n.element != nil {
			last = s.link(base+n.slot, last, n.element.width)
			i = s.value(i, &n.element.root, last, depth+1)
		} else {
			i = s.value(i, nil, 0, depth+1)
		}
		if i == refused {
			return s.inElement(index)
		}
		if object {
			like = s.like
		}
		switch i = s.space(i); {
		case i < len(s.src) && s.src[i] == ',':
			i = s.space(i + 1)
		case i < len(s.src) && s.src[i] == ']':
			s.trail = s.trail[:mark]
			return i + 1
		default:
			return s.refuse(Malformed)
		}
	}
}

// embeddedIn reads the JSON that a string holds, where it stands in for its JSON.
func (s *Scanner) embeddedIn(start, end int, escaped bool, n *node, base, depth int) int {
	outer := s.src
	a, b := s.unquoted(start, end, escaped)
	s.src = s.name(a, b)
	inner := s.document(n, base, depth)
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
