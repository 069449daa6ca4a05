package event

import (
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"
)

// sequenceAttribute names the extension that orders the versions of one record: a string, compared byte by byte.
const sequenceAttribute = "sequence"

// attributes are a CloudEvent without its data.
type attributes struct {
	id, kind, source, subject string
	time                      time.Time
	sequence                  string
}

func (a attributes) event(body []byte) ce.Event {
	e := ce.New(ce.CloudEventsVersionV1)
	e.SetID(a.id)
	e.SetType(a.kind)
	e.SetSource(a.source)
	e.SetTime(a.time)
	if a.subject != "" {
		e.SetSubject(a.subject)
	}
	e.SetExtension(sequenceAttribute, a.sequence)
	e.SetDataContentType(ce.ApplicationJSON)
	e.DataEncoded = body
	return e
}
