package contract

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The files of a function's folder.
const (
	contractFile = "contract.yaml"
	functionFile = "function.json"
)

// maxFile is the size above which nobody wrote a file by hand: 1 MiB.
const maxFile = 1 << 20

// read returns the text of a file, nil for one that doesn't exist. What keeps a file from being read is a finding, so that the
// others are checked all the same.
func read(path string) ([]byte, Findings) {
	fault := func(fix, message string) ([]byte, Findings) {
		return nil, Findings{{File: path, Line: 1, Column: 1, Message: message, Fix: fix}}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err == nil && !info.Mode().IsRegular():
		return fault("put a file in its place", filepath.Base(path)+" is no file but "+kindOf(info.Mode()))
	case err == nil && info.Size() > maxFile:
		return fault("keep data out of it, or split it", filepath.Base(path)+" has "+strconv.FormatInt(info.Size(), 10)+" bytes, more than the "+strconv.Itoa(maxFile)+" that are read")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		var detail *fs.PathError
		if errors.As(err, &detail) {
			err = detail.Err // the finding names the file already
		}
		return fault("look at the file and at its rights", filepath.Base(path)+" can't be read: "+err.Error())
	}
	return data, nil
}

func kindOf(mode fs.FileMode) string {
	if mode.IsDir() {
		return "a folder"
	}
	return "a device or a pipe"
}

// misnamed adds a finding for a file that is meant for one of a function's own and has nearly its name: on Linux, where the
// functions run, nobody would read it.
func misnamed(folder string) Findings {
	entries, _ := os.ReadDir(folder) // a folder that can't be read has its finding by its files
	var out Findings
	for _, e := range entries {
		for _, name := range []string{contractFile, functionFile} {
			if e.Name() != name && (strings.EqualFold(e.Name(), name) || name == contractFile && strings.EqualFold(e.Name(), "contract.yml")) {
				out = append(out, Finding{File: filepath.Join(folder, e.Name()), Line: 1, Column: 1, Message: "the file isn't named " + name + ", so nobody reads it", Fix: "rename it to " + name})
			}
		}
	}
	return out
}
