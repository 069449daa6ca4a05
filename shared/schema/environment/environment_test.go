package environment_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"crosswalk/shared/odata"
	"crosswalk/shared/schema"
	"crosswalk/shared/schema/environment"
)

type noCredential struct{}

func (noCredential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// answering serves testdata by the path's last part. change may refuse a request or rewrite an answer; it is nil for none.
// Like the real services it gives a derived type's members by a cast alone, and option sets only where they are expanded.
func answering(t *testing.T, change func(r *http.Request, answer string) (int, string)) (url string, o *odata.Options) {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last := path.Base(r.URL.Path)
		kind := "application/json"
		switch {
		case r.Method != http.MethodGet:
			t.Errorf("%s %s: a pull only reads", r.Method, r.URL)
		case last == "$metadata":
			last, kind = "metadata.xml", "application/xml"
			if r.Header.Get("Accept") != kind {
				w.WriteHeader(http.StatusNotAcceptable)
				return
			}
		case last == "EntityDefinitions(LogicalName='account')":
			last = "account.json"
		case strings.HasPrefix(last, "Microsoft.Dynamics.CRM."):
			last = strings.TrimPrefix(last, "Microsoft.Dynamics.CRM.") + ".json"
			if strings.Contains(last, "PicklistA") && !strings.Contains(r.URL.Query().Get("$expand"), "GlobalOptionSet($select=Options)") {
				last = "none"
			}
		case last == "DataManagementTargetMapEntities" && (r.URL.Query().Get("$filter") != "Entity eq 'Customers V3'" || r.URL.Query().Get("cross-company") != "true"):
			last = "none"
		default:
			last += ".json"
		}
		answer, err := os.ReadFile("testdata/" + last)
		status := http.StatusOK
		if err != nil {
			status, answer = http.StatusNotFound, []byte(`{"error":{"code":"","message":"No such resource."}}`)
			if last == "none" {
				status, answer = http.StatusOK, []byte(`{"value":[]}`)
			}
		}
		text := string(answer)
		if change != nil {
			if code, changed := change(r, text); code != 0 {
				status, text = code, changed
			}
		}
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s.URL, &odata.Options{Transport: s.Client(), RetryDelay: time.Millisecond}
}

func pullAccount(t *testing.T, old *schema.Document, change func(*http.Request, string) (int, string)) (*environment.Pulled, error) {
	t.Helper()
	url, o := answering(t, change)
	c, err := environment.NewDataverse(url, noCredential{}, o)
	if err != nil {
		t.Fatal(err)
	}
	return c.Pull(t.Context(), "account", "", old)
}

func pullCustomers(t *testing.T, old *schema.Document, label string, change func(*http.Request, string) (int, string)) (*environment.Pulled, error) {
	t.Helper()
	url, o := answering(t, change)
	c, err := environment.NewFnO(url, noCredential{}, o)
	if err != nil {
		t.Fatal(err)
	}
	return c.Pull(t.Context(), "CustomersV3", label, old)
}

func document(t *testing.T, text string) *schema.Document {
	t.Helper()
	d, err := schema.ReadDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wantText(t *testing.T, p *environment.Pulled, want string) {
	t.Helper()
	got, err := p.Document.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

const newAccount = `{
  "system": "dataverse",
  "entity": "account",
  "displayName": "Account",
  "set": "accounts",
  "primaryKey": ["accountid"],
  "alternateKeys": [["accountnumber"], ["cw_region", "accountnumber"]],
  "columns": {
    "accountid": {"type": "Uniqueidentifier", "required": "system", "default": "new"},
    "accountnumber": {"type": "String", "maxLength": 20, "displayName": "Account Number"},
    "address1_latitude": {"type": "Double", "min": "-90", "max": "90", "precision": 5},
    "createdon": {"type": "DateTime", "readOnly": true},
    "creditlimit": {"type": "Money", "min": "0", "max": "100000000000000"},
    "creditonhold": {"type": "Boolean", "displayName": "Credit Hold"},
    "cw_discount": {"type": "Decimal", "min": "-100.5", "max": "100000000000", "precision": 3},
    "cw_party": {"type": "Customer", "targets": ["account", "contact"]},
    "cw_region": {"type": "Picklist", "options": {"100000000": "Nord", "100000001": ""}, "required": "application", "default": "100000001", "displayName": "Region (Vertrieb)"},
    "cw_review": {"type": "DateTime"},
    "cw_since": {"type": "DateTime", "dateOnly": true},
    "cw_tags": {"type": "MultiSelectPicklist", "options": {"3": "Key account", "1": "Fair"}},
    "description": {"type": "Memo", "maxLength": 2000},
    "industrycode": {"type": "Picklist", "options": {"2": "Agriculture", "1": "Accounting"}, "required": "recommended"},
    "name": {"type": "String", "maxLength": 160, "required": "application", "displayName": "Account Name"},
    "numberofemployees": {"type": "Integer", "min": "0", "max": "1000000000"},
    "ownerid": {"type": "Owner", "targets": ["systemuser", "team"], "required": "system", "default": "caller"},
    "primarycontactid": {"type": "Lookup", "targets": ["contact"]},
    "statecode": {"type": "State", "options": {"0": "Active", "1": "Inactive"}, "required": "system", "default": "0"},
    "statuscode": {"type": "Status", "options": {"1": "Active", "2": "Inactive"}},
    "versionnumber": {"type": "BigInt", "readOnly": true}
  }
}
`

func TestPullDataverseTableWithoutSnapshot(t *testing.T) {
	p, err := pullAccount(t, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p, newAccount)
	if diff := cmp.Diff([]environment.Untold{{Part: "precision", Column: "creditlimit"}}, p.Unknown); diff != "" || len(p.Kept) > 0 {
		t.Errorf("%s kept %v", diff, p.Kept)
	}
	if len(p.LeftOut) > 0 {
		t.Errorf("left out: %v", p.LeftOut)
	}
	want := []string{"alternate key cw_name (name) is left out because its index isn't ready: Failed", "alternate key cw_hidden is left out because its column isprivate is"}
	if diff := cmp.Diff(want, p.Notes); diff != "" {
		t.Error(diff)
	}
}

// What the environment doesn't tell, and an order that means nothing, stay as they were; what it tells wins.
func TestPullDataverseKeepsWhatIsNotTold(t *testing.T) {
	old := strings.NewReplacer(
		`"max": "100000000000000"}`, `"max": "100000000000000", "precision": 4}`,
		`["cw_region", "accountnumber"]`, `["accountnumber", "cw_region"]`,
		`"targets": ["account", "contact"]`, `"targets": ["contact", "account"]`,
		`"default": "100000001"`, `"default": "100000000"`).Replace(newAccount)
	p, err := pullAccount(t, document(t, strings.Replace(old, `"maxLength": 160`, `"maxLength": 50`, 1)), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p, old)
	want := []environment.Untold{{Part: "default", Column: "accountid"}, {Part: "default", Column: "cw_region"}, {Part: "default", Column: "ownerid"}, {Part: "default", Column: "statecode"}, {Part: "precision", Column: "creditlimit"}}
	if diff := cmp.Diff(want, p.Kept); diff != "" {
		t.Error(diff)
	}
}

// An environment that leaves out what the derived types tell takes nothing away.
func TestPullDataverseWithoutDerivedTypes(t *testing.T) {
	p, err := pullAccount(t, document(t, newAccount), func(r *http.Request, _ string) (int, string) {
		if strings.Contains(r.URL.Path, "/Microsoft.Dynamics.CRM.") {
			return http.StatusOK, `{"value":[]}`
		}
		return 0, ""
	})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p, newAccount)
	for _, u := range []environment.Untold{{Part: "length", Column: "name"}, {Part: "bounds", Column: "numberofemployees"}, {Part: "precision", Column: "cw_discount"},
		{Part: "date behaviour", Column: "cw_since"}, {Part: "targets", Column: "ownerid"}, {Part: "options", Column: "statecode"}} {
		found := false
		for _, k := range p.Kept {
			found = found || k == u
		}
		if !found {
			t.Errorf("%v isn't named as kept: %v", u, p.Kept)
		}
	}
}

func TestPullRefusals(t *testing.T) {
	refuse := func(status int) func(*http.Request, string) (int, string) {
		return func(*http.Request, string) (int, string) {
			return status, `{"error":{"code":"0x80060888","message":"secret text"}}`
		}
	}
	for name, tt := range map[string]struct {
		status int
		want   string
	}{
		"no such table": {404, "no table account in Dataverse; its logical name is needed"},
		"no privilege":  {403, "target-forbidden"},
		"no token":      {401, "target-unauthorized"},
	} {
		if p, err := pullAccount(t, nil, refuse(tt.status)); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	event := document(t, `{"system":"fno","entity":"E","event":"fno.E","columns":{"a":{"type":"String"}}}`)
	if p, err := pullCustomers(t, event, "", nil); err == nil || !strings.Contains(err.Error(), "is an event") {
		t.Errorf("%v, %v", p, err)
	}
	url, o := answering(t, nil)
	c, _ := environment.NewFnO(url, noCredential{}, o)
	for entity, want := range map[string]string{"customersv3": "no entity set customersv3, but CustomersV3", "Nowhere": "no entity set Nowhere;", "a')/x": "is no entity's name"} {
		if p, err := c.Pull(t.Context(), entity, "", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", entity, p, err)
		}
	}
	if p, err := pullCustomers(t, nil, "", func(*http.Request, string) (int, string) { return 200, "<html>secret" }); err == nil || !strings.Contains(err.Error(), "FNO_URL") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v, %v", p, err)
	}
}

const newCustomers = `{
  "system": "fno",
  "entity": "CustomersV3",
  "set": "CustomersV3",
  "primaryKey": ["dataAreaId", "CustomerAccount"],
  "alternateKeys": [],
  "enums": {
    "NoYes": ["No", "Yes"]
  },
  "columns": {
    "ConsolidationDay": {"type": "Int32", "min": "-2147483648", "max": "2147483647", "notNull": true},
    "CreditLimit": {"type": "Decimal", "notNull": true},
    "CustomerAccount": {"type": "String", "maxLength": 20, "notNull": true, "required": "system"},
    "CustomerGroupId": {"type": "String", "maxLength": 10, "required": "system"},
    "CustomerSince": {"type": "DateTimeOffset", "notNull": true},
    "Discounts": {"type": "List", "notNull": true},
    "Discounts[].Codes": {"type": "List"},
    "Discounts[].Codes[]": {"type": "String"},
    "Discounts[].Hold": {"type": "Enum", "enum": "NoYes", "notNull": true},
    "Discounts[].Percent": {"type": "Decimal", "notNull": true},
    "Discounts[].Steps": {"type": "List"},
    "Discounts[].Steps[].Steps": {"type": "List"},
    "Discounts[].Steps[].Steps[].Steps": {"type": "List"},
    "Memo": {"type": "String"},
    "OnHold": {"type": "Enum", "enum": "NoYes"},
    "OrganizationName": {"type": "String", "maxLength": 60},
    "PartyRecId": {"type": "Int64", "min": "-9223372036854775808", "max": "9223372036854775807", "notNull": true},
    "RowId": {"type": "Guid"},
    "dataAreaId": {"type": "String", "notNull": true, "required": "system"}
  }
}
`

func TestPullFnOEntity(t *testing.T) {
	p, err := pullCustomers(t, nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p, newCustomers)
	if diff := cmp.Diff([]string{"Picture (Edm.Binary)", "Unlisted (Microsoft.Dynamics.DataEntities.Nowhere)"}, p.LeftOut); diff != "" {
		t.Error(diff)
	}
	if len(p.Notes) > 0 || len(p.Kept) > 0 || !slices.Contains(p.Unknown, environment.Untold{Part: "length", Column: "Memo"}) {
		t.Errorf("%+v", p)
	}
}

// Without the data management's rows the old lengths and levels stand; a row overrules them.
func TestPullFnOKeepsWhatIsNotTold(t *testing.T) {
	old := strings.NewReplacer(
		`"Memo": {"type": "String"}`, `"Memo": {"type": "String", "maxLength": 1000, "required": "system"}`,
		`"CustomerSince": {"type": "DateTimeOffset", "notNull": true}`, `"CustomerSince": {"type": "DateTimeOffset", "notNull": true, "dateOnly": true}`,
		`"max": "9223372036854775807", "notNull": true}`, `"max": "9223372036854775807", "notNull": true, "readOnly": true}`,
		`["dataAreaId", "CustomerAccount"]`, `["CustomerAccount", "dataAreaId"]`).Replace(newCustomers)
	other := strings.NewReplacer(`"maxLength": 60`, `"maxLength": 99, "required": "system"`, `["No", "Yes"]`, `["No"]`).Replace(old)
	p, err := pullCustomers(t, document(t, other), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p, old)
	want := []environment.Untold{{Part: "length", Column: "Memo"}, {Part: "read-only", Column: "PartyRecId"}, {Part: "required level", Column: "Memo"}, {Part: "whether a day or an instant", Column: "CustomerSince"}}
	if diff := cmp.Diff(want, p.Kept); diff != "" {
		t.Error(diff)
	}

	unreadable := func(r *http.Request, _ string) (int, string) {
		if strings.Contains(r.URL.Path, "TargetMap") {
			return http.StatusForbidden, ""
		}
		return 0, ""
	}
	for name, pull := range map[string]func() (*environment.Pulled, error){
		"no rows":      func() (*environment.Pulled, error) { return pullCustomers(t, document(t, old), "Another label", nil) },
		"no privilege": func() (*environment.Pulled, error) { return pullCustomers(t, document(t, old), "", unreadable) },
	} {
		p, err := pull()
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, p, old)
		if len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "lengths and mandatory fields aren't told") {
			t.Errorf("%s: %q", name, p.Notes)
		}
	}
}

// A throttled answer that isn't about rights ends the pull: a snapshot is whole or not written.
func TestPullFnOIsWholeOrNothing(t *testing.T) {
	p, err := pullCustomers(t, nil, "", func(r *http.Request, _ string) (int, string) {
		if strings.Contains(r.URL.Path, "TargetMap") {
			return http.StatusTooManyRequests, ""
		}
		return 0, ""
	})
	if err == nil {
		t.Errorf("%+v", p)
	}
}

// What people call a column stays known where the environment has no word for it: Dataverse may answer no label, and F&O's
// $metadata has none at all.
func TestPullKeepsDisplayNamesThatAreNotTold(t *testing.T) {
	silent := func(r *http.Request, answer string) (int, string) {
		if path.Base(r.URL.Path) == "Attributes" || strings.HasPrefix(path.Base(r.URL.Path), "EntityDefinitions") {
			return http.StatusOK, strings.ReplaceAll(answer, `"DisplayName"`, `"Unread"`)
		}
		return 0, ""
	}
	p, err := pullAccount(t, document(t, newAccount), silent)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p, newAccount)
	kept := map[string]bool{}
	for _, k := range p.Kept {
		kept[k.Part+" "+k.Column] = true
	}
	if !kept["display name "] || !kept["display name creditonhold"] || kept["display name accountid"] {
		t.Errorf("kept %v", p.Kept)
	}
	old, err := pullCustomers(t, nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	old.Document.Entity.DisplayName, old.Document.Entity.Columns[0].DisplayName = "Customers V3", "Shown"
	if p, err = pullCustomers(t, old.Document, "", nil); err != nil || p.Document.Entity.DisplayName != "Customers V3" || p.Document.Entity.Columns[0].DisplayName != "Shown" {
		t.Errorf("%+v, %v", p, err)
	}
}
