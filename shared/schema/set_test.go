package schema

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOpenReadsAProjectsOwnSnapshots(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(root); err == nil {
		t.Error("an empty folder is a set")
	}
	write("payroll/Person.json", `{"system":"payroll","entity":"Person","columns":{"id":{"type":"String"}}}`)
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := s.Lookup("payroll", "Person"); !ok || e.Columns[0].Name != "id" {
		t.Errorf("%+v, %t", e, ok)
	}
	if _, ok := s.Lookup("payroll", "person"); ok {
		t.Error("a name in other letters is found")
	}
	if !slices.Equal(s.Systems(), []string{"payroll"}) || !slices.Equal(s.Entities("payroll"), []string{"Person"}) || len(s.Entities("fno")) > 0 {
		t.Errorf("%v, %v", s.Systems(), s.Entities("payroll"))
	}
	write("payroll/Wage.json", `{"system":"payroll","entity":"Person","columns":{"id":{"type":"String"}}}`)
	if _, err := Open(root); err == nil || !strings.Contains(err.Error(), "payroll/Wage.json: it holds payroll Person") {
		t.Errorf("a file under another name: %v", err)
	}
}
