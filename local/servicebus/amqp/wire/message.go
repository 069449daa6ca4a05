package wire

import (
	"errors"
	"fmt"
	"time"
)

// Header is the transport header of a message (part 3, section 3.2.1). TTL is in milliseconds. DeliveryCount counts the
// deliveries before this one.
type Header struct {
	Durable       bool
	Priority      *uint8
	TTL           *uint32
	FirstAcquirer bool
	DeliveryCount uint32
}

// Properties are the immutable properties of a message (part 3, section 3.2.4). Ids are string, uint64, UUID, []byte or
// nil.
type Properties struct {
	MessageID          any
	UserID             []byte
	To                 *string
	Subject            *string
	ReplyTo            *string
	CorrelationID      any
	ContentType        *Symbol
	ContentEncoding    *Symbol
	AbsoluteExpiryTime *time.Time
	CreationTime       *time.Time
	GroupID            *string
	GroupSequence      *uint32
	ReplyToGroupID     *string
}

// Message is a message in its sections. Body holds the data, amqp-sequence or amqp-value sections encoded as they came,
// Footer the encoded footer. Sections that are missing are nil.
type Message struct {
	Header                *Header
	DeliveryAnnotations   Map
	Annotations           Map
	Properties            *Properties
	ApplicationProperties Map
	Body                  []byte
	Footer                []byte
}

// ParseMessage reads a message. Body and Footer share memory with b; their values are checked, not decoded.
func ParseMessage(b []byte) (*Message, error) {
	m := &Message{}
	r := newReader(b)
	last := uint64(0)
	for len(r.buf) > 0 {
		start := r.buf
		descriptor, err := openDescribed(r)
		if err != nil {
			return nil, err
		}
		if descriptor < descHeader || descriptor > descFooter {
			return nil, fmt.Errorf("amqp: descriptor 0x%x is no message section", descriptor)
		}
		if descriptor < last || (descriptor == last && (descriptor < descData || descriptor > descSequence)) {
			return nil, errors.New("amqp: message sections out of order")
		}
		if last >= descData && last <= descValue && descriptor != last && descriptor != descFooter {
			return nil, errors.New("amqp: message body of more than one kind")
		}
		last = descriptor
		if err := m.section(r, descriptor); err != nil {
			return nil, err
		}
		encoded := start[:len(start)-len(r.buf)]
		switch {
		case descriptor == descFooter:
			m.Footer = encoded
		case descriptor >= descData:
			m.Body = b[len(b)-len(start)-len(m.Body) : len(b)-len(r.buf)]
		}
	}
	return m, nil
}

// section reads one section's value into m; of body and footer it only checks the value.
func (m *Message) section(r *reader, descriptor uint64) error {
	var err error
	switch descriptor {
	case descHeader:
		m.Header, err = readHeader(r)
	case descDelivery:
		m.DeliveryAnnotations, err = readMap(r)
	case descMessage:
		m.Annotations, err = readMap(r)
	case descProperties:
		m.Properties, err = readProperties(r)
	case descApplication:
		m.ApplicationProperties, err = readMap(r)
		for _, e := range m.ApplicationProperties {
			if _, ok := e.Key.(string); !ok && err == nil {
				err = errors.New("amqp: the key of an application property is no string")
			}
		}
	case descData:
		err = skipBinary(r)
	default:
		_, err = r.value(1)
	}
	return err
}

// skipBinary passes over a binary value without copying it.
func skipBinary(r *reader) error {
	code, err := r.code()
	if err != nil {
		return err
	}
	if code != codeBinary8 && code != codeBinary32 {
		return errors.New("amqp: a data section is no binary")
	}
	n, err := r.length(code == codeBinary8)
	if err != nil {
		return err
	}
	_, err = r.take(n)
	return err
}

func readMap(r *reader) (Map, error) {
	v, err := r.value(1)
	if err != nil {
		return nil, err
	}
	m, ok := v.(Map)
	if !ok && v != nil {
		return nil, errors.New("amqp: a message section is no map")
	}
	return m, nil
}

func readHeader(r *reader) (*Header, error) {
	f, err := openList(r, "header")
	if err != nil {
		return nil, err
	}
	h := &Header{}
	h.Durable = or(f, "durable", false)
	h.Priority = optional[uint8](f, "priority")
	h.TTL = optional[uint32](f, "ttl")
	h.FirstAcquirer = or(f, "first-acquirer", false)
	h.DeliveryCount = or[uint32](f, "delivery-count", 0)
	return h, f.err
}

func readProperties(r *reader) (*Properties, error) {
	f, err := openList(r, "properties")
	if err != nil {
		return nil, err
	}
	p := &Properties{}
	p.MessageID = f.id("message-id")
	p.UserID = or[[]byte](f, "user-id", nil)
	p.To = optional[string](f, "to")
	p.Subject = optional[string](f, "subject")
	p.ReplyTo = optional[string](f, "reply-to")
	p.CorrelationID = f.id("correlation-id")
	p.ContentType = f.text("content-type")
	p.ContentEncoding = f.text("content-encoding")
	p.AbsoluteExpiryTime = optional[time.Time](f, "absolute-expiry-time")
	p.CreationTime = optional[time.Time](f, "creation-time")
	p.GroupID = optional[string](f, "group-id")
	p.GroupSequence = optional[uint32](f, "group-sequence")
	p.ReplyToGroupID = optional[string](f, "reply-to-group-id")
	return p, f.err
}

// id reads a message id, which has four possible types.
func (f *fieldReader) id(field string) any {
	switch v := f.value(field).(type) {
	case nil, string, uint64, UUID, []byte:
		return v
	default:
		f.fail(field, errType)
		return nil
	}
}

// AppendTo appends the encoded message to dst.
func (m *Message) AppendTo(dst []byte) ([]byte, error) {
	var err error
	if h := m.Header; h != nil {
		w := beginList(dst, descHeader)
		w.flag(h.Durable)
		w.uint8Ptr(h.Priority)
		w.uint32Ptr(h.TTL)
		w.flag(h.FirstAcquirer)
		w.uint32(h.DeliveryCount) // always: the JavaScript SDK knows no default
		if dst, err = w.finish(); err != nil {
			return dst, err
		}
	}
	if dst, err = appendMapSection(dst, descDelivery, m.DeliveryAnnotations); err != nil {
		return dst, err
	}
	if dst, err = appendMapSection(dst, descMessage, m.Annotations); err != nil {
		return dst, err
	}
	if m.Properties != nil {
		if dst, err = m.Properties.appendTo(dst); err != nil {
			return dst, err
		}
	}
	if dst, err = appendMapSection(dst, descApplication, m.ApplicationProperties); err != nil {
		return dst, err
	}
	return append(append(dst, m.Body...), m.Footer...), nil
}

func appendMapSection(dst []byte, descriptor uint64, m Map) ([]byte, error) {
	if m == nil {
		return dst, nil
	}
	return Append(appendUint64(append(dst, codeDescribed), descriptor), m)
}

func (p *Properties) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descProperties)
	w.value(p.MessageID)
	w.binary(p.UserID)
	w.stringPtr(p.To)
	w.stringPtr(p.Subject)
	w.stringPtr(p.ReplyTo)
	w.value(p.CorrelationID)
	w.symbolPtr(p.ContentType)
	w.symbolPtr(p.ContentEncoding)
	w.timePtr(p.AbsoluteExpiryTime)
	w.timePtr(p.CreationTime)
	w.stringPtr(p.GroupID)
	w.uint32Ptr(p.GroupSequence)
	w.stringPtr(p.ReplyToGroupID)
	return w.finish()
}

// AppendData appends a data section that holds b.
func AppendData(dst, b []byte) []byte {
	return appendBinary(appendUint64(append(dst, codeDescribed), descData), b)
}

// AppendValue appends an amqp-value section.
func AppendValue(dst []byte, v any) ([]byte, error) {
	return Append(appendUint64(append(dst, codeDescribed), descValue), v)
}

// DataSections returns the contents of the data sections of a body, sharing its memory; an error where the body has
// sections of another kind.
func DataSections(body []byte) ([][]byte, error) {
	var out [][]byte
	r := newReader(body)
	for len(r.buf) > 0 {
		if descriptor, err := openDescribed(r); err != nil {
			return nil, err
		} else if descriptor != descData {
			return nil, errors.New("amqp: the body holds no data sections")
		}
		start := r.buf
		if err := skipBinary(r); err != nil {
			return nil, err
		}
		head := 2
		if start[0] == codeBinary32 {
			head = 5
		}
		out = append(out, start[head:len(start)-len(r.buf)])
	}
	return out, nil
}

// Value returns the value of a body that is an amqp-value section.
func Value(body []byte) (any, error) {
	r := newReader(body)
	descriptor, err := openDescribed(r)
	if err != nil {
		return nil, err
	}
	if descriptor != descValue {
		return nil, errors.New("amqp: the body holds no amqp-value")
	}
	return r.value(1)
}
