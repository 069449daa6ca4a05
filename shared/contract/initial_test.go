package contract

import (
	"strings"
	"testing"
)

const initialContract = `purpose: p
team: t
pair: x
owner: fno
from: {system: fno, entity: Posted, event: fno.Posted, state: event}
to: {system: fno, entity: Two, key: [A]}
fields:
  A: {from: Id, blank: reject, longer: reject}
  C: {from: Other, longer: reject, owner: dataverse, initial: true}
`

// An initial value goes into a new row and is then the other system's: no update, no comparison and no hash has it.
func TestInitialValues(t *testing.T) {
	p := testPlan(t, strings.Replace(initialContract, "key: [A]", "key: [A, B]", 1), "B: {from: Text, blank: reject, longer: reject}")
	first, err := p.Apply([]byte(`{"Id":"a","Text":"b","Other":"first"}`))
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.Apply([]byte(`{"Id":"a","Text":"b","Other":"second"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(first.JSON(true)); got != `{"A":"a","C":"first","B":"b"}` {
		t.Errorf("a new row: %s", got)
	}
	if got := string(first.JSON(false)); got != `{}` {
		t.Errorf("an update: %s", got)
	}
	if first.Hash() != second.Hash() {
		t.Error("a change of an initial value would be written")
	}
	if same, err := first.Same([]byte(`{"A":"a","B":"b","C":"what the other system made of it"}`)); err != nil || !same {
		t.Errorf("the other system's value counts as a difference (%v)", err)
	}
	if p.OwnsField("C") || p.FieldOwner("C") != "dataverse" {
		t.Error("the flow claims a field that it only gives a first value")
	}
}
