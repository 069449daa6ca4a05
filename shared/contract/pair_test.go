package contract

import (
	"strings"
	"testing"
)

// A link belongs to one entity of each system and to one key, so what shares it otherwise is refused before it takes one record for
// another, or rejects each that the other flow has brought.
func TestFlowsOfOnePairShareOneLink(t *testing.T) {
	sales := posted("x", "{value: sales}", "name: {from: InvoiceId, longer: reject}")
	free := posted("x", "{value: free text}", "name: {from: InvoiceId, longer: reject}")
	const condition, otherKey = "\nwhen: InvoiceId != \"\"\nfields:", "kind: {from: LegalEntity, blank: reject, longer: reject}"
	const customer = `purpose: p
team: t
pair: x
owner: fno
from: {system: fno, entity: CustomersV3, event: fno.custcustomerv3entity.*, state: row}
to: {system: dataverse, entity: kept, key: [kind, number]}
fields:
  kind: {from: dataAreaId, blank: reject}
  number: {from: CustomerAccount, blank: reject}
  name: {from: LanguageId}
`
	vendor := strings.NewReplacer("CustomersV3", "VendorsV2", "custcustomerv3entity", "vendvendorv2entity", "CustomerAccount", "VendorAccountNumber", "name: {from: LanguageId}", "note: {from: dataAreaId}").Replace(customer)
	note := func(text string) string { return strings.Replace(text, "name: {", "note: {", 1) }
	for name, test := range map[string]struct{ a, b, want string }{
		"other columns of the same rows": {sales, note(sales), ""},
		"rows apart":                     {sales, free, "b.yaml:3:7: flow a writes the records of SalesInvoicePostedBusinessEvent over the link x too, under a key with another kind: the link knows one row for a record, so the flow that comes second would reject it (key-changed) (fix: give each of the two flows a pair of its own, or write a when in both that tells their records apart)"},
		"rows apart, other links":        {sales, strings.Replace(free, "pair: x", "pair: y", 1), ""},
		"records apart":                  {strings.Replace(sales, "\nfields:", condition, 1), strings.Replace(free, "\nfields:", condition, 1), ""},
		"the key's other order": {strings.Replace(sales, "kind: {value: sales}", otherKey, 1), note(strings.NewReplacer("kind: {value: sales}", otherKey, "[kind, number]", "[number, kind]").Replace(sales)),
			"b.yaml:6:44: flow a shares the link x and has the key [kind, number]: the link knows one row for a record, so the flow that comes second would reject it (key-changed) (fix: write key: [kind, number] here too, or give each of the two flows a pair of its own, or write a when in both that tells their records apart)"},
		"two entities":            {customer, vendor, "b.yaml:3:7: the link x is also flow a's, between CustomersV3 and kept: it knows a record by its system and key, so records of VendorsV2 and of CustomersV3 that have the same number would be taken for one (fix: give each pair of entities a name of its own)"},
		"two entities, two links": {customer, strings.Replace(vendor, "pair: x", "pair: y", 1), ""},
		"an event and rows":       {customer, note(strings.Replace(sales, "{value: sales}", "{from: LegalEntity, case: lower, blank: reject, longer: reject}", 1)), ""},
	} {
		if _, got := togetherOf(t, test.a, test.b); got != test.want {
			t.Errorf("%s\n  gives %s\n  want  %s", name, got, test.want)
		}
	}
}
