package editor

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/schema"
)

// SnapshotPath is where the schema of snapshots lies below the project's root.
const SnapshotPath = "docs/snapshot.schema.json"

// SnapshotSchema returns the JSON Schema of schema snapshots, shared/schema/<system>/<entity>.json, for somebody who writes one
// by hand. It judges the form alone; `crosswalk check` says the rest.
func SnapshotSchema() ([]byte, error) {
	text := func(doc string) object { return object{"type": "string", "minLength": 1, "description": doc} }
	names := func(doc string) object {
		return object{"type": "array", "items": object{"type": "string", "minLength": 1}, "description": doc}
	}
	flag := func(doc string) object { return object{"const": true, "description": doc} }
	count := func(doc string) object { return object{"type": "integer", "minimum": 1, "description": doc} }
	number := func(doc string) object {
		return object{"type": "string", "pattern": `^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`, "description": doc}
	}
	column := object{
		"type": "object", "additionalProperties": false, "required": []string{"type"}, "description": "One column, by its logical name.",
		"properties": object{
			"type":        object{"enum": schema.TypeNames(), "description": "The type as the system itself names it."},
			"enum":        text("The name of an F&O enum, whose members stand under enums."),
			"maxLength":   count("The most characters a text may have. Leave it out where nobody knows."),
			"min":         number("The smallest number, in quotes."),
			"max":         number("The largest number, in quotes."),
			"precision":   count("The most decimal places a number keeps."),
			"options":     object{"type": "object", "additionalProperties": object{"type": "string"}, "description": "The values of an option column and what people see of each."},
			"targets":     names("The tables that a lookup can refer to."),
			"notNull":     flag("The system stores its own \"not set\" (0, 1900-01-01) instead of null."),
			"required":    object{"enum": []string{schema.SystemRequired, schema.ApplicationRequired, schema.Recommended}, "description": "system: the platform refuses a row without it. application: its forms do, and contracts."},
			"default":     text("What the platform fills in when a new row comes without the column."),
			"dateOnly":    flag("A day without a time of day."),
			"optional":    flag("A member that not every version of an event carries."),
			"readOnly":    flag("Set by the platform alone."),
			"displayName": text("What people see on forms, such as Credit Hold."),
		},
	}
	root := object{
		"$schema": "http://json-schema.org/draft-07/schema#", "$comment": "Written by `crosswalk docs`: change shared/editor, not this file.",
		"title": "Crosswalk schema snapshot", "type": "object", "additionalProperties": false, "required": []string{"system", "entity", "columns"},
		"anyOf": []object{{"required": []string{"set", "primaryKey"}}, {"required": []string{"event"}}},
		"properties": object{
			"system":        text("The system's name, that of the folder, such as dataverse."),
			"entity":        text("The table, data entity or object, that of the file, such as account."),
			"displayName":   text("What people call the entity."),
			"set":           text("The entity set's name in URLs, such as accounts."),
			"primaryKey":    names("The columns of the primary key."),
			"alternateKeys": object{"type": "array", "items": names("The columns of one key."), "description": "The further keys by which a row can be found."},
			"event":         text("The type of the CloudEvent that carries this event, for an event alone."),
			"virtualTable":  text("The Dataverse table that shows an F&O entity, in lower case."),
			"enums":         object{"type": "object", "additionalProperties": names("The members, in order."), "description": "F&O's enums, by name."},
			"columns":       object{"type": "object", "minProperties": 1, "additionalProperties": column, "description": "The columns by logical name, sorted, one to a line."},
		},
	}
	var out bytes.Buffer
	err := json.MarshalWrite(&out, root, json.Deterministic(true), jsontext.WithIndent("  "), jsontext.EscapeForHTML(false))
	return append(out.Bytes(), '\n'), err
}
