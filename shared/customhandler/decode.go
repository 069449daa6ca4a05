package customhandler

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// TriggerName is the name every trigger binding has in function.json.
const TriggerName = "in"

// ShapeError says that an invocation isn't what the Functions host sends. It is the host's or the deployment's fault, not
// the message's: most often a function.json without "dataType": "binary".
type ShapeError struct {
	Field   string // where in the invocation, such as "Metadata.LockToken"
	Problem string // what is wrong, without the value
}

// Error returns field and problem.
func (e *ShapeError) Error() string { return e.Field + ": " + e.Problem }

// request is one invocation: POST /<function> with {"Data":{…},"Metadata":{…}} (Functions host 4.1037, recorded traffic).
type request struct {
	function, invocation string

	Data     map[string]jsontext.Value
	Metadata map[string]jsontext.Value
}

func decode(function, invocation string, body []byte) (*request, error) {
	r := &request{function: function, invocation: invocation}
	// The host's own keys never repeat while every trigger is binary, so a duplicate is a fault here too.
	if err := jsonv2.Unmarshal(body, r); err != nil {
		return nil, &ShapeError{Field: "invocation", Problem: "no JSON object with Data and Metadata"}
	}
	return r, nil
}

func (r *request) message() (Message, error) {
	m := Message{Function: r.function, Invocation: r.invocation}
	text, err := stringOf(r.Data[TriggerName])
	if err != nil {
		return m, &ShapeError{Field: "Data." + TriggerName, Problem: `no string; function.json needs a trigger named "in" with "dataType": "binary"`}
	}
	if m.Body, err = base64.StdEncoding.DecodeString(text); err != nil {
		return m, &ShapeError{Field: "Data." + TriggerName, Problem: `no base64; function.json needs "dataType": "binary"`}
	}
	get := func(key string) jsontext.Value { return r.Metadata[key] }
	return m, m.fill(get, "")
}

func (r *request) messages() ([]Message, error) {
	bodies, err := arrayOf(r.Data[TriggerName])
	if err != nil {
		return nil, &ShapeError{Field: "Data." + TriggerName, Problem: `no array; function.json needs "cardinality": "many" and "dataType": "binary"`}
	}
	columns := map[string][]jsontext.Value{}
	for _, key := range metadataKeys {
		raw, ok := r.Metadata[key+"Array"]
		if !ok {
			continue
		}
		values, err := arrayOf(raw)
		if err != nil || len(values) != len(bodies) {
			return nil, &ShapeError{Field: "Metadata." + key + "Array", Problem: fmt.Sprintf("no array of %d values, one per message", len(bodies))}
		}
		columns[key] = values
	}
	out := make([]Message, len(bodies))
	for i := range bodies {
		m := Message{Function: r.function, Invocation: r.invocation}
		text, err := stringOf(bodies[i])
		if err == nil {
			m.Body, err = base64.StdEncoding.DecodeString(text)
		}
		if err != nil {
			return nil, &ShapeError{Field: fmt.Sprintf("Data.%s[%d]", TriggerName, i), Problem: `no base64; function.json needs "dataType": "binary"`}
		}
		get := func(key string) jsontext.Value {
			if c := columns[key]; c != nil {
				return c[i]
			}
			return nil
		}
		if err := m.fill(get, fmt.Sprintf("Array[%d]", i)); err != nil {
			return nil, err
		}
		out[i] = m
	}
	return out, nil
}

// metadataKeys are the keys of the Service Bus trigger that a Message is made of; in a batch each has "Array" behind it.
// Extension 5.x has ApplicationProperties and Subject, 4.x only UserProperties and Label.
var metadataKeys = []string{
	"LockToken", "DeliveryCount", "SequenceNumber", "EnqueuedTimeUtc", "MessageId", "CorrelationId", "ContentType",
	"Subject", "Label", "ApplicationProperties", "UserProperties",
}

func (m *Message) fill(get func(string) jsontext.Value, suffix string) error {
	fail := func(key, problem string) error {
		return &ShapeError{Field: "Metadata." + key + suffix, Problem: problem}
	}
	token, err := uuid.Parse(text(get("LockToken")))
	if err != nil {
		return fail("LockToken", "no GUID, so the message could not be settled")
	}
	m.LockToken = token
	if m.DeliveryCount, err = number[int](get("DeliveryCount")); err != nil {
		return fail("DeliveryCount", "no whole number")
	}
	if m.SequenceNumber, err = number[int64](get("SequenceNumber")); err != nil {
		return fail("SequenceNumber", "no whole number")
	}
	if m.EnqueuedTime, err = parseTime(text(get("EnqueuedTimeUtc"))); err != nil {
		return fail("EnqueuedTimeUtc", "no time")
	}
	m.MessageID, m.CorrelationID, m.ContentType = text(get("MessageId")), text(get("CorrelationId")), text(get("ContentType"))
	if m.Subject = text(get("Subject")); m.Subject == "" {
		m.Subject = text(get("Label"))
	}
	raw := get("ApplicationProperties")
	if len(raw) == 0 {
		raw = get("UserProperties")
	}
	if m.Properties, err = properties(raw); err != nil {
		return fail("ApplicationProperties", "no object")
	}
	return nil
}

func properties(raw jsontext.Value) (map[string]any, error) {
	out := map[string]any{}
	if len(raw) == 0 || raw.Kind() == 'n' {
		return out, nil
	}
	var values map[string]jsontext.Value
	if err := jsonv2.Unmarshal(raw, &values); err != nil {
		return nil, err
	}
	for key, v := range values {
		switch v.Kind() {
		case 'n':
			out[key] = nil
		case 't', 'f':
			out[key] = v.Kind() == 't'
		case '0':
			out[key] = json.Number(string(v))
		case '"':
			s, err := stringOf(v)
			if err != nil {
				return nil, err
			}
			out[key] = s
		}
	}
	return out, nil
}

// text unwraps a metadata string. The host encodes a .NET string twice ("\"abc\""), other types once.
func text(v jsontext.Value) string {
	s, err := stringOf(v)
	if err != nil {
		return ""
	}
	if inner, err := stringOf(jsontext.Value(s)); err == nil {
		return inner
	}
	return s
}

func number[T int | int64](v jsontext.Value) (T, error) {
	var n T
	s := string(v)
	if v.Kind() == '"' {
		s = text(v)
	}
	err := json.Unmarshal([]byte(s), &n)
	return n, err
}

func stringOf(v jsontext.Value) (string, error) {
	if len(v) == 0 || v.Kind() != '"' {
		return "", fmt.Errorf("no string")
	}
	var s string
	err := jsonv2.Unmarshal(v, &s)
	return s, err
}

// arrayOf reads an array, or a string that holds one, as the host sends it.
func arrayOf(v jsontext.Value) ([]jsontext.Value, error) {
	if v.Kind() == '"' {
		s, err := stringOf(v)
		if err != nil {
			return nil, err
		}
		v = jsontext.Value(s)
	}
	var out []jsontext.Value
	if v.Kind() != '[' {
		return nil, fmt.Errorf("no array")
	}
	err := jsonv2.Unmarshal(v, &out)
	return out, err
}

// parseTime reads the host's DateTime, which has no zone and is UTC, and a DateTimeOffset.
func parseTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339Nano, s+"Z")
}
