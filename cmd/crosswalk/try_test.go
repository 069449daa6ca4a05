package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tryContract has a field of every kind that a trial shows in a way of its own.
const tryContract = `purpose: p
team: t
pair: invoice
from: {system: fno, entity: SalesInvoicePostedBusinessEvent, event: fno.SalesInvoicePosted, state: event}
to: {system: dataverse, entity: invoice, key: [invoicenumber, cw_legalentity]}
owner: fno
fields:
  invoicenumber: {from: InvoiceId, blank: reject, longer: reject}
  cw_legalentity: {from: LegalEntity, case: lower, blank: {from: BusinessEventLegalEntity, blank: reject}, longer: reject}
  name: {value: Invoice}
  customerid: {from: InvoiceAccount, reference: {entity: account, key: accountnumber}, blank: reject, longer: reject}
  transactioncurrencyid: {value: EUR, reference: isocurrencycode}
  pricelevelid: {value: list, reference: name}
  totalamount: {from: InvoiceAmountInAccountingCurrency, blank: reject}
  duedate: {from: InvoiceDueDate, blank: skip}
  description: {owner: dataverse}
`

const tryEvent = `{"BusinessEventId":"SalesInvoicePostedBusinessEvent","BusinessEventLegalEntity":"DEMF","EventId":"E-1",
"EventTime":"/Date(1782924813000)/","ControlNumber":7,"InvoiceDueDate":null,"LegalEntity":"","InvoiceId":"RE-東京-1","InvoiceAccount":"DE-001",
"InvoiceAmountInAccountingCurrency":900719925474099.31}`

const tryTable = `SOURCE                                          RULE                                            TARGET
InvoiceId "RE-東京-1"                           blank is rejected                               invoicenumber (Invoice ID, key) "RE-東京-1"
LegalEntity "" (empty), then                    lower case; blank → BusinessEventLegalEntity    cw_legalentity (key) "demf"
BusinessEventLegalEntity "DEMF"                 (there blank is rejected)
                                                always "Invoice"                                name "Invoice"
InvoiceAccount "DE-001"                         finds the account by accountnumber; blank is    customerid_account@odata.bind (Customer)
                                                rejected                                        "/accounts(accountnumber='DE-001')"
                                                always "EUR"; finds the transactioncurrency by  transactioncurrencyid@odata.bind (Currency)
                                                isocurrencycode                                 "/transactioncurrencies(isocurrencycode='EUR')"
                                                always "list"; finds the pricelevel by name     pricelevelid@odata.bind (Price List)
                                                                                                "/pricelevels(name='list')"
InvoiceAmountInAccountingCurrency               blank is rejected                               totalamount (Total Amount) 900719925474099.31
900719925474099.31
InvoiceDueDate null                             blank leaves the target alone                   duedate (Due Date): left alone
                                                                                                description: not written, dataverse owns it
`

const tryAccepted = `invoices: fno SalesInvoicePostedBusinessEvent → dataverse invoice, event.json
fno.SalesInvoicePosted E-1 from /fno/demf

` + tryTable + `
accepted  RE-東京-1/demf  (invoicenumber/cw_legalentity)
the row's address: invoices(invoicenumber='RE-%E6%9D%B1%E4%BA%AC-1',cw_legalentity='demf')
request body of a new row; an update leaves the key's fields out:
{
  "invoicenumber": "RE-東京-1",
  "cw_legalentity": "demf",
  "name": "Invoice",
  "customerid_account@odata.bind": "/accounts(accountnumber='DE-001')",
  "transactioncurrencyid@odata.bind": "/transactioncurrencies(isocurrencycode='EUR')",
  "pricelevelid@odata.bind": "/pricelevels(name='list')",
  "totalamount": 900719925474099.31
}
`

// tryProject enters a project with the flow "invoices", its example "posted" and the file event.json.
func tryProject(t *testing.T) {
	t.Helper()
	chdirTo(t, map[string]string{
		"host.json": "{}", "go.mod": "module x", "event.json": tryEvent,
		"functions/invoices/contract.yaml":             tryContract,
		"functions/invoices/examples/posted.json":      `{"InvoiceId":"1","LegalEntity":"usmf","InvoiceAccount":"A","InvoiceAmountInAccountingCurrency":1}`,
		"functions/invoices/examples/posted.want.json": `{"write": {}}`,
		"functions/orders/contract.yaml":               "purpose: 7\n",
		"functions/webhook/function.json":              "{}",
	})
}

// chdirTo makes a folder of these files the working directory.
func chdirTo(t *testing.T, files map[string]string) {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
}

// crosswalk runs a command line and returns what it prints and its exit status.
func crosswalk(t *testing.T, stdin string, args ...string) (out string, status int, err error) {
	t.Helper()
	var b bytes.Buffer
	cmd := newRoot()
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&b)
	cmd.SetErr(io.Discard)
	err = cmd.Execute()
	var code exitCode
	switch {
	case errors.As(err, &code):
		return b.String(), int(code), nil
	case err != nil:
		return b.String(), 2, err
	}
	return b.String(), 0, nil
}

func TestTryShowsSourceRuleAndTarget(t *testing.T) {
	tryProject(t)
	out, status, err := crosswalk(t, "", "try", "invoices", "event.json")
	if out != tryAccepted || status != 0 || err != nil {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
}

// Whatever way the event comes, the same fields come of it.
func TestTryFindsTheEvent(t *testing.T) {
	quoted, err := json.Marshal(tryEvent)
	if err != nil {
		t.Fatal(err)
	}
	grid := `{"eventType":"SalesInvoicePostedBusinessEvent","eventTime":"2026-07-01T16:53:19Z","dataVersion":"0.0","data":`
	other := strings.ReplaceAll(tryEvent, "SalesInvoicePosted", "CustomerPosted")
	for name, body := range map[string]string{
		"bare":                tryEvent,
		"envelope":            grid + tryEvent + "}",
		"array, text":         "[" + grid + string(quoted) + "}]",
		"array, other events": "[" + grid + other + "}," + grid + tryEvent + "}]",
	} {
		tryProject(t)
		out, status, err := crosswalk(t, body, "try", "invoices", "-")
		want := strings.Replace(tryAccepted, "event.json", "standard input", 1)
		if out != want || status != 0 || err != nil {
			t.Errorf("%s: status %d, %v\n%s", name, status, err, out)
		}
	}
}

func TestTryRejects(t *testing.T) {
	const table = "SOURCE  "
	for _, tt := range []struct {
		name, body, want string
		table            bool
	}{
		{"blank", strings.Replace(tryEvent, `"RE-東京-1"`, `" "`, 1),
			"rejected  blank-required: invoicenumber (from InvoiceId): the source says nothing (empty) and the contract rejects a blank\n", true},
		{"amount as text", strings.Replace(tryEvent, `900719925474099.31`, `"1"`, 1),
			"rejected  bad-type: totalamount (from InvoiceAmountInAccountingCurrency): the source's value isn't of the type that its schema says: decimal number\n", true},
		{"duplicate", strings.Replace(tryEvent, `"EventId"`, `"LegalEntity":"x","EventId"`, 1), "rejected  duplicate-key: /LegalEntity: ", false},
		{"cut off", tryEvent[:len(tryEvent)-1], "rejected  malformed-json: ", false},
		{"no event id", strings.Replace(tryEvent, `"E-1"`, `""`, 1), "rejected  field-missing: /EventId: the member is missing or blank\n", false},
		{"bare data, malformed", `{"a":{"b":1,"b":2}}`, "rejected  duplicate-key: /a/b: ", false},
	} {
		tryProject(t)
		out, status, err := crosswalk(t, tt.body, "try", "invoices", "-")
		if status != 1 || err != nil || !strings.Contains(out, "\n"+tt.want) || strings.Contains(out, table) != tt.table || strings.Contains(out, "accepted") {
			t.Errorf("%s: status %d, %v\n%s", tt.name, status, err, out)
		}
	}
}

// One rejected event among several is enough for status 1, and each is shown.
func TestTrySeveralEvents(t *testing.T) {
	tryProject(t)
	grid := `{"eventType":"x","eventTime":"2026-07-01T16:53:19Z","dataVersion":"0.0","data":`
	second := strings.NewReplacer("E-1", "E-2", `"DE-001"`, "null").Replace(tryEvent)
	out, status, err := crosswalk(t, "["+grid+second+"},"+grid+tryEvent+"}]", "try", "invoices", "-")
	first, rest, found := strings.Cut(out, "rejected  blank-required: customerid (from InvoiceAccount)")
	if status != 1 || err != nil || !found || !strings.Contains(first, "E-2 from /fno/demf") || !strings.Contains(rest, "E-1 from /fno/demf") || !strings.Contains(rest, "\naccepted  RE-東京-1/demf") {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
}

func TestTryAnExampleAndBareData(t *testing.T) {
	tryProject(t)
	for _, name := range []string{"posted", "posted.json"} {
		out, status, err := crosswalk(t, "", "try", "invoices", name)
		if status != 0 || err != nil || !strings.HasPrefix(out, "invoices: fno SalesInvoicePostedBusinessEvent → dataverse invoice, example posted\n\nSOURCE") ||
			!strings.Contains(out, "\naccepted  1/usmf  ") || !strings.Contains(out, "InvoiceDueDate (absent) ") {
			t.Errorf("%s: status %d, %v\n%s", name, status, err, out)
		}
	}
	out, status, err := crosswalk(t, "", "try", "invoices", "functions/invoices/examples/posted.json")
	if status != 0 || err != nil || !strings.Contains(out, "no event that a receiver knows") || !strings.Contains(out, "\naccepted  1/usmf  ") {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
}

func TestTryWithNothingToTry(t *testing.T) {
	for _, tt := range []struct{ args, stdin, want string }{
		{"nothing posted", "", `there is no flow "nothing"; the flows are invoices, orders`},
		{"../invoices posted", "", `there is no flow "../invoices"; the flows are invoices, orders`},
		{"orders posted", "", "the contract of orders doesn't pass the check:\nfunctions/orders/contract.yaml:"},
		{"invoices missing", "", `there is neither a file nor an example "missing"; the examples of invoices are posted`},
		{"invoices posted --format xml", "", `there is no format "xml": text or json`},
		{"invoices -", strings.ReplaceAll(tryEvent, "SalesInvoicePosted", "CustomerPosted"), "standard input holds fno.CustomerPosted, but invoices is started by fno.SalesInvoicePosted"},
	} {
		tryProject(t)
		out, status, err := crosswalk(t, tt.stdin, append([]string{"try"}, strings.Fields(tt.args)...)...)
		if status != 2 || err == nil || !strings.HasPrefix(err.Error(), tt.want) || out != "" {
			t.Errorf("%s: status %d, %v\n%s", tt.args, status, err, out)
		}
	}
	t.Chdir(filepath.Dir(filepath.Dir(sourceDir)))
	ping := filepath.Join("shared", "event", "testdata", "fo-be-07-test-endpoint.json")
	if _, status, err := crosswalk(t, "", "try", "invoice-to-dataverse", ping); status != 2 || err == nil || err.Error() != ping+" holds only a test event, which asks for nothing" {
		t.Errorf("a test event: status %d, %v", status, err)
	}
	_, status, err := crosswalk(t, "", "try", "account-to-fno", filepath.Join("shared", "event", "testdata", "dv-rec-01-create-account.json"))
	if status != 2 || err == nil || !strings.Contains(err.Error(), "holds an event, dataverse.account.created, but account-to-fno reads the row") {
		t.Errorf("an event for a row: status %d, %v", status, err)
	}
}

// sourceDir is the folder that the tests start in.
var sourceDir, _ = os.Getwd()

func TestTryForTools(t *testing.T) {
	tryProject(t)
	event := strings.Replace(tryEvent, "900719925474099.31", "900719925474099.312345", 1)
	out, status, err := crosswalk(t, event, "try", "invoices", "-", "--format", "json")
	if status != 1 || err != nil {
		t.Fatalf("status %d, %v\n%s", status, err, out)
	}
	var got struct {
		Flow, From, To string
		Trials         []trialJSON
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Flow != "invoices" || got.From != "fno/SalesInvoicePostedBusinessEvent" || got.To != "dataverse/invoice" || len(got.Trials) != 1 {
		t.Fatal(out)
	}
	trial := got.Trials[0]
	if trial.Accepted || trial.Key != "" || trial.Write != nil || trial.Reject == nil || trial.Reject.Reason != "out-of-range" || trial.Event != "fno.SalesInvoicePosted E-1 from /fno/demf" {
		t.Errorf("%+v", trial)
	}
	var fields []string
	for _, f := range trial.Fields {
		var read []string
		for _, r := range f.Read {
			read = append(read, r.Path+"="+string(r.Value)+r.Empty)
		}
		fields = append(fields, strings.Join([]string{f.Target, f.Outcome, strings.Join(read, ","), string(f.Value)}, "|"))
	}
	want := `invoicenumber|written|InvoiceId="RE-東京-1"|"RE-東京-1"
cw_legalentity|written|LegalEntity=""empty,BusinessEventLegalEntity="DEMF"|"demf"
name|written||"Invoice"
customerid|written|InvoiceAccount="DE-001"|"/accounts(accountnumber='DE-001')"
transactioncurrencyid|written||"/transactioncurrencies(isocurrencycode='EUR')"
pricelevelid|written||"/pricelevels(name='list')"
totalamount|rejected|InvoiceAmountInAccountingCurrency=900719925474099.312345|
duedate|skipped|InvoiceDueDate=nullnull|
description|not-owned||`
	if strings.Join(fields, "\n") != want {
		t.Error(strings.Join(fields, "\n"))
	}
	out, status, err = crosswalk(t, tryEvent, "try", "invoices", "-", "--format", "json")
	if status != 0 || err != nil || !strings.Contains(out, `"totalamount": 900719925474099.31`) || !strings.Contains(out, `"key": "RE-東京-1/demf"`) {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
}

// Colours only on a terminal and without NO_COLOR. The null device is a character device as a terminal is.
func TestTryColours(t *testing.T) {
	var b bytes.Buffer
	v := trialView{out: &b, colour: true}
	v.row(green, "a", "b", "c")
	if want := "a" + strings.Repeat(" ", sourceCells+1) + grey + "b" + strings.Repeat(" ", ruleCells-1) + "\x1b[0m  " + green + "c\x1b[0m\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
	device, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	t.Setenv("NO_COLOR", "")
	if !newConsole(device, false).colour || newConsole(&b, false).colour {
		t.Error("colours don't follow the terminal")
	}
	t.Setenv("NO_COLOR", "1")
	if newConsole(device, false).colour {
		t.Error("NO_COLOR isn't honoured")
	}
}

// A record can't steer the terminal: its control characters are shown as the escapes that JSON has for them.
func TestPrintable(t *testing.T) {
	for _, tt := range []struct {
		in    string
		lines bool
		want  string
	}{
		{"Müller 東京 😀", false, "Müller 東京 😀"},
		{"a\x1b[31m\u009b2J\u202eb", false, `a\u001b[31m\u009b2J\u202eb`},
		{"a\nb", false, `a\u000ab`},
		{"a\nb\x7f", true, "a\nb\\u007f"},
		{"\U000e0001", false, `\udb40\udc01`},
	} {
		if got := printable(tt.in, tt.lines); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
	tryProject(t)
	out, _, _ := crosswalk(t, strings.ReplaceAll(tryEvent, "東京", "\u009b2J\u202e"), "try", "invoices", "-")
	if strings.ContainsAny(out, "\u009b\u202e") || strings.Count(out, `\u009b2J\u202e`) != 4 {
		t.Error(out)
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want string
	}{
		{"", ""},
		{"abc", "abc"},
		{"abcdef", "abcdef"},
		{"abcdefg", "abcdef|g"},
		{"abc def", "abc|def"},
		{"abcdef ghi", "abcdef|ghi"},
		{"ab cd ef gh", "ab cd|ef gh"},
		{"東京東京", "東京東|京"},
		{"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301"},
		{"abcdefghijklmn", "abcdef|ghijkl|mn"},
	} {
		if got := strings.Join(wrap(tt.in, 6), "|"); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

// A column is shown with the name that people know, on either side; a name that only repeats the column's isn't.
func TestTryShowsDisplayNames(t *testing.T) {
	root := checkout(t)
	t.Chdir(root)
	var out bytes.Buffer
	cmd := newRoot()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"try", "account-to-fno", "customer"})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`telephone1 (Main Phone) "`, `accountnumber (Account Number) "`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "description (Description)") {
		t.Error("a display name repeats the column's name")
	}
}

// Below a list stand its rows, and a fault names the row.
func TestTryShowsTheRowsOfAList(t *testing.T) {
	chdirTo(t, map[string]string{
		"host.json": "{}", "go.mod": "module x", "event.json": `{"Id":"1","Lines":[{"Item":"A1","Price":1.50},{"Item":"B2"}]}`,
		"bad.json":                               "{\"Id\":\"1\",\"Lines\":[{\"Item\":\"A1\"},{\"Price\":1}]}",
		"shared/schema/fno/Shipped.json":         `{"system":"fno","entity":"Shipped","event":"fno.Shipped","columns":{"Id":{"type":"String","maxLength":20},"Lines":{"type":"List"},"Lines[].Item":{"type":"String","maxLength":20},"Lines[].Price":{"type":"Decimal"}}}`,
		"shared/schema/dataverse/parcel.json":    `{"system":"dataverse","entity":"parcel","set":"parcels","primaryKey":["parcelid"],"alternateKeys":[["id"]],"columns":{"parcelid":{"type":"Uniqueidentifier"},"id":{"type":"String","maxLength":20},"lines":{"type":"Memo"}}}`,
		"functions/parcels/examples/a.json":      `{"Id":"1","Lines":[]}`,
		"functions/parcels/examples/a.want.json": `{"write":{"id":"1","lines":"[]"}}`,
		"functions/parcels/contract.yaml": `purpose: p
team: t
pair: parcel
owner: fno
from: {system: fno, entity: Shipped, event: fno.Shipped, state: event}
to: {system: dataverse, entity: parcel, key: [id]}
fields:
  id: {from: Id, blank: reject}
  lines: {from: Lines, rows: project, fields: {item: {from: Item, blank: reject}, price: {from: Price}}}
`,
	})
	out, status, err := crosswalk(t, "", "try", "parcels", "event.json")
	want := `Lines (an object or a list)                     a list with an object for each row, as JSON;    lines: a list, from 2 of the source's rows
                                                absent leaves the target alone; null → null
Lines[0].Item "A1"                              blank is rejected                               lines[0].item "A1"
Lines[0].Price 1.50                             absent is left out; null → null                 lines[0].price 1.50
Lines[1].Item "B2"                                                                              lines[1].item "B2"
Lines[1].Price (absent)                                                                         lines[1].price: left out
`
	if !strings.Contains(out, want) || status != 0 || err != nil {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
	out, _, _ = crosswalk(t, "", "try", "parcels", "bad.json", "--format", "json")
	for _, want := range []string{`"field": "lines[1].item (from Lines[1].Item)"`, `"property": "lines[1].price"`, `"at": 1`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

// A record for which the contract's when is false is nothing to do, and can be kept as such.
func TestTryShowsAndKeepsARecordThatIsIgnored(t *testing.T) {
	tryProject(t)
	replaceIn(t, "functions/invoices/contract.yaml", "owner: fno\n", "owner: fno\nwhen: InvoiceId != \"1\"\n")
	out, status, err := crosswalk(t, "", "try", "invoices", "posted", "--save", "small")
	if err != nil || status != 0 || !strings.HasSuffix(out, "\nignored   not-wanted: nothing is written\n") || !strings.Contains(out, "when is false for it: InvoiceId != \"1\"; it has InvoiceId \"1\"\n") {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
	want, err := os.ReadFile("functions/invoices/examples/small.want.json")
	if err != nil || string(want) != "{\n  \"ignore\": \"not-wanted\"\n}\n" {
		t.Errorf("%v %s", err, want)
	}
	replaceIn(t, "functions/invoices/contract.yaml", "when: InvoiceId != \"1\"", "when: InvoiceId == \"2\" || SalesOrderId == \"2\"")
	out, _, _ = crosswalk(t, "", "try", "invoices", "small")
	if !strings.Contains(out, "; it has InvoiceId \"1\", SalesOrderId (absent)\n") {
		t.Errorf("nobody learns why the record isn't wanted:\n%s", out)
	}
	out, status, err = crosswalk(t, "", "try", "invoices", "small", "--format", "json")
	if err != nil || status != 0 || !strings.Contains(out, `"accepted": false`) || !strings.Contains(out, `"ignored": true`) {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
}

// A business event from a pipe, as somebody has copied it out of a queue, is kept as an example that runs.
func TestTryKeepsAnEventFromAPipe(t *testing.T) {
	tryProject(t)
	if out, status, err := crosswalk(t, tryEvent, "try", "invoices", "-", "--save", "copied"); err != nil || status != 0 {
		t.Fatalf("status %d, %v\n%s", status, err, out)
	}
	kept, err := os.ReadFile("functions/invoices/examples/copied.json")
	if err != nil || !strings.Contains(string(kept), `"BusinessEventId":"SalesInvoicePostedBusinessEvent"`) || !strings.Contains(string(kept), "900719925474099.31") {
		t.Errorf("%v %s", err, kept)
	}
	out, status, err := crosswalk(t, "", "try", "invoices", "copied")
	if _, same, _ := strings.Cut(tryAccepted, "\n\n"); err != nil || status != 0 || !strings.HasSuffix(out, same) {
		t.Errorf("status %d, %v\n%s", status, err, out)
	}
}
