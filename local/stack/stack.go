// Package stack wires everything that makes one machine enough: the broker, storage, the simulated systems, the local
// Functions host and the real handler binary, which can't tell the difference.
package stack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"crosswalk/local/azurite"
	"crosswalk/local/dist"
	"crosswalk/local/functionshost"
	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/bicep"
	"crosswalk/local/systems"
	"crosswalk/shared/claim"
	"crosswalk/shared/link"
	"crosswalk/shared/topology"
)

// Ports are the loopback ports the stack listens on, by name; 0 takes a free one.
type Ports struct {
	ServiceBus, Blob, Table, Functions, Entra, Dataverse, FnO, Page int
}

// DefaultPorts returns the ports of `crosswalk run`, so that addresses stay the same from one start to the next.
func DefaultPorts() Ports {
	return Ports{ServiceBus: 5672, Blob: 10000, Table: 10002, Functions: 7071, Entra: 7081, Dataverse: 7082, FnO: 7083, Page: 7080}
}

// Named returns a pointer to each port by the name that flags and errors use.
func (p *Ports) Named() map[string]*int {
	return map[string]*int{
		"servicebus": &p.ServiceBus, "blob": &p.Blob, "table": &p.Table, "functions": &p.Functions,
		"entra": &p.Entra, "dataverse": &p.Dataverse, "fno": &p.FnO, "page": &p.Page,
	}
}

// PortTakenError says that a fixed port is in use.
type PortTakenError struct {
	Name string
	Port int
	Err  error
}

// Error names the port and both ways out.
func (e *PortTakenError) Error() string {
	return fmt.Sprintf("port %d (%s) is taken: stop what listens there, or choose another with --port %s=N (0 takes a free one)", e.Port, e.Name, e.Name)
}

// Unwrap returns the network's error.
func (e *PortTakenError) Unwrap() error { return e.Err }

// Options say what to start.
type Options struct {
	// Root is the checkout.
	Root  string
	Ports Ports
	// Topology is the broker's; nil takes the built-in one. Tests give shorter locks.
	Topology *topology.Topology
	// Namespace, where set, is what the broker has instead of a topology: what a deployment makes.
	Namespace *bicep.Namespace
	// Handler is a staged script root to use; empty stages and builds one.
	Handler string
	// Package is a zip of `crosswalk package` to unpack and use instead of building; empty builds.
	Package string
	// Settings are further app settings, such as shorter delays for a test.
	Settings map[string]string
	// OnLine gets every line of the host and the handler.
	OnLine func(functionshost.Line)
	// Say gets a line for people about each step of the start.
	Say func(format string, args ...any)
}

// Stack is everything, running.
type Stack struct {
	Broker  *servicebus.Server
	Storage *azurite.Azurite
	Systems *systems.Systems

	options Options
	dir     string
	host    *functionshost.Host
	keys    map[string]string
	master  string
}

// Start starts all but the Functions host, so that events can wait for it; see [Stack.StartHost]. On an error everything
// that had started is stopped.
func Start(ctx context.Context, o Options) (_ *Stack, err error) {
	if o.Say == nil {
		o.Say = func(string, ...any) {}
	}
	if o.Topology == nil && o.Namespace == nil {
		o.Topology = topology.Default()
	}
	if err := probe(o.Ports); err != nil {
		return nil, err
	}
	s := &Stack{options: o, keys: map[string]string{"dataverse-webhook": newKey()}, master: newKey()}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.dir, err = makeDir(); err != nil {
		return nil, err
	}
	node := filepath.Join(o.Root, "local", "node")
	if err = azurite.Install(ctx, node, func(line string) { o.Say("%s", line) }); err != nil {
		return nil, err
	}
	o.Say("starting storage (Azurite)")
	if s.Storage, err = azurite.Start(ctx, azurite.Options{NodeDir: node, BlobPort: o.Ports.Blob, TablePort: o.Ports.Table}); err != nil {
		return nil, err
	}
	if err = provision(ctx, s.Storage.ConnectionString()); err != nil {
		return nil, err
	}
	o.Say("starting the broker (Service Bus)")
	if s.Broker, err = servicebus.Start(o.broker()); err != nil {
		return nil, err
	}
	o.Say("starting the simulated systems (Entra, Dataverse, Finance & Operations)")
	s.Systems, err = systems.Start(systems.Options{Listen: map[string]string{
		"entra": address(o.Ports.Entra), "dataverse": address(o.Ports.Dataverse), "fno": address(o.Ports.FnO), "page": address(o.Ports.Page),
	}})
	if err != nil {
		return nil, err
	}
	if err = s.makeRoot(ctx); err != nil {
		return nil, err
	}
	return s, s.writeSecrets()
}

// makeRoot makes the host's script root, unless the options name one.
func (s *Stack) makeRoot(ctx context.Context) error {
	if s.options.Handler != "" {
		return nil
	}
	s.options.Handler = filepath.Join(s.dir, "dist")
	if s.options.Package != "" {
		s.options.Say("unpacking %s", s.options.Package)
		return dist.Unpack(s.options.Package, s.options.Handler)
	}
	s.options.Say("building the handler")
	return dist.Stage(ctx, s.options.Root, s.options.Handler)
}

// broker returns the broker's options.
func (o Options) broker() servicebus.Options {
	out := servicebus.Options{Listen: address(o.Ports.ServiceBus)}
	if n := o.Namespace; n != nil {
		out.Entities, out.Keys, out.Premium = &n.Entities, n.Keys, n.Premium
	} else {
		out.Topology = o.Topology
	}
	return out
}

// StartHost starts the Functions host, and with it the handler. It returns when the handler is ready.
func (s *Stack) StartHost(ctx context.Context) error {
	s.options.Say("starting the Functions host and the handler")
	host, err := functionshost.Start(ctx, functionshost.Options{
		Root: s.options.Handler, Listen: address(s.options.Ports.Functions), Env: s.settings(), Keys: s.keys, MasterKey: s.master, OnLine: s.options.OnLine, HoldPort: true,
	})
	if err != nil {
		return err
	}
	s.host = host
	return nil
}

// Host returns the running Functions host; nil before [Stack.StartHost].
func (s *Stack) Host() *functionshost.Host { return s.host }

// provision makes the container and the table, as the infrastructure does on Azure.
func provision(ctx context.Context, connectionString string) error {
	bodies, err := container.NewClientFromConnectionString(connectionString, claim.Container, nil)
	if err != nil {
		return err
	}
	if err := claim.New(bodies).Create(ctx); err != nil {
		return err
	}
	tables, err := aztables.NewServiceClientFromConnectionString(connectionString, nil)
	if err != nil {
		return err
	}
	return link.NewTable(tables.NewClient(link.TableName)).Create(ctx)
}

func (s *Stack) writeSecrets() error {
	e := s.Systems.Endpoints()
	return errors.Join(
		os.WriteFile(s.certificate(), e.CrosswalkCertificatePEM, 0o600),
		os.WriteFile(s.authority(), e.CAPEM, 0o600),
	)
}

func (s *Stack) certificate() string { return filepath.Join(s.dir, "crosswalk.pem") }
func (s *Stack) authority() string   { return filepath.Join(s.dir, "ca.pem") }

// settings returns the app settings. On Azure the same names hold the real addresses.
func (s *Stack) settings() map[string]string {
	e := s.Systems.Endpoints()
	out := map[string]string{
		"FUNCTIONS_WORKER_RUNTIME":  "custom",
		"AzureWebJobsStorage":       s.Storage.ConnectionString(),
		"SERVICEBUS":                s.Broker.ConnectionString(),
		"STORAGE_CONNECTION_STRING": s.Storage.ConnectionString(),
		"DATAVERSE_URL":             e.DataverseHTTPS,
		"FNO_URL":                   e.FnOHTTPS,
		"ENTRA_AUTHORITY_HOST":      e.EntraAuthorityHTTPS,
		"ENTRA_TENANT_ID":           e.TenantID,
		"ENTRA_CLIENT_ID":           e.CrosswalkClientID,
		"ENTRA_CERTIFICATE_PATH":    s.certificate(),
		// The simulators' certificates are signed by an authority that lives as long as this run.
		"SSL_CERT_FILE": s.authority(),
	}
	maps.Copy(out, s.options.Settings)
	return out
}

// Endpoints returns the addresses and credentials of the running stack. The host must have started.
func (s *Stack) Endpoints() Endpoints {
	e := s.Systems.Endpoints()
	return Endpoints{
		ServiceBus: ServiceBusEndpoint{ConnectionString: s.Broker.ConnectionString()},
		Storage: StorageEndpoint{
			ConnectionString: s.Storage.ConnectionString(), BlobEndpoint: s.Storage.BlobEndpoint(), TableEndpoint: s.Storage.TableEndpoint(),
		},
		Functions: FunctionsEndpoint{BaseURL: s.host.BaseURL(), Keys: s.keys, MasterKey: s.master},
		Entra:     EntraEndpoint{TokenURL: e.TokenURL, TenantID: e.TenantID, ClientID: e.ClientID, ClientSecret: e.ClientSecret},
		Dataverse: DataverseEndpoint{BaseURL: e.DataverseHTTP, APIURL: e.DataverseHTTP + "/api/data/v9.2/", Scope: e.DataverseHTTP + "/.default"},
		FnO:       FnOEndpoint{BaseURL: e.FnOHTTP, DataURL: e.FnOHTTP + "/data/", Scope: e.FnOHTTP + "/.default"},
		Page:      e.Page,
	}
}

// Close stops everything it started, the host first, and removes its files. It may be called twice.
func (s *Stack) Close() {
	if s.host != nil {
		_ = s.host.Close()
		s.host = nil
	}
	if s.Systems != nil {
		_ = s.Systems.Close()
		s.Systems = nil
	}
	if s.Broker != nil {
		_ = s.Broker.Close()
		s.Broker = nil
	}
	if s.Storage != nil {
		s.Storage.Close()
		s.Storage = nil
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// probe reports a taken port by name before anything starts, because the parts' own errors come in many words.
func probe(p Ports) error {
	named := p.Named()
	for _, name := range []string{"servicebus", "blob", "table", "functions", "entra", "dataverse", "fno", "page"} {
		port := *named[name]
		if port == 0 {
			continue
		}
		l, err := net.Listen("tcp", address(port))
		if err != nil {
			return &PortTakenError{Name: name, Port: port, Err: err}
		}
		_ = l.Close()
	}
	return nil
}

func newKey() string {
	b := make([]byte, 24)
	if _, err := rand.Read(b); err != nil {
		panic(err) // crypto/rand never fails on a supported platform
	}
	return hex.EncodeToString(b)
}
