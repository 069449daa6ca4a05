package finops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"crosswalk/shared/fault"
	"crosswalk/shared/finops"
	"crosswalk/shared/odata"
	"crosswalk/shared/odata/odatatest"
)

func client(t *testing.T, s *odatatest.Service) *finops.Client {
	t.Helper()
	c, err := finops.New(s.URL, odatatest.Credential{}, s.Options())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const secret = "Lokal–ß"

var (
	key  = []finops.KeyValue{{Name: "dataAreaId", Value: "usmf", Quoted: true}, {Name: "CustomerAccount", Value: secret, Quoted: true}}
	body = []byte(`{"dataAreaId":"usmf","CustomerAccount":"US-001","CustomerGroupId":"` + secret + `","PaymentTerms":"007, Bond"}`)
)

var calls = map[string]func(context.Context, *finops.Client) error{
	"Read": func(ctx context.Context, c *finops.Client) error {
		_, err := c.Read(ctx, "CustomersV3", key, []string{"OrganizationName"})
		return err
	},
	"Patch":  func(ctx context.Context, c *finops.Client) error { return c.Patch(ctx, "CustomersV3", key, body) },
	"Post":   func(ctx context.Context, c *finops.Client) error { return c.Post(ctx, "CustomersV3", body) },
	"Delete": func(ctx context.Context, c *finops.Client) error { return c.Delete(ctx, "CustomersV3", key) },
}

// infolog returns an error answer as F&O writes it.
func infolog(text string) string {
	b, _ := json.Marshal(map[string]any{"error": map[string]any{"code": "", "message": "An error has occurred.", "innererror": map[string]string{
		"message": text, "type": "Microsoft.Dynamics.Platform.Integration.Services.OData.AxODataWriteException", "stacktrace": "at ..."}}})
	return string(b)
}

// plain returns an error answer without inner error.
func plain(text string) string {
	b, _ := json.Marshal(map[string]any{"error": map[string]string{"code": "", "message": text}})
	return string(b)
}

const (
	noRow      = "No resources were found when selecting for update."
	exists     = "Write failed for table row of type 'CustCustomerGroupEntity'. Infolog: Info: Cannot create a record in Customer groups (CustGroup). Customer group: 007, Bond.\nThe record already exists.."
	badGroup   = "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Warning: The value '" + secret + "' in field 'Customer group' is not found in the related table 'Customer groups'.; Warning: validateField failed on field 'CustCustomerV3Entity.CustomerGroupId'."
	labelOnly  = "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Warning: The value '" + secret + "' in field 'Customer group' is not found in the related table 'Customer groups'."
	mustFill   = "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Error: Field 'Terms of delivery' must be filled in.; Warning: validateWrite failed on data source 'CustCustomerV3Entity'."
	conflict   = "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Error: Cannot edit a record in Customers (CustTable).\nAn update conflict occurred due to another user process deleting the record or changing one or more fields in the record."
	deadlock   = "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Error: Cannot create a record in Customers (CustTable). Deadlock, where one or more users have simultaneously locked the whole table or part of it."
	quotesIt   = "Write failed for table row of type 'CustCustomerV3Entity'. Infolog: Warning: The value 'The record already exists' in field 'Name' is too long."
	throttling = "This request could not be processed at this time due to system experiencing high resource utilization."
)

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name      string
		call      string
		statuses  []int // F&O gives the same fault with several
		body      string
		kind      fault.Kind
		reason    string
		condition error
		field     string
	}{
		{"no such row, update", "Patch", []int{400, 404, 500}, infolog(noRow), fault.Transient, odata.ReasonNotFound, finops.ErrNotFound, ""},
		{"no such row, delete", "Delete", []int{400, 404, 500}, infolog("No resources were found when selecting for delete."), fault.Transient, odata.ReasonNotFound, finops.ErrNotFound, ""},
		{"no such row, read", "Read", []int{404}, "", fault.Transient, odata.ReasonNotFound, finops.ErrNotFound, ""},
		{"no such row, read, error form", "Read", []int{404}, plain("Not found"), fault.Transient, odata.ReasonNotFound, finops.ErrNotFound, ""},
		{"exists", "Post", []int{400, 409, 500}, infolog(exists), fault.Transient, odata.ReasonExists, finops.ErrExists, ""},
		{"exists, of a patch", "Patch", []int{400, 500}, infolog(exists), fault.Permanent, odata.ReasonRefused, nil, ""},
		{"a value says exists", "Patch", []int{400, 500}, infolog(quotesIt), fault.Permanent, odata.ReasonRefused, nil, ""},
		{"value not in related table", "Post", []int{400, 500}, infolog(badGroup), fault.Permanent, odata.ReasonRefused, nil, "CustomerGroupId"},
		{"value not in related table, update", "Patch", []int{400, 500}, infolog(badGroup), fault.Permanent, odata.ReasonRefused, nil, "CustomerGroupId"},
		{"only the label is named", "Post", []int{400, 500}, infolog(labelOnly), fault.Permanent, odata.ReasonRefused, nil, "CustomerGroupId"},
		{"required", "Post", []int{400, 500}, infolog(mustFill), fault.Permanent, odata.ReasonRefused, nil, "Terms of delivery"},
		{"field, without the usual beginning", "Patch", []int{400, 500}, infolog("Warning: validateField failed on field 'CustCustomerV3Entity.CustomerGroupId'."), fault.Permanent, odata.ReasonRefused, nil, "CustomerGroupId"},
		{"row, without the usual beginning", "Delete", []int{400, 500}, infolog("Warning: validateWrite failed on data source 'CustCustomerV3Entity'."), fault.Permanent, odata.ReasonRefused, nil, ""},
		{"required, without the usual beginning", "Patch", []int{400, 500}, infolog("Error: Field 'Terms of delivery' must be filled in."), fault.Permanent, odata.ReasonRefused, nil, "Terms of delivery"},
		{"update conflict", "Patch", []int{400, 500}, infolog(conflict), fault.Transient, odata.ReasonUnavailable, nil, ""},
		{"deadlock", "Post", []int{400, 500}, infolog(deadlock), fault.Transient, odata.ReasonUnavailable, nil, ""},
		{"unknown column", "Post", []int{400}, plain("The property 'PaymentTerms' does not exist on type 'Microsoft.Dynamics.DataEntities.CustomerV3'."), fault.Permanent, odata.ReasonRefused, nil, "PaymentTerms"},
		{"unknown column, read", "Read", []int{400}, plain("Could not find a property named 'OrganizationName' on type 'Microsoft.Dynamics.DataEntities.CustomerV3'."), fault.Misconfigured, odata.ReasonMissing, nil, "OrganizationName"},
		{"no such entity set", "Read", []int{404}, plain("No HTTP resource was found that matches the request URI 'https://x/data/CustomersV9'."), fault.Misconfigured, odata.ReasonMissing, nil, ""},
		{"no such entity set, post", "Post", []int{404}, plain("Resource not found for the segment 'CustomersV9'."), fault.Misconfigured, odata.ReasonMissing, nil, ""},
		{"no such entity set, read, other words", "Read", []int{404}, plain("Resource not found for the segment 'CustomersV9'."), fault.Misconfigured, odata.ReasonMissing, nil, ""},
		{"404 of a post", "Post", []int{404}, "", fault.Misconfigured, odata.ReasonMissing, nil, ""},
		{"404 of something else", "Read", []int{404}, "<html>", fault.Misconfigured, odata.ReasonMissing, nil, ""},
		{"unknown fault", "Post", []int{500}, plain("An error has occurred."), fault.Transient, odata.ReasonUnavailable, nil, ""},
		{"unknown refusal", "Post", []int{400}, plain("An error has occurred."), fault.Permanent, odata.ReasonRefused, nil, ""},
		{"no token", "Patch", []int{401}, infolog(exists), fault.Misconfigured, odata.ReasonUnauthorized, nil, ""},
		{"no privilege", "Post", []int{403}, infolog(exists), fault.Misconfigured, odata.ReasonForbidden, nil, ""},
		{"throttled", "Post", []int{429}, plain(throttling), fault.Throttled, odata.ReasonThrottled, nil, ""},
		{"throttled, whatever it says", "Post", []int{429}, infolog(exists), fault.Throttled, odata.ReasonThrottled, nil, ""},
		{"method not allowed", "Delete", []int{405}, "", fault.Permanent, odata.ReasonRefused, nil, ""},
		{"too large", "Post", []int{413}, "", fault.Permanent, odata.ReasonRefused, nil, ""},
		{"down", "Post", []int{503}, "<html>", fault.Transient, odata.ReasonUnavailable, nil, ""},
		{"gateway gives up", "Post", []int{502, 504}, "<html>", fault.Transient, odata.ReasonUnknown, nil, ""},
	} {
		for _, status := range test.statuses {
			t.Run(fmt.Sprintf("%s, %d", test.name, status), func(t *testing.T) {
				s := odatatest.New(t, odatatest.Reply{Status: status, Body: test.body})
				err := calls[test.call](t.Context(), client(t, s))
				e := fault.Of(err)
				if e == nil || e.Kind != test.kind || e.Reason != test.reason || e.Field != test.field {
					t.Fatalf("got %v: %v", fault.KindOf(err), err)
				}
				for _, condition := range []error{finops.ErrNotFound, finops.ErrExists} {
					if got := errors.Is(err, condition); got != (condition == test.condition) {
						t.Errorf("errors.Is(%v) = %v", condition, got)
					}
				}
			})
		}
	}
}

// TestRecorded replays the recorded answers.
func TestRecorded(t *testing.T) {
	data, err := os.ReadFile("testdata/fo-odata-01-errors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct {
		Case    string            `json:"_case"`
		Status  int               `json:"_status"`
		Headers map[string]string `json:"_headers"`
		Body    json.RawMessage   `json:"_body"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	ends := []struct {
		call  string
		want  fault.Error
		cause error
	}{
		{"Post", fault.Error{Kind: fault.Permanent, Reason: odata.ReasonRefused, Field: "CustomerGroupId"}, nil},
		{"Post", fault.Error{Kind: fault.Transient, Reason: odata.ReasonExists}, finops.ErrExists},
		{"Patch", fault.Error{Kind: fault.Transient, Reason: odata.ReasonNotFound}, finops.ErrNotFound},
		{"Patch", fault.Error{Kind: fault.Throttled, Reason: odata.ReasonThrottled, After: time.Minute}, nil},
	}
	if len(list) != len(ends) {
		t.Fatalf("%d recorded answers, %d ends", len(list), len(ends))
	}
	for i, r := range list {
		s := odatatest.New(t, odatatest.Reply{Status: r.Status, Header: r.Headers, Body: string(r.Body)})
		err := calls[ends[i].call](t.Context(), client(t, s))
		got := *fault.Of(err)
		if got.Detail, got.Err = "", nil; got != ends[i].want {
			t.Errorf("%s: got %+v, want %+v", r.Case, got, ends[i].want)
		}
		if ends[i].cause != nil && !errors.Is(err, ends[i].cause) {
			t.Errorf("%s: %v is not %v", r.Case, err, ends[i].cause)
		}
		if n := len(s.Requests()); n != 1 {
			t.Errorf("%s: %d requests", r.Case, n)
		}
	}
}

func TestRequests(t *testing.T) {
	const row = `{"@odata.context":"x","@odata.etag":"W/\"JzM0\"","dataAreaId":"usmf","CreditLimit":1.10}`
	s := odatatest.New(t, odatatest.Reply{Status: 200, Body: row}, odatatest.Reply{Status: 200, Body: row}, odatatest.Reply{Status: 204},
		odatatest.Reply{Status: 201, Body: row}, odatatest.Reply{Status: 204})
	c := client(t, s)
	got, err := c.Read(t.Context(), "CustomersV3", key, []string{"CreditLimit", "dataAreaId"})
	if err != nil || got.ETag != `W/"JzM0"` || string(got.JSON) != row || got.ID != "" {
		t.Errorf("Read = %+v, %v", got, err)
	}
	if _, err := c.Read(t.Context(), "CustomersV3", key, nil); err != nil {
		t.Error(err)
	}
	if err := errors.Join(c.Patch(t.Context(), "CustomersV3", key, body), c.Post(t.Context(), "CustomersV3", body), c.Delete(t.Context(), "CustomersV3", key)); err != nil {
		t.Error(err)
	}
	const address = "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='Lokal%E2%80%93%C3%9F')?cross-company=true"
	want := []odatatest.Request{
		{Method: "GET", URI: address + "&$select=CreditLimit,dataAreaId"},
		{Method: "GET", URI: address},
		{Method: "PATCH", URI: address, Body: string(body)},
		{Method: "POST", URI: "/data/CustomersV3?cross-company=true", Body: string(body)},
		{Method: "DELETE", URI: address},
	}
	for i, r := range s.Requests() {
		if r.Header.Get("If-Match") != "" || r.Header.Get("Odata-Version") != "4.0" {
			t.Errorf("headers %v", r.Header)
		}
		if r.Header = nil; fmt.Sprint(r) != fmt.Sprint(want[i]) {
			t.Errorf("sent %v\nwant %v", r, want[i])
		}
	}
}

func TestNothingUncheckedInURLs(t *testing.T) {
	s := odatatest.New(t, odatatest.Reply{Status: 204})
	c := client(t, s)
	for _, bad := range [][]finops.KeyValue{nil, {{Name: "RecId", Value: "1) or (1", Quoted: false}}, {{Name: "a'b", Value: "x", Quoted: true}}} {
		if err := c.Patch(t.Context(), "CustomersV3", bad, body); err == nil {
			t.Errorf("key %v was sent", bad)
		}
	}
	for _, err := range []error{c.Post(t.Context(), "../x", body), c.Patch(t.Context(), "a?b", key, body)} {
		if fault.KindOf(err) != fault.Misconfigured {
			t.Error(err)
		}
	}
	if len(s.Requests()) != 0 {
		t.Errorf("sent %v", s.Requests())
	}
}

// TestNoValueLeaks makes every call fail with answers that quote what was sent, and searches the errors.
func TestNoValueLeaks(t *testing.T) {
	texts := []string{badGroup, labelOnly, exists, noRow, conflict,
		"The value '" + secret + "' in field '" + secret + "' and Field '" + secret + "' must be filled in, Bearer " + odatatest.Token + ", validateField failed on field '" + secret + "." + secret + "'"}
	for _, status := range []int{200, 302, 400, 401, 403, 404, 405, 408, 409, 412, 413, 429, 500, 502, 503, 504} {
		for _, text := range texts {
			for _, reply := range []string{infolog(text), plain(text), "<html>" + text, `{"` + secret + `":`} {
				s := odatatest.New(t, odatatest.Reply{Status: status, Body: reply, Header: map[string]string{"Location": "/" + odatatest.Token}})
				c := client(t, s)
				for name, call := range calls {
					err := call(t.Context(), c)
					if err == nil {
						continue // a write that was answered 200
					}
					e := fault.Of(err)
					for _, form := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), e.Detail, e.Field, fmt.Sprintf("%+v", errors.Unwrap(err))} {
						for _, banned := range []string{secret, "Lokal", "Bond", "US-001", odatatest.Token} {
							if strings.Contains(form, banned) {
								t.Errorf("%s, %d: %q in %s", name, status, banned, form)
							}
						}
					}
				}
			}
		}
	}
}
