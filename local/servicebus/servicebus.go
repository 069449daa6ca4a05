// Package servicebus is a development broker: it speaks enough of Azure Service Bus over AMQP 1.0 for the SDKs to send,
// receive and settle as they do in the cloud, in this process, on loopback.
//
//	amqp/wire     codec, frames, message sections        knows no connection
//	amqp/server   connections, sessions, links, credit   knows no Service Bus
//	sbwire        addresses, annotations, $cbs, $management
//	broker        queues, topics, locks, schedule        knows no wire, does no I/O
//
// The README of this package lists what it doesn't do.
package servicebus

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/broker"
	"crosswalk/local/servicebus/sbwire"
	"crosswalk/shared/topology"
)

// Options say what a broker is started with.
type Options struct {
	// Listen is a loopback address with a port, "127.0.0.1:0" when empty. Others are refused: the broker lets everyone in.
	Listen string
	// Topology names the entities to create; nil for none.
	Topology *topology.Topology
	// Now is the clock of locks, schedules and lives; nil for the system's. After moving a clock of one's own,
	// [Server.Advance] makes what is due happen at once; without it it's seen a few milliseconds later.
	Now func() time.Time
	// MaxMessageSize is the limit of one message in bytes, 256 KiB when zero.
	MaxMessageSize int
	// Logf gets a line for what is unusual, never a message's content; nil for none.
	Logf func(format string, args ...any)
}

// Server is a running broker.
type Server struct {
	listener net.Listener
	amqp     *server.Server
	broker   *broker.Broker
	faults   *Faults
	clock    *clock
	wg       sync.WaitGroup
	close    sync.Once
}

// The name and key in connection strings. Any other pair is as good: nothing checks them.
const (
	keyName = "RootManageSharedAccessKey"
	key     = "Y3Jvc3N3YWxrLWxvY2FsLWJyb2tlci1rZXktMDAwMDE="
)

// Start creates the entities of the topology and listens.
func Start(o Options) (*Server, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if err := checkLoopback(o.Listen); err != nil {
		return nil, err
	}
	b := broker.New(broker.Options{Now: o.Now, MaxMessageSize: o.MaxMessageSize})
	if o.Topology != nil {
		if err := create(b, o.Topology); err != nil {
			return nil, fmt.Errorf("service bus entities: %w", err)
		}
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("service bus: %w", err)
	}
	wire := sbwire.New(b, sbwire.Options{Logf: o.Logf})
	s := &Server{
		listener: listener,
		amqp:     server.New(server.Options{Connect: wire.Connect, ContainerID: "crosswalk", Logf: o.Logf}),
		broker:   b,
		faults:   &Faults{wire},
		clock:    newClock(b, o.Now),
	}
	s.wg.Go(s.clock.run)
	s.wg.Go(func() {
		if err := s.amqp.Serve(listener); err != nil && o.Logf != nil {
			o.Logf("servicebus: accept: %v", err)
		}
	})
	return s, nil
}

func checkLoopback(listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("service bus: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("service bus: the development broker listens on loopback only, not on " + listen)
	}
	return nil
}

// Addr is the address the broker listens on, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// ConnectionString is what the messaging clients of the SDKs take.
func (s *Server) ConnectionString() string {
	return fmt.Sprintf("Endpoint=sb://%s;SharedAccessKeyName=%s;SharedAccessKey=%s;UseDevelopmentEmulator=true;", s.Addr(), keyName, key)
}

// Broker is the broker behind the wire, for looking at and for making entities.
func (s *Server) Broker() *broker.Broker { return s.broker }

// Faults makes the broker misbehave.
func (s *Server) Faults() *Faults { return s.faults }

// Advance does everything that is due by the clock of the options.
func (s *Server) Advance() { s.broker.Advance() }

// Close ends all connections and waits until nothing of the broker runs any more.
func (s *Server) Close() error {
	s.close.Do(func() {
		s.listener.Close()
		s.amqp.Close()
		s.clock.stop()
		s.wg.Wait()
	})
	return nil
}

// Faults are the ways to make a broker misbehave.
type Faults struct{ wire *sbwire.Service }

// RevokeSend takes the right to send away, or gives it back. Links that send are detached with
// amqp:unauthorized-access; new ones, and requests to schedule, are refused. Receivers go on, and so does settling.
// A sender of the Go SDK that was detached stays broken after the right is back, as it does with the real service: its
// owner makes a new one.
func (f *Faults) RevokeSend(on bool) { f.wire.RevokeSend(on) }
