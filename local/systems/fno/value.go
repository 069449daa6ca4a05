package fno

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/local/systems/odata"
)

// notSet is F&O's empty date.
const notSet = `"1900-01-01T00:00:00Z"`

// blank is the value of a property that nobody set: F&O has no null.
func (p *property) blank() jsontext.Value {
	switch p.kind {
	case "String":
		return jsontext.Value(`""`)
	case "DateTimeOffset":
		return jsontext.Value(notSet)
	case "Guid":
		return jsontext.Value(`"00000000-0000-0000-0000-000000000000"`)
	case "Enum":
		return odata.Quote(p.members[0])
	}
	return jsontext.Value("0")
}

// accept checks one value of a body and returns it as it is stored. A null string is stored as ""; null for an enum is its
// first member; null for a number or a date is refused, since those are not nullable in $metadata.
func accept(e *entity, p *property, v jsontext.Value) (jsontext.Value, *refusal) {
	if v.Kind() == 'n' {
		if p.kind != "String" && p.kind != "Enum" || p.isKey {
			return nil, badPayload("A null value was found for the property named '%s', which has the expected type 'Edm.%s[Nullable=False]'. The expected type does not allow null values.", p.name, p.kind)
		}
		return p.blank(), nil
	}
	switch p.kind {
	case "String":
		return acceptString(e, p, v)
	case "Enum":
		text, ok := odata.Text(v)
		if !ok || !slices.Contains(p.members, text) {
			return nil, wrongType(p, literal(v), "Microsoft.Dynamics.DataEntities."+p.enum)
		}
		return odata.Quote(text), nil
	case "Int32":
		return acceptInteger(p, v, "-2147483648", "2147483647")
	case "Int64":
		return acceptInteger(p, v, "-9223372036854775808", "9223372036854775807")
	case "Decimal":
		if _, plain, ok := odata.ReadNumber(v); ok {
			return acceptDecimal(p, v, plain)
		}
	case "DateTimeOffset":
		text, ok := odata.Text(v)
		if t, err := time.Parse(time.RFC3339Nano, text); ok && err == nil {
			return odata.Quote(p.stored(t)), nil
		}
	case "Guid":
		if text, ok := odata.Text(v); ok && odata.IsGUID(text) {
			return odata.Quote(strings.ToLower(text)), nil
		}
	}
	return nil, wrongType(p, literal(v), "Edm."+p.kind)
}

// stored is the form in which a date is kept and shown.
func (p *property) stored(t time.Time) string {
	if p.isDay {
		return t.UTC().Format(time.DateOnly) + "T12:00:00Z"
	}
	return t.UTC().Truncate(time.Second).Format(time.RFC3339)
}

func literal(v jsontext.Value) string {
	if text, ok := odata.Text(v); ok {
		return text
	}
	return string(v)
}

// acceptString cuts spaces at the end, as X++ does, and stores a company in lower case.
func acceptString(e *entity, p *property, v jsontext.Value) (jsontext.Value, *refusal) {
	text, ok := odata.Text(v)
	if !ok {
		return nil, wrongType(p, string(v), "Edm.String")
	}
	text = strings.TrimRight(text, " ")
	if p.length > 0 && len(utf16.Encode([]rune(text))) > p.length {
		return nil, tooLong(e, p)
	}
	if p.isKey && text == "" && p.name != mayBeBlank[e.set] {
		return nil, notFilled(e, p.name)
	}
	if p.name == "dataAreaId" {
		text = strings.ToLower(text)
	}
	return odata.Quote(text), nil
}

var wholeForm = regexp.MustCompile(`^-?[0-9]+$`)

func acceptInteger(p *property, v jsontext.Value, low, high string) (jsontext.Value, *refusal) {
	n, plain, ok := odata.ReadNumber(v)
	if !ok || !wholeForm.Match(v) {
		return nil, wrongType(p, literal(v), "Edm."+p.kind)
	}
	from, _, _ := odata.Decimal(low)
	to, _, _ := odata.Decimal(high)
	if n.Cmp(from) < 0 || n.Cmp(to) > 0 {
		return nil, wrongType(p, literal(v), "Edm."+p.kind)
	}
	return jsontext.Value(plain), nil
}

// decimalDigits are X++'s real: 28 significant digits, at most 16 after the point in the database (numeric(32,16)); amounts
// keep 6. Which one a property has isn't in $metadata, so the widest is taken.
const (
	wholeDigits   = 16
	decimalPlaces = 16
)

func acceptDecimal(p *property, v jsontext.Value, plain string) (jsontext.Value, *refusal) {
	n, _, _ := odata.ReadNumber(v)
	whole, _, _ := strings.Cut(strings.TrimLeft(plain, "-0"), ".")
	if len(whole) > wholeDigits || odata.Places(n) > decimalPlaces {
		return nil, wrongType(p, literal(v), "Edm.Decimal")
	}
	return jsontext.Value(plain), nil
}
