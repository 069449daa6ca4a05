package main

import (
	"os/exec"
	"strings"
	"testing"
)

// Imports go one way: functions → handlers → shared. Nobody but cmd and tests imports local, handlers know no Azure, and
// fault is the floor.
func TestImportsGoOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}|{{join .Imports " "}}`, "crosswalk/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := 0
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), "|")
		packages++
		for imported := range strings.FieldsSeq(imports) {
			if why := forbidden(strings.TrimPrefix(pkg, "crosswalk/"), strings.TrimPrefix(imported, "crosswalk/"), imported); why != "" {
				t.Errorf("%s imports %s: %s", pkg, imported, why)
			}
		}
		if strings.HasSuffix(pkg, "/shared") || strings.HasSuffix(pkg, "/util") || strings.HasSuffix(pkg, "/common") || strings.HasSuffix(pkg, "/helpers") {
			t.Errorf("%s: a package's name says what it gives", pkg)
		}
	}
	if packages < 20 {
		t.Errorf("only %d packages were looked at", packages)
	}
}

func forbidden(pkg, imported, full string) string {
	ours := strings.HasPrefix(full, "crosswalk/")
	in := func(name string) bool { return pkg == name || strings.HasPrefix(pkg, name+"/") }
	of := func(name string) bool { return ours && (imported == name || strings.HasPrefix(imported, name+"/")) }
	switch {
	case of("local") && !in("local") && !in("cmd"):
		return "only cmd and tests import local"
	case in("shared") && (of("handlers") || of("functions")):
		return "shared never imports upward"
	case in("handlers") && of("functions"):
		return "handlers never import functions"
	case in("handlers") && of("handlers"):
		return "handlers never import each other"
	case in("handlers") && strings.HasPrefix(full, "github.com/Azure/"):
		return "handlers know no Azure"
	case pkg == "shared/fault" && ours:
		return "fault is the floor"
	case in("local") && of("handlers"), in("local") && of("functions"):
		return "local runs the handler as a binary"
	}
	return ""
}
