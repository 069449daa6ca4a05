// Package outlet keeps a link to a queue or topic open for sending, and opens a new one when the old is dead for good.
//
// The Azure SDK rebuilds a link after most failures, but not after one for lack of permission: a sender that was detached
// so stays dead when the right is back (azservicebus 1.11, by source and seen). Without this package a Send right that was
// revoked once would stay lost until the process ends.
package outlet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"
)

// Outlet keeps one sender open. It is safe for concurrent use. S is [azservicebus.Sender] or what stands for it.
type Outlet[S comparable] struct {
	open  func() (S, error)
	close func(context.Context, S)

	mu      sync.Mutex
	current S
}

// New returns an outlet. Nothing is opened before the first use.
func New[S comparable](open func() (S, error), close func(context.Context, S)) *Outlet[S] {
	return &Outlet[S]{open: open, close: close}
}

// To returns an outlet to this queue or topic.
func To(client *azservicebus.Client, queueOrTopic string) *Outlet[*azservicebus.Sender] {
	return New(
		func() (*azservicebus.Sender, error) { return client.NewSender(queueOrTopic, nil) },
		func(ctx context.Context, s *azservicebus.Sender) { _ = s.Close(ctx) }, // the link is given up whatever the broker says
	)
}

// Use calls f with the sender, and once more with a new one when the link was dead. It returns f's error.
func (o *Outlet[S]) Use(ctx context.Context, f func(S) error) error {
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

// Close closes the sender, if one is open. The outlet opens a new one when it is used again.
func (o *Outlet[S]) Close(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var none S
	if o.current != none {
		o.close(ctx, o.current)
		o.current = none
	}
}

func (o *Outlet[S]) sender() (S, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var none S
	if o.current == none {
		s, err := o.open()
		if err != nil {
			return none, err
		}
		o.current = s
	}
	return o.current, nil
}

// drop makes the next use open a new sender. The old one is closed aside, because closing waits for the broker.
func (o *Outlet[S]) drop(ctx context.Context, old S) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var none S
	if old == none || o.current != old {
		return // somebody else was faster
	}
	o.current = none
	go func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		o.close(ctx, old)
	}()
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
