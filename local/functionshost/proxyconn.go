package functionshost

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// newTransport is the client side of one proxied call: no connection is shared with the next call, so that none is closed
// under a POST; nothing is decompressed or followed; the headers go out in the order and spelling of names.
func newTransport(names []string) *http.Transport {
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{Timeout: 30 * time.Second}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &proxyConn{Conn: c, names: names}, nil
	}
	return &http.Transport{DisableCompression: true, DisableKeepAlives: true, DialContext: dial}
}

// proxiedOrder is the order in which the host's forwarder writes a caller's headers: Host, the caller's as the web server
// has them, the host's own, X-Forwarded-…, those of the body. It follows the forwarder's source; nothing is recorded.
func proxiedOrder(head *requestHead) []string {
	names := []string{"Host"}
	for _, v := range requestOrder.arrange(head.lines) {
		if v.Name != "Host" && !contentHeaders[strings.ToLower(v.Name)] && !strings.HasPrefix(strings.ToLower(v.Name), "x-forwarded-") {
			names = append(names, v.Name)
		}
	}
	return append(names, "X-Azure-Functions-HostVersion", "X-Azure-Functions-InvocationId", "x-ms-invocation-id",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Transfer-Encoding", "Content-Length", "Content-Type")
}

// proxyConn puts the head of the one request it carries in order; the rest goes through.
type proxyConn struct {
	net.Conn
	names []string
	head  []byte
	sent  bool
}

func (c *proxyConn) Write(p []byte) (int, error) {
	if c.sent {
		return c.Conn.Write(p)
	}
	c.head = append(c.head, p...)
	end := bytes.Index(c.head, []byte("\r\n\r\n"))
	if end < 0 {
		return len(p), nil
	}
	c.sent = true
	out := append(c.ordered(c.head[:end+4]), c.head[end+4:]...)
	c.head = nil
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *proxyConn) ordered(head []byte) []byte {
	first, lines := parseHead(string(head))
	var b bytes.Buffer
	b.WriteString(first + "\r\n")
	for _, v := range orderOf(c.names...).arrange(lines) {
		if v.Name == "Connection" && slices.Equal(v.Values, []string{"close"}) {
			continue // this transport's own; the host's forwarder keeps its connections and says nothing
		}
		for _, value := range v.Values {
			b.WriteString(v.Name + ": " + value + "\r\n")
		}
	}
	b.WriteString("\r\n")
	return b.Bytes()
}
