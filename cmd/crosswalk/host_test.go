package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"crosswalk/local/functionshost"
)

// foreignHandler makes this test binary a custom handler that isn't ours: it never looks whether its host is still there.
const foreignHandler = "CROSSWALK_TEST_FOREIGN_HANDLER"

func TestMain(m *testing.M) {
	if os.Getenv(foreignHandler) == "" {
		os.Exit(m.Run())
	}
	answer := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"Outputs":{"res":{"body":"%d %s"}},"Logs":["said by the handler"]}`, os.Getpid(), os.Getenv("GREETING"))
	}
	fmt.Println(http.ListenAndServe("127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"), http.HandlerFunc(answer)))
	os.Exit(1)
}

// foreignHost is `crosswalk host` with a script root that isn't ours.
type foreignHost struct {
	cmd   *exec.Cmd
	url   string
	lines chan string
}

func startForeignHost(t *testing.T, bin string, args ...string) *foreignHost {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "hello"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"host.json":           `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"elsewhere"}}}`,
		"hello/function.json": `{"bindings":[{"type":"httpTrigger","direction":"in","name":"req"},{"type":"http","direction":"out","name":"res"}]}`,
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := &foreignHost{cmd: exec.Command(bin, append([]string{"host", "--root", root, "--listen", "127.0.0.1:0"}, args...)...), lines: make(chan string, 1000)}
	const path = "AzureFunctionsJobHost__customHandler__description__defaultExecutablePath"
	h.cmd.Env = append(os.Environ(), foreignHandler+"=1", "GREETING=hi")
	if os.Getenv(path) == "" { // a test may name another one
		h.cmd.Env = append(h.cmd.Env, path+"="+self)
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	h.cmd.Stderr = os.Stderr
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.cmd.Process.Kill() })
	listening := make(chan string, 1)
	go func() {
		defer close(h.lines)
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			if url, ok := strings.CutPrefix(sc.Text(), "listening on "); ok {
				listening <- url
			}
			h.lines <- sc.Text()
		}
	}()
	select {
	case h.url = <-listening:
	case <-time.After(20 * time.Second):
		t.Fatal("the host doesn't listen")
	}
	return h
}

// hello calls the function and gives the status and the handler's process id.
func (h *foreignHost) hello(t *testing.T, key string) (status, pid int) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, h.url+"/api/hello", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("x-functions-key", key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := bufio.NewReader(response.Body).ReadString('\n')
	if m := regexp.MustCompile(`^(\d+) hi$`).FindStringSubmatch(text); m != nil {
		pid, _ = strconv.Atoi(m[1])
	}
	return response.StatusCode, pid
}

func gone(pid int) bool {
	p, err := os.FindProcess(pid)
	return err != nil || errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// awaitEnd waits until a process is gone, or is one that nobody has taken leave of yet.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !gone(pid) {
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("the handler %d is still there", pid)
		}
	}
}

func TestHostServesAForeignScriptRoot(t *testing.T) {
	bin := tool(t)
	keys := filepath.Join(t.TempDir(), "keys.json")
	h := startForeignHost(t, bin, "--keys", keys)
	data, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	var made map[string]string
	if err := json.Unmarshal(data, &made); err != nil || len(made["host.function.default"]) < 40 || made["host.master"] == made["host.function.default"] {
		t.Fatalf("the keys it made: %v", err)
	}
	if status, _ := h.hello(t, "wrong"); status != 401 {
		t.Errorf("a wrong key: %d", status)
	}
	status, pid := h.hello(t, made["host.function.default"])
	if status != 200 || pid == 0 {
		t.Fatalf("%d from process %d", status, pid)
	}
	if err := h.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said := ""
	for line := range h.lines {
		said += line + "\n"
	}
	if err := h.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	awaitEnd(t, pid)
	for _, want := range []string{"Host.General: Host.Functions.hello", "Function.hello.User: [Functions.hello ", "said by the handler"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in\n%s", want, said)
		}
	}
	for _, key := range made {
		if strings.Contains(said, key) {
			t.Error("a key is in the log")
		}
	}

	if runtime.GOOS != "linux" {
		t.Log("that a foreign handler ends with a killed host is checked on Linux only: elsewhere nothing ends it")
		return
	}
	h = startForeignHost(t, bin, "--keys", keys)
	if _, pid = h.hello(t, made["host.master"]); pid == 0 {
		t.Fatal("no handler")
	}
	h.kill(t)
	awaitEnd(t, pid)
}

// kill kills the host as nothing could foresee.
func (h *foreignHost) kill(t *testing.T) {
	t.Helper()
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.cmd.Wait() // killed
}

// parentOf reads which process has started another.
func parentOf(t *testing.T, pid int) int {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		t.Fatal(err)
	}
	return parent
}

// TestAWrappedHandlerEndsWithItsHost starts the handler by a script that doesn't replace itself with it.
func TestAWrappedHandlerEndsWithItsHost(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux a handler ends with a killed host")
	}
	bin := tool(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	wrapper := filepath.Join(t.TempDir(), "wrapper.sh")
	if err := os.WriteFile(wrapper, []byte("#!/bin/sh\n'"+self+"'\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AzureFunctionsJobHost__customHandler__description__defaultExecutablePath", wrapper)
	keys := filepath.Join(t.TempDir(), "keys.json")
	h := startForeignHost(t, bin, "--keys", keys)
	data, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	var made map[string]string
	if err := json.Unmarshal(data, &made); err != nil {
		t.Fatal(err)
	}
	_, pid := h.hello(t, made["host.master"])
	if pid == 0 {
		t.Fatal("no handler")
	}
	t.Cleanup(func() { // should it be left behind after all
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill()
		}
	})
	script := parentOf(t, pid)
	if script == h.cmd.Process.Pid {
		t.Fatal("the handler was started without the script")
	}
	h.kill(t)
	awaitEnd(t, script)
	awaitEnd(t, pid)
}

func TestKeysFileIsChecked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	for text, want := range map[string]string{
		`{"host.master":"m","host.function.ci":"c","functions.hook.default":"k"}`: "",
		`{"hook":"k"}`: "none of", `[1]`: "no JSON object", `{"functions.hook.other":"k"}`: "none of",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var o functionshost.Options
		err := takeKeys(&o, path)
		if want == "" {
			if err != nil || o.MasterKey != "m" || o.HostKeys["ci"] != "c" || o.Keys["hook"] != "k" {
				t.Errorf("%s: %+v %v", text, o, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v doesn't say %q", text, err, want)
		}
	}
}
