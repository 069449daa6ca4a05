package front

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

const patience = 10 * time.Second

// port is a server that answers AMQP connections with what they sent first, and HTTP requests with "web".
func port(t *testing.T) (address string, roots *x509.CertPool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := SelfSigned(l.Addr().(*net.TCPAddr).Port)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(leaf)
	s := New(Options{
		AMQP: func(nc net.Conn) {
			go func() {
				defer nc.Close()
				header := make([]byte, 8)
				if _, err := io.ReadFull(nc, header); err == nil {
					_, _ = nc.Write(header)
				}
			}()
		},
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "web") }),
		TLS:  &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12},
		Logf: t.Logf,
	})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		l.Close()
		s.Close()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String(), roots
}

func TestFirstByteDecides(t *testing.T) {
	address, roots := port(t)
	_, number, _ := net.SplitHostPort(address)
	for _, name := range []string{"", "localhost", "127.0.0.1", "localhost:" + number} {
		nc, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(patience))
		c := nc
		if name != "" {
			c = tls.Client(nc, &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12})
		}
		const header = "AMQP\x03\x01\x00\x00"
		if _, err := io.WriteString(c, header); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		got := make([]byte, 8)
		if _, err := io.ReadFull(c, got); err != nil || string(got) != header {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	web := &http.Client{Timeout: patience, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	defer web.CloseIdleConnections()
	for _, scheme := range []string{"http", "https"} {
		resp, err := web.Get(scheme + "://" + address + "/x")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != "web" {
			t.Errorf("%s: %q", scheme, body)
		}
	}
}

func TestSilentConnectionDoesntHoldUpClose(t *testing.T) {
	address, _ := port(t) // its cleanup closes
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	garbage, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { garbage.Close() })
	garbage.SetDeadline(time.Now().Add(patience))
	if _, err := garbage.Write([]byte("\x16\x03\x01garbage that is no handshake\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(garbage); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("what is no TLS isn't hung up on: %v", err)
	}
}

func TestOtherNamesAreNotVouchedFor(t *testing.T) {
	address, roots := port(t)
	_, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: "example.org", MinVersion: tls.VersionTLS12})
	var mismatch x509.HostnameError
	if !errors.As(err, &mismatch) {
		t.Errorf("%v", err)
	}
}
