package contract

import (
	"strings"
	"testing"
)

// sound is a contract without findings; each case of the test below spoils one line of it.
const sound = `purpose: Sales sees every customer.
team: finance
pair: customer-account
owner: fno
from: {system: fno, entity: CustomersV3, event: fno.custcustomerv3entity.*, state: row}
to: {system: dataverse, entity: account, key: [accountnumber]}
tables:
  currency: {usmf: USD}
fields:
  accountnumber: {from: CustomerAccount, blank: reject}
  name: {from: OrganizationName, blank: reject}
  creditonhold: {from: OnHoldStatus, map: {"No": false, All: true}, other: reject, blank: reject}
  description: {from: SalesMemo, longer: cut}
delete: reject
`

func TestTheSoundContractIsSound(t *testing.T) {
	if _, findings := Parse("contract.yaml", "test", []byte(sound)); len(findings) > 0 {
		t.Fatal(findings.Error())
	}
}

func TestFindings(t *testing.T) {
	for _, tt := range findingCases {
		spoiled := strings.Replace(sound, tt.old, tt.new, 1)
		if spoiled == sound {
			t.Errorf("%q isn't in the sound contract", tt.old)
			continue
		}
		plan, findings := Parse("contract.yaml", "test", []byte(spoiled))
		if plan != nil {
			t.Errorf("%s\n  gives a plan", tt.new)
		}
		if got := findings.Error(); got != tt.want {
			t.Errorf("%s\n  gives %s\n  want  %s", tt.new, got, tt.want)
		}
	}
}

// All findings come at once, in the file's order.
func TestFindingsComeAllAtOnce(t *testing.T) {
	spoiled := strings.NewReplacer("team: finance\n", "", "key: [accountnumber]", "key: [name]", "from: SalesMemo", "from: SalesMemoo", "delete: reject", "delete: never").Replace(sound)
	_, findings := Parse("contract.yaml", "test", []byte(spoiled))
	var at []string
	for _, f := range findings {
		at = append(at, strings.Join(strings.SplitN(f.String(), ":", 4)[1:3], ":"))
	}
	if got := strings.Join(at, " "); got != "1:1 5:48 12:23 13:9" {
		t.Errorf("findings at %s:\n%s", got, findings.Error())
	}
}
