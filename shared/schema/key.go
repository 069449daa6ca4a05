package schema

import (
	"slices"
	"strings"
)

var (
	keyEscapes   = strings.NewReplacer("%", "%25", "/", "%2F")
	keyUnescapes = strings.NewReplacer("%2F", "/", "%25", "%")
)

// KeyText returns the text of a key, its values joined by "/", such as "demf/CIV-000784". Within a value "%" and "/" are
// written %25 and %2F, so different keys have different texts.
func KeyText(values []string) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = keyEscapes.Replace(v)
	}
	return strings.Join(parts, "/")
}

// KeyValues takes a key's text, see [KeyText], apart again.
func KeyValues(text string) []string {
	parts := strings.Split(text, "/")
	for i, part := range parts {
		parts[i] = keyUnescapes.Replace(part)
	}
	return parts
}

// dataEntities is the namespace of F&O's enumerations in a URL (Microsoft Learn, "Open Data Protocol (OData)").
const dataEntities = "Microsoft.Dynamics.DataEntities."

// KeyProperty returns how a URL's key names a column: Dataverse calls a lookup _<column>_value there, as in a row that it returns
// (Microsoft Learn, "Use an alternate key to reference a record").
func KeyProperty(system string, c *Column) string {
	if system == Dataverse && c.Kind == Reference {
		return "_" + c.Name + "_value"
	}
	return c.Name
}

// KeyLiteral returns how a URL's key holds a value of a column, and whether in quotes. text is the value as [KeyText] takes it: a
// day as 2026-07-01, an option of F&O as its member's name, a lookup as the row's GUID.
//
// UNCONFIRMED: that F&O finds a row by the noon of a day, which is how F&O itself writes a day, and takes a decimal number in a key.
func KeyLiteral(system string, c *Column, text string) (literal string, quoted bool) {
	switch {
	case c.Kind == Text:
		return text, true
	case system == FnO && c.Kind == Choice:
		return dataEntities + c.Enum + "'" + text + "'", false
	case system == FnO && c.Kind == Time && c.DateOnly:
		return text + "T12:00:00Z", false
	}
	return text, false
}

// dataverseKeyTypes are the types of the columns that an alternate key may have (Microsoft Learn, "Define alternate keys for a
// table"). The metadata of a customer's and an owner's column is that of a lookup.
var dataverseKeyTypes = []string{"String", "Integer", "Decimal", "DateTime", "Picklist", "Lookup", "Customer", "Owner"}

// Keyable reports whether a column can be part of a key by which the entity's rows are found. A Dataverse table's own GUID is a key
// by itself.
func (e *Entity) Keyable(c *Column) bool {
	if e.System == Dataverse {
		return slices.Contains(dataverseKeyTypes, c.Type) || slices.Contains(e.PrimaryKey, c.Name)
	}
	return c.Kind != List && c.Kind != Choices && c.Kind != Unknown && c.Kind != Reference && c.Kind != Boolean
}
