package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAProgramOlderThanItsSourcesIsKnown(t *testing.T) {
	root := t.TempDir()
	built := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	file := func(name string, at time.Time) string {
		t.Helper()
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		return path
	}
	program := file(".bin/crosswalk", built)
	file("shared/contract/check.go", built.Add(-time.Hour))
	file("shared/contract/check_test.go", built.Add(time.Hour))
	file("local/node/node_modules/x/x.go", built.Add(time.Hour))
	if newer := newerSource(program, root); newer != "" {
		t.Errorf("a program that is up to date is older than %s", newer)
	}
	file("cmd/crosswalk/main.go", built.Add(time.Hour))
	file("shared/draft/draft.go", built.Add(2*time.Hour))
	if newer := newerSource(program, root); newer != "shared/draft/draft.go" {
		t.Errorf("names %q, not the newest source", newer)
	}
	if newer := newerSource(file("elsewhere/crosswalk", built), filepath.Join(root, "shared")); newer != "" {
		t.Errorf("judges a program of another place by %s", newer)
	}
}
