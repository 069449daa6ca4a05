package odata

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	// quotedName finds 'name', "name" and 'Entity.name' in an error's text.
	quotedName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`['"](?:[A-Za-z_][\w]*\.)*([A-Za-z_]\w*)['"]`)
	})
	// quotedLabel finds the label of a form's field, as F&O's infolog quotes it: 'Customer group'.
	quotedLabel = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`'(\p{L}[\p{L}\p{M} ]{2,59})'`)
	})
	// validated finds the field that F&O's validateField rejected, which need not be one that was sent.
	validated = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`validateField failed on field '[A-Za-z_]\w{0,79}\.([A-Za-z_]\w{0,79})'`)
	})
	// required finds the label of a field that F&O misses, which can't be one that was sent.
	required = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`Field '(\p{L}[\p{L}\p{M} ]{1,59})' must be filled in`)
	})
	// uniqueKey finds the alternate key that forbids a row in Dataverse, as "Web service error codes" words it for 0x80060892.
	// Whether the key's schema name or its label stands there is UNCONFIRMED; neither is data.
	uniqueKey = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`The entity key (\p{L}[\p{L}\p{M}\p{N}_ ]{0,99}) requires that this set of attributes`)
	})
)

// Names returns the names of the columns that the refusal's text is about, or that of an alternate key, sorted. The text
// also quotes values, so a name counts only if it is a column of the call itself, or stands where the service never puts a
// value, after all values that were sent have been cut out of the text.
func (r *Refusal) Names() []string {
	columns, values := r.sent()
	text := r.Text()
	found := map[string]bool{}
	for _, match := range quotedName().FindAllStringSubmatch(text, -1) {
		for _, column := range columns {
			if strings.EqualFold(match[1], column) {
				found[column] = true
			}
		}
	}
	for _, match := range quotedLabel().FindAllStringSubmatch(r.Inner, -1) {
		for _, column := range columns {
			if isLabelOf(match[1], column) {
				found[column] = true
			}
		}
	}
	text = without(text, values)
	for _, pattern := range []*regexp.Regexp{validated(), required(), uniqueKey()} {
		for _, match := range pattern.FindAllStringSubmatch(text, -1) {
			found[match[1]] = true
		}
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// sent returns the call's column names and the strings that its body and URL hold as values.
func (r *Refusal) sent() (columns, values []string) {
	columns = slices.Clone(r.Call.Columns)
	decoder := jsontext.NewDecoder(strings.NewReader(string(r.Call.Body)))
	for {
		token, err := decoder.ReadToken()
		if err != nil {
			break
		}
		if token.Kind() != '"' {
			continue
		}
		kind, length := decoder.StackIndex(decoder.StackDepth())
		switch isName := kind == '{' && length%2 == 1; {
		case !isName:
			values = append(values, token.String())
		case decoder.StackDepth() == 1 && !strings.HasPrefix(token.String(), "@"):
			name, _, _ := strings.Cut(token.String(), "@")
			columns = append(columns, name)
		}
	}
	slices.Sort(columns)
	return slices.Compact(columns), values
}

// without cuts values out of text. A short value is only cut where it stands in quotes, lest it tear words apart.
func without(text string, values []string) string {
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	for _, value := range values {
		switch {
		case value == "":
		case utf8.RuneCountInString(value) < 4:
			text = strings.ReplaceAll(text, "'"+value+"'", "''")
		default:
			text = strings.ReplaceAll(text, value, "")
		}
	}
	return text
}

// isLabelOf says whether label, such as "Customer group", is how a form may call column, such as CustomerGroupId.
func isLabelOf(label, column string) bool {
	short := strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return -1
		}
		return unicode.ToLower(c)
	}, label)
	rest, ok := strings.CutPrefix(strings.ToLower(column), short)
	switch rest {
	case "", "id", "code", "number", "name", "symbol":
		return ok
	}
	return false
}
