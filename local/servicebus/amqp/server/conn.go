package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"crosswalk/local/servicebus/amqp/wire"
)

const (
	// sendBacklog is how many bytes may wait to be written before messages have to wait too.
	sendBacklog = 1 << 20
	// readBacklog is how many bytes may wait before the peer isn't read any more: answers pile up unread.
	readBacklog = 4 << 20
	// writeTime is how long one write of at most writeChunk bytes may take.
	writeTime  = 60 * time.Second
	writeChunk = 256 << 10
	// lingerTime is how long a peer has to answer a close.
	lingerTime = 2 * time.Second
)

// errEnded tells the reading loop that the connection was closed in good order.
var errEnded = errors.New("connection ended")

// Conn is one connection.
type Conn struct {
	s     *Server
	nc    net.Conn
	in    *bufio.Reader
	frame []byte // reused by every read

	mechanism    string // of SASL, with the response to it
	response     []byte
	peer         *wire.Open
	peerMaxFrame uint32
	heartbeat    time.Duration // zero for none
	links        Links
	wg           sync.WaitGroup // what the links started

	kick chan struct{} // tells the writer that there's something to write
	dead chan struct{} // closed when the socket is of no more use

	mu       sync.Mutex
	room     sync.Cond // signalled when windows open, bytes were written or something ended
	out      []byte
	writing  int // bytes the writer has taken and not written yet
	sessions map[uint16]*session
	partial  int         // bytes of messages of which frames are still to come
	opened   bool        // the handshake is over
	early    *wire.Close // what is sent once the connection is open, where it was closed before
	closing  bool        // our close was appended to out
	isDead   bool
}

func newConn(s *Server, nc net.Conn) *Conn {
	c := &Conn{
		s: s, nc: nc, in: bufio.NewReaderSize(nc, 64<<10),
		kick: make(chan struct{}, 1), dead: make(chan struct{}),
		sessions: map[uint16]*session{},
	}
	c.room.L = &c.mu
	nc.SetDeadline(time.Now().Add(handshakeTime))
	return c
}

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// SASL is the mechanism the peer chose and what it said by it; ANONYMOUS where it left SASL out.
func (c *Conn) SASL() (mechanism string, response []byte) { return c.mechanism, c.response }

// Peer is the peer's open frame.
func (c *Conn) Peer() *wire.Open { return c.peer }

func (c *Conn) run() {
	defer c.nc.Close()
	if err := c.handshake(); err != nil {
		if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
			c.s.o.Logf("amqp: %v: handshake: %v", c.RemoteAddr(), err)
		}
		return
	}
	c.nc.SetDeadline(time.Time{})
	c.links = c.s.o.Connect(c)
	c.mu.Lock()
	c.opened = true
	early := c.early
	c.mu.Unlock()
	if early != nil {
		c.Close(early.Error)
	}
	var writer sync.WaitGroup
	writer.Go(c.write)
	if err := c.read(); err != nil {
		c.s.o.Logf("amqp: %v: %v", c.RemoteAddr(), err)
	}
	c.die()
	writer.Wait()
	for _, end := range c.endAll() {
		end()
	}
	c.wg.Wait()
	c.links.Closed()
}

// die makes the socket useless for everyone who still waits for it.
func (c *Conn) die() {
	c.mu.Lock()
	if !c.isDead {
		c.isDead = true
		close(c.dead)
	}
	c.room.Broadcast()
	c.mu.Unlock()
	c.nc.Close()
}

// endAll ends all sessions and returns what is to be called without the lock.
func (c *Conn) endAll() []func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var after []func()
	for channel, s := range c.sessions {
		delete(c.sessions, channel)
		after = append(after, s.drop()...)
	}
	return after
}

// Close ends the connection, with an error for the peer where err isn't nil. It doesn't wait.
func (c *Conn) Close(err *wire.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.opened: // the peer may have seen our open already, and then wants a close
		c.early = &wire.Close{Error: err}
		c.nc.SetDeadline(time.Now().Add(hurriedTime))
	case !c.closing:
		c.append(0, &wire.Close{Error: err}, nil)
		c.closing = true
		c.room.Broadcast()
		c.nc.SetDeadline(time.Now().Add(lingerTime))
	}
}

// append puts a frame into the buffer of the writer. The lock is held.
func (c *Conn) append(channel uint16, p wire.Performative, payload []byte) {
	if c.isDead || c.closing { // nothing follows a close
		return
	}
	out, err := wire.AppendFrame(c.out, wire.FrameAMQP, channel, p, payload)
	if err != nil { // only a value of a Go type that AMQP hasn't got: ours to avoid, not the peer's fault
		c.s.o.Logf("amqp: %v: %T not sent: %v", c.RemoteAddr(), p, err)
	}
	c.out = out
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

func (c *Conn) backlog() int { return len(c.out) + c.writing }

// write is the writing goroutine: it takes all frames that have gathered and writes them at once.
func (c *Conn) write() {
	var beat <-chan time.Time
	if c.heartbeat > 0 {
		t := time.NewTicker(c.heartbeat)
		defer t.Stop()
		beat = t.C
	}
	var spare []byte
	for {
		select {
		case <-c.kick:
		case <-beat:
			c.mu.Lock()
			if !c.closing {
				c.append(0, nil, nil)
			}
			c.mu.Unlock()
		case <-c.dead:
			return
		}
		c.mu.Lock()
		buf := c.out
		c.out, c.writing = spare[:0], len(buf)
		last := c.closing
		c.mu.Unlock()
		err := c.writeAll(buf)
		if err == nil && last {
			err = c.closeWrite()
		}
		if err != nil {
			c.die()
			return
		}
		spare = buf[:0]
		if cap(spare) > sendBacklog*2 {
			spare = nil
		}
		c.mu.Lock()
		c.writing = 0
		c.room.Broadcast()
		c.mu.Unlock()
	}
}

func (c *Conn) writeAll(buf []byte) error {
	for len(buf) > 0 {
		n := min(len(buf), writeChunk)
		c.nc.SetWriteDeadline(time.Now().Add(c.writeTime()))
		if _, err := c.nc.Write(buf[:n]); err != nil {
			return err
		}
		buf = buf[n:]
	}
	return nil
}

// writeTime is how long the next write may take: not long once the connection is being closed.
func (c *Conn) writeTime() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return lingerTime
	}
	return writeTime
}

// closeWrite ends our half of the connection after a close, so that the peer reads the close before it sees the end.
func (c *Conn) closeWrite() error {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// read is the reading loop. It returns nil when the connection ended in good order.
func (c *Conn) read() error {
	for {
		if !c.waitForReaders() {
			return nil
		}
		f, buf, err := wire.ReadFrame(c.in, c.s.o.MaxFrameSize, c.frame)
		c.frame = buf
		if err == nil {
			err = c.handle(f)
		} else if errors.Is(err, wire.ErrFrame) {
			err = &wire.Error{Condition: wire.FramingError, Description: err.Error()}
		}
		if err == nil {
			continue
		}
		return c.fail(err)
	}
}

// waitForReaders waits while too many answers wait unread, then allows the next frame its time.
func (c *Conn) waitForReaders() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.backlog() > readBacklog && !c.isDead {
		c.room.Wait()
	}
	if !c.closing {
		// A peer is told half of what it really has (part 2, section 2.4.5).
		c.nc.SetReadDeadline(time.Now().Add(2 * c.s.o.IdleTimeOut))
	}
	return !c.isDead
}

// fail ends the connection for an error of reading; an AMQP error is told to the peer first.
func (c *Conn) fail(err error) error {
	c.mu.Lock()
	closing := c.closing
	c.mu.Unlock()
	var told *wire.Error
	switch {
	case closing || errors.Is(err, errEnded) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed):
		return nil
	case errors.As(err, &told):
	case errors.Is(err, io.ErrUnexpectedEOF):
		return err
	default:
		var timeout net.Error
		if !errors.As(err, &timeout) {
			told = &wire.Error{Condition: wire.DecodeError, Description: err.Error()}
		} else if timeout.Timeout() {
			told = &wire.Error{Condition: wire.ResourceLimitExceeded, Description: "the peer was silent for longer than the idle time-out"}
		} else {
			return nil // reset by the peer
		}
	}
	c.Close(told)
	c.discard()
	return err
}

// discard reads until the peer has seen our close and hung up, or its time is over.
func (c *Conn) discard() {
	_, _ = io.Copy(io.Discard, c.in)
}

// handle acts on one frame. An error ends the connection.
func (c *Conn) handle(f wire.Frame) error {
	if f.Type != wire.FrameAMQP {
		return &wire.Error{Condition: wire.FramingError, Description: "a SASL frame on an open connection"}
	}
	if len(f.Body) == 0 {
		return nil // heartbeat
	}
	p, payload, err := wire.ParsePerformative(f.Body)
	if err != nil {
		return err
	}
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		if _, ok := p.(*wire.Close); ok {
			return errEnded
		}
		return nil
	}
	after, err := c.dispatch(f.Channel, p, payload)
	c.mu.Unlock()
	for _, f := range after {
		f()
	}
	return err
}

// dispatch acts on a performative with the lock held and returns what is to be called without it.
func (c *Conn) dispatch(channel uint16, p wire.Performative, payload []byte) ([]func(), error) {
	switch p := p.(type) {
	case *wire.Begin:
		return nil, c.begin(channel, p)
	case *wire.Close:
		c.append(0, &wire.Close{}, nil)
		c.closing = true
		c.nc.SetReadDeadline(time.Now().Add(lingerTime))
		return []func(){c.discard}, errEnded
	case *wire.Open:
		return nil, &wire.Error{Condition: wire.NotAllowed, Description: "a second open"}
	}
	s := c.sessions[channel]
	if s == nil {
		return nil, &wire.Error{Condition: wire.NotAllowed, Description: fmt.Sprintf("channel %d has no session", channel)}
	}
	if end, ok := p.(*wire.End); ok {
		return s.ended(end), nil
	}
	if s.ending {
		return nil, nil
	}
	switch p := p.(type) {
	case *wire.Attach:
		return s.attach(p), nil
	case *wire.Flow:
		return s.flow(p), nil
	case *wire.Transfer:
		return s.transfer(p, payload), nil
	case *wire.Disposition:
		return s.disposition(p), nil
	case *wire.Detach:
		return s.detach(p), nil
	}
	return nil, &wire.Error{Condition: wire.FramingError, Description: fmt.Sprintf("%T on an open connection", p)}
}
