package functionshost

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Values the host hands to the handler have .NET types; these stand for those Go has no type for.
type (
	// object is JSON text of an object, written as it is.
	object json.RawMessage
	// decimalText is a System.Decimal in its own text, 1.50 staying 1.50.
	decimalText string
	// uriText is a System.Uri.
	uriText string
	// dateTime is a DateTime without a zone, dateTimeUTC one of kind UTC, dateTimeOffset one with its zone.
	dateTime       time.Time
	dateTimeUTC    time.Time
	dateTimeOffset time.Time
	// array is any .NET array or list.
	array []any
	// pair is a property of an ordered dictionary.
	pair struct {
		Name  string
		Value any
	}
	dictionary []pair
)

const (
	wholeSeconds = "2006-01-02T15:04:05"
	withTicks    = "2006-01-02T15:04:05.9999999"
)

// maxDateTime is DateTime.MaxValue, what an absent expiry turns into.
var maxDateTime = time.Date(9999, 12, 31, 23, 59, 59, 999999900, time.UTC)

// encode writes one value of Data or Metadata by the host's rules (Functions host 4.1037, recorded):
//
//	object, dictionary   a nested object
//	string               a string holding the JSON string; Guid, Uri, TimeSpan likewise
//	number, bool         a string holding the JSON text
//	array                a string holding the JSON array
//	DateTime, -Offset    a string in ISO 8601, whole seconds
//	bytes                a base64 string
func encode(v any) []byte {
	switch v := v.(type) {
	case object:
		return v
	case dictionary:
		return plain(v)
	case []byte:
		return quoted(base64.StdEncoding.EncodeToString(v))
	case dateTime:
		return quoted(time.Time(v).Format(wholeSeconds))
	case dateTimeUTC:
		return quoted(time.Time(v).Format(wholeSeconds))
	case dateTimeOffset:
		return quoted(time.Time(v).Format(wholeSeconds + "-07:00"))
	default:
		return quoted(string(plain(v)))
	}
}

// plain writes a value as Newtonsoft.Json does: what stands inside arrays and nested objects.
func plain(v any) []byte {
	switch v := v.(type) {
	case nil:
		return []byte("null")
	case object:
		return v
	case string:
		return quoted(v)
	case uriText:
		return quoted(string(v))
	case uuid.UUID:
		return quoted(v.String())
	case time.Duration:
		return quoted(formatTimeSpan(v))
	case decimalText:
		return []byte(v)
	case bool:
		return strconv.AppendBool(nil, v)
	case float64:
		return []byte(netFloat(v, 64, true))
	case float32:
		return []byte(netFloat(float64(v), 32, true))
	case []byte:
		return quoted(base64.StdEncoding.EncodeToString(v))
	case dateTime:
		return quoted(time.Time(v).Format(withTicks))
	case dateTimeUTC:
		return quoted(time.Time(v).Format(withTicks) + "Z")
	case dateTimeOffset:
		return quoted(time.Time(v).Format(withTicks + "-07:00"))
	case array:
		return list('[', ']', len(v), func(i int) []byte { return plain(v[i]) })
	case dictionary:
		return list('{', '}', len(v), func(i int) []byte {
			return append(append(quoted(v[i].Name), ':'), plain(v[i].Value)...)
		})
	default:
		return fmt.Append(nil, v) // whole numbers
	}
}

func list(open, end byte, n int, item func(int) []byte) []byte {
	out := []byte{open}
	for i := range n {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, item(i)...)
	}
	return append(out, end)
}

// quoted writes a JSON string with Newtonsoft's escapes: short ones, control characters, and U+0085, U+2028, U+2029;
// everything else goes out as UTF-8.
func quoted(s string) []byte {
	var b bytes.Buffer
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20 || r == 0x85 || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r) // an invalid byte becomes U+FFFD, as .NET's decoder makes it
		}
	}
	b.WriteByte('"')
	return b.Bytes()
}

// netFloat writes the shortest text that reads back the same, with .NET's exponents; point asks for ".0" on whole
// numbers as in JSON.
func netFloat(v float64, bits int, point bool) string {
	switch {
	case math.IsNaN(v):
		return `"NaN"`
	case math.IsInf(v, 1):
		return `"Infinity"`
	case math.IsInf(v, -1):
		return `"-Infinity"`
	}
	scientific := strconv.FormatFloat(v, 'e', -1, bits)
	mantissa, exponent, _ := strings.Cut(scientific, "e")
	n, _ := strconv.Atoi(exponent) // FormatFloat's own
	if last := map[int]int{64: 15, 32: 7}[bits]; n >= last || n < -4 {
		return fmt.Sprintf("%sE%+03d", mantissa, n)
	}
	text := strconv.FormatFloat(v, 'f', -1, bits)
	if point && !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// bindingData is Metadata: names compared without case, in the order of their first appearance, values encoded.
type bindingData struct {
	names  []string
	values map[string][]byte // by lower-case name
}

// set adds a value, or replaces the one of the same name whatever its case; the first spelling stays. A nil is dropped,
// and so is every name that ends in "trigger".
func (d *bindingData) set(name string, v any) {
	if v == nil {
		return
	}
	d.setEncoded(name, encode(v))
}

func (d *bindingData) setEncoded(name string, encoded []byte) {
	key := strings.ToLower(name)
	if strings.HasSuffix(key, "trigger") {
		return
	}
	if d.values == nil {
		d.values = map[string][]byte{}
	}
	if _, ok := d.values[key]; !ok {
		d.names = append(d.names, name)
	}
	d.values[key] = encoded
}

// setText adds a string that may be absent.
func (d *bindingData) setText(name string, v *string) {
	if v != nil {
		d.set(name, *v)
	}
}

func (d *bindingData) bytes() []byte {
	return list('{', '}', len(d.names), func(i int) []byte {
		name := d.names[i]
		return append(append(quoted(name), ':'), d.values[strings.ToLower(name)]...)
	})
}

// setIfAbsent adds a value unless there is one of that name, whatever its case.
func (d *bindingData) setIfAbsent(name string, v any) {
	if _, taken := d.values[strings.ToLower(name)]; !taken {
		d.set(name, v)
	}
}

// setSys adds the entry every invocation has, as "$sys" when "sys" is taken already (recorded).
func (d *bindingData) setSys(function string, now time.Time) {
	name := "sys"
	if _, taken := d.values[name]; taken {
		name = "$sys"
	}
	d.set(name, dictionary{{"MethodName", function}, {"UtcNow", dateTimeUTC(now.UTC())}, {"RandGuid", uuid.New()}})
}

// envelope is the body of an invocation request.
func envelope(name string, value []byte, metadata *bindingData) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Data":{`)
	b.Write(quoted(name))
	b.WriteByte(':')
	b.Write(value)
	b.WriteString(`},"Metadata":`)
	b.Write(metadata.bytes())
	b.WriteByte('}')
	return b.Bytes()
}
