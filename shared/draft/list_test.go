package draft

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/shared/schema"
)

// The columns of a list's rows are no columns of the record: a new flow leaves them to whoever maps the list.
func TestTheRowsOfListsAreLeftAlone(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"fno/Shipped.json":      `{"system":"fno","entity":"Shipped","event":"fno.Shipped","columns":{"BusinessEventId":{"type":"String"},"EventId":{"type":"Guid"},"Id":{"type":"String","maxLength":20},"Lines":{"type":"List"},"Lines[].Amount":{"type":"Decimal"},"Lines[].Id":{"type":"String","maxLength":20}}}`,
		"dataverse/parcel.json": `{"system":"dataverse","entity":"parcel","set":"parcels","primaryKey":["parcelid"],"alternateKeys":[["id"]],"columns":{"parcelid":{"type":"Uniqueidentifier"},"id":{"type":"String","maxLength":20},"lines":{"type":"List"},"lines[].amount":{"type":"Decimal","required":"application"},"lines[].id":{"type":"String","maxLength":20}}}`,
	} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	schemas, err := schema.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	p := project(t)
	p.Schemas = schemas
	text := mustWrite(t, p, Flow{Name: "parcel", From: Side{"fno", "Shipped"}, To: Side{"dataverse", "parcel"}, Event: "fno.Shipped", Key: []string{"id"}})
	example := read(t, filepath.Join(p.Root, p.Functions, "parcel", "examples/first.json"))
	if strings.Contains(text+example, "[].") || !strings.Contains(example, `"Lines": []`) {
		t.Errorf("%s\n%s", text, example)
	}
}
