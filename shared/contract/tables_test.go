package contract

import (
	"path/filepath"
	"strings"
	"testing"
)

// A table of functions/tables.yaml serves every contract, and what is wrong with it is said there.
func TestSharedTables(t *testing.T) {
	uses := strings.Replace(soundFlow, "delete:", "  address1_country: {from: AddressCountryRegionId, table: countries, other: reject, blank: null}\ndelete:", 1)
	want := strings.Replace(exampleWant, `"description": null`, "\"description\": null,\n    \"address1_country\": \"Germany\"", 1)
	row := strings.Replace(exampleRow, "{", `{"AddressCountryRegionId": "DEU", `, 1)
	for _, tt := range []struct{ name, tables, contract, want string }{
		{"a sound table", "countries: {DEU: Germany, USA: United States}\n", uses, ""},
		{"no such table", "countrys: {DEU: Germany}\n", uses,
			folder + `contract.yaml:14:59: field address1_country: there is no table "countries" (fix: define it under tables: or in tables.yaml beside the flows' folders, or write it out: table: {usmf: USD})`},
		{"a value that doesn't fit", "countries:\n  DEU: Germany\n  USA: [x]\n", uses,
			`tables.yaml:3:8: field address1_country: table value is a list (fix: write a text, a number, true or false)`},
		{"no table at all", "countries: DEU\n", uses,
			folder + "contract.yaml:14:59: field address1_country: there is no table \"countries\" (fix: define it under tables: or in tables.yaml beside the flows' folders, or write it out: table: {usmf: USD})\n" +
				`tables.yaml:1:12: table countries is a text instead of a mapping (fix: write key: value pairs below it)`},
		{"the same name twice", "countries: {DEU: Germany}\ncurrency: {a: b}\n", strings.Replace(uses, "\n\n\n", "\ntables:\n  currency: {usmf: USD}\n", 1),
			folder + `contract.yaml:8:3: table currency is defined in tables.yaml as well, so a reader can't know which is meant (fix: remove one of them)`},
		{"tables that nobody uses", "countries: {DEU: Germany}\nregions: {CA: California}\n", strings.Replace(uses, "\n\n\n", "\ntables:\n  currency: {usmf: USD}\n", 1),
			folder + "contract.yaml:8:3: no field uses table currency, so what stands in it has no effect (fix: write table: currency in the field that is meant to use it, or remove the table)\n" +
				"tables.yaml:2:11: no contract uses table regions, so what stands in it has no effect (fix: write table: regions in the field that is meant to use it, or remove the table)"},
		{"no YAML", "countries: [", uses, ""},
	} {
		root := write(t, soundFolder(), map[string]string{TablesFile: tt.tables, folder + "contract.yaml": tt.contract, folder + "examples/plain.json": row, folder + "examples/plain.want.json": want})
		got := findingsOf(t, root, testTopology(t))
		if tt.name == "no YAML" {
			if !strings.Contains(got, "tables.yaml:1:") {
				t.Errorf("%s: %s", tt.name, got)
			}
		} else if got != tt.want {
			t.Errorf("%s:\n gives %s\n  want %s", tt.name, got, tt.want)
		}
		plan, err := Load(filepath.Join(root, folder, "contract.yaml"))
		if runs := tt.want == "" && tt.name != "no YAML" || tt.name == "tables that nobody uses"; (err == nil) != runs {
			t.Errorf("%s: Load says %v", tt.name, err)
		}
		if err == nil && !strings.Contains(outcome(plan, row), `address1_country="Germany"`) {
			t.Errorf("%s: the flow writes %s", tt.name, outcome(plan, row))
		}
	}
}
