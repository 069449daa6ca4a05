package customhandler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"crosswalk/shared/slots"

	"github.com/google/uuid"
	"github.com/segmentio/asm/base64"
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
// traffic). Its memory serves the next call; what messages keep is kept and the bodies' memory.
type invocation struct {
	function, id string
	pool         *sync.Pool       // where it returns to, or
	turn         chan *invocation // where it lets the next one have its turn, or neither

	body    []byte
	scanner slots.Scanner
	inner   slots.Scanner     // for a text within a text
	values  []slots.Slot      // what the messages are made of: keyCount of each
	encoded [][]byte          // the bodies in base64
	scratch []byte            // a text whose escapes had to be resolved
	names   map[string]string // properties' names, which are the same for every message
	kept    []byte            // the messages' texts, never changed, only appended to
	room    int               // what the texts of one message needed at most, so far
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
	applicationProperties
	keyCount
)

// The keys' names; in a batch each has "Array" behind it. Extension 5.x has all of these, 4.x only the older ones.
var (
	keyNames      = [keyCount]string{"LockToken", "DeliveryCount", "SequenceNumber", "EnqueuedTimeUtc", "MessageId", "CorrelationId", "ContentType", "Subject", "ApplicationProperties"}
	olderKeyNames = [keyCount]string{"LockToken", "DeliveryCount", "SequenceNumber", "EnqueuedTimeUtc", "MessageId", "CorrelationId", "ContentType", "Label", "UserProperties"}
)

// places says where in an invocation the bodies and the metadata are.
type places struct {
	row       *slots.Row
	in        int
	names     [keyCount]string
	keys      [keyCount]int
	olderKeys int // the older properties, to know whether they are all there is
	older     *places
}

var single, batch = singlePlaces(keyNames), batchPlaces(keyNames)

func init() { single.older, batch.older = singlePlaces(olderKeyNames), batchPlaces(olderKeyNames) }

func singlePlaces(names [keyCount]string) *places {
	p := &places{row: slots.NewRow(), names: names}
	p.in = p.row.Value("Data", TriggerName)
	for key, name := range names {
		p.keys[key] = p.row.Value("Metadata", name)
	}
	p.row.Members("Metadata", names[applicationProperties])
	p.olderKeys = p.row.Value("Metadata", olderKeyNames[applicationProperties])
	return p
}

// batchPlaces differs in that every value is a list, or a string that holds one as JSON, which is how the host sends it.
func batchPlaces(names [keyCount]string) *places {
	p := &places{row: slots.NewRow(), names: names}
	p.in = p.row.Value("Data", TriggerName)
	for key, name := range names {
		var element *slots.Row
		p.row.Embedded("Metadata", name+"Array")
		p.keys[key], element = p.row.List("Metadata", name+"Array")
		if key == applicationProperties {
			element.Members()
		}
		p.names[key] += "Array"
	}
	p.olderKeys = p.row.Value("Metadata", olderKeyNames[applicationProperties]+"Array")
	return p
}

// timer is an invocation that nothing is wanted of.
var timer = &places{row: slots.NewRow()}

// scan reads the invocation's JSON and returns the places that it has. The host's own keys never repeat while every trigger
// is binary, so a name that occurs twice is a fault here too.
func (v *invocation) scan(p *places) (*places, error) {
	err := v.scanner.Scan(v.body, p.row)
	var refused *slots.Error
	switch {
	case errors.As(err, &refused) && refused.Path != "":
		return nil, &ShapeError{Field: refused.Path, Problem: "not the JSON that the host sends: " + string(refused.Reason)}
	case err != nil || v.scanner.Slots()[0].Kind != slots.Object:
		return nil, &ShapeError{Field: "invocation", Problem: "no JSON object with Data and Metadata"}
	}
	if found := v.scanner.Slots(); p.older != nil && found[p.keys[applicationProperties]].Kind == slots.Absent && found[p.olderKeys].Kind != slots.Absent {
		return v.scan(p.older)
	}
	v.kept = make([]byte, 0, v.room)
	return p, nil
}

// check holds that an invocation is one, and releases it.
func (v *invocation) check() error {
	defer v.release()
	_, err := v.scan(timer)
	return err
}

// message decodes an invocation with one message, and releases it.
func (v *invocation) message() (Message, error) {
	defer v.release()
	p, err := v.scan(single)
	if err != nil {
		return Message{}, err
	}
	found := v.scanner.Slots()
	m := Message{Function: v.function, Invocation: v.id}
	in := &found[p.in]
	if in.Kind != slots.String {
		return m, &ShapeError{Field: "Data." + TriggerName, Problem: `no string; function.json needs a trigger named "in" with "dataType": "binary"`}
	}
	text := v.base64(in)
	var ok bool
	if m.Body, ok = appendBody(make([]byte, 0, base64.StdEncoding.DecodedLen(len(text))), text); !ok {
		return m, &ShapeError{Field: "Data." + TriggerName, Problem: `no base64; function.json needs "dataType": "binary"`}
	}
	v.values = v.values[:0]
	for _, slot := range p.keys {
		v.values = append(v.values, found[slot])
	}
	if at, problem := v.fill(&m, v.values, v.unwrapped); problem != "" {
		return m, &ShapeError{Field: "Metadata." + p.names[at], Problem: problem}
	}
	v.room = max(v.room, min(len(v.kept), maxRoom))
	return m, nil
}

// messages decodes an invocation with several messages. Their bodies share one piece of memory. It releases the
// invocation.
func (v *invocation) messages() ([]Message, error) {
	defer v.release()
	p, err := v.scan(batch)
	if err != nil {
		return nil, err
	}
	found := v.scanner.Slots()
	if !v.list(&found[p.in]) {
		return nil, &ShapeError{Field: "Data." + TriggerName, Problem: `no array of base64; function.json needs "cardinality": "many" and "dataType": "binary"`}
	}
	out, err := v.bodies()
	if err != nil {
		return nil, err
	}
	v.values = append(v.values[:0], make([]slots.Slot, len(out)*keyCount)...)
	for key, slot := range p.keys {
		if found[slot].Kind != slots.Absent && !v.column(&found[slot], key, len(out)) {
			return nil, &ShapeError{Field: "Metadata." + p.names[key], Problem: fmt.Sprintf("no array of %d values, one per message", len(out))}
		}
	}
	for i := range out {
		if at, problem := v.fill(&out[i], v.values[i*keyCount:(i+1)*keyCount], v.scanner.View); problem != "" {
			return nil, &ShapeError{Field: fmt.Sprintf("Metadata.%s[%d]", p.names[at], i), Problem: problem}
		}
		if i == 0 {
			v.kept = slices.Grow(v.kept, min(len(v.kept)*(len(out)-1), len(v.body))) // the others need as much, and no more than there is
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

// list finds the bodies of a batch, in base64.
func (v *invocation) list(in *slots.Slot) bool {
	if v.encoded = v.encoded[:0]; in.Kind == slots.String && v.plainList(in.Raw[1:len(in.Raw)-1]) {
		return true
	}
	v.encoded = v.encoded[:0]
	src := in.Raw
	if in.Kind == slots.String {
		src = in.AppendText(nil)
	}
	if v.inner.Scan(src, listRow) != nil || v.inner.Slots()[0].Kind != slots.List {
		return false
	}
	for element := range v.inner.Rows(&v.inner.Slots()[0]) {
		v.encoded = append(v.encoded, bytes.Clone(v.base64(&element[0])))
	}
	return true
}

var listRow = func() *slots.Row {
	row := slots.NewRow()
	row.List()
	return row
}()

// plainList finds the bodies of a batch as the host writes it, [\"…\",\"…\"] within a string, without copying. It is false for
// a list that is written in any other way.
func (v *invocation) plainList(content []byte) bool {
	rest, ok := bytes.CutPrefix(content, []byte(`[\"`))
	for ok {
		end := bytes.IndexByte(rest, '\\')
		if end < 0 {
			return false
		}
		v.encoded = append(v.encoded, rest[:end])
		if rest = rest[end:]; string(rest) == `\"]` {
			return true
		}
		rest, ok = bytes.CutPrefix(rest, []byte(`\",\"`))
	}
	return false
}

// bodies returns a message for each body that was found.
func (v *invocation) bodies() ([]Message, error) {
	size := 0
	for _, text := range v.encoded {
		size += base64.StdEncoding.DecodedLen(len(text))
	}
	out, all := make([]Message, len(v.encoded)), make([]byte, 0, size)
	for i, text := range v.encoded {
		begin := len(all)
		var ok bool
		if all, ok = appendBody(all, text); !ok {
			return nil, &ShapeError{Field: fmt.Sprintf("Data.%s[%d]", TriggerName, i), Problem: `no base64; function.json needs "dataType": "binary"`}
		}
		out[i] = Message{Function: v.function, Invocation: v.id, Body: all[begin:len(all):len(all)]}
	}
	return out, nil
}

// base64 returns a string's text, which is valid until the next call; for what is no string, a text that is no base64.
func (v *invocation) base64(in *slots.Slot) []byte {
	switch {
	case in.Kind != slots.String:
		return []byte{'!'}
	case in.Escaped: // "/" can be written \/
		v.scratch = in.AppendText(v.scratch[:0])
		return v.scratch
	}
	return in.Raw[1 : len(in.Raw)-1]
}

// strict decodes 32 bytes at a time where the CPU can, and otherwise is encoding/base64.
var strict = base64.StdEncoding.Strict()

// appendBody decodes a body; it is false for what is no base64.
func appendBody(dst, text []byte) ([]byte, bool) {
	begin, size := len(dst), strict.DecodedLen(len(text))
	dst = slices.Grow(dst, size)
	n, err := strict.Decode(dst[begin:begin+size:begin+size], text)
	return dst[:begin+n], err == nil && strict.EncodedLen(n) == len(text) // else it skipped line breaks
}

// fill takes over the metadata of one message. text reads a string as the host writes it there; what it returns is valid until
// the next call. problem is "" or says what is wrong with the value of a key.
func (v *invocation) fill(m *Message, values []slots.Slot, text func(*slots.Slot) string) (key int, problem string) {
	token, err := uuid.Parse(text(&values[lockToken]))
	if err != nil {
		return lockToken, "no GUID, so the message could not be settled"
	}
	m.LockToken = token
	delivery, err := strconv.Atoi(text(&values[deliveryCount]))
	if err != nil {
		return deliveryCount, "no whole number"
	}
	m.DeliveryCount = delivery
	if m.SequenceNumber, err = strconv.ParseInt(text(&values[sequenceNumber]), 10, 64); err != nil {
		return sequenceNumber, "no whole number"
	}
	if m.EnqueuedTime, err = parseTime(text(&values[enqueuedTime])); err != nil {
		return enqueuedTime, "no time"
	}
	fields := [...]*string{messageID: &m.MessageID, correlationID: &m.CorrelationID, contentType: &m.ContentType, subject: &m.Subject}
	for key, field := range fields {
		if field != nil && values[key].Kind == slots.String {
			*field = v.keep(text(&values[key]))
		}
	}
	from := &values[applicationProperties]
	if from.Kind != slots.Object && from.Kind != slots.Null && from.Kind != slots.Absent {
		return applicationProperties, "no object"
	}
	m.Properties = v.properties(from)
	return 0, ""
}

// maxRoom bounds the memory that is set aside for a message's texts before they are known.
const maxRoom = 1 << 10

// keep copies a text into the memory that the messages keep.
func (v *invocation) keep(text string) string {
	begin := len(v.kept)
	v.kept = append(v.kept, text...)
	return slots.View(v.kept[begin:])
}

func (v *invocation) properties(from *slots.Slot) map[string]any {
	out := map[string]any{}
	for member := range v.scanner.Rows(from) {
		name, value := v.name(&member[slots.MemberName]), &member[slots.MemberValue]
		switch value.Kind {
		case slots.Null:
			out[name] = nil
		case slots.True, slots.False:
			out[name] = value.Kind == slots.True
		case slots.Number:
			out[name] = json.Number(v.keep(v.scanner.View(value)))
		case slots.String:
			out[name] = v.keep(v.scanner.View(value))
		}
	}
	return out
}

// maxNames bounds how many properties' names are remembered.
const maxNames = 256

// name returns a property's name.
func (v *invocation) name(s *slots.Slot) string {
	text := v.scanner.View(s)
	if known, ok := v.names[text]; ok {
		return known
	}
	text = strings.Clone(text)
	if v.names == nil {
		v.names = map[string]string{}
	}
	if len(v.names) < maxNames {
		v.names[text] = text
	}
	return text
}

// unwrapped returns a value's text. The host encodes a .NET string twice, other types once; in a batch every value once.
func (v *invocation) unwrapped(s *slots.Slot) string {
	if s.Kind != slots.String || !s.Escaped {
		return v.scanner.View(s)
	}
	v.scratch = s.AppendText(v.scratch[:0])
	if v.inner.Scan(v.scratch, stringRow) == nil && v.inner.Slots()[0].Kind == slots.String {
		return v.inner.View(&v.inner.Slots()[0])
	}
	return slots.View(v.scratch)
}

var stringRow = slots.NewRow()

// parseTime reads the host's DateTime, which has no zone and is UTC, and a DateTimeOffset.
func parseTime(s string) (time.Time, error) {
	if zone := len(s) - len("+00:00"); !strings.HasSuffix(s, "Z") && (zone < 0 || s[zone] != '+' && s[zone] != '-') {
		s += "Z"
	}
	return time.Parse(time.RFC3339Nano, s)
}
