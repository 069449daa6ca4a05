package functionshost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// frontListener gives connections that remember the heads of their requests.
type frontListener struct{ net.Listener }

func (l frontListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &frontConn{Conn: c, in: bufio.NewReader(c)}, nil
}

// frontConn lies between the wire and Go's HTTP server, which loses the order and the spelling of a request's headers and
// sorts an answer's. It follows the requests' framing, keeps each head for the handler of the request, and puts the
// headers of each answer in the order of the host's web server.
type frontConn struct {
	net.Conn
	in      *bufio.Reader
	partial []byte // a head or line that isn't complete yet
	ready   []byte // what the server may have now
	phase   framing
	left    int64 // of a body or chunk

	mu      sync.Mutex
	heads   []*requestHead
	answer  []byte // the beginning of an answer, until its head is complete
	waiting bool   // for the head of an answer
}

type framing int

const (
	framingHead    framing = iota
	framingBody            // left bytes of it
	framingSize            // the line before a chunk
	framingChunk           // left bytes of it, its line end included
	framingTrailer         // lines up to an empty one
	framingUnknown         // nothing can be told any more
)

// maxHead is what the server itself refuses; beyond it a head isn't kept.
const maxHead = 1 << 20

func (c *frontConn) Read(p []byte) (int, error) {
	for len(c.ready) == 0 {
		switch c.phase {
		case framingBody, framingChunk:
			if int64(len(p)) > c.left {
				p = p[:c.left]
			}
			n, err := c.in.Read(p)
			if c.left -= int64(n); c.left == 0 {
				c.phase = map[framing]framing{framingBody: framingHead, framingChunk: framingSize}[c.phase]
			}
			return n, err
		case framingUnknown:
			return c.in.Read(p)
		}
		if err := c.readLine(); err != nil {
			if len(c.partial) == 0 || isTimeout(err) {
				return 0, err
			}
			c.release(framingUnknown) // the server shall see what there was
		}
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

func (c *frontConn) release(next framing) {
	c.ready, c.partial, c.phase = c.partial, nil, next
}

// readLine reads up to the end of a line. It may be cut short by a deadline and called again.
func (c *frontConn) readLine() error {
	line, err := c.in.ReadSlice('\n')
	c.partial = append(c.partial, line...)
	if len(c.partial) > maxHead {
		c.release(framingUnknown)
		return nil
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil
	}
	if err != nil {
		return err
	}
	empty := bytes.HasSuffix(c.partial, []byte("\n\r\n")) || bytes.HasSuffix(c.partial, []byte("\n\n"))
	switch c.phase {
	case framingHead:
		if empty {
			c.takeHead()
		}
	case framingSize:
		c.takeSize()
	case framingTrailer:
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			c.release(framingHead)
		} else {
			c.release(framingTrailer)
		}
	}
	return nil
}

func (c *frontConn) takeHead() {
	first, lines := parseHead(string(c.partial))
	h := &requestHead{lines: lines}
	if parts := strings.Fields(first); len(parts) == 3 {
		h.target = parts[1]
	}
	c.mu.Lock()
	c.heads = append(c.heads, h)
	c.mu.Unlock()
	next := framingHead
	if v := h.values("Transfer-Encoding"); len(v) > 0 {
		next = framingUnknown
		if strings.EqualFold(v[len(v)-1], "chunked") {
			next = framingSize
		}
	} else if v := h.values("Content-Length"); len(v) > 0 {
		n, err := strconv.ParseInt(v[0], 10, 64)
		switch {
		case err != nil || n < 0:
			next = framingUnknown
		case n > 0:
			next, c.left = framingBody, n
		}
	}
	if len(h.values("Upgrade")) > 0 || strings.HasPrefix(first, http.MethodConnect) {
		next = framingUnknown
	}
	c.release(next)
}

func (c *frontConn) takeSize() {
	text, _, _ := strings.Cut(strings.TrimRight(string(c.partial), "\r\n"), ";")
	n, err := strconv.ParseInt(strings.TrimSpace(text), 16, 62)
	switch {
	case err != nil || n < 0:
		c.release(framingUnknown)
	case n == 0:
		c.release(framingTrailer)
	default:
		c.left = n + 2
		c.release(framingChunk)
	}
}

// Write passes an answer on, its head in order. "100 Continue" is left out when the body is there already, as the host's
// web server does.
func (c *frontConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if !c.waiting {
		c.mu.Unlock()
		return c.Conn.Write(p)
	}
	c.answer = append(c.answer, p...)
	end := bytes.Index(c.answer, []byte("\r\n\r\n"))
	if end < 0 {
		c.mu.Unlock()
		return len(p), nil
	}
	head, rest := c.answer[:end+4], c.answer[end+4:]
	interim := bytes.HasPrefix(head, []byte("HTTP/1.1 1")) && !bytes.HasPrefix(head, []byte("HTTP/1.1 101"))
	c.answer, c.waiting = nil, interim
	c.mu.Unlock()
	if interim && c.in.Buffered() > 0 {
		head = nil
	} else if !interim {
		head = inOrder(head)
	}
	if _, err := c.Conn.Write(append(head, rest...)); err != nil {
		return 0, err
	}
	return len(p), nil
}

func inOrder(head []byte) []byte {
	first, lines := parseHead(string(head))
	var b bytes.Buffer
	b.WriteString(first + "\r\n")
	for _, h := range responseOrder.arrange(lines) {
		for _, v := range h.Values {
			b.WriteString(h.Name + ": " + v + "\r\n")
		}
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

type frontConnKey struct{}

func withFrontConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, frontConnKey{}, c)
}

// headOf takes the head of a request whose handling begins. It is called once per request.
func headOf(r *http.Request) *requestHead {
	c, ok := r.Context().Value(frontConnKey{}).(*frontConn)
	if !ok {
		return headFromHeader(r)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting, c.answer = true, nil
	if len(c.heads) == 0 {
		return headFromHeader(r)
	}
	h := c.heads[0]
	c.heads = c.heads[1:]
	return h
}

// headFromHeader is the next best: the order is lost.
func headFromHeader(r *http.Request) *requestHead {
	h := &requestHead{target: r.RequestURI, lines: []header{{"Host", r.Host}}}
	for name, values := range r.Header {
		for _, v := range values {
			h.lines = append(h.lines, header{name, v})
		}
	}
	return h
}
