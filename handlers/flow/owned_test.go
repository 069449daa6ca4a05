package flow_test

import (
	"testing"

	"crosswalk/handlers/flow"
	"crosswalk/shared/contract"
	"crosswalk/shared/link"
	"crosswalk/shared/settle"
)

// A contract that was changed after its check claims a field that another contract gives to sales: nothing of the record is
// written, and once the contract is right again everything is.
func TestFieldOfAnotherSystemIsNeverWritten(t *testing.T) {
	b := newBench(t)
	tampered := changed(t, "customer-to-dataverse", "  telephone1:", "  telephone1: {value: \"0\"}")
	for _, tt := range []struct {
		owners *contract.Ownership
		want   step
	}{
		{contract.OwnershipOf(plan(t, "customer-to-dataverse"), tampered), step{reason: "not-owner", field: "telephone1"}},
		{contract.OwnershipOf(tampered, plan(t, "vendor-to-dataverse")), step{want: settle.Delivered("created")}},
	} {
		source, err := flow.NewFnOSource(b.finops, tampered)
		if err != nil {
			t.Fatal(err)
		}
		target, err := flow.NewDataverseTarget(b.dataverse, tampered)
		if err != nil {
			t.Fatal(err)
		}
		h, err := flow.New(tampered, link.NewMemory(), b.options(), source, flow.Owned(target, tampered, func() (*contract.Ownership, error) { return tt.owners, nil }))
		if err != nil {
			t.Fatal(err)
		}
		if _, there := b.FnO().Row("CustomersV3", "usmf", "C-9"); !there {
			b.editFnO(t, "POST", "CustomersV3", `{"dataAreaId":"usmf","CustomerAccount":"C-9","OrganizationName":"Nine","CustomerGroupId":"10","SalesCurrencyCode":"USD"}`)
		}
		tt.want.event = occurrence("fno.custcustomerv3entity.created", "CustomersV3/usmf/C-9", 1, "{}")
		play(t, h, []step{tt.want})
		_, there := b.Dataverse().Row("account", "usmf", "C-9")
		if there != (tt.want.reason == "") {
			t.Errorf("%s: the account is there: %v", tt.want.reason, there)
		}
	}
}
