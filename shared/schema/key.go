package schema

import "strings"

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
