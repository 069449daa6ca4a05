package catalog

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
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
	const shown = `[...document.querySelectorAll("tbody tr")].filter(row => row.getBoundingClientRect().height > 0).map(row => row.cells[0].innerText + "." + row.cells[1].innerText).join(" ")`
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
	none := read(shown)
	do(chromedp.Navigate("about:blank"), chromedp.Navigate(page+"#creditlimit"))
	linked := read(shown)
	own, err := filepath.Abs("../../docs/catalog/search.html") // its names are as long as names get
	if err != nil {
		t.Fatal(err)
	}
	do(chromedp.Navigate("file://" + own))
	if hidden := read(`String(Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth))`); hidden != "0" {
		t.Errorf("on a screen of 1280 pixels %s are out of sight on the right", hidden)
	}
	if n := strings.Count(all, "."); n < 10 {
		t.Errorf("%d fields at first: %s", n, all)
	}
	if some == "" || strings.Count(some, ".") != strings.Count(strings.ToLower(some), "creditlimit") || !strings.HasPrefix(count, "1 of ") && !strings.HasPrefix(count, "2 of ") {
		t.Errorf("the search shows %q, %q", some, count)
	}
	if none != "" {
		t.Errorf("words that no line has: %s", none)
	}
	if !strings.Contains(strings.ToLower(linked), "creditlimit") || strings.Count(linked, ".") >= strings.Count(all, ".") {
		t.Errorf("a link with a search shows %s", linked)
	}
}
