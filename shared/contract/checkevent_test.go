package contract

import (
	"testing"

	"crosswalk/shared/schema"
)

// A data event names the virtual table alone, so an entity whose table nobody knows can't start a flow.
func TestARowSourceNeedsItsVirtualTable(t *testing.T) {
	lookup := func(system, entity string) (*schema.Entity, bool) {
		e, ok := schema.Lookup(system, entity)
		if ok && entity == "CustomersV3" {
			unknown := *e
			unknown.VirtualTable = ""
			e = &unknown
		}
		return e, ok
	}
	_, _, findings := parse("contract.yaml", "test", []byte(sound), lookup)
	const want = `contract.yaml:5:49: the schema of CustomersV3 names no virtual table, and a data event says by that name which entity it is about, so the flow would never start` +
		` (fix: add "virtualTable": "mserp_…" to shared/schema/fno/CustomersV3.json: the name that Dataverse lists the entity's virtual table under, in lower case)`
	if got := findings.Error(); got != want {
		t.Errorf("gives %s\n want %s", got, want)
	}
}
