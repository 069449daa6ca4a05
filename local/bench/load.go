package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// figure is what one round of load found: calls per second of CPU that the side's process used (per second where the system
// doesn't say), and the seconds below which 99 of 100 calls stay.
type figure struct{ rate, p99 float64 }

const (
	connections = 16
	duration    = time.Second
)

// load sends one request over and over on each of 16 connections.
func (s *side) load(request []byte) (figure, error) {
	address, before := s.address, cpu(s.process.Process.Pid)
	var group sync.WaitGroup
	took, errs := make([][]float64, connections), make([]error, connections)
	begin := time.Now()
	for i := range connections {
		group.Go(func() {
			c, err := dial(address)
			if err != nil {
				errs[i] = err
				return
			}
			defer c.close()
			for time.Since(begin) < duration && errs[i] == nil {
				start := time.Now()
				errs[i] = c.call(request)
				took[i] = append(took[i], time.Since(start).Seconds())
			}
		})
	}
	group.Wait()
	all := slices.Concat(took...)
	used := cpu(s.process.Process.Pid) - before
	if before < 0 || used <= 0 {
		used = time.Since(begin).Seconds()
	}
	if err := errors.Join(errs...); err != nil {
		return figure{}, err
	}
	slices.Sort(all)
	return figure{rate: float64(len(all)) / used, p99: all[len(all)*99/100]}, nil
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

// conn is a connection that carries one call at a time. It does less per call than an http.Client, so that the side is what is
// measured; it understands the answers of the sides, not all of HTTP.
type conn struct {
	net.Conn
	in *bufio.Reader
}

func dial(address string) (*conn, error) {
	c, err := net.Dial("tcp4", address)
	if err != nil {
		return nil, err
	}
	// Once, because it costs as much as the rest of a call: no connection is used for longer than a round.
	_ = c.SetDeadline(time.Now().Add(patience))
	return &conn{c, bufio.NewReader(c)}, nil
}

func (c *conn) close() { _ = c.Close() }

func (c *conn) call(request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	length, ok := 0, false
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		if status, found := bytes.CutPrefix(line, []byte("HTTP/1.1 ")); found {
			ok = bytes.HasPrefix(status, []byte("200 "))
		} else if value, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		}
	}
	if _, err := c.in.Discard(length); err != nil {
		return err
	}
	if !ok || length == 0 {
		return errors.New("the answer isn't 200 with a body")
	}
	return nil
}
