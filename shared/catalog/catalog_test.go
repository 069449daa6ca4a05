package catalog

import (
	"flag"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

var update = flag.Bool("update", false, "rewrite testdata/catalog")

const (
	ownFunctions = "../../functions"
	ownCatalog   = "../../docs/catalog"
)

func ownPages(t *testing.T) []Page {
	t.Helper()
	pages, err := Pages(ownFunctions, ownFunctions, topology.Default(), schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func madeUpPages(t *testing.T) []Page {
	t.Helper()
	text, err := os.ReadFile("testdata/topology.json")
	if err != nil {
		t.Fatal(err)
	}
	top, err := topology.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := Pages("testdata/functions", "../functions", top, schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func TestDocsCatalogIsFresh(t *testing.T) {
	stale, err := Stale(ownCatalog, ownPages(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stale {
		t.Errorf("docs/catalog/%s; refresh it: %s", s, Refresh)
	}
}

func TestMadeUpContractsGiveTheGoldenPages(t *testing.T) {
	pages := madeUpPages(t)
	if *update {
		if err := Write("testdata/catalog", pages); err != nil {
			t.Fatal(err)
		}
	}
	stale, err := Stale("testdata/catalog", pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stale {
		t.Errorf("testdata/catalog/%s; look at the change, then go test ./shared/catalog -update", s)
	}
}

// The pages show examples, so the made-up ones must hold as real ones do.
func TestMadeUpExamplesHold(t *testing.T) {
	for _, name := range []string{"customer-to-account", "account-to-customer"} {
		folder := filepath.Join("testdata/functions", name)
		plan, err := contract.Load(filepath.Join(folder, "contract.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		examples, findings := contract.Examples(folder)
		for _, e := range examples {
			findings = append(findings, plan.Try(e)...)
		}
		for _, f := range findings {
			t.Error(f)
		}
	}
}

func TestTwoRunsGiveTheSameBytes(t *testing.T) {
	first := madeUpPages(t)
	for range 10 {
		for i, p := range madeUpPages(t) {
			if p.Path != first[i].Path || string(p.Text) != string(first[i].Text) {
				t.Fatalf("page %s differs", p.Path)
			}
		}
	}
}

func TestWhatIsStaleIsNamedAndMended(t *testing.T) {
	pages := madeUpPages(t)
	folder := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		file := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, want ...string) {
		t.Helper()
		got, err := Stale(folder, pages)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", when, got, err, want)
		}
	}
	if err := Write(folder, pages); err != nil {
		t.Fatal(err)
	}
	check("fresh")
	put("ownership.md", mark+"# Who owns which field\n\nwrong\n")
	put("flows/gone.md", mark+"# gone\n")
	put("notes.md", "written by a person\n")
	if err := os.Remove(filepath.Join(folder, "flows", "account-to-customer.md")); err != nil {
		t.Fatal(err)
	}
	check("spoiled", "flows/account-to-customer.md is missing", "ownership.md is stale from line 4 on", "flows/gone.md is left over: its flow or system is gone")
	if err := Write(folder, pages); err != nil {
		t.Fatal(err)
	}
	check("written again")
	if _, err := os.Stat(filepath.Join(folder, "notes.md")); err != nil {
		t.Error("a person's file is gone")
	}
	if got, _ := Stale(filepath.Join(folder, "nowhere"), pages); len(got) != len(pages) {
		t.Errorf("an empty folder: %q", got)
	}
}

func TestAContractThatDoesNotHoldGivesNoCatalog(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "broken")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "contract.yaml"), []byte("purpose: none\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Pages(filepath.Dir(folder), "../functions", topology.Default(), schema.BuiltIn()); err == nil || !strings.Contains(err.Error(), "team is missing") {
		t.Errorf("error %v", err)
	}
}

var linkTarget = regexp.MustCompile(`\]\(([^)]+)\)`)

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	pages, seen := ownPages(t), 0
	for _, p := range pages {
		for _, m := range linkTarget.FindAllStringSubmatch(string(p.Text), -1) {
			seen++
			target := path.Join(path.Dir(p.Path), m[1])
			if slices.ContainsFunc(pages, func(q Page) bool { return q.Path == target }) {
				continue
			}
			if _, err := os.Stat(filepath.Join(ownCatalog, filepath.FromSlash(target))); err != nil {
				t.Errorf("%s: %s leads nowhere", p.Path, m[1])
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d links", seen)
	}
}

// What an example is rejected with is in its flow's run book, with the field.
func TestTheRunBookKnowsWhatExamplesAreRejectedWith(t *testing.T) {
	b, err := read(ownFunctions, topology.Default(), schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	rejected := 0
	for i := range b.flows {
		f := &b.flows[i]
		text := string(b.flow(f))
		for _, e := range f.examples {
			if e.Want.Reject == nil {
				continue
			}
			rejected++
			field, _, _ := strings.Cut(e.Want.Reject.Field, " ")
			row := regexp.MustCompile("(?m)^\\| `" + e.Want.Reject.Reason + "` \\|.*`" + regexp.QuoteMeta(field) + "`")
			if !row.MatchString(text) {
				t.Errorf("%s: %s is rejected with %s for %s, which the run book doesn't say", f.Name, e.Name, e.Want.Reject.Reason, field)
			}
		}
	}
	if rejected < 5 {
		t.Errorf("only %d rejected examples", rejected)
	}
}

// A reader of a flow's page sees what becomes of each example: one that is ignored isn't written.
func TestThePageSaysWhatBecomesOfEachExample(t *testing.T) {
	b, err := read(ownFunctions, topology.Default(), schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for i := range b.flows {
		f := &b.flows[i]
		text := string(b.flow(f))
		for _, e := range f.examples {
			want := "written, "
			switch {
			case e.Want.Reject != nil:
				want = "rejected: `" + e.Want.Reject.Reason + "`"
			case e.Want.Ignore != "":
				want = "ignored: `" + e.Want.Ignore + "` |"
			}
			seen[want[:7]]++
			if !strings.Contains(text, "/examples/"+e.Name+".json) | "+want) {
				t.Errorf("%s: the page doesn't say %q of %s", f.Name, want, e.Name)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("not every kind of example was there: %v", seen)
	}
}

func TestOnlyFlowsThatHearOfDeletesSpeakOfThem(t *testing.T) {
	for pattern, want := range map[string]bool{
		"dataverse.account.*": true, "dataverse.account.del*": true, "dataverse.account.deleted": true, "dataverse.*": true,
		"dataverse.account.updated": false, "dataverse.account.up*": false,
	} {
		f := flow{Plan: &contract.Plan{From: contract.Source{Event: pattern, State: contract.StateRow}}}
		if got := f.deletes(); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
	fact := flow{Plan: &contract.Plan{From: contract.Source{Event: "fno.SalesInvoicePosted*", State: contract.StateEvent}}}
	if fact.deletes() {
		t.Error("a business fact is never deleted")
	}
}

func TestTheSearchPageHoldsEveryFieldAndNeedsNoOtherFile(t *testing.T) {
	b, err := read("testdata/functions", topology.Default(), schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	pages := madeUpPages(t)
	text := ""
	for _, p := range pages {
		if p.Path == "search.html" {
			text = string(p.Text)
		}
	}
	for _, f := range b.flows {
		for _, field := range f.fields {
			if !strings.Contains(text, " "+f.To.Entity+"</td><td>"+field.Column.Name) {
				t.Errorf("%s of %s isn't there", field.Column.Name, f.Name)
			}
		}
	}
	for _, outside := range []string{"http", "src=", "<link", "url(", "@import", "fetch(", "`C-", "```", ".md\"", "mermaid"} {
		if strings.Contains(text, outside) {
			t.Errorf("the page holds %q", outside)
		}
	}
}

// Each page of the catalog is in the search page, and each link in it leads to one of them or to a file.
func TestTheSearchPageHoldsEveryPage(t *testing.T) {
	pages := ownPages(t)
	text := ""
	for _, p := range pages {
		if p.Path == "search.html" {
			text = string(p.Text)
		}
	}
	href, seen := regexp.MustCompile(`href="([^"]+)"`), 0
	for _, m := range href.FindAllStringSubmatch(text, -1) {
		seen++
		if id, ok := strings.CutPrefix(m[1], "#"); ok {
			if !strings.Contains(text, `<section id="`+id+`"`) {
				t.Errorf("#%s leads nowhere", id)
			}
		} else if _, err := os.Stat(filepath.Join(ownCatalog, filepath.FromSlash(m[1]))); err != nil {
			t.Errorf("%s leads nowhere", m[1])
		}
	}
	for _, p := range pages {
		if id, ok := strings.CutSuffix(p.Path, ".md"); ok && !strings.Contains(text, `<section id="`+strings.ReplaceAll(id, "/", "-")+`"`) {
			t.Errorf("%s isn't there", p.Path)
		}
	}
	for _, want := range []string{
		"<h3>How to resubmit</h3>", "<td>the handler's log lines with <code>function</code> = <code>vendor-to-dataverse</code>",
		`<ol class="way"><li>Finance &amp; Operations VendorsV2</li><li>queue fno-events</li><li>receive-fno-event</li><li>topic events</li><li>subscription vendor-to-dataverse</li><li>queue vendor-to-dataverse</li><li>vendor-to-dataverse</li><li>Dataverse account</li></ol>`,
		`<ol class="way"><li>vendor-to-dataverse</li><li>what is rejected or given up: queue vendor-to-dataverse/$DeadLetterQueue</li></ol>`,
		`<ol class="way"><li>Finance &amp; Operations VendorsV2</li><li>vendor-to-dataverse</li><li>Dataverse account</li></ol>`,
	} {
		if !strings.Contains(strings.ReplaceAll(text, "&#39;", "'"), want) {
			t.Errorf("no %q", want)
		}
	}
	if seen < 200 || len(text) > 600_000 {
		t.Errorf("%d links, %d bytes", seen, len(text))
	}
}

// What a contract says reaches the page as text, never as markup.
func TestTheSearchPageShowsMarkupAsText(t *testing.T) {
	b := &book{topology: topology.Default()}
	text := mark + "# x\n\n" + prose(`<img src=x onerror=alert(1)> & "so" [a](javascript:alert(1))`) + "\n\n| a |\n| --- |\n| " + code("<script>alert(1)</script>") + " |\n"
	s, err := b.section(Page{Path: "flows/x.md", Text: []byte(text)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, markup := range []string{"<img", "<script", "href"} {
		if strings.Contains(string(s.HTML), markup) {
			t.Errorf("%s in %s", markup, s.HTML)
		}
	}
	if !strings.Contains(string(s.HTML), "&lt;script&gt;alert(1)") || s.ID != "flows-x" || s.Title != "x" {
		t.Errorf("%+v", s)
	}
}
