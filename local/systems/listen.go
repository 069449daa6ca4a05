package systems

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// sniffTime is how long a connection may stay silent before its first byte. Browsers open connections ahead of need.
const sniffTime = 2 * time.Minute

// tlsHandshake is the first byte of every TLS connection (RFC 8446, section 5.1); no HTTP request begins with it.
const tlsHandshake = 0x16

// port is a loopback listener that answers both plain HTTP and TLS: the Azure SDK insists on https, a person's curl wants
// http.
type port struct {
	net.Listener
	config *tls.Config
	ready  chan net.Conn
	done   chan struct{}
	closer sync.Once

	mu   sync.Mutex
	open map[net.Conn]bool
}

// listen opens address, which must be on the loopback interface.
func listen(name, address string, config *tls.Config) (*port, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("systems: address of %s: %w", name, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("systems: address of %s: %s isn't on the loopback interface; the simulators serve this machine only", name, address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("systems: %s can't listen on %s: %w", name, address, err)
	}
	p := &port{Listener: l, config: config, ready: make(chan net.Conn), done: make(chan struct{}), open: map[net.Conn]bool{}}
	go p.accept()
	return p, nil
}

func (p *port) accept() {
	for {
		c, err := p.Listener.Accept()
		if err != nil {
			p.stop()
			return
		}
		p.mu.Lock()
		p.open[c] = true
		p.mu.Unlock()
		go p.sniff(c)
	}
}

func (p *port) sniff(c net.Conn) {
	peeked := &peekedConn{Conn: c, r: bufio.NewReader(c)}
	_ = c.SetReadDeadline(time.Now().Add(sniffTime))
	first, err := peeked.r.Peek(1)
	_ = c.SetReadDeadline(time.Time{})
	p.mu.Lock()
	delete(p.open, c)
	p.mu.Unlock()
	if err != nil {
		_ = c.Close()
		return
	}
	var out net.Conn = peeked
	if first[0] == tlsHandshake {
		out = tls.Server(peeked, p.config)
	}
	select {
	case p.ready <- out:
	case <-p.done:
		_ = c.Close()
	}
}

// Accept returns the next connection that has sent its first byte.
func (p *port) Accept() (net.Conn, error) {
	select {
	case c := <-p.ready:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close stops listening and closes the connections that haven't sent anything.
func (p *port) Close() error {
	p.stop()
	return p.Listener.Close()
}

func (p *port) stop() {
	p.closer.Do(func() {
		close(p.done)
		p.mu.Lock()
		defer p.mu.Unlock()
		for c := range p.open {
			_ = c.Close()
		}
	})
}

// peekedConn gives back the byte that was looked at.
type peekedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *peekedConn) Read(b []byte) (int, error) { return c.r.Read(b) }

// localOnly refuses requests that name another host, so that no web page that a person visits can reach the simulators by a
// name it controls.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this server answers to loopback names only", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
