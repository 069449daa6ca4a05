package functionshost

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strings"
)

// maxForwardTries is how often a request without a body is sent when the handler cuts the connection before it answers.
const maxForwardTries = 4

// contentHeaders belong to a body; of the caller's, only Content-Length and Content-Type are forwarded (recorded).
var contentHeaders = map[string]bool{"allow": true, "content-disposition": true, "content-encoding": true, "content-language": true,
	"content-length": true, "content-location": true, "content-md5": true, "content-range": true, "content-type": true, "expires": true,
	"last-modified": true, "transfer-encoding": true}

// forward sends a copy of the request and passes the whole answer back; any status is a success. A body in chunks or an
// invalid Content-Type is refused with 500 without asking the handler (Functions host 4.1037, recorded).
func (h *jobHost) forward(i *invocation, head *requestHead, w http.ResponseWriter, r *http.Request) {
	answer, err := h.forwarded(i, head, r)
	h.finish(i, err)
	to := w.Header()
	to["Content-Type"] = nil
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	for _, name := range []string{"Connection", "Transfer-Encoding", "Keep-Alive"} {
		answer.Header.Del(name)
	}
	maps.Copy(to, answer.Header)
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body) // a caller that has left, or a status without a body
}

func (h *jobHost) forwarded(i *invocation, head *requestHead, r *http.Request) (reply, error) {
	if r.ContentLength < 0 {
		return reply{}, errors.New("forwarding loses a chunked body: on Azure the caller gets 500 and the handler isn't called; switch on enableProxyingHttpRequest too")
	}
	if t := r.Header.Get("Content-Type"); t != "" && r.ContentLength > 0 {
		if _, _, err := mime.ParseMediaType(t); err != nil {
			return reply{}, fmt.Errorf("the Content-Type can't be forwarded: %w", err)
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return reply{}, err
	}
	raw := h.forwardedBytes(i, head, r, body)
	var answer reply
	_, err = h.withTimeout(i, func(c call) (outcome, error) {
		tries := 1
		if len(body) == 0 {
			tries = maxForwardTries
		}
		var err error
		for range tries {
			if answer, err = h.wire.exchange(h.life, r.Method, raw); err == nil || !errors.Is(err, errNoAnswer) {
				break
			}
		}
		if err != nil {
			c.process.notice()
		}
		return outcome{}, err
	})
	return answer, err
}

// forwardedBytes writes the request as the host's client does: the caller's headers in the web server's order, its Host
// and User-Agent, then the host's own and those of the body.
func (h *jobHost) forwardedBytes(i *invocation, head *requestHead, r *http.Request, body []byte) []byte {
	const agent = "Azure-Functions-Host/" + HostVersion
	var b bytes.Buffer
	target := r.URL.RequestURI()
	if h.root.config.legacy {
		target = "/" + i.function.name
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, target)
	named := false
	for _, v := range requestOrder.arrange(head.lines) {
		if contentHeaders[strings.ToLower(v.Name)] {
			continue
		}
		value := strings.Join(v.Values, ", ")
		switch v.Name {
		case "User-Agent":
			value, named = strings.Join(v.Values, " ")+" "+agent, true
		case "Cookie":
			value = strings.Join(v.Values, "; ")
		}
		fmt.Fprintf(&b, "%s: %s\r\n", v.Name, value)
	}
	for _, own := range i.headers()[:2] {
		fmt.Fprintf(&b, "%s: %s\r\n", own.Name, own.Value)
	}
	if !named {
		fmt.Fprintf(&b, "User-Agent: %s\r\n", agent)
	}
	if len(body) > 0 || mustSayLength(r.Method) {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	if t := r.Header.Get("Content-Type"); t != "" && len(body) > 0 {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", t)
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

// mustSayLength tells the methods for which the host's client writes "Content-Length: 0".
func mustSayLength(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodDelete, http.MethodConnect:
		return false
	}
	return true
}
