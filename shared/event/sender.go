package event

import (
	"context"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"

	"crosswalk/shared/fault"
	"crosswalk/shared/outlet"
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

// newOutlet returns an outlet to this queue or topic. Nothing is opened before the first use.
func newOutlet(client *azservicebus.Client, queueOrTopic string) *outlet.Outlet[sender] {
	return outlet.New(func() (sender, error) {
		s, err := client.NewSender(queueOrTopic, nil)
		if err != nil {
			return nil, err
		}
		return sdkSender{s}, nil
	}, func(ctx context.Context, s sender) { s.close(ctx) })
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
