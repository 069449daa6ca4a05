package servicebus

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"

	"crosswalk/local/servicebus/access"
	"crosswalk/local/servicebus/atom"
	"crosswalk/local/servicebus/front"
	"crosswalk/local/servicebus/sbwire"
)

// premiumMessageSize is the limit of a message of tier Premium where the entity says no other (Service Bus
// documentation, page on quotas).
const premiumMessageSize = 1 << 20

// certify returns the certificate of a port, made here where none is given, and its PEM form.
func certify(given *tls.Certificate, l net.Listener) (*tls.Certificate, []byte, error) {
	certificate := given
	if certificate == nil {
		var err error
		if certificate, err = front.SelfSigned(l.Addr().(*net.TCPAddr).Port); err != nil {
			return nil, nil, err
		}
	}
	var b bytes.Buffer
	for _, der := range certificate.Certificate {
		if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
			return nil, nil, err
		}
	}
	return certificate, b.Bytes(), nil
}

// signOn checks what SASL says: of PLAIN, the name and the value of a key. The other mechanisms say nothing; a token at
// $cbs follows.
func signOn(a *access.Authority) func(string, []byte) error {
	return func(mechanism string, response []byte) error {
		if mechanism != "PLAIN" {
			return nil
		}
		_, err := sbwire.PlainGrant(a, response)
		return err
	}
}

// newFront makes what tells the protocols on the port apart.
func (s *Server) newFront(o Options, a *access.Authority, certificate *tls.Certificate) *front.Server {
	admin := atom.New(atom.Options{Broker: s.broker, Authority: a, Namespace: "crosswalk", Premium: o.Premium, Now: o.Now})
	return front.New(front.Options{
		AMQP: s.amqp.ServeConn,
		HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == tokenPath:
				giveToken(w, r)
			case r.URL.Path == socketPath:
				s.serveSocket(w, r)
			case o.FaultsAPI && (r.URL.Path == faultsPath || strings.HasPrefix(r.URL.Path, faultsPath+"/")):
				s.serveFaults(w, r)
			default:
				admin.ServeHTTP(w, r)
			}
		}),
		TLS:  &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12},
		Logf: o.Logf,
	})
}

// subprotocols of a WebSocket that stand for AMQP: that of the standard, and that of Azure's clients.
var subprotocols = []string{"amqp", "AMQPWSB10"}

// serveSocket serves AMQP inside of a WebSocket. Where a message of it begins and ends means nothing.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: subprotocols, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // it's answered already
	}
	if !slices.Contains(subprotocols, socket.Subprotocol()) {
		_ = socket.Close(websocket.StatusPolicyViolation, "the subprotocol isn't AMQP")
		return
	}
	socket.SetReadLimit(-1) // AMQP has limits of its own
	s.amqp.ServeConn(websocket.NetConn(context.Background(), socket, websocket.MessageBinary))
}
