// Package dist stages what the Functions host runs: host.json, the handler, and one folder per function.
//
// The host looks for function.json only in the folders directly under its root (Functions host 4.1037, by source), while
// the sources keep them under functions/. Staging happens here and nowhere else, for the local run and for packages alike.
package dist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Handler is the name of the handler binary, as host.json has it.
const Handler = "handler"

// Options say what to stage.
type Options struct {
	// Source is the checkout's root, Target the folder to fill; what stood there before is removed.
	Source, Target string
	// Deploy builds for Azure, that is for linux/amd64. Otherwise the handler is built for this machine.
	Deploy bool
}

// Stage builds the handler as a static binary (no cgo) and fills Target.
func Stage(ctx context.Context, o Options) error {
	if err := os.RemoveAll(o.Target); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Target, 0o755); err != nil {
		return err
	}
	if err := copyFile(filepath.Join(o.Source, "host.json"), filepath.Join(o.Target, "host.json")); err != nil {
		return err
	}
	names, err := Functions(o.Source)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := copyFunction(filepath.Join(o.Source, "functions", name), filepath.Join(o.Target, name)); err != nil {
			return err
		}
	}
	return build(ctx, o)
}

// Functions returns the names of the functions in a checkout, sorted: the folders of functions/ that hold a function.json.
func Functions(source string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(source, "functions", "*", "function.json"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s holds no functions/<name>/function.json; is it the project's root?", source)
	}
	names := make([]string, len(found))
	for i, f := range found {
		names[i] = filepath.Base(filepath.Dir(f))
	}
	return names, nil
}

// copyFunction copies what the host and the handler read; examples stay at home.
func copyFunction(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"function.json", "contract.yaml"} {
		err := copyFile(filepath.Join(from, name), filepath.Join(to, name))
		if err != nil && !(name == "contract.yaml" && errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	return nil
}

func build(ctx context.Context, o Options) error {
	target, err := filepath.Abs(filepath.Join(o.Target, Handler))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", target, "./functions")
	cmd.Dir = o.Source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if o.Deploy {
		cmd.Env = append(cmd.Env, "GOOS=linux", "GOARCH=amd64")
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the handler: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
