package flow_test

import (
	"strings"
	"testing"

	"crosswalk/handlers/flow"
	"crosswalk/shared/settle"
)

// An order points to its customer's account through the link: it waits until the customer has come over, and finds the account
// whatever its number in Dataverse is by then.
func TestLookupThroughALink(t *testing.T) {
	b := newBench(t)
	p := changed(t, "order-to-dataverse", "  customerid:", "  customerid: {from: [dataAreaId, InvoiceCustomerAccountNumber], link: {pair: customer-account, entity: account}, blank: reject}")
	source, err := flow.NewFnOSource(b.finops, p)
	if err != nil {
		t.Fatal(err)
	}
	target, err := flow.NewDataverseTarget(b.dataverse, p)
	if err != nil {
		t.Fatal(err)
	}
	orders, err := flow.New(p, b.links, b.options(), source, target)
	if err != nil {
		t.Fatal(err)
	}
	customers := b.accounts(t, nil)
	b.editFnO(t, "POST", "CustomersV3", `{"dataAreaId":"usmf","CustomerAccount":"C/1","OrganizationName":"One","CustomerGroupId":"10","SalesCurrencyCode":"USD"}`)
	b.editFnO(t, "POST", "SalesOrderHeadersV2", `{"dataAreaId":"usmf","SalesOrderNumber":"SO-77","SalesOrderName":"one","OrderingCustomerAccountNumber":"C/1","InvoiceCustomerAccountNumber":"c/1","CurrencyCode":"USD"}`)
	const kind, subject = "fno.salesorderheaderv2entity.created", "SalesOrderHeadersV2/usmf/SO-77"
	play(t, orders, []step{{event: occurrence(kind, subject, 1, "{}"), reason: "reference-missing", field: "customerid"}})
	play(t, customers, []step{{event: occurrence("fno.custcustomerv3entity.created", "CustomersV3/usmf/C%2F1", 1, "{}"), want: settle.Delivered("created")}})
	play(t, orders, []step{
		{event: occurrence(kind, subject, 2, "{}"), want: settle.Delivered("created")},
		{event: occurrence(kind, subject, 3, "{}"), want: settle.NothingToDo("unchanged")},
	})
	account, ok := b.Dataverse().Row("account", "usmf", "C/1")
	if !ok {
		t.Fatal("no account")
	}
	order, ok := b.Dataverse().Row("salesorder", "SO-77", "usmf")
	if !ok {
		t.Fatal("no order")
	}
	mustHold(t, order.JSON, `"_customerid_value":"`+strings.ToLower(account.Key)+`"`)
}
