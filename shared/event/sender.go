package event

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"crosswalk/shared/fault"
)

// sender is an open link that batches of messages go out by. Its errors are those of azservicebus.
type sender interface {
	newBatch(ctx context.Context) (batch, error)
	send(ctx context.Context, b batch) error
	close(ctx context.Context)
}

// batch is what one transfer carries. Add returns [azservicebus.ErrMessageTooLarge] when it is full.
type batch interface {
	add(m *azservicebus.Message) error
}

// outlet keeps one sender open to a queue or topic and replaces it when its link is dead. It is safe for concurrent use.
type outlet struct {
	open func() (sender, error)

	mu      sync.Mutex
	current sender
}

// newOutlet returns an outlet to this queue or topic. Nothing is opened before the first use.
func newOutlet(client *azservicebus.Client, queueOrTopic string) *outlet {
	return &outlet{open: func() (sender, error) {
		s, err := client.NewSender(queueOrTopic, nil)
		if err != nil {
			return nil, err
		}
		return sdkSender{s}, nil
	}}
}

// use calls f with the sender, and once more with a new one when the link was dead: azservicebus never re-opens a link
// that was detached for lack of permission, so without this a Send right that was revoked once stays lost.
func (o *outlet) use(ctx context.Context, f func(sender) error) error {
	for again := false; ; again = true {
		s, err := o.sender()
		if err == nil {
			err = f(s)
		}
		if !isDead(err) {
			return err
		}
		o.drop(ctx, s)
		if again || ctx.Err() != nil {
			return err
		}
	}
}

func (o *outlet) sender() (sender, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current == nil {
		s, err := o.open()
		if err != nil {
			return nil, err
		}
		o.current = s
	}
	return o.current, nil
}

// drop makes the next use open a new sender. The old one is closed aside, because closing waits for the broker.
func (o *outlet) drop(ctx context.Context, old sender) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if old == nil || o.current != old {
		return // somebody else was faster
	}
	o.current = nil
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		old.close(ctx)
	}()
}

// close closes the sender, if one is open.
func (o *outlet) close(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.current != nil {
		o.current.close(ctx)
		o.current = nil
	}
}

// isDead reports whether the sender that gave err will give it for ever.
func isDead(err error) bool {
	if sdk, ok := errors.AsType[*azservicebus.Error](err); ok {
		switch sdk.Code {
		case azservicebus.CodeUnauthorizedAccess, azservicebus.CodeNotFound, azservicebus.CodeClosed:
			return true
		}
	}
	_, detached := errors.AsType[*amqp.LinkError](err)
	return detached
}

// judge says whose fault it is that a batch could not be sent. mixed means that one message may be to blame for the
// whole batch, so that it is worth sending them apart.
func judge(err error) (f *fault.Error, mixed bool) {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f, f.Kind == fault.Permanent
	}
	unavailable := &fault.Error{Kind: fault.Transient, Reason: "broker-unavailable", Detail: "the event could not be sent; it is sent again when its message is delivered again", Err: err}
	refused := &fault.Error{Kind: fault.Misconfigured, Reason: "broker-refused", Detail: "the broker refuses to take events: check the Send right, the topic's name and its status", Err: err}
	if sdk, ok := errors.AsType[*azservicebus.Error](err); ok {
		switch sdk.Code {
		case azservicebus.CodeUnauthorizedAccess, azservicebus.CodeNotFound:
			return refused, false
		}
		return unavailable, false
	}
	condition, ok := errors.AsType[*amqp.Error](err)
	if !ok {
		return unavailable, false
	}
	switch condition.Condition {
	case amqp.ErrCondMessageSizeExceeded:
		return unaddable(azservicebus.ErrMessageTooLarge), true
	case amqp.ErrCondDecodeError, amqp.ErrCondInvalidField:
		return unaddable(err), true
	case amqp.ErrCondUnauthorizedAccess, amqp.ErrCondNotFound, "com.microsoft:entity-disabled":
		return refused, false
	case amqp.ErrCondNotAllowed, amqp.ErrCondNotImplemented, amqp.ErrCondPreconditionFailed:
		return refused, true
	case amqp.ErrCondResourceLimitExceeded, amqp.ErrCondInternalError, amqp.ErrCondConnectionForced, amqp.ErrCondDetachForced,
		amqp.ErrCondTransferLimitExceeded, "com.microsoft:server-busy", "com.microsoft:timeout", "com.microsoft:operation-cancelled":
		return unavailable, false
	}
	return unavailable, true
}

// unaddable is the fault of a message that no batch can take.
func unaddable(err error) *fault.Error {
	if errors.Is(err, azservicebus.ErrMessageTooLarge) {
		return &fault.Error{Kind: fault.Permanent, Reason: "too-large", Detail: "the event is larger than the broker takes, although its data went to a blob", Err: err}
	}
	return &fault.Error{Kind: fault.Permanent, Reason: "event-refused", Detail: "the event can't be written as a message of Service Bus", Err: err}
}

// sdkSender is a sender of azservicebus.
type sdkSender struct{ *azservicebus.Sender }

func (s sdkSender) newBatch(ctx context.Context) (batch, error) {
	b, err := s.NewMessageBatch(ctx, nil)
	return sdkBatch{b}, err
}

func (s sdkSender) send(ctx context.Context, b batch) error {
	return s.SendMessageBatch(ctx, b.(sdkBatch).MessageBatch, nil)
}

func (s sdkSender) close(ctx context.Context) { _ = s.Close(ctx) } // the link is given up whatever the broker says

type sdkBatch struct{ *azservicebus.MessageBatch }

func (b sdkBatch) add(m *azservicebus.Message) error { return b.AddMessage(m, nil) }
