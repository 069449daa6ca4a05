package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/fault"
)

// maxDepth is how deep objects and arrays may nest. What D365 sends stays below 20.
const maxDepth = 64

// decoders are reused, because a decoder's buffers cost more than reading an event does.
var decoders = sync.Pool{New: func() any { return jsontext.NewDecoder(bytes.NewReader(nil)) }}

// scanner reads one JSON text from its beginning to its end, strictly, and looks only at the members it is asked for.
type scanner struct {
	dec  *jsontext.Decoder
	body []byte
	at   string // JSON pointer of body within the message, "" for a body of its own
}

// scan calls read with a scanner over body and then makes sure that nothing follows the value that read has consumed.
func scan(body []byte, at string, read func(*scanner) error) error {
	s := &scanner{dec: decoders.Get().(*jsontext.Decoder), body: body, at: at}
	defer decoders.Put(s.dec)
	// A bytes.Buffer is read in place. The decoder never writes to it.
	s.dec.Reset(bytes.NewBuffer(body))
	defer s.dec.Reset(bytes.NewReader(nil)) // keeps no body alive
	if err := read(s); err != nil {
		return err
	}
	if _, err := s.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return fault.Reject("malformed-json", pointer(s.at), fmt.Sprintf("there is text after the end of the JSON value, before byte %d", s.dec.InputOffset()))
	}
	return nil
}

// token reads the next token.
func (s *scanner) token() (jsontext.Token, error) {
	t, err := s.dec.ReadToken()
	if err != nil {
		return t, s.syntax(err)
	}
	if s.dec.StackDepth() > maxDepth {
		return t, fault.Reject("too-deep", s.here(), fmt.Sprintf("objects and arrays nest deeper than %d", maxDepth))
	}
	return t, nil
}

// skip reads the next value, whatever it is, and returns its kind and its bytes.
func (s *scanner) skip() (jsontext.Kind, []byte, error) {
	start, depth := s.dec.InputOffset(), s.dec.StackDepth()
	first, err := s.token()
	if err != nil {
		return 0, nil, err
	}
	kind := first.Kind()
	for s.dec.StackDepth() > depth {
		if _, err := s.token(); err != nil {
			return 0, nil, err
		}
	}
	// Between two values stands white space, and a colon or a comma.
	return kind, bytes.TrimLeft(s.body[start:s.dec.InputOffset()], " \t\r\n:,"), nil
}

// members reads an object and calls member with each name; member reads the value. The name is valid until then.
func (s *scanner) members(member func(name []byte) error) error {
	if _, err := s.token(); err != nil {
		return err
	}
	for s.dec.PeekKind() != '}' {
		name, err := s.dec.ReadValue()
		if err != nil {
			return s.syntax(err)
		}
		if name, err = unquote(name); err != nil {
			return s.syntax(err)
		}
		if err := member(name); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// elements reads an array and calls element before each value; element reads it.
func (s *scanner) elements(element func(i int) error) error {
	if _, err := s.token(); err != nil {
		return err
	}
	for i := 0; s.dec.PeekKind() != ']'; i++ {
		if err := element(i); err != nil {
			return err
		}
	}
	_, err := s.token()
	return err
}

// unquote returns the text of a JSON string, in place where nothing is escaped.
func unquote(quoted []byte) ([]byte, error) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	return jsontext.AppendUnquote(nil, quoted)
}

// here returns the pointer of the value read last.
func (s *scanner) here() string { return pointer(s.at + string(s.dec.StackPointer())) }

// syntax says what is wrong with the JSON: reason, path and byte, never the text.
func (s *scanner) syntax(err error) error {
	at, offset := s.here(), s.dec.InputOffset()
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at, offset = pointer(s.at+string(syntactic.JSONPointer)), syntactic.ByteOffset
	}
	reject := func(reason, what string) error {
		return fault.Reject(reason, at, fmt.Sprintf("%s, near byte %d", what, offset))
	}
	switch bad := invalidUTF8(s.body); {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return fault.Reject("duplicate-key", at, "the object has two members of this name")
	case len(s.body) == 0:
		return fault.Reject("malformed-json", at, "the body is empty")
	case bad >= 0 && int64(bad) <= offset:
		return reject("invalid-utf8", "the text is not UTF-8")
	case isSurrogate(s.body, offset):
		return reject("invalid-utf8", "an escape is half of a surrogate pair")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return reject("malformed-json", "the text ends too early")
	}
	return reject("malformed-json", "the text is not JSON")
}

// invalidUTF8 returns the index of the first byte that is not UTF-8, or -1.
func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// isSurrogate reports whether an escape of a surrogate, \ud800 to \udfff, stands at offset.
func isSurrogate(body []byte, offset int64) bool {
	if offset < 0 || offset+4 > int64(len(body)) {
		return false
	}
	escape := strings.ToLower(string(body[offset : offset+4]))
	return strings.HasPrefix(escape, `\ud`) && strings.ContainsRune("89abcdef", rune(escape[3]))
}

// Longest path and longest name in a path that a fault shows.
const maxPointer, maxName = 300, 64

// pointer returns a JSON pointer that may be shown to people. A name that isn't a plain identifier may be data that a
// sender has put in the wrong place, so it shows as "*". The whole document is "/".
func pointer(p string) string {
	if p == "" {
		return "/"
	}
	names := strings.Split(p, "/")
	for i, name := range names {
		if strings.ContainsFunc(name, notIdentifier) || len(name) > maxName {
			names[i] = "*"
		}
	}
	p = strings.Join(names, "/")
	if len(p) > maxPointer {
		p = p[:strings.LastIndexByte(p[:maxPointer], '/')] + "/…"
	}
	return p
}

func notIdentifier(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '.' || r == '$' || r == '-')
}
