package odata_test

import (
	"net/url"
	"strings"
	"testing"

	"crosswalk/shared/fault"
	"crosswalk/shared/odata"
)

func TestKey(t *testing.T) {
	for _, test := range []struct {
		name string
		key  []odata.KeyValue
		want string
	}{
		{"one string", []odata.KeyValue{{"accountnumber", "US-001", true}}, "(accountnumber='US-001')"},
		{"two parts keep their order", []odata.KeyValue{{"dataAreaId", "usmf", true}, {"CustomerAccount", "000104", true}},
			"(dataAreaId='usmf',CustomerAccount='000104')"},
		{"a quote is doubled, then encoded", []odata.KeyValue{{"name", "O'Brien", true}}, "(name='O%27%27Brien')"},
		{"a value can't end the literal", []odata.KeyValue{{"name", "x') or (1 eq 1", true}}, "(name='x%27%27%29%20or%20%281%20eq%201')"},
		{"what would end the path or the query", []odata.KeyValue{{"name", "a/b?c#d&e+f%2F", true}}, "(name='a%2Fb%3Fc%23d%26e%2Bf%252F')"},
		{"not ASCII", []odata.KeyValue{{"name", "Größe 😀", true}}, "(name='Gr%C3%B6%C3%9Fe%20%F0%9F%98%80')"},
		{"blank", []odata.KeyValue{{"LineKey", "", true}}, "(LineKey='')"},
		{"number", []odata.KeyValue{{"RecId", "9223372036854775807", false}}, "(RecId=9223372036854775807)"},
		{"GUID in lower case", []odata.KeyValue{{"_customerid_value", "D290F1EE-6C54-4B01-90E6-D701748F0851", false}},
			"(_customerid_value=d290f1ee-6c54-4b01-90e6-d701748f0851)"},
		{"enumeration", []odata.KeyValue{{"Type", "Microsoft.Dynamics.DataEntities.NoYes'Yes'", false}},
			"(Type=Microsoft.Dynamics.DataEntities.NoYes'Yes')"},
		{"date", []odata.KeyValue{{"ValidFrom", "2026-07-01T12:00:00Z", false}}, "(ValidFrom=2026-07-01T12%3A00%3A00Z)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := odata.Key(test.key)
			if err != nil || got != test.want {
				t.Fatalf("Key = %s, %v, want %s", got, err, test.want)
			}
			u, err := url.Parse("https://x/data/Set" + got + "?cross-company=true")
			if err != nil || u.RawQuery != "cross-company=true" || u.Fragment != "" || u.EscapedPath() != "/data/Set"+got {
				t.Errorf("in a URL it is path %q, query %q, fragment %q, %v", u.EscapedPath(), u.RawQuery, u.Fragment, err)
			}
		})
	}
}

func TestKeyIsRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		key  []odata.KeyValue
		kind fault.Kind
	}{
		{"no key at all", nil, fault.Misconfigured},
		{"name ends the key", []odata.KeyValue{{"a=1)", "x", true}}, fault.Misconfigured},
		{"unquoted text", []odata.KeyValue{{"RecId", "secret-value", false}}, fault.Permanent},
		{"unquoted injection", []odata.KeyValue{{"RecId", "1)/Other(2", false}}, fault.Permanent},
		{"unquoted blank", []odata.KeyValue{{"RecId", "", false}}, fault.Permanent},
		{"unquoted number with a line feed", []odata.KeyValue{{"RecId", "1\n", false}}, fault.Permanent},
		{"exponent", []odata.KeyValue{{"RecId", "1e9", false}}, fault.Permanent},
		{"control character", []odata.KeyValue{{"name", "secret-value\x00", true}}, fault.Permanent},
		{"invalid UTF-8", []odata.KeyValue{{"name", "secret-value\xff", true}}, fault.Permanent},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := odata.Key(test.key)
			if fault.KindOf(err) != test.kind {
				t.Fatalf("Key = %q, %v (%v), want %v", got, err, fault.KindOf(err), test.kind)
			}
			if strings.Contains(err.Error(), "secret-value") {
				t.Errorf("the error holds the value: %v", err)
			}
		})
	}
}

func TestGUID(t *testing.T) {
	if got, err := odata.GUID("accountid", "D290F1EE-6C54-4B01-90E6-D701748F0851"); err != nil || got != "d290f1ee-6c54-4b01-90e6-d701748f0851" {
		t.Errorf("GUID = %s, %v", got, err)
	}
	for _, text := range []string{"", "1", "{d290f1ee-6c54-4b01-90e6-d701748f0851}", "d290f1ee-6c54-4b01-90e6-d701748f0851)",
		"d290f1ee6c544b0190e6d701748f0851", "../accounts", "d290f1ee-6c54-4b01-90e6-d701748f085g", "d290f1ee-6c54-4b01-90e6-d701748f0851\n"} {
		if got, err := odata.GUID("accountid", text); fault.KindOf(err) != fault.Permanent || fault.Of(err).Reason != "bad-value" || fault.Of(err).Field != "accountid" {
			t.Errorf("GUID(%q) = %s, %v", text, got, err)
		}
	}
}

func TestFilter(t *testing.T) {
	got, err := odata.Filter([]odata.KeyValue{{"invoicenumber", "2026/O'1", true}, {"cw_legalentity", "demf", true}})
	if want := "invoicenumber%20eq%20%272026%2FO%27%271%27%20and%20cw_legalentity%20eq%20%27demf%27"; err != nil || got != want {
		t.Errorf("Filter = %s, %v, want %s", got, err, want)
	}
}
