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

// What a flow proposes for a new row may be another system's from then on: it is written with the row, and never after.
func TestAnInitialValueMayBeOfAnotherSystemsField(t *testing.T) {
	b := newBench(t)
	b.edit(t, "POST", "accounts", account)
	p := plan(t, "account-to-fno")
	owners := contract.OwnershipOf(p, plan(t, "customer-to-dataverse"))
	source, err := flow.NewDataverseSource(b.dataverse, p)
	if err != nil {
		t.Fatal(err)
	}
	h, err := flow.New(p, b.links, b.options(), source, flow.Owned(flow.NewFnOTarget(b.finops, p), p, func() (*contract.Ownership, error) { return owners, nil }))
	if err != nil {
		t.Fatal(err)
	}
	const id = "account/d290f1ee-6c54-4b01-90e6-d701748f0901"
	customer := func() []byte {
		row, there := b.FnO().Row("CustomersV3", "usmf", "C-01001")
		if !there {
			t.Fatal("no customer")
		}
		return row.JSON
	}
	play(t, h, []step{{event: occurrence("dataverse.account.created", id, 1, "{}"), want: settle.Delivered("created")}})
	mustHold(t, customer(), `"OrganizationName":"Contoso 1"`, `"CreditLimit":50000`, `"OnHoldStatus":"No"`, `"CustomerGroupId":"10"`)

	b.editFnO(t, "PATCH", "CustomersV3(dataAreaId='usmf',CustomerAccount='C-01001')", `{"CreditLimit":70000}`)
	b.edit(t, "PATCH", "accounts(d290f1ee-6c54-4b01-90e6-d701748f0901)", `{"name":"Contoso Ltd","creditlimit":1,"creditonhold":true}`)
	play(t, h, []step{{event: occurrence("dataverse.account.updated", id, 2, "{}"), want: settle.Delivered("updated")}})
	mustHold(t, customer(), `"OrganizationName":"Contoso Ltd"`, `"CreditLimit":70000`, `"OnHoldStatus":"No"`)
}
