package contract

import "testing"

// Compare says of each field what Same says of all: a lookup by the id it leads to, numbers by value, initial values never.
func TestCompareSaysFieldByFieldWhatSameSumsUp(t *testing.T) {
	p, err := Load("../../functions/invoice-to-dataverse/contract.yaml")
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Apply([]byte(`{"InvoiceId": "I-1", "LegalEntity": "usmf", "InvoiceAccount": "US-001", "InvoiceAmountInAccountingCurrency": 12.50, "InvoiceDueDate": null, "ControlNumber": 7}`))
	if err != nil {
		t.Fatal(err)
	}
	row := []byte(`{"invoicenumber": "I-1", "cw_legalentity": "usmf", "name": "other", "_customerid_value": "AAAA", "totalamount": 12.5000, "cw_controlnumber": "7"}`)
	resolved := Resolved{Name: "customerid_account@odata.bind", ID: "aaaa"}
	got, err := r.Compare(row, resolved)
	if err != nil {
		t.Fatal(err)
	}
	same := map[string]bool{}
	now := map[string]string{}
	for _, d := range got {
		same[d.Value.Name], now[d.Value.Name] = d.Same, string(d.Now)
	}
	for name, want := range map[string]bool{"invoicenumber": true, "name": false, "customerid_account@odata.bind": true, "transactioncurrencyid@odata.bind": false, "totalamount": true, "duedate": true} {
		if same[name] != want {
			t.Errorf("%s: same %t", name, same[name])
		}
	}
	if now["name"] != `"other"` || now["customerid_account@odata.bind"] != `"AAAA"` || now["duedate"] != "" {
		t.Errorf("%v", now)
	}
	if _, err := r.Compare([]byte("[")); err == nil {
		t.Error("a row that is no object is compared")
	}
}
