// Package azurite starts Azurite, Microsoft's storage emulator, for blobs and tables on free loopback ports.
//
// The version is pinned in local/node. It runs on Node and keeps everything in memory, so nothing of it is left behind.
package azurite

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The account that every Azurite has. It is published, opens nothing but the emulator, and is no secret.
const (
	account = "devstoreaccount1"
	key     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Azurite is a running emulator.
type Azurite struct {
	cmd         *exec.Cmd
	blob, table string
	stdout      *watchedOutput
	stdin       io.Closer
	exited      chan struct{}
}

// Options say where Azurite comes from and where it listens.
type Options struct {
	// NodeDir is the folder with package.json and node_modules; [Install] fills it.
	NodeDir string
	// BlobPort and TablePort are fixed ports; 0 takes a free one.
	BlobPort, TablePort int
}

// Install runs `npm ci` in nodeDir where Azurite isn't there yet. say gets one line about it before it starts. Of several
// processes that come at once, one installs and the others wait.
func Install(ctx context.Context, nodeDir string, say func(string)) error {
	if installed(nodeDir) {
		return nil
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return errors.New("npm is not installed; Azurite, the storage emulator, needs Node 20 or later with npm")
	}
	lock, err := os.OpenFile(filepath.Join(nodeDir, "package-lock.json"), os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := lockFile(lock); err != nil {
		return err
	}
	if installed(nodeDir) {
		return nil
	}
	say("installing Azurite and the JavaScript client (npm ci in local/node)")
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = nodeDir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w\n%s", nodeDir, err, bytes.TrimSpace(out))
	}
	return nil
}

// installed reports whether npm ci has come to its end: it writes this file last.
func installed(nodeDir string) bool {
	_, err := os.Stat(filepath.Join(nodeDir, "node_modules", ".package-lock.json"))
	return err == nil
}

// startTries is how often Start picks free ports anew: between picking one and Azurite's listening somebody else may take it.
const startTries = 3

// Start starts Azurite and returns when both services answer. The process ends with [Azurite.Close], and with the process
// that started it.
func Start(ctx context.Context, o Options) (a *Azurite, err error) {
	if o.NodeDir, err = filepath.Abs(o.NodeDir); err != nil {
		return nil, err
	}
	for range startTries {
		blob, table := o.BlobPort, o.TablePort
		if err = pick(&blob, &table); err != nil {
			return nil, err
		}
		if a, err = launch(ctx, o.NodeDir, blob, table); err == nil || o.BlobPort != 0 && o.TablePort != 0 || ctx.Err() != nil {
			return a, err
		}
	}
	return nil, err
}

func launch(ctx context.Context, nodeDir string, blob, table int) (*Azurite, error) {
	a := &Azurite{
		blob: fmt.Sprintf("http://127.0.0.1:%d/%s", blob, account), table: fmt.Sprintf("http://127.0.0.1:%d/%s", table, account),
		stdout: newWatchedOutput(), exited: make(chan struct{}),
	}
	// --skipApiVersionCheck: the Azure SDK for Go speaks newer versions of the API than Azurite knows by name.
	a.cmd = exec.Command("node", filepath.Join(nodeDir, "azurite.cjs"), "--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck",
		"--blobHost", "127.0.0.1", "--blobPort", fmt.Sprint(blob), "--queuePort", "0", "--queueHost", "127.0.0.1",
		"--tableHost", "127.0.0.1", "--tablePort", fmt.Sprint(table))
	a.cmd.Stdout, a.cmd.Stderr = a.stdout, a.stdout
	a.cmd.Dir = os.TempDir()
	a.cmd.SysProcAttr = ownGroup()
	// azurite.cjs ends Azurite when its standard input closes, so it can't outlive this process, however that ends.
	var err error
	if a.stdin, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := a.cmd.Start(); err != nil {
		return nil, fmt.Errorf("azurite: %w", err)
	}
	go func() { _ = a.cmd.Wait(); close(a.exited) }()
	for _, port := range []int{blob, table} {
		if err := a.await(ctx, port); err != nil {
			a.Close()
			return nil, err
		}
	}
	return a, nil
}

func (a *Azurite) await(ctx context.Context, port int) error {
	address := fmt.Sprintf("127.0.0.1:%d", port)
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address); err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("azurite does not answer on %s: %w", address, ctx.Err())
		case <-a.exited:
			return fmt.Errorf("azurite ended at once; a taken port (%s) is the usual cause: %s", address, a.stdout.last())
		case <-tick.C:
		}
	}
}

// ConnectionString returns the connection string for blobs and tables.
func (a *Azurite) ConnectionString() string {
	return strings.Join([]string{
		"DefaultEndpointsProtocol=http", "AccountName=" + account, "AccountKey=" + key,
		"BlobEndpoint=" + a.blob, "TableEndpoint=" + a.table,
	}, ";") + ";"
}

// BlobEndpoint returns the address of the blob service, account included.
func (a *Azurite) BlobEndpoint() string { return a.blob }

// TableEndpoint returns the address of the table service, account included.
func (a *Azurite) TableEndpoint() string { return a.table }

// Close ends the process and waits for it.
func (a *Azurite) Close() {
	_ = kill(a.cmd.Process)
	<-a.exited
}

// pick gives each port that is 0 a free one, different from each other.
func pick(ports ...*int) error {
	for _, p := range ports {
		if *p != 0 {
			continue
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close() // only when all are picked, so that none is picked twice
		*p = l.Addr().(*net.TCPAddr).Port
	}
	return nil
}

// watchedOutput keeps the last lines that the process wrote.
type watchedOutput struct {
	mu    sync.Mutex
	lines []string
	w     *io.PipeWriter
}

func newWatchedOutput() *watchedOutput {
	r, w := io.Pipe()
	o := &watchedOutput{w: w}
	go func() {
		for sc := bufio.NewScanner(r); sc.Scan(); {
			o.mu.Lock()
			if o.lines = append(o.lines, sc.Text()); len(o.lines) > 20 {
				o.lines = o.lines[1:]
			}
			o.mu.Unlock()
		}
		_, _ = io.Copy(io.Discard, r)
	}()
	return o
}

func (o *watchedOutput) Write(p []byte) (int, error) { return o.w.Write(p) }

func (o *watchedOutput) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Join(o.lines, " | ")
}
