package flow_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"crosswalk/handlers/flow"
	table "crosswalk/local/systems/rows"
	"crosswalk/local/systems/traffic"
	"crosswalk/shared/contract"
	"crosswalk/shared/fault"
	"crosswalk/shared/link"
	"crosswalk/shared/schema"
	"crosswalk/shared/settle"
)

// invoiceHeaders is F&O's entity of posted invoices, whose key has a day in it.
const invoiceHeaders = `{"system":"fno","entity":"SalesInvoiceHeadersV2","set":"SalesInvoiceHeadersV2","primaryKey":["dataAreaId","InvoiceNumber","InvoiceDate","LedgerVoucher"],"alternateKeys":[],"columns":{
	"dataAreaId":{"type":"String","maxLength":4},"InvoiceNumber":{"type":"String","maxLength":20},"InvoiceDate":{"type":"DateTimeOffset","notNull":true,"dateOnly":true},"LedgerVoucher":{"type":"String","maxLength":20},
	"CustomersOrderReference":{"type":"String","maxLength":60}}}`

// keyedPlan is a contract against schemas in which the table invoice has one alternate key more.
func keyedPlan(t *testing.T, invoiceKey, text string) *contract.Plan {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("..", "..", "shared", "schema"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "dataverse", "invoice.json")
	invoice, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if invoiceKey != "" {
		invoice = []byte(strings.Replace(string(invoice), `"alternateKeys": [`, `"alternateKeys": [`+invoiceKey+`, `, 1))
	}
	for name, text := range map[string]string{file: string(invoice), filepath.Join(folder, "fno", "SalesInvoiceHeadersV2.json"): invoiceHeaders, filepath.Join(folder, "keyed", "contract.yaml"): text} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	schemas, err := schema.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	p, err := contract.LoadAgainst(filepath.Join(folder, "keyed", "contract.yaml"), schemas)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// keyedInvoice is a contract that writes posted invoices under a key.
func keyedInvoice(key, fields string) string {
	return `purpose: p
team: t
pair: keyed
owner: fno
from: {system: fno, entity: SalesInvoicePostedBusinessEvent, event: fno.SalesInvoicePosted, state: event}
to: {system: dataverse, entity: invoice, key: [` + key + `]}
fields:
  name: {from: InvoiceId, blank: reject, longer: reject}
  transactioncurrencyid: {value: USD, reference: isocurrencycode}
  invoicenumber: {from: InvoiceId, blank: reject, longer: reject}
  pricelevelid: {value: USD list, reference: name}
  cw_legalentity: {from: LegalEntity, case: lower, blank: reject}
  customerid: {from: InvoiceAccount, reference: {entity: account, key: accountnumber, and: {cw_legalentity: cw_legalentity}}, blank: reject, longer: reject}
  totalamount: {from: InvoiceAmountInAccountingCurrency, blank: reject}
` + fields
}

const keyedEvent = `{"BusinessEventId":"SalesInvoicePostedBusinessEvent","EventId":"5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30","EventTimeIso8601":"2026-07-01T16:53:19.0000000Z","EventTime":"/Date(1782924799000)/",` +
	`"InvoiceAccount":"US-001","InvoiceId":"CIV'7","LegalEntity":"usmf","InvoiceDate":"/Date(1782864000000)/","InvoiceAmountInAccountingCurrency":10,"ControlNumber":7}`

// Rows of Dataverse are created once and found again by keys of every kind that an integration may define.
func TestDataverseRowsAreFoundByEachKindOfKey(t *testing.T) {
	for _, test := range []struct {
		name, key, fields string
		columns           []string
		// requests are those that look for the row by its key, "" where it is known by its id.
		request string
	}{
		{"a lookup and a text", "customerid, invoicenumber", "", []string{"customerid", "invoicenumber"},
			"invoices(_customerid_value=acc00000-0000-4000-8000-000000000001,invoicenumber='CIV%27%277')"},
		{"a day and a text", "datedelivered, invoicenumber", "  datedelivered: {from: InvoiceDate, blank: reject}\n", []string{"datedelivered", "invoicenumber"},
			"invoices(datedelivered=2026-07-01,invoicenumber='CIV%27%277')"},
		{"an instant, by a filter because of its colons", "lastbackofficesubmit", "  lastbackofficesubmit: {from: EventTimeIso8601, blank: reject}\n", []string{"lastbackofficesubmit"}, "invoices"},
		{"an option and a text", "shippingmethodcode, invoicenumber", "  shippingmethodcode: {value: 2}\n", []string{"shippingmethodcode", "invoicenumber"},
			"invoices(shippingmethodcode=2,invoicenumber='CIV%27%277')"},
		{"the row's own id", "invoiceid", "  invoiceid: {from: EventId, blank: reject}\n", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t)
			defined := ""
			if test.columns != nil {
				if err := b.Dataverse().DefineKey("invoice", test.columns...); err != nil {
					t.Fatal(err)
				}
				defined = `["` + strings.Join(test.columns, `", "`) + `"]`
			}
			p := keyedPlan(t, defined, keyedInvoice(test.key, test.fields))
			target, err := flow.NewDataverseTarget(b.dataverse, p)
			if err != nil {
				t.Fatal(err)
			}
			run := func(n int, data string, want settle.Outcome) {
				t.Helper()
				b.links = link.NewMemory() // nothing is known but the key
				h, err := flow.New(p, b.links, b.options(), nil, target)
				if err != nil {
					t.Fatal(err)
				}
				play(t, h, []step{{event: occurrence(posted, "", n, data), want: want}})
			}
			run(1, keyedEvent, settle.Delivered("created"))
			run(2, strings.Replace(keyedEvent, "Currency\":10", "Currency\":11", 1), settle.Delivered("updated"))
			all := b.Dataverse().Rows("invoice")
			if len(all) != 1 {
				t.Fatalf("%d rows", len(all))
			}
			mustHold(t, all[0].JSON, `"totalamount":11`, `"name":"CIV'7"`)
			if test.request == "" {
				if all[0].Key != "5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30" {
					t.Errorf("the row's id is %s", all[0].Key)
				}
				return
			}
			asked := func(r traffic.Request) bool {
				return r.Method == "GET" && r.Path == "/api/data/v9.2/"+test.request && r.Status/100 != 5 && r.Status != 400
			}
			if log := b.Dataverse().Requests(); !slices.ContainsFunc(log, asked) {
				t.Errorf("nothing asked for %s: %v", test.request, log)
			}
		})
	}
}

// A row whose key holds a lookup waits for the row that it points to.
func TestAKeysLookupIsWaitedFor(t *testing.T) {
	b := newBench(t)
	if err := b.Dataverse().DefineKey("invoice", "customerid", "invoicenumber"); err != nil {
		t.Fatal(err)
	}
	p := keyedPlan(t, `["customerid", "invoicenumber"]`, keyedInvoice("customerid, invoicenumber", ""))
	target, err := flow.NewDataverseTarget(b.dataverse, p)
	if err != nil {
		t.Fatal(err)
	}
	h, err := flow.New(p, b.links, b.options(), nil, target)
	if err != nil {
		t.Fatal(err)
	}
	e := occurrence(posted, "", 1, strings.Replace(keyedEvent, "US-001", "US-999", 1))
	play(t, h, []step{{event: e, reason: "reference-missing", field: "customerid"}})
	if status, answer := b.Dataverse().Edit("POST", "accounts", []byte(`{"accountnumber":"US-999","name":"Late","cw_legalentity":"usmf"}`)); status/100 != 2 {
		t.Fatalf("%d %s", status, answer)
	}
	play(t, h, []step{{event: e, want: settle.Delivered("created")}})
}

// A row of F&O whose key has a day is created, found and changed under it; F&O shows the day as its noon.
func TestFnORowIsFoundByAKeyWithADay(t *testing.T) {
	b := newBench(t)
	p := keyedPlan(t, "", `purpose: p
team: t
pair: keyed
owner: dataverse
from: {system: dataverse, entity: invoice, event: dataverse.invoice.*, state: row}
to: {system: fno, entity: SalesInvoiceHeadersV2, key: [dataAreaId, InvoiceNumber, InvoiceDate, LedgerVoucher]}
fields:
  dataAreaId: {from: cw_legalentity, case: lower, blank: reject}
  InvoiceNumber: {from: invoicenumber, blank: reject, longer: reject}
  InvoiceDate: {from: duedate, blank: reject}
  LedgerVoucher: {value: O'V/1}
  CustomersOrderReference: {from: name, longer: cut}
`)
	source, err := flow.NewDataverseSource(b.dataverse, p)
	if err != nil {
		t.Fatal(err)
	}
	target := flow.NewFnOTarget(b.finops, p)
	const id = "11111111-2222-4333-8444-555555555555"
	edit := func(method, path, body string) {
		t.Helper()
		if status, answer := b.Dataverse().Edit(method, path, []byte(body)); status/100 != 2 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	edit("POST", "invoices", `{"invoiceid":"`+id+`","invoicenumber":"7/'8","cw_legalentity":"usmf","name":"first","duedate":"2026-07-01","customerid_account@odata.bind":"/accounts(acc00000-0000-4000-8000-000000000001)","pricelevelid@odata.bind":"/pricelevels(name='USD list')"}`)
	run := func(n int, want settle.Outcome) {
		t.Helper()
		h, err := flow.New(p, b.links, b.options(), source, target)
		if err != nil {
			t.Fatal(err)
		}
		play(t, h, []step{{event: occurrence("dataverse.invoice.updated", "invoice/"+id, n, "{}"), want: want}})
	}
	run(1, settle.Delivered("created"))
	edit("PATCH", "invoices("+id+")", `{"name":"second"}`)
	run(2, settle.Delivered("updated"))
	row, ok := b.FnO().Row("SalesInvoiceHeadersV2", "usmf", "7/'8", "2026-07-01T12:00:00Z", "O'V/1")
	if !ok {
		t.Fatal("there is no such row")
	}
	mustHold(t, row.JSON, `"InvoiceDate":"2026-07-01T12:00:00Z"`, `"CustomersOrderReference":"second"`)
	const address = "/data/SalesInvoiceHeadersV2(dataAreaId='usmf',InvoiceNumber='7%2F%27%278',InvoiceDate=2026-07-01T12%3A00%3A00Z,LedgerVoucher='O%27%27V%2F1')"
	if log := b.FnO().Requests(); !slices.ContainsFunc(log, func(r traffic.Request) bool { return r.Method == "PATCH" && r.Path == address && r.Status/100 == 2 }) {
		t.Errorf("nothing changed %s: %v", address, log)
	}
	b.links = link.NewMemory()
	run(3, settle.Delivered("updated")) // found by its key alone; F&O's rows are written without being read
	if got := len(b.FnO().Rows("SalesInvoiceHeadersV2")); got != 1 {
		t.Errorf("%d rows", got)
	}
}

// Two flows that a fixed value in their keys keeps apart each write a row of their own under one number, and own the same column
// there.
func TestFlowsKeepToTheirOwnRows(t *testing.T) {
	b := newBench(t)
	if err := b.Dataverse().DefineKey("invoice", "shippingmethodcode", "invoicenumber"); err != nil {
		t.Fatal(err)
	}
	var plans []*contract.Plan
	for _, method := range []string{"2", "4"} {
		text := keyedInvoice("shippingmethodcode, invoicenumber", "  shippingmethodcode: {value: "+method+"}\n")
		plans = append(plans, keyedPlan(t, `["shippingmethodcode", "invoicenumber"]`, strings.Replace(text, "pair: keyed", "pair: keyed-"+method, 1)))
	}
	owners := contract.OwnershipOf(plans...)
	for n, total := range []string{"10", "20", "30"} {
		p := plans[n%2]
		target, err := flow.NewDataverseTarget(b.dataverse, p)
		if err != nil {
			t.Fatal(err)
		}
		h, err := flow.New(p, b.links, b.options(), nil, flow.Owned(target, p, func() (*contract.Ownership, error) { return owners, nil }))
		if err != nil {
			t.Fatal(err)
		}
		want := settle.Delivered("created")
		if n == 2 {
			want = settle.Delivered("updated")
		}
		e := strings.Replace(keyedEvent, "Currency\":10", "Currency\":"+total, 1)
		if n == 1 { // invoices have a key of number and legal entity too
			e = strings.NewReplacer("usmf", "demf", "US-001", "DE-001").Replace(e)
		}
		play(t, h, []step{{event: occurrence(posted, "", n+1, e), want: want}})
	}
	for method, total := range map[string]string{"2": "30", "4": "20"} {
		i := slices.IndexFunc(b.Dataverse().Rows("invoice"), func(r table.Row) bool { return strings.Contains(string(r.JSON), `"shippingmethodcode":`+method) })
		if i < 0 {
			t.Fatalf("there is no invoice %s", method)
		}
		mustHold(t, b.Dataverse().Rows("invoice")[i].JSON, `"totalamount":`+total, `"invoicenumber":"CIV'7"`)
	}
}

// A row that another alternate key of the table forbids is given up with that key's name, and comes through once the rows that
// collide there are mended.
func TestAnotherKeyOfTheTableIsNamed(t *testing.T) {
	b := newBench(t)
	if err := b.Dataverse().DefineKey("invoice", "lastbackofficesubmit"); err != nil {
		t.Fatal(err)
	}
	p := keyedPlan(t, `["lastbackofficesubmit"]`, keyedInvoice("lastbackofficesubmit", "  lastbackofficesubmit: {from: EventTimeIso8601, blank: reject}\n"))
	target, err := flow.NewDataverseTarget(b.dataverse, p)
	if err != nil {
		t.Fatal(err)
	}
	h, err := flow.New(p, b.links, b.options(), nil, target)
	if err != nil {
		t.Fatal(err)
	}
	const other = "11111111-2222-4333-8444-555555555555"
	edit := func(method, path, body string) {
		t.Helper()
		if status, answer := b.Dataverse().Edit(method, path, []byte(body)); status/100 != 2 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	edit("POST", "invoices", `{"invoiceid":"`+other+`","invoicenumber":"CIV'7","cw_legalentity":"usmf","name":"theirs","customerid_account@odata.bind":"/accounts(acc00000-0000-4000-8000-000000000001)","pricelevelid@odata.bind":"/pricelevels(name='USD list')"}`)
	const key = "cw_invoice_invoicenumber_cw_legalentity"
	e := occurrence(posted, "", 1, keyedEvent)
	_, err = h.Handle(t.Context(), e)
	if fault.KindOf(err) != fault.Permanent || strings.Contains(err.Error(), "CIV") {
		t.Errorf("error of kind %v: %v", fault.KindOf(err), err)
	}
	play(t, h, []step{{event: e, reason: "other-key-taken", field: key}})
	edit("PATCH", "invoices("+other+")", `{"cw_legalentity":"demf"}`)
	play(t, h, []step{{event: e, want: settle.Delivered("created")}})
	moved := occurrence(posted, "", 2, strings.NewReplacer("usmf", "demf", "US-001", "DE-001").Replace(keyedEvent))
	play(t, h, []step{{event: moved, reason: "other-key-taken", field: key}})
	edit("PATCH", "invoices("+other+")", `{"invoicenumber":"CIV'8"}`)
	play(t, h, []step{{event: moved, want: settle.Delivered("updated")}})
}
