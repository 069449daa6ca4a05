package event

import (
	"strconv"

	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/fault"
)

// Parsed is what one body held: at least one event, or at least one test event.
type Parsed struct {
	// Events are to be published, in the body's order. Their data are parts of the body and share its memory, except
	// where an Event Grid envelope held them as a string.
	Events []ce.Event
	// Tests counts the test events that F&O sends when an endpoint is activated. They are received and ask for nothing.
	Tests int
}

// Parse reads one body and recognises its grammar by its shape, not by the queue it came from:
//
//	F&O business event          {"BusinessEventId":…,"EventId":…,"ControlNumber":…,…}
//	Dataverse execution context {"MessageName":"Update","PrimaryEntityName":"account",…}
//	F&O data event              an execution context with MessageName OnExternal… and a table mserp_…
//	Event Grid envelope         {"eventType":…,"data":…} or an array of them; data is one of the above, as object or string
//
// The event's id is what makes duplicates recognisable. Of a business event it is EventId, inside an envelope too. Of an
// execution context it is the head of a SHA-256 over organisation, operation, message, table, record, stage and step;
// where the context names no operation, the hash of the body stands for it.
//
// Parse is strict: invalid UTF-8, duplicate names, lone surrogates, nesting deeper than 64 and text after the end are
// refused, wherever they stand. Every error is a Permanent [fault.Error] that names the path, never a value; its reason
// is malformed-json, invalid-utf8, duplicate-key, too-deep, unknown-shape, field-missing or bad-value. Of an Event
// Grid array with one element at fault the others' events come with the error.
//
// Sources: the public documentation of business events, data events and Dataverse webhooks, and public captures.
func Parse(body []byte) (Parsed, error) {
	p := parser{}
	// A fault of the JSON wins over a fault of what it says, so reading goes on to the end before judging.
	if err := scan(body, "", func(s *scanner) error { return p.document(s) }); err != nil {
		return Parsed{}, err
	}
	return p.Parsed, p.err
}

type parser struct {
	Parsed
	err error // first fault of what the JSON says
}

// judge keeps the first fault.
func (p *parser) judge(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *parser) document(s *scanner) error {
	switch s.dec.PeekKind() {
	case '{':
		return p.object(s, true)
	case '[':
		count := 0
		err := s.elements(func(i int) error {
			count++
			return p.element(s, "/"+strconv.Itoa(i))
		})
		if err == nil && count == 0 {
			p.judge(unknownShape("", "the array is empty"))
		}
		return err
	}
	_, _, err := s.skip()
	p.judge(unknownShape("", "neither an object nor an array"))
	return err
}

// element reads one element of an array, which has to be an Event Grid envelope.
func (p *parser) element(s *scanner, at string) error {
	if s.dec.PeekKind() != '{' {
		_, _, err := s.skip()
		p.judge(unknownShape(at, "the element is no Event Grid envelope"))
		return err
	}
	m, err := readMembers(s, at)
	if err != nil {
		return err
	}
	if !m.isEnvelope() {
		p.judge(unknownShape(at, "the element is no Event Grid envelope"))
		return nil
	}
	// On its own: what is wrong with one element says nothing about its neighbours.
	one := parser{}
	one.judge(one.envelope(m))
	if one.err != nil {
		p.judge(one.err)
		return nil
	}
	p.Events, p.Tests = append(p.Events, one.Events...), p.Tests+one.Tests
	return nil
}

// object reads an event, or an envelope where one may stand.
func (p *parser) object(s *scanner, envelope bool) error {
	m, err := readMembers(s, s.at)
	if err != nil || p.err != nil {
		return err
	}
	switch {
	case m.isBusinessEvent():
		p.judge(p.businessEvent(m, s.body))
	case m.isExecutionContext():
		p.judge(p.executionContext(m, s.body))
	case envelope && m.isEnvelope():
		p.judge(p.envelope(m))
	default:
		p.judge(unknownShape(m.at, "no business event, no execution context, no Event Grid envelope"))
	}
	return nil
}

// envelope reads what an Event Grid envelope holds: an object, or by default a string that contains JSON.
func (p *parser) envelope(m *members) error {
	at := m.path(gridData)
	inner := m.values[gridData].raw
	switch m.values[gridData].kind {
	case '{':
	case '"':
		text, err := unquote(inner)
		if err != nil {
			return err // can't be: the scanner has read this string
		}
		inner = text
	case 0, 'n':
		return m.missing(gridData)
	default:
		return m.bad(gridData, "wanted an object, or a string that contains one")
	}
	return scan(inner, at, func(s *scanner) error {
		if s.dec.PeekKind() != '{' {
			if _, _, err := s.skip(); err != nil {
				return err
			}
			return unknownShape(at, "no business event, no execution context")
		}
		return p.object(s, false)
	})
}

func unknownShape(at, what string) error {
	return fault.Reject("unknown-shape", pointer(at), what)
}

// member is a top-level member that some grammar needs.
type member uint8

const (
	none member = iota
	// F&O business event.
	businessEventID
	businessEventLegalEntity
	contextRecordSubject
	controlNumber
	eventID
	eventTime
	eventTimeISO
	legalEntity
	// Dataverse execution context.
	inputParameters
	messageName
	operationCreatedOn
	operationID
	organizationName
	owningExtension
	primaryEntityID
	primaryEntityName
	contextStage
	// Event Grid envelope.
	gridData
	gridDataVersion
	gridEventTime
	gridEventType
	gridMetadataVersion
	memberCount
)

var memberNames = [memberCount]string{
	businessEventID: "BusinessEventId", businessEventLegalEntity: "BusinessEventLegalEntity",
	contextRecordSubject: "ContextRecordSubject", controlNumber: "ControlNumber", eventID: "EventId",
	eventTime: "EventTime", eventTimeISO: "EventTimeIso8601", legalEntity: "LegalEntity",
	inputParameters: "InputParameters", messageName: "MessageName", operationCreatedOn: "OperationCreatedOn",
	operationID: "OperationId", organizationName: "OrganizationName", owningExtension: "OwningExtension",
	primaryEntityID: "PrimaryEntityId", primaryEntityName: "PrimaryEntityName", contextStage: "Stage",
	gridData: "data", gridDataVersion: "dataVersion", gridEventTime: "eventTime", gridEventType: "eventType",
	gridMetadataVersion: "metadataVersion",
}

var membersByName = func() map[string]member {
	m := make(map[string]member, memberCount)
	for i := none + 1; i < memberCount; i++ {
		m[memberNames[i]] = i
	}
	return m
}()

// members are the top-level members of one object that some grammar needs.
type members struct {
	at     string // JSON pointer of the object, "" for the whole body
	values [memberCount]value
}

// value is one JSON value: its kind, 0 where the member is absent, and its exact bytes.
type value struct {
	kind jsontext.Kind
	raw  []byte
}

func readMembers(s *scanner, at string) (*members, error) {
	m := &members{at: at}
	return m, s.members(func(name []byte) error {
		i := membersByName[string(name)]
		kind, raw, err := s.skip()
		if i != none {
			m.values[i] = value{kind, raw}
		}
		return err
	})
}

// count returns how many of these members the object has, whatever their values.
func (m *members) count(of ...member) int {
	n := 0
	for _, i := range of {
		if m.values[i].kind != 0 {
			n++
		}
	}
	return n
}

// The three shapes. An object that lacks the telling member but has two others of a grammar is of that grammar, so that
// its fault is the missing field and not the shape.

func (m *members) isBusinessEvent() bool {
	return m.count(businessEventID) == 1 || m.count(eventID, controlNumber, eventTime, eventTimeISO, businessEventLegalEntity) >= 2
}

func (m *members) isExecutionContext() bool {
	return m.count(messageName, primaryEntityName) >= 1 ||
		m.count(primaryEntityID, operationCreatedOn, operationID, organizationName, inputParameters, contextStage) >= 2
}

func (m *members) isEnvelope() bool {
	return m.count(gridEventType, gridEventTime) >= 1 && m.count(gridData, gridDataVersion, gridMetadataVersion) >= 1
}

func (m *members) path(i member) string { return m.at + "/" + memberNames[i] }

func (m *members) missing(i member) error {
	return fault.Reject("field-missing", pointer(m.path(i)), "the member is missing or blank")
}

func (m *members) bad(i member, detail string) error {
	return fault.Reject("bad-value", pointer(m.path(i)), detail)
}
