package event

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"crosswalk/shared/eventtype"
)

// maxSubject is where a record's subject is cut, in bytes. A message's properties may have 64 KB in all.
const maxSubject = 1024

var (
	businessEventName = formOf(200, `^[\pL_][\pL\pN_.-]*$`)
	// A retry copy's id is the event's id with its copy number, and a message id has 128 characters at most.
	eventIDs      = formOf(100, `^[0-9A-Za-z{}_.:-]+$`)
	legalEntities = formOf(20, `^[0-9A-Za-z_-]+$`)
)

// form is what a text must look like.
type form struct {
	longest int // characters
	pattern func() *regexp.Regexp
}

// formOf keeps the length out of the pattern: {1,200} of letters of all scripts is a program of 8 MB.
// Even so they are compiled when they are first needed.
func formOf(longest int, pattern string) form {
	return form{longest, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })}
}

func (f form) fits(text string) bool {
	return utf8.RuneCountInString(text) <= f.longest && f.pattern().MatchString(text)
}

func (p *parser) businessEvent(m *members, body []byte) error {
	name, err := m.required(businessEventID, businessEventName, "wanted the class name of a business event")
	if err != nil {
		return err
	}
	if name == eventtype.TestEvent {
		p.Tests++
		return nil
	}
	id, err := m.required(eventID, eventIDs, "wanted an id of at most 100 letters, digits and - _ . : { }")
	if err != nil {
		return err
	}
	entity, err := m.legalEntity()
	if err != nil {
		return err
	}
	at, sequence, err := m.version()
	if err != nil {
		return err
	}
	subject, err := m.text(contextRecordSubject)
	if err != nil {
		return err
	}
	p.Events = append(p.Events, attributes{
		id: id, kind: eventtype.BusinessEvent(name), source: "/fno/" + entity, subject: presentable(subject), time: at, sequence: sequence,
	}.event(body))
	return nil
}

// legalEntity returns the legal entity in lower case. Workflow events and old platforms may name it in only one of two
// members, or not at all.
func (m *members) legalEntity() (string, error) {
	for _, i := range [...]member{businessEventLegalEntity, legalEntity} {
		entity, err := m.optional(i, legalEntities, "wanted the id of a legal entity")
		if entity != "" || err != nil {
			return strings.ToLower(entity), err
		}
	}
	return unknown, nil
}

// unknown stands for a legal entity or an organisation that the body doesn't name.
const unknown = "unknown"

// version returns when the event happened and the string that orders it among the events of its record: whole seconds,
// because EventTime has no more, then ControlNumber, which only rises.
func (m *members) version() (at time.Time, sequence string, err error) {
	seconds, err := m.time(eventTime)
	if err != nil {
		return at, "", err
	}
	at, err = m.time(eventTimeISO)
	if err != nil {
		return at, "", err
	}
	switch {
	case seconds.IsZero() && at.IsZero():
		return at, "", m.missing(eventTime)
	case at.IsZero():
		at = seconds
	case seconds.IsZero():
		seconds = at
	}
	v := m.values[controlNumber]
	if v.kind == 0 || v.kind == 'n' {
		return at, "", m.missing(controlNumber)
	}
	number, bad := strconv.ParseInt(string(v.raw), 10, 64)
	if v.kind != '0' || bad != nil {
		return at, "", m.bad(controlNumber, "wanted a whole number of 64 bits")
	}
	// Flipping the sign bit adds 2^63: the order of the texts is then the order of the numbers.
	return at, fmt.Sprintf("%s-%020d", seconds.Format("20060102T150405Z"), uint64(number)^1<<63), nil
}

// text returns a string member, "" where it is absent or null.
func (m *members) text(i member) (string, error) {
	switch v := m.values[i]; v.kind {
	case 0, 'n':
		return "", nil
	case '"':
		text, err := unquote(v.raw)
		return string(text), err
	}
	return "", m.bad(i, "wanted a string")
}

// optional returns a string member of that form, "" where it is absent, null or blank.
func (m *members) optional(i member, want form, wanted string) (string, error) {
	text, err := m.text(i)
	if err != nil || strings.TrimSpace(text) == "" {
		return "", err
	}
	if !want.fits(text) {
		return "", m.bad(i, wanted)
	}
	return text, nil
}

// required is optional for a member that has to be there.
func (m *members) required(i member, want form, wanted string) (string, error) {
	text, err := m.optional(i, want, wanted)
	if err == nil && text == "" {
		err = m.missing(i)
	}
	return text, err
}

// time returns a time member; the zero time where it is absent, null, blank or F&O's "not set".
func (m *members) time(i member) (time.Time, error) {
	text, err := m.text(i)
	if err != nil || strings.TrimSpace(text) == "" {
		return time.Time{}, err
	}
	t, err := ParseTime(text)
	if err != nil {
		return time.Time{}, m.bad(i, err.Error())
	}
	if IsNotSet(t) {
		return time.Time{}, nil
	}
	return t, nil
}

// presentable returns a subject as an attribute may hold it: no control characters, at most maxSubject bytes, "" if
// nothing is left. The data keep the original.
func presentable(subject string) string {
	subject = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, subject))
	if len(subject) <= maxSubject {
		return subject
	}
	end := maxSubject
	for !utf8.RuneStart(subject[end]) {
		end--
	}
	return subject[:end]
}
