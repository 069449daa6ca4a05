// Package slots reads the values that a program wants from a JSON text, in one strict pass and without decoding the rest.
//
// A program says once which values it wants ([Row]); each gets a slot, a number. A [Scanner] then fills the slots of any
// number of texts: a slot holds the value's bytes as they stand, so numbers keep every digit. Nothing is allocated per
// value; a scanner that is used again allocates nothing at all for a text that is like one before and no larger.
//
// The whole text is judged, what nobody wants included. Refused are what RFC 8259 refuses, text behind the value, invalid
// UTF-8, half a surrogate pair, a name that occurs twice in one object (in any spelling: "a" and "\u0061" are one name), and
// nesting deeper than [MaxDepth]. What is accepted is a subset of what jsontext accepts. Names are compared exactly, letter
// case included.
package slots

import (
	"iter"
)

// MaxDepth is the deepest nesting of objects and lists that is read.
const MaxDepth = 64

// Kind is the JSON type of a slot's value, or why there is none.
type Kind byte

const (
	// Absent is a member that isn't there.
	Absent Kind = 0
	// Blocked is a member that can't be there, because its path leads through a text, a number, a boolean or a list.
	Blocked Kind = '!'
	// Null is a null, or a member below one.
	Null   Kind = 'n'
	False  Kind = 'f'
	True   Kind = 't'
	String Kind = '"'
	Number Kind = '0'
	Object Kind = '{'
	List   Kind = '['
)

// Slot is one wanted value.
type Slot struct {
	// Raw is the value as it stands in the text, whose memory it shares. It is nil for what is Absent or Blocked.
	Raw []byte
	// Kind is the value's type.
	Kind Kind
	// Escaped reports that a String holds escape sequences.
	Escaped bool

	first, next, width int32 // places in Scanner.slots; 0 is none, because the record itself lies there
}

// AppendText appends a String's text to dst, escapes resolved. For any other kind it appends nothing.
func (s *Slot) AppendText(dst []byte) []byte {
	switch {
	case s.Kind != String:
		return dst
	case s.Escaped:
		return appendUnescaped(dst, s.Raw[1:len(s.Raw)-1])
	}
	return append(dst, s.Raw[1:len(s.Raw)-1]...)
}

// Text returns a String's text, escapes resolved, "" for any other kind.
func (s *Slot) Text() string {
	switch {
	case s.Kind != String:
		return ""
	case s.Escaped:
		return string(appendUnescaped(make([]byte, 0, len(s.Raw)), s.Raw[1:len(s.Raw)-1]))
	}
	return string(s.Raw[1 : len(s.Raw)-1])
}

// View returns a String's text, escapes resolved, or any other value as it stands. It is valid until the next Scan and as long
// as nobody changes the text that was scanned: it shares their memory.
func (s *Scanner) View(v *Slot) string {
	switch {
	case v.Kind == String && v.Escaped:
		begin := len(s.text)
		s.text = v.AppendText(s.text)
		return View(s.text[begin:])
	case v.Kind == String:
		return View(v.Raw[1 : len(v.Raw)-1])
	}
	return View(v.Raw)
}

// Scanner fills slots. The zero value is ready; it isn't safe for use by several goroutines at once.
type Scanner struct {
	src   []byte
	slots []Slot // the record's row, then the rows of lists as they come
	names nameSet
	text  []byte // what was unescaped: strings that hold JSON, and names
	err   Error
	path  []segment // of err, innermost first

	row   *Row   // of the texts before
	shape *shape // of the texts before
	held  int    // how much there is of shapes
	texts uint32 // how many there were; a shape that was changed 2^32 texts ago isn't changed once more, that is all
}

// Scan reads one JSON text. The slots are valid until the next Scan and share the text's memory. The error is an *[Error].
func (s *Scanner) Scan(src []byte, row *Row) error {
	s.reset(src)
	s.expect(row)
	s.grow(row.width)
	end := s.document(&row.root, 0, 1, s.shape)
	s.src = nil
	if end < 0 {
		return s.refusal()
	}
	return nil
}

// Slots returns the record's slots, by the numbers that its [Row] gave out.
func (s *Scanner) Slots() []Slot { return s.slots[:s.slots[0].width:s.slots[0].width] }

// Rows returns the slots of each element of a list, in order; of [Row.Members], those of each member.
func (s *Scanner) Rows(list *Slot) iter.Seq[[]Slot] {
	return func(yield func([]Slot) bool) {
		for at := list.first; at != 0; at = s.slots[at].next {
			if !yield(s.slots[at : at+s.slots[at].width]) {
				return
			}
		}
	}
}

// keep bounds what a scanner holds on to, in elements, for its next text.
const keep = 1 << 14

func (s *Scanner) reset(src []byte) {
	s.src, s.err, s.path = src, Error{}, s.path[:0]
	s.names.reset()
	if cap(s.text) > keep*64 {
		s.text = nil
	}
	s.text = s.text[:0]
	if cap(s.slots) > keep {
		s.slots = nil
	}
	clear(s.slots)
	s.slots = s.slots[:0]
}

// grow adds an empty row and returns where it begins.
func (s *Scanner) grow(width int) int {
	at := len(s.slots)
	if at+width <= cap(s.slots) {
		s.slots = s.slots[:at+width]
	} else {
		s.slots = append(s.slots, make([]Slot, width)...)
	}
	s.slots[at].width = int32(width)
	return at
}
