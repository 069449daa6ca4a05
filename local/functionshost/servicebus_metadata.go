package functionshost

import (
	"time"

	"github.com/google/uuid"
)

// busMessage is a Service Bus message as the trigger sees it. Pointers are absent values.
type busMessage struct {
	bodyKind         bodyKind
	body             []byte
	deliveryCount    uint32 // from 1
	deadLetterSource *string
	lockToken        uuid.UUID
	lockedUntil      time.Time
	expiresAt        time.Time
	enqueuedTime     time.Time
	messageID        *string
	contentType      *string
	replyTo          *string
	sequenceNumber   int64
	to               *string
	subject          *string
	correlationID    *string
	properties       dictionary
	sessionID        *string
	replyToSessionID *string
	partitionKey     *string
}

type bodyKind int

const (
	dataBody  bodyKind = iota // AMQP data sections
	valueBody                 // an AMQP value that is a string
	otherBody                 // an AMQP value of another type, or a sequence: no binding can take it
)

// busEntity is where messages come from.
type busEntity struct {
	path, namespace string
	sessions        bool
}

// objects are the entries that are of no use to a handler; their members are as recorded.
func (e busEntity) objects(d *bindingData) {
	d.set("MessageReceiver", dictionary{{"EntityPath", e.path}, {"IsClosed", false}, {"PrefetchCount", 0}})
	if e.sessions { // by the extension's source; not recorded
		d.set("MessageSession", dictionary{})
	}
	d.set("MessageActions", dictionary{})
	if e.sessions {
		d.set("SessionActions", dictionary{})
	}
	d.set("ReceiveActions", dictionary{})
	d.set("Client", dictionary{{"FullyQualifiedNamespace", e.namespace}, {"IsClosed", false}})
}

// singleMetadata is the Metadata of one message, in the order of Service Bus extension 5.x.
func (e busEntity) singleMetadata(m *busMessage) *bindingData {
	d := &bindingData{}
	e.objects(d)
	d.set("DeliveryCount", m.deliveryCount)
	d.setText("DeadLetterSource", m.deadLetterSource)
	d.set("LockToken", m.lockToken.String())
	d.set("ExpiresAtUtc", dateTime(m.expiresAt.UTC()))
	d.set("ExpiresAt", dateTimeOffset(m.expiresAt.UTC()))
	d.set("EnqueuedTimeUtc", dateTime(m.enqueuedTime.UTC()))
	d.set("EnqueuedTime", dateTimeOffset(m.enqueuedTime.UTC()))
	d.setText("MessageId", m.messageID)
	d.setText("ContentType", m.contentType)
	d.setText("ReplyTo", m.replyTo)
	d.set("SequenceNumber", m.sequenceNumber)
	d.setText("To", m.to)
	d.setText("Subject", m.subject)
	d.setText("Label", m.subject)
	d.setText("CorrelationId", m.correlationID)
	d.set("ApplicationProperties", m.properties)
	d.set("UserProperties", m.properties)
	d.setText("SessionId", m.sessionID)
	d.setText("ReplyToSessionId", m.replyToSessionID)
	d.setText("PartitionKey", m.partitionKey)
	return d
}

// batchMetadata is the Metadata of a batch: an array per name. ReplyTo, To, ReplyToSessionId, PartitionKey and
// TransactionPartitionKey (filled from PartitionKey, as upstream does) are there when a message of the batch has one.
func (e busEntity) batchMetadata(all []*busMessage) *bindingData {
	d := &bindingData{}
	e.objects(d)
	each := func(name string, pick func(*busMessage) any) {
		values := make(array, len(all))
		for i, m := range all {
			values[i] = pick(m)
		}
		d.set(name+"Array", values)
	}
	text := func(name string, pick func(*busMessage) *string) {
		each(name, func(m *busMessage) any { return textOrNull(pick(m)) })
	}
	sparse := func(name string, pick func(*busMessage) *string) {
		for _, m := range all {
			if pick(m) != nil {
				text(name, pick)
				return
			}
		}
	}
	each("DeliveryCount", func(m *busMessage) any { return m.deliveryCount })
	text("DeadLetterSource", func(m *busMessage) *string { return m.deadLetterSource })
	each("LockToken", func(m *busMessage) any { return m.lockToken.String() })
	each("ExpiresAtUtc", func(m *busMessage) any { return dateTime(m.expiresAt.UTC()) })
	each("ExpiresAt", func(m *busMessage) any { return dateTimeOffset(m.expiresAt.UTC()) })
	each("EnqueuedTimeUtc", func(m *busMessage) any { return dateTime(m.enqueuedTime.UTC()) })
	each("EnqueuedTime", func(m *busMessage) any { return dateTimeOffset(m.enqueuedTime.UTC()) })
	text("MessageId", func(m *busMessage) *string { return m.messageID })
	text("ContentType", func(m *busMessage) *string { return m.contentType })
	sparse("ReplyTo", func(m *busMessage) *string { return m.replyTo })
	each("SequenceNumber", func(m *busMessage) any { return m.sequenceNumber })
	sparse("To", func(m *busMessage) *string { return m.to })
	text("Subject", func(m *busMessage) *string { return m.subject })
	text("CorrelationId", func(m *busMessage) *string { return m.correlationID })
	each("ApplicationProperties", func(m *busMessage) any { return m.properties })
	each("UserProperties", func(m *busMessage) any { return m.properties })
	text("SessionId", func(m *busMessage) *string { return m.sessionID })
	sparse("ReplyToSessionId", func(m *busMessage) *string { return m.replyToSessionID })
	sparse("PartitionKey", func(m *busMessage) *string { return m.partitionKey })
	sparse("TransactionPartitionKey", func(m *busMessage) *string { return m.partitionKey })
	return d
}

func textOrNull(s *string) any {
	if s == nil {
		return nil
	}
	return *s
}

// text is the body as the extension turns it into a string: UTF-8, invalid bytes lost.
func (m *busMessage) text() string { return netText(m.body) }
