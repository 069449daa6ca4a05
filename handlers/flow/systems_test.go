package flow_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"crosswalk/handlers/flow"
	"crosswalk/local/systems/systemstest"
	"crosswalk/local/systems/traffic"
	"crosswalk/shared/contract"
	"crosswalk/shared/dataverse"
	"crosswalk/shared/fault"
	"crosswalk/shared/finops"
	"crosswalk/shared/link"
	"crosswalk/shared/odata"
	"crosswalk/shared/settle"
)

// bench is the simulated systems with real clients.
type bench struct {
	systemstest.Systems
	dataverse *dataverse.Client
	finops    *finops.Client
	now       time.Time
	links     *link.Memory
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Systems: systemstest.Start(t), now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), links: link.NewMemory()}
	e, o := b.Endpoints(), &odata.Options{Transport: b.Client}
	var err error
	if b.dataverse, err = dataverse.New(e.DataverseHTTPS, b.Credential, o); err != nil {
		t.Fatal(err)
	}
	if b.finops, err = finops.New(e.FnOHTTPS, b.Credential, o); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) options() link.Options {
	return link.Options{Now: func() time.Time { return b.now }}
}

func (b *bench) invoices(t *testing.T) *flow.Handler {
	t.Helper()
	p := plan(t, "invoice-to-dataverse")
	target, err := flow.NewDataverseTarget(b.dataverse, p)
	if err != nil {
		t.Fatal(err)
	}
	h, err := flow.New(p, b.links, b.options(), nil, target)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (b *bench) customers(t *testing.T, change func(*contract.Plan)) *flow.Handler {
	t.Helper()
	p := plan(t, "account-to-fno")
	if change != nil {
		change(p)
	}
	source, err := flow.NewDataverseSource(b.dataverse, p)
	if err != nil {
		t.Fatal(err)
	}
	target := flow.NewFnOTarget(b.finops, p)
	h, err := flow.New(p, b.links, b.options(), source, target)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// methods returns the requests that a system has seen for a set, as methods in order.
func methods(log []traffic.Request, set string) (methods []string) {
	for _, r := range log {
		if strings.Contains(r.Path, "/"+set) {
			methods = append(methods, r.Method)
		}
	}
	return methods
}

func mustHold(t *testing.T, row []byte, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(string(row), w) {
			t.Errorf("the row lacks %s: %s", w, row)
		}
	}
}

func TestInvoiceReachesDataverse(t *testing.T) {
	b := newBench(t)
	h := b.invoices(t)
	invoice := example(t, "invoice-to-dataverse", "posted")
	play(t, h, []step{
		{event: occurrence(posted, "", 2, strings.Replace(invoice, "12450.5", "12450.50", 1)), want: settle.Delivered("created")},
		{event: occurrence(posted, "", 2, invoice), want: settle.NothingToDo("duplicate")},
		{event: occurrence(posted, "", 3, invoice), want: settle.NothingToDo("unchanged")},
		{event: occurrence(posted, "", 4, strings.Replace(invoice, "12450.5", "99999999.99", 1)), want: settle.Delivered("updated")},
		{event: occurrence(posted, "", 1, invoice), want: settle.NothingToDo("late")},
	})
	row, ok := b.Dataverse().Row("invoice", "CIV-000801", "usmf")
	if !ok || len(b.Dataverse().Rows("invoice")) != 1 || row.Writes != 2 {
		t.Fatalf("invoice %v, %d rows, %d writes", ok, len(b.Dataverse().Rows("invoice")), row.Writes)
	}
	account, _ := b.Dataverse().Row("account", "US-001")
	mustHold(t, row.JSON, `99999999.99`, `"_customerid_value":"`+account.Key+`"`, `"duedate":"2026-07-31"`, `"name":"CIV-000801"`)
}

func TestInvoiceThatExistsIsAdoptedAndComparedWithItsLookups(t *testing.T) {
	b := newBench(t)
	invoice := example(t, "invoice-to-dataverse", "posted")
	play(t, b.invoices(t), []step{{event: occurrence(posted, "", 1, invoice), want: settle.Delivered("created")}})
	b.links = link.NewMemory() // the links are lost
	play(t, b.invoices(t), []step{{event: occurrence(posted, "", 1, invoice), want: settle.NothingToDo("unchanged")}})
	if row, _ := b.Dataverse().Row("invoice", "CIV-000801", "usmf"); row.Writes != 1 {
		t.Errorf("%d writes, want 1", row.Writes)
	}
}

func TestMissingReferenceNamesTheContractsField(t *testing.T) {
	b := newBench(t)
	h := b.invoices(t)
	invoice := strings.Replace(example(t, "invoice-to-dataverse", "posted"), "US-001", "US-999", 1)
	e := occurrence(posted, "", 1, invoice)
	play(t, h, []step{{event: e, reason: "reference-missing", field: "customerid"}})
	edit := func(method, path, body string) {
		t.Helper()
		if status, answer := b.Dataverse().Edit(method, path, []byte(body)); status/100 != 2 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	edit("POST", "accounts", `{"accountnumber":"US-999","name":"Late","cw_legalentity":"demf"}`) // another company's customer of that number
	play(t, h, []step{{event: e, reason: "reference-missing", field: "customerid"}})
	edit("PATCH", "accounts(accountnumber='US-999')", `{"cw_legalentity":"usmf"}`)
	play(t, h, []step{{event: e, want: settle.Delivered("created")}})
}

func TestLateAnswerFromDataverse(t *testing.T) {
	b := newBench(t)
	h := b.invoices(t)
	b.Dataverse().Inject(traffic.Fault{Match: traffic.Writes, Cut: true, AfterEffect: true})
	e := occurrence(posted, "", 1, example(t, "invoice-to-dataverse", "posted"))
	_, err := h.Handle(t.Context(), e)
	b.Dataverse().Heal()
	if err == nil {
		// The client sent the same write again, and the answer said that the row exists: that is an end, too.
		t.Log("the client found out by itself")
	} else if f := fault.Of(err); f.Kind != fault.Transient {
		t.Fatalf("error %v", err)
	}
	b.now = b.now.Add(link.Defaults().Claim)
	if _, err := h.Handle(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if n := len(b.Dataverse().Rows("invoice")); n != 1 {
		t.Errorf("%d rows", n)
	}
}

const account = `{"accountid":"d290f1ee-6c54-4b01-90e6-d701748f0901","accountnumber":"C-01001","name":"Contoso 1","creditlimit":50000,"cw_legalentity":"usmf","creditonhold":false,"paymenttermscode":1}`

func (b *bench) edit(t *testing.T, method, path, body string) {
	t.Helper()
	if status, answer := b.Dataverse().Edit(method, path, []byte(body)); status/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

func TestAccountReachesFnO(t *testing.T) {
	b := newBench(t)
	b.edit(t, "POST", "accounts", account)
	h := b.customers(t, nil)
	const id, byID = "account/d290f1ee-6c54-4b01-90e6-d701748f0901", "accounts(d290f1ee-6c54-4b01-90e6-d701748f0901)"
	play(t, h, []step{
		{event: occurrence("dataverse.account.created", id, 1, "{}"), want: settle.Delivered("created")},
		{event: occurrence("dataverse.account.updated", id, 2, "{}"), want: settle.NothingToDo("unchanged")},
	})
	if got := methods(b.FnO().Requests(), "CustomersV3"); !slices.Equal(got, []string{"PATCH", "POST"}) {
		t.Errorf("requests %v", got)
	}
	b.edit(t, "PATCH", byID, `{"telephone1":"+1 555 0123","creditlimit":123456.78,"creditonhold":true}`)
	play(t, h, []step{{event: occurrence("dataverse.account.updated", id, 3, "{}"), want: settle.Delivered("updated")}})
	row, ok := b.FnO().Row("CustomersV3", "usmf", "C-01001")
	if !ok {
		t.Fatal("no customer")
	}
	mustHold(t, row.JSON, `"PrimaryContactPhone":"+1 555 0123"`, `"OrganizationName":"Contoso 1"`)
	mustHold(t, row.JSON, `"CreditLimit":50000`, `"OnHoldStatus":"No"`) // finance's since the customer is there
	if row.Writes != 2 {
		t.Errorf("%d writes, want 2", row.Writes)
	}

	b.edit(t, "PATCH", byID, `{"name":"Contoso"}`)
	if status, answer := b.FnO().Edit("DELETE", "CustomersV3(dataAreaId='usmf',CustomerAccount='C-01001')", nil); status/100 != 2 {
		t.Fatalf("%d %s", status, answer)
	}
	play(t, h, []step{{event: occurrence("dataverse.account.updated", id, 4, "{}"), want: settle.NothingToDo("gone")}})
	if _, back := b.FnO().Row("CustomersV3", "usmf", "C-01001"); back {
		t.Error("an update created a customer again that a user had deleted")
	}
}

func TestCustomerThatAppearsBetweenPatchAndPost(t *testing.T) {
	b := newBench(t)
	b.edit(t, "POST", "accounts", account)
	h := b.customers(t, nil)
	body := []byte(`{"dataAreaId":"usmf","CustomerAccount":"C-01001","OrganizationName":"Typed in","CustomerGroupId":"10","SalesCurrencyCode":"USD"}`)
	created := false
	b.FnO().OnRequest(func(r *http.Request) {
		if r.Method == http.MethodPost && !created {
			created = true
			if status, answer := b.FnO().Edit("POST", "CustomersV3", body); status/100 != 2 {
				t.Errorf("%d %s", status, answer)
			}
		}
	})
	play(t, h, []step{{event: occurrence("dataverse.account.created", "account/d290f1ee-6c54-4b01-90e6-d701748f0901", 1, "{}"), want: settle.Delivered("updated")}})
	if got := methods(b.FnO().Requests(), "CustomersV3"); !slices.Equal(got, []string{"PATCH", "POST", "PATCH"}) {
		t.Errorf("requests %v", got)
	}
	row, _ := b.FnO().Row("CustomersV3", "usmf", "C-01001")
	mustHold(t, row.JSON, `"OrganizationName":"Contoso 1"`)
}

func TestDeletedAccountDeletesTheCustomer(t *testing.T) {
	b := newBench(t)
	b.edit(t, "POST", "accounts", strings.Replace(account, "C-01001", "C/%1", 1)) // a key that must be escaped
	h := b.customers(t, func(p *contract.Plan) { p.Delete = contract.DeleteRow })
	const id = "account/d290f1ee-6c54-4b01-90e6-d701748f0901"
	play(t, h, []step{{event: occurrence("dataverse.account.created", id, 1, "{}"), want: settle.Delivered("created")}})
	if _, ok := b.FnO().Row("CustomersV3", "usmf", "C/%1"); !ok {
		t.Fatal("no customer")
	}
	b.edit(t, "DELETE", "accounts(d290f1ee-6c54-4b01-90e6-d701748f0901)", "")
	play(t, h, []step{{event: occurrence("dataverse.account.deleted", id, 2, "{}"), want: settle.Delivered("deleted")}})
	if _, ok := b.FnO().Row("CustomersV3", "usmf", "C/%1"); ok {
		t.Error("the customer is still there")
	}
}

func TestThrottledFnOFreesTheRecord(t *testing.T) {
	b := newBench(t)
	b.edit(t, "POST", "accounts", account)
	h := b.customers(t, nil)
	e := occurrence("dataverse.account.created", "account/d290f1ee-6c54-4b01-90e6-d701748f0901", 1, "{}")
	remove := b.FnO().ThrottleNext(0, 7*time.Second)
	_, err := h.Handle(t.Context(), e)
	remove()
	if f := fault.Of(err); f == nil || f.Kind != fault.Throttled || f.After != 7*time.Second {
		t.Fatalf("error %v", err)
	}
	play(t, h, []step{{event: e, want: settle.Delivered("created")}})
}

// TestHangingFnO holds that a write without an answer is neither lost nor done twice.
func TestHangingFnO(t *testing.T) {
	for name, f := range map[string]traffic.Fault{
		"cut before the effect": {Match: traffic.Method(http.MethodPost), Cut: true},
		"cut after the effect":  {Match: traffic.Method(http.MethodPost), Cut: true, AfterEffect: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.edit(t, "POST", "accounts", account)
			h := b.customers(t, nil)
			e := occurrence("dataverse.account.created", "account/d290f1ee-6c54-4b01-90e6-d701748f0901", 1, "{}")
			b.FnO().Inject(f)
			play(t, h, []step{{event: e, reason: "outcome-unknown"}})
			b.FnO().Heal()
			play(t, h, []step{{event: e, reason: "claimed"}})
			b.now = b.now.Add(link.Defaults().Claim)
			want := settle.Delivered("created")
			if f.AfterEffect {
				want = settle.NothingToDo("unchanged")
			}
			play(t, h, []step{{event: e, want: want}})
			if row, ok := b.FnO().Row("CustomersV3", "usmf", "C-01001"); !ok || row.Writes != 1 {
				t.Errorf("customer %v, %d writes", ok, row.Writes)
			}
		})
	}
}
