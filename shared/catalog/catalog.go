// Package catalog writes the documentation of all flows from their contracts, examples and topology: what each flow does,
// who owns which field, what goes wrong and what to do then. It is Markdown with Mermaid pictures, the same bytes for the
// same contracts.
//
//	README.md            index, with a picture of all systems and flows
//	ownership.md         per entity: field, owner, the flow that writes it
//	flows/<flow>.md      one page per flow, with its run book
//	systems/<system>.md  what changes if the system is retired
//	search.html          all of the above to read and search in a browser; one file that needs no other
package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

// Page is one file of the catalog.
type Page struct {
	// Path is relative to the catalog's folder, with slashes.
	Path string
	Text []byte
}

// Refresh is the command that writes the catalog anew.
const Refresh = "go run ./cmd/crosswalk docs"

// mark is the first line of every page; only files that begin with it are ever removed.
const mark = "<!-- Written by `crosswalk docs` from the contracts: change those, not this page. -->\n"

// flow is one contract with all that a page says about it.
type flow struct {
	*contract.Plan
	fields   []contract.FieldRule
	examples []contract.Example
	rules    []topology.Rule
}

// book is what all pages are made from.
type book struct {
	root     string // the folder of the functions, as links from the catalog's folder name it
	topology *topology.Topology
	flows    []flow // sorted by name
	webhooks map[string]string
}

// Pages makes the catalog of the flows under root, the folder that holds one folder per function. link is how the
// catalog's folder names root in links, such as ../../functions. The pages are sorted by path. The error is a
// [contract.Findings] where a contract doesn't hold, or says what can't be read.
func Pages(root, link string, t *topology.Topology, schemas *schema.Set) ([]Page, error) {
	b, err := read(root, t, schemas)
	if err != nil {
		return nil, err
	}
	b.root = strings.TrimSuffix(link, "/")
	pages := []Page{
		{Path: "README.md", Text: b.index()},
		{Path: "ownership.md", Text: b.ownership()},
	}
	for i := range b.flows {
		pages = append(pages, Page{Path: "flows/" + b.flows[i].Name + ".md", Text: b.flow(&b.flows[i])})
	}
	for _, system := range b.systems() {
		pages = append(pages, Page{Path: "systems/" + system + ".md", Text: b.system(system)})
	}
	text, err := b.search(pages)
	if err != nil {
		return nil, err
	}
	pages = append(pages, Page{Path: "search.html", Text: text})
	slices.SortFunc(pages, func(x, y Page) int { return strings.Compare(x.Path, y.Path) })
	return pages, nil
}

func read(root string, t *topology.Topology, schemas *schema.Set) (*book, error) {
	b := &book{topology: t, webhooks: map[string]string{}}
	contracts, err := filepath.Glob(filepath.Join(root, "*", "contract.yaml"))
	if err != nil {
		return nil, err
	}
	if len(contracts) == 0 {
		return nil, fmt.Errorf("there is no contract under %s", root)
	}
	slices.Sort(contracts)
	for _, path := range contracts {
		plan, err := contract.LoadAgainst(path, schemas)
		if err != nil {
			return nil, err
		}
		examples, findings := contract.Examples(filepath.Dir(path))
		if len(findings) > 0 {
			return nil, findings
		}
		f := flow{Plan: plan, fields: plan.FieldRules(), examples: examples}
		if i := slices.IndexFunc(t.Functions, func(x topology.Function) bool { return x.Name == plan.Name }); i >= 0 {
			f.rules = t.Functions[i].Events
		}
		b.flows = append(b.flows, f)
	}
	hooks, err := filepath.Glob(filepath.Join(root, "*-webhook", "function.json"))
	for _, path := range hooks {
		name := filepath.Base(filepath.Dir(path))
		b.webhooks[strings.TrimSuffix(name, "-webhook")] = name
	}
	return b, err
}

// systems returns every system that a contract names, sorted.
func (b *book) systems() []string {
	var out []string
	for _, f := range b.flows {
		out = append(out, f.From.System, f.To.System, f.Owner)
		for _, field := range f.fields {
			out = append(out, field.Owner)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ingress returns the queue that a system sends to and the function that reads it; "" where there is none.
func (b *book) ingress(system string) (queue, function string) {
	for _, in := range b.topology.Ingress {
		if in.Queue == system+"-events" {
			return in.Queue, in.Function
		}
	}
	return "", ""
}

// Write writes the pages under folder and removes pages of an earlier catalog that are no more. Files that `crosswalk
// docs` didn't write stay.
func Write(folder string, pages []Page) error {
	for _, p := range pages {
		path := filepath.Join(folder, filepath.FromSlash(p.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, p.Text, 0o644); err != nil {
			return err
		}
	}
	left, err := leftOver(folder, pages)
	for _, path := range left {
		err = errors.Join(err, os.Remove(filepath.Join(folder, filepath.FromSlash(path))))
	}
	return err
}

// Stale returns one sentence for each page under folder that isn't what the contracts say; none for a fresh catalog.
func Stale(folder string, pages []Page) ([]string, error) {
	var out []string
	for _, p := range pages {
		text, err := os.ReadFile(filepath.Join(folder, filepath.FromSlash(p.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			out = append(out, p.Path+" is missing")
		case err != nil:
			return nil, err
		case !bytes.Equal(text, p.Text):
			out = append(out, fmt.Sprintf("%s is stale from line %d on", p.Path, firstDifference(text, p.Text)))
		}
	}
	left, err := leftOver(folder, pages)
	for _, path := range left {
		out = append(out, path+" is left over: its flow or system is gone")
	}
	return out, err
}

func firstDifference(a, b []byte) int {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return 1 + bytes.Count(b[:i], []byte{'\n'})
}

// leftOver returns the files that an earlier catalog left, sorted.
func leftOver(folder string, pages []Page) ([]string, error) {
	var out []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if slices.ContainsFunc(pages, func(p Page) bool { return p.Path == name }) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && bytes.HasPrefix(text, []byte(mark)) {
			out = append(out, name)
		}
		return err
	})
	return out, err
}
