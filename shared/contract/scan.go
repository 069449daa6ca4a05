package contract

import (
	"errors"
	"strconv"
	"strings"
	"sync"

	"crosswalk/shared/fault"
	"crosswalk/shared/slots"
)

var scanners = sync.Pool{New: func() any { return new(slots.Scanner) }}

// scan fills the slots of one source record. The error is a fault that names the path; it holds no value of the record.
func scan(s *slots.Scanner, src []byte, row *slots.Row) error {
	if err := s.Scan(src, row); err != nil {
		return judge(err)
	}
	if s.Slots()[0].Kind != slots.Object {
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
