package contract_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// library copies functions of this repository, and makes one of them a contract that doesn't hold.
func library(t *testing.T, broken string, functions ...string) *contract.Library {
	t.Helper()
	root := t.TempDir()
	for _, name := range append(functions, broken) {
		text, err := os.ReadFile(filepath.Join("..", "..", "functions", name, "contract.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if name == broken {
			text = []byte(strings.Replace(string(text), "owner:", "ower:", 1))
		}
		if err := os.MkdirAll(filepath.Join(root, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name, "contract.yaml"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if tables, err := os.ReadFile(filepath.Join("..", "..", "functions", contract.TablesFile)); err == nil {
		if err := os.WriteFile(filepath.Join(root, contract.TablesFile), tables, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := contract.OpenLibrary(root, schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A flow is there as soon as its own contract is, but what depends on all of them isn't there until all of them hold.
func TestALibraryLoadsEachContractWhenItIsAskedFor(t *testing.T) {
	l := library(t, "vendor-to-dataverse", "account-to-fno", "customer-to-dataverse")
	if want := []string{"account-to-fno", "customer-to-dataverse", "vendor-to-dataverse"}; !slices.Equal(l.Names(), want) {
		t.Fatalf("%v, want %v", l.Names(), want)
	}
	p, err := l.Plan("account-to-fno")
	if err != nil || p.Name != "account-to-fno" {
		t.Fatalf("%v, %v", p, err)
	}
	if again, _ := l.Plan("account-to-fno"); again != p {
		t.Error("a contract is loaded twice")
	}
	if _, err := l.Plan("forgotten"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a function without a contract: %v", err)
	}
	for what, err := range map[string]error{"loading all": l.Load(t.Context()), "the broken one": second(l.Plan("vendor-to-dataverse")), "ownership": second(l.Ownership())} {
		var findings contract.Findings
		if !errors.As(err, &findings) || !strings.Contains(err.Error(), filepath.Join("vendor-to-dataverse", "contract.yaml")) {
			t.Errorf("%s: %v", what, err)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := l.Load(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("loading when nobody waits any more: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }
