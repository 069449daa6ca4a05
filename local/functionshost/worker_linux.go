package functionshost

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// childAttributes puts the handler in a process group apart, so that a terminal's Ctrl-C doesn't reach it (the real
// host sends it no signal it could catch), and lets it die with this process.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killProcess kills the handler and what it started, where it leads its group.
func killProcess(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGKILL) }

// noticeTime bounds the wait for the end of a process that is ending.
const noticeTime = 5 * time.Second

// exitingFlag is the kernel's PF_EXITING: set before a process's connections are closed.
const exitingFlag = 0x4

// ending tells whether a process has begun to end, or is gone.
func ending(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	// pid (name) state ppid pgrp session tty tpgid flags …; a name may hold anything, so look from its end.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 7 {
		return false
	}
	flags, err := strconv.ParseUint(string(fields[6]), 10, 64)
	return err == nil && flags&exitingFlag != 0 || fields[0][0] == 'Z' || fields[0][0] == 'X'
}

// holdPort binds a loopback port without listening, so that nobody else is given it while a handler may still bind it
// (with SO_REUSEADDR, as Go, Node and .NET do by default). release lets it go.
func holdPort() (port int, release func(), err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, err
	}
	release = func() { _ = syscall.Close(fd) }
	if err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err != nil {
		release()
		return 0, nil, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		release()
		return 0, nil, err
	}
	return name.(*syscall.SockaddrInet4).Port, release, nil
}
