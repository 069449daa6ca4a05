package customhandler

import "time"

// Message is one Service Bus message as the Functions host hands it over.
type Message struct {
	// Function is the function's name, Invocation the host's id of this call.
	Function, Invocation string
	// Body is the message's body, byte for byte.
	Body []byte
	// LockToken is in the byte order of RFC 4122, as the Azure SDK for Go wants it.
	LockToken [16]byte
	// DeliveryCount counts from 1.
	DeliveryCount  int
	SequenceNumber int64
	EnqueuedTime   time.Time
	MessageID      string
	CorrelationID  string
	ContentType    string
	Subject        string
	// Properties are the application properties: string, bool, json.Number or nil.
	Properties map[string]any
}
