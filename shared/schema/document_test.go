package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A pulled snapshot differs from the file only where the system does: read and written again, every file stays as it is.
func TestEverySnapshotIsWrittenAsItWasRead(t *testing.T) {
	files := 0
	for _, system := range []string{Dataverse, FnO} {
		for _, name := range Entities(system) {
			files++
			want, err := snapshots.ReadFile(system + "/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			d, err := ReadDocument(want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("%s/%s (-file +written):\n%s", system, name, diff)
			}
		}
	}
	if files < 7 {
		t.Errorf("only %d files were looked at", files)
	}
}

func TestBytesSortsColumnsAndQuotesLabels(t *testing.T) {
	d := &Document{Entity: &Entity{System: Dataverse, Name: "t", Set: "ts", PrimaryKey: []string{"tid"}, Columns: []Column{
		{Name: "z", Type: "Picklist", Options: []Option{{"2", `say "no"`}, {"1", "Grün\n"}}},
		{Name: "tid", Type: "Uniqueidentifier"},
	}}}
	got, err := d.Bytes()
	want := "{\n  \"system\": \"dataverse\",\n  \"entity\": \"t\",\n  \"set\": \"ts\",\n  \"primaryKey\": [\"tid\"],\n  \"alternateKeys\": [],\n  \"columns\": {\n" +
		"    \"tid\": {\"type\": \"Uniqueidentifier\"},\n    \"z\": {\"type\": \"Picklist\", \"options\": {\"2\": \"say \\\"no\\\"\", \"1\": \"Grün\\n\"}}\n  }\n}\n"
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, cmp.Diff(want, string(got)))
	}
}

func TestBytesRefusesWhatParseRefuses(t *testing.T) {
	d := &Document{Entity: &Entity{System: Dataverse, Name: "t", PrimaryKey: []string{"nowhere"}}}
	if got, err := d.Bytes(); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("%s, %v", got, err)
	}
}
