package systems_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestFnOCustomer creates, updates, reads and deletes a customer of another company than the default one.
func TestFnOCustomer(t *testing.T) {
	b := newBench(t)
	key := "CustomersV3(dataAreaId='demf',CustomerAccount='DE-002')" + every
	resp, body := b.fno(t, "POST", "CustomersV3"+every, `{"dataAreaId":"demf","CustomerAccount":"DE-002","OrganizationName":"Grün & Co","CustomerGroupId":"10","SalesCurrencyCode":"EUR","SalesMemo":null,"CreditLimit":12450.5}`)
	if resp.StatusCode != 201 || !strings.HasSuffix(resp.Header.Get("Location"), "/data/CustomersV3(dataAreaId='demf',CustomerAccount='DE-002')") {
		t.Fatalf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	for _, want := range []string{`"CreditLimit":12450.5,`, `"SalesMemo":""`, `"OnHoldStatus":"No"`, `"CredManLastReviewDate":"1900-01-01T00:00:00Z"`, `"OrganizationNumberOfEmployees":0`, `"PartyNumber":"000000022"`, `"NameAlias":""`} {
		if !strings.Contains(body, want) {
			t.Errorf("lacks %s", want)
		}
	}
	resp, body = b.fno(t, "PATCH", key, `{"dataAreaId":"DEMF","CustomerAccount":"de-002","CreditLimit":9007199254740993.21,"OnHoldStatus":"All","CredManLastReviewDate":"2026-07-01T12:30:00+02:00"}`)
	if resp.StatusCode != 204 || body != "" {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	resp, body = b.fno(t, "GET", key+"&$select=CustomerAccount,CreditLimit,OnHoldStatus,CredManLastReviewDate", "")
	if want := `"CustomerAccount":"DE-002","CreditLimit":9007199254740993.21,"OnHoldStatus":"All","CredManLastReviewDate":"2026-07-01T10:30:00Z"}`; resp.StatusCode != 200 || !strings.HasSuffix(body, want) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	tag := resp.Header.Get("ETag")
	if resp, body := b.fno(t, "PATCH", key, `{"NameAlias":"x "}`, "If-Match", tag); resp.StatusCode != 204 {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, _ := b.fno(t, "PATCH", key, `{"NameAlias":"y"}`, "If-Match", tag); resp.StatusCode != 412 {
		t.Errorf("the same If-Match again: %d", resp.StatusCode)
	}
	row, ok := b.s.FnO().Row("CustomersV3", "demf", "DE-002")
	if !ok || row.Writes != 3 || !strings.Contains(string(row.JSON), `"NameAlias":"x"`) {
		t.Errorf("%v %d %s", ok, row.Writes, row.JSON)
	}
	if resp, _ := b.fno(t, "DELETE", key, ""); resp.StatusCode != 204 {
		t.Error(resp.StatusCode)
	}
	if h := b.s.FnO().History("CustomersV3", "demf", "DE-002"); len(h) != 4 || h[3].JSON != nil || b.s.FnO().WriteCount("CustomersV3", "DEMF", "de-002") != 4 {
		t.Errorf("%+v", h)
	}
}

// TestFnOCompanies: without cross-company=true only the default company is seen.
func TestFnOCompanies(t *testing.T) {
	b := newBench(t)
	for path, want := range map[string]string{
		"CustomersV3/$count":         "20",
		"CustomersV3/$count" + every: "21",
		"CustomersV3/$count" + every + "&$filter=dataAreaId eq 'demf'": "1",
		"CustomersV3/$count?$filter=dataAreaId eq 'demf'":              "0",
		"LegalEntities/$count": "2",
		"CustomersV3/$count?$filter=CustomerAccount eq 'US-00*'":                                                                           "9",
		"CustomersV3/$count?$filter=CreditLimit ge 95000.00":                                                                               "2",
		"CustomersV3/$count?$filter=OrganizationName eq '*street*' or NameAlias eq ''":                                                     "1",
		"CustomersV3/$count?$filter=OnHoldStatus eq Microsoft.Dynamics.DataEntities.CustVendorBlocked'No' and CustomerAccount ne 'US-001'": "19",
	} {
		if resp, body := b.fno(t, "GET", path, ""); resp.StatusCode != 200 || body != want {
			t.Errorf("%s: %d %s, want %s", path, resp.StatusCode, body, want)
		}
	}
	_, body := b.fno(t, "GET", "CustomersV3"+every+"&$select=CustomerAccount&$orderby=CreditLimit desc&$skip=1&$top=2&$count=true", "")
	var answer struct {
		Count int `json:"@odata.count"`
		Value []struct{ CustomerAccount string }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Count != 21 || len(answer.Value) != 2 || answer.Value[0].CustomerAccount != "US-020" {
		t.Errorf("%v %s", err, body)
	}
}

// TestFnOMetadata: $metadata is well-formed CSDL with keys and enums, without lengths.
func TestFnOMetadata(t *testing.T) {
	b := newBench(t)
	_, body := b.fno(t, "GET", "$metadata", "")
	wellFormed(t, body)
	for _, want := range []string{
		`<EntitySet Name="CustomersV3" EntityType="Microsoft.Dynamics.DataEntities.CustomerV3"/>`, `<Key><PropertyRef Name="dataAreaId"/><PropertyRef Name="CustomerAccount"/></Key>`,
		`<Property Name="CreditLimit" Type="Edm.Decimal" Nullable="false" Scale="Variable"/>`, `<EnumType Name="NoYes"><Member Name="No" Value="0"/><Member Name="Yes" Value="1"/></EnumType>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("$metadata lacks %s", want)
		}
	}
	if strings.Contains(body, "MaxLength") {
		t.Error("$metadata of F&O has no lengths")
	}
}

// TestFnOEdit: a person's edit passes the same checks and is seen neither by faults nor by the request log.
func TestFnOEdit(t *testing.T) {
	b := newBench(t)
	b.s.FnO().ThrottleNext(0, 0)
	if status, body := b.s.FnO().Edit("PATCH", "CustomersV3(dataAreaId='demf',CustomerAccount='DE-001')", []byte(`{"NameAlias":"Müller"}`)); status != 204 {
		t.Errorf("%d %s", status, body)
	}
	if status, body := b.s.FnO().Edit("PATCH", "CustomersV3(dataAreaId='demf',CustomerAccount='DE-001')", []byte(`{"CustomerGroupId":"99"}`)); status != 400 {
		t.Errorf("%d %s", status, body)
	}
	if log := b.s.FnO().Requests(); len(log) != 0 {
		t.Errorf("%+v", log)
	}
}
