package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every setting that the handler reads is documented, also one that is read outside the settings package.
func TestEverySettingReadIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	read := regexp.MustCompile(`(?:Getenv|LookupEnv)\(([^)]*)\)`)
	found := 0
	for _, root := range []string{".", "../handlers", "../shared"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && strings.HasSuffix(d.Name(), "test") { // what tests are made with
				return fs.SkipDir
			}
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range read.FindAllStringSubmatch(string(source), -1) {
				name, literal := strings.CutPrefix(m[1], `"`)
				name = strings.TrimSuffix(name, `"`)
				switch {
				case !literal && !strings.HasPrefix(path, "../shared/settings/"):
					t.Errorf("%s reads a setting whose name is computed (%s); only shared/settings may", path, m[1])
				case literal && !strings.Contains(string(doc), "`"+name+"`"):
					t.Errorf("%s reads %s, which docs/settings.md doesn't have", path, name)
				}
				found++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 2 {
		t.Errorf("only %d reads found", found)
	}
}
