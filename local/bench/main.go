// Command bench measures the mapping engine and the handler against their opponents, in one run on one machine, and prints
// each figure as a ratio with its goal:
//
//	go run ./local/bench            (or make bench)
//	BENCH_ROUNDS=15                 more rounds, steadier medians
//
// All parts of a round run one after the other, a ratio is formed within each round, and the median of the rounds is printed,
// so a machine that is busy slows both sides. Each side has one CPU: handlers are pinned to one, the load generator to another,
// which it uses up, so that no side waits for it. Before anything is timed, all sides map the same events and their outputs are
// compared. The opponents are structs written by hand on encoding/json (package order), json.Valid, a handler that answers a
// constant, and the same handler in Node (order.mjs).
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	rounds := 7
	if s := os.Getenv("BENCH_ROUNDS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil || rounds < 1 {
			return fmt.Errorf("BENCH_ROUNDS: %q is no number of rounds", s)
		}
	}
	folder, err := folder()
	if err != nil {
		return err
	}
	event, err := os.ReadFile(filepath.Join(folder, "order", "event.json"))
	if err != nil {
		return err
	}
	// One CPU for all that is measured: the handlers are pinned to one, and with a second one idle, Go's garbage collector and
	// scheduler would use it up for nothing, in the load generator too.
	runtime.GOMAXPROCS(1)
	fmt.Printf("medians of %d rounds, %s, %d CPUs, one event of %d bytes\n", rounds, runtime.Version(), runtime.NumCPU(), len(event))
	if err := mapping(folder, event, rounds); err != nil {
		return err
	}
	return handlers(folder, event, rounds)
}

// folder finds this program's own files, from the repository's root or from anywhere below it.
func folder() (string, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "crosswalk/local/bench").Output()
	if err != nil {
		return "", errors.New("run it inside the repository: go run ./local/bench")
	}
	return string(bytes.TrimSpace(out)), nil
}

// report prints the median of one figure and what it should be.
func report(name string, values []float64, goal string) {
	fmt.Printf("ratio %-34s %7.3f (goal %s)\n", name, median(values), goal)
}

// median of an odd or even number of values.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// ratios divides a round's figures by those of another in the same round.
func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}

// sameJSON reports whether two texts are the same JSON, numbers by value.
func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}
