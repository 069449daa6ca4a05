//go:build !linux

package functionshost

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// group stands for a process group with a watcher, which there isn't here.
type group struct{}

func newGroup() (*group, error) { return nil, nil }

func (*group) join(*exec.Cmd) {}

func (*group) kill() error { return nil }

func (*group) end() {}

func childAttributes() *syscall.SysProcAttr { return nil }

func killProcess(p *os.Process) error { return p.Kill() }

// noticeTime is how long a broken connection may precede the end of its process.
const noticeTime = 40 * time.Millisecond

// ending can't be told here: every broken connection may be the end.
func ending(int) bool { return true }

// holdPort can't hold a port here.
func holdPort() (port int, release func(), err error) {
	port, err = freePort(0)
	return port, func() {}, err
}
