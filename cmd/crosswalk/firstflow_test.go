package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/first-flow.md is done step by step as somebody would who has nothing else, up to the run itself: its commands, its
// contract, its examples.
func TestFirstFlowAsItIsWritten(t *testing.T) {
	doc, err := os.ReadFile("../../docs/first-flow.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := func(language string) []string {
		var out []string
		for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(doc), -1) {
			out = append(out, m[1])
		}
		return out
	}
	type command struct{ stdin, args string }
	var steps [][]command // the commands of each block that are the tool's
	for _, block := range blocks("sh") {
		var commands []command
		for line := range strings.Lines(block) {
			if before, args, ok := strings.Cut(strings.TrimSpace(line), ".bin/crosswalk "); ok && !strings.HasPrefix(before, "go ") {
				stdin := strings.TrimSuffix(strings.TrimPrefix(before, "echo '"), "' | ")
				commands = append(commands, command{stdin, args})
			}
		}
		steps = append(steps, commands)
	}
	contractParts, records := blocks("yaml"), blocks("json")
	if len(steps) != 8 || len(contractParts) != 2 || len(records) != 2 {
		t.Fatalf("%d blocks of commands, %d of a contract, %d records: the document and this test have parted", len(steps), len(contractParts), len(records))
	}
	root := checkout(t)
	t.Chdir(root)
	withoutFlow(t, root, "currency-to-dataverse") // who has followed the document may keep the flow
	dialogue := blocks("text")
	if len(dialogue) != 1 {
		t.Fatalf("%d dialogues", len(dialogue))
	}
	var prompts []string // up to where the answer begins
	for line := range strings.Lines(dialogue[0]) {
		prompt, answer, _ := strings.Cut(strings.TrimSpace(line), ":")
		prompts = append(prompts, prompt+": ")
		steps[0][0].stdin += strings.TrimSpace(answer) + "\n"
	}
	run := func(step int) (out string, err error) {
		t.Helper()
		for _, command := range steps[step] {
			text, status, failed := crosswalk(t, command.stdin, strings.Fields(command.args)...)
			if failed == nil && status != 0 {
				failed = exitCode(status)
			}
			if out += text; failed != nil {
				err = failed
			}
		}
		return out, err
	}
	folder := filepath.Join(root, "functions/currency-to-dataverse")
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(0)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, prompt := range prompts {
		if !strings.Contains(out, prompt) {
			t.Errorf("it doesn't ask %q:\n%s", prompt, out)
		}
	}
	for flags := range strings.SplitSeq(string(doc), "`") {
		if args, ok := strings.CutPrefix(flags, "new flow "); ok { // the same without questions
			files := tree(t, root)
			withoutFlow(t, root, "currency-to-dataverse")
			if out, err := answer(t, "\n\n", strings.Fields(args)...); err != nil || tree(t, root) != files {
				t.Errorf("new flow %s writes something else: %v\n%s", args, err, out)
			}
		}
	}
	out, err = run(1)
	if err == nil || !strings.Contains(out, "\n7 findings\n") || !strings.Contains(string(doc), lineOf(out, "functions/currency-to-dataverse/contract.yaml:14:")) {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(folder, "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := strings.Cut(string(text), "purpose: TODO")
	_, rest, _ = strings.Cut(rest, "pair:")
	ends, rest, _ := strings.Cut(rest, "fields:\n")
	write("contract.yaml", first+contractParts[0]+"pair:"+ends+"fields:\n"+contractParts[1]+rest[strings.Index(rest, "\ndelete:"):])
	write("examples/first.json", records[0])
	if out, err := run(2); err != nil || !strings.Contains(out, "accepted  SEK") {
		t.Fatalf("%v\n%s", err, out)
	}
	write("examples/no-name.json", records[1])
	if out, err := run(3); err != nil || !strings.Contains(out, "rejected  blank-required: currencyname (from Name)") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run(4); err != nil || strings.Count(out, "\naccepted  ") != 2 || strings.Count(out, "\nrejected  ") != 1 {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := run(5); err != nil || !strings.Contains(out, "every contract holds\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(root, "docs/catalog/flows/currency-to-dataverse.md")); err != nil {
		t.Error(err)
	}
}

// withoutFlow takes a flow out of a checkout, where it has one.
func withoutFlow(t *testing.T, root, name string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(root, "functions", name)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "shared/topology/topology.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	entry := regexp.MustCompile(`,\s*\{"name": "` + name + `"[^\]]*\]\}`)
	if err := os.WriteFile(path, entry.ReplaceAll(text, nil), 0o600); err != nil {
		t.Fatal(err)
	}
}
