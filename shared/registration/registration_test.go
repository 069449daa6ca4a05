package registration_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crosswalk/shared/contract"
	"crosswalk/shared/eventtype"
	"crosswalk/shared/registration"
	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

const customer = `
purpose: A customer is an account.
team: sales
pair: customer-account
from: {system: dataverse, entity: account, event: EVENT, state: row}
to: {system: fno, entity: CustomersV3, key: [dataAreaId, CustomerAccount]}
owner: dataverse
fields:
  dataAreaId: {from: cw_legalentity, case: lower, blank: reject}
  CustomerAccount: {from: accountnumber, blank: reject}
  CustomerGroupId: {value: "10", initial: true, owner: fno}
  SalesCurrencyCode: {value: USD, initial: true, owner: fno}
  OrganizationName: {from: COLUMN, blank: reject, longer: cut}
delete: DELETE
`

const invoice = `
purpose: An invoice is seen by sales.
team: finance
pair: invoice
from: {system: fno, entity: SalesInvoicePostedBusinessEvent, event: fno.SalesInvoicePosted, state: event}
to: {system: dataverse, entity: invoice, key: [invoicenumber, cw_legalentity]}
owner: fno
tables:
  price-list: {usmf: USD list}
  currency: {usmf: USD}
fields:
  invoicenumber: {from: InvoiceId, blank: reject, longer: reject}
  cw_legalentity: {from: LegalEntity, case: lower, blank: reject, longer: reject}
  name: {from: InvoiceId, blank: reject, longer: reject}
  customerid: {from: InvoiceAccount, reference: {entity: account, key: accountnumber}, blank: reject, longer: reject}
  transactioncurrencyid: {from: LegalEntity, case: lower, table: currency, other: reject, reference: isocurrencycode, blank: reject}
  pricelevelid: {from: LegalEntity, case: lower, table: price-list, other: reject, reference: name, blank: reject}
delete: ignore
`

// project writes contracts and reads what they need.
func project(t *testing.T, contracts map[string]string) *registration.Needs {
	t.Helper()
	root := t.TempDir()
	for name, text := range contracts {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "contract.yaml"), []byte(strings.TrimPrefix(text, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n, err := registration.Read(root, topology.Default(), schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func account(event, column, onDelete string) string {
	return strings.NewReplacer("EVENT", event, "COLUMN", column, "DELETE", onDelete).Replace(customer)
}

// Steps are those that the contracts need, once each: a step too many is an event too many for every flow.
func TestSteps(t *testing.T) {
	read := []string{"accountnumber", "cw_legalentity", "name"}
	for _, test := range []struct {
		name      string
		contracts map[string]string
		want      []registration.Step
	}{
		{"all changes", map[string]string{"a": account("dataverse.account.*", "name", "reject")}, []registration.Step{
			{Table: "account", Message: "Create", Flows: []string{"a"}}, {Table: "account", Message: "Delete", Flows: []string{"a"}},
			{Table: "account", Message: "Update", Flows: []string{"a"}, Attributes: read}}},
		{"deletes are ignored", map[string]string{"a": account("dataverse.account.*", "name", "ignore")}, []registration.Step{
			{Table: "account", Message: "Create", Flows: []string{"a"}}, {Table: "account", Message: "Update", Flows: []string{"a"}, Attributes: read}}},
		{"one change", map[string]string{"a": account("dataverse.account.updated", "name", "reject")}, []registration.Step{
			{Table: "account", Message: "Update", Flows: []string{"a"}, Attributes: read}}},
		{"two flows share a step", map[string]string{"a": account("dataverse.account.updated", "name", "reject"), "b": account("dataverse.account.updated", "telephone1", "reject")},
			[]registration.Step{{Table: "account", Message: "Update", Flows: []string{"a", "b"}, Attributes: append(slices.Clone(read), "telephone1")}}},
		{"the id is read", map[string]string{"a": account("dataverse.account.updated", "accountid", "reject")}, []registration.Step{
			{Table: "account", Message: "Update", Flows: []string{"a"}, Attributes: []string{"accountnumber", "cw_legalentity"}}}},
		{"an image of all that is mapped", map[string]string{"a": strings.Replace(account("dataverse.account.*", "name", "reject"), "state: row", "state: image", 1)}, []registration.Step{
			{Table: "account", Message: "Create", Flows: []string{"a"}, Image: read}, {Table: "account", Message: "Delete", Flows: []string{"a"}},
			{Table: "account", Message: "Update", Flows: []string{"a"}, Attributes: read, Image: read}}},
		{"none", map[string]string{"i": invoice}, nil},
	} {
		if diff := cmp.Diff(test.want, project(t, test.contracts).Steps); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}
}

func TestEventsAndAccess(t *testing.T) {
	n := project(t, map[string]string{"a": account("dataverse.account.*", "name", "delete"), "i": invoice})
	if diff := cmp.Diff([]registration.BusinessEvent{{ID: "SalesInvoicePostedBusinessEvent", Flows: []string{"i"}}}, n.BusinessEvents); diff != "" {
		t.Error(diff)
	}
	var fno, dataverse bytes.Buffer
	n.WriteFnO(&fno, registration.Environment{Endpoint: "crosswalk", LegalEntities: []string{"usmf", "demf"}, ServiceBus: "contoso.servicebus.windows.net"})
	n.WriteDataverse(&dataverse, registration.Environment{Endpoint: "crosswalk", DataverseSecret: "dataverse-send"})
	for _, test := range []struct {
		text *bytes.Buffer
		want []string
	}{
		{&fno, []string{"CustomersV3 read, create, update, delete (a)", "Queue name fno-events (namespace contoso.servicebus.windows.net)", "usmf, demf", "SalesInvoicePostedBusinessEvent needed by i",
			"<client id of the application, ENTRA_CLIENT_ID>"}},
		{&dataverse, []string{"account read, append to (a, i)", "invoice read, create, update, append (i)", "pricelevel read, append to (i)", "Queue name dataverse-events", "secret dataverse-send",
			"filtering attributes: accountnumber, cw_legalentity, name"}},
	} {
		text := strings.Join(strings.Fields(test.text.String()), " ")
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing in\n%s", want, test.text)
			}
		}
	}
}

// Whatever the project's contracts are, each event that starts one is asked for.
func TestEveryContractOfTheProject(t *testing.T) {
	const root = "../../functions"
	n, err := registration.Read(root, topology.Default(), schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(root, "*", "contract.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no contract", err)
	}
	for _, path := range paths {
		plan, err := contract.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		rule := topology.Rule{Type: plan.From.Event}
		for _, e := range n.BusinessEvents {
			if slices.Contains(e.Flows, plan.Name) && (e.Begins || rule.Matches(eventtype.BusinessEvent(e.ID), "")) {
				asked++
			}
		}
		for _, e := range n.DataEvents {
			for range e.Changes {
				if slices.Contains(e.Flows, plan.Name) {
					asked++
				}
			}
		}
		for _, s := range n.Steps {
			kind, _ := eventtype.Execution(s.Table, strings.ToLower(s.Message))
			if slices.Contains(s.Flows, plan.Name) && rule.Matches(kind, "") {
				asked++
			}
		}
		if asked == 0 {
			t.Errorf("%s: nothing sends %s", plan.Name, plan.From.Event)
		}
	}
}

func TestNoContracts(t *testing.T) {
	if _, err := registration.Read(t.TempDir(), topology.Default(), schema.BuiltIn()); err == nil || !strings.Contains(err.Error(), "no contract") {
		t.Error(err)
	}
}
