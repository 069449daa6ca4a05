package event_test

import (
	"fmt"
	"testing"

	"crosswalk/shared/event"
)

// A data event names its row by a GUID that F&O's OData doesn't know. Its subject is the key, wherever the event holds it.
func TestDataEventNamesItsRowByKey(t *testing.T) {
	const company = `{"key":"mserp_dataareaid","value":"USMF"}`
	account := func(value string) string { return `{"key":"mserp_customeraccount","value":` + value + `}` }
	entity := func(attributes string) string {
		return `{"Attributes":[` + attributes + `],"Id":"00004951-0000-0000-5e1a-005001000000"}`
	}
	for _, test := range []struct{ name, table, target, image, want string }{
		{"in the Target", "custcustomerv3entity", entity(company + "," + account(`"000104"`)), "null", "CustomersV3/usmf/000104"},
		{"an update that left the key alone", "custcustomerv3entity", entity(`{"key":"mserp_creditlimit","value":1}`), entity(company + "," + account(`"000104"`)), "CustomersV3/usmf/000104"},
		{"half here, half there", "custcustomerv3entity", entity(account(`"C-1"`)), entity(company), "CustomersV3/usmf/C-1"},
		{"a delete, whose Target is a reference", "custcustomerv3entity", `{"Id":"00004951-0000-0000-5e1a-005001000000","LogicalName":"mserp_custcustomerv3entity"}`,
			entity(company + "," + account(`"000104"`)), "CustomersV3/usmf/000104"},
		{"a slash, a percent sign and Japanese", "custcustomerv3entity", entity(company + "," + account(`"50%/東京"`)), "null", "CustomersV3/usmf/50%25%2F東京"},
		{"a record id above 2^53", "salespriceagreemententity", entity(company + `,{"key":"mserp_recordid","value":9007199254740993}`), "null", "SalesPriceAgreements/usmf/9007199254740993"},
		{"an entity of no company", "ecoresproductv2entity", entity(`{"key":"mserp_productnumber","value":"0042"}`), "null", "ProductsV2/0042"},
		{"no account", "custcustomerv3entity", entity(company), "null", ""},
		{"a blank account", "custcustomerv3entity", entity(company + "," + account(`""`)), "null", ""},
		{"an account that is an option", "custcustomerv3entity", entity(company + "," + account(`{"Value":200000000}`)), "null", ""},
		{"a record id that is no whole number", "salespriceagreemententity", entity(company + `,{"key":"mserp_recordid","value":9.5}`), "null", ""},
		{"a control character", "custcustomerv3entity", entity(company + "," + account(`"a\u0007b"`)), "null", ""},
		{"an entity without a schema", "x", entity(company + "," + account(`"000104"`)), "null", ""},
	} {
		body := fmt.Sprintf(`{"MessageName":"OnExternalUpdated","PrimaryEntityName":"mserp_%s","PrimaryEntityId":"00000000-0000-0000-0000-000000000000",`+
			`"OperationCreatedOn":"/Date(1782925001000)/","InputParameters":[{"key":"Target","value":%s},{"key":"PreImage","value":%s}]}`, test.table, test.target, test.image)
		want := test.want
		if want == "" {
			want = "mserp_" + test.table + "/00004951-0000-0000-5e1a-005001000000"
		}
		parsed, err := event.Parse([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := parsed.Events[0].Subject(); got != want {
			t.Errorf("%s: subject %s, want %s", test.name, got, want)
		}
	}
}
