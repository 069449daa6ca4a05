package environment_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crosswalk/local/systems/systemstest"
	"crosswalk/shared/odata"
	"crosswalk/shared/schema"
	"crosswalk/shared/schema/environment"
)

// snapshot reads a snapshot of the repository.
func snapshot(t *testing.T, name string) *schema.Document {
	t.Helper()
	data, err := os.ReadFile("../" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	d, err := schema.ReadDocument(data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The simulator knows the same columns. It calls every text String and every lookup Lookup, and its list of what can't be
// written isn't the snapshots'; nothing else may differ.
func TestSimulatedDataverse(t *testing.T) {
	s := systemstest.Start(t)
	c, err := environment.NewDataverse(s.Endpoints().DataverseHTTPS, s.Credential, &odata.Options{Transport: s.Client})
	if err != nil {
		t.Fatal(err)
	}
	differs := map[string][]string{
		"account":             {"column slainvokedid can be written now"},
		"contact":             {"column firstname has another required level: none, before recommended", "column isbackofficecustomer can be written now", "column parentcontactid can be written now", "column slainvokedid can be written now"},
		"invoice":             {"column pricingerrorcode can be written now", "column slainvokedid can be written now"},
		"pricelevel":          {"column organizationid can't be written any more"},
		"product":             {"column hierarchypath can be written now", "column organizationid can't be written any more", "column pricelevelid has another required level: none, before recommended"},
		"productpricelevel":   nil,
		"quote":               {"column pricingerrorcode can be written now", "column slainvokedid can be written now"},
		"salesorder":          {"column pricingerrorcode can be written now", "column slainvokedid can be written now"},
		"uom":                 nil,
		"uomschedule":         nil,
		"transactioncurrency": {"column organizationid can't be written any more"},
	}
	for table, want := range differs {
		old := snapshot(t, "dataverse/"+table)
		pulled, err := c.Pull(t.Context(), table, "", old)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, change := range schema.Compare(old.Entity, pulled.Document.Entity) {
			if text := change.String(); !strings.Contains(text, "has another type: String, before Memo") && !strings.Contains(text, "has another type: Lookup, before") {
				got = append(got, text)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(pulled.Unknown) > 0 || len(pulled.LeftOut) > 0 || len(pulled.Notes) > 0 {
			t.Errorf("%s: %s%v %v %v", table, diff, pulled.Unknown, pulled.LeftOut, pulled.Notes)
		}
	}
	if p, err := c.Pull(t.Context(), "accounts", "", nil); err == nil || !strings.Contains(err.Error(), "no table accounts") {
		t.Errorf("%v, %v", p, err)
	}
}

// The simulator's $metadata is that of the snapshot; it has no rows about lengths, so the snapshot stays as it is.
func TestSimulatedFnO(t *testing.T) {
	s := systemstest.Start(t)
	c, err := environment.NewFnO(s.Endpoints().FnOHTTPS, s.Credential, &odata.Options{Transport: s.Client})
	if err != nil {
		t.Fatal(err)
	}
	for _, entity := range []string{"CustomersV3", "ContactPersons", "ProductsV2", "SalesOrderHeadersV2", "SalesPriceAgreements", "VendorsV2"} {
		old := snapshot(t, "fno/"+entity)
		pulled, err := c.Pull(t.Context(), entity, "", old)
		if err != nil {
			t.Fatal(err)
		}
		want, err := old.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, pulled, string(want))
		if len(pulled.LeftOut) > 0 || len(pulled.Notes) != 1 {
			t.Errorf("%s: %v %q", entity, pulled.LeftOut, pulled.Notes)
		}
	}
}
