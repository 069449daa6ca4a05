package systems_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"crosswalk/local/systems"
)

// browser starts Chromium, or skips where there is none; the README lists the skip.
func browser(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium on this machine: the page isn't looked at in a real browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// A person sees a row on the page soon after it was written, without doing anything, and what stands in a row is text,
// never markup.
func TestPageInABrowser(t *testing.T) {
	ctx := browser(t)
	s, err := systems.Start(systems.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := chromedp.Do(ctx, chromedp.Navigate(s.Endpoints().Page)); err != nil {
		t.Fatal(err)
	}
	text := evaluate[string](t, ctx, `document.body.innerText`)
	for _, want := range []string{"US-001", "US-020", "DE-001"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not show %s", want)
		}
	}
	if cut := evaluate[string](t, ctx, `[...document.querySelectorAll(".scroll")].filter(e => e.scrollWidth > e.clientWidth).map(e => e.previousElementSibling.id+" "+e.scrollWidth).join(", ")`); cut != "" {
		t.Errorf("in a window of 1280 pixels a person doesn't see the last columns of %s", cut)
	}
	status, answer := s.Dataverse().Edit("POST", "accounts", []byte(`{"name":"<img src=x onerror=document.title='owned'>","accountnumber":"NEW-1","cw_legalentity":"usmf"}`))
	if status >= 300 {
		t.Fatalf("%d %s", status, answer)
	}
	// The page loads itself anew, and an evaluation that meets that moment fails.
	for shown := false; !shown; {
		var err error
		if shown, err = chromedp.Run(ctx, chromedp.Evaluate[bool](`document.readyState == "complete" && document.body.innerText.includes("NEW-1")`)); ctx.Err() != nil {
			t.Fatalf("the new row never showed: %v", err)
		}
	}
	if title := evaluate[string](t, ctx, `document.title`); title == "owned" || evaluate[int](t, ctx, `document.images.length`) > 0 {
		t.Errorf("a row's text became markup; the title is %q", title)
	}
	if !strings.Contains(evaluate[string](t, ctx, `document.body.innerText`), "<img src=x") {
		t.Error("a row's text is not shown as it is")
	}
	if path := os.Getenv("SCREENSHOT"); path != "" {
		png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}
