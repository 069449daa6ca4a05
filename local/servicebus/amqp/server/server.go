// Package server is the listening side of AMQP 1.0 (OASIS standard, part 2 and 5): SASL, connections, sessions, links,
// credit, windows, drain and messages of several frames. What an address means, and what becomes of a message, is
// decided by the [Links] of each connection; this package knows nothing of Service Bus.
//
// Per connection one goroutine reads and one writes. State is guarded by one lock per connection that is never held
// while writing to the socket, so a peer that doesn't read holds up nobody but itself: what may grow is limited by the
// session's window, the link's credit and a bound on the bytes that wait to be written.
package server

import (
	"errors"
	"net"
	"sync"
	"time"

	"crosswalk/local/servicebus/amqp/wire"
)

// Options say how a server behaves. The zero value works but for Connect.
type Options struct {
	// Connect is called when a connection is open and returns what decides about its links.
	Connect func(c *Conn) Links
	// Authenticate checks the SASL response of a mechanism; nil lets everyone in. It's called with mechanism ANONYMOUS
	// for a peer that leaves SASL out.
	Authenticate func(mechanism string, response []byte) error
	// ContainerID is the name in open frames.
	ContainerID string
	// MaxFrameSize in bytes that a peer may send, 64 KiB when zero.
	MaxFrameSize uint32
	// IdleTimeOut is how long a peer may be silent, 2 minutes when zero.
	IdleTimeOut time.Duration
	// MaxConns, MaxSessions (per connection) and MaxLinks (per session): 1,024 each when zero.
	MaxConns, MaxSessions, MaxLinks int
	// Disturber makes the server misbehave; nil for one that behaves.
	Disturber Disturber
	// Logf gets one line per connection that ends by a fault; nil for none.
	Logf func(format string, args ...any)
}

// Mechanisms are the SASL mechanisms on offer. SDKs choose ANONYMOUS; the .NET client insists on MSSBCBS. A peer that
// means to send a token to $cbs afterwards needs no more than either.
var Mechanisms = []wire.Symbol{"MSSBCBS", "PLAIN", "ANONYMOUS", "EXTERNAL"}

// Links decides about the links of one connection. Sender and Receiver are called on the connection's reading
// goroutine, so they must not wait for the peer; they answer by Accept or Refuse, at once or later.
type Links interface {
	// Sender is called when the peer wants to send.
	Sender(l *Incoming)
	// Receiver is called when the peer wants to receive.
	Receiver(l *Outgoing)
	// Unknown is the state that answers a disposition of a delivery that isn't open any more.
	Unknown() wire.State
	// Closed is called once, when the connection has ended and all its links with it.
	Closed()
}

// Server accepts connections until it's closed.
type Server struct {
	o  Options
	wg sync.WaitGroup

	mu     sync.Mutex
	conns  map[*Conn]struct{}
	closed bool
}

// New returns a server with these options.
func New(o Options) *Server {
	def := func(v *int) {
		if *v == 0 {
			*v = 1024
		}
	}
	def(&o.MaxConns)
	def(&o.MaxSessions)
	def(&o.MaxLinks)
	if o.MaxFrameSize == 0 {
		o.MaxFrameSize = 64 * 1024
	}
	if o.IdleTimeOut == 0 {
		o.IdleTimeOut = 2 * time.Minute
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	return &Server{o: o, conns: map[*Conn]struct{}{}}
}

// Serve accepts connections of l until l is closed; it returns nil when the server was closed.
func (s *Server) Serve(l net.Listener) error {
	for {
		nc, err := l.Accept()
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.closed || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		s.ServeConn(nc)
	}
}

// ServeConn serves one connection in the background. The bytes it reads begin with the protocol header.
func (s *Server) ServeConn(nc net.Conn) {
	c := newConn(s, nc)
	s.mu.Lock()
	refuse := s.closed || len(s.conns) >= s.o.MaxConns
	if !refuse {
		s.conns[c] = struct{}{}
		s.wg.Add(1)
	}
	s.mu.Unlock()
	if refuse {
		nc.Close()
		return
	}
	go func() {
		defer s.wg.Done()
		c.run()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
}

// Conns returns the number of connections.
func (s *Server) Conns() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Close ends all connections with amqp:connection:forced and waits until everything they started has ended. The
// listener is the caller's to close.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.Close(&wire.Error{Condition: wire.ConnectionForced, Description: "the broker is shutting down"})
	}
	s.wg.Wait()
}
