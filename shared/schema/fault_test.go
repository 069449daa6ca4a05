package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const soundSnapshot = `{
  "system": "shop",
  "entity": "Order",
  "set": "orders",
  "primaryKey": ["id"],
  "alternateKeys": [["number"]],
  "enums": {
    "Colour": ["Red", "Blue"]
  },
  "columns": {
    "colour": {"type": "Enum", "enum": "Colour"},
    "customer": {"type": "Lookup", "targets": ["Customer"]},
    "id": {"type": "Guid", "required": "system", "default": "new"},
    "number": {"type": "String", "maxLength": 20, "required": "application", "displayName": "Number"},
    "state": {"type": "Picklist", "options": {"0": "Open"}},
    "total": {"type": "Decimal", "min": "0", "max": "99999.99", "precision": 2}
  }
}
`

// Each case spoils one place of a sound snapshot; the finding names that place and what to do.
func TestFaultsOfASnapshot(t *testing.T) {
	if faults := Faults("shop/Order.json", []byte(soundSnapshot)); len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, tt := range []struct {
		from, to     string
		line, column int
		message, fix string
	}{
		{`"system": "shop",`, ``, 1, 1, "system isn't said", `add "system": "shop"`},
		{`"entity": "Order"`, `"entity": "Orders"`, 3, 3, "this file is to hold shop Orders", "name it shop/Orders.json, or say"},
		{`  "set": "orders",` + "\n", ``, 1, 1, "set isn't said", `"set": "accounts"; an event has "event" instead`},
		{`  "primaryKey": ["id"],` + "\n", ``, 1, 1, "the primary key isn't said", `"primaryKey": ["accountid"]`},
		{`["id"]`, `["ID"]`, 5, 18, "key column ID doesn't exist", "case included"},
		{`[["number"]]`, `[["id", "nr"]]`, 6, 28, "key column nr doesn't exist", "case included"},
		{`"enum": "Colour"`, `"enum": "Color"`, 11, 32, "column colour: enums holds no Color", `"Color": ["None", …]`},
		{`"type": "Enum", "enum": "Colour"`, `"type": "Enum"`, 11, 5, "column colour: an option column without options", `add "options"`},
		{`, "targets": ["Customer"]`, ``, 12, 5, "column customer refers to nothing", `"targets": ["account"]`},
		{`"required": "system"`, `"required": "yes"`, 13, 28, "column id has no known required level", "system, application or recommended"},
		{`"type": "Guid", `, ``, 13, 5, "column id has no type", "such as String"},
		{`"type": "Guid"`, `"type": "GUID"`, 13, 12, "column id: nobody knows the type GUID", "Guid, Int32"},
		{`"colour": {`, `"lines[].no": {"type": "Int32"}, "colour": {`, 11, 5, "column lines[].no belongs to the rows of lines, and there is no such list", `add "lines": {"type": "List"}`},
		{`"colour": {`, `"colour[].no": {"type": "Int32"}, "colour": {`, 11, 5, "column colour[].no belongs to the rows of colour, which is no list", `write "type": "List" there`},
		{`"maxLength": 20`, `"maxLength": -1`, 14, 34, "column number can't be shorter than nothing", "leave it out"},
		{`"maxLength": 20`, `"maxLength": "20"`, 14, 34, "columns/number/maxLength has a value of another type", "docs/schemas.md"},
		{`"maxLength": 20`, `"length": 20`, 14, 34, "a snapshot has no length here", "one of: type, displayName, enum, maxLength"},
		{`"set": "orders"`, `"entitySet": "orders"`, 4, 3, "a snapshot has no entitySet here", "one of: system, entity"},
		{`"min": "0"`, `"min": "none"`, 16, 34, "column total: min is no number", `"min": "100.5"`},
		{`"min": "0"`, `"min": 0`, 16, 34, "columns/total/min has a value of another type", "numbers in quotes"},
		{`"precision": 2}`, `"precision": 2},`, 16, 80, "from here on it is no JSON", "commas"},
		{`"state":`, `"total":`, 16, 5, "total is said twice", "keep one"},
	} {
		spoiled := strings.Replace(soundSnapshot, tt.from, tt.to, 1)
		if spoiled == soundSnapshot {
			t.Errorf("%s isn't in the sound snapshot", tt.from)
		}
		faults := Faults("shop/Order.json", []byte(spoiled))
		if len(faults) != 1 || faults[0].Line != tt.line || faults[0].Column != tt.column || !strings.Contains(faults[0].Message, tt.message) || !strings.Contains(faults[0].Fix, tt.fix) {
			t.Errorf("%s → %s: %+v", tt.from, tt.to, faults)
		}
	}
	for _, text := range []string{"", "[]", "7", "\xff", `{"system": "\ud800"}`} {
		if faults := Faults("shop/Order.json", []byte(text)); len(faults) != 1 || faults[0].Line != 1 {
			t.Errorf("%q: %+v", text, faults)
		}
	}
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	spoiled := strings.NewReplacer(`"Guid"`, `"GUID"`, `["id"]`, `["no"]`, `"maxLength"`, `"length"`).Replace(soundSnapshot)
	var lines []int
	for _, f := range Faults("shop/Order.json", []byte(spoiled)) {
		lines = append(lines, f.Line)
	}
	if diff := cmp.Diff([]int{5, 13, 14}, lines); diff != "" {
		t.Error(diff)
	}
}

// The check refuses whatever Parse refuses, and takes every snapshot of this repository.
func TestCheckOfAFolder(t *testing.T) {
	if faults, err := Check("."); err != nil || len(faults) > 0 {
		t.Errorf("%v, %v", faults, err)
	}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "shop"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"Order": soundSnapshot, "Customer": `{`} {
		if err := os.WriteFile(filepath.Join(folder, "shop", name+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	faults, err := Check(folder)
	if err != nil || len(faults) != 1 || faults[0].File != "shop/Customer.json" {
		t.Errorf("%v, %v", faults, err)
	}
}

func FuzzFaults(f *testing.F) {
	f.Add(soundSnapshot)
	f.Add(`{"columns": {"a": {"type": "String"}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		faults := Faults("shop/Order.json", []byte(text))
		if _, err := Parse([]byte(text)); err != nil && len(faults) == 0 {
			t.Errorf("Parse says %v, the check says nothing", err)
		}
	})
}

func TestTheDocumentedSnapshotHolds(t *testing.T) {
	text, err := os.ReadFile("../../docs/schemas.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n{\n  \"system\"")
	snapshot, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/schemas.md shows no snapshot")
	}
	if faults := Faults("shop/Order.json", []byte("{\n  \"system\""+snapshot)); len(faults) > 0 {
		t.Error(faults)
	}
}
