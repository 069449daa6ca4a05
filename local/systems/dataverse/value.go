package dataverse

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/local/systems/odata"
)

// moneyPlaces is how many decimals SQL Server's money keeps. A column's own precision is 0 to 4; the published documents
// don't say which, so all four are taken. The real platform rounds what is finer; the simulator refuses it, because a lost
// digit is what a test must find (UNCONFIRMED as an answer).
const moneyPlaces = 4

// decimalPlaces is the finest precision of a Decimal column.
const decimalPlaces = 10

// accept checks one value of a body against its column and returns it as it is stored. JSON null is stored as nil.
func accept(t *table, c *column, v jsontext.Value) (jsontext.Value, *refusal) {
	if v.Kind() == 'n' {
		if c.level == "systemrequired" {
			return nil, required(t, c)
		}
		return nil, nil
	}
	switch c.kind {
	case "String":
		return acceptString(t, c, v)
	case "Boolean":
		if k := v.Kind(); k != 't' && k != 'f' {
			return nil, wrongType(t, c, string(v), "Edm.Boolean")
		}
		return v, nil
	case "Picklist", "State", "Status":
		return acceptOption(t, c, v)
	case "Integer", "BigInt":
		return acceptNumber(t, c, v, "Edm.Int32", 0)
	case "Money":
		return acceptNumber(t, c, v, "Edm.Decimal", moneyPlaces)
	case "Decimal":
		return acceptNumber(t, c, v, "Edm.Decimal", decimalPlaces)
	case "Double":
		return acceptNumber(t, c, v, "Edm.Double", maxPlaces)
	case "DateTime":
		return acceptDate(t, c, v)
	case "Uniqueidentifier":
		text, ok := odata.Text(v)
		if !ok || !odata.IsGUID(text) {
			return nil, wrongType(t, c, literal(v), "Edm.Guid")
		}
		return odata.Quote(strings.ToLower(text)), nil
	}
	return nil, wrongType(t, c, literal(v), c.kind)
}

const maxPlaces = 1 << 10

func required(t *table, c *column) *refusal {
	return badRequest(codeRequired, "The required field '%s' of '%s' is missing.", c.name, t.name)
}

// literal is a value as error texts show it.
func literal(v jsontext.Value) string {
	if text, ok := odata.Text(v); ok {
		return text
	}
	return string(v)
}

func acceptString(t *table, c *column, v jsontext.Value) (jsontext.Value, *refusal) {
	text, ok := odata.Text(v)
	if !ok {
		return nil, wrongType(t, c, string(v), "Edm.String")
	}
	if c.length > 0 && len(utf16.Encode([]rune(text))) > c.length {
		return nil, tooLong(t, c)
	}
	if text == "" { // Dataverse stores no empty text: it is null (UNCONFIRMED for every column type)
		if c.level == "systemrequired" {
			return nil, required(t, c)
		}
		return nil, nil
	}
	return odata.Quote(text), nil
}

func acceptOption(t *table, c *column, v jsontext.Value) (jsontext.Value, *refusal) {
	_, plain, ok := odata.ReadNumber(v)
	if !ok || strings.ContainsAny(string(v), ".eE") {
		return nil, wrongType(t, c, literal(v), "Edm.Int32")
	}
	if i, err := strconv.Atoi(plain); err != nil || !c.option(i) {
		return nil, unknownOption(t, c, string(v))
	}
	return jsontext.Value(plain), nil
}

// acceptNumber takes any JSON number; text is refused, since the request doesn't say IEEE754Compatible.
func acceptNumber(t *table, c *column, v jsontext.Value, edm string, places int) (jsontext.Value, *refusal) {
	n, plain, ok := odata.ReadNumber(v)
	if !ok || places == 0 && strings.ContainsAny(string(v), ".eE") {
		return nil, wrongType(t, c, literal(v), edm)
	}
	if c.min != nil && (n.Cmp(*c.min) < 0 || n.Cmp(*c.max) > 0) || odata.Places(n) > places {
		return nil, outOfRange(t, c, string(v))
	}
	return jsontext.Value(plain), nil
}

// acceptDate takes 2026-07-01 for a date-only column and RFC 3339 for the others, which are stored in UTC in whole seconds.
func acceptDate(t *table, c *column, v jsontext.Value) (jsontext.Value, *refusal) {
	text, ok := odata.Text(v)
	if c.dateOnly {
		d, err := time.Parse(time.DateOnly, text)
		if !ok || err != nil {
			return nil, wrongType(t, c, literal(v), "Edm.Date")
		}
		return dateInRange(t, c, v, d)
	}
	d, err := time.Parse(time.RFC3339Nano, text)
	if !ok || err != nil {
		return nil, wrongType(t, c, literal(v), "Edm.DateTimeOffset")
	}
	if _, bad := dateInRange(t, c, v, d); bad != nil {
		return nil, bad
	}
	return odata.Quote(d.UTC().Truncate(time.Second).Format(time.RFC3339)), nil
}

// dateInRange holds SQL Server's datetime range that Dataverse keeps: from 1753 on.
func dateInRange(t *table, c *column, v jsontext.Value, d time.Time) (jsontext.Value, *refusal) {
	if d.Year() < 1753 {
		return nil, badRequest("0x80040239", "Date is less than the minimum value supported by CrmDateTime. Actual value: %s, Minimum value supported: 01/01/1753 00:00:00", literal(v))
	}
	return v, nil
}
