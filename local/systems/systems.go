// Package systems starts the simulated systems that Crosswalk talks to on one machine: the Entra token endpoint, Dataverse,
// F&O, and a page that shows their rows. They are as strict as the real ones about what those refuse; README.md lists every
// refusal.
package systems

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net/http"
	"time"

	"crosswalk/local/systems/dataverse"
	"crosswalk/local/systems/entra"
	"crosswalk/local/systems/fno"
	"crosswalk/local/systems/page"
)

// The simulated tenant. These ids never change, so that a person can note them down; secrets and keys are new at every
// start.
const (
	TenantID          = "7f1e2a60-5c1d-4b8e-9a3f-2d6c0e4b9a11"
	CrosswalkClientID = "c0551a1c-0000-4000-8000-000000000001"
	OutsideClientID   = "c0551a1c-0000-4000-8000-000000000002"
)

// Options says where to listen and what time it is.
type Options struct {
	// Listen gives fixed addresses, such as "127.0.0.1:8443", by server: entra, dataverse, fno, page. The others, and those
	// with port 0, get free ports. Only loopback addresses are taken.
	Listen map[string]string
	// Now is the clock of tokens, row times and timed faults; nil is time.Now. It doesn't drive certificates.
	Now func() time.Time
}

// Endpoints are the addresses and credentials of one start. Every URL is without a slash at its end, and every port answers
// plain HTTP and TLS alike.
type Endpoints struct {
	// EntraAuthorityHTTPS is azidentity's cloud.Configuration.ActiveDirectoryAuthorityHost: https://127.0.0.1:port.
	EntraAuthorityHTTPS string
	// TokenURL is the v2.0 token endpoint over plain HTTP.
	TokenURL string
	TenantID string
	// ClientID and ClientSecret are an outside tool's identity, which exists only here.
	ClientID, ClientSecret string
	// CrosswalkClientID is Crosswalk's own identity; CrosswalkCertificatePEM holds its certificate and private key.
	CrosswalkClientID       string
	CrosswalkCertificatePEM []byte
	// CAPEM is the certificate to trust for all https addresses here.
	CAPEM []byte
	// The scope of a token is any of a system's addresses with "/.default".
	DataverseHTTPS, DataverseHTTP string
	FnOHTTPS, FnOHTTP             string
	// Page is the page with the systems' rows, over plain HTTP.
	Page string
}

// Systems are the running simulators.
type Systems struct {
	endpoints Endpoints
	entra     *entra.Server
	dataverse *dataverse.Simulator
	fno       *fno.Simulator
	servers   []*http.Server
	ports     []*port
}

// Start starts them all; they answer when it returns. An address that is taken is an error that names the server.
func Start(o Options) (*Systems, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	certs, err := newCertificates()
	if err != nil {
		return nil, err
	}
	s := &Systems{}
	if err := s.start(o, certs); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Systems) start(o Options, certs *certificates) error {
	config := &tls.Config{Certificates: []tls.Certificate{certs.server}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	names := []string{"entra", "dataverse", "fno", "page"}
	address := map[string]string{}
	for _, name := range names {
		p, err := listen(name, o.Listen[name], config)
		if err != nil {
			return err
		}
		s.ports = append(s.ports, p)
		address[name] = p.Addr().String()
	}
	secret := newSecret()
	s.endpoints = Endpoints{
		EntraAuthorityHTTPS: "https://" + address["entra"],
		TokenURL:            "http://" + address["entra"] + "/" + TenantID + "/oauth2/v2.0/token",
		TenantID:            TenantID,
		ClientID:            OutsideClientID, ClientSecret: secret,
		CrosswalkClientID: CrosswalkClientID, CrosswalkCertificatePEM: certs.crosswalkPEM,
		CAPEM:          certs.ca,
		DataverseHTTPS: "https://" + address["dataverse"], DataverseHTTP: "http://" + address["dataverse"],
		FnOHTTPS: "https://" + address["fno"], FnOHTTP: "http://" + address["fno"],
		Page: "http://" + address["page"],
	}
	var err error
	s.entra, err = entra.New(entra.Options{
		Address: address["entra"], TenantID: TenantID, Now: o.Now,
		Resources: []string{address["dataverse"], address["fno"]},
		Clients:   []entra.Client{{ID: CrosswalkClientID, Certificate: certs.crosswalk}, {ID: OutsideClientID, Secret: secret}},
	})
	if err != nil {
		return err
	}
	users := []string{CrosswalkClientID, OutsideClientID}
	if s.dataverse, err = dataverse.New(dataverse.Options{Now: o.Now, Authorize: s.entra.Authorizer(address["dataverse"]), Users: users}); err != nil {
		return err
	}
	if s.fno, err = fno.New(fno.Options{Now: o.Now, Authorize: s.entra.Authorizer(address["fno"]), Users: users}); err != nil {
		return err
	}
	handlers := map[string]http.Handler{
		"entra": s.entra, "dataverse": s.dataverse, "fno": s.fno,
		"page": page.New(func() []page.Section { return append(s.dataverse.Sections(), s.fno.Sections()...) }),
	}
	for i, name := range names {
		srv := &http.Server{Handler: localOnly(handlers[name]), ReadHeaderTimeout: 30 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
		s.servers = append(s.servers, srv)
		go func() { _ = srv.Serve(s.ports[i]) }()
	}
	return nil
}

// Endpoints returns where everything is.
func (s *Systems) Endpoints() Endpoints { return s.endpoints }

// Dataverse returns the Dataverse simulator, to look at its rows and to disturb it.
func (s *Systems) Dataverse() *dataverse.Simulator { return s.dataverse }

// FnO returns the F&O simulator, to look at its rows and to disturb it.
func (s *Systems) FnO() *fno.Simulator { return s.fno }

// Close lets go of hanging requests, stops all servers and closes their connections. It may be called twice.
func (s *Systems) Close() error {
	if s.dataverse != nil {
		s.dataverse.Close()
	}
	if s.fno != nil {
		s.fno.Close()
	}
	var errs []error
	for _, srv := range s.servers {
		errs = append(errs, srv.Close())
	}
	for _, p := range s.ports {
		p.stop()
		_ = p.Listener.Close() // closing it twice is an error that says nothing
	}
	return errors.Join(errs...)
}

func newSecret() string {
	b := make([]byte, 24)
	if _, err := rand.Read(b); err != nil {
		panic(err) // crypto/rand never fails on a supported platform
	}
	return hex.EncodeToString(b)
}
