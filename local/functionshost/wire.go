package functionshost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// wire speaks HTTP/1.1 to the handler by hand, because order and spelling of the headers are part of what the host
// sends. It keeps connections alive like .NET's client.
type wire struct {
	address string // 127.0.0.1:port
	mu      sync.Mutex
	idle    []*wireConn
	closed  bool
}

type wireConn struct {
	net.Conn
	in *bufio.Reader
}

// header is one header line, spelt and placed as sent.
type header struct{ Name, Value string }

// reply is the handler's whole answer.
type reply struct {
	Status int
	Header http.Header
	Body   []byte
}

const (
	chunkSize    = 1024 // a large body comes in pieces of about 1 kB (recorded)
	maxRedirects = 50
)

func newWire(port int) *wire {
	return &wire{address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
}

// freePort picks a loopback port by bind and close, as the host does; want is 0, or the port it must be.
func freePort(want int) (int, error) {
	// A process forked meanwhile would hold the socket until its exec, and take the first connections to the handler.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(want)))
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// post sends one call and reads the whole answer, following redirects like the host's client: 301, 302 and 303 turn into
// GET without a body, 307 and 308 repeat the POST. A POST that failed is never repeated.
func (w *wire) post(ctx context.Context, path string, headers []header, body []byte) (reply, error) {
	method := http.MethodPost
	for range maxRedirects {
		r, err := w.exchange(ctx, method, requestBytes(method, path, w.address, headers, body))
		if err != nil {
			return r, err
		}
		next, ok := redirect(r)
		if !ok {
			return r, nil
		}
		if r.Status != http.StatusTemporaryRedirect && r.Status != http.StatusPermanentRedirect {
			method, body = http.MethodGet, nil
		}
		path = next
	}
	return reply{}, errors.New("too many redirects")
}

func redirect(r reply) (path string, ok bool) {
	switch r.Status {
	case 301, 302, 303, 307, 308:
	default:
		return "", false
	}
	to, err := url.Parse(r.Header.Get("Location"))
	if err != nil || to.String() == "" {
		return "", false
	}
	return to.RequestURI(), true
}

// errNoAnswer is a connection that ended before the first byte of an answer.
var errNoAnswer = errors.New("an error occurred while sending the request")

// exchange sends the bytes of one request on a live connection and reads its answer. ctx ends it by cutting the
// connection.
func (w *wire) exchange(ctx context.Context, method string, request []byte) (reply, error) {
	c, err := w.connection(ctx)
	if err != nil {
		return reply{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	keep := false
	defer func() {
		if !stop() || !keep {
			_ = c.Close()
			return
		}
		w.put(c)
	}()
	if _, err := c.Write(request); err != nil {
		return reply{}, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	if _, err := c.in.Peek(1); err != nil {
		return reply{}, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	response, err := readResponse(c.in, method)
	if err != nil {
		return reply{}, fmt.Errorf("an error occurred while sending the request: %w", err)
	}
	data, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return reply{}, fmt.Errorf("error while copying content to a stream: %w", err)
	}
	keep = !response.Close && response.ProtoAtLeast(1, 1) && c.in.Buffered() == 0
	return reply{Status: response.StatusCode, Header: response.Header, Body: data}, nil
}

// readResponse skips interim answers such as 100 Continue.
func readResponse(in *bufio.Reader, method string) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			return nil, err
		}
		if response.StatusCode >= 200 {
			return response, nil
		}
	}
}

// request writes the bytes of a request; a body goes in chunks, its Content-Type header last (recorded).
func requestBytes(method, path, host string, headers []header, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, host)
	for _, h := range headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	if body == nil {
		b.WriteString("\r\n")
		return b.Bytes()
	}
	b.WriteString("Transfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8\r\n\r\n")
	for len(body) > 0 {
		n := min(chunkSize, len(body))
		fmt.Fprintf(&b, "%X\r\n", n)
		b.Write(body[:n])
		b.WriteString("\r\n")
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

// probe asks GET / with nothing but Host. Any answer means ready, even a cut connection; only a refused connection
// means that the handler doesn't listen yet.
func (w *wire) probe(ctx context.Context) bool {
	c, err := w.dial(ctx)
	if err != nil {
		return false
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	if _, err := c.Write(requestBytes(http.MethodGet, "/", w.address, nil, nil)); err == nil {
		if response, err := readResponse(c.in, http.MethodGet); err == nil {
			_ = response.Body.Close()
		}
	}
	return ctx.Err() == nil
}

func (w *wire) dial(ctx context.Context) (*wireConn, error) {
	var d net.Dialer
	d.Timeout = 30 * time.Second
	c, err := d.DialContext(ctx, "tcp4", w.address)
	if err != nil {
		return nil, err
	}
	return &wireConn{Conn: c, in: bufio.NewReader(c)}, nil
}

func (w *wire) connection(ctx context.Context) (*wireConn, error) {
	for {
		w.mu.Lock()
		n := len(w.idle)
		if n == 0 {
			w.mu.Unlock()
			return w.dial(ctx)
		}
		c := w.idle[n-1]
		w.idle = w.idle[:n-1]
		w.mu.Unlock()
		if c.alive() {
			return c, nil
		}
		_ = c.Close()
	}
}

func (w *wire) put(c *wireConn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		_ = c.Close()
		return
	}
	w.idle = append(w.idle, c)
}

// close ends every idle connection and keeps none from now on.
func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, c := range w.idle {
		_ = c.Close()
	}
	w.idle = nil
}
