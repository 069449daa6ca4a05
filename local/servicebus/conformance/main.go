// Command conformance judges the development broker by the live tests of the Go SDK: it builds them, unchanged, from the
// module cache, runs each in a process of its own against a broker of its own, and compares what comes out with
// expected.txt.
//
//	go run . [-short] [-update] [-run REGEXP] [-suite NAME] [-v]
//
// It prints one line per suite, "<suite>: <passed>/<run>, skipped <n>", and ends with 1 when a test that is expected to
// pass doesn't, or isn't known. A test is live when it skips itself, or a part, while there is nothing to talk to; the
// others are the SDK's own business. This is a module of its own, so that what the tests need never enters the product.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

// options are the command's flags.
type options struct {
	short, update, verbose bool
	only                   *regexp.Regexp
	suite                  string
	workers                int
	limit                  time.Duration
	table                  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == delayTransfers { // a test started us
		if err := inject(ctx, os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "conformance:", err)
			os.Exit(2)
		}
		return
	}
	var o options
	run := ""
	flag.BoolVar(&o.short, "short", false, "run the telling few only")
	flag.BoolVar(&o.update, "update", false, "look for the live tests anew and write their results to the table")
	flag.BoolVar(&o.verbose, "v", false, "show the output of every test that fails")
	flag.StringVar(&run, "run", "", "run only the tests whose name matches")
	flag.StringVar(&o.suite, "suite", "", "run only this suite")
	flag.IntVar(&o.workers, "j", 2*runtime.NumCPU(), "how many tests run at a time")
	flag.DurationVar(&o.limit, "limit", 3*time.Minute, "how long one test may take")
	flag.StringVar(&o.table, "table", "expected.txt", "the table of expected results")
	flag.Parse()
	o.only = regexp.MustCompile(run)
	good, err := conform(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(2)
	}
	if !good {
		os.Exit(1)
	}
}

// conform runs what the options ask for and reports whether all is as expected.
func conform(ctx context.Context, o options) (bool, error) {
	t, err := readTable(o.table)
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	var all []test
	for _, s := range suites {
		if o.suite != "" && o.suite != s.name {
			continue
		}
		if o.short && !s.inShort() {
			continue
		}
		tests, err := s.tests(ctx, dir, o, t)
		if err != nil {
			return false, fmt.Errorf("%s: %w", s.name, err)
		}
		all = append(all, tests...)
	}
	started := time.Now()
	results := runAll(ctx, dir, all, t, o)
	good := report(results, t, o)
	fmt.Printf("%d tests in %s\n", len(results), time.Since(started).Round(time.Second))
	if o.update {
		return true, t.write(o.table, results)
	}
	return good, ctx.Err()
}
