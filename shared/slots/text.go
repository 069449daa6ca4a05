package slots

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special has the high bit set in the first byte of w that a string can't simply hold: a quote, a backslash, a control
// character, or a byte of a character outside ASCII. Bytes behind that one may be marked wrongly. Only bytes outside ASCII have
// the high bit themselves, and they are marked anyway, so what a subtraction leaves needn't be masked.
func special(w uint64) uint64 {
	quote, backslash := w^'"'*ones, w^'\\'*ones
	return ((quote - ones) | (backslash - ones) | (w - ' '*ones) | w) & highs
}

// str reads the string whose opening quote is at i and returns the position behind its closing quote.
func (s *Scanner) str(i int) (end int, escaped bool) {
	src := s.src
	for i++; ; {
		for i+8 <= len(src) {
			if found := special(binary.LittleEndian.Uint64(src[i:])); found != 0 {
				i += bits.TrailingZeros64(found) / 8
				break
			}
			for i += 8; i+16 <= len(src) && special(binary.LittleEndian.Uint64(src[i:]))|special(binary.LittleEndian.Uint64(src[i+8:])) == 0; {
				i += 16
			}
		}
		if i >= len(src) {
			return s.refuse(Malformed), false
		}
		switch c := src[i]; {
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			escaped = true
			if i = s.escape(i); i == refused {
				return i, false
			}
		case c < ' ':
			return s.refuse(Malformed), false
		case c < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && size == 1 {
				return s.refuse(InvalidUTF8), false
			}
			i += size
		}
	}
}

// escape reads an escape sequence, with a surrogate its other half too.
func (s *Scanner) escape(i int) int {
	if i+1 >= len(s.src) {
		return s.refuse(Malformed)
	}
	switch s.src[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		r, size := unicodeEscape(s.src[i:])
		if size == 0 || utf16.IsSurrogate(r) {
			return s.refuse(Malformed)
		}
		return i + size
	}
	return s.refuse(Malformed)
}

// unicodeEscape reads \uXXXX, or a pair of them that makes one character. size is 0 where there is none; a lone surrogate is
// returned as such.
func unicodeEscape(b []byte) (r rune, size int) {
	r, ok := hex4(b)
	if !ok {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		if low, ok := hex4(b[6:]); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
	}
	return r, 6
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unquoted returns the text of a string that was read, as a place that name resolves.
func (s *Scanner) unquoted(start, end int, escaped bool) (from, to int32) {
	if !escaped {
		return int32(start + 1), int32(end - 1)
	}
	begin := len(s.text)
	s.text = appendUnescaped(slices.Grow(s.text, end-start), s.src[start+1:end-1])
	return int32(^begin), int32(len(s.text))
}

// appendUnescaped appends the content of a string that was read, escapes resolved.
func appendUnescaped(dst, content []byte) []byte {
	for {
		i := indexBackslash(content)
		dst = append(dst, content[:i]...)
		if i == len(content) {
			return dst
		}
		content = content[i:]
		switch c := content[1]; c {
		case 'u':
			r, size := unicodeEscape(content)
			dst = utf8.AppendRune(dst, r)
			content = content[size:]
			continue
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		default:
			dst = append(dst, c)
		}
		content = content[2:]
	}
}

// indexBackslash returns the position of the first backslash, or the length where there is none.
func indexBackslash(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:]) ^ '\\'*ones
		if found := (w - ones) &^ w & highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(b) && b[i] != '\\'; i++ {
	}
	return i
}

// View returns bytes as a text that shares their memory: it is valid as long as nobody changes them.
func View(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// AppendQuoted appends a text as a JSON string. What isn't UTF-8 in it becomes U+FFFD.
func AppendQuoted(dst []byte, text string) []byte {
	if !isPlain(text) {
		dst, _ = jsontext.AppendQuote(dst, text) // its error says only that something became U+FFFD
		return dst
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

// isPlain reports whether a text stands in JSON as it is.
func isPlain(text string) bool {
	b := unsafe.Slice(unsafe.StringData(text), len(text))
	var all uint64
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		if special(w)&^w != 0 {
			return false
		}
		all |= w
	}
	for _, c := range b {
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
		all |= uint64(c)
	}
	return all&highs == 0 || utf8.ValidString(text)
}
