// Package editor makes what editors know about contracts: a JSON Schema (draft-07, which VS Code's YAML extension reads) with
// a text to every key and the values to choose from. It is made from the language's own grammar, so it knows the keys that
// the reader takes and no others. It judges only the form: what a contract means is the check's business.
package editor

import (
	"bytes"
	"path"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// Line is the first line of a contract: it tells the editor which schema holds. The path is as seen from a flow's folder.
const Line = "# yaml-language-server: $schema=../../docs/contract.schema.json\n"

// Path is where the schema lies below the project's root.
const Path = "docs/contract.schema.json"

// File is one of the files that editors read.
type File struct {
	// Path is below the project's root.
	Path string
	Text []byte
}

// Files returns all files for editors, made from the language and the snapshots: the schema of contracts, that of the columns,
// and that of the snapshots themselves.
func Files(schemas *schema.Set) ([]File, error) {
	contracts, err := Schema(schemas)
	if err != nil {
		return nil, err
	}
	columns, err := Columns(schemas)
	if err != nil {
		return nil, err
	}
	snapshots, err := SnapshotSchema()
	return []File{{Path, contracts}, {ColumnsPath, columns}, {SnapshotPath, snapshots}}, err
}

// object is a JSON object of the schema.
type object = map[string]any

// Schema returns the JSON Schema of contracts, indented and with sorted keys. Systems and entities to choose from are those
// that have a snapshot in schemas. It refers to [Columns], which lies beside it, for the entities' columns.
func Schema(schemas *schema.Set) ([]byte, error) {
	w := &writer{schemas: schemas, definitions: object{}}
	root := w.object(contract.Grammar())
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["$comment"] = "Written by `crosswalk docs` from the language's declarations: change those, not this file."
	root["title"] = "Crosswalk contract"
	root["allOf"] = []object{{"$ref": path.Base(ColumnsPath)}}
	root["definitions"] = w.definitions
	var out bytes.Buffer
	err := json.MarshalWrite(&out, root, json.Deterministic(true), jsontext.WithIndent("  "), jsontext.EscapeForHTML(false))
	return append(out.Bytes(), '\n'), err
}

type writer struct {
	schemas     *schema.Set
	definitions object
}

// object describes a mapping with known keys.
func (w *writer) object(o *contract.Object) object {
	properties := object{}
	required := []string{}
	for _, k := range o.Keys {
		property := w.value(k.Forms)
		property["description"] = k.Doc
		if k.Name == "system" || k.Name == "owner" {
			w.systems(property, k.Name == "system")
		}
		properties[k.Name] = property
		if k.Required {
			required = append(required, k.Name)
		}
	}
	out := object{"type": "object", "description": o.Doc, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	if properties["system"] != nil && properties["entity"] != nil {
		out["allOf"] = w.entities()
	}
	return out
}

// systems offers the systems with snapshots; an owner may be another one.
func (w *writer) systems(property object, only bool) {
	if only {
		property["enum"] = w.schemas.Systems()
		return
	}
	property["anyOf"] = []object{{"enum": w.schemas.Systems()}, {"type": "string"}}
}

// entities offers each system's own entities.
func (w *writer) entities() []object {
	var out []object
	for _, system := range w.schemas.Systems() {
		out = append(out, object{
			"if":   object{"properties": object{"system": object{"const": system}}, "required": []string{"system"}},
			"then": object{"properties": object{"entity": object{"enum": w.schemas.Entities(system)}}},
		})
	}
	return out
}

// value describes a value that has one of the forms.
func (w *writer) value(forms []contract.Form) object {
	var words []any
	var others []object
	for _, f := range forms {
		switch {
		case f.Kind == contract.FormWord && (f.Word == "true" || f.Word == "false"):
			words = append(words, f.Word == "true")
		case f.Kind == contract.FormWord:
			words = append(words, f.Word)
		case f.Kind == contract.FormNull:
			words = append(words, nil)
		default:
			others = append(others, w.form(f))
		}
	}
	if len(words) > 0 {
		others = slices.Insert(others, 0, object{"enum": words})
	}
	if len(others) == 1 {
		return others[0]
	}
	return object{"anyOf": others}
}

func (w *writer) form(f contract.Form) object {
	switch f.Kind {
	case contract.FormText:
		if f.Blank {
			return object{"type": "string", "minLength": 1}
		}
		return object{"type": "string", "pattern": `\S`}
	case contract.FormScalar:
		return object{"type": []string{"string", "number", "boolean"}}
	case contract.FormNumber:
		return object{"type": "number"}
	case contract.FormMap:
		return object{"type": "object", "additionalProperties": w.value(f.Of)}
	case contract.FormList:
		return object{"type": "array", "minItems": 1, "items": w.value(f.Of)}
	}
	return w.reference(f.Object)
}

// reference describes a mapping under definitions, where it may refer to itself.
func (w *writer) reference(o *contract.Object) object {
	if w.definitions[o.Name] == nil {
		w.definitions[o.Name] = object{} // it is under way
		w.definitions[o.Name] = w.object(o)
	}
	// Beside a $ref draft-07 reads nothing, so a description beside it would be lost.
	return object{"allOf": []object{{"$ref": "#/definitions/" + o.Name}}}
}
