package functionshost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"
)

// verdict is what the host makes of an answer to an invocation.
type verdict int

const (
	succeeds verdict = iota
	fails
	hangs // until functionTimeout; then the handler is killed
)

// outcome is the handler's answer, understood.
type outcome struct {
	verdict verdict
	err     error // why it fails, or what makes it hang
	logs    []string
	outputs map[string]json.RawMessage
	value   json.RawMessage // ReturnValue
}

func failure(format string, args ...any) outcome {
	return outcome{verdict: fails, err: fmt.Errorf(format, args...)}
}

// judge reads an answer by the host's rules (Functions host 4.1037, recorded): only 2xx with application/json or
// text/json and a JSON object succeeds; a 2xx with nothing in it, or null, never ends.
func judge(r reply) outcome {
	if r.Status < 200 || r.Status > 299 {
		return outcome{verdict: fails, err: statusError(r.Status)}
	}
	if len(r.Body) == 0 {
		return outcome{verdict: hangs, err: fmt.Errorf("status %d with an empty body", r.Status)}
	}
	if err := checkMediaType(r.Header.Get("Content-Type")); err != nil {
		return outcome{verdict: fails, err: err}
	}
	body := bytes.TrimPrefix(r.Body, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(body) {
		return failure("the answer isn't UTF-8")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return outcome{verdict: hangs, err: fmt.Errorf("status %d with nothing but blanks", r.Status)}
	}
	var first json.RawMessage // what follows the first value is ignored
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&first); err != nil {
		return failure("the answer isn't JSON: %w", err)
	}
	if string(first) == "null" {
		return outcome{verdict: hangs, err: fmt.Errorf("status %d with null", r.Status)}
	}
	return readEnvelope(first)
}

func checkMediaType(text string) error {
	if text == "" {
		//lint:ignore ST1005 the host's own words
		return errors.New("No MediaTypeFormatter is available to read an object of type 'HttpScriptInvocationResult' from content with media type 'application/octet-stream'.")
	}
	media, parameters, err := mime.ParseMediaType(text)
	if media != "application/json" && media != "text/json" || err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		//lint:ignore ST1005 the host's own words
		return fmt.Errorf("No MediaTypeFormatter is available to read an object of type 'HttpScriptInvocationResult' from content with media type '%s'.", media)
	}
	if charset := strings.ToLower(parameters["charset"]); strings.HasPrefix(charset, "utf-16") || strings.HasPrefix(charset, "unicode") {
		return fmt.Errorf("the answer isn't readable as %s", charset)
	}
	return nil
}

// readEnvelope reads {"Outputs":{},"Logs":[],"ReturnValue":…}; names ignore case, unknown ones are ignored.
func readEnvelope(data json.RawMessage) outcome {
	var e struct {
		Outputs     map[string]json.RawMessage
		Logs        []json.RawMessage
		ReturnValue json.RawMessage
	}
	if data[0] != '{' {
		return failure("the answer is no JSON object")
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return failure("the answer isn't {\"Outputs\":{},\"Logs\":[],\"ReturnValue\":null}: %w", err)
	}
	out := outcome{outputs: e.Outputs, value: e.ReturnValue}
	for _, raw := range e.Logs {
		switch raw[0] {
		case '{', '[':
			return failure("Logs holds something that is no string")
		case '"':
			var s string
			_ = json.Unmarshal(raw, &s) // valid JSON already
			out.logs = append(out.logs, s)
		case 'n':
		default:
			out.logs = append(out.logs, string(raw))
		}
	}
	return out
}
