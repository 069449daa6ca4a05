package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const dirPrefix = "crosswalk-"

// makeDir makes the folder for the staged handler and the certificates of one run. It carries the process's id, so that
// the folder of a run that was killed can be told from one that is in use, and is swept away by the next start.
func makeDir() (string, error) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), dirPrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		var pid int
		if n, _ := fmt.Sscanf(filepath.Base(dir), dirPrefix+"%d-", &pid); n == 1 && pid > 0 && gone(pid) {
			_ = os.RemoveAll(dir) // somebody else's, perhaps; then it stays
		}
	}
	return os.MkdirTemp("", fmt.Sprintf("%s%d-", dirPrefix, os.Getpid()))
}

// gone reports whether no process has this id.
func gone(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return true // Windows says so here
	}
	defer p.Release()
	return errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
