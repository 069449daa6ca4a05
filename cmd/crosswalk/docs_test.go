package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runDocs runs "crosswalk docs" in a project and returns its output.
func runDocs(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := newRoot()
	cmd.SetOut(&out)
	cmd.SetArgs(append([]string{"docs"}, args...))
	err := cmd.Execute()
	return out.String(), err
}

func TestDocsWritesWhatItsCheckThenAccepts(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"host.json", "go.mod"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(root, "functions"), os.DirFS("../../functions")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(root, "functions"))

	out, err := runDocs(t, "--check")
	var code exitCode
	if !errors.As(err, &code) || code != 1 || !strings.Contains(out, "docs/catalog/README.md is missing\n") || !strings.Contains(out, "refresh it: go run ./cmd/crosswalk docs\n") {
		t.Errorf("without a catalog: %v, %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(root, "docs")); err == nil {
		t.Error("--check has written")
	}
	if out, err = runDocs(t); err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	if out, err = runDocs(t, "--check"); err != nil {
		t.Errorf("fresh: %v, %s", err, out)
	}

	contract := filepath.Join(root, "functions", "account-to-fno", "contract.yaml")
	text, err := os.ReadFile(contract)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(contract, bytes.Replace(text, []byte("team: finance-integrations"), []byte("team: sales-integrations"), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err = runDocs(t, "--check")
	if !errors.As(err, &code) || !strings.Contains(out, "docs/catalog/flows/account-to-fno.md is stale from line ") || strings.Contains(out, "invoice-to-dataverse.md") {
		t.Errorf("another team: %v, %s", err, out)
	}

	if err := os.WriteFile(contract, []byte("purpose: none\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err = runDocs(t); err == nil || !strings.Contains(err.Error(), "crosswalk check") || !strings.Contains(err.Error(), "team is missing") {
		t.Errorf("a faulty contract: %v", err)
	}
}
