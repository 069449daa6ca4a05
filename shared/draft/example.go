package draft

import (
	"fmt"
	"slices"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// example writes a source record: an event with all its members, or of a row the columns that are likely to be mapped. Its
// values only show their form.
func (d drafting) example() []byte {
	var wanted []string
	for _, c := range d.needed() {
		for _, s := range contract.Likely(c, d.source) {
			wanted = append(wanted, s.Name)
		}
	}
	for _, s := range d.suggested() {
		wanted = append(wanted, s.source.Name)
	}
	wanted = append(wanted, d.source.PrimaryKey...)
	var lines []string
	for i := range d.source.Columns {
		c := &d.source.Columns[i]
		if d.source.Event != "" || slices.Contains(wanted, c.Name) {
			lines = append(lines, fmt.Sprintf("  %q: %s", property(d.source, c), sample(d.source, c)))
		}
	}
	return []byte("{\n" + strings.Join(lines, ",\n") + "\n}\n")
}

// property is a column's name in a row that was read: a Dataverse lookup comes as its row's id.
func property(e *schema.Entity, c *schema.Column) string {
	if e.System == schema.Dataverse && c.Kind == schema.Reference {
		return "_" + c.Name + "_value"
	}
	return c.Name
}

// sample is a value of the column's form. The ids and times are invented.
func sample(e *schema.Entity, c *schema.Column) string {
	switch {
	case c.Name == "BusinessEventId" && e.Event != "":
		return `"` + e.Name + `"`
	case c.Name == "EventId" && e.Event != "":
		return `"6F9619FF-8B86-4011-B42D-00C04FC964FF"`
	}
	switch c.Kind {
	case schema.Integer:
		return "7"
	case schema.Number:
		return "12.50"
	case schema.Boolean:
		return "true"
	case schema.GUID, schema.Reference:
		return `"0a1b2c3d-0000-4000-8000-0000000000f1"`
	case schema.List:
		return "[]"
	case schema.Time:
		switch {
		case e.Event != "" && !strings.Contains(c.Name, "Iso8601"):
			return `"/Date(1782924813000)/"`
		case c.DateOnly:
			return `"2026-07-01"`
		}
		return `"2026-07-01T16:53:33Z"`
	case schema.Choice:
		if e.System == schema.Dataverse {
			return c.Options[0].Value
		}
		return `"` + c.Options[0].Value + `"`
	}
	text := "A" + strings.ToLower(c.Name)
	if c.MaxLength > 0 && len(text) > c.MaxLength {
		text = text[:c.MaxLength]
	}
	return `"` + text + `"`
}
