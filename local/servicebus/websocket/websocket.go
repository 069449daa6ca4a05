// Package websocket is the server's side of the WebSocket protocol (RFC 6455) as far as AMQP needs it: a connection whose
// bytes travel in binary messages. Where a message begins and ends means nothing to AMQP, so it's a [net.Conn].
package websocket

import (
	"bufio"
	"crypto/sha1" // the protocol asks for it; it protects nothing
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// protocols are the subprotocols that stand for AMQP: of the standard, and of Azure's older clients.
var protocols = []string{"amqp", "AMQPWSB10"}

// magic is what the protocol adds to a client's key.
const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Upgrade answers a request that asks for a WebSocket and returns the connection. Where the request isn't one, it's
// answered with 400 and the error says why.
func Upgrade(w http.ResponseWriter, r *http.Request) (net.Conn, error) {
	key := r.Header.Get("Sec-WebSocket-Key")
	nonce, err := base64.StdEncoding.DecodeString(key)
	var asked []string
	for name := range strings.SplitSeq(r.Header.Get("Sec-WebSocket-Protocol"), ",") {
		asked = append(asked, strings.TrimSpace(name))
	}
	chosen := slices.IndexFunc(protocols, func(p string) bool { return slices.Contains(asked, p) })
	switch {
	case r.Method != http.MethodGet, !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"), err != nil, len(nonce) != 16,
		r.Header.Get("Sec-WebSocket-Version") != "13":
		err = errors.New("the request asks for no WebSocket of version 13")
	case chosen < 0:
		err = errors.New("the subprotocol isn't AMQP")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return nil, err
	}
	nc, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "no WebSocket here", http.StatusInternalServerError)
		return nil, err
	}
	sum := sha1.Sum([]byte(key + magic))
	answer := fmt.Sprintf("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]), protocols[chosen])
	nc.SetDeadline(time.Time{})
	if _, err := io.WriteString(nc, answer); err != nil {
		nc.Close()
		return nil, err
	}
	return &conn{Conn: nc, in: buffered.Reader}, nil
}

// The kinds of frames.
const (
	opContinue = 0x0
	opBinary   = 0x2
	opClose    = 0x8
	opPing     = 0x9
	opPong     = 0xA
)

// maxControl is the longest payload of a frame that controls the connection.
const maxControl = 125

// conn is a connection. Reads are one at a time, as are writes.
type conn struct {
	net.Conn
	in *bufio.Reader

	left   uint64 // bytes of the payload that are still to be read
	mask   [4]byte
	masked int // how many bytes of the payload were read
	ended  bool

	writing sync.Mutex // answers to pings come from the reader
}

var errProtocol = errors.New("the peer breaks the WebSocket protocol")

// Read reads payload, of whatever message.
func (c *conn) Read(b []byte) (int, error) {
	for c.left == 0 {
		if c.ended {
			return 0, io.EOF
		}
		if err := c.frame(); err != nil {
			return 0, err
		}
	}
	n, err := c.in.Read(b[:min(uint64(len(b)), c.left)])
	c.unmask(b[:n])
	c.left -= uint64(n)
	return n, err
}

func (c *conn) unmask(b []byte) {
	for i := range b {
		b[i] ^= c.mask[c.masked%4]
		c.masked++
	}
}

// frame reads the head of the next frame, and all of one that controls the connection.
func (c *conn) frame() error {
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return err
	}
	op, length := head[0]&0x0f, uint64(head[1]&0x7f)
	if head[0]&0x70 != 0 || head[1]&0x80 == 0 {
		return errProtocol // an extension nobody agreed on, or a client that doesn't mask
	}
	if length > maxControl {
		wide := make([]byte, 2)
		if length == 127 {
			wide = make([]byte, 8)
		}
		if _, err := io.ReadFull(c.in, wide); err != nil {
			return err
		}
		if length = uint64(binary.BigEndian.Uint16(wide)); len(wide) == 8 {
			length = binary.BigEndian.Uint64(wide)
		}
	}
	if _, err := io.ReadFull(c.in, c.mask[:]); err != nil {
		return err
	}
	c.masked = 0
	switch op {
	case opContinue, opBinary:
		c.left = length
		return nil
	case opClose, opPing, opPong:
		return c.control(op, length, head[0]&0x80 != 0)
	}
	return errProtocol // text, say
}

func (c *conn) control(op byte, length uint64, whole bool) error {
	if length > maxControl || !whole {
		return errProtocol
	}
	payload := make([]byte, length)
	if _, err := io.ReadFull(c.in, payload); err != nil {
		return err
	}
	c.unmask(payload)
	switch op {
	case opPing:
		return c.write(opPong, payload)
	case opClose:
		c.ended = true
		return c.write(opClose, payload[:min(2, len(payload))])
	}
	return nil
}

// Write sends bytes as one message.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.write(opBinary, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *conn) write(op byte, payload []byte) error {
	head := []byte{0x80 | op, byte(len(payload))}
	switch n := len(payload); {
	case n > 0xffff:
		head[1] = 127
		head = binary.BigEndian.AppendUint64(head, uint64(n))
	case n > maxControl:
		head[1] = 126
		head = binary.BigEndian.AppendUint16(head, uint16(n))
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err := c.Conn.Write(append(head, payload...))
	return err
}

// CloseWrite says that nothing more will come.
func (c *conn) CloseWrite() error { return c.write(opClose, []byte{3, 232}) }
