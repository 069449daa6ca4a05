package contract

import (
	"strconv"
	"strings"

	"crosswalk/shared/schema"
)

// matchText returns a source value as the contract's texts are compared with it, by where and by the keys of a map or table: a number
// without zeros that don't count, a day as 2026-07-01, an instant in UTC, a unique identifier in lower case and without braces.
func (v *scalar) matchText(c *schema.Column) string {
	switch v.kind {
	case schema.Integer, schema.Number:
		return canonicalNumber(v.text)
	case schema.Time:
		return momentText(v.moment, c.DateOnly)
	case schema.GUID:
		return lowerGUID(v.text)
	}
	return v.text
}

func lowerGUID(text string) string {
	id, _ := parseGUID(text)
	return strings.ToLower(id)
}

// matchable returns a text of the contract as matchText writes a value of the column; why says why the column never has such a value,
// "" where it can.
func matchable(c *schema.Column, text string) (out, why, fix string) {
	switch c.Kind {
	case schema.Choice:
		if _, known := c.Option(text); !known {
			return "", "has no option " + strconv.Quote(text), "use one of " + optionList(c)
		}
	case schema.List, schema.Choices:
		return "", "is a " + c.Kind.String() + ", which no text is compared with", "use another column"
	case schema.Boolean:
		if text != "true" && text != "false" {
			return "", "is yes/no and never " + strconv.Quote(text), "write true or false"
		}
	case schema.Integer, schema.Number:
		return matchableNumber(c, text)
	case schema.GUID, schema.Reference:
		if _, ok := parseGUID(text); !ok {
			return "", "is a " + c.Kind.String() + " and never " + strconv.Quote(text), "write a unique identifier"
		}
		return lowerGUID(text), "", ""
	case schema.Time:
		t, day, ok := parseMoment(text)
		switch {
		case c.DateOnly && !(ok && day):
			return "", "is a day and never " + strconv.Quote(text), "write a day, such as 2026-07-01"
		case !c.DateOnly && (!ok || day):
			return "", "is an instant and never " + strconv.Quote(text), "write an instant, such as 2026-07-01T10:00:00Z"
		}
		return momentText(t, c.DateOnly), "", ""
	}
	return text, "", ""
}

func matchableNumber(c *schema.Column, text string) (out, why, fix string) {
	never := "is a " + c.Kind.String() + " and never " + strconv.Quote(text)
	p, ok := readNumber(text)
	if rest := strings.TrimLeft(text, "0"); !ok && len(rest) < len(text) {
		if p, ok := readNumber(rest); ok {
			return "", never, "write " + strconv.Quote(canonicalNumber(p.text)) + ", without leading zeros"
		}
	}
	switch {
	case !ok:
		return "", never, "write a number"
	case c.Kind == schema.Integer && p.places() > 0:
		return "", never, "write a whole number"
	case c.Min != "" && p.against(c.Min) < 0:
		return "", "is at least " + c.Min + " and never " + strconv.Quote(text), "write a number that it can have"
	case c.Max != "" && p.against(c.Max) > 0:
		return "", "is at most " + c.Max + " and never " + strconv.Quote(text), "write a number that it can have"
	}
	return canonicalNumber(text), "", ""
}
