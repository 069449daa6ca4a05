package contract

import (
	"strings"
	"testing"
)

// back is a sound contract in the opposite direction of sound, over the same link. Dataverse owns what it maps, except the
// keys, which both directions share.
const back = `purpose: Finance sees the phone number that sales keeps.
team: finance
pair: customer-account
owner: dataverse
from: {system: dataverse, entity: account, event: dataverse.account.*, state: row}
to: {system: fno, entity: CustomersV3, key: [dataAreaId, CustomerAccount]}
fields:
  dataAreaId: {from: cw_legalentity, case: lower, blank: reject}
  CustomerAccount: {from: accountnumber, blank: reject}
  CustomerGroupId: {value: "10"}
  SalesCurrencyCode: {value: USD}
  PrimaryContactPhone: {from: telephone1, blank: null}
  PrimaryContactFax: {from: fax, blank: null}
`

const backRow = `{"accountnumber": "US-001", "cw_legalentity": "USMF", "telephone1": "1", "fax": null, "name": "n", "description": "d"}`

const backWant = `{"write": {"dataAreaId": "usmf", "CustomerAccount": "US-001", "CustomerGroupId": "10", "SalesCurrencyCode": "USD", "PrimaryContactPhone": "1", "PrimaryContactFax": ""}}`

// bothWays is soundFolder with the flow back, changed by a replacer.
func bothWays(changed ...string) map[string]string {
	return map[string]string{
		"back/contract.yaml":        strings.NewReplacer(changed...).Replace(back),
		"back/function.json":        strings.Replace(trigger, "customer-to-dataverse", "back", 1),
		"back/examples/a.json":      backRow,
		"back/examples/a.want.json": backWant,
	}
}

func TestFlowsInBothDirections(t *testing.T) {
	const loopFix = " (fix: let one system own the value: map it in one direction, and name it in the other with owner: and without a mapping)"
	for name, tt := range map[string]struct {
		forth, back []string
		want        string // the only finding's position and text; "" is none
	}{
		"each field has one owner": {nil, nil, ""},
		"over two links": {nil, []string{"pair: customer-account", "pair: customer-back"},
			"customer-to-dataverse/contract.yaml:3:7: flow back goes the other way over the link customer-back: a loop without an echo rule, because each flow would take what the other has just written for news (fix: write pair: customer-back here too)"},
		"a value that comes back into another field": {nil, []string{"PrimaryContactFax: {from: fax", "NameAlias: {from: name, longer: cut", `"PrimaryContactFax": ""`, `"NameAlias": "n"`},
			""},
		"a loop of two": {[]string{"description: {from: SalesMemo", "fax: {from: PrimaryContactFax"}, nil,
			"customer-to-dataverse/contract.yaml:13:3: a loop without an echo rule with flow back: account.fax ← CustomersV3.PrimaryContactFax ← account.fax; a change on either side sets off the next write, and no system has the last word" + loopFix},
		"a first value that comes back": {[]string{"description: {from: SalesMemo", "fax: {from: PrimaryContactFax"}, []string{"{from: fax, blank: null}", "{from: fax, blank: null, initial: true, owner: fno}"},
			""},
		"a loop through a fallback": {[]string{"from: OrganizationName, blank: reject", "from: OrganizationName, blank: {from: PrimaryContactFax, blank: reject}, longer: cut"}, []string{"from: fax", "from: name, longer: cut"},
			"customer-to-dataverse/contract.yaml:11:3: a loop without an echo rule with flow back: account.name ← CustomersV3.PrimaryContactFax ← account.name; a change on either side sets off the next write, and no system has the last word" + loopFix},
		"a loop through one of two joined texts": {[]string{"description: {from: SalesMemo", `fax: {from: [PrimaryContactPhone, PrimaryContactFax], with: " ", blank: null`}, nil,
			"customer-to-dataverse/contract.yaml:13:3: a loop without an echo rule with flow back: account.fax ← CustomersV3.PrimaryContactFax ← account.fax; a change on either side sets off the next write, and no system has the last word" + loopFix},
		"a loop through an expression": {[]string{"description: {from: SalesMemo", `fax: {compute: "PrimaryContactFax.trim()", blank: null`}, nil,
			"customer-to-dataverse/contract.yaml:13:3: a loop without an echo rule with flow back: account.fax ← CustomersV3.PrimaryContactFax ← account.fax; a change on either side sets off the next write, and no system has the last word" + loopFix},
		"a loop that crosses over": {[]string{"description: {from: SalesMemo", "telephone1: {from: PrimaryContactFax", "creditonhold: {", "fax: {from: PrimaryContactPhone, longer: cut}\n  creditonhold: {"}, nil,
			"customer-to-dataverse/contract.yaml:12:3: a loop without an echo rule with flow back: account.fax ← CustomersV3.PrimaryContactPhone ← account.telephone1 ← CustomersV3.PrimaryContactFax ← account.fax; a change on either side sets off the next write, and no system has the last word" + loopFix},
	} {
		files := bothWays(tt.back...)
		files[folder+"contract.yaml"] = strings.NewReplacer(tt.forth...).Replace(sound)
		got := findingsOf(t, write(t, soundFolder(), files), testTopology(t, "back dataverse.account.*"))
		var loops []string
		for line := range strings.Lines(got) {
			if !strings.Contains(line, "want.json:") { // what an example expects isn't looked at here
				loops = append(loops, strings.TrimSpace(line))
			}
		}
		if got := strings.Join(loops, "\n"); got != tt.want {
			t.Errorf("%s\n  gives %s\n  want  %s", name, got, tt.want)
		}
	}
}
