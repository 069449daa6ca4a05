package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"crosswalk/shared/fault"
)

// The names of the AMQP binding's application properties are the attributes' names behind a prefix. Senders may write
// the second form, for consumers that can't have a colon in a name.
const (
	prefix            = "cloudEvents:"
	alternativePrefix = "cloudEvents_"
)

// DataRefProperty is the application property that holds where a message's body is, when it isn't in the message
// itself (claim check).
const DataRefProperty = prefix + "dataref"

// ToProperties returns the application properties that carry e's attributes on Service Bus: CloudEvents AMQP protocol
// binding 1.0, binary mode. Times are RFC 3339 text in UTC. The content type and the data travel outside of them.
func ToProperties(e ce.Event) map[string]any {
	p := map[string]any{
		prefix + "specversion": e.SpecVersion(),
		prefix + "id":          e.ID(),
		prefix + "type":        e.Type(),
		prefix + "source":      e.Source(),
	}
	if s := e.Subject(); s != "" {
		p[prefix+"subject"] = s
	}
	if t := e.Time(); !t.IsZero() {
		p[prefix+"time"] = types.FormatTime(t)
	}
	if s := e.DataSchema(); s != "" {
		p[prefix+"dataschema"] = s
	}
	for name, v := range e.Extensions() {
		if text, err := types.Format(v); err == nil {
			p[prefix+name] = text
		}
	}
	return p
}

// FromProperties is the way back: it returns the event that a message's application properties, content type and body
// carry. Properties that aren't CloudEvents attributes are left out. A message whose body was put elsewhere gives an
// event without data and with the extension dataref. The event's data share body's memory.
//
// Errors are Permanent: field-missing or bad-value, the property's name as Field.
func FromProperties(props map[string]any, contentType string, body []byte) (ce.Event, error) {
	e := ce.New(ce.CloudEventsVersionV1)
	seen := map[string]bool{}
	for property, v := range props {
		name, ok := strings.CutPrefix(property, prefix)
		if !ok {
			name, ok = strings.CutPrefix(property, alternativePrefix)
		}
		if !ok || v == nil {
			continue
		}
		text, err := propertyText(v)
		if err == nil {
			err = setAttribute(&e, name, text)
		}
		if err != nil {
			return ce.Event{}, &fault.Error{Kind: fault.Permanent, Reason: "bad-value", Field: printable(property),
				Detail: "the application property holds no value that this CloudEvents attribute may have", Err: err}
		}
		seen[name] = text != ""
	}
	for _, name := range [...]string{"specversion", "id", "type", "source"} {
		if !seen[name] {
			return ce.Event{}, fault.Reject("field-missing", prefix+name, "the application property is missing or blank: the message is no CloudEvent")
		}
	}
	if contentType != "" {
		e.SetDataContentType(contentType)
	}
	if len(body) > 0 {
		e.DataEncoded = body
	}
	return e, nil
}

// setAttribute sets one attribute from its text.
func setAttribute(e *ce.Event, name, text string) error {
	if text == "" {
		return nil
	}
	switch name {
	case "specversion":
		if text != ce.CloudEventsVersionV1 {
			return fmt.Errorf("specversion is not %s", ce.CloudEventsVersionV1)
		}
	case "id":
		return e.Context.SetID(text)
	case "type":
		return e.Context.SetType(text)
	case "source":
		return e.Context.SetSource(text)
	case "subject":
		return e.Context.SetSubject(text)
	case "dataschema":
		return e.Context.SetDataSchema(text)
	case "time":
		t, err := types.ParseTime(text)
		if err != nil {
			return err
		}
		return e.Context.SetTime(t)
	default:
		return e.Context.SetExtension(name, text)
	}
	return nil
}

// propertyText returns the text of a property as the SDK (AMQP types) or the Functions host (JSON types) hands it over.
func propertyText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case time.Time:
		return types.FormatTime(v.UTC()), nil
	case bool, int32, int64, uint64, float64:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("a property of type %T", v)
}

// printable returns a property's name as a fault may show it.
func printable(property string) string {
	if strings.ContainsFunc(property, func(r rune) bool { return notIdentifier(r) && r != ':' }) || len(property) > maxName {
		return prefix + "*"
	}
	return property
}
