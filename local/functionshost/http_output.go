package functionshost

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// httpAnswer is what an HTTP caller gets.
type httpAnswer struct {
	status  int
	headers dictionary // as the function gave them
	body    []byte
	typed   bool // false for bytes, which get no Content-Type
	nothing bool // 204 without anything
}

// Errors of an output that can't be an answer. The first fails the invocation.
var errNoResponseObject = errors.New("failed while trying to Deserialize to httpOutputBindingResponse. Output is not in expected format")

// answerOf makes the answer from what the handler returned (Functions host 4.1037, recorded): from the http output, from
// ReturnValue when that output is named "$return" or there is none.
func answerOf(f *function, o outcome) (*httpAnswer, error) {
	at := slices.IndexFunc(f.outputs, func(b binding) bool { return b.Type == "http" })
	switch {
	case at < 0:
		return answerOfReturn(o.value, false)
	case f.outputs[at].Name == "$return":
		return answerOfReturn(o.value, !strings.EqualFold(f.outputs[at].DataType, "binary"))
	case o.outputs == nil:
		return &httpAnswer{nothing: true}, nil
	}
	raw, ok := o.outputs[f.outputs[at].Name] // the case of the name counts
	if !ok {
		return &httpAnswer{status: http.StatusOK, body: []byte("{}"), typed: true}, nil
	}
	value, err := valueOf(raw)
	if err != nil {
		return nil, err
	}
	if text, ok := value.(string); ok {
		if value, err = valueOf([]byte(text)); err != nil {
			return nil, errNoResponseObject
		}
	}
	response, ok := value.(dictionary)
	if !ok {
		return nil, errNoResponseObject
	}
	return responseOf(response, false)
}

// answerOfReturn takes ReturnValue: text that happens to be base64 turns into bytes, text that is JSON is read as such,
// an object with a body is a response, anything else is the body itself.
func answerOfReturn(raw json.RawMessage, sniff bool) (*httpAnswer, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return &httpAnswer{nothing: true}, nil
	}
	value, err := valueOf(raw)
	if err != nil {
		return nil, err
	}
	if text, ok := value.(string); ok {
		if data, ok := fromBase64(text); ok && sniff {
			return &httpAnswer{status: http.StatusOK, body: data}, nil
		}
		if read, err := valueOf([]byte(text)); err == nil {
			value = read
		}
	}
	if object, ok := value.(dictionary); ok {
		if _, ok := object.find("body"); ok {
			return responseOf(object, true)
		}
	}
	return &httpAnswer{status: http.StatusOK, body: contentOf(value), typed: true}, nil
}

// responseOf reads statusCode, headers and body; names ignore case. An http output's "status" has no effect; in
// ReturnValue it stands for a missing statusCode.
func responseOf(object dictionary, orStatus bool) (*httpAnswer, error) {
	a := &httpAnswer{status: http.StatusOK, typed: true}
	status, ok := object.find("statusCode")
	if !ok && orStatus {
		status, _ = object.find("status")
	}
	switch status.(type) {
	case nil:
	case dictionary, array:
		return nil, errNoResponseObject
	default:
		if n, err := strconv.Atoi(strings.TrimSpace(scalarText(status))); err == nil {
			a.status = n
		}
	}
	headers, _ := object.find("headers")
	switch headers := headers.(type) {
	case nil:
	case dictionary:
		a.headers = headers
	default:
		return nil, errNoResponseObject
	}
	body, _ := object.find("body")
	a.body = contentOf(body)
	return a, nil
}

// find looks a property up, whatever the case of its name.
func (d dictionary) find(name string) (any, bool) {
	for _, p := range d {
		if strings.EqualFold(p.Name, name) {
			return p.Value, true
		}
	}
	return nil, false
}

// contentOf is a body on the wire: text as it is, dates and other scalars as .NET prints them, objects and arrays
// indented.
func contentOf(v any) []byte {
	switch v := v.(type) {
	case nil:
		return nil
	case dictionary, array:
		return indented(v, 0)
	default:
		return []byte(scalarText(v))
	}
}

// fromBase64 is .NET's Convert.FromBase64String: blanks don't count, an empty text is valid.
func fromBase64(text string) ([]byte, bool) {
	text = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(text)
	data, err := base64.StdEncoding.DecodeString(text)
	return data, err == nil
}

// write answers. A header that can't be set ends in 500, with those before it set already (recorded).
func (a *httpAnswer) write(w http.ResponseWriter) {
	to := w.Header()
	to["Content-Type"] = nil // nothing is guessed
	if a.nothing {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	contentType := "text/plain; charset=utf-8"
	for _, h := range a.headers {
		text, ok := headerText(h.Value)
		if !ok || !validName.MatchString(h.Name) || strings.ContainsAny(text, "\r\n\x00") {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		switch strings.ToLower(h.Name) {
		case "content-type":
			if t, ok := withCharset(text); ok && a.body != nil {
				contentType = t
			}
		case "content-length", "transfer-encoding", "connection":
		default:
			to[h.Name] = append(to[h.Name], text)
		}
	}
	if a.status < 200 || a.status > 999 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if a.typed {
		to["Content-Type"] = []string{contentType}
	}
	if len(a.body) > 0 {
		to["Transfer-Encoding"] = []string{"chunked"}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller that has left, or a status without a body
}

// validName is a header's name as HTTP allows it.
var validName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// headerText is a header's value; objects, arrays and null have none.
func headerText(v any) (string, bool) {
	switch v.(type) {
	case nil, dictionary, array:
		return "", false
	}
	return scalarText(v), true
}

// withCharset appends the charset that the host adds to every type without one.
func withCharset(text string) (string, bool) {
	_, parameters, err := mime.ParseMediaType(text)
	if err != nil {
		return "", false
	}
	if _, ok := parameters["charset"]; !ok {
		text += "; charset=utf-8"
	}
	return text, true
}

// valueOf reads one JSON value as Newtonsoft does: dates are dates.
func valueOf(raw []byte) (any, error) {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	v, err := readValue(dec)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// indented writes a value as Newtonsoft's ToString does, by two blanks a level.
func indented(v any, depth int) []byte {
	gap := "\n" + strings.Repeat("  ", depth+1)
	end := "\n" + strings.Repeat("  ", depth)
	wrap := func(open, shut string, n int, item func(int) []byte) []byte {
		if n == 0 {
			return []byte(open + shut)
		}
		out := []byte(open)
		for i := range n {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(out, gap...), item(i)...)
		}
		return append(append(out, end...), shut...)
	}
	switch v := v.(type) {
	case dictionary:
		return wrap("{", "}", len(v), func(i int) []byte {
			return append(append(quoted(v[i].Name), ": "...), indented(v[i].Value, depth+1)...)
		})
	case array:
		return wrap("[", "]", len(v), func(i int) []byte { return indented(v[i], depth+1) })
	}
	return plain(v)
}
