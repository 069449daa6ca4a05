package functionshost

import (
	"context"
	"errors"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// session is a receive link that holds a session. Its messages have the session's lock, not one each.
type session interface {
	receiver
	ID() string
	// Until is when the session's lock ends; RenewSession extends it.
	Until() time.Time
	RenewSession(ctx context.Context) error
}

// sessionSource gives the next session that has messages; errNoSession tells that there is none now.
type sessionSource interface {
	nextSession(ctx context.Context, t binding) (session, error)
}

var errNoSession = errors.New("no session has messages")

// runSessions takes up to maxConcurrentSessions sessions at once.
func (l *entityListener) runSessions() {
	source, ok := l.host.source.(sessionSource)
	if !ok {
		l.problem("AcceptSession", errors.New("this connection has no sessions"))
		return
	}
	for range l.host.root.config.bus.maxConcurrentSessions {
		l.host.running.Go(func() { l.acceptSessions(source) })
	}
}

func (l *entityListener) acceptSessions(source sessionSource) {
	failing := false
	for l.host.receive.Err() == nil {
		s, err := source.nextSession(l.host.receive, l.function.trigger)
		switch {
		case err == nil:
			failing = false
			l.serveSession(s)
		case l.host.receive.Err() != nil:
			return
		case errors.Is(err, errNoSession):
		default:
			if !failing {
				l.problem("AcceptSession", err)
			}
			failing = true
			if !l.pause() {
				return
			}
		}
	}
}

// serveSession calls the function with a session's messages until none comes for sessionIdleTimeout, then gives the
// session back. The lock is renewed at half time as long as calls run.
func (l *entityListener) serveSession(s session) {
	defer closeLink(s)
	cfg := l.host.root.config.bus
	slots := make(chan struct{}, cfg.maxConcurrentCallsPerSession)
	size := 1
	if l.function.batch() {
		slots, size = make(chan struct{}, 1), l.batchSize()
	}
	for l.host.receive.Err() == nil {
		slots <- struct{}{}
		idle, cancel := context.WithTimeout(l.host.receive, cfg.sessionIdleTimeout)
		got, err := s.Receive(idle, size, batchFill)
		cancel()
		if len(got) == 0 {
			<-slots
			if err != nil || len(slots) == 0 {
				break
			}
			continue
		}
		l.host.running.Go(func() {
			defer func() { <-slots }()
			l.dispatchInSession(s, got)
		})
	}
	for range cap(slots) { // what still runs needs the link
		slots <- struct{}{}
	}
}

func (l *entityListener) dispatchInSession(s session, got []*received) {
	renewing, stop := context.WithCancel(l.host.life)
	done := make(chan struct{})
	go func() { defer close(done); l.renewSession(renewing, s) }()
	for _, m := range got {
		m.lockedUntil = time.Time{} // there is no lock of its own to renew
	}
	if l.function.batch() {
		l.dispatchBatch(s, got)
	} else {
		l.dispatch(s, got[0])
	}
	stop()
	<-done
}

func (l *entityListener) renewSession(ctx context.Context, s session) {
	now := l.host.options.Now
	limit := now().Add(l.host.root.config.bus.maxLockRenewal)
	for {
		half := s.Until().Sub(now()) / 2
		if half <= 0 || now().Add(half).After(limit) {
			return
		}
		t := time.NewTimer(half)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		if err := s.RenewSession(ctx); err != nil {
			if ctx.Err() == nil {
				l.problem("RenewSessionLock", err)
			}
			return
		}
	}
}

// clientSession is the real client's session.
type clientSession struct{ *azservicebus.SessionReceiver }

func (c *connections) nextSession(ctx context.Context, t binding) (session, error) {
	client, _, err := c.client(t.Connection)
	if err != nil {
		return nil, err
	}
	var s *azservicebus.SessionReceiver
	if t.QueueName != "" {
		s, err = client.AcceptNextSessionForQueue(ctx, t.QueueName, nil)
	} else {
		s, err = client.AcceptNextSessionForSubscription(ctx, t.TopicName, t.SubscriptionName, nil)
	}
	var e *azservicebus.Error
	if errors.As(err, &e) && e.Code == azservicebus.CodeTimeout {
		return nil, errNoSession
	}
	if err != nil {
		return nil, err
	}
	return clientSession{s}, nil
}

func (s clientSession) ID() string       { return s.SessionID() }
func (s clientSession) Until() time.Time { return s.LockedUntil() }
func (s clientSession) RenewSession(ctx context.Context) error {
	return settled(s.RenewSessionLock(ctx, nil))
}

func (s clientSession) Receive(ctx context.Context, maxMessages int, fill time.Duration) ([]*received, error) {
	all, err := s.ReceiveMessages(ctx, maxMessages, &azservicebus.ReceiveMessagesOptions{TimeAfterFirstMessage: fill})
	return fromClientAll(all), err
}

func (s clientSession) Complete(ctx context.Context, m *received) error {
	return settled(s.CompleteMessage(ctx, m.raw, nil))
}

func (s clientSession) Abandon(ctx context.Context, m *received) error {
	return settled(s.AbandonMessage(ctx, m.raw, nil))
}

func (s clientSession) Renew(ctx context.Context, _ *received) error { return s.RenewSession(ctx) }
