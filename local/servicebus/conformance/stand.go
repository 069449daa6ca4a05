package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/broker"
)

// stand is what one test runs against: a broker of each tier.
type stand struct {
	standard, premium *servicebus.Server
	log               *lines
	certificates      string
}

// lines collects what the brokers log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.b, "broker: "+format+"\n", args...)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// The keys that the tests ask for besides one that may do everything.
var keys = []access.Key{
	{Name: "NoManage", Key: "bm8tbWFuYWdlLW5vLW1hbmFnZS1uby1tYW5hZ2U=", Rights: access.Send | access.Listen},
	{Name: "SendOnly", Key: "c2VuZC1vbmx5LXNlbmQtb25seS1zZW5kLW9ubHk=", Rights: access.Send},
	{Name: "ListenOnly", Key: "bGlzdGVuLW9ubHktbGlzdGVuLW9ubHktbGlzdGU=", Rights: access.Listen},
}

func newStand(dir string) (*stand, error) {
	s := &stand{log: &lines{}}
	var err error
	s.standard, err = servicebus.Start(servicebus.Options{Keys: keys, Logf: s.log.printf})
	if err != nil {
		return nil, err
	}
	s.premium, err = servicebus.Start(servicebus.Options{Keys: keys, Premium: true, Logf: s.log.printf})
	if err != nil {
		s.standard.Close()
		return nil, err
	}
	for _, b := range []*broker.Broker{s.standard.Broker(), s.premium.Broker()} {
		// The SDK's test resources have these two queues; all else the tests make themselves.
		if err = b.CreateQueue("testQueue", broker.QueueProperties{}); err == nil {
			err = b.CreateQueue("testQueueWithSessions", broker.QueueProperties{RequiresSession: true})
		}
		if err != nil {
			s.close()
			return nil, err
		}
	}
	s.certificates = filepath.Join(dir, "certificates.pem")
	if err := os.WriteFile(s.certificates, append(s.standard.CertificatePEM(), s.premium.CertificatePEM()...), 0o600); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stand) close() {
	s.standard.Close()
	s.premium.Close()
}

// host is the address of a broker by name: the tests' TLS asks for that.
func host(s *servicebus.Server) string {
	_, port, _ := net.SplitHostPort(s.Addr())
	return "localhost:" + port
}

// environment are the variables that the SDK's live tests read.
func (s *stand) environment() []string {
	self, err := os.Executable() // plays the fault injector
	if err != nil {
		s.log.printf("no fault injector: %v", err)
	}
	connection := func(at *servicebus.Server, key string) string {
		name, value := "", ""
		for _, k := range at.Keys() {
			if k.Name == key || key == "" && name == "" {
				name, value = k.Name, k.Key
			}
		}
		return fmt.Sprintf("Endpoint=sb://%s/;SharedAccessKeyName=%s;SharedAccessKey=%s", host(at), name, value)
	}
	return append(os.Environ(),
		"AZURE_RECORD_MODE=live",
		"SERVICEBUS_ENDPOINT="+host(s.standard),
		"SERVICEBUS_ENDPOINT_PREMIUM="+host(s.premium),
		"SERVICEBUS_CONNECTION_STRING="+connection(s.standard, ""),
		"SERVICEBUS_CONNECTION_STRING_PREMIUM="+connection(s.premium, ""),
		"SERVICEBUS_CONNECTION_STRING_NO_MANAGE="+connection(s.standard, "NoManage"),
		"SERVICEBUS_CONNECTION_STRING_SEND_ONLY="+connection(s.standard, "SendOnly"),
		"SERVICEBUS_CONNECTION_STRING_LISTEN_ONLY="+connection(s.standard, "ListenOnly"),
		"IDENTITY_ENDPOINT=http://"+host(s.standard)+"/msi/token", "IDENTITY_HEADER=anything",
		"AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential",
		"SSL_CERT_FILE="+s.certificates,
		"AMQP_FAULT_INJECTOR_PATH="+self,
		"NO_PROXY=localhost,127.0.0.1", "no_proxy=localhost,127.0.0.1",
	)
}
