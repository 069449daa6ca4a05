package customhandler

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"
)

// directListener accepts connections that answer the host's invocations themselves.
type directListener struct {
	net.Listener
	server *Server
	ctx    context.Context // of the invocations
}

// Accept waits for the next connection.
func (l *directListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &directConn{Conn: c, server: l.server, ctx: l.ctx}, nil
}

// directConn is a connection that answers invocations before net/http sees them. The host writes each of them in the same few
// headers and in chunks (Functions host 4.1037, recorded), so one is known by its head at sight, and answering it takes little
// more than reading and writing. The first request that differs in anything goes to net/http, and all that follow it.
type directConn struct {
	net.Conn
	server *Server
	ctx    context.Context

	handedOver bool
	in         *bufio.Reader // until it is handed over and empty
	deadline   time.Time     // of reading
	answer     []byte        // of an invocation that succeeded
	second     int64         // the answer's date
}

// headSize is how much is read at once: the head of an invocation, and most single messages with it.
const headSize = 16 << 10

// Read answers invocations until there is something else to read for net/http.
func (c *directConn) Read(p []byte) (int, error) {
	if !c.handedOver {
		c.in = bufio.NewReaderSize(c.Conn, headSize)
		if err := c.serve(); err != nil {
			return 0, err
		}
		c.handedOver = true
	}
	if c.in == nil {
		return c.Conn.Read(p)
	}
	n, err := c.in.Read(p[:min(len(p), c.in.Buffered())])
	if c.in.Buffered() == 0 {
		c.in = nil
	}
	return n, err
}

// serve answers invocations; it returns nil when another request has arrived.
func (c *directConn) serve() error {
	for {
		if err := c.stayOpen(time.Now()); err != nil {
			return err
		}
		if _, err := c.in.Peek(1); err != nil {
			return err
		}
		received, _ := c.in.Peek(c.in.Buffered())
		h, ok := parseHead(received)
		route, known := c.server.routes[string(h.path)]
		if !ok || !known {
			return c.SetReadDeadline(time.Now().Add(headTimeout))
		}
		call := call{id: string(h.id), trace: string(h.trace), body: &chunkedBody{httputil.NewChunkedReader(c.in), c.in}, length: -1}
		_, _ = c.in.Discard(h.size)
		if c.reply(c.server.run(c.ctx, route, &call)) != nil {
			return io.EOF // for which net/http closes the connection without a word
		}
	}
}

// reply answers an invocation; an error ends the connection.
func (c *directConn) reply(failed error) error {
	switch {
	case failed == nil:
		return c.succeed(time.Now())
	case errors.Is(failed, errUnread): // where the next request begins is unknown
		_ = c.fail("\r\nConnection: close")
		return failed
	}
	return c.fail("")
}

// stayOpen puts off the time at which reading gives up. It does so once a minute, because it costs as much as reading a head.
func (c *directConn) stayOpen(now time.Time) error {
	if c.deadline.Sub(now) > idle-time.Minute {
		return nil
	}
	c.deadline = now.Add(idle)
	return c.SetReadDeadline(c.deadline)
}

// succeed answers 200 as net/http would.
func (c *directConn) succeed(now time.Time) error {
	if second := now.Unix(); second != c.second || c.answer == nil {
		c.second = second
		c.answer = appendAnswer(c.answer[:0], http.StatusOK, now, "", success)
	}
	_, err := c.Write(c.answer)
	return err
}

// fail answers 500. more is empty or another field.
func (c *directConn) fail(more string) error {
	_, err := c.Write(appendAnswer(nil, http.StatusInternalServerError, time.Now(), more, failure))
	return err
}

func appendAnswer(b []byte, status int, now time.Time, more, body string) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(append(b, ' '), http.StatusText(status)...)
	b = now.UTC().AppendFormat(append(b, "\r\nContent-Type: application/json\r\nDate: "...), http.TimeFormat)
	b = strconv.AppendInt(append(b, "\r\nContent-Length: "...), int64(len(body)), 10)
	b = append(append(b, more...), "\r\n\r\n"...)
	return append(b, body...)
}

// chunkedBody is a body in chunks, with the line behind it.
type chunkedBody struct {
	io.Reader
	in *bufio.Reader
}

// Read reads of the body; it fails at a trailer, because the host has none.
func (b *chunkedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	for _, want := range []byte("\r\n") {
		if got, err := b.in.ReadByte(); err != nil || got != want {
			return n, io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// head is what an invocation's head says. Its texts are valid until more is read.
type head struct {
	path, id, trace []byte
	size            int
}

var (
	lineEnd  = []byte("\r\n")
	method   = []byte("POST ")
	version  = []byte(" HTTP/1.1")
	fieldEnd = []byte(": ")
)

// parseHead reads the head of an invocation as the host writes it. It is false for anything else, and for a head of which a part is
// missing.
func parseHead(received []byte) (h head, ok bool) {
	line, rest, found := bytes.Cut(received, lineEnd)
	path, isPost := bytes.CutPrefix(line, method)
	path, isHTTP11 := bytes.CutSuffix(path, version)
	if !found || !isPost || !isHTTP11 {
		return head{}, false
	}
	h.path = path
	for seen := 0; ; {
		if line, rest, found = bytes.Cut(rest, lineEnd); !found {
			return head{}, false
		}
		if len(line) == 0 {
			h.size = len(received) - len(rest)
			return h, seen&needed == needed
		}
		name, value, _ := bytes.Cut(line, fieldEnd)
		field, known := fields[string(name)]
		if !known || seen&field != 0 || !isText(value) {
			return head{}, false
		}
		seen |= field
		switch {
		case field == invocationID:
			h.id = value
		case field == traceparent:
			h.trace = value
		case field == host && !isAddress(value), field == transferEncoding && string(value) != "chunked":
			return head{}, false
		}
	}
}

// The fields of an invocation's head, each of which occurs once at most.
const (
	host = 1 << iota
	transferEncoding
	invocationID
	traceparent
	hostVersion
	userAgent
	contentTypeField
	traceState

	needed = host | transferEncoding
)

// fields are spelt as the host spells them. The last two come with Application Insights or OpenTelemetry.
var fields = map[string]int{
	"Host": host, "X-Azure-Functions-HostVersion": hostVersion, "X-Azure-Functions-InvocationId": invocationID, "User-Agent": userAgent,
	"Transfer-Encoding": transferEncoding, "Content-Type": contentTypeField, "traceparent": traceparent, "tracestate": traceState,
}

// isText is true for what a field's value may consist of, as far as the host uses it: printable ASCII, with no space around it.
func isText(value []byte) bool {
	for _, c := range value {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(value) > 0 && value[0] != ' ' && value[len(value)-1] != ' '
}

// isAddress is true for 127.0.0.1:44733 and for what else consists of letters, digits, dots, colons and hyphens.
func isAddress(value []byte) bool {
	for _, c := range value {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '-' || c > ':' || c == '/') {
			return false
		}
	}
	return true
}
