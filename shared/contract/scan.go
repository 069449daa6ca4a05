package contract

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"crosswalk/shared/fault"
	"crosswalk/shared/slots"
)

// workspace is the memory in which one record after another is mapped.
type workspace struct {
	slots.Scanner
	body
	// texts holds what is made on the way to the target, json its literals.
	texts, json []byte
	// row is what is being mapped: the record, or one row of a list.
	row []slots.Slot
	// home is where it returns to.
	home *workspaces
}

// workspaces keeps those of one contract: what its scanners know of the texts before is of no use to another's.
type workspaces struct{ free sync.Pool }

func (s *workspaces) take() *workspace {
	if w, ok := s.free.Get().(*workspace); ok {
		return w
	}
	return &workspace{home: s}
}

// mostKept bounds the memory, in bytes, that a workspace keeps for the next record.
const mostKept = 1 << 20

// release gives the workspace back. No text that came out of it may be used after.
func (w *workspace) release() {
	if cap(w.texts)+cap(w.json)+cap(w.members)+cap(w.lookups) > mostKept {
		return
	}
	w.texts, w.json, w.row = w.texts[:0], w.json[:0], nil
	w.reset()
	w.home.free.Put(w)
}

// literal appends a literal in the target's form.
func (w *workspace) literal(text string) []byte {
	begin := len(w.json)
	w.json = append(w.json, text...)
	return w.json[begin:len(w.json):len(w.json)]
}

// quoted appends a text in the target's form.
func (w *workspace) quoted(text string) []byte {
	begin := len(w.json)
	w.json = slots.AppendQuoted(w.json, text)
	return w.json[begin:len(w.json):len(w.json)]
}

// joined returns texts one behind the other. It is as valid as they are.
func (w *workspace) joined(texts ...string) string {
	begin := len(w.texts)
	for _, text := range texts {
		w.texts = append(w.texts, text...)
	}
	return slots.View(w.texts[begin:])
}

// lower returns a text in lower case.
func (w *workspace) lower(text string) string {
	begin := len(w.texts)
	for i := range len(text) {
		c := text[i]
		if c >= utf8.RuneSelf {
			w.texts = w.texts[:begin]
			return strings.ToLower(text)
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		w.texts = append(w.texts, c)
	}
	return slots.View(w.texts[begin:])
}

// scan fills the slots of one source record. The error is a fault that names the path; it holds no value of the record.
func (w *workspace) scan(src []byte, row *slots.Row) error {
	if err := w.Scan(src, row); err != nil {
		return judge(err)
	}
	if w.row = w.Slots(); w.row[0].Kind != slots.Object {
		return fault.Reject("bad-type", "", "the record is no JSON object")
	}
	return nil
}

// judge turns the scanner's error into a fault.
func judge(err error) error {
	var refused *slots.Error
	if !errors.As(err, &refused) {
		return err
	}
	detail := "the record is no well-formed JSON at this place"
	switch refused.Reason {
	case slots.DuplicateName:
		detail = "the same name occurs twice in one object, so its value is ambiguous"
	case slots.InvalidUTF8:
		detail = "the record holds bytes that are no UTF-8"
	case slots.TooDeep:
		detail = "objects and arrays are nested deeper than " + strconv.Itoa(slots.MaxDepth) + " levels"
	case slots.TooLarge:
		detail = "the record is larger than any system sends"
	}
	return fault.Reject(string(refused.Reason), cutPath(refused.Path), detail)
}

// maxPath bounds what a fault shows of a path, whose names come from the record.
const maxPath = 120

func cutPath(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return strings.ToValidUTF8(path[:maxPath], "") + "…"
}
