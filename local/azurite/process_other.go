//go:build !unix

package azurite

import (
	"os"
	"syscall"
)

// lockFile locks nothing here: of two first starts at once, one fails.
func lockFile(*os.File) error { return nil }

func ownGroup() *syscall.SysProcAttr { return nil }

func kill(p *os.Process) error { return p.Kill() }
