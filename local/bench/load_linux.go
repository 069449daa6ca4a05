package main

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// caller is a connection that carries one call at a time.
type caller struct {
	fd       int
	unsent   []byte // what is left of the request
	begin    time.Time
	received int
	answer   [maxAnswer]byte
}

// saturate sends a request on each of 16 connections, and on each the next one as soon as the answer is there, for as long as d
// says. It returns how long each call took, from the first byte written to the last one read. One thread does it all without
// allocating, so that a call costs it a few system calls and the side is never the one that waits. And it never sleeps: otherwise
// waking it would be a part of the cost of each answer: more than a tenth of that of a single call.
func saturate(address string, request []byte, d time.Duration) ([]time.Duration, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(poll) }()
	callers := make([]caller, connections)
	for i := range callers {
		if callers[i].fd, err = connect(address); err != nil {
			return nil, err
		}
		defer func() { _ = unix.Close(callers[i].fd) }()
		wanted := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(i)}
		if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, callers[i].fd, &wanted); err != nil {
			return nil, err
		}
	}
	took := make([]time.Duration, 0, int(d/(2*time.Microsecond)))
	begin := time.Now()
	for i := range callers {
		if err := callers[i].send(request); err != nil {
			return nil, err
		}
	}
	var events [connections]unix.EpollEvent
	for open := connections; open > 0; {
		n, err := unix.EpollWait(poll, events[:], 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return nil, err
		}
		if n <= 0 {
			if time.Since(begin) > d+patience {
				return nil, fmt.Errorf("%s leaves %d of %d calls without an answer", address, open, connections)
			}
			continue
		}
		for _, event := range events[:n] {
			c := &callers[event.Fd]
			done, err := c.goOn()
			if err != nil {
				return nil, err
			}
			if !done {
				continue
			}
			now := time.Now()
			took = append(took, now.Sub(c.begin))
			if now.Sub(begin) >= d {
				open--
			} else if err := c.send(request); err != nil {
				return nil, err
			}
		}
	}
	return took, nil
}

// connect returns a connected socket that doesn't block. Its congestion control is the plain one, which every kernel has: one that
// paces what it sends would be a part of the latencies of large requests.
func connect(address string) (int, error) {
	to, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return 0, err
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1),
		unix.Connect(fd, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())}),
		unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno"),
		unix.SetNonblock(fd, true))
	if err != nil {
		_ = unix.Close(fd)
	}
	return fd, err
}

// send begins a call.
func (c *caller) send(request []byte) error {
	c.unsent, c.begin, c.received = request, time.Now(), 0
	return c.write()
}

// write sends as much of the request as the socket takes.
func (c *caller) write() error {
	for len(c.unsent) > 0 {
		n, err := unix.Write(c.fd, c.unsent)
		if errors.Is(err, unix.EAGAIN) {
			return nil
		}
		if err != nil {
			return err
		}
		c.unsent = c.unsent[n:]
	}
	return nil
}

// goOn does what the socket is ready for; it is true once the answer is there.
func (c *caller) goOn() (bool, error) {
	if len(c.unsent) > 0 {
		if err := c.write(); err != nil {
			return false, err
		}
	}
	n, err := unix.Read(c.fd, c.answer[c.received:])
	switch {
	case errors.Is(err, unix.EAGAIN):
		return false, nil
	case err != nil:
		return false, err
	case n == 0:
		return false, errors.New("the side closed the connection")
	}
	c.received += n
	size, err := answerSize(c.answer[:c.received])
	if err != nil || size == 0 || c.received < size {
		return false, err
	}
	if len(c.unsent) > 0 || c.received > size {
		return false, errors.New("an answer that wasn't asked for")
	}
	return true, nil
}
