package link_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"crosswalk/shared/fault"
	"crosswalk/shared/link"
	"crosswalk/shared/settle"
)

var systems = map[string]link.Traits{"Dataverse": {IfMatch: true}, "F&O": {KeyIsID: true}}

// eachSystem runs a test against both kinds of target.
func eachSystem(t *testing.T, test func(*testing.T, link.Traits)) {
	for name, traits := range systems {
		t.Run(name, func(t *testing.T) { test(t, traits) })
	}
}

func (w *world) want(t *testing.T, want map[string]int) {
	t.Helper()
	if got := w.rows(t); !maps.Equal(got, want) {
		t.Errorf("the target holds %v, want %v", got, want)
	}
}

func wantOutcome(t *testing.T, got, want settle.Outcome) {
	t.Helper()
	if got != want {
		t.Errorf("outcome %v, want %v", got, want)
	}
}

func TestEventFlow(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		steps := []struct {
			value  int
			want   settle.Outcome
			result int
		}{
			{2, settle.Delivered("created"), 2},
			{2, settle.NothingToDo("duplicate"), 2},
			{1, settle.NothingToDo("late"), 2},
			{3, settle.Delivered("updated"), 3},
			{2, settle.NothingToDo("late"), 3},
		}
		for _, step := range steps {
			wantOutcome(t, w.settleAll(t, true, eventChange("K", step.value)), step.want)
			w.want(t, map[string]int{"K": step.result})
		}
		again := eventChange("K", 3)
		again.Version = version(9)
		wantOutcome(t, w.settleAll(t, true, again), settle.NothingToDo("unchanged"))
		w.checkLink(t)
		if n := len(w.writes["K"]); n != 2 {
			t.Errorf("%d writes, want 2", n)
		}
	})
}

func TestSameSecondEventsAreOrderedByID(t *testing.T) {
	w := newWorld(systems["Dataverse"])
	first, second := eventChange("K", 1), eventChange("K", 2)
	first.Version = link.Version{Sequence: "s", Event: "a"}
	second.Version = link.Version{Sequence: "s", Event: "b"}
	w.settleAll(t, true, first)
	w.settleAll(t, true, second)
	wantOutcome(t, w.settleAll(t, true, first), settle.NothingToDo("late"))
	w.want(t, map[string]int{"K": 2})
}

func TestRowFlow(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		wantOutcome(t, w.settleAll(t, false, rowChange("r1", 1)), settle.NothingToDo("gone"))
		w.source["r1"] = wanted{"K", 5}
		wantOutcome(t, w.settleAll(t, false, rowChange("r1", 2)), settle.Delivered("created"))
		wantOutcome(t, w.settleAll(t, false, rowChange("r1", 2)), settle.NothingToDo("duplicate"))
		wantOutcome(t, w.settleAll(t, false, rowChange("r1", 1)), settle.NothingToDo("unchanged"))
		w.source["r1"] = wanted{"K", 6}
		wantOutcome(t, w.settleAll(t, false, rowChange("r1", 3)), settle.Delivered("updated"))
		w.want(t, map[string]int{"K": 6})
		deleted := rowChange("r1", 4)
		deleted.Deleted = true
		wantOutcome(t, w.settleAll(t, false, deleted), settle.NothingToDo("unchanged")) // the row is still there
		delete(w.source, "r1")
		wantOutcome(t, w.settleAll(t, false, rowChange("r1", 3)), settle.NothingToDo("gone")) // no delete event
		w.want(t, map[string]int{"K": 6})
		wantOutcome(t, w.settleAll(t, false, deleted), settle.Delivered("deleted"))
		wantOutcome(t, w.settleAll(t, false, deleted), settle.NothingToDo("gone"))
		w.want(t, map[string]int{})
		w.checkLink(t)
	})
}

func TestRecreatedRecordSurvivesTheOldOnesLateDelete(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		w.source["old"] = wanted{"K", 1}
		w.settleAll(t, false, rowChange("old", 1))
		delete(w.source, "old")
		w.source["new"] = wanted{"K", 2}
		w.settleAll(t, false, rowChange("new", 2))
		w.want(t, map[string]int{"K": 2})
		late := rowChange("old", 3)
		late.Deleted = true
		wantOutcome(t, w.settleAll(t, false, late), settle.NothingToDo("gone"))
		w.want(t, map[string]int{"K": 2})
		w.checkLink(t)
	})
}

func TestRestoredRecordIsCreatedAgain(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		w.source["r"] = wanted{"K", 1}
		w.settleAll(t, false, rowChange("r", 1))
		row := w.source["r"]
		delete(w.source, "r")
		deleted := rowChange("r", 2)
		deleted.Deleted = true
		w.settleAll(t, false, deleted)
		w.source["r"] = row
		wantOutcome(t, w.settleAll(t, false, rowChange("r", 3)), settle.Delivered("created"))
		w.want(t, map[string]int{"K": 1})
		w.checkLink(t)
	})
}

func TestDeletedTargetIsNeverCreatedByAnUpdate(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		w.settleAll(t, true, eventChange("K", 1))
		clear(w.target) // a user deletes it
		wantOutcome(t, w.settleAll(t, true, eventChange("K", 2)), settle.NothingToDo("gone"))
		wantOutcome(t, w.settleAll(t, true, eventChange("K", 3)), settle.NothingToDo("gone"))
		w.want(t, map[string]int{})
	})
}

func TestExistingTargetIsAdopted(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		w.put("theirs", "K", 0)
		wantOutcome(t, w.settleAll(t, true, eventChange("K", 1)), settle.Delivered("updated"))
		w.want(t, map[string]int{"K": 1})
		w.checkLink(t)
	})
}

func TestDeleteEventThatOvertakesTheCreate(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		created := eventChange("K", 1)
		created.ID = "r1"
		wantOutcome(t, w.settleAll(t, true, link.Change[wanted]{ID: "r1", Version: version(2), Deleted: true}), settle.NothingToDo("gone"))
		wantOutcome(t, w.settleAll(t, true, created), settle.NothingToDo("gone"))
		w.want(t, map[string]int{})
		recreated := eventChange("K", 3)
		recreated.ID = "r2"
		wantOutcome(t, w.settleAll(t, true, recreated), settle.Delivered("created"))
		wantOutcome(t, w.settleAll(t, true, link.Change[wanted]{ID: "r2", Version: version(4), Deleted: true}), settle.Delivered("deleted"))
		w.want(t, map[string]int{})
		w.checkLink(t)
	})
}

func TestDeletionRules(t *testing.T) {
	for rule, want := range map[link.Deletion]string{link.Ignore: "ignored", link.Reject: "delete-rejected"} {
		w := newWorld(systems["Dataverse"])
		w.source["r"] = wanted{"K", 1}
		w.settleAll(t, false, rowChange("r", 1))
		delete(w.source, "r")
		f := w.flow(false, open{})
		f.Deletion = rule
		outcome, err := f.Apply(t.Context(), link.Change[wanted]{ID: "r", Version: version(2), Deleted: true})
		got := outcome.Why
		if err != nil {
			got = fault.Of(err).Reason
		}
		if got != want {
			t.Errorf("rule %d: %q, want %q", rule, got, want)
		}
		w.want(t, map[string]int{"K": 1})
		w.checkLink(t)
	}
}

// Both systems' databases compare keys without regard to letter case, so two spellings are one record and one link.
func TestKeysThatDifferInLetterCaseAreOneRecord(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		wantOutcome(t, w.settleAll(t, true, eventChange("case-1", 1)), settle.Delivered("created"))
		wantOutcome(t, w.settleAll(t, true, eventChange("CASE-1", 2)), settle.Delivered("updated"))
		wantOutcome(t, w.settleAll(t, true, eventChange("Case-1", 1)), settle.NothingToDo("late"))
		if len(w.target) != 1 {
			t.Errorf("%d rows, want one", len(w.target))
		}

		w = newWorld(traits)
		w.source["r"] = wanted{"rekey-1", 1}
		w.settleAll(t, false, rowChange("r", 1))
		w.source["r"] = wanted{"REKEY-1", 2}
		wantOutcome(t, w.settleAll(t, false, rowChange("r", 2)), settle.Delivered("updated"))
	})
}

func TestChangedKeyIsRefused(t *testing.T) {
	w := newWorld(systems["F&O"])
	w.source["r"] = wanted{"K", 1}
	w.settleAll(t, false, rowChange("r", 1))
	w.source["r"] = wanted{"L", 2}
	_, err := w.flow(false, open{}).Apply(t.Context(), rowChange("r", 2))
	if e := fault.Of(err); e == nil || e.Kind != fault.Permanent || e.Reason != "key-changed" {
		t.Errorf("error %v", err)
	}
	w.want(t, map[string]int{"K": 1})
	w.checkLink(t)
}

func TestTwoLiveRecordsWithOneKeyNeverMakeTwoRows(t *testing.T) {
	w := newWorld(systems["Dataverse"])
	w.uniqueKeys = false
	w.source["r1"], w.source["r2"] = wanted{"K", 1}, wanted{"K", 2}
	w.settleAll(t, false, rowChange("r1", 1))
	_, err := w.flow(false, open{}).Apply(t.Context(), rowChange("r2", 2))
	if e := fault.Of(err); e == nil || e.Kind != fault.Transient || e.Reason != "key-taken" {
		t.Errorf("error %v", err)
	}
	w.want(t, map[string]int{"K": 1})
	w.checkLink(t)
}

// counter counts storage operations.
type counter struct{ storage, target []string }

func (c *counter) pass(name string, _ bool, do func() error) error {
	switch name[len(name)-2:] {
	case " m", " p", " k":
		c.storage = append(c.storage, name)
	default:
		c.target = append(c.target, name)
	}
	return do()
}

func TestCost(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		measure := func(what string, event bool, c link.Change[wanted], most int) {
			t.Helper()
			n := &counter{}
			if _, err := w.flow(event, n).Apply(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d storage operations %v; %v", what, len(n.storage), n.storage, n.target)
			if strings.HasSuffix(what, "duplicate") && slices.Contains(n.target, "read target") {
				t.Errorf("%s reads the target", what)
			}
			if len(n.storage) > most {
				t.Errorf("%s takes %d storage operations, want at most %d", what, len(n.storage), most)
			}
		}
		measure("event flow, first", true, eventChange("K", 1), 10)
		measure("event flow, known", true, eventChange("K", 2), 4)
		measure("event flow, duplicate", true, eventChange("K", 2), 2)
		w.source["r"] = wanted{"R", 1}
		measure("row flow, first", false, rowChange("r", 1), 10)
		w.source["r"] = wanted{"R", 2}
		measure("row flow, known", false, rowChange("r", 2), 4)
		measure("row flow, duplicate", false, rowChange("r", 2), 4)
		delete(w.source, "r")
		deleted := rowChange("r", 3)
		deleted.Deleted = true
		measure("row flow, delete", false, deleted, 4)
		w.put("theirs", "A", 0)
		measure("event flow, adopt", true, eventChange("A", 1), 11)
		measure("event flow, delete", true, link.Change[wanted]{ID: "=A", Version: version(2), Deleted: true}, 5)
	})
}

// meanwhile lets somebody else act right after an operation.
type meanwhile struct {
	name string
	act  func()
	once *bool
}

func after(name string, act func()) meanwhile { return meanwhile{name, act, new(bool)} }

func (m meanwhile) pass(name string, _ bool, do func() error) error {
	err := do()
	if name == m.name && !*m.once {
		*m.once = true
		m.act()
	}
	return err
}

func TestFoundTargetThatIsDeletedBeforeItIsLinkedIsCreated(t *testing.T) {
	w := newWorld(systems["Dataverse"])
	w.put("theirs", "K", 0)
	outcome, err := w.flow(true, after("find target", func() { clear(w.target) })).Apply(t.Context(), eventChange("K", 1))
	if err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, outcome, settle.Delivered("created"))
	w.want(t, map[string]int{"K": 1})
	w.checkLink(t)
}

func TestTargetThatAppearsDuringTheCreateIsUpdated(t *testing.T) {
	for name, before := range map[string]string{"Dataverse": "find target", "F&O": "update target"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(systems[name])
			outcome, err := w.flow(true, after(before, func() { w.put("theirs", "K", 0) })).Apply(t.Context(), eventChange("K", 1))
			if err != nil {
				t.Fatal(err)
			}
			wantOutcome(t, outcome, settle.Delivered("updated"))
			w.want(t, map[string]int{"K": 1})
			w.checkLink(t)
		})
	}
}

func TestRecordOfACrashedCreateIsFoundByItsIntent(t *testing.T) {
	w := newWorld(systems["Dataverse"])
	_, err := w.flow(true, failing{"create target", errUnknown, true}).Apply(t.Context(), eventChange("K", 1))
	if !errors.Is(err, errUnknown) {
		t.Fatal(err)
	}
	for _, row := range w.target {
		row.key = "renamed by a user"
	}
	w.settleAll(t, true, eventChange("K", 1))
	w.want(t, map[string]int{"K": 1})
	w.checkLink(t)
}

func TestUpdateMeetsOtherWriters(t *testing.T) {
	w := newWorld(systems["Dataverse"])
	w.settleAll(t, true, eventChange("K", 1))
	edit := func() {
		for _, row := range w.target {
			row.etag = w.etag()
		}
	}
	outcome, err := w.flow(true, after("read target", edit)).Apply(t.Context(), eventChange("K", 2))
	if err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, outcome, settle.Delivered("updated"))
	w.want(t, map[string]int{"K": 2})
}

func TestTargetLinkedToAnotherRecordIsNotTaken(t *testing.T) {
	w := newWorld(systems["Dataverse"])
	w.settleAll(t, true, eventChange("K", 1))
	for _, row := range w.target {
		row.key = "L" // a user renames it
	}
	_, err := w.flow(true, open{}).Apply(t.Context(), eventChange("L", 2))
	if e := fault.Of(err); e == nil || e.Kind != fault.Permanent || e.Reason != "target-linked" {
		t.Errorf("error %v", err)
	}
	w.want(t, map[string]int{"L": 1})
}

func TestKeyChangedBeforeAnythingWasWritten(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		for at := 1; at < 12; at++ {
			w := newWorld(traits)
			w.source["r"] = wanted{"K", 1}
			f := &fuse{at: at}
			_, _ = w.flow(false, f).Apply(t.Context(), rowChange("r", 1))
			if len(w.target) > 0 {
				continue // then it's a re-key, which is refused
			}
			w.source["r"] = wanted{"L", 2}
			w.settleAll(t, false, rowChange("r", 2))
			w.want(t, map[string]int{"L": 2})
		}
	})
}
