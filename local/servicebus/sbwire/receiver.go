package sbwire

import (
	"errors"
	"time"

	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// maxTake is how many messages a receiver locks at a time before it sends them.
const maxTake = 100

// receiver sends an entity's messages to a client.
type receiver struct {
	s      *Service
	link   *server.Outgoing
	entity string
	// delete is the mode receive-and-delete, which a client asks for by wanting settled messages.
	delete bool
	cancel func() // of the watch
	// session is what the link holds, nil for an entity without sessions.
	session *broker.SessionLock
}

func (s *Service) attachReceiver(l *server.Outgoing, entity string) {
	f, ok, err := sessionFilterOf(l.Attach().Source)
	if err != nil {
		s.refuse(l, err, entity)
		return
	}
	if ok {
		s.attachSession(l, entity, f)
		return
	}
	r := &receiver{s: s, link: l, entity: entity, delete: wantsSettled(l)}
	_, err = s.b.Receive(entity, 0, broker.PeekLock) // no message: only asks whether it would do
	if err == nil {
		r.cancel, err = s.b.Watch(entity, l.Wake)
	}
	if err != nil {
		s.refuse(l, err, entity)
		return
	}
	if !l.Accept(server.Acceptance{}, r) {
		r.cancel()
		return
	}
	l.Go(r.pump)
}

// wantsSettled says whether a client asks for the mode receive-and-delete.
func wantsSettled(l *server.Outgoing) bool {
	mode := l.Attach().SndSettleMode
	return mode != nil && *mode == wire.SendSettled
}

// take locks up to n messages.
func (r *receiver) take(n int) ([]*broker.Message, error) {
	if r.session != nil {
		return r.s.b.ReceiveFromSession(r.entity, r.session.Token, n, broker.PeekLock)
	}
	return r.s.b.Receive(r.entity, n, broker.PeekLock)
}

// pump sends messages as long as there are some and the client gives credit.
func (r *receiver) pump() {
	for {
		credit, ok := r.link.Wait()
		if !ok {
			return
		}
		n := min(credit, maxTake)
		msgs, err := r.take(n)
		if err != nil {
			told, _ := failure(err, r.entity)
			r.link.Detach(told)
			return
		}
		r.send(msgs)
		if len(msgs) == n {
			r.link.Wake() // there may be more
		} else {
			r.link.Exhausted()
		}
	}
}

// send sends messages that are locked, and releases those that the client doesn't get.
func (r *receiver) send(msgs []*broker.Message) {
	for i, m := range msgs {
		err := r.sendOne(m)
		if err == nil || errors.Is(err, server.ErrNotSent) {
			continue
		}
		for _, m := range msgs[i:] {
			_ = r.s.b.Settle(r.entity, m.LockToken, broker.Disposition{Kind: broker.Release}) // lost means: given back already
		}
		return
	}
}

func (r *receiver) sendOne(m *broker.Message) error {
	out := server.Message{Tag: tagOf(m.LockToken)}
	if r.delete {
		// The message is deleted at the moment it goes out: no earlier, or a link that ends meanwhile would lose it.
		token := m.LockToken
		out.Settled = true
		out.Before = func() bool {
			return r.s.b.Settle(r.entity, token, broker.Disposition{Kind: broker.Complete}) == nil
		}
		lockless := *m
		lockless.LockedUntil = time.Time{}
		m = &lockless
	}
	payload, err := encode(m, !r.delete)
	if err != nil {
		return err
	}
	out.Payload = payload
	return r.link.Send(out, false)
}

// Disposed settles a message the client has decided about.
func (r *receiver) Disposed(tag []byte, state wire.State) wire.State {
	if r.session != nil {
		if err := r.s.b.SessionLocked(r.entity, r.session.Token); err != nil {
			told, _ := failure(err, r.entity)
			return wire.Rejected{Error: told}
		}
	}
	return r.s.disposed(r.entity, tag, state)
}

// Closed ends the watch. What the client holds stays locked, and can be settled by its lock token; a session is given
// back.
func (r *receiver) Closed() {
	r.cancel()
	if r.session != nil {
		r.release()
	}
}
