package contract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/shared/schema"
)

// Whatever a file is, it has its finding, the other files are checked all the same, and nothing hangs.
func TestFilesThatCantBeTakenAsTheyAre(t *testing.T) {
	const elsewhere = "other/contract.yaml:1:1: the file is empty (fix: write the contract: purpose, team, from, to, owner, fields)"
	type files = map[string]string
	spoil := func(old, now string) files {
		return files{folder + "contract.yaml": strings.Replace(soundFlow, old, now, 1)}
	}
	binding := func(old, now string) files {
		return files{folder + "function.json": strings.Replace(trigger, old, now, 1)}
	}
	for _, tt := range []struct {
		name  string
		files files
		// dir is a path at which a folder stands.
		dir, want string
	}{
		{"a folder for a contract", files{folder + "contract.yaml": ""}, folder + "contract.yaml",
			folder + "contract.yaml:1:1: contract.yaml is no file but a folder (fix: put a file in its place)"},
		{"a folder for a function.json", files{folder + "function.json": ""}, folder + "function.json",
			folder + "function.json:1:1: function.json is no file but a folder (fix: put a file in its place)"},
		{"a folder for the tables", nil, "tables.yaml",
			"tables.yaml:1:1: tables.yaml is no file but a folder (fix: put a file in its place)"},
		{"no tables in their file", files{"tables.yaml": "- a\n"}, "",
			"tables.yaml:1:1: the file holds a list instead of a mapping (fix: write the tables, each by its name: currency: {usmf: USD})"},
		{"a contract that nobody wrote", files{folder + "contract.yaml": strings.Repeat("# more\n", 150_000)}, "",
			folder + "contract.yaml:1:1: contract.yaml has 1050000 bytes, more than the 1048576 that are read (fix: keep data out of it, or split it)"},
		{"another ending", files{"new/contract.yml": "purpose: x\n"}, "",
			"new/contract.yml:1:1: the file isn't named contract.yaml, so nobody reads it (fix: rename it to contract.yaml)"},
		{"other letters", files{"new/Function.json": "{}"}, "",
			"new/Function.json:1:1: the file isn't named function.json, so nobody reads it (fix: rename it to function.json)"},
		{"an example's ending in capitals", files{folder + "examples/b.JSON": "{}"}, "",
			folder + "examples/b.JSON:1:1: an example's name ends in .json, in small letters: nobody reads this one (fix: rename it)"},
		{"a name that the host leaves out", files{"my flow/function.json": `{"bindings": []}`}, "",
			`my flow/function.json:1:1: the function's name "my flow" isn't made of letters, digits and hyphens behind a letter, so the host would leave the function out (fix: rename the folder, such as customer-to-dataverse)`},
		{"a control character", spoil("Sales sees", "Sales\x00sees"), "",
			folder + `contract.yaml:1:15: the file holds the control character U+0000 (fix: remove it; in a text in double quotes it is written "\u0007")`},
		{"too many brackets", spoil("{from: SalesMemo, longer: cut}", strings.Repeat("[", 501)), "",
			folder + "contract.yaml:13:516: brackets are nested deeper than 500 levels (fix: close them)"},
		{"a tab", spoil("  name: {", "\tname: {"), "",
			folder + "contract.yaml:11:1: the file is no YAML: found character '\t' that cannot start any token (fix: replace the tab at the line's beginning with spaces)"},
		{"no blank behind a colon", spoil("team: finance", "team:finance"), "",
			folder + "contract.yaml:2:1: the file is no YAML: non-map value is specified (fix: put a blank behind the colon)"},
		{"a line too far to the right", spoil("  name: {", "   name: {"), "",
			folder + "contract.yaml:11:4: the file is no YAML: value is not allowed in this context (fix: let the line begin in the same column as the one above it that it belongs to, and see that brackets and quotes above it are closed)"},
		{"a merge key", spoil("  name: {", "  <<: {a: b}\n  name: {"), "",
			folder + "contract.yaml:11:3: contracts have no anchors, aliases, merge keys, tags or special numbers (fix: write the value out where it is used)"},
		{"an alias for a field", spoil("{from: SalesMemo, longer: cut}", "*a"), "",
			folder + "contract.yaml:13:16: contracts have no anchors, aliases, merge keys, tags or special numbers (fix: write the value out where it is used)"},
		{"a blank text", spoil("team: finance", `team: " "`), "",
			folder + "contract.yaml:2:7: team is blank (fix: write a text)"},
		{"a key of lists", spoil("[accountnumber]", "[[accountnumber]]"), "",
			folder + "contract.yaml:6:47: to: key holds something else than texts (fix: write texts: [a, b])"},
		{"a deactivation of nothing", spoil("delete: reject", "delete: {deactivate: {}}"), "",
			folder + "contract.yaml:14:22: delete: deactivate sets no column, so a delete would leave the row as it is (fix: name the columns, as in {deactivate: {statecode: 1, statuscode: 2}}, or write delete: ignore)"},
		{"a disabled function", binding("{", `{"disabled": true, `), "",
			folder + "function.json:1:2: disabled keeps the function from starting, and nobody would see it (fix: remove disabled; where a function rests for a while, the setting AzureWebJobs.customer-to-dataverse.Disabled says so)"},
		{"an output binding in capitals", binding("[", `[{"type": "serviceBus", "direction": "OUT"}, `), "",
			folder + "function.json:1:15: an output binding (serviceBus) rewrites what looks like a date or base64 (fix: remove the binding and let the handler send)"},
		{"an HTTP answer without an HTTP trigger", binding("[", `[{"type": "http", "direction": "out"}, `), "",
			folder + "function.json:1:15: an output binding (http) rewrites what looks like a date or base64 (fix: remove the binding and let the handler send)"},
		{"a function.json that is a list", files{folder + "function.json": "[]"}, "",
			folder + "function.json:1:1: function.json is no well-formed JSON object: it is no object (fix: mend the syntax; JSON has no comments, and the file is saved as UTF-8 without a byte order mark)"},
		{"something behind the object", files{folder + "function.json": trigger + "{}"}, "",
			folder + "function.json:1:168: function.json is no well-formed JSON object: something follows the object (fix: mend the syntax; JSON has no comments, and the file is saved as UTF-8 without a byte order mark)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			broken := files{"other/contract.yaml": "\n", "other/function.json": strings.Replace(trigger, "customer-to-dataverse", "other", 1), "other/examples/a.json": exampleRow, "other/examples/a.want.json": exampleWant}
			root := write(t, soundFolder(), broken, tt.files)
			if tt.dir != "" {
				if err := os.MkdirAll(filepath.Join(root, tt.dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for line := range strings.Lines(findingsOf(t, root, testTopology(t, "other fno.custcustomerv3entity.*"))) {
				if line = strings.TrimSuffix(line, "\n"); line != elsewhere {
					got = append(got, line)
				}
			}
			if all := findingsOf(t, root, testTopology(t, "other fno.custcustomerv3entity.*")); !strings.Contains(all, elsewhere) {
				t.Errorf("the other contract isn't checked:\n%s", all)
			}
			if strings.Join(got, "\n") != tt.want {
				t.Errorf("gives %s\nwant  %s", strings.Join(got, "\n"), tt.want)
			}
		})
	}
}

// The work of a chain of fallbacks grows with the kinds of empty to its length, so the check ends it before it hangs.
func TestFallbacksDontMultiply(t *testing.T) {
	chain := func(depth int) Findings {
		rule := strings.Repeat("{from: PrimaryContactFax, blank: ", depth) + "null" + strings.Repeat("}", depth)
		_, findings := Parse("contract.yaml", "test", []byte(strings.Replace(sound, "longer: cut", "longer: cut, blank: "+rule, 1)))
		return findings
	}
	if got := chain(maxFallbacks - 1); len(got) > 0 {
		t.Error(got)
	}
	const want = "nobody can follow more than 5 fallbacks (fix: end with reject, null, skip or {value: …})"
	if got := chain(400); len(got) != 1 || !strings.HasSuffix(got.Error(), want) {
		t.Error(got)
	}
}

// A snapshot can name a key whose column it hasn't got.
func TestALookupsKeyWithoutItsColumnIsAFinding(t *testing.T) {
	text := strings.Replace(sound, "description: {from: SalesMemo, longer: cut}", "parentaccountid: {from: InvoiceAccount, reference: {key: accountnumber, and: {cw_legalentity: name}}}", 1)
	account, _ := schema.Lookup("dataverse", "account")
	changed := *account
	changed.Columns = nil
	for _, c := range account.Columns {
		if c.Name != "cw_legalentity" {
			changed.Columns = append(changed.Columns, c)
		}
	}
	_, _, findings := parse("contract.yaml", "test", []byte(text), schema.BuiltIn().With(&changed).Lookup)
	if got := findings.Error(); !strings.Contains(got, "[accountnumber, cw_legalentity] is no key of account") {
		t.Error(got)
	}
}
