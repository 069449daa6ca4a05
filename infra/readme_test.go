package infra_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The README's table has every parameter and every value of azd's environment, and none that isn't read.
func TestReadmeHasEveryParameter(t *testing.T) {
	read := func(file string) string {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	readme := read("README.md")
	_, table, _ := strings.Cut(readme, "## Parameters")
	table, _, _ = strings.Cut(table, "## Alerts")
	declared := map[string]bool{}
	for _, source := range []struct {
		file    string
		pattern *regexp.Regexp
	}{
		{"main.bicep", regexp.MustCompile(`(?m)^param (\w+)`)},
		{"main.bicepparam", regexp.MustCompile(`readEnvironmentVariable\('(\w+)'`)},
	} {
		for _, m := range source.pattern.FindAllStringSubmatch(read(source.file), -1) {
			declared[m[1]] = true
			if !strings.Contains(table, "`"+m[1]+"`") {
				t.Errorf("%s has %s, and the table doesn't", source.file, m[1])
			}
		}
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || !strings.Contains(cells[1], "`") {
			continue
		}
		for _, m := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(cells[1]+cells[2], -1) {
			if !declared[m[1]] {
				t.Errorf("the table has %s, which nothing reads", m[1])
			}
		}
	}
}
