package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// outcome is what a test ends with.
type outcome string

const (
	passed  outcome = "pass"
	failed  outcome = "fail"
	skipped outcome = "skip"
)

// result is a test that was run.
type result struct {
	test
	outcome outcome
	took    time.Duration
	output  string
}

// runAll runs tests, some at a time. Those that fail have a second try alone, for a machine with other work to do; a test
// that fails twice fails.
func runAll(ctx context.Context, dir string, tests []test, t *table, o options) []result {
	out := make([]result, len(tests))
	slots := make(chan struct{}, o.workers)
	var wg sync.WaitGroup
	for i, one := range tests {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			out[i] = run(ctx, dir, one, o)
		})
	}
	wg.Wait()
	for i, r := range out {
		if r.outcome == failed && ctx.Err() == nil && t.rows[r.key()].outcome != failed {
			if out[i] = run(ctx, dir, r.test, o); out[i].outcome != failed {
				fmt.Printf("%s passed at the second try only\n", r.key())
			}
		}
	}
	return out
}

// run runs one test against brokers of its own.
func run(ctx context.Context, dir string, t test, o options) result {
	started := time.Now()
	r := result{test: t, outcome: failed}
	own, err := os.MkdirTemp(dir, "run")
	if err != nil {
		r.output = err.Error()
		return r
	}
	s, err := newStand(own)
	if err != nil {
		r.output = err.Error()
		return r
	}
	defer s.close()
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	c := exec.CommandContext(ctx, t.binary, "-test.v", "-test.count=1", "-test.run", "^"+t.name+"$")
	c.Dir, c.Env, c.WaitDelay = t.dir, s.environment(), 5*time.Second
	out, err := c.CombinedOutput()
	r.took, r.output = time.Since(started), string(out)+s.log.String()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		r.output += fmt.Sprintf("stopped after %s\n", o.limit)
	case err != nil:
	case strings.Contains(r.output, "--- SKIP: "+t.name) && !strings.Contains(r.output, "    --- PASS: "+t.name):
		r.outcome = skipped // whole, or all its parts
	case strings.Contains(r.output, "--- PASS: "+t.name):
		r.outcome = passed
	}
	return r
}

// report prints the lines of the suites, after what isn't as expected, and reports whether there is nothing of that.
func report(results []result, t *table, o options) bool {
	good := true
	for _, r := range results {
		if o.verbose {
			fmt.Printf("%s: %s (%s)\n", r.key(), r.outcome, r.took.Round(time.Millisecond))
		}
		row, known := t.rows[r.key()]
		unexpected := !known || row.outcome == passed && r.outcome != passed || row.outcome == skipped && r.outcome == failed
		switch {
		case unexpected && !o.update:
			good = false
			fmt.Printf("%s: %s, expected: %s\n%s\n", r.key(), r.outcome, row.outcome, tail(r.output))
		case r.outcome == failed && o.verbose:
			fmt.Printf("%s: %s\n%s\n", r.key(), r.outcome, tail(r.output))
		case known && row.outcome != r.outcome:
			fmt.Printf("%s: %s, expected: %s (-update writes it down)\n", r.key(), r.outcome, row.outcome)
		}
	}
	for _, s := range suites {
		counts := map[outcome]int{}
		for _, r := range results {
			if r.suite.name == s.name {
				counts[r.outcome]++
			}
		}
		if n := counts[passed] + counts[failed]; n+counts[skipped] > 0 {
			fmt.Printf("%s: %d/%d, skipped %d\n", s.name, counts[passed], n, counts[skipped])
		}
	}
	return good
}

// tail is the end of an output.
func tail(output string) string {
	const most = 6000
	if len(output) <= most {
		return output
	}
	return "…" + output[len(output)-most:]
}
