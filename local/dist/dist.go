// Package dist makes what the Functions host runs: host.json, the handler, and one folder per function, as a folder for the
// local run and as a zip for Azure.
//
// The host looks for function.json only in the folders directly under its root (Functions host 4.1037, by source), while
// the sources keep them under functions/. What goes where is said here and nowhere else.
package dist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// Handler is the name of the handler binary, as host.json has it.
const Handler = "handler"

// File is one file of a script root.
type File struct {
	Name string // slash-separated, under the script root
	Data []byte
}

// Mode is the file's mode: 0755 for the handler, 0644 for all else. What the file system says doesn't count, because on
// Windows it knows no x bit.
func (f File) Mode() fs.FileMode {
	if f.Name == Handler {
		return 0o755
	}
	return 0o644
}

// Files reads all of a script root but the handler out of a checkout: host.json, and of each function what the host and
// the handler read; examples and settings stay at home. They are sorted by name.
func Files(checkout fs.FS) ([]File, error) {
	names := map[string]string{"host.json": "host.json"}
	functions, err := fs.Glob(checkout, "functions/*/function.json")
	if err != nil {
		return nil, err
	}
	if len(functions) == 0 {
		return nil, errors.New("there is no functions/<name>/function.json; is it the project's root?")
	}
	for _, function := range functions {
		from := path.Dir(function)
		names[path.Join(path.Base(from), "function.json")] = function
		text := path.Join(from, "contract.yaml")
		if _, err := fs.Stat(checkout, text); err == nil {
			names[path.Join(path.Base(from), "contract.yaml")] = text
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	const tables = "functions/" + contract.TablesFile // beside the functions' folders, where contracts look for it
	if _, err := fs.Stat(checkout, tables); err == nil {
		names[contract.TablesFile] = tables
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	files := make([]File, 0, len(names))
	for name, source := range names {
		data, err := fs.ReadFile(checkout, source)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: name, Data: data})
	}
	slices.SortFunc(files, byName)
	return files, nil
}

func byName(a, b File) int { return strings.Compare(a.Name, b.Name) }

// Stage fills the folder target for a host on this machine; what stood there before is removed. source is the checkout's
// root.
func Stage(ctx context.Context, source, target string) error {
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	files, err := Files(os.DirFS(source))
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	for _, f := range files {
		name := filepath.Join(target, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, f.Data, f.Mode()); err != nil {
			return err
		}
	}
	with, err := Expressions(source)
	if err != nil {
		return err
	}
	return Build(ctx, source, "./functions", filepath.Join(target, Handler), len(with) > 0)
}

// Package writes the zip that Azure takes to the file target, in one step, with the handler built for linux/amd64. Its
// bytes depend on the sources and the version of Go alone: not on the folder, the machine's system, clock or umask.
func Package(ctx context.Context, source, target string) error {
	files, err := Files(os.DirFS(source))
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	dir := filepath.Dir(target)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(dir, ".package-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	handler := filepath.Join(work, Handler)
	with, err := Expressions(source)
	if err != nil {
		return err
	}
	if err := Build(ctx, source, "./functions", handler, len(with) > 0, azure...); err != nil {
		return err
	}
	data, err := os.ReadFile(handler)
	if err != nil {
		return err
	}
	archive := filepath.Join(work, "functions.zip")
	if err := writeZipFile(archive, append(files, File{Name: Handler, Data: data})); err != nil {
		return err
	}
	return os.Rename(archive, target)
}

// Expressions returns the functions of a checkout for whose contracts the handler must be built with expressions: a contract
// has one, or doesn't hold, so that nobody can say.
func Expressions(source string) ([]string, error) {
	schemas, err := schema.Open(filepath.Join(source, "shared", "schema"))
	if err != nil {
		return nil, err
	}
	contracts, err := contract.OpenLibrary(filepath.Join(source, "functions"), schemas)
	if err != nil {
		return nil, err
	}
	return contracts.Expressions(), nil
}

// azure is the environment of a build for Azure. Besides the target it puts aside what the builder's own environment
// would change in the result.
var azure = []string{"GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "GOEXPERIMENT=", "GOFLAGS=", "GOWORK=off"}

// Build builds a program of the checkout, as a static binary (no cgo) without the paths and the version control's state of this
// machine. Without expressions its start is shorter, and it refuses a contract that has one.
func Build(ctx context.Context, source, program, target string, expressions bool, environment ...string) error {
	target, err := filepath.Abs(target)
	if err != nil {
		return err
	}
	tags := "-tags="
	if !expressions {
		tags += "noexpressions"
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", tags, "-o", target, program)
	cmd.Dir = source
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the handler: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
