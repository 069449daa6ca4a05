package functionshost

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// callInEnvelope calls an HTTP function in the host's own protocol: the request as an object, the answer from the output.
func (h *Host) callInEnvelope(i *invocation, values []routeValue, w http.ResponseWriter, r *http.Request) {
	var body []byte
	if r.ContentLength > 0 { // a body in chunks is lost (recorded)
		read, err := io.ReadAll(r.Body)
		if err != nil {
			h.finish(i, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body = bytes.TrimPrefix(read, []byte("\xef\xbb\xbf"))
	}
	result, err := h.invoke(i, func() []byte { return h.requestEnvelope(i.function, values, r, body) })
	if err == nil {
		err = writeOutput(i.function, result, w)
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (h *Host) requestEnvelope(f *function, values []routeValue, r *http.Request, body []byte) []byte {
	query := queryOf(r.URL.RawQuery)
	headers, flat := dictionary{}, dictionary{}
	for _, name := range headerNames(r.Header) {
		headers = append(headers, pair{name, array{strings.Join(r.Header[name], ",")}})
		flat = append(flat, pair{name, strings.Join(r.Header[name], ",")})
	}
	headers = append(headers, pair{"Host", array{r.Host}})
	flat = append(flat, pair{"Host", r.Host})
	parameters := dictionary{}
	for _, v := range values {
		if v.Absent {
			parameters = append(parameters, pair{v.Name, nil})
			continue
		}
		parameters = append(parameters, pair{v.Name, v.Value})
	}
	request := dictionary{{"Url", "http://" + r.Host + r.URL.RequestURI()}, {"Method", r.Method}, {"Query", query},
		{"Headers", headers}, {"Params", parameters}, {"Identities", array{anonymousIdentity}}}
	metadata := &bindingData{}
	if body != nil {
		text := bodyText(r.Header.Get("Content-Type"), body)
		request = append(request, pair{"Body", text})
		metadata.pollute(text)
	}
	for _, q := range query {
		if !strings.EqualFold(q.Name, keyQuery) {
			metadata.set(q.Name, q.Value)
		}
	}
	for _, v := range values {
		if !v.Absent {
			metadata.set(v.Name, v.Value)
		}
	}
	metadata.set("Query", query)
	metadata.set("Headers", flat)
	metadata.setSys(f.name, h.options.Now())
	return envelope(f.trigger.Name, encode(request), metadata)
}

var anonymousIdentity = dictionary{{"AuthenticationType", nil}, {"IsAuthenticated", false}, {"Actor", nil}, {"BootstrapContext", nil},
	{"Claims", array{}}, {"Label", nil}, {"Name", nil},
	{"NameClaimType", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"},
	{"RoleClaimType", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}}

// headerNames lists the headers; net/http has lost their order, so they come by name.
func headerNames(h http.Header) []string {
	var names []string
	for name := range h {
		names = append(names, name)
	}
	sortFold(names)
	return names
}

// queryOf reads a query in its order; values of a repeated name are joined with commas.
func queryOf(raw string) dictionary {
	out := dictionary{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		name, value = unescape(name), unescape(value)
		at := -1
		for i, p := range out {
			if strings.EqualFold(p.Name, name) {
				at = i
			}
		}
		if at < 0 {
			out = append(out, pair{name, value})
			continue
		}
		out[at].Value = out[at].Value.(string) + "," + value
	}
	return out
}

func unescape(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// bodyText is the raw text, or base64 for bytes; any other type is read as UTF-8, lossy.
func bodyText(contentType string, body []byte) string {
	lower := strings.ToLower(contentType)
	if strings.HasPrefix(lower, "application/octet-stream") || strings.HasPrefix(lower, "multipart/") {
		return base64.StdEncoding.EncodeToString(body)
	}
	return string([]rune(string(body)))
}

var errNoResponseObject = errors.New("the http output is neither an object nor a string that holds one")

// writeOutput answers the caller from the http output (recorded): statusCode and headers as given, a string body as it
// is, anything else as JSON; an answer without Outputs gives 204.
func writeOutput(f *function, o outcome, w http.ResponseWriter) error {
	name := ""
	for _, b := range f.outputs {
		if b.Type == "http" {
			name = b.Name
		}
	}
	raw, ok := o.outputs[name]
	if name == "$return" {
		raw, ok = o.value, len(o.value) > 0 && string(o.value) != "null"
	}
	if !ok && o.outputs != nil && name != "" && name != "$return" {
		// Outputs without this one: the caller sees {}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, err := io.WriteString(w, "{}")
		return ignoreGone(err)
	}
	if !ok || name == "" {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	var response struct {
		StatusCode json.RawMessage
		Headers    map[string]string
		Body       json.RawMessage
	}
	if len(raw) == 0 || bytes.TrimSpace(raw)[0] != '{' || json.Unmarshal(raw, &response) != nil {
		return errNoResponseObject
	}
	for name, value := range response.Headers {
		w.Header().Set(name, value)
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	status, err := strconv.Atoi(strings.Trim(string(response.StatusCode), `"`))
	if err != nil || status < 200 || status > 599 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	if json.Unmarshal(response.Body, &text) == nil && len(response.Body) > 0 && response.Body[0] == '"' {
		_, err = io.WriteString(w, text)
		return ignoreGone(err)
	}
	if len(response.Body) > 0 && string(response.Body) != "null" {
		_, err = w.Write(response.Body)
	}
	return ignoreGone(err)
}

// ignoreGone drops the error of a caller that has left: the call itself went well.
func ignoreGone(error) error { return nil }

func sortFold(names []string) {
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) })
}
