// Package telemetry writes the one line per message and outcome that support staff, alerts and the local run read.
//
// Lines are JSON on standard output, because the Functions host passes standard output on at Information and standard
// error as errors. They carry ids, codes and names of fields, never a value out of a message.
package telemetry

import (
	"io"
	"time"

	"github.com/rs/zerolog"
)

// The outcomes a line can name.
const (
	Published    = "published"     // a receive function put the event on the topic; routes says who asked for it
	Delivered    = "delivered"     // the target was written
	NothingToDo  = "nothing-to-do" // duplicate, late, unchanged, gone, test event; why says which
	Retry        = "retry"         // a copy was scheduled
	DeadLettered = "dead-lettered" // reason and field say why
	Abandoned    = "abandoned"     // left to the broker, which delivers it again
	Alert        = "alert"         // something that no message's end shows needs a person; reason and detail say what
	Parked       = "parked"        // an unreadable webhook body went to the ingress queue; its receiver reports the end
)

// Record is one message's outcome in one function.
type Record struct {
	Function   string
	Invocation string // the host's invocation id
	Event      string // CloudEvents id; for a message that could not be read, its MessageId
	Type       string // CloudEvents type
	Outcome    string // one of the constants above
	Why        string // one word on a delivery or on nothing to do
	Reason     string // reason code of a failure
	Field      string // field at fault, by name
	Detail     string // what to do about it
	Kind       string // fault kind of a failure
	Cause      string // Go type of a failure's root cause; its text may hold values and is left out
	Attempt    int    // 1 for the first
	Routes     []string
	Retry      time.Duration // how long until the copy comes
	Took       time.Duration
}

// Log takes one outcome. It is safe for concurrent use.
type Log func(Record)

// NewLogger returns the logger every part of the handler uses. level is a zerolog level name; an unknown one is "info".
func NewLogger(w io.Writer, level string) zerolog.Logger {
	l, err := zerolog.ParseLevel(level)
	if err != nil || level == "" {
		l = zerolog.InfoLevel
	}
	return zerolog.New(w).Level(l).With().Timestamp().Logger()
}

// NewLog returns a Log that writes to logger: retries and abandoned messages at warn, dead letters and alerts at error, the
// rest at info.
func NewLog(logger zerolog.Logger) Log {
	return func(r Record) {
		e := logger.Info()
		switch r.Outcome {
		case Retry, Abandoned:
			e = logger.Warn()
		case DeadLettered, Alert:
			e = logger.Error()
		}
		e.Str("function", r.Function).Str("event", r.Event).Str("outcome", r.Outcome)
		for _, f := range [...]struct{ key, value string }{
			{"invocation", r.Invocation}, {"type", r.Type}, {"why", r.Why}, {"kind", r.Kind},
			{"reason", r.Reason}, {"field", r.Field}, {"detail", r.Detail}, {"cause", r.Cause},
		} {
			if f.value != "" {
				e.Str(f.key, f.value)
			}
		}
		if r.Attempt > 1 {
			e.Int("attempt", r.Attempt)
		}
		if r.Routes != nil {
			e.Strs("routes", r.Routes)
		}
		if r.Retry > 0 {
			e.Dur("retryMs", r.Retry)
		}
		e.Dur("ms", r.Took).Send()
	}
}
