package flow_test

import (
	"testing"

	"crosswalk/handlers/flow"
	"crosswalk/shared/contract"
	"crosswalk/shared/settle"
)

// accounts is the handler of customer-to-dataverse on the simulated systems.
func (b *bench) accounts(t *testing.T, change func(*contract.Plan)) *flow.Handler {
	t.Helper()
	return b.fromFnO(t, "customer-to-dataverse", change)
}

// fromFnO is the handler of a flow from F&O's rows to Dataverse.
func (b *bench) fromFnO(t *testing.T, function string, change func(*contract.Plan)) *flow.Handler {
	t.Helper()
	p := plan(t, function)
	if change != nil {
		change(p)
	}
	source, err := flow.NewFnOSource(b.finops, p)
	if err != nil {
		t.Fatal(err)
	}
	target, err := flow.NewDataverseTarget(b.dataverse, p)
	if err != nil {
		t.Fatal(err)
	}
	h, err := flow.New(p, b.links, b.options(), source, target)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (b *bench) editFnO(t *testing.T, method, path, body string) {
	t.Helper()
	if status, answer := b.FnO().Edit(method, path, []byte(body)); status/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

// A row of F&O is read by the key in the subject, of whatever company, and is gone when F&O has no row of that key.
func TestCustomerReachesDataverse(t *testing.T) {
	b := newBench(t)
	h := b.accounts(t, nil)
	const kind, row = "fno.custcustomerv3entity.updated", "CustomersV3(dataAreaId='demf',CustomerAccount='O''Neil%20%2F%201')"
	b.editFnO(t, "POST", "CustomersV3", `{"dataAreaId":"demf","CustomerAccount":"O'Neil / 1","OrganizationName":"O'Neil","CustomerGroupId":"10","SalesCurrencyCode":"EUR","CreditLimit":1}`)
	play(t, h, []step{
		{event: occurrence(kind, "CustomersV3/demf/O'Neil %2F 1", 1, "{}"), want: settle.Delivered("created")},
		{event: occurrence(kind, "CustomersV3/DEMF/o'neil %2F 1", 2, "{}"), want: settle.NothingToDo("unchanged")},
		{event: occurrence(kind, "CustomersV3/usmf/O'Neil %2F 1", 3, "{}"), want: settle.NothingToDo("gone")},
		{event: occurrence(kind, "mserp_custcustomerv3entity/00004951-0000-0000-5e1a-005001000000", 4, "{}"), reason: "bad-value", field: "subject"},
		{event: occurrence(kind, "CustomersV3/demf", 5, "{}"), reason: "bad-value", field: "subject"},
	})
	b.editFnO(t, "PATCH", row, `{"CreditLimit":2.5,"OrganizationName":"finance's spelling"}`)
	play(t, h, []step{{event: occurrence(kind, "CustomersV3/demf/O'Neil %2F 1", 6, "{}"), want: settle.Delivered("updated")}})
	account, ok := b.Dataverse().Row("account", "demf", "O'Neil / 1")
	if !ok {
		t.Fatal("no account")
	}
	mustHold(t, account.JSON, `"creditlimit":2.5`, `"name":"O'Neil"`) // the name is sales' own since the account is there
	b.editFnO(t, "DELETE", row, "")
	play(t, h, []step{{event: occurrence("fno.custcustomerv3entity.deleted", "CustomersV3/demf/O'Neil %2F 1", 7, "{}"), want: settle.NothingToDo("ignored")}})
	if account, _ = b.Dataverse().Row("account", "demf", "O'Neil / 1"); account.JSON == nil || account.Writes != 2 {
		t.Errorf("%d writes of %s, want 2 and the account still there", account.Writes, account.JSON)
	}
}

// Where the contract says so, a delete in F&O deletes the row in Dataverse.
func TestDeletedInFnO(t *testing.T) {
	b := newBench(t)
	h := b.accounts(t, func(p *contract.Plan) { p.Delete = contract.DeleteRow })
	const subject = "CustomersV3/usmf/C-1"
	b.editFnO(t, "POST", "CustomersV3", `{"dataAreaId":"usmf","CustomerAccount":"C-1","OrganizationName":"One","CustomerGroupId":"10","SalesCurrencyCode":"USD"}`)
	play(t, h, []step{{event: occurrence("fno.custcustomerv3entity.created", subject, 1, "{}"), want: settle.Delivered("created")}})
	b.editFnO(t, "DELETE", "CustomersV3(dataAreaId='usmf',CustomerAccount='C-1')", "")
	play(t, h, []step{
		{event: occurrence("fno.custcustomerv3entity.updated", subject, 2, "{}"), want: settle.NothingToDo("gone")},
		// F&O takes keys that differ in case for the same, so must the link.
		{event: occurrence("fno.custcustomerv3entity.deleted", "CustomersV3/USMF/c-1", 3, "{}"), want: settle.Delivered("deleted")},
	})
	if _, there := b.Dataverse().Row("account", "usmf", "C-1"); there {
		t.Error("the account is still there")
	}
}

// A GUID looks like the key of an entity whose key is one text, so the subject's first part must tell them apart: taken for a
// product's number it would make every change of a product look like one that is gone.
func TestGUIDIsNoProductNumber(t *testing.T) {
	b := newBench(t)
	b.editFnO(t, "POST", "ProductsV2", `{"ProductNumber":"0042","ProductName":"Speaker"}`)
	play(t, b.fromFnO(t, "product-to-dataverse", nil), []step{
		{event: occurrence("fno.ecoresproductv2entity.created", "mserp_ecoresproductv2entity/00004951-0000-0000-5e1a-005001000000", 1, "{}"), reason: "bad-value", field: "subject"},
		{event: occurrence("fno.ecoresproductv2entity.created", "ProductsV2/0042", 2, "{}"), want: settle.Delivered("created")},
	})
}
