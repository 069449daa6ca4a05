package settle

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"crosswalk/shared/customhandler"
)

// The application properties that a scheduled copy carries besides the original's own.
const (
	AttemptProperty   = "cwattempt"   // int: which attempt this copy is, 2 for the first copy that uses one
	CopyProperty      = "cwcopy"      // int: which copy of the message this is, always rising
	FirstSeenProperty = "cwfirstseen" // RFC 3339: when the message was first delivered to the function's queue
)

// The application properties by which a message shows that it was dead-lettered. On a message in a work queue they say
// that somebody resubmitted it, so its attempts and its age start anew.
const (
	deadLetterReason      = "DeadLetterReason"
	deadLetterDescription = "DeadLetterErrorDescription"
)

// MaxText is the longest dead-letter reason or description in bytes that Service Bus clients agree on (the .NET client
// enforces 4,096 characters; the Go SDK checks nothing).
const MaxText = 4096

// trail is what a message remembers of its earlier attempts.
type trail struct {
	eventID, eventType string
	attempt, copies    int
	firstSeen          time.Time
}

func readTrail(m customhandler.Message) trail {
	t := trail{attempt: 1, firstSeen: m.EnqueuedTime}
	t.eventID, _ = m.Properties["cloudEvents:id"].(string)
	t.eventType, _ = m.Properties["cloudEvents:type"].(string)
	if n := whole(m.Properties[AttemptProperty]); n > 0 {
		t.attempt = n
	}
	t.copies = whole(m.Properties[CopyProperty])
	if t.eventID == "" { // somebody sent the message by hand
		t.eventID = m.MessageID
		if t.copies > 0 {
			t.eventID = strings.TrimSuffix(t.eventID, "/"+strconv.Itoa(t.copies))
		}
	}
	if s, ok := m.Properties[FirstSeenProperty].(string); ok {
		if seen, err := time.Parse(time.RFC3339Nano, s); err == nil {
			t.firstSeen = seen
		}
	}
	if _, resubmitted := m.Properties[deadLetterReason]; resubmitted {
		t.attempt, t.firstSeen = 1, m.EnqueuedTime
	}
	return t
}

// Attempt returns which attempt a message is, from 1.
func Attempt(m customhandler.Message) int { return readTrail(m).attempt }

func whole(v any) int {
	switch n := v.(type) {
	case json.Number:
		i, _ := strconv.Atoi(n.String())
		return i
	case string:
		i, _ := strconv.Atoi(n)
		return i
	}
	return 0
}

func (t trail) copyOf(m customhandler.Message, attempt int) Copy {
	props := make(map[string]any, len(m.Properties)+3)
	maps.Copy(props, m.Properties)
	delete(props, deadLetterReason)
	delete(props, deadLetterDescription)
	for key, v := range props {
		if n, ok := v.(json.Number); ok {
			props[key] = amqpNumber(n)
		}
	}
	props[AttemptProperty] = int64(attempt)
	props[CopyProperty] = int64(t.copies + 1)
	props[FirstSeenProperty] = t.firstSeen.UTC().Format(time.RFC3339Nano)
	return Copy{
		MessageID: t.eventID + "/" + strconv.Itoa(t.copies+1), CorrelationID: m.CorrelationID, ContentType: m.ContentType,
		Subject: m.Subject, Body: m.Body, Properties: props,
	}
}

// amqpNumber gives a property's number a type that AMQP has. One that fits neither stays as text, exact.
func amqpNumber(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	if f, err := n.Float64(); err == nil && strconv.FormatFloat(f, 'g', -1, 64) == n.String() {
		return f
	}
	return n.String()
}

// clip shortens text to MaxText bytes at a character's border.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= MaxText {
		return s
	}
	s = s[:MaxText]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}
