package functionshost

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// pollute copies the top-level properties of a string value that is a JSON object into the metadata, as the host does:
// objects as objects, scalars as text, arrays and nulls not. They overwrite metadata of the same name, whatever the case
// (Functions host 4.1037, recorded). Text that isn't such JSON changes nothing.
func (d *bindingData) pollute(text string) {
	trimmed := strings.TrimSpace(text)
	if !strings.HasPrefix(trimmed, "{") || !strings.HasSuffix(trimmed, "}") {
		return
	}
	members, ok := readMembers(trimmed)
	if !ok {
		return
	}
	for _, m := range members {
		switch v := m.Value.(type) {
		case nil, array:
		case dictionary:
			d.setEncoded(m.Name, plain(v))
		default:
			d.set(m.Name, scalarText(v))
		}
	}
}

// readMembers reads an object as Newtonsoft's JObject does: of a repeated name the last value at the first place.
func readMembers(text string) (dictionary, bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	v, err := readValue(dec)
	if err != nil {
		return nil, false
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, false
	}
	d, ok := v.(dictionary)
	return d, ok
}

func readValue(dec *json.Decoder) (any, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return readArray(dec)
		}
		return readObject(dec)
	case string:
		return newtonsoftDate(t), nil
	case json.Number:
		return newtonsoftNumber(t), nil
	default:
		return t, nil // bool, nil
	}
}

func readArray(dec *json.Decoder) (any, error) {
	out := array{}
	for dec.More() {
		v, err := readValue(dec)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	_, err := dec.Token()
	return out, err
}

func readObject(dec *json.Decoder) (any, error) {
	out := dictionary{}
	at := map[string]int{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		v, err := readValue(dec)
		if err != nil {
			return nil, err
		}
		key := name.(string)
		if i, ok := at[key]; ok {
			out[i].Value = v
			continue
		}
		at[key] = len(out)
		out = append(out, pair{key, v})
	}
	_, err := dec.Token()
	return out, err
}

// newtonsoftNumber gives a whole number its exact text and anything else a double, as Newtonsoft does.
func newtonsoftNumber(n json.Number) any {
	text := n.String()
	if !strings.ContainsAny(text, ".eE") {
		if i, ok := new(big.Int).SetString(text, 10); ok {
			return decimalText(i.String())
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return decimalText(text)
	}
	return f
}

var isoDate = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:\d\d)?$`)

// newtonsoftDate turns a string that looks like an ISO date with time into a DateTime, as Newtonsoft does by default; an
// offset is converted to local time, which is UTC here.
func newtonsoftDate(s string) any {
	m := isoDate.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	layout := "2006-01-02T15:04:05.9999999"
	if m[2] != "" {
		layout += "Z07:00"
	}
	t, err := time.Parse(layout, s)
	switch {
	case err != nil:
		return s
	case m[2] == "":
		return dateTime(t)
	case m[2] == "Z":
		return dateTimeUTC(t)
	}
	return dateTimeOffset(t.UTC())
}

// scalarText is a scalar's .NET text in the invariant culture: True, 1.5, 11/23/2026 12:00:00.
func scalarText(v any) string {
	const general = "01/02/2006 15:04:05"
	switch v := v.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return v
	case float64:
		return netFloat(v, 64, false)
	case dateTime:
		return time.Time(v).Format(general)
	case dateTimeUTC:
		return time.Time(v).Format(general)
	case dateTimeOffset:
		return time.Time(v).Format(general)
	default:
		return string(bytes.Trim(plain(v), `"`))
	}
}
