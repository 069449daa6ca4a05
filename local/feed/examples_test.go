package feed

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"crosswalk/local/stack"
	"crosswalk/local/systems"
	"crosswalk/shared/contract"
	"crosswalk/shared/telemetry"
)

// What a busy machine makes of a delivery: an attempt has no answer to its write, and the next finds it done. Whoever looks for
// mistakes in a flow needn't hear of it, but of one whose row was written by another record.
func TestAWriteThatWasFoundDoneIsADelivery(t *testing.T) {
	wanted := Want{Function: "f", Outcome: telemetry.Delivered, Why: "created"}
	for _, c := range []struct {
		name, first, last, problem string
		done                       int
	}{
		{"the link's answer was late", `"retry","reason":"link-unavailable"`, `"nothing-to-do","why":"duplicate"`, "", 1},
		{"the target's answer was late", `"retry","reason":"outcome-unknown"`, `"nothing-to-do","why":"unchanged"`, "", 1},
		{"the target's answer was late, and another wrote meanwhile", `"retry","reason":"outcome-unknown"`, `"delivered","why":"updated"`, "", 0},
		{"somebody else had the record", `"retry","reason":"claimed"`, `"nothing-to-do","why":"unchanged"`, `ended "nothing-to-do" (unchanged), wanted "delivered"`, 0},
		{"nothing was written at first", `"retry","reason":"target-throttled"`, `"delivered","why":"updated"`, `ended with why "updated", wanted "created"`, 0},
		{"no answer, and then too late", `"retry","reason":"outcome-unknown"`, `"nothing-to-do","why":"late"`, `ended "nothing-to-do" (late), wanted "delivered"`, 0},
		{"no answer, and then rejected", `"retry","reason":"outcome-unknown"`, `"dead-lettered","reason":"too-long","field":"name (from Name)"`,
			`ended "dead-lettered" (too-long name (from Name)), wanted "delivered"`, 0},
	} {
		l := NewLedger(time.Now)
		observe(l, `{"function":"f","event":"e","outcome":`+c.first+`}`, `{"function":"f","event":"e","outcome":`+c.last+`}`)
		if got := wanted.unlike(l.End(Pair{"e", "f"})); got != c.problem {
			t.Errorf("%s: %q, want %q", c.name, got, c.problem)
		}
		if got := l.FoundDone(); got != c.done {
			t.Errorf("%s: %d found done, want %d", c.name, got, c.done)
		}
	}
}

// Who writes an example reads in the run's last lines what is wrong with it.
func TestTheRunSaysWhatIsWrongWithAnExample(t *testing.T) {
	simulated, err := systems.Start(systems.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = simulated.Close() })
	f := &Feed{Stack: &stack.Stack{Systems: simulated}}
	plan, err := contract.Load(filepath.Join("..", "..", "functions", "customer-to-dataverse", "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	row := []byte(`{"dataAreaId":"usmf","CustomerAccount":"HINT-1","OrganizationName":"Muster"}`)
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(row, &columns); err != nil {
		t.Fatal(err)
	}
	if _, err := f.putSource(t.Context(), plan, columns, 1); err != nil {
		t.Fatal(err)
	}
	ignored := hint(plan, contract.Example{Input: row, Want: contract.Want{Ignore: "not-wanted"}})
	if got := ignored(f, End{Outcome: telemetry.Delivered, Why: "created"}); !strings.HasPrefix(got, "; fno itself has filled in what the example leaves blank, ") || !strings.Contains(got, "OnHoldStatus") {
		t.Errorf("%q doesn't name the column that F&O filled in", got)
	}
	if got := ignored(f, End{}); got != "" {
		t.Errorf("%q about an event without an end", got)
	}
	stored, _ := simulated.FnO().Row("CustomersV3", "usmf", "HINT-1")
	if got := hint(plan, contract.Example{Input: stored.JSON, Want: contract.Want{Ignore: "not-wanted"}})(f, End{Outcome: telemetry.Delivered}); got != "" {
		t.Errorf("%q about an example that says all that the row has", got)
	}
	written := hint(plan, contract.Example{Input: row, Want: contract.Want{Write: []byte(`{}`)}})
	if got := written(f, End{Outcome: telemetry.NothingToDo, Why: "unchanged"}); !strings.Contains(got, "a number of its own") {
		t.Errorf("%q about a record that was there already", got)
	}

	long := strings.ReplaceAll(string(row), "usmf", "much too long a company")
	_, _, err = sendRow(plan, []byte(long), 2, "functions/x/examples/long.json")(t.Context(), f)
	if err == nil || !strings.HasPrefix(err.Error(), "fno doesn't take this record, so the flow can never meet it: mend or remove functions/x/examples/long.json: ") {
		t.Errorf("%v", err)
	}
}
