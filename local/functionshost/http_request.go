package functionshost

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// callInEnvelope calls an HTTP function in the host's own protocol: the request as an object, the answer from the output.
func (h *jobHost) callInEnvelope(i *invocation, c *httpCall, w http.ResponseWriter, r *http.Request) {
	var body []byte
	if r.ContentLength > 0 { // a body in chunks is lost (recorded)
		read, err := io.ReadAll(r.Body)
		if err != nil {
			h.finish(i, err)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		body = read
	}
	var answer *httpAnswer
	err := h.invoke(i, func() []byte { return h.requestEnvelope(c, r, body) }, func(o outcome) error {
		var err error
		answer, err = answerOf(c.function, o)
		return err
	})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	answer.write(w)
}

// requestEnvelope is the request of an HTTP call, byte for byte as recorded.
func (h *jobHost) requestEnvelope(c *httpCall, r *http.Request, body []byte) []byte {
	f := c.function
	query := queryOf(r.URL.RawQuery)
	headers, flat := dictionary{}, dictionary{}
	for _, v := range requestOrder.arrange(c.head.lines) {
		values := array{}
		for _, value := range v.Values {
			values = append(values, value)
		}
		headers = append(headers, pair{v.Name, values})
		flat = append(flat, pair{v.Name, strings.Join(v.Values, ",")})
	}
	joined, last := dictionary{}, dictionary{}
	for _, q := range query {
		joined = append(joined, pair{q.Name, strings.Join(q.Values, ",")})
		last = append(last, pair{q.Name, q.Values[len(q.Values)-1]})
	}
	parameters := dictionary{}
	for _, v := range c.values {
		if v.Absent {
			parameters = append(parameters, pair{v.Name, nil})
			continue
		}
		parameters = append(parameters, pair{v.Name, v.Value})
	}
	request := dictionary{{"Url", "http://" + r.Host + r.URL.RequestURI()}, {"Method", r.Method}, {"Query", joined},
		{"Headers", headers}, {"Params", parameters}, {"Identities", array{c.key.identity()}}}
	metadata := &bindingData{}
	if body != nil {
		request = append(request, pair{"Body", bodyText(r.Header.Get("Content-Type"), body)})
		metadata.pollute(textOf(body))
	}
	for _, q := range last {
		if !strings.EqualFold(q.Name, keyQuery) {
			metadata.set(q.Name, q.Value)
		}
	}
	for _, v := range c.values {
		if !v.Absent {
			metadata.set(v.Name, v.Value)
		}
	}
	metadata.setIfAbsent("Query", last)
	metadata.setIfAbsent("Headers", flat)
	metadata.setSys(f.name, h.options.Now())
	return envelope(f.trigger.Name, encode(request), metadata)
}

// queryOf reads a query in its order; the values of a repeated name come together, whatever its case.
func queryOf(raw string) []headerValues {
	var lines []header
	for part := range strings.SplitSeq(raw, "&") {
		if part != "" {
			name, value, _ := strings.Cut(part, "=")
			lines = append(lines, header{unescape(name), unescape(value)})
		}
	}
	return headerOrder{}.arrange(lines)
}

func unescape(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// textOf is a body as UTF-8 text, lossy, without a byte order mark.
func textOf(body []byte) string {
	return netText(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
}

// bodyText is the body as text, or as base64 for bytes and forms of parts.
func bodyText(contentType string, body []byte) string {
	lower := strings.ToLower(contentType)
	if strings.HasPrefix(lower, "application/octet-stream") || strings.HasPrefix(lower, "multipart/") {
		return base64.StdEncoding.EncodeToString(body)
	}
	return textOf(body)
}
