package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"crosswalk/local/bench/order"
	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// load compiles the benchmark's contract.
func load(folder string) (*contract.Plan, error) {
	schemas, err := schema.Open(filepath.Join(folder, "handler", "schemas"))
	if err != nil {
		return nil, err
	}
	return contract.LoadAgainst(filepath.Join(folder, "order", "contract.yaml"), schemas)
}

// mapping measures event bytes in, target JSON bytes out.
func mapping(folder string, event []byte, rounds int) error {
	plan, err := load(folder)
	if err != nil {
		return err
	}
	byContract := func() ([]byte, error) {
		r, err := plan.Apply(event)
		if err != nil {
			return nil, err
		}
		return r.JSON(true), nil
	}
	byHand := func() ([]byte, error) { return order.Map(event) }
	valid := func() ([]byte, error) {
		if !json.Valid(event) {
			return nil, errors.New("the event is no JSON")
		}
		return nil, nil
	}
	ours, err := byContract()
	if err != nil {
		return err
	}
	theirs, err := byHand()
	if err != nil {
		return err
	}
	if !sameJSON(ours, theirs) {
		return fmt.Errorf("the outputs differ\ncontract: %s\nstructs:  %s", ours, theirs)
	}
	var contract, structs, validity []float64
	for range 3 * rounds {
		contract = append(contract, perCall(byContract))
		structs = append(structs, perCall(byHand))
		validity = append(validity, perCall(valid))
	}
	report("mapping / structs", ratios(contract, structs), "at most 0.20")
	report("mapping / json.Valid", ratios(contract, validity), "at most 0.70")
	allocations, size := allocated(byContract)
	byHandAllocations, byHandSize := allocated(byHand)
	fmt.Printf("ratio %-34s %7.0f (goal at most 20; structs %.0f)\n", "mapping, allocations per event", allocations, byHandAllocations)
	fmt.Printf("ratio %-34s %7.0f (structs %.0f)\n", "mapping, bytes allocated per event", size, byHandSize)
	return nil
}

// perCall returns the seconds of CPU that one call takes, the garbage collector's included, over about 100 ms of calls.
func perCall(f func() ([]byte, error)) float64 {
	const long = 100 * time.Millisecond
	calls := 0
	before, start := cpu(os.Getpid()), time.Now()
	for n := 16; time.Since(start) < long; calls += n {
		for range n {
			_, _ = f() // mapping has seen that it succeeds
		}
	}
	used := cpu(os.Getpid()) - before
	if before < 0 || used <= 0 {
		used = time.Since(start).Seconds()
	}
	return used / float64(calls)
}

// allocated returns how many allocations, and of how many bytes, one call makes.
func allocated(f func() ([]byte, error)) (count, size float64) {
	const calls = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range calls {
		_, _ = f()
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / calls, float64(after.TotalAlloc-before.TotalAlloc) / calls
}
