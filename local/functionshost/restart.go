package functionshost

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"
)

// lookInterval is the time between two looks at the script root.
const lookInterval = 250 * time.Millisecond

// lookAt takes down what a restart depends on: host.json, each function.json and which folders there are.
func lookAt(root string) map[string]string {
	seen := map[string]string{}
	note := func(path string) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			seen[path] = fmt.Sprint(info.ModTime().UnixNano(), info.Size())
		}
	}
	note(filepath.Join(root, "host.json"))
	entries, _ := os.ReadDir(root) // a root that is gone has nothing in it
	for _, e := range entries {
		if e.IsDir() {
			seen[e.Name()] = "folder"
			note(filepath.Join(root, e.Name(), "function.json"))
		}
	}
	return seen
}

// watchScriptRoot restarts the job host when host.json, a function.json or the set of folders changes; other files change
// nothing (Functions host 4.1037, recorded).
func (h *Host) watchScriptRoot(seen map[string]string) {
	tick := time.NewTicker(lookInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-h.ending.Done():
			return
		case <-h.done:
			return
		}
		if now := lookAt(h.options.Root); !maps.Equal(now, seen) {
			seen = now
			h.log.host(information, "Host configuration has changed. Signaling restart")
			h.restart()
		}
	}
}

// restart replaces the job host: the handler is killed, calls in flight get 500, and another handler starts on a new
// port. If the script root can't be read now, calls get 503 until it changes again.
func (h *Host) restart() {
	h.restarting.Lock()
	defer h.restarting.Unlock()
	if h.ending.Err() != nil || h.Err() != nil {
		return
	}
	old := h.current()
	old.close()
	next, err := newJobHost(h)
	if err != nil {
		h.log.host(errorLevel, "A host error has occurred during startup operation: "+err.Error())
		h.mu.Lock()
		h.fault = err
		h.mu.Unlock()
		return
	}
	h.draining.Store(false)
	h.mu.Lock()
	h.job, h.fault = next, nil
	h.mu.Unlock()
	if err := next.start(context.Background(), true); err != nil {
		h.log.host(errorLevel, "A host error has occurred during startup operation: "+err.Error())
		h.mu.Lock()
		h.fault = err
		h.mu.Unlock()
	}
}
