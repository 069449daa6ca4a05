package odata

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"crosswalk/shared/fault"
)

// KeyValue is one column of the key that addresses a row.
type KeyValue struct {
	// Name is the column's name as the service spells it.
	Name string
	// Value is the plain value; quoting and percent-encoding are done here.
	Value string
	// Quoted is true for columns of type string, false for numbers, GUIDs, dates, booleans and enumerations, whose Value is
	// the OData literal itself, such as 42 or Microsoft.Dynamics.DataEntities.NoYes'Yes'.
	Quoted bool
}

var (
	namePattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	})
	guidPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$`)
	})
	unquotedPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(-?[0-9]{1,38}(\.[0-9]{1,38})?|true|false|` +
			`[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?(Z|[+-][0-9]{2}:[0-9]{2}))?|` +
			`[A-Za-z_][A-Za-z0-9_.]*'[A-Za-z_][A-Za-z0-9_]*')$`)
	})
)

// Quote returns value as an OData string literal: in single quotes, with quotes inside doubled. It isn't percent-encoded.
func Quote(value string) string {
	return "'" + strings.ReplaceAll(value, "'", "''") + "'"
}

// Escape percent-encodes everything but the unreserved characters of RFC 3986, so that a value can stand in a path segment
// or in a query without ending it.
func Escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// GUID returns s in lower case if it is a GUID of 36 characters without braces. column names it in the error, which is
// Permanent with reason "bad-value" and doesn't hold s.
func GUID(column, s string) (string, error) {
	if !guidPattern().MatchString(s) {
		return "", fault.Reject("bad-value", column, "the row's id is not a GUID such as 00000000-0000-0000-0000-000000000001")
	}
	return strings.ToLower(s), nil
}

// Literal returns the value of k as an OData literal, not percent-encoded. A value that can't be one is a Permanent error
// with reason "bad-value".
func (k KeyValue) Literal() (string, error) {
	if k.Quoted {
		if !utf8.ValidString(k.Value) {
			return "", fault.Reject("bad-value", k.Name, "the key is not valid UTF-8")
		}
		if strings.ContainsFunc(k.Value, unicode.IsControl) {
			return "", fault.Reject("bad-value", k.Name, "the key holds a control character")
		}
		return Quote(k.Value), nil
	}
	if guidPattern().MatchString(k.Value) {
		return strings.ToLower(k.Value), nil
	}
	if !unquotedPattern().MatchString(k.Value) {
		return "", fault.Reject("bad-value", k.Name, "the key is neither a number, a GUID, a date, a boolean nor an enumeration value")
	}
	return k.Value, nil
}

// Key returns the key segment of a path, percent-encoded where a value needs it: (dataAreaId='usmf',CustomerAccount='US%20001').
func Key(parts []KeyValue) (string, error) {
	if len(parts) == 0 {
		return "", misnamed("a row can't be addressed without a key")
	}
	var b strings.Builder
	b.WriteByte('(')
	for i, part := range parts {
		if err := checkName(part.Name); err != nil {
			return "", err
		}
		literal, err := part.Literal()
		if err != nil {
			return "", err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(part.Name + "=")
		if part.Quoted {
			// The quotes that delimit stay readable; everything between them is encoded, doubled quotes included.
			b.WriteString("'" + Escape(literal[1:len(literal)-1]) + "'")
		} else {
			b.WriteString(strings.ReplaceAll(Escape(literal), "%27", "'"))
		}
	}
	b.WriteByte(')')
	return b.String(), nil
}

// Filter returns the value of $filter, percent-encoded, that selects the rows with this key: accountnumber eq 'US-001' and ….
func Filter(parts []KeyValue) (string, error) {
	terms := make([]string, 0, len(parts))
	for _, part := range parts {
		if err := checkName(part.Name); err != nil {
			return "", err
		}
		literal, err := part.Literal()
		if err != nil {
			return "", err
		}
		terms = append(terms, part.Name+" eq "+literal)
	}
	return Escape(strings.Join(terms, " and ")), nil
}

// Select returns the value of $select. It is empty for no columns, which means all of them.
func Select(columns []string) (string, error) {
	for _, column := range columns {
		if err := checkName(column); err != nil {
			return "", err
		}
	}
	return strings.Join(columns, ","), nil
}

// CheckSet returns a Misconfigured error if set can't be the name of an entity set, such as accounts or CustomersV3.
func CheckSet(set string) error { return checkName(set) }

// checkName guards what a contract, not a message, puts into a URL, so the name may be shown.
func checkName(name string) error {
	if namePattern().MatchString(name) {
		return nil
	}
	if len(name) > 128 || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return misnamed("the name of a table or column in the contract is no OData name")
	}
	return misnamed("the contract names a table or column " + Quote(name) + ", which is no OData name")
}

func misnamed(detail string) error {
	return &fault.Error{Kind: fault.Misconfigured, Reason: ReasonMissing, Detail: detail}
}
