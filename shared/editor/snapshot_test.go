package editor

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"crosswalk/shared/schema"
)

func compiledText(t *testing.T, path string, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(path, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEverySnapshotFitsItsSchema(t *testing.T) {
	text, err := SnapshotSchema()
	if err != nil {
		t.Fatal(err)
	}
	s := compiledText(t, SnapshotPath, text)
	paths, err := filepath.Glob("../schema/*/*.json")
	if err != nil || len(paths) < 15 {
		t.Fatalf("%v, %v", paths, err)
	}
	for _, path := range paths {
		snapshot, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(snapshot))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// What an editor marks in a snapshot written by hand, the check says too.
func TestEditorAndCheckRefuseTheSameSnapshots(t *testing.T) {
	text, err := SnapshotSchema()
	if err != nil {
		t.Fatal(err)
	}
	s := compiledText(t, SnapshotPath, text)
	const snapshot = `{"system": "shop", "entity": "Order", "set": "orders", "primaryKey": ["id"], "columns": {
		"id": {"type": "Guid", "required": "system"}, "total": {"type": "Decimal", "min": "0", "maxLength": 1}}}`
	for _, tt := range [][2]string{
		{`"system": "shop", `, ``},
		{`"set": "orders", `, ``},
		{`"primaryKey": ["id"]`, `"primaryKey": "id"`},
		{`"type": "Guid"`, `"type": "GUID"`},
		{`"type": "Guid", `, ``},
		{`"required": "system"`, `"required": "yes"`},
		{`"min": "0"`, `"min": 0`},
		{`"min": "0"`, `"min": "x"`},
		{`"maxLength": 1`, `"maxLength": -1`},
		{`"maxLength": 1`, `"length": 1`},
		{`"set": "orders"`, `"sets": "orders"`},
	} {
		spoiled := strings.Replace(snapshot, tt[0], tt[1], 1)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(spoiled))
		if err != nil || spoiled == snapshot {
			t.Fatalf("%v: %v", tt, err)
		}
		if s.Validate(value) == nil {
			t.Errorf("%q: an editor accepts it", tt[1])
		}
		if len(schema.Faults("shop/Order.json", []byte(spoiled))) == 0 {
			t.Errorf("%q: the check accepts it", tt[1])
		}
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(snapshot))
	if err != nil || s.Validate(value) != nil || len(schema.Faults("shop/Order.json", []byte(snapshot))) > 0 {
		t.Errorf("the sound one is refused: %v", err)
	}
}

func TestTheSnapshotsSchemaIsFresh(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("../..", SnapshotPath))
	if err != nil {
		t.Fatal(err)
	}
	now, err := SnapshotSchema()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, now) {
		t.Errorf("%s is stale: go run ./cmd/crosswalk docs", SnapshotPath)
	}
}
