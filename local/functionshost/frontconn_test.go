package functionshost

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"testing"
)

// fed is a connection whose other side has sent everything already.
type fed struct {
	net.Conn
	in io.Reader
}

func (f fed) Read(p []byte) (int, error) { return f.in.Read(p) }

// FuzzFrontConn: whatever comes, the server gets every byte of it, in pieces of any size.
func FuzzFrontConn(f *testing.F) {
	for _, text := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\n\n",
		"POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\nabc", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "\r\n\r\n\r\n", "half a head\r\nA: b",
		"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\nraw", "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3fffffffffffffff\r\nx",
	} {
		f.Add([]byte(text), byte(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, piece byte) {
		c := &frontConn{in: bufio.NewReader(bytes.NewReader(data)), Conn: fed{in: bytes.NewReader(nil)}}
		var got []byte
		buffer := make([]byte, int(piece)+1)
		for {
			n, err := c.Read(buffer)
			got = append(got, buffer[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, data) {
			t.Errorf("got %q of %q", got, data)
		}
	})
}

// FuzzAnswerHead: an answer's head keeps every line, whatever order it goes out in.
func FuzzAnswerHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nX-B: 1\r\nServer: x\r\nX-b: 2\r\nContent-Length: 0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, head []byte) {
		_, before := parseHead(string(head))
		_, after := parseHead(string(inOrder(head)))
		if len(before) != len(after) {
			t.Errorf("%d lines became %d", len(before), len(after))
		}
	})
}
