package websocket

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const patience = 10 * time.Second

// stream is a connection that reads from one buffer and writes to another.
type stream struct {
	net.Conn
	out bytes.Buffer
}

func (s *stream) Write(b []byte) (int, error) { return s.out.Write(b) }

func reading(wire []byte) (*conn, *stream) {
	s := &stream{}
	return &conn{Conn: s, in: bufio.NewReader(bytes.NewReader(wire))}, s
}

// framed is a client's frame, masked.
func framed(first byte, payload string) []byte {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	out := []byte{first, 0x80 | byte(len(payload))}
	if len(payload) > maxControl {
		out[1] = 0x80 | 126
		out = append(out, byte(len(payload)>>8), byte(len(payload)))
	}
	out = append(out, mask[:]...)
	for i := range len(payload) {
		out = append(out, payload[i]^mask[i%4])
	}
	return out
}

func TestReadJoinsMessages(t *testing.T) {
	long := strings.Repeat("long", 100)
	wire := bytes.Join([][]byte{
		framed(0x02, "Hel"), framed(0x89, "ping"), framed(0x80, "lo "), framed(0x8a, "unasked"), framed(0x82, ""),
		framed(0x82, long), framed(0x88, "\x03\xe8bye"),
	}, nil)
	c, s := reading(wire)
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "Hello "+long {
		t.Errorf("%q, %v", got, err)
	}
	if want := "\x8a\x04ping\x88\x02\x03\xe8"; s.out.String() != want {
		t.Errorf("answered %q, want %q", s.out.String(), want)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, wire := range map[string][]byte{
		"text":            framed(0x81, "x"),
		"an extension":    framed(0xc2, "x"),
		"no mask":         {0x82, 1, 'x'},
		"a long ping":     framed(0x89, strings.Repeat("x", 126)),
		"a ping in parts": framed(0x09, "x"),
		"an unknown kind": framed(0x83, "x"),
	} {
		c, _ := reading(wire)
		if got, err := io.ReadAll(c); !errors.Is(err, errProtocol) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestWriteHeads(t *testing.T) {
	for n, want := range map[int]string{
		0: "\x82\x00", 125: "\x82\x7d", 126: "\x82\x7e\x00\x7e", 0xffff: "\x82\x7e\xff\xff",
		0x10000: "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
	} {
		c, s := reading(nil)
		if wrote, err := c.Write(make([]byte, n)); wrote != n || err != nil {
			t.Errorf("%d: %d, %v", n, wrote, err)
		}
		if got := s.out.String(); len(got) != len(want)+n || got[:len(want)] != want {
			t.Errorf("%d: head %q, %d bytes", n, got[:min(len(got), 10)], len(got))
		}
	}
}

func TestUpgrade(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Upgrade(w, r)
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c) // ends with the client
	}))
	defer server.Close()
	ask := func(headers string) (net.Conn, *http.Response, *bufio.Reader) {
		nc, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		nc.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\n"+headers+"\r\n"); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(nc)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		return nc, resp, in
	}
	const good = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, AMQPWSB10\r\n"
	nc, resp, in := ask(good)
	// The key and the answer to it are the example of RFC 6455, section 1.3.
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" ||
		resp.Header.Get("Sec-WebSocket-Protocol") != "AMQPWSB10" {
		t.Fatalf("%s %v", resp.Status, resp.Header)
	}
	if _, err := nc.Write(framed(0x82, "AMQP")); err != nil {
		t.Fatal(err)
	}
	echo := make([]byte, 6)
	if _, err := io.ReadFull(in, echo); err != nil || string(echo) != "\x82\x04AMQP" {
		t.Errorf("%q, %v", echo, err)
	}
	for _, without := range []string{"Upgrade: websocket\r\n", "Sec-WebSocket-Version: 13\r\n", "ZSBub25jZQ==", "AMQPWSB10"} {
		_, resp, _ := ask(strings.Replace(good, without, "", 1))
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("without %q: %s", without, resp.Status)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(framed(0x82, "AMQP"))
	f.Add(append(framed(0x02, "a"), framed(0x89, "p")...))
	f.Add([]byte{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5})
	f.Fuzz(func(t *testing.T, wire []byte) {
		c, _ := reading(wire)
		got, _ := io.ReadAll(c)
		if len(got) > len(wire) {
			t.Errorf("%d bytes out of %d", len(got), len(wire))
		}
	})
}
