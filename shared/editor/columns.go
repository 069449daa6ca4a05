package editor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/schema"
)

// ColumnsPath is where the schema of the entities' columns lies, beside the one at [Path] that refers to it.
const ColumnsPath = "docs/columns.schema.json"

// Columns returns the part of the contracts' JSON Schema that knows the entities: once a contract says from and to, an editor
// offers the target's columns under fields, the source's under from, and the columns of the target's keys, each with what
// people call it and its type, and marks a misspelt one. It is a file of its own because it changes with the snapshots, one
// line a column, and not with the language.
func Columns(schemas *schema.Set) ([]byte, error) {
	c := &columns{}
	for _, system := range schemas.Systems() {
		for _, name := range schemas.Entities(system) {
			if e, ok := schemas.Lookup(system, name); ok {
				c.entity(e)
			}
		}
	}
	text := `{
"$schema": "http://json-schema.org/draft-07/schema#",
"$comment": "Written by ` + "`crosswalk docs`" + ` and ` + "`crosswalk schema pull`" + ` from the snapshots in shared/schema: change those, not this file.",
"allOf": [
` + strings.Join(c.rules, ",\n") + `
],
"definitions": {
` + strings.Join(c.definitions, ",\n") + `
}
}
`
	if !jsontext.Value(text).IsValid() {
		return nil, fmt.Errorf("the columns make no JSON: a name in a snapshot isn't UTF-8")
	}
	return []byte(text), nil
}

// columns is the schema's parts as text: it is a thousand lines, each made of one column.
type columns struct{ rules, definitions []string }

// entity adds an entity as a source and, unless it is an event, as a target.
func (c *columns) entity(e *schema.Entity) {
	var names, docs, members []string
	for i := range e.Columns {
		name, doc := quote(e.Columns[i].Name), quote(describe(&e.Columns[i]))
		names, docs = append(names, name), append(docs, doc)
		members = append(members, name+`: {"description": `+doc+`}`)
	}
	id := e.System + "." + e.Name
	at := func(part string) string { return `{"$ref": ` + quote("#/definitions/"+id+"."+part) + `}` }
	define := func(part, text string) { c.definitions = append(c.definitions, quote(id+"."+part)+": "+text) }
	is := func(side string) string {
		return `{"if": {"required": ["` + side + `"], "properties": {"` + side + `": {"required": ["system", "entity"], "properties": {"system": {"const": ` + quote(e.System) + `}, "entity": {"const": ` + quote(e.Name) + `}}}}}, "then": {"properties": `
	}
	c.rules = append(c.rules, is("from")+`{"fields": {"additionalProperties": `+at("field")+`}}}}`)
	define("column", "{\"enum\": [\n"+strings.Join(names, ",\n")+"\n], \"enumDescriptions\": [\n"+strings.Join(docs, ",\n")+"\n]}")
	define("field", `{"properties": {"from": {"anyOf": [`+at("column")+`, {"type": "array", "items": `+at("column")+`}]}, "blank": `+at("instead")+`, "otherwise": `+at("instead")+`, "times": `+at("factor")+`, "per": `+at("factor")+`}}`)
	define("instead", `{"properties": {"from": `+at("column")+`, "blank": `+at("instead")+`, "absent": `+at("instead")+`, "null": `+at("instead")+`, "empty": `+at("instead")+`, "unset": `+at("instead")+`}}`)
	define("factor", `{"properties": {"from": `+at("column")+`}}`)
	if e.Set == "" {
		return
	}
	c.rules = append(c.rules, is("to")+`{"fields": `+at("fields")+`, "delete": {"properties": {"deactivate": `+at("fields")+`}}, "to": {"properties": {"key": {"items": {"enum": [`+keyColumns(e)+`]}}}}}}}`)
	define("fields", "{\"additionalProperties\": false, \"properties\": {\n"+strings.Join(members, ",\n")+"\n}}")
}

// keyColumns lists the columns of all keys, in the order of the keys, each once.
func keyColumns(e *schema.Entity) string {
	var names []string
	for _, key := range append([][]string{e.PrimaryKey}, e.AlternateKeys...) {
		for _, name := range key {
			if name = quote(name); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ", ")
}

// mostOptions bounds how many options a description lists.
const mostOptions = 8

// describe says what a column is: "Credit Hold: yes/no".
func describe(c *schema.Column) string {
	text := c.Kind.String()
	switch {
	case c.Kind == schema.Time && c.DateOnly:
		text = "day"
	case c.Kind == schema.Reference:
		text += " to " + strings.Join(c.Targets, " or ")
	case c.Kind == schema.Choice || c.Kind == schema.Choices:
		var options []string
		for _, o := range c.Options[:min(len(c.Options), mostOptions)] {
			options = append(options, strings.TrimSpace(o.Value+" "+o.Label))
		}
		text += " " + strings.Join(options, ", ")
		if len(c.Options) > mostOptions {
			text += ", …"
		}
	}
	if c.MaxLength > 0 {
		text += fmt.Sprintf(", at most %d characters", c.MaxLength)
	}
	if c.MustBeSent() {
		text += ", required"
	}
	if c.ReadOnly {
		text += ", can't be written"
	}
	if shown := c.ShownAs(); shown != "" {
		return shown + ": " + text
	}
	return text
}

// quote makes a JSON string.
func quote(text string) string {
	out, _ := json.Marshal(text) // a text that isn't UTF-8 gives nothing, which Columns finds
	return string(out)
}
