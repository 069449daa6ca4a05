package server_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/Azure/go-amqp"

	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/amqp/wire"
)

// raw is a peer that writes what it likes.
type raw struct {
	t    testing.TB
	conn net.Conn
}

func dialRaw(t testing.TB, addr string) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return &raw{t, conn}
}

func (c *raw) bytes(b string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *raw) write(channel uint16, p wire.Performative) {
	c.t.Helper()
	b, err := wire.AppendFrame(nil, wire.FrameAMQP, channel, p, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.bytes(string(b))
}

func (c *raw) frame() wire.Frame {
	c.t.Helper()
	f, _, err := wire.ReadFrame(c.conn, 1<<20, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return f
}

// expect reads frames up to the next that isn't a heartbeat, which must be a P.
func expect[P wire.Performative](c *raw) P {
	c.t.Helper()
	for {
		f := c.frame()
		if len(f.Body) == 0 {
			continue
		}
		p, _, err := wire.ParsePerformative(f.Body)
		if err != nil {
			c.t.Fatal(err)
		}
		want, ok := p.(P)
		if !ok {
			c.t.Fatalf("%T %+v instead of %T", p, p, want)
		}
		return want
	}
}

func (c *raw) open() {
	c.t.Helper()
	c.openWith(&wire.Open{ContainerID: "c", MaxFrameSize: 65536, ChannelMax: 10})
}

func (c *raw) openWith(o *wire.Open) {
	c.t.Helper()
	c.bytes(wire.HeaderAMQP)
	var header [8]byte
	if _, err := io.ReadFull(c.conn, header[:]); err != nil || string(header[:]) != wire.HeaderAMQP {
		c.t.Fatalf("header %q, %v", header, err)
	}
	c.write(0, o)
	expect[*wire.Open](c)
}

// receiver opens, begins and attaches a receiver.
func (c *raw) receiver(channel uint16, handle uint32) {
	c.t.Helper()
	c.open()
	c.write(channel, &wire.Begin{IncomingWindow: 0, OutgoingWindow: 100})
	expect[*wire.Begin](c)
	c.write(channel, &wire.Attach{Name: "r", Handle: handle, Role: wire.RoleReceiver, Source: &wire.Source{Address: ptr("x")}, Target: &wire.Target{}})
	expect[*wire.Attach](c)
}

// sender opens, begins and attaches a sender, which gets a credit of 10.
func (c *raw) sender() {
	c.t.Helper()
	c.open()
	c.write(0, &wire.Begin{IncomingWindow: 100, OutgoingWindow: 100})
	expect[*wire.Begin](c)
	c.write(0, &wire.Attach{Name: "s", Role: wire.RoleSender, Source: &wire.Source{}, Target: &wire.Target{Address: ptr("x")}})
	expect[*wire.Attach](c)
	if f := expect[*wire.Flow](c); *f.LinkCredit != 10 {
		c.t.Fatalf("%+v", f)
	}
}

func (c *raw) wantClose(condition wire.Symbol) {
	c.t.Helper()
	if p := expect[*wire.Close](c); p.Error == nil || p.Error.Condition != condition {
		c.t.Errorf("close %+v, want %s", p.Error, condition)
	}
}

func TestBadPeersAreToldAndDropped(t *testing.T) {
	wantEnd := func(c *raw, condition wire.Symbol) {
		c.t.Helper()
		if p := expect[*wire.End](c); p.Error == nil || p.Error.Condition != condition {
			c.t.Errorf("end %+v, want %s", p.Error, condition)
		}
	}
	wantDetach := func(c *raw, condition wire.Symbol) {
		c.t.Helper()
		if p := expect[*wire.Detach](c); p.Error == nil || p.Error.Condition != condition {
			c.t.Errorf("detach %+v, want %s", p.Error, condition)
		}
	}
	for name, misbehave := range map[string]func(c *raw){
		"another protocol": func(c *raw) {
			c.bytes("GET / HTTP/1.1\r\n\r\n")
			var b [8]byte
			if _, err := io.ReadFull(c.conn, b[:]); err != nil || string(b[:]) != wire.HeaderSASL {
				c.t.Errorf("%q, %v", b, err)
			}
		},
		"frame too large": func(c *raw) { c.open(); c.bytes("\x7f\xff\xff\xff\x02\x00\x00\x00"); c.wantClose(wire.FramingError) },
		"frame too small": func(c *raw) { c.open(); c.bytes("\x00\x00\x00\x01\x02\x00\x00\x00"); c.wantClose(wire.FramingError) },
		"SASL frame in the middle": func(c *raw) {
			c.open()
			c.bytes("\x00\x00\x00\x09\x02\x01\x00\x00\x40")
			c.wantClose(wire.FramingError)
		},
		"garbage for a performative": func(c *raw) {
			c.open()
			c.bytes("\x00\x00\x00\x0c\x02\x00\x00\x00\xff\xff\xff\xff")
			c.wantClose(wire.DecodeError)
		},
		"empty attach": func(c *raw) {
			c.open()
			c.bytes("\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x12\x45")
			c.wantClose(wire.DecodeError)
		},
		"frame without a session": func(c *raw) { c.open(); c.write(3, &wire.Detach{}); c.wantClose(wire.NotAllowed) },
		"channel over the limit":  func(c *raw) { c.open(); c.write(60000, &wire.Begin{}); c.wantClose(wire.NotAllowed) },
		"second open":             func(c *raw) { c.open(); c.write(0, &wire.Open{ContainerID: "x"}); c.wantClose(wire.NotAllowed) },
		"session begun twice":     func(c *raw) { c.sender(); c.write(0, &wire.Begin{}); c.wantClose(wire.NotAllowed) },
		"handle over the limit": func(c *raw) {
			c.sender()
			c.write(0, &wire.Attach{Name: "y", Handle: 1 << 31})
			wantEnd(c, wire.NotAllowed)
		},
		"handle in use": func(c *raw) { c.sender(); c.write(0, &wire.Attach{Name: "y"}); wantEnd(c, wire.HandleInUse) },
		"flow for no link": func(c *raw) {
			c.sender()
			c.write(0, &wire.Flow{Handle: ptr[uint32](9)})
			wantEnd(c, wire.UnattachedHandle)
		},
		"transfer for no link":   func(c *raw) { c.sender(); c.write(0, &wire.Transfer{Handle: 9}); wantEnd(c, wire.UnattachedHandle) },
		"detach of no link":      func(c *raw) { c.sender(); c.write(0, &wire.Detach{Handle: 9}); wantEnd(c, wire.UnattachedHandle) },
		"transfer to a receiver": func(c *raw) { c.receiver(0, 0); c.write(0, transfer(0, false)); wantEnd(c, wire.UnattachedHandle) },
		"transfer without id":    func(c *raw) { c.sender(); c.write(0, &wire.Transfer{}); wantDetach(c, wire.InvalidField) },
		"delivery inside another": func(c *raw) {
			c.sender()
			c.write(0, transfer(0, true))
			c.write(0, transfer(1, true))
			wantDetach(c, wire.InvalidField)
		},
		"disposition of everything": func(c *raw) {
			c.receiver(0, 0)
			c.write(0, &wire.Disposition{Role: wire.RoleReceiver, Last: ptr[uint32](1<<32 - 1)})
			c.write(0, &wire.End{})
			expect[*wire.End](c)
		},
		"flow of absurd numbers": func(c *raw) {
			c.receiver(0, 0)
			m := uint32(1<<32 - 1)
			c.write(0, &wire.Flow{NextIncomingID: &m, IncomingWindow: m, NextOutgoingID: m, OutgoingWindow: m, Handle: ptr[uint32](0), DeliveryCount: &m, LinkCredit: &m, Echo: true})
			expect[*wire.Flow](c)
		},
		"message over the limit": func(c *raw) {
			c.sender()
			c.large(20, false, false)
			d := expect[*wire.Disposition](c)
			if r, ok := d.State.(wire.Rejected); !ok || r.Error == nil || r.Error.Condition != wire.MessageSizeExceeded || !d.Settled {
				c.t.Errorf("told %+v", d)
			}
			c.write(0, transfer(1, false)) // the link lives on
			expect[*wire.Disposition](c)
		},
		"presettled message over the limit": func(c *raw) {
			c.sender()
			c.large(20, false, true)
			wantDetach(c, wire.MessageSizeExceeded)
		},
		"message without an end": func(c *raw) {
			c.sender()
			c.large(1200, true, false)
			wantDetach(c, wire.MessageSizeExceeded)
		},
		"more than the credit": func(c *raw) {
			c.sender()
			for range 10 {
				c.write(0, transfer(0, true)) // the same unfinished one: no credit comes back
				c.write(0, &wire.Transfer{More: true})
			}
			c.write(0, &wire.End{})
			expect[*wire.End](c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, s, addr := start(t, server.Options{})
			c := dialRaw(t, addr)
			misbehave(c)
			c.conn.Close()
			ctx := patient(t)
			until(t, ctx, "the connection is forgotten", func() bool { return s.Conns() == 0 })
			_, session := dial(t, ctx, addr, nil) // others are served as ever
			if _, err := session.NewSender(ctx, "x", nil); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	_, _, addr := start(t, server.Options{MaxConns: 1})
	ctx := patient(t)
	dial(t, ctx, addr, nil)
	if c, err := amqp.Dial(ctx, "amqp://"+addr, nil); err == nil {
		c.Close()
		t.Error("a connection over the limit")
	}
}

// FuzzConnection sends arbitrary bytes after a good opening; the server must neither panic nor stop serving others.
func FuzzConnection(f *testing.F) {
	frame := func(ps ...wire.Performative) []byte {
		var b []byte
		for _, p := range ps {
			var err error
			if b, err = wire.AppendFrame(b, wire.FrameAMQP, 0, p, []byte{0, 0x53, 0x75, 0xa0, 1, 7}); err != nil {
				f.Fatal(err)
			}
		}
		return b
	}
	begin := &wire.Begin{IncomingWindow: 10, OutgoingWindow: 10}
	f.Add(frame(begin, &wire.Attach{Name: "s", Source: &wire.Source{}, Target: &wire.Target{Address: ptr("x")}}, &wire.Transfer{DeliveryID: ptr[uint32](0)}, &wire.Detach{}))
	f.Add(frame(begin, &wire.Attach{Name: "r", Role: wire.RoleReceiver, Source: &wire.Source{Address: ptr("x")}}, &wire.Flow{Handle: ptr[uint32](0), LinkCredit: ptr[uint32](5), Drain: true}, &wire.Disposition{Role: wire.RoleReceiver, State: wire.Accepted{}}))
	f.Add(frame(begin, &wire.End{}, &wire.Close{}))
	e, s, _ := start(f, server.Options{})
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, theirs := net.Pipe()
		s.ServeConn(theirs)
		ours.SetDeadline(time.Now().Add(patience))
		read := make(chan error, 1)
		go func() { _, err := io.Copy(io.Discard, ours); read <- err }()
		open, err := wire.AppendFrame([]byte(wire.HeaderAMQP), wire.FrameAMQP, 0, &wire.Open{ContainerID: "f", MaxFrameSize: 512}, nil)
		if err != nil {
			t.Fatal(err)
		}
		closing, err := wire.AppendFrame(nil, wire.FrameAMQP, 0, &wire.Close{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		// A server that has heard enough closes the pipe: then a write fails, and that's in order.
		_, _ = io.Copy(ours, bytes.NewReader(bytes.Join([][]byte{open, b, closing}, nil)))
		ours.Close()
		if err := <-read; err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Fatal(err)
		}
		e.mu.Lock()
		e.stored, e.settled = nil, nil
		e.mu.Unlock()
	})
}

// large sends one message in n frames of 60 kB. An endless one never says that it is over.
func (c *raw) large(n int, endless, settled bool) {
	c.t.Helper()
	for i := range n {
		tr := transfer(0, endless || i < n-1)
		tr.Settled = settled
		if i > 0 {
			tr.DeliveryID = nil
		}
		b, err := wire.AppendFrame(nil, wire.FrameAMQP, 0, tr, make([]byte, 60000))
		if err != nil {
			c.t.Fatal(err)
		}
		c.bytes(string(b))
	}
}

func transfer(id uint32, more bool) *wire.Transfer {
	return &wire.Transfer{DeliveryID: &id, DeliveryTag: []byte("t"), MessageFormat: ptr[uint32](0), More: more}
}
