package flow_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/shared/contract"
	"crosswalk/shared/settle"
)

// changed loads a function's contract with one line of it replaced; old is the line's beginning.
func changed(t *testing.T, function, old, line string) *contract.Plan {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "functions", function, "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), "\n"+old)
	if !found {
		t.Fatalf("%s has no line %s", function, old)
	}
	_, after, _ := strings.Cut(rest, "\n")
	p, findings := contract.Parse("contract.yaml", function, []byte(before+"\n"+line+"\n"+after))
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return p
}

// A customer that is deleted in F&O leaves its account inactive; one that comes back under the same number takes it over.
func TestDeletedCustomerDeactivatesTheAccount(t *testing.T) {
	b := newBench(t)
	p := changed(t, "customer-to-dataverse", "delete:", "delete: {deactivate: {statecode: 1, statuscode: 2}}")
	h := b.accounts(t, func(plan *contract.Plan) { *plan = *p })
	const subject, customer = "CustomersV3/usmf/C-1", `{"dataAreaId":"usmf","CustomerAccount":"C-1","OrganizationName":"One","CustomerGroupId":"10","SalesCurrencyCode":"USD"}`
	b.editFnO(t, "POST", "CustomersV3", customer)
	play(t, h, []step{{event: occurrence("fno.custcustomerv3entity.created", subject, 1, "{}"), want: settle.Delivered("created")}})
	b.editFnO(t, "DELETE", "CustomersV3(dataAreaId='usmf',CustomerAccount='C-1')", "")
	play(t, h, []step{
		{event: occurrence("fno.custcustomerv3entity.deleted", subject, 2, "{}"), want: settle.Delivered("deactivated")},
		{event: occurrence("fno.custcustomerv3entity.deleted", subject, 2, "{}"), want: settle.NothingToDo("gone")},
	})
	account, there := b.Dataverse().Row("account", "usmf", "C-1")
	if !there || account.Writes != 2 {
		t.Fatalf("there %v, %d writes", there, account.Writes)
	}
	mustHold(t, account.JSON, `"statecode":1`, `"statuscode":2`, `"name":"One"`)

	b.editFnO(t, "POST", "CustomersV3", strings.Replace(customer, `"SalesCurrencyCode"`, `"CreditLimit":7,"SalesCurrencyCode"`, 1))
	play(t, h, []step{{event: occurrence("fno.custcustomerv3entity.created", subject, 3, "{}"), want: settle.Delivered("updated")}})
	count := 0
	for _, row := range b.Dataverse().Rows("account") {
		count += strings.Count(string(row.JSON), `"accountnumber":"C-1"`)
	}
	if count != 1 {
		t.Errorf("%d accounts C-1", count)
	}
}

// F&O has no state column: the contract names what says that a customer is no longer in use.
func TestDeletedAccountBlocksTheCustomer(t *testing.T) {
	b := newBench(t)
	p := changed(t, "account-to-fno", "delete:", "delete: {deactivate: {SalesMemo: closed by sales}}")
	b.edit(t, "POST", "accounts", account)
	h := b.customers(t, func(plan *contract.Plan) { *plan = *p })
	const id = "account/d290f1ee-6c54-4b01-90e6-d701748f0901"
	play(t, h, []step{{event: occurrence("dataverse.account.created", id, 1, "{}"), want: settle.Delivered("created")}})
	b.edit(t, "DELETE", "accounts(d290f1ee-6c54-4b01-90e6-d701748f0901)", "")
	play(t, h, []step{{event: occurrence("dataverse.account.deleted", id, 2, "{}"), want: settle.Delivered("deactivated")}})
	row, ok := b.FnO().Row("CustomersV3", "usmf", "C-01001")
	if !ok {
		t.Fatal("the customer is gone")
	}
	mustHold(t, row.JSON, `"SalesMemo":"closed by sales"`)
}
