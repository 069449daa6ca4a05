package contract

import (
	"strings"
	"testing"

	"crosswalk/shared/schema"
)

func TestLikelyColumns(t *testing.T) {
	for _, tt := range []struct{ target, source, column, want string }{
		{"dataverse/account", "fno/CustomersV3", "name", "OrganizationName NameAlias PersonLastName"},
		{"dataverse/account", "fno/CustomersV3", "accountnumber", "CustomerAccount VendorAccount AllowOnAccount"},
		{"dataverse/account", "fno/CustomersV3", "creditlimit", "CreditLimit"},
		{"dataverse/account", "fno/CustomersV3", "telephone1", "PrimaryContactPhone"},
		{"dataverse/account", "fno/CustomersV3", "numberofemployees", "OrganizationNumberOfEmployees"},
		{"dataverse/account", "fno/CustomersV3", "stockexchange", ""},
		{"dataverse/invoice", "fno/SalesInvoicePostedBusinessEvent", "cw_legalentity", "LegalEntity"},
		{"dataverse/invoice", "fno/SalesInvoicePostedBusinessEvent", "duedate", "InvoiceDueDate"},
		{"fno/CustomersV3", "dataverse/account", "PrimaryContactEmail", "emailaddress1 emailaddress2 emailaddress3"},
	} {
		entity := func(path string) *schema.Entity {
			system, name, _ := strings.Cut(path, "/")
			e, ok := schema.Lookup(system, name)
			if !ok {
				t.Fatalf("no %s", path)
			}
			return e
		}
		column, _ := entity(tt.target).Column(tt.column)
		var names []string
		for _, c := range Likely(column, entity(tt.source)) {
			names = append(names, c.Name)
		}
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%s of %s: %s, want %s", tt.column, tt.source, got, tt.want)
		}
	}
}
