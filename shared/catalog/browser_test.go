package catalog

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"
)

// A person opens the page from disk, types, and sees the fields that hold every word; a search that was sent as a link shows
// the same.
func TestSearchPageInABrowser(t *testing.T) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine: the search page isn't looked at in a real browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 800),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)

	folder := t.TempDir()
	if err := Write(folder, madeUpPages(t)); err != nil {
		t.Fatal(err)
	}
	page := "file://" + filepath.Join(folder, "search.html")
	const shown = `[...document.querySelectorAll("#search tbody tr")].filter(row => row.getBoundingClientRect().height > 0).map(row => row.cells[0].innerText + "." + row.cells[1].firstChild.data).join(" ")`
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	read := func(expression string) string {
		t.Helper()
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	do(chromedp.Navigate(page))
	all := read(shown)
	do(chromedp.SendKeys("#words", "CREDITLIMIT  account"))
	some, count := read(shown), read(`document.getElementById("count").textContent`)
	do(chromedp.SendKeys("#words", "x"))
	none, advice := read(shown), read(`document.getElementById("count").textContent`)
	do(chromedp.Navigate("about:blank"), chromedp.Navigate(page+"#creditlimit"))
	linked := read(shown)
	own, err := filepath.Abs("../../docs/catalog/search.html") // its names are as long as names get
	if err != nil {
		t.Fatal(err)
	}
	own = "file://" + own
	do(chromedp.Navigate(own))
	if hidden := read(`String(Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth))`); hidden != "0" {
		t.Errorf("on a screen of 1280 pixels %s are out of sight on the right", hidden)
	}
	// A service person has a street from an error text, finds the flow by it, reads its run book, and goes back to the search.
	const (
		shownPages = `[...document.querySelectorAll("#pages li")].filter(item => item.getBoundingClientRect().height > 0).map(item => item.innerText).join(" ")`
		reading    = `[...document.querySelectorAll("main > section")].filter(section => section.getBoundingClientRect().height > 0).map(section => section.id).join(" ")`
		focused    = `document.activeElement.tagName + " " + (document.activeElement.id || document.activeElement.innerText)`
		title      = `document.title`
	)
	do(chromedp.SendKeys("#words", "HAUPTSTRASSE"))
	story := []string{read(shownPages), read(focused)}
	do(chromedp.SendKeys("#words", kb.Tab+kb.Enter), chromedp.WaitVisible("#flows-vendor-to-dataverse h1")) // the first page found: no mouse is needed
	story = append(story, read(reading), read(focused), read(title), read(`String(document.querySelector("[id='flows-vendor-to-dataverse']").innerText.includes("How to resubmit"))`))
	if hidden := read(`String(Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth))`); hidden != "0" {
		t.Errorf("%s pixels of the run book are out of sight on the right", hidden)
	}
	read(`history.back(), ""`) // as the browser's own button does
	do(chromedp.WaitVisible("#search h1"))
	story = append(story, read(reading), read(shownPages), read(`words.value`), read(focused))
	do(chromedp.Navigate("about:blank"), chromedp.Navigate(own+"#flows-price-to-dataverse"))
	story = append(story, read(reading))
	want := []string{"vendor-to-dataverse", "INPUT words", "flows-vendor-to-dataverse", "H1 vendor-to-dataverse", "vendor-to-dataverse – Catalog of flows", "true",
		"search", "vendor-to-dataverse", "HAUPTSTRASSE", "A vendor-to-dataverse", "flows-price-to-dataverse"}
	if diff := cmp.Diff(want, story); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(all, "."); n < 10 {
		t.Errorf("%d fields at first: %s", n, all)
	}
	if some == "" || strings.Count(some, ".") != strings.Count(strings.ToLower(some), "creditlimit") || !strings.HasPrefix(count, "1 of ") && !strings.HasPrefix(count, "2 of ") {
		t.Errorf("the search shows %q, %q", some, count)
	}
	if none != "" || !strings.Contains(advice, "try fewer") || strings.Contains(count, "try fewer") {
		t.Errorf("words that no line has: %s, %q; words that some have: %q", none, advice, count)
	}
	if !strings.Contains(strings.ToLower(linked), "creditlimit") || strings.Count(linked, ".") >= strings.Count(all, ".") {
		t.Errorf("a link with a search shows %s", linked)
	}
}
