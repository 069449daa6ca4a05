package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var (
	inCode           = regexp.MustCompile("(?s)```.*?```|`[^`\n]+`")
	ourCommand       = regexp.MustCompile(`(?m)(?:^|[\s(;|&"])(?:\./|\.bin/|go run \./cmd/)?crosswalk ((?:[a-z]+ ?)+)([^\n|;&)"]*)`)
	ourTarget        = regexp.MustCompile(`(?m)(?:^|[\s(;|&])make ([a-z-]+)`)
	ourFlag          = regexp.MustCompile(`--([a-z][a-z-]+)`)
	documentedTarget = regexp.MustCompile(`(?m)^([a-z-]+):`)
)

// What the documents tell people to type is there: commands, flags, make targets.
func TestDocumentsNameCommandsThatExist(t *testing.T) {
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	targets := map[string]bool{}
	for _, m := range documentedTarget.FindAllStringSubmatch(string(makefile), -1) {
		targets[m[1]] = true
	}
	var documents []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md", "infra/*.md", "local/*/README.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	commands := 0
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(root, path)
		for _, code := range inCode.FindAllString(string(text), -1) {
			code = strings.Trim(code, "`")
			for _, m := range ourTarget.FindAllStringSubmatch(code, -1) {
				if !targets[m[1]] {
					t.Errorf("%s: there is no make target %s", name, m[1])
				}
			}
			for _, m := range ourCommand.FindAllStringSubmatch(code, -1) {
				commands++
				if wrong := typed(strings.Fields(m[1]), m[2]); wrong != "" {
					t.Errorf("%s: %q: %s", name, strings.TrimSpace(m[0]), wrong)
				}
			}
		}
	}
	if commands < 30 {
		t.Errorf("only %d commands were found in %d documents", commands, len(documents))
	}
}

// typed says what is wrong with a command as a document writes it.
func typed(words []string, rest string) string {
	command, left, err := newRoot().Find(words)
	if err != nil || command.Parent() == nil {
		return "there is no such command"
	}
	if command.HasSubCommands() && len(left) > 0 && !command.Runnable() {
		return "there is no subcommand " + left[0]
	}
	for _, m := range ourFlag.FindAllStringSubmatch(rest, -1) {
		if !hasFlag(command, m[1]) {
			return "there is no flag --" + m[1]
		}
	}
	return ""
}

func hasFlag(command *cobra.Command, name string) bool {
	found := name == "help"
	for c := command; c != nil; c = c.Parent() {
		c.Flags().VisitAll(func(f *pflag.Flag) { found = found || f.Name == name })
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { found = found || f.Name == name })
	}
	return found
}
