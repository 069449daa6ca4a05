package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// figure is what one round of load found: calls per second and, in seconds, the time below which 99 of 100 calls stay.
type figure struct{ rate, p99 float64 }

const (
	connections = 16
	duration    = time.Second
)

// load16 sends one request over and over on each of 16 connections.
func load16(address string, request []byte) (figure, error) {
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
	elapsed := time.Since(begin).Seconds()
	if err := errors.Join(errs...); err != nil {
		return figure{}, err
	}
	slices.Sort(all)
	return figure{rate: float64(len(all)) / elapsed, p99: all[len(all)*99/100]}, nil
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
	return &conn{c, bufio.NewReader(c)}, nil
}

func (c *conn) close() { _ = c.Close() }

func (c *conn) call(request []byte) error {
	_ = c.SetDeadline(time.Now().Add(patience))
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
