package contract

import (
	"strings"
	"time"
	"unicode/utf8"

	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

// scalar is a source value or a constant on its way to the target: its kind and its exact text, which is valid only while
// the record is being mapped. A Time has a moment instead.
type scalar struct {
	kind   schema.Kind
	text   string
	moment time.Time
}

// failure is why a value doesn't go through; it becomes a fault once the field is known. It never holds the value.
type failure struct{ reason, detail string }

func fail(reason, detail string) *failure { return &failure{reason, detail} }

// literal is a value in the target's form.
type literal struct {
	json      []byte
	reference *Reference
}

// scalar reads a source value as its column's type says, or tells which kind of empty it is. zone, where there is one,
// is meant by a time without a zone.
func (w *workspace) scalar(s *slots.Slot, system string, c *schema.Column, row bool, zone *time.Location) (scalar, empty, *failure) {
	switch s.Kind {
	case slots.Blocked, slots.Object, slots.List:
		return scalar{}, filled, fail("bad-type", "the source holds an object or a list where one value is wanted")
	case slots.Absent:
		if row {
			return scalar{}, null, nil // a row without the property: the read left null out, or F&O dropped it
		}
		return scalar{}, absent, nil
	case slots.Null:
		return scalar{}, null, nil
	case slots.String:
		return readText(w.View(s), system, c, zone)
	case slots.True, slots.False:
		if c.Kind != schema.Boolean {
			return scalar{}, filled, badType(c)
		}
		return scalar{kind: schema.Boolean, text: w.View(s)}, filled, nil
	}
	wanted := c.Kind == schema.Integer || c.Kind == schema.Number || c.Kind == schema.Choice && system == schema.Dataverse
	if !wanted {
		return scalar{}, filled, badType(c)
	}
	p, ok := readNumber(w.View(s))
	if !ok {
		return scalar{}, filled, fail("out-of-range", "the number has more digits than any system keeps")
	}
	text := p.text
	if c.Kind != schema.Number {
		if p.places() > 0 {
			return scalar{}, filled, fail("bad-value", "the source holds a fraction where a whole number is wanted")
		}
		text = canonicalNumber(text)
	}
	return scalar{kind: c.Kind, text: text}, filled, nil
}

func badType(c *schema.Column) *failure {
	return fail("bad-type", "the source's value isn't of the type that its schema says: "+c.Kind.String())
}

// zeroGUID is F&O's unique identifier that isn't set.
const zeroGUID = "00000000-0000-0000-0000-000000000000"

func readText(text, system string, c *schema.Column, zone *time.Location) (scalar, empty, *failure) {
	if (text == "" || text[0] <= ' ' || text[0] >= utf8.RuneSelf) && strings.TrimSpace(text) == "" { // white space that isn't ASCII counts too
		return scalar{}, emptyText, nil
	}
	switch c.Kind {
	case schema.Text:
	case schema.Choice:
		if system == schema.Dataverse {
			return scalar{}, filled, badType(c)
		}
	case schema.Time:
		t, day, ok := parseMoment(text)
		if !ok && zone != nil {
			var failed *failure
			if t, ok, failed = localMoment(text, zone); failed != nil {
				return scalar{}, filled, failed
			}
		}
		if !ok || day && !c.DateOnly {
			return scalar{}, filled, fail("bad-value", "the source's date has no known form, or no zone")
		}
		if system == schema.FnO && isUnsetDate(t, c.DateOnly) {
			return scalar{}, unset, nil
		}
		return scalar{kind: schema.Time, moment: t}, filled, nil
	case schema.GUID, schema.Reference:
		id, ok := parseGUID(text)
		if !ok {
			return scalar{}, filled, fail("bad-value", "the source's value is no unique identifier")
		}
		if system == schema.FnO && id == zeroGUID {
			return scalar{}, unset, nil
		}
		return scalar{kind: schema.GUID, text: text}, filled, nil
	default:
		return scalar{}, filled, badType(c)
	}
	return scalar{kind: c.Kind, text: text}, filled, nil
}

func momentText(t time.Time, dateOnly bool) string {
	if dateOnly {
		return t.Format(time.DateOnly)
	}
	return t.Format(time.RFC3339Nano)
}

// parseGUID returns a unique identifier without the braces that F&O writes around it, letters as they are.
func parseGUID(s string) (string, bool) {
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if len(s) != 36 {
		return "", false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'f' || s[i] >= 'A' && s[i] <= 'F'
		if dash && s[i] != '-' || !dash && !hex {
			return "", false
		}
	}
	return s, true
}

// column writes v as the JSON of a target column and checks length, range and options. cut shortens a text that is too
// long.
func (w *workspace) column(v scalar, system string, c *schema.Column, cut bool) ([]byte, *failure) {
	switch c.Kind {
	case schema.Text:
		text := v.text
		if c.MaxLength > 0 && len(text) > c.MaxLength && textLength(text) > c.MaxLength { // units are never more than bytes
			if !cut {
				return nil, fail("too-long", "the text is longer than the "+itoa(c.MaxLength)+" characters the target takes")
			}
			text = cutText(text, c.MaxLength)
		}
		return w.quoted(text), nil
	case schema.Integer, schema.Number:
		return w.number(v, c)
	case schema.Boolean:
		if v.text != "true" && v.text != "false" {
			return nil, fail("bad-value", "the value is neither true nor false")
		}
		return w.literal(v.text), nil
	case schema.Choice:
		if _, ok := c.Option(v.text); !ok {
			return nil, fail("unknown-option", "the target has no such option")
		}
		if system == schema.FnO {
			return w.quoted(v.text), nil
		}
		return w.literal(v.text), nil
	case schema.Choices:
		for option := range strings.SplitSeq(v.text, ",") {
			if _, ok := c.Option(strings.TrimSpace(option)); !ok {
				return nil, fail("unknown-option", "the target has no such option")
			}
		}
		return w.quoted(v.text), nil
	case schema.Time:
		return w.moment(v, system, c)
	case schema.GUID:
		id, ok := parseGUID(v.text)
		if !ok {
			return nil, fail("bad-value", "the value is no unique identifier")
		}
		return w.quoted(w.lower(id)), nil
	}
	return nil, fail("bad-type", "the target takes no plain value")
}

func (w *workspace) number(v scalar, c *schema.Column) ([]byte, *failure) {
	p, ok := readNumber(v.text)
	if !ok {
		return nil, fail("bad-value", "the text is no plain decimal number (no leading zeros, no separators but a point)")
	}
	switch places := p.places(); {
	case c.Kind == schema.Integer && places > 0:
		return nil, fail("bad-value", "the target takes whole numbers only")
	case c.Precision > 0 && places > c.Precision:
		return nil, fail("out-of-range", "the number has more than the "+itoa(c.Precision)+" decimal places the target keeps")
	case c.Min != "" && p.against(c.Min) < 0:
		return nil, fail("out-of-range", "the number is below "+c.Min+", the least the target takes")
	case c.Max != "" && p.against(c.Max) > 0:
		return nil, fail("out-of-range", "the number is above "+c.Max+", the most the target takes")
	}
	if c.Kind == schema.Integer {
		return w.literal(canonicalNumber(p.text)), nil
	}
	return w.literal(p.text), nil
}

func (w *workspace) moment(v scalar, system string, c *schema.Column) ([]byte, *failure) {
	t := v.moment
	if v.kind != schema.Time { // a constant
		var ok bool
		if t, _, ok = parseMoment(v.text); !ok {
			return nil, fail("bad-value", "the value is no date with a zone")
		}
	}
	if !inRange(system, t) {
		return nil, fail("out-of-range", "the target's dates don't reach that far")
	}
	begin := len(w.json)
	w.json = append(appendMoment(append(w.json, '"'), t, system, c.DateOnly), '"')
	return w.json[begin:len(w.json):len(w.json)], nil
}

// textLength counts UTF-16 units, as both systems do.
func textLength(s string) int {
	n := 0
	for _, r := range s {
		if n++; r > 0xFFFF {
			n++
		}
	}
	return n
}

// cutText returns the longest beginning of s with at most limit UTF-16 units, never half a character.
func cutText(s string, limit int) string {
	n := 0
	for i, r := range s {
		if n++; r > 0xFFFF {
			n++
		}
		if n > limit {
			return s[:i]
		}
	}
	return s
}

func quote(s string) []byte { return slots.AppendQuoted(make([]byte, 0, len(s)+2), s) }

// bindURL returns the relative URL of a row by alternate key: the quotes in a value doubled first, then the value
// percent-encoded (Dataverse Web API, "Use an alternate key to reference a record").
func (w *workspace) bindURL(set string, key ...KeyPart) string {
	begin := len(w.texts)
	w.texts = append(append(append(w.texts, '/'), set...), '(')
	for i, part := range key {
		if i > 0 {
			w.texts = append(w.texts, ',')
		}
		w.texts = part.appendURL(w.texts)
	}
	w.texts = append(w.texts, ')')
	return slots.View(w.texts[begin:])
}

// appendURL appends column=value as a URL writes it, without a column the value alone.
func (k KeyPart) appendURL(url []byte) []byte {
	const hex, quote = "0123456789ABCDEF", "%27%27"
	if k.Column != "" { // else a row's own id
		url = append(append(url, k.Column...), '=')
	}
	if k.Quoted {
		url = append(url, '\'')
	}
	for i := range len(k.Value) {
		switch c := k.Value[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			url = append(url, c)
		case c == '\'' && k.Quoted:
			url = append(url, quote...)
		case c == '\'': // of an option's literal
			url = append(url, c)
		default:
			url = append(url, '%', hex[c>>4], hex[c&15])
		}
	}
	if k.Quoted {
		url = append(url, '\'')
	}
	return url
}

// validText reports whether a text out of a contract can be written as JSON.
func validText(s string) bool { return utf8.ValidString(s) }
