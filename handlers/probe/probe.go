// Package probe answers `crosswalk verify`: a message that asks a function to settle it in one certain way, so that what
// can't be proved without Azure (dead letters by lock token, scheduled copies, trace headers) is seen there with the
// function's own identity, and no system is written to.
//
// In: a CloudEvent of type [Type] in a work queue, whose data is {"then": "reject"} or {"then": "copy"}. Only who may send
// to the work queue can ask. Out: a dead letter with reason [Reason]; its description is an [Answer] in JSON.
package probe

import (
	"context"
	"encoding/json"
	"strings"

	"crosswalk/shared/customhandler"
	"crosswalk/shared/fault"
	"crosswalk/shared/settle"
)

// Type is the type of the CloudEvents that are probes. No receiver publishes it, because every type they publish begins with
// the name of a system.
const Type = "crosswalk.probe"

// Reason is the reason code of a probe's dead letter.
const Reason = "probe"

// What a probe can ask for.
const (
	// Reject asks for a dead letter at once.
	Reject = "reject"
	// Copy asks for one scheduled copy, and a dead letter when the copy comes.
	Copy = "copy"
)

// Ask is a probe's data.
type Ask struct {
	Then string `json:"then"`
}

// Answer is the description of a probe's dead letter.
type Answer struct {
	// Attempt counts from 1; 2 means that the scheduled copy came.
	Attempt int `json:"attempt"`
	// Delivery is the broker's count of deliveries of this message.
	Delivery int `json:"delivery"`
	// Trace is true where the host sent a traceparent header with the invocation.
	Trace bool `json:"trace"`
}

// IsProbe reports whether a message is a probe, by the type among its application properties.
func IsProbe(properties map[string]any) bool {
	kind, _ := properties["cloudEvents:type"].(string)
	return kind == Type
}

// Handle fails as the probe asks. attempt is the message's, from 1. The error is a *fault.Error: Permanent with the answer as
// its detail, or for the first attempt of a [Copy] Transient; both have [Reason]. A probe that asks for anything else is
// Permanent, reason "bad-value".
func Handle(ctx context.Context, m customhandler.Message) (settle.Outcome, error) {
	var ask Ask
	if err := json.Unmarshal(m.Body, &ask); err != nil || ask.Then != Reject && ask.Then != Copy {
		return settle.Outcome{}, fault.Reject("bad-value", "then", `a probe's data is {"then": "reject"} or {"then": "copy"}`)
	}
	attempt := settle.Attempt(m)
	if ask.Then == Copy && attempt == 1 {
		return settle.Outcome{}, &fault.Error{Kind: fault.Transient, Reason: Reason, Detail: "crosswalk verify asked for a scheduled copy"}
	}
	text, err := json.Marshal(Answer{Attempt: attempt, Delivery: m.DeliveryCount, Trace: customhandler.TraceParent(ctx) != ""})
	if err != nil {
		return settle.Outcome{}, err
	}
	return settle.Outcome{}, fault.Reject(Reason, "", string(text))
}

// ReadAnswer returns the answer in a dead letter's description. It is false where the description holds none.
func ReadAnswer(description string) (Answer, bool) {
	start := strings.IndexByte(description, '{')
	if start < 0 {
		return Answer{}, false
	}
	var a Answer
	err := json.Unmarshal([]byte(description[start:]), &a)
	return a, err == nil && a.Attempt > 0
}
