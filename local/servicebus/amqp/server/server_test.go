package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
)

// patience bounds every wait.
const patience = 20 * time.Second

// echo is a service that keeps what is sent to it and sends it to whoever receives, in order.
type echo struct {
	mu      sync.Mutex
	stored  [][]byte
	outs    map[*server.Outgoing]struct{}
	settled []wire.State
}

func (e *echo) connect(*server.Conn) server.Links { return links{e} }

type links struct{ *echo }

func (l links) Unknown() wire.State {
	return wire.Rejected{Error: &wire.Error{Condition: "test:unknown"}}
}
func (l links) Closed() {}

func (l links) Sender(in *server.Incoming) {
	if in.Attach().Target == nil {
		in.Refuse(&wire.Error{Condition: wire.NotFound})
		return
	}
	in.Accept(server.Acceptance{MaxMessageSize: 1 << 20, Credit: 10}, sink(l))
}

type sink struct{ *echo }

func (s sink) Closed() {}
func (s sink) Deliver(d server.Delivery) {
	s.mu.Lock()
	s.stored = append(s.stored, d.Payload)
	for out := range s.outs {
		out.Wake()
	}
	s.mu.Unlock()
	d.Settle(wire.Accepted{})
}

func (l links) Receiver(out *server.Outgoing) {
	l.mu.Lock()
	l.outs[out] = struct{}{}
	l.mu.Unlock()
	if out.Accept(server.Acceptance{}, source{l.echo, out}) {
		out.Go(func() { l.pump(out) })
	}
}

func (e *echo) pump(out *server.Outgoing) {
	for {
		credit, ok := out.Wait()
		if !ok {
			return
		}
		for range credit {
			e.mu.Lock()
			if len(e.stored) == 0 {
				e.mu.Unlock()
				break
			}
			next := e.stored[0]
			e.stored = e.stored[1:]
			e.mu.Unlock()
			if out.Send(server.Message{Payload: next, Tag: []byte("tag")}, false) != nil {
				e.mu.Lock()
				e.stored = append([][]byte{next}, e.stored...)
				e.mu.Unlock()
				break
			}
		}
		out.Exhausted()
	}
}

type source struct {
	*echo
	out *server.Outgoing
}

func (s source) Closed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.outs, s.out)
}

func (s source) Disposed(_ []byte, state wire.State) wire.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = append(s.settled, state)
	return state
}

// start runs an echo server with these options and returns its address.
func start(t testing.TB, o server.Options) (*echo, *server.Server, string) {
	t.Helper()
	e := &echo{outs: map[*server.Outgoing]struct{}{}}
	o.Connect, o.ContainerID = e.connect, "test"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(o)
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		l.Close()
		s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return e, s, l.Addr().String()
}

func patient(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func dial(t testing.TB, ctx context.Context, addr string, o *amqp.ConnOptions) (*amqp.Conn, *amqp.Session) {
	t.Helper()
	c, err := amqp.Dial(ctx, "amqp://"+addr, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	s, err := c.NewSession(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// until waits for a condition.
func until(t testing.TB, ctx context.Context, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

func TestSASLMechanisms(t *testing.T) {
	_, _, addr := start(t, server.Options{Authenticate: func(mechanism string, response []byte) error {
		if mechanism == "PLAIN" && !bytes.Equal(response, []byte("\x00user\x00right")) {
			return errors.New("wrong password")
		}
		return nil
	}})
	ctx := patient(t)
	for name, c := range map[string]struct {
		sasl amqp.SASLType
		ok   bool
	}{
		"none":        {nil, true},
		"anonymous":   {amqp.SASLTypeAnonymous(), true},
		"external":    {amqp.SASLTypeExternal(""), true},
		"plain right": {amqp.SASLTypePlain("user", "right"), true},
		"plain wrong": {amqp.SASLTypePlain("user", "wrong"), false},
	} {
		conn, err := amqp.Dial(ctx, "amqp://"+addr, &amqp.ConnOptions{SASLType: c.sasl})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}

func TestMessagesOfAnySizeGoThrough(t *testing.T) {
	for _, frame := range []uint32{512, 4096, 65536} {
		_, _, addr := start(t, server.Options{MaxFrameSize: frame})
		ctx := patient(t)
		_, session := dial(t, ctx, addr, &amqp.ConnOptions{MaxFrameSize: frame})
		sender, err := session.NewSender(ctx, "x", nil)
		if err != nil {
			t.Fatal(err)
		}
		receiver, err := session.NewReceiver(ctx, "x", &amqp.ReceiverOptions{Credit: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{0, 1, 400, 500, 512, 5000, 70000, 300000} {
			body := bytes.Repeat([]byte{7}, size)
			if err := sender.Send(ctx, amqp.NewMessage(body), nil); err != nil {
				t.Fatal(err)
			}
			m, err := receiver.Receive(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(m.GetData(), body) {
				t.Errorf("frames of %d: %d bytes came, not %d", frame, len(m.GetData()), size)
			}
			if err := receiver.AcceptMessage(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// More messages than both session windows, so that they must be opened again on the way.
func TestWindowsAreOpenedAgain(t *testing.T) {
	_, _, addr := start(t, server.Options{})
	ctx := patient(t)
	_, session := dial(t, ctx, addr, nil)
	sender, err := session.NewSender(ctx, "x", &amqp.SenderOptions{SettlementMode: amqp.SenderSettleModeSettled.Ptr()})
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := session.NewReceiver(ctx, "x", &amqp.ReceiverOptions{Credit: 100})
	if err != nil {
		t.Fatal(err)
	}
	const total = 12000
	failed := make(chan error, 1)
	go func() {
		for i := range total {
			if err := sender.Send(ctx, amqp.NewMessage(fmt.Append(nil, i)), nil); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	for i := range total {
		m, err := receiver.Receive(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		if string(m.GetData()) != fmt.Sprint(i) {
			t.Fatalf("message %d is %s", i, m.GetData())
		}
		if err := receiver.AcceptMessage(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
}

func TestRefusedLinkTellsWhy(t *testing.T) {
	_, _, addr := start(t, server.Options{})
	ctx := patient(t)
	c := dialRaw(t, addr)
	c.open()
	c.write(0, &wire.Begin{IncomingWindow: 10, OutgoingWindow: 10})
	expect[*wire.Begin](c)
	c.write(0, &wire.Attach{Name: "tx", Handle: 3, Role: wire.RoleSender, Coordinator: true})
	if a := expect[*wire.Attach](c); a.Target != nil || a.Source != nil || a.Handle != 3 || a.Role != wire.RoleReceiver {
		t.Errorf("%+v", a)
	}
	if d := expect[*wire.Detach](c); d.Error == nil || d.Error.Condition != wire.NotImplemented || !d.Closed {
		t.Errorf("%+v", d)
	}
	c.write(0, &wire.Detach{Handle: 3, Closed: true})
	c.write(0, &wire.Attach{Name: "again", Handle: 3, Role: wire.RoleSender, Source: &wire.Source{}})
	if a := expect[*wire.Attach](c); a.Name != "again" {
		t.Errorf("%+v", a)
	}
	_ = ctx
}

func TestDrainUsesTheCreditUp(t *testing.T) {
	e, _, addr := start(t, server.Options{})
	e.stored = [][]byte{[]byte("a"), []byte("b")}
	c := dialRaw(t, addr)
	c.receiver(0, 0)
	c.write(0, &wire.Flow{NextIncomingID: ptr[uint32](0), IncomingWindow: 100, Handle: ptr[uint32](0), DeliveryCount: ptr[uint32](0), LinkCredit: ptr[uint32](10), Drain: true})
	expect[*wire.Transfer](c)
	expect[*wire.Transfer](c)
	if f := expect[*wire.Flow](c); *f.LinkCredit != 0 || *f.DeliveryCount != 10 || !f.Drain {
		t.Errorf("%+v", f)
	}
	// The same flow again means no credit, drain and all; an echo shows it.
	c.write(0, &wire.Flow{NextIncomingID: ptr[uint32](2), IncomingWindow: 100, Handle: ptr[uint32](0), DeliveryCount: ptr[uint32](0), LinkCredit: ptr[uint32](10), Echo: true})
	if f := expect[*wire.Flow](c); *f.LinkCredit != 0 || *f.DeliveryCount != 10 {
		t.Errorf("%+v", f)
	}
}

func TestClosedWindowHoldsMessagesBack(t *testing.T) {
	e, _, addr := start(t, server.Options{})
	e.stored = [][]byte{[]byte("a"), []byte("b"), []byte("c")}
	c := dialRaw(t, addr)
	c.receiver(0, 0)
	flow := func(next, window, credit uint32, echo bool) {
		c.write(0, &wire.Flow{NextIncomingID: &next, IncomingWindow: window, Handle: ptr[uint32](0), DeliveryCount: &next, LinkCredit: &credit, Echo: echo})
	}
	flow(0, 1, 3, false)
	expect[*wire.Transfer](c)
	flow(1, 0, 2, true) // restated, and still closed
	expect[*wire.Flow](c)
	flow(1, 2, 2, false)
	expect[*wire.Transfer](c)
	expect[*wire.Transfer](c)
}

func TestCreditTakenBackKeepsMessages(t *testing.T) {
	e, _, addr := start(t, server.Options{})
	c := dialRaw(t, addr)
	c.receiver(0, 0)
	flow := func(credit uint32) {
		c.write(0, &wire.Flow{NextIncomingID: ptr[uint32](0), IncomingWindow: 10, Handle: ptr[uint32](0), DeliveryCount: ptr[uint32](0), LinkCredit: &credit, Echo: true})
		expect[*wire.Flow](c)
	}
	flow(5)
	flow(0)
	e.mu.Lock()
	e.stored = [][]byte{[]byte("a")}
	for out := range e.outs {
		out.Wake()
	}
	e.mu.Unlock()
	flow(0) // whatever was sent would come before this answer
	flow(1)
	expect[*wire.Transfer](c)
}

func TestDispositionOfARange(t *testing.T) {
	e, _, addr := start(t, server.Options{})
	e.stored = [][]byte{{1}, {2}, {3}, {4}}
	c := dialRaw(t, addr)
	c.receiver(0, 0)
	c.write(0, &wire.Flow{NextIncomingID: ptr[uint32](0), IncomingWindow: 100, Handle: ptr[uint32](0), DeliveryCount: ptr[uint32](0), LinkCredit: ptr[uint32](4)})
	for range 4 {
		expect[*wire.Transfer](c)
	}
	settle := func(first, last uint32, state wire.State) {
		c.write(0, &wire.Disposition{Role: wire.RoleReceiver, First: first, Last: &last, State: state})
	}
	settle(1, 2, wire.Released{})
	if d := expect[*wire.Disposition](c); d.First != 1 || *d.Last != 2 || !d.Settled || d.State != (wire.Released{}) || d.Role != wire.RoleSender {
		t.Errorf("%+v", d)
	}
	// The whole range, and more than was ever sent: what is open is settled, what was settled is unknown.
	settle(0, 1<<31-1, wire.Accepted{})
	for _, want := range []struct {
		first, last uint32
		known       bool
	}{{0, 0, true}, {1, 2, false}, {3, 3, true}} {
		d := expect[*wire.Disposition](c)
		if _, accepted := d.State.(wire.Accepted); d.First != want.first || *d.Last != want.last || accepted != want.known {
			t.Errorf("%+v, want %+v", d, want)
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.settled) != 4 {
		t.Errorf("%d deliveries settled", len(e.settled))
	}
}

// A peer that never reads must not hold up another one.
func TestSlowReaderBlocksNobody(t *testing.T) {
	e, _, addr := start(t, server.Options{})
	ctx := patient(t)
	slow := dialRaw(t, addr)
	slow.receiver(0, 0)
	slow.write(0, &wire.Flow{NextIncomingID: ptr[uint32](0), IncomingWindow: 1 << 30, Handle: ptr[uint32](0), DeliveryCount: ptr[uint32](0), LinkCredit: ptr[uint32](1 << 30)})
	_, session := dial(t, ctx, addr, nil)
	sender, err := session.NewSender(ctx, "x", nil)
	if err != nil {
		t.Fatal(err)
	}
	stuck := func() bool { // the slow reader's share is taken: what comes now stays
		e.mu.Lock()
		defer e.mu.Unlock()
		return len(e.stored) > 3
	}
	for body := make([]byte, 512<<10); !stuck(); {
		if err := sender.Send(ctx, amqp.NewMessage(body), nil); err != nil {
			t.Fatal(err)
		}
	}
	receiver, err := session.NewReceiver(ctx, "x", &amqp.ReceiverOptions{Credit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := receiver.Receive(ctx, nil); err != nil {
		t.Fatal(err)
	}
}

func TestHeartbeatsKeepAQuietConnection(t *testing.T) {
	_, _, addr := start(t, server.Options{})
	c := dialRaw(t, addr)
	c.openWith(&wire.Open{ContainerID: "c", MaxFrameSize: 512, ChannelMax: 1, IdleTimeOut: ptr[uint32](100)})
	for range 2 {
		if f := c.frame(); len(f.Body) != 0 {
			t.Errorf("no heartbeat but % x", f.Body)
		}
	}
}

func TestSilentPeerIsDropped(t *testing.T) {
	_, s, addr := start(t, server.Options{IdleTimeOut: 20 * time.Millisecond})
	c := dialRaw(t, addr)
	c.open()
	if p := expect[*wire.Close](c); p.Error == nil || p.Error.Condition != wire.ResourceLimitExceeded {
		t.Errorf("%+v", p)
	}
	c.conn.Close()
	until(t, patient(t), "the connection is forgotten", func() bool { return s.Conns() == 0 })
}

func ptr[T any](v T) *T { return &v }
