package editor

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"crosswalk/shared/schema"
)

// A name that is no column is marked wherever a column may stand; what the language allows beside columns isn't.
func TestEditorMarksMisspeltColumns(t *testing.T) {
	s := compiled(t)
	for _, tt := range [][2]string{
		{"creditonhold: {", "creditonhld: {"},
		{"from: OnHoldStatus", "from: OnHoldState"},
		{"from: NameAlias", "from: SearchName"},
		{"key: [accountnumber]", "key: [name]"},
		{"from: CustomerAccount, ", "from: [CustomerAccount, Acount], "},
		{"delete: reject", "delete: {deactivate: {statuscod: 2}}"},
		{"entity: CustomersV3", "entity: VendorsV2"}, // whose columns are others
	} {
		spoiled := strings.Replace(sound, tt[0], tt[1], 1)
		if err := validate(t, s, spoiled); err == nil || spoiled == sound {
			t.Errorf("%q: an editor accepts it", tt[1])
		}
	}
	for _, tt := range [][2]string{
		{"from: CustomerAccount, ", "from: [CustomerAccount, NameAlias], "},
		{"delete: reject", "delete: {deactivate: {statecode: 1, statuscode: 2}}"},
		{"creditonhold: {", "creditlimit: {from: CreditLimit, times: {from: CreditLimit}, otherwise: {from: CreditLimit}}\n  creditonhold: {"},
		{"key: [accountnumber]", "key: [cw_legalentity, accountnumber]"},
	} {
		if err := validate(t, s, strings.Replace(sound, tt[0], tt[1], 1)); err != nil {
			t.Errorf("%q: %v", tt[1], err)
		}
	}
}

// Completion and hover offer each column with what people call it, and each alone where its entity is meant.
func TestEditorOffersTheColumns(t *testing.T) {
	text, err := Columns(schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	s := compiledText(t, ColumnsPath, text)
	definition := func(name string) *jsonschema.Schema {
		t.Helper()
		for _, rule := range s.AllOf {
			for _, p := range rule.Then.Properties {
				if p.Ref != nil && strings.HasSuffix(p.Ref.Location, "/"+name) {
					return p.Ref
				}
				if field, ok := p.AdditionalProperties.(*jsonschema.Schema); ok && field.Ref != nil {
					from := field.Ref.Properties["from"].AnyOf[0].Ref
					if strings.HasSuffix(from.Location, "/"+name) {
						return from
					}
				}
			}
		}
		t.Fatalf("no rule leads to %s", name)
		return nil
	}
	account, _ := schema.Lookup(schema.Dataverse, "account")
	fields := definition("dataverse.account.fields")
	if len(fields.Properties) != len(account.Columns) {
		t.Errorf("%d fields for %d columns", len(fields.Properties), len(account.Columns))
	}
	for name, want := range map[string]string{
		"creditonhold":     "Credit Hold: yes/no",
		"name":             "Account Name: text, at most 160 characters, required",
		"primarycontactid": "Primary Contact: lookup to contact",
		"paymenttermscode": "Payment Terms: option 1 Net 30, 2 2% 10, Net 30, 3 Net 45, 4 Net 60",
		"versionnumber":    "Version Number: whole number, can't be written",
		"cw_legalentity":   "text, at most 4 characters",
	} {
		if got := fields.Properties[name]; got == nil || got.Description != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	from := definition("fno.SalesInvoicePostedBusinessEvent.column")
	if !slices.Contains(from.Enum.Values, any("InvoiceAccount")) {
		t.Errorf("an event offers %v", from.Enum.Values)
	}
	if bytes.Contains(text, []byte("SalesInvoicePostedBusinessEvent.fields")) {
		t.Error("an event is offered as a target")
	}
	if len(text) > 400_000 {
		t.Errorf("%d bytes: an editor reads them at every start", len(text))
	}
}

func TestTheColumnsSchemaIsFresh(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("../..", ColumnsPath))
	if err != nil {
		t.Fatal(err)
	}
	now, err := Columns(schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, now) {
		t.Errorf("%s is stale: go run ./cmd/crosswalk docs", ColumnsPath)
	}
}
