// Package servicebus is a development broker: it speaks enough of Azure Service Bus over AMQP 1.0 for the SDKs to send,
// receive and settle as they do in the cloud, in this process, on loopback.
//
//	amqp/wire     codec, frames, message sections        knows no connection
//	amqp/server   connections, sessions, links, credit   knows no Service Bus
//	sbwire        addresses, annotations, $cbs, $management
//	broker        queues, topics, locks, schedule        knows no wire, does no I/O
//	journal       the log that lets a broker outlive its process
//	chaos         faults on demand
//	access        keys, tokens, rights
//	atom          the admin API
//	front         one port for AMQP, HTTP and both over TLS
//
// The README of this package lists what it doesn't do.
package servicebus

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/amqp/server"
	"crosswalk/local/servicebus/atom"
	"crosswalk/local/servicebus/broker"
	"crosswalk/local/servicebus/chaos"
	"crosswalk/local/servicebus/front"
	"crosswalk/local/servicebus/journal"
	"crosswalk/local/servicebus/sbwire"
	"crosswalk/shared/topology"
)

// Options say what a broker is started with.
type Options struct {
	// Listen is a loopback address with a port, "127.0.0.1:0" when empty. Others are refused unless AllowRemote is set:
	// the broker gives tokens to everyone.
	Listen      string
	AllowRemote bool
	// Topology names the entities to create; nil for none. Entities are further ones.
	Topology *topology.Topology
	Entities *Entities
	// Dir is a folder that keeps everything, so that it's there again when a broker is started with it, however the one
	// before ended; empty for a broker in memory only.
	Dir string
	// CutDamaged starts with a folder whose log is damaged in the middle: what comes behind the damage is cut off and kept in
	// a file. Without it Start returns an error that wraps journal.ErrDamaged.
	CutDamaged bool
	// Now is the clock of locks, schedules and lives; nil for the system's. After moving a clock of one's own,
	// [Server.Advance] makes what is due happen at once; without it it's seen a few milliseconds later.
	Now func() time.Time
	// MaxMessageSize is the limit of one message in bytes, 256 KiB when zero.
	MaxMessageSize int
	// Keys are shared access keys besides the one of [Server.ConnectionString], which may do everything.
	Keys []access.Key
	// Certificate is for those who connect by TLS; nil has one made, see [Server.CertificatePEM].
	Certificate *tls.Certificate
	// FaultsAPI lets who is on this machine ask for faults by HTTP, on the same port; see the README.
	FaultsAPI bool
	// Premium makes it a namespace of tier Premium: messages of 1 MiB, or up to 100 MiB where an entity says so.
	Premium bool
	// Logf gets a line for what is unusual, never a message's content; nil for none.
	Logf func(format string, args ...any)
	// Warnf gets a line for what its owner has to know: what was cut off the log in Dir; nil for Logf.
	Warnf func(format string, args ...any)
}

// Server is a running broker.
type Server struct {
	listener net.Listener
	amqp     *server.Server
	front    *front.Server
	keys     []access.Key
	pem      []byte
	broker   *broker.Broker
	faults   *Faults
	log      *journal.Log // nil without a folder
	clock    *clock
	wg       sync.WaitGroup
	close    sync.Once
}

// The name and key in connection strings. The key is no secret: it's the same in every broker, on loopback.
const (
	keyName = "RootManageSharedAccessKey"
	key     = "Y3Jvc3N3YWxrLWxvY2FsLWJyb2tlci1rZXktMDAwMDE="
	// emulatorKey is what the documentation of Microsoft's emulator writes in connection strings.
	emulatorKey = "SAS_KEY_VALUE"
)

// Start creates the entities of the topology and listens.
func Start(o Options) (*Server, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if !o.AllowRemote {
		if err := checkLoopback(o.Listen); err != nil {
			return nil, err
		}
	}
	keys := append([]access.Key{{Name: keyName, Key: key, Rights: access.Manage, Secondary: emulatorKey}}, o.Keys...)
	authority, err := access.New(keys)
	if err != nil {
		return nil, fmt.Errorf("service bus: %w", err)
	}
	if o.MaxMessageSize == 0 && o.Premium {
		o.MaxMessageSize = premiumMessageSize
	}
	b, log, err := openBroker(o)
	if err != nil {
		return nil, fmt.Errorf("service bus: %w", err)
	}
	if err := populate(b, o); err != nil {
		return nil, closing(log, fmt.Errorf("service bus entities: %w", err))
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, closing(log, fmt.Errorf("service bus: %w", err))
	}
	listener = guarded(listener, log)
	certificate, encoded, err := certify(o.Certificate, listener)
	if err != nil {
		listener.Close()
		return nil, closing(log, fmt.Errorf("service bus: %w", err))
	}
	authority.LookUp(func(entity string) []access.Key { return atom.EntityKeys(b, entity) })
	control := chaos.New(b, o.Now)
	wire := sbwire.New(b, sbwire.Options{Authority: authority, Intercept: control.Intercept, Disposed: control.Disposed, Logf: o.Logf})
	s := &Server{
		listener: listener,
		amqp: server.New(server.Options{
			Connect: control.Connect(wire.Connect), Authenticate: signOn(authority), ContainerID: "crosswalk",
			Disturber: control, Logf: o.Logf,
		}),
		keys: keys, pem: encoded,
		broker: b,
		faults: &Faults{control, wire},
		log:    log,
		clock:  newClock(b, o.Now),
	}
	s.front = s.newFront(o, authority, certificate)
	s.wg.Go(s.clock.run)
	s.wg.Go(func() {
		if err := s.front.Serve(listener); err != nil && o.Logf != nil {
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

// ConnectionString is what the messaging clients of the SDKs take. Its key may do everything.
func (s *Server) ConnectionString() string { return s.connectionString(s.keys[0]) }

// Keys are the shared access keys there are, the one of ConnectionString first.
func (s *Server) Keys() []access.Key { return slices.Clone(s.keys) }

// ConnectionStringOf is ConnectionString with another key of the options; empty when there is none of that name.
func (s *Server) ConnectionStringOf(name string) string {
	for _, k := range s.keys {
		if k.Name == name {
			return s.connectionString(k)
		}
	}
	return ""
}

func (s *Server) connectionString(k access.Key) string {
	return fmt.Sprintf("Endpoint=sb://%s;SharedAccessKeyName=%s;SharedAccessKey=%s;UseDevelopmentEmulator=true;", s.Addr(), k.Name, k.Key)
}

// CertificatePEM is the certificate of the port, for the roots of clients that connect by TLS: the admin clients of the
// SDKs always do. SSL_CERT_FILE names such a file for a process in Go.
func (s *Server) CertificatePEM() []byte { return bytes.Clone(s.pem) }

// Broker is the broker behind the wire, for looking at and for making entities.
func (s *Server) Broker() *broker.Broker { return s.broker }

// Faults makes the broker misbehave.
func (s *Server) Faults() *Faults { return s.faults }

// Advance does everything that is due by the clock of the options.
func (s *Server) Advance() { s.broker.Advance() }

// Close ends all connections and waits until nothing of the broker runs any more.
func (s *Server) Close() (err error) {
	s.close.Do(func() {
		s.listener.Close()
		s.front.Close()
		s.amqp.Close()
		s.clock.stop()
		s.wg.Wait()
		if s.log != nil {
			err = s.log.Close()
		}
	})
	return err
}
