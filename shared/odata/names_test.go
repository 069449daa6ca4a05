package odata

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	const body = `{"CustomerGroupId":"Lokal–ß","CustomerAccount":"C1","OrganizationName":"Field 'Secret word' must be filled in","nested":{"inner":"deep value"},` +
		`"primarycontactid@odata.bind":"/contacts(1)","name":"name","@odata.type":"x","creditlimit":1.5}`
	for _, test := range []struct {
		text string
		want []string
	}{
		{"The value 'Lokal–ß' in field 'Customer group' is not found; validateField failed on field 'CustCustomerV3Entity.CustomerGroupId'.", []string{"CustomerGroupId"}},
		{"Field 'Terms of payment' must be filled in.", []string{"Terms of payment"}},
		{"validateField failed on field 'CustCustomerV3Entity.PaymentTerms'", []string{"PaymentTerms"}},
		{"The length of the 'name' attribute of the 'account' entity exceeded the maximum allowed length of '160'.", []string{"name"}},
		{"The value of 'CREDITLIMIT' on record of type 'account' is outside the valid range.", []string{"creditlimit"}},
		{`Invalid property 'primarycontactid' was found`, []string{"primarycontactid"}},
		{"Several: 'name' and 'creditlimit'", []string{"creditlimit", "name"}},
		{"The value 'Someone' of 'nobody' failed", []string{}},
		{"The value 'Field 'Secret word' must be filled in' is too long", []string{}},
		{"A record that has the attribute values deep value already exists. The entity key cw_Customer Number 2 requires that this set of attributes contains unique values.", []string{"cw_Customer Number 2"}},
		{"The entity key deep value requires that this set of attributes contains unique values.", []string{}},
		{"'inner' of 'nested'", []string{"nested"}},
		{"", []string{}},
	} {
		r := &Refusal{Call: Call{Body: []byte(body)}, Inner: test.text}
		if got := r.Names(); !slices.Equal(got, test.want) {
			t.Errorf("%s\ngot  %q\nwant %q", test.text, got, test.want)
		}
	}
}

// TestNamesOfBrokenBody holds that a body which isn't JSON does no harm.
func TestNamesOfBrokenBody(t *testing.T) {
	for _, body := range []string{"", "{", `{"a":`, "[1,2]", `"name"`, "\xff"} {
		r := &Refusal{Call: Call{Body: []byte(body), Columns: []string{"name"}}, Message: "'name' is wrong"}
		if got := r.Names(); !slices.Equal(got, []string{"name"}) {
			t.Errorf("%q: %q", body, got)
		}
	}
}
