package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"crosswalk/local/dist"
)

const (
	batchSize = 100
	contracts = 50
	starts    = 3 // process starts per round
)

// handlers measures the handler over loopback.
func handlers(folder string, event []byte, rounds int) error {
	work, err := os.MkdirTemp("", "crosswalk-bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := manyContracts(folder, work); err != nil {
		return err
	}
	// With expressions (CEL), as crosswalk package builds this project's handler, though these contracts have none; and without, as it
	// would build the handler of these alone.
	binary, smaller := filepath.Join(work, "handler"), filepath.Join(work, "handler-without-expressions")
	for target, expressions := range map[string]bool{binary: true, smaller: false} {
		if err := dist.Build(context.Background(), folder, "crosswalk/local/bench/handler", target, expressions); err != nil {
			return err
		}
	}
	handler := func(binary string, args ...string) func(string) []string {
		return func(port string) []string { return append([]string{binary, port}, args...) }
	}
	sides := []*side{
		{name: "constant", command: handler(binary, "constant")},
		{name: "crosswalk", command: handler(binary, "mapping", "."), folder: work}, // the host's working directory is the script root
		{name: "node", command: func(port string) []string { return []string{"node", filepath.Join(folder, "order.mjs"), port} }},
		{name: "crosswalk without expressions", command: handler(smaller, "mapping", "."), folder: work},
		{name: "constant without expressions", command: handler(smaller, "constant")},
	}
	single, batch := singleInvocation(event), batchInvocation(event, batchSize)
	pinSelf()
	if err := starting(sides, single, starts*rounds); err != nil {
		return err
	}
	return loading(sides[:3], single, batch, rounds)
}

// manyContracts makes a folder with as many flows as a large installation has.
func manyContracts(folder, work string) error {
	for i := range contracts {
		flow := filepath.Join(work, fmt.Sprintf("order-%02d", i))
		if err := os.CopyFS(flow, os.DirFS(filepath.Join(folder, "order"))); err != nil {
			return err
		}
	}
	return nil
}

// side is one of those that are compared.
type side struct {
	name    string
	command func(port string) []string
	folder  string // the working directory; "" is this process's
	address string
	process *exec.Cmd
	began   time.Time
}

// start runs the side's process, on a CPU of its own where there are several.
func (s *side) start() error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.address = l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(s.address)
	args := s.command(port)
	s.process = exec.Command(args[0], args[1:]...)
	s.process.Dir, s.process.Stderr = s.folder, os.Stderr
	s.began = time.Now()
	return startOn(1, s.process)
}

func (s *side) stop() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

const (
	patience = 10 * time.Second
	// poll is short against the start of any side, because half of it counts as the side's. Linux adds 50 µs.
	poll = 10 * time.Microsecond
)

// answer sends one request as soon as the side listens.
func (s *side) answer(request []byte) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); rest(poll) {
		c, err := dial(s.address)
		if err != nil {
			continue
		}
		defer c.close()
		return c.call(request)
	}
	return fmt.Errorf("%s doesn't listen", s.name)
}

// starting measures from the start of the process to its first answer.
func starting(sides []*side, single []byte, rounds int) error {
	took := make([][]float64, len(sides))
	for range rounds {
		for i, s := range sides {
			if err := s.start(); err != nil {
				return err
			}
			err := s.answer(post(s.address, "/single", single))
			took[i] = append(took[i], time.Since(s.began).Seconds())
			s.stop()
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	name := fmt.Sprintf("start with %d contracts", contracts)
	report(name+" / constant", ratios(took[1], took[0]), "at most 1.3")
	report(name+" / node", ratios(took[1], took[2]), "at most 0.10")
	// Where no contract has an expression both sides start faster, ours by less.
	report("without expressions: start / constant", ratios(took[3], took[4]), "none")
	report("without expressions: start / node", ratios(took[3], took[2]), "none")
	return nil
}

// loading measures calls per second of CPU, latency and memory under 16 connections that never rest.
func loading(sides []*side, single, batch []byte, rounds int) error {
	for _, s := range sides {
		if err := s.start(); err != nil {
			return err
		}
		defer s.stop()
	}
	if err := compare(sides[1:], single, batch); err != nil {
		return err
	}
	fmt.Println("A call costs the Functions host about 1.5 ms of CPU whatever the handler does: behind it, what shows against Node is batches, starts and memory.")
	figures := map[string][][]figure{}
	for _, body := range []struct {
		path string
		body []byte
	}{{"/single", single}, {"/batch", batch}} {
		perSide := make([][]figure, len(sides))
		for range rounds {
			for i, s := range sides {
				f, err := s.load(post(s.address, body.path, body.body))
				if err != nil {
					return fmt.Errorf("%s%s: %w", s.name, body.path, err)
				}
				perSide[i] = append(perSide[i], f)
			}
		}
		figures[body.path] = perSide
	}
	rate := func(f figure) float64 { return f.rate }
	p99 := func(f figure) float64 { return f.p99 }
	one, many := figures["/single"], figures["/batch"]
	report("single calls per CPU second / constant", ratios(each(one[1], rate), each(one[0], rate)), "at least 0.40")
	report("single calls per CPU second / node", ratios(each(one[1], rate), each(one[2], rate)), "at least 2")
	report("single p99 / node", ratios(each(one[1], p99), each(one[2], p99)), "at most 0.6")
	report(fmt.Sprintf("batches of %d per CPU second / node", batchSize), ratios(each(many[1], rate), each(many[2], rate)), "at least 3")
	report("batch p99 / node", ratios(each(many[1], p99), each(many[2], p99)), "at most 0.6")
	ours, theirs := peak(sides[1]), peak(sides[2])
	if ours > 0 && theirs > 0 {
		report("peak memory / node", []float64{ours / theirs}, "at most 0.2")
	}
	return nil
}

func each(figures []figure, of func(figure) float64) []float64 {
	out := make([]float64, len(figures))
	for i, f := range figures {
		out[i] = of(f)
	}
	return out
}

// compare holds that all sides make the same of the same invocations.
func compare(sides []*side, single, batch []byte) error {
	for _, body := range []struct {
		path string
		body []byte
	}{{"/single", single}, {"/batch", batch}} {
		var first []byte
		for i, s := range sides {
			if err := s.answer(post(s.address, body.path, body.body)); err != nil {
				return fmt.Errorf("%s%s: %w", s.name, body.path, err)
			}
			r, err := http.Get("http://" + s.address + "/last")
			if err != nil {
				return err
			}
			made, err := io.ReadAll(r.Body)
			_ = r.Body.Close()
			if err != nil {
				return err
			}
			if i == 0 {
				first = made
			} else if !sameJSON(first, made) {
				return fmt.Errorf("%s: the outputs differ\n%s: %.2000s\n%s: %.2000s", body.path, sides[0].name, first, s.name, made)
			}
		}
	}
	return nil
}

// peak returns the most memory that a side's process has held, in kB; 0 where the system doesn't say.
func peak(s *side) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kB, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kB
		}
	}
	return 0
}

// pinSelf keeps the load generator away from the sides' CPU.
func pinSelf() {
	if taskset, err := exec.LookPath("taskset"); err == nil {
		_ = exec.Command(taskset, "-a", "-cp", "0", strconv.Itoa(os.Getpid())).Run()
	}
}
