// Package front gives one port several protocols. What a connection speaks is known by its first byte: 'A' begins AMQP's
// header, 0x16 a TLS handshake, inside of which the same is asked again, and anything else is HTTP. The SDKs' admin
// clients need it: they speak HTTPS to the very port that the messaging clients speak AMQP to.
package front

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// firstByteTime is how long a connection may say nothing, and how long a TLS handshake may take.
	firstByteTime = 30 * time.Second
	// maxUndecided bounds the connections whose protocol isn't known yet.
	maxUndecided = 1024
	// maxHeader bounds the header of a HTTP request in bytes.
	maxHeader = 128 << 10
	tlsRecord = 0x16
	amqpByte  = 'A'
)

// Options say who serves what.
type Options struct {
	// AMQP gets the connections that begin with AMQP's header, which is still to be read. It doesn't wait.
	AMQP func(net.Conn)
	// HTTP answers requests, of plain connections and of those over TLS.
	HTTP http.Handler
	// TLS is the configuration for those who begin with a TLS handshake.
	TLS *tls.Config
	// Logf gets a line for what HTTP requests end with unusually; nil for none.
	Logf func(format string, args ...any)
}

// Server tells connections apart.
type Server struct {
	o    Options
	http *http.Server
	wg   sync.WaitGroup

	mu        sync.Mutex
	undecided map[net.Conn]struct{}
	closed    bool
	pass      *passed
}

// New returns a server; Serve runs it.
func New(o Options) *Server {
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	s := &Server{o: o, undecided: map[net.Conn]struct{}{}, pass: newPassed()}
	s.http = &http.Server{
		Handler: o.HTTP, ReadHeaderTimeout: firstByteTime, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader, ErrorLog: lines(o.Logf),
	}
	return s
}

// Serve accepts connections until the listener is closed; it returns nil then.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.pass.address = l.Addr()
	s.wg.Go(func() { _ = s.http.Serve(s.pass) }) // ends with Close only
	s.mu.Unlock()
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if !s.enter(nc) {
			nc.Close()
		}
	}
}

// Close ends the connections that aren't AMQP's, and waits for what serves them. The listener is the caller's to close.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for nc := range s.undecided {
		nc.Close()
	}
	s.mu.Unlock()
	s.http.Close()
	s.pass.Close()
	s.wg.Wait()
}

// enter has a connection decided on, unless the server is closed or has too many of them. It begins under the lock, so that
// Close either waits for it or keeps it from beginning.
func (s *Server) enter(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.undecided) >= maxUndecided {
		return false
	}
	s.undecided[nc] = struct{}{}
	s.wg.Go(func() { s.decide(nc) })
	return true
}

// decide finds out what a connection speaks and hands it on.
func (s *Server) decide(nc net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.undecided, nc)
		s.mu.Unlock()
	}()
	nc.SetDeadline(time.Now().Add(firstByteTime))
	c, first, err := peek(nc)
	if err == nil && first == tlsRecord && s.o.TLS != nil {
		secure := tls.Server(c, s.o.TLS)
		if err = secure.Handshake(); err == nil {
			c, first, err = peek(secure)
		}
	}
	if err != nil {
		nc.Close()
		return
	}
	nc.SetDeadline(time.Time{})
	if first == amqpByte {
		s.o.AMQP(c)
		return
	}
	s.pass.hand(c)
}

// peek reads the first byte of a connection and returns one that still begins with it.
func peek(nc net.Conn) (net.Conn, byte, error) {
	c := &begun{Conn: nc}
	_, err := io.ReadFull(nc, c.first[:])
	return c, c.first[0], err
}

// begun is a connection whose first byte was read already.
type begun struct {
	net.Conn
	first [1]byte
	given bool
}

// Read gives the first byte, then what follows.
func (c *begun) Read(b []byte) (int, error) {
	if c.given || len(b) == 0 {
		return c.Conn.Read(b)
	}
	c.given = true
	b[0] = c.first[0]
	return 1, nil
}

// CloseWrite ends the sending half, where the connection has halves.
func (c *begun) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// passed is a listener of the connections that are handed to it.
type passed struct {
	address net.Addr
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func newPassed() *passed { return &passed{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *passed) hand(c net.Conn) {
	select {
	case p.conns <- c:
	case <-p.done:
		c.Close()
	}
}

// Accept returns the next connection.
func (p *passed) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (p *passed) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr is the address of the port.
func (p *passed) Addr() net.Addr { return p.address }
