// Package settle decides what becomes of a message after its handler ran, and does it.
//
//	outcome                              what happens                                    answer, host
//	done, nothing to do                  one log line                                    200, completes
//	transient, throttled                 a copy to the own queue, attempt + 1             200, completes
//	waiting for a claim, misconfigured   a copy, no attempt used                          200, completes
//	a copy can't be sent                 tries on while the host renews the lock          then 500, abandons
//	permanent, attempts or age used up   dead letter by lock token                        500, its abandon is refused
//	panic                                from the third delivery on a dead letter         500, abandons
//
// Nothing else retries: no policy in function.json, no loop in a handler. See docs/adr/0002-settlement.md.
package settle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"crosswalk/shared/customhandler"
	"crosswalk/shared/fault"
	"crosswalk/shared/telemetry"
)

// Queue is a function's own work queue.
type Queue interface {
	// Schedule sends a copy that becomes visible at a time.
	Schedule(ctx context.Context, c Copy, at time.Time) error
	// DeadLetter moves a message that the host holds to the dead-letter queue, by its lock token.
	DeadLetter(ctx context.Context, token [16]byte, reason, description string) error
	// Complete removes a message that the host holds, by its lock token.
	Complete(ctx context.Context, token [16]byte) error
}

// Copy is a message that comes again later. Its properties are the original's, with attempt, copy number and first-seen
// time brought up to date.
type Copy struct {
	MessageID, CorrelationID, ContentType, Subject string
	Body                                           []byte
	Properties                                     map[string]any
}

// Policy holds the numbers of settlement. Settings override each, for all functions or for one.
type Policy struct {
	Attempts       int           // how many times a message is tried before it is dead-lettered
	FirstDelay     time.Duration // before the second attempt; doubles with each
	MaxDelay       time.Duration // at most this long between attempts
	MaxAge         time.Duration // since the message was first seen
	Misconfigured  time.Duration // delay after a failure of permissions or addresses
	CopyPatience   time.Duration // how long sending a copy is tried before the message is abandoned
	PanicsToReject int           // the delivery from which a panic dead-letters
}

// DefaultPolicy returns the numbers of the design: 12 attempts, 5 s doubling to 1 h, three days.
func DefaultPolicy() Policy {
	return Policy{
		Attempts: 12, FirstDelay: 5 * time.Second, MaxDelay: time.Hour, MaxAge: 72 * time.Hour,
		Misconfigured: 15 * time.Minute, CopyPatience: 4 * time.Minute, PanicsToReject: 3,
	}
}

// Handle does one message's work.
type Handle func(context.Context, customhandler.Message) (Outcome, error)

// Settler settles the messages of one function.
type Settler struct {
	Function string
	Queue    Queue
	Policy   Policy
	Log      telemetry.Log
	Now      func() time.Time
	// Pause waits between two tries to send a copy and returns early with an error when ctx ends. Nil waits in real time.
	Pause func(ctx context.Context, d time.Duration) error
}

// errAnswered says that the message is settled or left to the broker, and the host must be answered with 500. The
// failure itself has been logged.
var errAnswered = errors.New("not completed")

// Wrap returns the function the host's invocations run: h, then settlement. It returns nil where the host shall complete
// the message, and an error where it shall not.
func (s *Settler) Wrap(h Handle) func(context.Context, customhandler.Message) error {
	return func(ctx context.Context, m customhandler.Message) error {
		start := s.Now()
		tr := readTrail(m)
		outcome, err := s.run(ctx, h, m)
		rec := telemetry.Record{
			Function: s.Function, Invocation: m.Invocation, Event: tr.eventID, Type: tr.eventType, Attempt: tr.attempt,
		}
		report := func(outcome string) {
			rec.Outcome, rec.Took = outcome, s.Now().Sub(start)
			s.Log(rec)
		}
		if err == nil {
			rec.Why = outcome.Why
			if outcome.Delivered {
				report(telemetry.Delivered)
			} else {
				report(telemetry.NothingToDo)
			}
			return nil
		}
		f := fault.Of(err)
		rec.Kind, rec.Reason, rec.Field, rec.Detail, rec.Cause = f.Kind.String(), f.Reason, f.Field, f.Detail, causeOf(f)
		next := s.decide(f, tr, m, start)
		switch next.verdict {
		case abandon:
			report(telemetry.Abandoned)
			return errAnswered
		case deadLetter:
			rec.Detail = next.description
			if err := s.Queue.DeadLetter(ctx, m.LockToken, clip(next.reason), clip(next.description)); err != nil {
				// The lock is gone or the broker is: the message comes again and meets the same verdict.
				report(telemetry.Abandoned)
				return errAnswered
			}
			report(telemetry.DeadLettered)
			return errAnswered
		}
		rec.Retry = next.delay
		if err := s.sendCopy(ctx, tr.copyOf(m, next.attempt), next.delay); err != nil {
			rec.Detail = "no copy could be sent, so the message is left to the broker; " + rec.Detail
			report(telemetry.Abandoned)
			return errAnswered
		}
		report(telemetry.Retry)
		return nil
	}
}

// run calls the handler and turns a panic into an error, so that one message never takes the process with it.
func (s *Settler) run(ctx context.Context, h Handle, m customhandler.Message) (o Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &fault.Error{Kind: fault.Transient, Reason: ReasonPanic, Detail: fmt.Sprintf("the handler panicked (%T); this is a fault in Crosswalk, not in the message's data", p), Err: errPanicked}
		}
	}()
	return h(ctx, m)
}

var errPanicked = errors.New("panic")

// ReasonPanic is the reason code of a dead letter whose handler panicked.
const ReasonPanic = "panic"

type verdict uint8

const (
	retry verdict = iota
	deadLetter
	abandon
)

type decision struct {
	verdict             verdict
	attempt             int
	delay               time.Duration
	reason, description string
}

func (s *Settler) decide(f *fault.Error, tr trail, m customhandler.Message, now time.Time) decision {
	if errors.Is(f, errPanicked) {
		if m.DeliveryCount < s.Policy.PanicsToReject {
			return decision{verdict: abandon}
		}
		return decision{verdict: deadLetter, reason: ReasonPanic, description: describe(f)}
	}
	if f.Kind == fault.Permanent {
		return decision{verdict: deadLetter, reason: f.Reason, description: describe(f)}
	}
	age := now.Sub(tr.firstSeen)
	usesAttempt := f.Kind == fault.Transient || f.Kind == fault.Throttled
	if (usesAttempt && tr.attempt >= s.Policy.Attempts) || age > s.Policy.MaxAge {
		return decision{verdict: deadLetter, reason: f.Reason, description: fmt.Sprintf(
			"given up after %d attempts in %s; the last failure: %s", tr.attempt, age.Round(time.Second), describe(f))}
	}
	d := decision{verdict: retry, attempt: tr.attempt, delay: s.backOff(tr.attempt)}
	switch f.Kind {
	case fault.Misconfigured:
		d.delay = jitter(s.Policy.Misconfigured)
	case fault.Waiting:
		// A claim is nearly always given back long before its end, so that is the latest time, not the earliest.
		d.delay = s.backOff(tr.copies + 1)
		if f.After > 0 {
			d.delay = min(d.delay, f.After+rand.N(f.After/5+1)) // spread, so that all who wait don't wake at once
		}
		return d
	default:
		d.attempt++
	}
	d.delay = max(d.delay, f.After)
	return d
}

// describe returns a dead letter's description: field and detail. The reason stands beside it.
func describe(f *fault.Error) string {
	if f.Field == "" {
		return f.Detail
	}
	return f.Field + ": " + f.Detail
}

// backOff returns the delay after an attempt (1 for the first): FirstDelay doubled each time, at most MaxDelay, spread by
// up to a fifth in either direction so that what failed together doesn't come back together.
func (s *Settler) backOff(attempt int) time.Duration {
	d := s.Policy.FirstDelay
	for i := 1; i < attempt && d < s.Policy.MaxDelay; i++ {
		d *= 2
	}
	return jitter(min(d, s.Policy.MaxDelay))
}

func jitter(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5+1)
}

// sendCopy schedules the copy, and tries on for CopyPatience: the host renews the message's lock meanwhile, and a
// message that can't be copied must not burn its deliveries.
func (s *Settler) sendCopy(ctx context.Context, c Copy, delay time.Duration) error {
	deadline := s.Now().Add(s.Policy.CopyPatience)
	pause := s.Pause
	if pause == nil {
		pause = sleep
	}
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 15*time.Second) {
		err := s.Queue.Schedule(ctx, c, s.Now().Add(delay))
		if err == nil || ctx.Err() != nil || s.Now().Add(wait).After(deadline) {
			return err
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// causeOf names the type of the root cause. Its text may quote the message and isn't shown.
func causeOf(f *fault.Error) string {
	cause := f.Err
	for cause != nil {
		inner := errors.Unwrap(cause)
		if inner == nil {
			return fmt.Sprintf("%T", cause)
		}
		cause = inner
	}
	return ""
}
