package catalog

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

// A list's members stand behind it in the field table, in the run book and in the search.
func TestTheMembersOfAListAreShown(t *testing.T) {
	text := pagesOf(t, map[string]string{
		"schemas/fno/Shipped.json":              `{"system":"fno","entity":"Shipped","event":"fno.Shipped","columns":{"Id":{"type":"String","maxLength":20},"Lines":{"type":"List"},"Lines[].Item":{"type":"String","maxLength":20},"Lines[].Price":{"type":"Decimal"}}}`,
		"schemas/dataverse/parcel.json":         `{"system":"dataverse","entity":"parcel","set":"parcels","primaryKey":["parcelid"],"alternateKeys":[["id"]],"columns":{"parcelid":{"type":"Uniqueidentifier"},"id":{"type":"String","maxLength":20},"lines":{"type":"Memo","maxLength":4000}}}`,
		"functions/parcel/examples/a.json":      `{"Id":"1","Lines":[{"Item":"A","Price":1.255}]}`,
		"functions/parcel/examples/a.want.json": `{"write":{"id":"1","lines":"[{\"item\":\"a\",\"price\":1.26}]"}}`,
		"functions/parcel/contract.yaml": `purpose: p
team: t
pair: parcel
owner: fno
from: {system: fno, entity: Shipped, event: fno.Shipped, state: event}
to: {system: dataverse, entity: parcel, key: [id]}
fields:
  id: {from: Id, blank: reject}
  lines:
    from: Lines
    rows: project
    longer: reject
    where: {Item: A}
    fields:
      item: {from: Item, case: lower, blank: reject}
      price: {from: Price, round: {places: 2, mode: half-even}}
`,
	})
	for _, line := range []string{
		"| `lines` | text, at most 4000 characters | Finance & Operations | `Lines` | a list with an object for each row, of those where Item is \"A\", as JSON | missing from the message: the target keeps what it has; null: the target is emptied | longer: rejected; more than 10000 rows: rejected |",
		"| `lines[].item` | text | Finance & Operations | `Lines[].Item` | lower case | rejected |",
		"| `lines[].price` | decimal number | Finance & Operations | `Lines[].Price` | rounded to 2 decimal places (half-even) | missing from the message: left out; null: becomes null |",
		"| `blank-required` | the source says nothing where the contract demands a value | `id`, `lines[].item` |",
		"| `too-long` | a text or a list is longer than the target takes | `id`, `lines` |",
	} {
		if !strings.Contains(text["flows/parcel.md"], line) {
			t.Errorf("the flow's page lacks %s", line)
		}
	}
	if t.Failed() {
		t.Log(text["flows/parcel.md"])
	}
	if page := text["search.html"]; !strings.Contains(page, "lines[].price") {
		t.Error("the search lacks the member")
	}
}

// pagesOf returns the text of each page about a project of these files: functions and schemas.
func pagesOf(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	schemas, err := schema.Open(filepath.Join(root, "schemas"))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := Pages(filepath.Join(root, "functions"), "functions", topology.Default(), schemas)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, p := range pages {
		out[p.Path] = string(p.Text)
	}
	return out
}
