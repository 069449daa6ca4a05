package main

import (
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// startOn starts a process on one CPU, where there is such a CPU: it inherits that of the thread that starts it. Another program
// between, such as taskset, would be part of what is measured.
func startOn(cpu int, process *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var mine, its unix.CPUSet
	its.Set(cpu)
	if err := unix.SchedGetaffinity(0, &mine); err == nil && unix.SchedSetaffinity(0, &its) == nil {
		defer func() { _ = unix.SchedSetaffinity(0, &mine) }()
	}
	return process.Start()
}

// rest sleeps. time.Sleep rounds up to a millisecond in a program that waits for nothing else.
func rest(d time.Duration) {
	t := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.Nanosleep(&t, nil)
}
