package draft

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"crosswalk/shared/schema"
)

// example writes a source record: an event with all its members, or of a row the columns that are likely to be mapped. Its
// values only show their form.
func (d drafting) example() []byte {
	var wanted []string
	for _, c := range d.needed() {
		if s := d.suggest(c); s.source != nil {
			wanted = append(append(wanted, s.source.Name), s.others...)
		}
	}
	for _, s := range d.suggested() {
		wanted = append(wanted, s.source.Name)
	}
	wanted = append(wanted, d.source.PrimaryKey...)
	var lines []string
	for i := range d.source.Columns {
		c := &d.source.Columns[i]
		if !c.InRow() && (d.source.Event != "" || slices.Contains(wanted, c.Name)) {
			lines = append(lines, fmt.Sprintf("  %q: %s", property(d.source, c), sample(d.source, c, number(d.flow.Name))))
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

// sample is a value of the column's form, as such a column might hold it. Ids and times are invented; number tells the examples of
// different flows apart, which may meet in one system.
func sample(e *schema.Entity, c *schema.Column, number uint32) string {
	switch {
	case c.Name == "BusinessEventId" && e.Event != "":
		return `"` + e.Name + `"`
	case c.Name == "EventId" && e.Event != "":
		return fmt.Sprintf(`"6F9619FF-8B86-4011-B42D-%012d"`, number)
	}
	switch c.Kind {
	case schema.Integer:
		return "7"
	case schema.Number:
		return "12.50"
	case schema.Boolean:
		return "true"
	case schema.GUID, schema.Reference:
		return fmt.Sprintf(`"0a1b2c3d-0000-4000-8000-%012d"`, number)
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
	return strconv.Quote(sampleText(c, number))
}

// sampleTexts are what a text column holds whose name has this word in it, the first that fits; %d is the flow's number.
var sampleTexts = []struct{ word, text string }{
	{"dataarea", "usmf"}, {"legalentity", "usmf"},
	{"currencycode", "USD"}, {"isocurrency", "USD"}, {"symbol", "$"},
	{"email", "info%d@contoso.example"}, {"url", "https://contoso.example"}, {"website", "https://contoso.example"},
	{"phonetic", "Lopez"}, {"phone", "+1 555 0100"}, {"fax", "+1 555 0199"}, {"mobile", "+1 555 0100"},
	{"firstname", "Ana"}, {"lastname", "Lopez"}, {"middlename", "M."},
	{"street", "Main Street 1"}, {"line1", "Main Street 1"}, {"city", "Tacoma"}, {"zip", "98401"}, {"postal", "98401"}, {"county", "Pierce"}, {"state", "WA"},
	{"countryregionisocode", "US"}, {"country", "USA"}, {"language", "en-US"},
	{"description", "An example"}, {"memo", "An example"}, {"notes", "An example"},
	{"name", "Contoso %d"}, {"alias", "Contoso %d"},
	{"account", "X-%d"}, {"number", "X-%d"}, {"id", "X-%d"}, {"code", "X%d"},
}

func sampleText(c *schema.Column, number uint32) string {
	name, text := strings.ToLower(c.Name), "Example %d"
	for _, s := range sampleTexts {
		if strings.Contains(name, s.word) {
			text = s.text
			break
		}
	}
	text = strings.ReplaceAll(text, "%d", fmt.Sprint(number))
	if c.MaxLength > 0 && len(text) > c.MaxLength {
		text = text[:c.MaxLength]
	}
	return text
}

// number is one of four digits that is always the same for a flow and seldom that of another.
func number(flow string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(flow)) // never fails
	return 1000 + h.Sum32()%9000
}
