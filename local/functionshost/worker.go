package functionshost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
)

const (
	pollInterval    = 25 * time.Millisecond // between two readiness requests
	strikeWindow    = 30 * time.Minute      // an error later than this after the last one counts as the first
	maxStrikes      = 3
	restartExitCode = 200
	stderrKept      = 3 // last lines of stderr in the error text
)

// worker is the handler's process and the rules by which the host starts it again.
type worker struct {
	host       *jobHost
	port       int
	executable string
	directory  string
	firstReady chan struct{}
	strikes    strikes

	mu       sync.Mutex
	process  *process
	group    *group        // of the process, or of the one before; nil where there is none
	ready    chan struct{} // closed while the handler takes calls
	finished bool          // nothing will be started any more
	closing  chan struct{} // closed by shutdown
	once     sync.Once
}

// process is one run of the handler.
type process struct {
	cmd     *exec.Cmd
	group   *group // nil where there is none
	exited  chan struct{}
	handled chan struct{} // closed when the host has acted on the end
	state   *os.ProcessState
	expires bool   // killed because a function timed out: not an error
	reason  string // why the host itself killed it, when that counts as an error
	stderr  []string
}

func newWorker(h *jobHost, port int) *worker {
	return &worker{host: h, port: port, firstReady: make(chan struct{}), ready: make(chan struct{}), closing: make(chan struct{}),
		strikes: strikes{now: h.options.Now}}
}

// strikes counts errors, each within 30 minutes of the one before.
type strikes struct {
	now   func() time.Time
	last  time.Time
	count int
}

// out counts an error and tells whether it was the last one allowed.
func (s *strikes) out() bool {
	now := s.now()
	if s.count > 0 && now.Sub(s.last) > strikeWindow {
		s.count = 0
	}
	s.last = now
	s.count++
	return s.count >= maxStrikes
}

// findExecutable looks for <script root>/<path>, else on PATH. The real host logs one line, lets every call hang for four
// initialization timeouts and stops then; here it is said at once.
func (w *worker) findExecutable() error {
	cfg := w.host.root.config
	w.directory = w.host.root.path
	if cfg.workingDirectory != "" {
		w.directory = filepath.Join(w.host.root.path, w.host.settings.expand(cfg.workingDirectory))
		if info, err := os.Stat(w.directory); err != nil || !info.IsDir() {
			return fmt.Errorf("host.json: workingDirectory %q doesn't exist: the handler would never start", cfg.workingDirectory)
		}
	}
	path := w.host.settings.expand(cfg.executable)
	inRoot := path
	if !filepath.IsAbs(path) {
		inRoot = filepath.Join(w.host.root.path, path)
	}
	if info, err := os.Stat(inRoot); err == nil {
		if info.Mode()&0o111 == 0 {
			return fmt.Errorf("host.json: the handler %q has no execute bit: on Azure calls would hang for two minutes, then the host stops", cfg.executable)
		}
		w.executable = inRoot
		return nil
	}
	found, err := exec.LookPath(path)
	if err != nil {
		return fmt.Errorf("host.json: the handler %q is neither in the script root nor on PATH: on Azure calls would hang for two minutes, then the host stops", cfg.executable)
	}
	w.executable = found
	return nil
}

// arguments are joined with blanks and not quoted, so one with a blank arrives as two and quotes are lost (recorded). The
// worker path, if any, is one argument between the two lists.
func (w *worker) arguments() []string {
	cfg := w.host.root.config
	split := func(list []string) []string {
		return strings.Fields(strings.ReplaceAll(w.host.settings.expand(strings.Join(list, " ")), `"`, ""))
	}
	out := split(cfg.arguments)
	if cfg.workerPath != "" {
		path := w.host.settings.expand(cfg.workerPath)
		if inDirectory := filepath.Join(w.directory, path); !filepath.IsAbs(path) {
			if _, err := os.Stat(inDirectory); err == nil {
				path = inDirectory
			}
		}
		out = append(out, path)
	}
	return append(out, split(cfg.workerArguments)...)
}

func (w *worker) environ(id string) []string {
	port := strconv.Itoa(w.port)
	more := map[string]string{
		"FUNCTIONS_CUSTOMHANDLER_PORT":      port,
		"FUNCTIONS_HTTPWORKER_PORT":         port,
		"FUNCTIONS_CUSTOMHANDLER_WORKER_ID": id,
		"FUNCTIONS_HTTPWORKER_ID":           id,
		"FUNCTIONS_APP_ROOT_PATH":           w.host.root.path,
		"AzureWebJobsScriptRoot":            w.host.root.path,
		"FUNCTIONS_WORKER_RUNTIME":          "custom",
		"ASPNETCORE_URLS":                   w.host.BaseURL(),
		"PWD":                               w.directory,
	}
	return w.host.settings.environ(more)
}

// supervise runs the handler until the host ends, starting it again by the host's rules (recorded): exit code 0 never,
// 200 always, anything else until the third error.
func (w *worker) supervise() {
	runtime.LockOSThread() // on Linux the handler dies with the thread that started it, so with this process
	defer runtime.UnlockOSThread()
	for {
		p, err := w.start()
		if err != nil {
			if !errors.Is(err, errClosing) {
				//lint:ignore ST1005 the host's own words
				w.host.stopItself(fmt.Errorf("Failed to start Custom Handler process: %w", err))
			}
			return
		}
		ctx, cancel := context.WithCancel(w.host.life)
		probing := make(chan struct{})
		go func() { defer close(probing); w.awaitReadiness(ctx, p) }()
		<-p.exited
		cancel()
		<-probing
		more := w.again(p)
		close(p.handled)
		if !more {
			return
		}
	}
}

var errClosing = errors.New("the host is closing")

func (w *worker) start() (*process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.finished {
		return nil, errClosing
	}
	id := uuid.NewString()
	p := &process{exited: make(chan struct{}), handled: make(chan struct{})}
	p.cmd = exec.Command(w.executable, w.arguments()...)
	p.cmd.Dir = w.directory
	p.cmd.Env = w.environ(id)
	p.cmd.SysProcAttr = childAttributes()
	w.regroup(p)
	p.cmd.WaitDelay = 2 * time.Second
	out := &lines{on: func(text string) { w.console(information, text) }}
	problems := &lines{on: func(text string) {
		p.stderr = append(p.stderr, text)
		if len(p.stderr) > stderrKept {
			p.stderr = p.stderr[1:]
		}
		w.console(stderrLevel(text, w.host.root.config.stderrIsErrors), text)
	}}
	p.cmd.Stdout, p.cmd.Stderr = out, problems
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	w.process = p
	w.host.log.host(information, "Initializing HttpWorker.")
	go func() {
		_ = p.cmd.Wait() // its state is looked at, not the error
		out.flush()
		problems.flush()
		p.state = p.cmd.ProcessState
		close(p.exited)
	}()
	return p, nil
}

func (w *worker) console(level, text string) {
	if rest, ok := strings.CutPrefix(text, systemLogPrefix); ok {
		w.host.log.host(level, rest)
		return
	}
	w.host.log.handler(level, text)
}

// awaitReadiness asks until the handler answers. The limit counts requests, not time (recorded: 30 s are about 34 s).
func (w *worker) awaitReadiness(ctx context.Context, p *process) {
	limit := max(1, int(w.host.root.config.initializationTime/pollInterval))
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for range limit {
		if w.host.wire.probe(ctx) {
			w.mu.Lock()
			close(w.ready)
			w.mu.Unlock()
			w.host.log.host(information, "HttpWorker is Initialized.")
			w.once.Do(func() { close(w.firstReady) })
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	w.mu.Lock()
	p.reason = "Initializing HttpWorker timed out."
	w.mu.Unlock()
	_ = p.kill()
}

// again decides what follows the end of a handler.
func (w *worker) again(p *process) bool {
	w.mu.Lock()
	closing, reason, expires := w.finished, p.reason, p.expires
	code := exitCode(p.state)
	if w.process == p {
		w.process = nil
	}
	if code != 0 || reason != "" || expires {
		select {
		case <-w.ready:
			w.ready = make(chan struct{})
		default:
		}
	}
	w.mu.Unlock()
	log := w.host.log
	switch {
	case closing:
		return false
	case expires:
		log.host(information, "Restarting http invoker channel after a function timeout")
		return true
	case code == 0 && reason == "":
		log.host(errorLevel, "The handler ended with exit code 0. On Azure it is NOT started again: every later call fails with connection refused and messages burn their deliveries. A handler must never exit with 0 by itself.")
		return false
	case code == restartExitCode:
		log.host(information, "Restarting http invoker channel: the handler ended with exit code 200")
		return true
	}
	if reason == "" {
		reason = fmt.Sprintf("%s exited with code %d (0x%X)", filepath.Base(w.executable), code, code)
		if len(p.stderr) > 0 {
			reason += ": " + strings.Join(p.stderr, ", ")
		}
	}
	log.host(errorLevel, fmt.Sprintf("Handling WorkerErrorEvent. Failed with: %s", reason))
	if w.strikes.out() {
		w.mu.Lock()
		w.finished = true
		w.mu.Unlock()
		//lint:ignore ST1005 the host's own words
		w.host.stopItself(errors.New("Exceeded http worker restart retry count. Shutting down Functions Host"))
		return false
	}
	log.host(information, "Restarting http invoker channel")
	return true
}

// exitCode is the code as the host sees it: 128 + signal for a killed process.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// errNotReady ends a call that has waited four initialization timeouts for the handler.
//
//lint:ignore ST1005 the host's own words
var errNotReady = errors.New("Initialization timed out and host is shutting down")

// await waits until the handler takes calls. After (3+1) initialization timeouts the host stops itself.
func (w *worker) await(ctx context.Context) error {
	limit := time.NewTimer(4 * w.host.root.config.initializationTime)
	defer limit.Stop()
	for {
		w.mu.Lock()
		ready := w.ready
		w.mu.Unlock()
		select {
		case <-ready:
			return nil
		default:
		}
		select {
		case <-ready:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.host.done:
			return w.host.Err()
		case <-w.closing:
			return errClosing
		case <-limit.C:
			w.host.stopItself(errNotReady)
			return errNotReady
		}
	}
}

// current is the handler's process of now; a call remembers it so that its timeout kills no successor.
func (w *worker) current() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.process
}

func (w *worker) pid() int {
	p := w.current()
	if p == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

func (w *worker) kill() error {
	p := w.current()
	if p == nil {
		return errors.New("no handler runs")
	}
	if err := p.kill(); err != nil {
		return err
	}
	<-p.handled
	return nil
}

// notice tells apart, after a broken connection, a handler that lives on from one that is at its end, and then waits for
// the host to act on the end. The real host abandons a killed handler's message within 40 ms and knows of the end by
// then, so the message doesn't meet a dead handler again.
func (p *process) notice() {
	if p == nil || !ending(p.cmd.Process.Pid) {
		return
	}
	t := time.NewTimer(noticeTime)
	defer t.Stop()
	select {
	case <-p.handled:
	case <-t.C:
	}
}

// expire kills the process after a function timeout: every other call in flight fails too, but it isn't an error of
// the handler.
func (w *worker) expire(p *process) {
	if p == nil {
		return
	}
	w.mu.Lock()
	p.expires = w.process == p
	w.mu.Unlock()
	select {
	case <-p.exited:
	default:
		_ = p.kill()
	}
}

// regroup ends what the handler before has left behind, which would have the port, and gives the next one a process group.
func (w *worker) regroup(p *process) {
	if w.group != nil {
		w.group.end()
		w.group = nil
	}
	g, err := newGroup()
	if err != nil {
		w.host.log.host(warning, fmt.Sprintf("What the handler starts outlives a host that is killed: %v", err))
		return
	}
	if g != nil {
		g.join(p.cmd)
		w.group, p.group = g, g
	}
}

// kill kills the handler and, where there are process groups, what it has started.
func (p *process) kill() error {
	if p.group != nil {
		return p.group.kill()
	}
	return killProcess(p.cmd.Process)
}

// shutdown kills the handler and starts none any more; it returns when the process is gone. It is called once.
func (w *worker) shutdown() {
	w.mu.Lock()
	w.finished = true
	close(w.closing)
	p, g := w.process, w.group
	w.mu.Unlock()
	if p != nil {
		_ = p.kill()
		<-p.exited
	}
	if g != nil {
		g.end() // what a handler that has ended by itself may have left
	}
}
