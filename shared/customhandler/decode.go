package customhandler

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"crosswalk/shared/slots"

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

// invocation is one call of the host: POST /<function> with {"Data":{…},"Metadata":{…}} (Functions host 4.1037, recorded
// traffic). Its memory serves the next call, so nothing of it is left in a Message.
type invocation struct {
	function, id string

	body    []byte
	scanner slots.Scanner
	inner   slots.Scanner // for a text within a text
	values  []slots.Slot  // what the messages are made of: keyCount of each
	scratch []byte
}

var invocations = sync.Pool{New: func() any { return new(invocation) }}

// read takes in the body, whose length is known or -1.
func (v *invocation) read(body io.Reader, length int64) error {
	v.body = v.body[:0]
	if length >= int64(cap(v.body)) && length <= MaxRequest {
		v.body = make([]byte, 0, length+1) // one more, so that the end shows without growing
	}
	for {
		if len(v.body) == cap(v.body) {
			v.body = slices.Grow(v.body, 512)
		}
		n, err := body.Read(v.body[len(v.body):cap(v.body)])
		v.body = v.body[:len(v.body)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// The keys of the Service Bus trigger's metadata that a Message is made of.
const (
	lockToken = iota
	deliveryCount
	sequenceNumber
	enqueuedTime
	messageID
	correlationID
	contentType
	subject
	label
	applicationProperties
	userProperties
	keyCount
)

// keyNames are the keys' names; in a batch each has "Array" behind it. Extension 5.x has ApplicationProperties and Subject,
// 4.x only UserProperties and Label.
var keyNames = [keyCount]string{
	"LockToken", "DeliveryCount", "SequenceNumber", "EnqueuedTimeUtc", "MessageId", "CorrelationId", "ContentType",
	"Subject", "Label", "ApplicationProperties", "UserProperties",
}

// places says where in an invocation the bodies and the metadata are.
type places struct {
	row  *slots.Row
	in   int
	keys [keyCount]int
}

var single, batch = singlePlaces(), batchPlaces()

func singlePlaces() *places {
	p := &places{row: slots.NewRow()}
	p.in = p.row.Value("Data", TriggerName)
	for key, name := range keyNames {
		p.keys[key] = p.row.Value("Metadata", name)
		if key == applicationProperties || key == userProperties {
			p.row.Members("Metadata", name)
		}
	}
	return p
}

// timer is an invocation that nothing is wanted of.
var timer = &places{row: slots.NewRow()}

// batchPlaces differs in that every value is a list, or a string that holds one as JSON, which is how the host sends it.
func batchPlaces() *places {
	p := &places{row: slots.NewRow()}
	p.row.Embedded("Data", TriggerName)
	p.in, _ = p.row.List("Data", TriggerName)
	for key, name := range keyNames {
		var element *slots.Row
		p.row.Embedded("Metadata", name+"Array")
		p.keys[key], element = p.row.List("Metadata", name+"Array")
		if key == applicationProperties || key == userProperties {
			element.Members()
		}
	}
	return p
}

// scan reads the invocation's JSON. The host's own keys never repeat while every trigger is binary, so a name that occurs
// twice is a fault here too.
func (v *invocation) scan(p *places) ([]slots.Slot, error) {
	err := v.scanner.Scan(v.body, p.row)
	var refused *slots.Error
	switch {
	case errors.As(err, &refused) && refused.Path != "":
		return nil, &ShapeError{Field: refused.Path, Problem: "not the JSON that the host sends: " + string(refused.Reason)}
	case err != nil || v.scanner.Slots()[0].Kind != slots.Object:
		return nil, &ShapeError{Field: "invocation", Problem: "no JSON object with Data and Metadata"}
	}
	return v.scanner.Slots(), nil
}

// message decodes an invocation with one message.
func (v *invocation) message() (Message, error) {
	found, err := v.scan(single)
	if err != nil {
		return Message{}, err
	}
	m := Message{Function: v.function, Invocation: v.id}
	in := &found[single.in]
	if in.Kind != slots.String {
		return m, &ShapeError{Field: "Data." + TriggerName, Problem: `no string; function.json needs a trigger named "in" with "dataType": "binary"`}
	}
	var ok bool
	if m.Body, ok = v.appendBody(make([]byte, 0, bodySize(in)), in); !ok {
		return m, &ShapeError{Field: "Data." + TriggerName, Problem: `no base64; function.json needs "dataType": "binary"`}
	}
	v.values = v.values[:0]
	for _, slot := range single.keys {
		v.values = append(v.values, found[slot])
	}
	// The host encodes a .NET string twice, other types once; in a batch every value once.
	return m, v.fill(&m, v.values, v.unwrapped, -1)
}

// messages decodes an invocation with several messages. Their bodies share one piece of memory.
func (v *invocation) messages() ([]Message, error) {
	found, err := v.scan(batch)
	if err != nil {
		return nil, err
	}
	in := &found[batch.in]
	if in.Kind != slots.List {
		return nil, &ShapeError{Field: "Data." + TriggerName, Problem: `no array; function.json needs "cardinality": "many" and "dataType": "binary"`}
	}
	out, err := v.bodies(in)
	if err != nil {
		return nil, err
	}
	v.values = append(v.values[:0], make([]slots.Slot, len(out)*keyCount)...)
	for key, slot := range batch.keys {
		if found[slot].Kind != slots.Absent && !v.column(&found[slot], key, len(out)) {
			return nil, &ShapeError{Field: "Metadata." + keyNames[key] + "Array", Problem: fmt.Sprintf("no array of %d values, one per message", len(out))}
		}
	}
	for i := range out {
		if err := v.fill(&out[i], v.values[i*keyCount:(i+1)*keyCount], (*slots.Slot).Text, i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// column enters one key's value for each message; it is false where there aren't as many values as messages.
func (v *invocation) column(list *slots.Slot, key, messages int) bool {
	i := 0
	for element := range v.scanner.Rows(list) {
		if i < messages {
			v.values[i*keyCount+key] = element[0]
		}
		i++
	}
	return list.Kind == slots.List && i == messages
}

// bodies returns a message for each body.
func (v *invocation) bodies(in *slots.Slot) ([]Message, error) {
	count, size := 0, 0
	for element := range v.scanner.Rows(in) {
		count++
		size += bodySize(&element[0])
	}
	out, all := make([]Message, 0, count), make([]byte, 0, size)
	for element := range v.scanner.Rows(in) {
		begin := len(all)
		var ok bool
		if all, ok = v.appendBody(all, &element[0]); !ok {
			return nil, &ShapeError{Field: fmt.Sprintf("Data.%s[%d]", TriggerName, len(out)), Problem: `no base64; function.json needs "dataType": "binary"`}
		}
		out = append(out, Message{Function: v.function, Invocation: v.id, Body: all[begin:len(all):len(all)]})
	}
	return out, nil
}

// bodySize is the most bytes that a body in base64 can have.
func bodySize(in *slots.Slot) int { return base64.StdEncoding.DecodedLen(len(in.Raw)) }

// appendBody decodes a body; it is false for what is no base64.
func (v *invocation) appendBody(dst []byte, in *slots.Slot) ([]byte, bool) {
	if in.Kind != slots.String {
		return dst, false
	}
	text := in.Raw[1 : len(in.Raw)-1]
	if in.Escaped { // "/" can be written \/
		v.scratch = in.AppendText(v.scratch[:0])
		if text = v.scratch; bytes.ContainsAny(text, "\r\n") { // which the decoder would skip
			return dst, false
		}
	}
	dst, err := base64.StdEncoding.Strict().AppendDecode(dst, text)
	return dst, err == nil
}

// fill takes over the metadata of one message, or of a batch's message at index. text reads a string as the host writes it
// there.
func (v *invocation) fill(m *Message, values []slots.Slot, text func(*slots.Slot) string, index int) error {
	fail := func(key int, problem string) error {
		field := "Metadata." + keyNames[key]
		if index >= 0 {
			field += "Array[" + strconv.Itoa(index) + "]"
		}
		return &ShapeError{Field: field, Problem: problem}
	}
	token, err := uuid.Parse(text(&values[lockToken]))
	if err != nil {
		return fail(lockToken, "no GUID, so the message could not be settled")
	}
	m.LockToken = token
	delivery, err := whole(&values[deliveryCount], text)
	if err != nil || int64(int(delivery)) != delivery {
		return fail(deliveryCount, "no whole number")
	}
	m.DeliveryCount = int(delivery)
	if m.SequenceNumber, err = whole(&values[sequenceNumber], text); err != nil {
		return fail(sequenceNumber, "no whole number")
	}
	if m.EnqueuedTime, err = parseTime(text(&values[enqueuedTime])); err != nil {
		return fail(enqueuedTime, "no time")
	}
	m.MessageID, m.CorrelationID, m.ContentType = text(&values[messageID]), text(&values[correlationID]), text(&values[contentType])
	if m.Subject = text(&values[subject]); m.Subject == "" {
		m.Subject = text(&values[label])
	}
	from := &values[applicationProperties]
	if from.Kind == slots.Absent {
		from = &values[userProperties]
	}
	if from.Kind != slots.Object && from.Kind != slots.Null && from.Kind != slots.Absent {
		return fail(applicationProperties, "no object")
	}
	m.Properties = v.properties(from)
	return nil
}

func (v *invocation) properties(from *slots.Slot) map[string]any {
	out := map[string]any{}
	for member := range v.scanner.Rows(from) {
		name, value := member[slots.MemberName].Text(), &member[slots.MemberValue]
		switch value.Kind {
		case slots.Null:
			out[name] = nil
		case slots.True, slots.False:
			out[name] = value.Kind == slots.True
		case slots.Number:
			out[name] = json.Number(value.Raw)
		case slots.String:
			out[name] = value.Text()
		}
	}
	return out
}

// unwrapped returns a string's text, or the text of the string that is encoded in it.
func (v *invocation) unwrapped(s *slots.Slot) string {
	if !s.Escaped {
		return s.Text()
	}
	v.scratch = s.AppendText(v.scratch[:0])
	if v.inner.Scan(v.scratch, stringRow) == nil && v.inner.Slots()[0].Kind == slots.String {
		return v.inner.Slots()[0].Text()
	}
	return string(v.scratch)
}

var stringRow = slots.NewRow()

// whole reads a whole number, which is a string in an invocation with one message.
func whole(s *slots.Slot, text func(*slots.Slot) string) (int64, error) {
	if s.Kind == slots.Number {
		return strconv.ParseInt(string(s.Raw), 10, 64)
	}
	return strconv.ParseInt(text(s), 10, 64)
}

// parseTime reads the host's DateTime, which has no zone and is UTC, and a DateTimeOffset.
func parseTime(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339Nano, s+"Z")
}
