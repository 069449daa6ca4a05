package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"
)

// figure is what one round of load found: calls per second of CPU that the side's process used (per second where the system
// doesn't say), and the seconds below which 99 of 100 calls stay.
type figure struct{ rate, p99 float64 }

const (
	connections = 16
	duration    = time.Second
)

// load sends one request over and over on each of 16 connections, none of which ever rests.
func (s *side) load(request []byte) (figure, error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the generator must not add pauses of its own
	before, begin := cpu(s.process.Process.Pid), time.Now()
	took, err := saturate(s.address, request, duration)
	if err != nil {
		return figure{}, err
	}
	used := cpu(s.process.Process.Pid) - before
	if before < 0 || used <= 0 {
		used = time.Since(begin).Seconds()
	}
	slices.Sort(took)
	return figure{rate: float64(len(took)) / used, p99: took[len(took)*99/100].Seconds()}, nil
}

// cpu returns the seconds of CPU that a process has used, -1 where the system doesn't say. Unlike the clock, they don't depend
// on what else the machine is doing.
func cpu(process int) float64 {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", process))
	if err != nil || len(files) == 0 {
		return -1
	}
	total := 0.0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has just ended
		}
		first, _, _ := strings.Cut(string(data), " ")
		nanoseconds, err := strconv.ParseFloat(first, 64)
		if err != nil {
			return -1
		}
		total += nanoseconds / 1e9
	}
	return total
}

var (
	errAnswer   = errors.New("the answer isn't HTTP/1.1 200 with a Content-Length and a body")
	headEnd     = []byte("\r\n\r\n")
	statusOK    = []byte("HTTP/1.1 200 ")
	lengthField = []byte("\r\nContent-Length: ")
)

// answerSize returns how many bytes the answer has at whose beginning received is, 0 while that can't be known. It understands
// the answers of the sides, not all of HTTP.
func answerSize(received []byte) (int, error) {
	end := bytes.Index(received, headEnd)
	if end < 0 {
		return 0, nil
	}
	head := received[:end+len("\r\n")]
	_, field, found := bytes.Cut(head, lengthField)
	if !found || !bytes.HasPrefix(head, statusOK) {
		return 0, errAnswer
	}
	length := 0
	for _, digit := range field[:bytes.IndexByte(field, '\r')] {
		if digit < '0' || digit > '9' || length > maxAnswer {
			return 0, errAnswer
		}
		length = length*10 + int(digit-'0')
	}
	if size := end + len(headEnd) + length; length > 0 && size <= maxAnswer {
		return size, nil
	}
	return 0, errAnswer
}

// maxAnswer is the largest answer that is understood, its head included.
const maxAnswer = 4 << 10

// conn is a connection that carries one call at a time. It does less per call than an http.Client, so that the side is what is
// measured.
type conn struct {
	net.Conn
	answer [maxAnswer]byte
}

func dial(address string) (*conn, error) {
	c, err := net.Dial("tcp4", address)
	if err != nil {
		return nil, err
	}
	// Once, because it costs as much as the rest of a call: no connection is used for longer than a round.
	_ = c.SetDeadline(time.Now().Add(patience))
	return &conn{Conn: c}, nil
}

func (c *conn) close() { _ = c.Close() }

// call sends a request and reads the answer.
func (c *conn) call(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	received, size := 0, 0
	for size == 0 || received < size {
		n, err := c.Read(c.answer[received:])
		received += n
		if err != nil {
			return err
		}
		if size, err = answerSize(c.answer[:received]); err != nil {
			return err
		}
		if size == 0 && received == len(c.answer) {
			return io.ErrShortBuffer
		}
	}
	return nil
}
