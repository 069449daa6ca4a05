package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"crosswalk/local/stack"
)

// tool builds the crosswalk binary once.
func tool(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "crosswalk")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func TestRunOnceEndsWithNothingLost(t *testing.T) {
	out, err := exec.Command(tool(t), "run", "--once", "--port", "all=0").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	burst := regexp.MustCompile(`^burst: (\d+) events, (\d+) invocations$`).FindStringSubmatch(lines[len(lines)-2])
	last := regexp.MustCompile(`^crosswalk run: (\d+) received, (\d+) delivered, (\d+) nothing to do, (\d+) dead-lettered, (\d+) lost$`).FindStringSubmatch(lines[len(lines)-1])
	if burst == nil || last == nil {
		t.Fatalf("the last two lines are\n%s\n%s", lines[len(lines)-2], lines[len(lines)-1])
	}
	n := func(s string) int { i, _ := strconv.Atoi(s); return i }
	if n(burst[1]) != 1000 || n(burst[2]) < 10 || n(burst[2]) > 20 {
		t.Errorf("%s: a thousand events that wait take at most 20 invocations", burst[0])
	}
	if n(last[1]) != n(last[2])+n(last[3])+n(last[4])+n(last[5]) || n(last[5]) != 0 || n(last[2]) < 10 || n(last[4]) < 5 {
		t.Errorf("%s: every pair has exactly one end, and some are delivered and dead-lettered", last[0])
	}
}

// running is a `crosswalk run` that stays up.
type running struct {
	cmd       *exec.Cmd
	endpoints stack.Endpoints
	rest      chan string // what it printed after the endpoints appeared, when it ended
}

func start(t *testing.T, args ...string) *running {
	t.Helper()
	file := filepath.Join(t.TempDir(), "endpoints.json")
	r := &running{cmd: exec.Command(tool(t), append([]string{"run", "--no-feed", "--endpoints", file}, args...)...), rest: make(chan string, 1)}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stderr = r.cmd.Stdout
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	sc := bufio.NewScanner(out)
	var seen strings.Builder
	for sc.Scan() {
		seen.WriteString(sc.Text() + "\n")
		if strings.Contains(sc.Text(), "ready for more") {
			go func() { rest, _ := io.ReadAll(out); r.rest <- string(rest) }()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(data, &r.endpoints); err != nil {
				t.Fatal(err)
			}
			return r
		}
	}
	t.Fatalf("it never got ready:\n%s", seen.String())
	return nil
}

// addresses are the host:port of everything the stack listens on.
func (r *running) addresses() []string {
	e := r.endpoints
	var out []string
	for _, text := range []string{
		e.ServiceBus.ConnectionString, e.Storage.BlobEndpoint, e.Storage.TableEndpoint, e.Functions.BaseURL, e.Entra.TokenURL,
		e.Dataverse.BaseURL, e.FnO.BaseURL, e.Page,
	} {
		out = append(out, regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(text))
	}
	return out
}

func TestInterruptEndsEverything(t *testing.T) {
	r := start(t, "--port", "all=0")
	for _, address := range r.addresses() {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Errorf("an endpoint does not answer: %v", err)
			continue
		}
		_ = c.Close()
	}
	answer, err := http.Get(r.endpoints.Page)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("the page: %v %v", answer, err)
	}
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-r.rest
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	for _, address := range r.addresses() {
		if c, err := net.Dial("tcp", address); err == nil {
			_ = c.Close()
			t.Errorf("%s still answers", address)
		}
	}
}

// A kill leaves nothing that stands in the way of the next start on the same ports: Azurite and the handler end by
// themselves when whoever started them is gone.
func TestAKillLeavesNothingInTheWay(t *testing.T) {
	r := start(t, "--port", "all=0")
	var ports []string
	for i, name := range []string{"servicebus", "blob", "table", "functions", "entra", "dataverse", "fno", "page"} {
		_, port, _ := net.SplitHostPort(r.addresses()[i])
		ports = append(ports, "--port", name+"="+port)
	}
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-r.rest
	_ = r.cmd.Wait()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, address := range r.addresses() {
		for {
			l, err := net.Listen("tcp", address)
			if err == nil {
				_ = l.Close()
				break
			}
			<-tick.C // the test's own time-out ends this
		}
	}
	start(t, ports...)
}

func TestATakenPortIsReportedByName(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	out, err := exec.Command(tool(t), "run", "--once", "--port", "all=0", "--port", "fno="+port).CombinedOutput()
	if want := "port " + port + " (fno) is taken"; err == nil || !strings.Contains(string(out), want) {
		t.Errorf("%v, output %q does not say %q", err, out, want)
	}
}

func TestPortFlagsAreCheckedByName(t *testing.T) {
	for flag, want := range map[string]string{"fno": "NAME=N", "nosuch=1": "servicebus", "fno=70000": "between 0 and 65535", "fno=x": "NAME=N"} {
		if _, err := parsePorts([]string{flag}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("--port %s: %v does not say %q", flag, err, want)
		}
	}
	p, err := parsePorts([]string{"all=0", "page=8080"})
	if err != nil || p != (stack.Ports{Page: 8080}) {
		t.Errorf("%+v, %v", p, err)
	}
}
