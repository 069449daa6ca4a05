package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// warnIfStale says so on out where this program lies in the project, as .bin/crosswalk does, and is older than its sources: its
// findings would be those of another version. What can't be found out is no reason to fail.
func warnIfStale(out io.Writer) {
	program, err := os.Executable()
	if err != nil {
		return
	}
	root, err := projectRoot()
	if err != nil {
		return
	}
	if newer := newerSource(program, root); newer != "" {
		path, _ := filepath.Rel(root, program)
		fmt.Fprintf(out, "crosswalk: %s is older than %s, so what it says may be out of date. Build it again in %s: go build -o %s ./cmd/crosswalk\n", path, newer, root, path)
	}
}

// newerSource returns the path of the newest Go source below root that changed after the program was built; "" where there is
// none, or where the program isn't one of the project's.
func newerSource(program, root string) string {
	if whole, err := filepath.EvalSymlinks(program); err == nil {
		program = whole
	}
	if whole, err := filepath.EvalSymlinks(root); err == nil {
		root = whole
	}
	if !strings.HasPrefix(program, root+string(filepath.Separator)) {
		return ""
	}
	info, err := os.Stat(program)
	if err != nil {
		return ""
	}
	built, newest := info.ModTime(), ""
	changed := func(path string, at time.Time) {
		if at.After(built) {
			built = at
			newest, _ = filepath.Rel(root, path)
		}
	}
	for _, folder := range []string{"cmd", "handlers", "local", "shared"} {
		_ = filepath.WalkDir(filepath.Join(root, folder), func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil // what can't be read can't be judged
			case e.IsDir() && (e.Name() == "node_modules" || e.Name() == "testdata"):
				return fs.SkipDir
			case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				if info, err := e.Info(); err == nil {
					changed(path, info.ModTime())
				}
			}
			return nil
		})
	}
	return filepath.ToSlash(newest)
}
