// Package sbwire speaks Service Bus over AMQP: it gives the addresses, annotations and request nodes of the service to
// the links of package server and turns what they carry into calls of package broker.
//
//	$cbs                      put-token
//	<entity>                  sending and receiving
//	<entity>/$management      renew-lock, peek-message, receive-by-sequence-number, update-disposition,
//	                          schedule-message, cancel-scheduled-message, renew-session-lock,
//	                          get- and set-session-state, get-message-sessions, add-, remove- and enumerate-rules
//
// where <entity> is a queue, a topic, topic/Subscriptions/name, or one of the sub-queues $DeadLetterQueue and
// $Transfer/$DeadLetterQueue, and may be written as a URL. The wire facts are those of the Go SDK azservicebus 1.11, the
// JavaScript SDK 7.9 and the .NET clients, read in their source and seen in their traffic.
package sbwire

import (
	"errors"
	"sync"
	"time"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// Options say how a service behaves. The zero value works.
type Options struct {
	// RefusalDelay is how long an answer waits that says that an entity isn't there, 100 ms when zero: the older .NET
	// message pump tries again at once and without end.
	RefusalDelay time.Duration
	// Authority judges the tokens that clients put; nil lets everyone do everything.
	Authority *access.Authority
	// Intercept is asked about every request first, by its node ("$cbs", "queue/$management", in lower case) and operation:
	// an error, with the status code, is the answer. Nil lets all through.
	Intercept func(node, operation string) (*wire.Error, int32)
	// Disposed, where it isn't nil, is handed every request that settles messages by lock token, as server.Disturber is
	// handed what is said about messages on a link: settle does it, and answers where answer is true.
	Disposed func(c *server.Conn, settle func(answer bool))
	// Logf gets one line for each request that isn't supported; nil for none.
	Logf func(format string, args ...any)
}

// Service connects AMQP connections to a broker.
type Service struct {
	b *broker.Broker
	o Options

	holders holders // of sessions

	mu          sync.Mutex
	senders     map[*sender]struct{}
	sendRevoked bool
}

// New returns a service for a broker.
func New(b *broker.Broker, o Options) *Service {
	if o.RefusalDelay == 0 {
		o.RefusalDelay = 100 * time.Millisecond
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	return &Service{b: b, o: o, holders: newHolders(), senders: map[*sender]struct{}{}}
}

// Connect gives a new connection its links.
func (s *Service) Connect(c *server.Conn) server.Links {
	made := &connection{s: s, c: c, replies: map[string][]*responses{}, grants: map[string]access.Grant{}}
	made.signOn()
	return made
}

// errSendRevoked is what a sender is told while the right to send is revoked.
var errSendRevoked = &wire.Error{
	Condition:   wire.UnauthorizedAccess,
	Description: "Unauthorized access. 'Send' claim(s) are required to perform this operation.",
}

// RevokeSend takes the right to send away from everyone, or gives it back. Links that send are detached; new ones, and
// requests to schedule or to cancel, are refused. Receiving and settling go on, also on the same connection: tokens are
// accepted as before, for senders and receivers put them for the same name.
func (s *Service) RevokeSend(on bool) {
	s.mu.Lock()
	s.sendRevoked = on
	var affected []*sender
	for l := range s.senders {
		if on {
			affected = append(affected, l)
		}
	}
	s.mu.Unlock()
	for _, l := range affected {
		l.link.Detach(errSendRevoked)
	}
}

// maySend returns nil or why sending isn't allowed.
func (s *Service) maySend() *wire.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sendRevoked {
		return errSendRevoked
	}
	return nil
}

// Conditions that Service Bus adds to those of AMQP.
const (
	conditionLockLost        wire.Symbol = "com.microsoft:message-lock-lost"
	conditionMessageNotFound wire.Symbol = "com.microsoft:message-not-found"
	conditionDisabled        wire.Symbol = "com.microsoft:entity-disabled"
	conditionArgument        wire.Symbol = "com.microsoft:argument-error"
	conditionDeadLetter      wire.Symbol = "com.microsoft:dead-letter"
	conditionSessionLocked   wire.Symbol = "com.microsoft:session-cannot-be-locked"
	conditionSessionLockLost wire.Symbol = "com.microsoft:session-lock-lost"
	conditionTimeout         wire.Symbol = "com.microsoft:timeout"
	conditionExists          wire.Symbol = "com.microsoft:entity-already-exists"
)

// lockLostText is the service's own, which clients look at.
const lockLostText = "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue."

// failures gives each error of the broker its AMQP condition and the status code of a $management answer.
var failures = []struct {
	err       error
	condition wire.Symbol
	code      int32
}{
	{broker.ErrNotFound, wire.NotFound, 404},
	{broker.ErrLockLost, conditionLockLost, 410},
	{broker.ErrMessageNotFound, conditionMessageNotFound, 404},
	{broker.ErrTooLarge, wire.MessageSizeExceeded, 400},
	{broker.ErrQuota, wire.ResourceLimitExceeded, 403},
	{broker.ErrDisabled, conditionDisabled, 403},
	{broker.ErrNotAllowed, wire.NotAllowed, 400},
	{broker.ErrSessionRequired, wire.NotAllowed, 400},
	{broker.ErrSessionless, wire.NotAllowed, 400},
	{broker.ErrSessionID, wire.NotAllowed, 400},
	{broker.ErrSessionLocked, conditionSessionLocked, 400},
	{broker.ErrSessionLockLost, conditionSessionLockLost, 410},
	{broker.ErrInvalid, conditionArgument, 400},
	{broker.ErrExists, conditionExists, 409},
	{broker.ErrNotImplemented, wire.NotImplemented, 501},
}

// failure turns an error about an entity into what is told on the wire. An error that is an AMQP error stays as it is.
func failure(err error, entity string) (*wire.Error, int32) {
	var told *wire.Error
	if errors.As(err, &told) {
		switch told.Condition {
		case wire.UnauthorizedAccess:
			return told, 401
		case wire.NotFound:
			return told, 404
		case conditionExists:
			return told, 409
		}
		return told, 400
	}
	for _, f := range failures {
		if errors.Is(err, f.err) {
			description := textOf(err)
			if f.code == 404 && f.condition == wire.NotFound {
				// The JavaScript SDK knows a missing entity by this text.
				description = "The messaging entity '" + entity + "' could not be found."
			}
			if errors.Is(err, broker.ErrLockLost) {
				description = lockLostText
			}
			return &wire.Error{Condition: f.condition, Description: description}, f.code
		}
	}
	return &wire.Error{Condition: wire.InternalError, Description: err.Error()}, 500
}

// texts are the service's own words, where clients and their tests look for them.
var texts = []struct {
	err  error
	text string
}{
	{broker.ErrSessionRequired, "It is not possible for an entity that requires sessions to create a non-sessionful message receiver."},
	{broker.ErrSessionless, "A sessionful message receiver cannot be created on an entity that does not require sessions. " +
		"Ensure RequiresSession is set to true when creating a Queue or Subscription to enable sessionful behavior."},
	{broker.ErrSessionID, "The SessionId was not set on a message, and it cannot be sent to the entity. " +
		"Entities that have session support enabled can only receive messages that have the SessionId set to a valid value."},
	{broker.ErrSessionLocked, "The requested session cannot be accepted. It may be locked by another receiver."},
	{broker.ErrSessionLockLost, "The session lock has expired on the MessageSession. Accept a new MessageSession."},
}

// textOf describes an error.
func textOf(err error) string {
	for _, t := range texts {
		if errors.Is(err, t.err) {
			return t.text
		}
	}
	return err.Error()
}
