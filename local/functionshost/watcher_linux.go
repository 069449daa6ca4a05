package functionshost

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// watchScript waits for the end of its input, which comes with the end of the host in whatever way, and then kills its own
// process group: the handler, whatever the handler or a wrapper script around it has started, and itself.
const watchScript = `trap '' HUP INT TERM; read -r _; kill -KILL 0`

// group is the process group of one run of the handler. Its first member is a watcher, there before the handler is, so that
// the group never lives without one.
type group struct {
	watcher *exec.Cmd
	alive   *os.File // closed with this process; nobody else has it

	mu    sync.Mutex
	ended bool
}

// newGroup starts a group. The error is that of starting a shell.
func newGroup() (*group, error) {
	input, alive, err := os.Pipe() // not inherited by what is executed
	if err != nil {
		return nil, err
	}
	defer input.Close()
	g := &group{watcher: exec.Command("/bin/sh", "-c", watchScript), alive: alive}
	g.watcher.Dir, g.watcher.Env, g.watcher.Stdin = "/", []string{}, input
	g.watcher.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := g.watcher.Start(); err != nil {
		alive.Close()
		return nil, err
	}
	return g, nil
}

// join makes a command that isn't started yet a member.
func (g *group) join(cmd *exec.Cmd) { cmd.SysProcAttr.Pgid = g.watcher.Process.Pid }

// kill ends all members, the watcher included.
func (g *group) kill() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended { // its number may be another's by now
		return os.ErrProcessDone
	}
	return syscall.Kill(-g.watcher.Process.Pid, syscall.SIGKILL)
}

// end kills the group and takes leave of its watcher.
func (g *group) end() {
	_ = g.kill()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return
	}
	g.ended = true
	_ = g.watcher.Wait() // killed
	g.alive.Close()
}
