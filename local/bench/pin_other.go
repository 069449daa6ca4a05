//go:build !linux

package main

import (
	"os/exec"
	"time"
)

// startOn starts a process. Which CPU it runs on is the system's choice.
func startOn(_ int, process *exec.Cmd) error { return process.Start() }

func rest(d time.Duration) { time.Sleep(d) }
