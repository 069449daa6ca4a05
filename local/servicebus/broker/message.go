package broker

import (
	"fmt"
	"maps"
	"time"
	"unicode/utf8"
)

// The limits of Service Bus, tier Standard (its documentation's page on quotas).
const (
	// DefaultMaxMessageSize is the limit of a message in bytes unless [Options] say otherwise.
	DefaultMaxMessageSize = 256 * 1024
	// MaxPropertySize is the limit of one application property in bytes.
	MaxPropertySize = 32 * 1024
	// MaxHeaderSize is the limit in bytes of all application properties together.
	MaxHeaderSize = 64 * 1024
	// MaxIDLength is the limit of message id, session id and partition key in characters.
	MaxIDLength = 128
)

// State is where a message stands, by the numbers of the annotation x-opt-message-state. A locked message counts as
// active, or as deferred when it was locked by its sequence number.
type State int

// The states of a message.
const (
	Active    State = 0
	Deferred  State = 1
	Scheduled State = 2
)

// Mode says what receiving does to a message.
type Mode int

// The two modes of receiving.
const (
	// PeekLock locks the message until it's settled or its lock expires.
	PeekLock Mode = iota
	// ReceiveAndDelete removes the message at once.
	ReceiveAndDelete
)

// Message is one message. The broker keeps a copy of what is sent and hands out copies: Properties may be changed by
// who holds the copy, Body and what Wire refers to may not be changed by anybody.
type Message struct {
	// MessageID is filled by the broker when it's empty.
	MessageID string
	Subject, To, ReplyTo, ContentType,
	SessionID, ReplyToSessionID, PartitionKey string
	// BlankSession says that SessionID is set, and blank: a session like any other.
	BlankSession bool
	// CorrelationID is any AMQP message id: string, uint64, uuid or binary.
	CorrelationID any
	// TTL is the time to live the sender asked for, zero for none. What is handed out has the lesser of this and the
	// entity's default.
	TTL time.Duration
	// Properties are the application properties; nil when there are none.
	Properties map[string]any
	// ScheduledEnqueueTime makes the message wait when it lies in the future.
	ScheduledEnqueueTime time.Time
	// Body holds the encoded AMQP body sections as they came.
	Body []byte
	// Wire is whatever the wire layer wants back with the message.
	Wire any
	// Size in bytes as the wire layer counts it; when zero the body's length counts.
	Size int

	// From here on the broker writes.

	// SequenceNumber is unique within the entity and rises. A scheduled message gets a new one when it's activated; a
	// dead-lettered one keeps its number (UNCONFIRMED against the service).
	SequenceNumber int64
	// EnqueuedSequenceNumber is the number the message got where it was first sent: the topic's or, after an
	// auto-forward, the first entity's.
	EnqueuedSequenceNumber int64
	EnqueuedTime           time.Time
	// ExpiresAt is EnqueuedTime plus TTL, zero when the message lives for ever.
	ExpiresAt time.Time
	// LockedUntil and LockToken (in RFC 4122 byte order) are set on what was received in mode PeekLock.
	LockedUntil time.Time
	LockToken   [16]byte
	// DeliveryCount counts the deliveries before this one that ended in an abandon or an expired lock.
	DeliveryCount uint32
	State         State
	// DeadLetterSource names the entity whose dead-letter queue forwarded the message.
	DeadLetterSource string
}

// system gives the value of a system property as SQL filters name them (sys.Label, sys.MessageId …), false when there
// is no such property. The names are those of the .NET class of messages, compared without case.
func (m *Message) system(name string) (any, bool) {
	switch foldASCII(name) {
	case "messageid":
		return m.MessageID, true
	case "correlationid":
		return m.CorrelationID, true
	case "label", "subject":
		return text(m.Subject), true
	case "to":
		return text(m.To), true
	case "replyto":
		return text(m.ReplyTo), true
	case "contenttype":
		return text(m.ContentType), true
	case "sessionid":
		return text(m.SessionID), true
	case "replytosessionid":
		return text(m.ReplyToSessionID), true
	case "partitionkey":
		return text(m.PartitionKey), true
	case "sequencenumber":
		return m.SequenceNumber, true
	case "enqueuedsequencenumber":
		return m.EnqueuedSequenceNumber, true
	case "deliverycount":
		return int64(m.DeliveryCount), true
	case "size":
		return int64(m.bytes()), true
	case "enqueuedtimeutc":
		return m.EnqueuedTime, true
	case "expiresatutc":
		return m.ExpiresAt, true
	case "scheduledenqueuetimeutc":
		return m.ScheduledEnqueueTime, true
	}
	return nil, false
}

// text gives nil for a text that isn't set, so that IS NULL holds for it.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// bytes is the size that counts against the limits.
func (m *Message) bytes() int { return max(m.Size, len(m.Body)) }

// check reports what in a message breaks a limit. maxSize is in bytes.
func (m *Message) check(maxSize int) error {
	if n := m.bytes(); n > maxSize {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, n, maxSize)
	}
	if err := m.checkIDs(); err != nil {
		return err
	}
	if m.TTL < 0 {
		return fmt.Errorf("%w: negative time to live", ErrInvalid)
	}
	return checkProperties(m.Properties)
}

func (m *Message) checkIDs() error {
	for _, id := range []struct{ name, value string }{
		{"message id", m.MessageID}, {"session id", m.SessionID}, {"reply-to session id", m.ReplyToSessionID}, {"partition key", m.PartitionKey},
	} {
		if err := checkID(id.name, id.value); err != nil {
			return err
		}
	}
	return nil
}

func checkID(name, value string) error {
	if len(value) > MaxIDLength && utf8.RuneCountInString(value) > MaxIDLength {
		return fmt.Errorf("%w: the %s is longer than %d characters", ErrInvalid, name, MaxIDLength)
	}
	return nil
}

// checkProperties holds the limits of application properties, counted by an estimate of their encoded size.
func checkProperties(properties map[string]any) error {
	total := 0
	for name, value := range properties {
		n := len(name) + valueSize(value)
		if n > MaxPropertySize {
			return fmt.Errorf("%w: an application property has %d bytes, the limit is %d", ErrTooLarge, n, MaxPropertySize)
		}
		total += n
	}
	if total > MaxHeaderSize {
		return fmt.Errorf("%w: the application properties have %d bytes, the limit is %d", ErrTooLarge, total, MaxHeaderSize)
	}
	return nil
}

func valueSize(value any) int {
	switch v := value.(type) {
	case string:
		return len(v)
	case []byte:
		return len(v)
	case [16]byte:
		return len(v)
	case nil, bool:
		return 1
	}
	return 8
}

// copyOut makes what a receiver gets: nothing in it is shared with the broker but the bytes nobody changes.
func (e *entry) copyOut() *Message {
	m := e.msg
	m.Properties = maps.Clone(m.Properties)
	m.State = e.phase.state()
	if !m.ExpiresAt.IsZero() {
		m.TTL = m.ExpiresAt.Sub(m.EnqueuedTime)
	}
	if !e.phase.locked() {
		m.LockToken, m.LockedUntil = [16]byte{}, time.Time{}
	}
	return &m
}

// merged returns properties with extra laid over it and leaves both as they are: the stored map may be shared by
// several subscriptions.
func merged(properties, extra map[string]any) map[string]any {
	if len(extra) == 0 {
		return properties
	}
	out := make(map[string]any, len(properties)+len(extra))
	maps.Copy(out, properties)
	maps.Copy(out, extra)
	return out
}

// foldASCII makes addresses and names of system properties, which are ASCII, comparable without case; it allocates
// nothing for lower-case input.
func foldASCII(s string) string {
	for i := range len(s) {
		if c := s[i]; 'A' <= c && c <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if 'A' <= b[j] && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
