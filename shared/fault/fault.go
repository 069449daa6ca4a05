// Package fault says whose fault a failure is, because that alone decides what happens next to the message.
//
// Clients mark what they know from a status, translators mark what they know from the message, handlers mostly just
// wrap. Whoever settles the message asks [KindOf]; an error that nobody marked counts as [Transient].
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says whose fault a failure is.
type Kind uint8

const (
	// None is the kind of a nil error.
	None Kind = iota
	// Transient failures are the moment's fault: the same message may succeed later. They use up an attempt.
	Transient
	// Throttled failures are the moment's fault, with a date: the system said when to come back (Error.After).
	Throttled
	// Waiting is no failure: another worker holds the record's claim. It uses up no attempt.
	Waiting
	// Misconfigured failures are ours: no permission, no such table, a wrong URL. The message is kept, with a long delay,
	// and uses up no attempt, because every other message would fail in the same way.
	Misconfigured
	// Permanent failures are the message's fault: it can never succeed as it is, so it is dead-lettered at once.
	Permanent
)

var kindNames = [...]string{"none", "transient", "throttled", "waiting", "misconfigured", "permanent"}

// String returns the kind's name in lower case, as logs show it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Error is a failure that somebody has judged. Reason, Field and Detail are shown to support staff in logs and dead
// letters, so they never hold a value out of a message, a name of a person, or a secret. Err may hold such values and is
// never shown.
type Error struct {
	Kind Kind
	// Reason is a stable code in kebab case, such as "blank-required". It becomes the dead letter's reason.
	Reason string
	// Field names what the failure is about in the words of the contract, such as "totalamount (from
	// InvoiceAmountInAccountingCurrency)". It is empty where no single field is at fault.
	Field string
	// Detail is one sentence that says what is wrong and what to do about it.
	Detail string
	// After is how long the system asked us to stay away (Throttled), or how long at most another worker may hold the
	// record (Waiting).
	After time.Duration
	// Err is the cause.
	Err error
}

// Error returns reason, field and detail, never the cause.
func (e *Error) Error() string {
	s := e.Reason
	if s == "" {
		s = e.Kind.String()
	}
	if e.Field != "" {
		s += ": " + e.Field
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost [Error] in err's chain: None for nil, Transient where nobody marked it.
func KindOf(err error) Kind {
	if err == nil {
		return None
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Transient
}

// Of returns the outermost [Error] in err's chain, or a Transient one with reason "unexpected" around an unmarked err.
// It returns nil for nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Transient, Reason: "unexpected", Detail: "an error that no part of the flow has judged; the handler's log has its type", Err: err}
}

// Reject returns a Permanent error: the message is at fault. field may be empty.
func Reject(reason, field, detail string) *Error {
	return &Error{Kind: Permanent, Reason: reason, Field: field, Detail: detail}
}
