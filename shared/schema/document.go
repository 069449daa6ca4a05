package schema

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Document is a snapshot as a file: the entity, and the names of its enum types, which only the file needs.
type Document struct {
	Entity *Entity
	// Enums gives the enum type's name by column, for the columns of type Enum (F&O).
	Enums map[string]string
}

// ReadDocument reads a snapshot that is to be written again. It refuses what [Parse] refuses.
func ReadDocument(data []byte) (*Document, error) {
	e, err := Parse(data)
	if err != nil {
		return nil, err
	}
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, err
	}
	d := &Document{Entity: e, Enums: map[string]string{}}
	for name, c := range s.Columns {
		if c.Enum != "" {
			d.Enums[name] = c.Enum
		}
	}
	return d, nil
}

// Bytes returns the file's text: columns and enums sorted, one to a line, and what a column hasn't got left out. Reading
// the text gives the same document again, and a document that was read gives the text it was read from. The error is for
// a document that Parse would refuse.
func (d *Document) Bytes() ([]byte, error) {
	e := d.Entity
	b := []byte("{\n")
	member := func(name string, value []byte) { b = fmt.Appendf(b, "  %q: %s,\n", name, value) }
	member("system", quote(e.System))
	member("entity", quote(e.Name))
	if e.DisplayName != "" {
		member("displayName", quote(e.DisplayName))
	}
	if e.Event != "" {
		member("event", quote(e.Event))
	} else {
		keys := make([]string, len(e.AlternateKeys))
		for i, key := range e.AlternateKeys {
			keys[i] = string(list(key))
		}
		member("set", quote(e.Set))
		if e.VirtualTable != "" {
			member("virtualTable", quote(e.VirtualTable))
		}
		member("primaryKey", list(e.PrimaryKey))
		member("alternateKeys", []byte("["+strings.Join(keys, ", ")+"]"))
	}
	if enums := d.enumLines(); len(enums) > 0 {
		b = append(b, "  \"enums\": {\n"+strings.Join(enums, ",\n")+"\n  },\n"...)
	}
	lines := make([]string, len(e.Columns))
	for i, c := range slices.SortedFunc(slices.Values(e.Columns), func(a, b Column) int { return strings.Compare(a.Name, b.Name) }) {
		lines[i] = "    " + string(quote(c.Name)) + ": " + d.columnText(c)
	}
	b = append(b, "  \"columns\": {\n"+strings.Join(lines, ",\n")+"\n  }\n}\n"...)
	if _, err := Parse(b); err != nil {
		return nil, fmt.Errorf("%s %s makes no sound snapshot: %w", e.System, e.Name, err)
	}
	return b, nil
}

func (d *Document) enumLines() []string {
	members := map[string][]string{}
	for _, c := range d.Entity.Columns {
		if name := d.Enums[c.Name]; name != "" {
			members[name] = optionValues(c.Options)
		}
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		lines = append(lines, "    "+string(quote(name))+": "+string(list(members[name])))
	}
	return lines
}

func (d *Document) columnText(c Column) string {
	var parts []string
	add := func(has bool, name string, value []byte) {
		if has {
			parts = append(parts, `"`+name+`": `+string(value))
		}
	}
	enum, yes := d.Enums[c.Name], []byte("true")
	add(true, "type", quote(c.Type))
	add(enum != "", "enum", quote(enum))
	add(c.MaxLength > 0, "maxLength", strconv.AppendInt(nil, int64(c.MaxLength), 10))
	add(c.Min != "", "min", quote(c.Min))
	add(c.Max != "", "max", quote(c.Max))
	add(c.Precision > 0, "precision", strconv.AppendInt(nil, int64(c.Precision), 10))
	add(len(c.Options) > 0 && enum == "", "options", optionObject(c.Options))
	add(len(c.Targets) > 0, "targets", list(c.Targets))
	add(c.NotNull, "notNull", yes)
	add(c.Required != "", "required", quote(c.Required))
	add(c.Default != "", "default", quote(c.Default))
	add(c.DateOnly, "dateOnly", yes)
	add(c.Optional, "optional", yes)
	add(c.ReadOnly, "readOnly", yes)
	add(c.DisplayName != "", "displayName", quote(c.DisplayName))
	return "{" + strings.Join(parts, ", ") + "}"
}

func optionObject(options []Option) []byte {
	parts := make([]string, len(options))
	for i, o := range options {
		parts[i] = string(quote(o.Value)) + ": " + string(quote(o.Label))
	}
	return []byte("{" + strings.Join(parts, ", ") + "}")
}

func optionValues(options []Option) []string {
	values := make([]string, len(options))
	for i, o := range options {
		values[i] = o.Value
	}
	return values
}

func list(texts []string) []byte {
	parts := make([]string, len(texts))
	for i, t := range texts {
		parts[i] = string(quote(t))
	}
	return []byte("[" + strings.Join(parts, ", ") + "]")
}

// quote makes a JSON string; what isn't UTF-8 becomes U+FFFD.
func quote(text string) []byte {
	out, _ := jsontext.AppendQuote(nil, text) // the error only says that something was replaced
	return out
}

// KindOf returns what a type's name, such as Money or DateTimeOffset, means for conversion; Unknown for one that no
// snapshot can hold.
func KindOf(typeName string) Kind { return kinds[typeName] }
