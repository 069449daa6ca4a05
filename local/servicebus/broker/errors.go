package broker

import (
	"errors"
	"fmt"
)

// What an operation can end with. Errors wrap one of these and add the entity's address or the name of what was
// wrong, never a value out of a message.
var (
	// ErrNotFound says that there is no such entity.
	ErrNotFound = errors.New("the messaging entity could not be found")
	// ErrRuleNotFound says that a subscription has no rule of this name; it is an ErrNotFound.
	ErrRuleNotFound = fmt.Errorf("%w: no such rule", ErrNotFound)
	// ErrExists says that the name is taken.
	ErrExists = errors.New("the messaging entity already exists")
	// ErrDisabled says that the entity's status forbids the operation.
	ErrDisabled = errors.New("the messaging entity is disabled for this operation")
	// ErrNotAllowed says that the entity can't do this kind of operation: sending to a subscription or a dead-letter
	// queue, receiving from a topic or from an entity that forwards, dead-lettering inside a dead-letter queue.
	ErrNotAllowed = errors.New("the operation is not allowed on this messaging entity")
	// ErrInvalid says that an argument breaks a rule or a limit of Service Bus.
	ErrInvalid = errors.New("invalid argument")
	// ErrLockLost says that a lock token is wrong, has expired or was used already.
	ErrLockLost = errors.New("the lock supplied is invalid: it has expired, or the message has been removed from the queue")
	// ErrSessionRequired says that an entity with sessions was asked for messages without one.
	ErrSessionRequired = errors.New("the entity requires sessions: its messages are received from a session")
	// ErrSessionless says that a session was asked for where there are none.
	ErrSessionless = errors.New("the entity has no sessions")
	// ErrSessionID says that a message without a session id was sent to a queue with sessions.
	ErrSessionID = errors.New("a message without a session id can't be sent to an entity that requires sessions")
	// ErrSessionLocked says that somebody else holds the session.
	ErrSessionLocked = errors.New("the session is locked by another receiver")
	// ErrSessionLockLost says that a session's lock has expired or was given back.
	ErrSessionLockLost = errors.New("the lock of the session has expired or was given back")
	// ErrMessageNotFound says that no message of this sequence number is in the state the operation needs.
	ErrMessageNotFound = errors.New("the message could not be found")
	// ErrTooLarge says that a message, its properties or one of them is over the limit.
	ErrTooLarge = errors.New("the message is larger than what is allowed")
	// ErrQuota says that the entity is full.
	ErrQuota = errors.New("the messaging entity has reached its maximum size")
	// ErrNotImplemented says that Service Bus can do this and this broker can't.
	ErrNotImplemented = errors.New("not implemented by this broker")
)
