//go:build unix

package azurite

import (
	"os"
	"syscall"
)

// lockFile waits for an exclusive lock, which ends with the file's closing.
func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX) }

// ownGroup keeps the terminal's Ctrl-C from the process: whoever started it ends it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// kill ends the process and what it started.
func kill(p *os.Process) error { return syscall.Kill(-p.Pid, syscall.SIGKILL) }
