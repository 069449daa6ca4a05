package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/shared/schema"
)

// Several flows may find one table's rows by different keys, as long as none changes another's.
func TestAFlowDoesNotChangeAnothersKey(t *testing.T) {
	const byVendor = "accountnumber: {from: CustomerAccount, blank: reject}"
	second := func(field string) map[string]string {
		return map[string]string{
			"second/contract.yaml": strings.NewReplacer("pair: customer-account", "pair: second", "tables:\n  currency: {usmf: USD}\n", "", "key: [accountnumber]", "key: [cw_legalentity, cw_vendoraccount]", byVendor,
				"cw_legalentity: {from: dataAreaId, blank: reject}\n  cw_vendoraccount: {from: CustomerAccount, blank: reject}",
				"  creditonhold: {from: OnHoldStatus, map: {\"No\": false, All: true}, other: reject, blank: reject}\n  description: {from: SalesMemo, longer: cut}\n", "  "+field+"\n",
				"name: {from: OrganizationName, blank: reject}", "name: {from: OrganizationName, blank: reject, owner: dataverse, initial: true}").Replace(sound),
			"second/function.json": strings.Replace(trigger, "customer-to-dataverse", "second", 1),
		}
	}
	for field, want := range map[string]string{
		"fax: {from: PrimaryContactFax, longer: cut}": "",
		byVendor: "second/contract.yaml:11:3: field accountnumber of account is part of the key by which flow customer-to-dataverse finds its rows: a change would take them away from it (fix: leave the field to flow customer-to-dataverse, or find the rows by the same key)",
	} {
		var found []string
		for line := range strings.Lines(findingsOf(t, write(t, soundFolder(), second(field)), testTopology(t, "second fno.custcustomerv3entity.*"))) {
			if strings.Contains(line, "second/contract.yaml:") && !strings.Contains(line, "no examples") {
				found = append(found, strings.TrimSpace(line))
			}
		}
		if got := strings.Join(found, "\n"); got != want {
			t.Errorf("%s\n  gives %s\n  want  %s", field, got, want)
		}
	}
}

// A pair's link knows a record by its key's text, which a lookup has in one system alone.
func TestAPairsKeyHasNoLookup(t *testing.T) {
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("../schema")); err != nil {
		t.Fatal(err)
	}
	account := filepath.Join(folder, "dataverse", "account.json")
	text, err := os.ReadFile(account)
	if err != nil {
		t.Fatal(err)
	}
	keyed := strings.Replace(string(text), `"alternateKeys": [`, `"alternateKeys": [["cw_legalentity", "parentaccountid"], `, 1)
	if err := os.WriteFile(account, []byte(keyed), 0o600); err != nil {
		t.Fatal(err)
	}
	schemas, err := schema.Open(folder)
	if err != nil {
		t.Fatal(err)
	}
	files := bothWays()
	files["customer-to-dataverse/contract.yaml"] = strings.NewReplacer("key: [accountnumber]", "key: [cw_legalentity, parentaccountid]", "accountnumber: {from: CustomerAccount, blank: reject}",
		"cw_legalentity: {from: dataAreaId, blank: reject}\n  parentaccountid: {from: CustomerAccount, blank: reject, reference: {key: accountnumber, and: {cw_legalentity: cw_legalentity}}}").Replace(sound)
	root := write(t, soundFolder(), files)
	findings, err := CheckAgainst(root, testTopology(t, "back dataverse.account.*"), schemas)
	if err != nil {
		t.Fatal(err)
	}
	const want = "contract.yaml:6:64: key: parentaccountid is a lookup, and the pair's link knows a record by its key, which flows of both directions must be able to write (fix: use a key of plain columns)"
	for _, f := range findings {
		if strings.HasSuffix(f.String(), want) {
			return
		}
	}
	t.Errorf("no finding says so:\n%s", Findings(findings).Error())
}
