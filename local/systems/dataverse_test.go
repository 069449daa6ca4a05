package systems_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"crosswalk/local/systems/dataverse"
)

const billKey = "invoices(invoicenumber='CIV-000784',cw_legalentity='demf')"

const bill = `{"name":"CIV-000784","totalamount":-318.07,"duedate":"2026-07-31","cw_controlnumber":"5637998420",
 "customerid_account@odata.bind":"/accounts(accountnumber='DE-001')",
 "transactioncurrencyid@odata.bind":"/transactioncurrencies(isocurrencycode='EUR')",
 "pricelevelid@odata.bind":"/pricelevels(name='EUR list')"}`

// TestDataverseUpsert creates and updates a row by its alternate key.
func TestDataverseUpsert(t *testing.T) {
	b := newBench(t)
	resp, body := b.dataverse(t, "PATCH", billKey, bill, "OData-Version", "4.0", "OData-MaxVersion", "4.0", "If-None-Match", "null")
	if want := b.e.DataverseHTTP + "/api/data/v9.2/" + billKey; resp.StatusCode != 204 || resp.Header.Get("OData-EntityId") != want || body != "" {
		t.Fatalf("%d %q %s", resp.StatusCode, resp.Header.Get("OData-EntityId"), body)
	}
	row, ok := b.s.Dataverse().Row("invoice", "CIV-000784", "demf")
	if !ok {
		t.Fatal("no row")
	}
	for _, want := range []string{
		`"totalamount":-318.07`, `"duedate":"2026-07-31"`, `"invoicenumber":"CIV-000784"`, `"cw_legalentity":"demf"`, `"statecode":0`, `"statuscode":1`,
		`"_customerid_value":"` + dataverse.AccountID(21) + `"`, `"_transactioncurrencyid_value":"` + dataverse.CurrencyEUR + `"`, `"_pricelevelid_value":"` + dataverse.PriceLevelEUR + `"`,
	} {
		if !strings.Contains(string(row.JSON), want) {
			t.Errorf("%s lacks %s", row.JSON, want)
		}
	}
	resp, body = b.dataverse(t, "PATCH", billKey+"?$select=totalamount", `{"totalamount":12450.50}`, "Prefer", "return=representation")
	if resp.StatusCode != 200 || !strings.Contains(body, `"totalamount":12450.50}`) || strings.Contains(body, "duedate") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	resp, body = b.dataverse(t, "PATCH", "invoices(invoicenumber='CIV-2',cw_legalentity='demf')?$select=invoiceid", `{"name":"x"}`, "Prefer", "return=representation", "If-None-Match", "*")
	if resp.StatusCode != 201 || !strings.Contains(body, `"invoiceid":"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	history := b.s.Dataverse().History("invoice", row.Key)
	if len(history) != 2 || !strings.Contains(string(history[0].JSON), "-318.07") || !strings.Contains(string(history[1].JSON), "12450.50") || history[1].Version <= history[0].Version {
		t.Errorf("history %+v", history)
	}
	if n := b.s.Dataverse().WriteCount("invoice", "CIV-000784", "demf"); n != 2 {
		t.Errorf("%d writes, want 2", n)
	}
}

// TestDataverseVersions goes through ETags: read, conditional write, conditional read.
func TestDataverseVersions(t *testing.T) {
	b := newBench(t)
	resp, body := b.dataverse(t, "GET", us1+"?$select=name", "")
	tag := resp.Header.Get("ETag")
	if resp.StatusCode != 200 || !strings.HasPrefix(tag, `W/"`) || !strings.Contains(body, `"@odata.etag":`+quoteJSON(tag)) {
		t.Fatalf("%d %q %s", resp.StatusCode, tag, body)
	}
	if resp, _ := b.dataverse(t, "GET", us1, "", "If-None-Match", tag); resp.StatusCode != 304 {
		t.Errorf("If-None-Match: %d", resp.StatusCode)
	}
	if resp, body := b.dataverse(t, "PATCH", us1, `{"name":"New"}`, "If-Match", tag); resp.StatusCode != 204 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := b.dataverse(t, "PATCH", us1, `{"name":"Newer"}`, "If-Match", tag); resp.StatusCode != 412 {
		t.Errorf("the same If-Match again: %d", resp.StatusCode)
	}
	resp, _ = b.dataverse(t, "PATCH", us1, `{"name":"New"}`)
	if next, _ := b.dataverse(t, "GET", us1, ""); resp.StatusCode != 204 || next.Header.Get("ETag") == tag {
		t.Error("a write of equal values must raise the row version too")
	}
}

func quoteJSON(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestDataverseExact holds that numbers come back digit for digit.
func TestDataverseExact(t *testing.T) {
	b := newBench(t)
	for given, want := range map[string]string{
		"-318.07": "-318.07", "12450.5": "12450.5", "922337203685476.21": "922337203685476.21", "0.1": "0.1", "1E2": "100", "12450.50": "12450.50", "-0": "0",
	} {
		resp, body := b.dataverse(t, "PATCH", billKey+"?$select=totalamount", `{"totalamount":`+given+`}`, "Prefer", "return=representation")
		if resp.StatusCode/100 != 2 || !strings.Contains(body, `"totalamount":`+want+`}`) {
			t.Errorf("%s: %d %s", given, resp.StatusCode, body)
		}
	}
}

// TestDataverseQuery reads collections.
func TestDataverseQuery(t *testing.T) {
	b := newBench(t)
	cases := []struct{ path, want string }{
		{"accounts?$select=accountnumber&$filter=cw_legalentity eq 'demf'&$count=true", `"@odata.count":1,"value":[{"@odata.etag"`},
		{"accounts?$select=accountnumber&$filter=accountnumber eq 'us-002' and cw_legalentity eq 'usmf'", `"accountnumber":"US-002"}]`},
		{"accounts?$select=accountnumber&$filter=creditlimit gt 99999.99 and (creditlimit le 100000 or name eq null)", `"accountnumber":"US-020"}]`},
		{"accounts?$select=accountnumber&$filter=not (creditlimit gt 5000.00)", `"accountnumber":"US-001"}]`},
		{"accounts?$select=accountnumber&$orderby=creditlimit desc&$top=1", `"accountid":"acc00000-0000-4000-8000-000000000021","accountnumber":"DE-001"}]}`},
		{"accounts?$filter=name eq 'O''Neil'&$count=true", `"@odata.count":0,"value":[]`},
		{"pricelevels?$filter=_transactioncurrencyid_value eq " + dataverse.CurrencyEUR + "&$select=name", `"name":"EUR list"}]`},
		{"accounts?$filter=primarycontactid eq null", `Could not find a property named 'primarycontactid'`},
		{"accounts?$filter=_primarycontactid_value eq null and telephone2 eq null&$top=0&$count=true", `"@odata.count":21,"value":[]`},
		{"accounts?$filter=createdon le 2100-01-01T00:00:00Z and creditonhold eq false&$count=true&$top=1", `"@odata.count":21`},
		{"transactioncurrencies(isocurrencycode='EUR')?$select=currencyname,exchangerate", `"currencyname":"Euro","exchangerate":0.92}`},
	}
	for _, c := range cases {
		if _, body := b.dataverse(t, "GET", c.path, ""); !strings.Contains(body, c.want) {
			t.Errorf("%s: %s\nlacks %s", c.path, body, c.want)
		}
	}
	_, body := b.dataverse(t, "GET", us1+"?$select=statecode,_transactioncurrencyid_value", "", "Prefer", `odata.include-annotations="*"`)
	for _, want := range []string{`"statecode@OData.Community.Display.V1.FormattedValue":"Active"`, `"_transactioncurrencyid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"transactioncurrency"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
}

// TestDataverseKeyText: quotes and slashes in a key, encoded as a URL wants them.
func TestDataverseKeyText(t *testing.T) {
	b := newBench(t)
	if resp, body := b.dataverse(t, "PATCH", "accounts(accountnumber='O%27%27N%2F1')", `{"name":"O'Neil"}`); resp.StatusCode != 204 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	row, ok := b.s.Dataverse().Row("account", "O'N/1")
	if !ok || !strings.Contains(string(row.JSON), `"accountnumber":"O'N/1"`) {
		t.Fatalf("%v %s", ok, row.JSON)
	}
	if resp, body := b.dataverse(t, "POST", "invoices", `{"invoicenumber":"I-1","customerid_account@odata.bind":"/accounts(accountnumber='O''N/1')"}`); resp.StatusCode != 204 {
		t.Errorf("bind: %d %s", resp.StatusCode, body)
	}
}

// TestDataverseRow goes through what a row's life needs besides: create with an own id, clearing, delete, moving a key.
func TestDataverseRow(t *testing.T) {
	b := newBench(t)
	id := "d290f1ee-6c54-4b01-90e6-d701748f0851"
	if resp, body := b.dataverse(t, "PATCH", "accounts("+id+")", `{"accountnumber":"US-100","name":"x","creditlimit":5,"parentaccountid@odata.bind":"`+us1+`"}`, "If-None-Match", "*"); resp.StatusCode != 204 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	if row, _ := b.s.Dataverse().Row("account", "US-100"); row.Key != id || !strings.Contains(string(row.JSON), `"_transactioncurrencyid_value":"`+dataverse.CurrencyUSD) {
		t.Errorf("%s", row.JSON)
	}
	b.dataverse(t, "PATCH", "accounts("+id+")", `{"accountnumber":"US-101","name":null,"parentaccountid":null,"telephone1":"","statecode":1}`)
	row, ok := b.s.Dataverse().Row("account", "US-101")
	if _, old := b.s.Dataverse().Row("account", "US-100"); !ok || old || !strings.Contains(string(row.JSON), `"statuscode":2`) || strings.Contains(string(row.JSON), `"name"`) || strings.Contains(string(row.JSON), "parentaccountid") {
		t.Errorf("%v %v %s", ok, old, row.JSON)
	}
	if resp, _ := b.dataverse(t, "DELETE", "accounts("+id+")", ""); resp.StatusCode != 204 {
		t.Error(resp.StatusCode)
	}
	if h := b.s.Dataverse().History("account", id); len(h) != 3 || h[2].JSON != nil {
		t.Errorf("%+v", h)
	}
	if resp, _ := b.dataverse(t, "PATCH", "accounts(accountnumber='US-101')", `{"name":"again"}`); resp.StatusCode != 204 {
		t.Error("the key of a deleted row must be free")
	}
}

// TestPriceCalculation: with the switch on, written totals are ignored.
func TestPriceCalculation(t *testing.T) {
	b := newBench(t)
	b.s.Dataverse().SetPriceCalculation(true)
	b.dataverse(t, "PATCH", billKey, bill)
	if row, ok := b.s.Dataverse().Row("invoice", "CIV-000784", "demf"); !ok || !strings.Contains(string(row.JSON), `"totalamount":0,`) {
		t.Errorf("%v %s", ok, row.JSON)
	}
}

// TestDataverseOneRow: of many creates of one key at once, one wins and the others are told so.
func TestDataverseOneRow(t *testing.T) {
	b := newBench(t)
	const n = 20
	status := make([]int, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			resp, _ := b.dataverse(t, "POST", "invoices", newBill+fmt.Sprintf(`,"name":"%d"}`, i))
			status[i] = resp.StatusCode
		})
	}
	wg.Wait()
	won := 0
	for _, code := range status {
		if code == 204 {
			won++
		} else if code != 412 {
			t.Errorf("status %d", code)
		}
	}
	if list := b.s.Dataverse().Rows("invoice"); won != 1 || len(list) != 1 {
		t.Errorf("%d won, %d rows", won, len(list))
	}
}

// TestDataverseMetadata: $metadata is well-formed CSDL with the customer's own columns, and EntityDefinitions tell lengths
// and keys.
func TestDataverseMetadata(t *testing.T) {
	b := newBench(t)
	_, body := b.dataverse(t, "GET", "$metadata", "")
	wellFormed(t, body)
	for _, want := range []string{`<EntitySet Name="accounts" EntityType="Microsoft.Dynamics.CRM.account"/>`, `<Property Name="cw_controlnumber" Type="Edm.String"/>`, `<NavigationProperty Name="customerid_account" Type="mscrm.account">`, `<Property Name="duedate" Type="Edm.Date"/>`} {
		if !strings.Contains(body, want) {
			t.Errorf("$metadata lacks %s", want)
		}
	}
	_, body = b.dataverse(t, "GET", "EntityDefinitions(LogicalName='invoice')/Keys", "")
	if !strings.Contains(body, `"KeyAttributes":["invoicenumber","cw_legalentity"]`) {
		t.Errorf("keys: %s", body)
	}
	_, body = b.dataverse(t, "GET", "EntityDefinitions(LogicalName='account')/Attributes", "")
	if !strings.Contains(body, `"LogicalName":"cw_legalentity","MaxLength":4,`) || !strings.Contains(body, `"MaxValue":100000000000000,`) {
		t.Errorf("attributes: %s", body)
	}
	if !strings.Contains(body, `"DisplayName":{"LocalizedLabels":[{"Label":"Credit Hold","LanguageCode":1033}]`) || !strings.Contains(body, `"DisplayName":{"LocalizedLabels":[],"UserLocalizedLabel":null}`) {
		t.Errorf("labels: %s", body)
	}
	if _, body = b.dataverse(t, "GET", "", ""); !strings.Contains(body, `{"kind":"EntitySet","name":"invoices","url":"invoices"}`) {
		t.Errorf("service document: %s", body)
	}
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	n := 0
	for {
		_, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n < 1000 {
		t.Errorf("only %d tokens", n)
	}
}
