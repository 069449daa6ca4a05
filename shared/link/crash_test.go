package link_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"

	"crosswalk/shared/link"
)

// fuse crashes its worker before or after its at-th operation, counted from 1; nothing takes place after that.
type fuse struct {
	at, count int
	after     bool
	blown     bool
	name      string
}

func (f *fuse) pass(name string, _ bool, do func() error) error {
	if f.blown {
		return errCrash
	}
	f.count++
	if f.count != f.at {
		return do()
	}
	f.blown, f.name = true, name
	if f.after {
		_ = do()
	}
	return errCrash
}

// scenario is one change that a worker crashes over, with what comes before and after.
type scenario struct {
	name  string
	event bool
	// before readies the world.
	before func(*testing.T, *world)
	// change is delivered to the worker that crashes; after, in order, follows before it is delivered again.
	change link.Change[wanted]
	after  []link.Change[wanted]
	want   map[string]int
	// mayBeDirty is true where the change says nothing about the target.
	mayBeDirty bool
}

func deleteOf(id string, n int) link.Change[wanted] {
	return link.Change[wanted]{ID: id, Version: version(n), Deleted: true}
}

func withID(id string, c link.Change[wanted]) link.Change[wanted] {
	c.ID = id
	return c
}

func sourceRow(id, key string, value int) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { w.source[id] = wanted{key, value} }
}

func both(first, second func(*testing.T, *world)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) { first(t, w); second(t, w) }
}

func applied(event bool, c link.Change[wanted]) func(*testing.T, *world) {
	return func(t *testing.T, w *world) { w.settleAll(t, event, c) }
}

func theirs(_ *testing.T, w *world) { w.put("theirs", "K", 0) }

func noSourceRow(id string) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { delete(w.source, id) }
}

var scenarios = []scenario{
	{name: "event, first", event: true, change: eventChange("K", 1), want: map[string]int{"K": 1}},
	{name: "event, adopt", event: true, before: theirs, change: eventChange("K", 1), want: map[string]int{"K": 1}},
	{name: "event, update", event: true, before: applied(true, eventChange("K", 1)), change: eventChange("K", 2), want: map[string]int{"K": 2}},
	{name: "event, duplicate", event: true, before: applied(true, eventChange("K", 2)), change: eventChange("K", 2), want: map[string]int{"K": 2}},
	{name: "event, an older one after the crash", event: true, before: applied(true, eventChange("K", 1)), change: eventChange("K", 3),
		after: []link.Change[wanted]{eventChange("K", 2), eventChange("K", 1)}, want: map[string]int{"K": 3}},
	{name: "event, a newer one after the crash", event: true, before: applied(true, eventChange("K", 1)), change: eventChange("K", 2),
		after: []link.Change[wanted]{eventChange("K", 3)}, want: map[string]int{"K": 3}},
	{name: "event, first, a newer one after the crash", event: true, change: eventChange("K", 1),
		after: []link.Change[wanted]{eventChange("K", 2)}, want: map[string]int{"K": 2}},
	{name: "event, delete", event: true, before: applied(true, withID("r", eventChange("K", 1))), change: deleteOf("r", 2), want: map[string]int{}},
	{name: "event, delete before the create", event: true, change: deleteOf("r", 2),
		after: []link.Change[wanted]{withID("r", eventChange("K", 1))}, want: map[string]int{}},
	{name: "event, create crashes, then a delete", event: true, change: withID("r", eventChange("K", 1)),
		after: []link.Change[wanted]{deleteOf("r", 2)}, want: map[string]int{}},

	{name: "row, first", before: sourceRow("r", "K", 1), change: rowChange("r", 1), want: map[string]int{"K": 1}},
	{name: "row, adopt", before: both(theirs, sourceRow("r", "K", 1)), change: rowChange("r", 1), want: map[string]int{"K": 1}},
	{name: "row, update", before: both(both(sourceRow("r", "K", 1), applied(false, rowChange("r", 1))), sourceRow("r", "K", 2)),
		change: rowChange("r", 2), want: map[string]int{"K": 2}},
	{name: "row, duplicate", before: both(sourceRow("r", "K", 1), applied(false, rowChange("r", 1))), change: rowChange("r", 1), want: map[string]int{"K": 1}},
	{name: "row, delete", before: both(both(sourceRow("r", "K", 1), applied(false, rowChange("r", 1))), noSourceRow("r")),
		change: deleteOf("r", 2), want: map[string]int{}},
	{name: "row, restored", before: both(both(both(both(sourceRow("r", "K", 1), applied(false, rowChange("r", 1))), noSourceRow("r")),
		applied(false, deleteOf("r", 2))), sourceRow("r", "K", 3)), change: rowChange("r", 3), want: map[string]int{"K": 3}},
	{name: "row, created again with the same key", before: both(both(both(sourceRow("old", "K", 1), applied(false, rowChange("old", 1))),
		noSourceRow("old")), sourceRow("new", "K", 2)), change: rowChange("new", 2),
		after: []link.Change[wanted]{deleteOf("old", 3)}, want: map[string]int{"K": 2}},
	{name: "row, late delete of the old record", before: both(both(both(both(sourceRow("old", "K", 1), applied(false, rowChange("old", 1))),
		noSourceRow("old")), sourceRow("new", "K", 2)), applied(false, rowChange("new", 2))), change: deleteOf("old", 3), want: map[string]int{"K": 2}, mayBeDirty: true},
}

// TestCrashAtEveryStep crashes a worker before and after each of its operations in turn, delivers the message again, and
// holds that the end is always the same.
func TestCrashAtEveryStep(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		for _, unique := range []bool{true, false} {
			for _, s := range scenarios {
				t.Run(fmt.Sprintf("%s/unique=%t", s.name, unique), func(t *testing.T) {
					crashes := 0
					for _, after := range []bool{false, true} {
						for at := 1; s.crash(t, traits, unique, &fuse{at: at, after: after}); at++ {
							crashes++
						}
					}
					if crashes < 4 {
						t.Errorf("only %d crashes: the scenario does nothing", crashes)
					}
				})
			}
		}
	})
}

// crash plays the scenario with one crash. It returns false when the fuse is longer than the work.
func (s scenario) crash(t *testing.T, traits link.Traits, unique bool, f *fuse) bool {
	w := newWorld(traits)
	w.uniqueKeys, w.mayBeDirty = unique, s.mayBeDirty
	if s.before != nil {
		s.before(t, w)
	}
	_, err := w.flow(s.event, f).Apply(t.Context(), s.change)
	if f.blown && !errors.Is(err, errCrash) {
		// The crash hit a step whose failure is let pass, such as a release: the message ends or comes again all the same.
		t.Logf("crash at %d (%s) ended with %v", f.at, f.name, err)
	}
	for _, c := range append(s.after, s.change, s.change) {
		w.settleAll(t, s.event, c)
	}
	report := &place{t, fmt.Sprintf("crash at %d (%s), after=%t: ", f.at, f.name, f.after)}
	if got := w.rows(report); !maps.Equal(got, s.want) {
		report.Fatalf("the target holds %v, want %v; writes %v", got, s.want, w.writes)
	}
	if repeats := w.checkWrites(report); repeats > 1 {
		report.Fatalf("%d identical repeats: %v", repeats, w.writes)
	}
	w.checkLink(report)
	return f.blown
}

// place says at which crash a check failed.
type place struct {
	*testing.T
	where string
}

func (p *place) Fatalf(format string, args ...any) {
	p.Helper()
	p.T.Fatalf("%s"+format, append([]any{p.where}, args...)...)
}
