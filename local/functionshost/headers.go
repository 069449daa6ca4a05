package functionshost

import "strings"

// The host's web server keeps the headers it knows in an order of its own and the others behind them in the order of the
// wire; so they come to the handler, and so the answer's headers go out (Kestrel of ASP.NET Core 8, as recorded).
var (
	requestOrder = orderOf("Accept", "Connection", "Host", "User-Agent",
		"Accept-Charset", "Accept-Encoding", "Accept-Language", "Access-Control-Request-Headers", "Access-Control-Request-Method", "Alt-Used",
		"Authorization", "baggage", "Cache-Control", "Content-Type", "Cookie", "Correlation-Context", "Date", "Expect", "From",
		"grpc-accept-encoding", "grpc-encoding", "grpc-timeout", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
		"If-Unmodified-Since", "Keep-Alive", "Max-Forwards", "Origin", "Pragma", "Proxy-Authorization", "Range", "Referer", "Request-Id", "TE",
		"traceparent", "tracestate", "Transfer-Encoding", "Translate", "Upgrade", "Upgrade-Insecure-Requests", "Via", "Warning", "Content-Length")
	responseOrder = orderOf("Content-Length", "Connection", "Content-Type", "Date", "Server",
		"Accept-Ranges", "Access-Control-Allow-Credentials", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods",
		"Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Max-Age", "Age", "Allow", "Alt-Svc", "Cache-Control",
		"Content-Encoding", "Content-Language", "Content-Location", "Content-MD5", "Content-Range", "ETag", "Expires", "grpc-encoding",
		"Keep-Alive", "Last-Modified", "Location", "Pragma", "Proxy-Authenticate", "Proxy-Connection", "Retry-After", "Set-Cookie", "Trailer",
		"Transfer-Encoding", "Upgrade", "Vary", "Via", "Warning", "WWW-Authenticate")
)

// headerOrder gives a known header's place and spelling by its name in lower case.
type headerOrder struct {
	place map[string]int
	names []string
}

func orderOf(names ...string) headerOrder {
	o := headerOrder{place: map[string]int{}, names: names}
	for i, name := range names {
		o.place[strings.ToLower(name)] = i
	}
	return o
}

// headerValues is one header with all its values in the order of the wire.
type headerValues struct {
	Name   string
	Values []string
}

// arrange groups lines by header and puts them in order. A known header gets its known spelling, another one keeps that
// of its first line.
func (o headerOrder) arrange(lines []header) []headerValues {
	known := make([]*headerValues, len(o.names))
	others := map[string]*headerValues{}
	var order []*headerValues
	for _, l := range lines {
		key := strings.ToLower(l.Name)
		if i, ok := o.place[key]; ok {
			if known[i] == nil {
				known[i] = &headerValues{Name: o.names[i]}
			}
			known[i].Values = append(known[i].Values, l.Value)
			continue
		}
		if others[key] == nil {
			others[key] = &headerValues{Name: l.Name}
			order = append(order, others[key])
		}
		others[key].Values = append(others[key].Values, l.Value)
	}
	var out []headerValues
	for _, v := range append(known, order...) {
		if v != nil {
			out = append(out, *v)
		}
	}
	return out
}

// requestHead is a caller's request line and headers as they came.
type requestHead struct {
	target string // of the request line
	lines  []header
}

// parseHead reads a request's or an answer's head, the empty line included.
func parseHead(text string) (first string, lines []header) {
	first, rest, _ := strings.Cut(text, "\n")
	for line := range strings.Lines(rest) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			lines = append(lines, header{name, strings.TrimSpace(value)})
		}
	}
	return strings.TrimRight(first, "\r"), lines
}

// values gives all values of a header, whatever the case of its name.
func (h *requestHead) values(name string) []string {
	var out []string
	for _, l := range h.lines {
		if strings.EqualFold(l.Name, name) {
			out = append(out, l.Value)
		}
	}
	return out
}
