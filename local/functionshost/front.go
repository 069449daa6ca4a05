package functionshost

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// serveHTTP opens the front end.
func (h *Host) serveHTTP() {
	h.server = &http.Server{Handler: http.HandlerFunc(h.front), ReadHeaderTimeout: 30 * time.Second, ConnContext: withFrontConn,
		DisableGeneralOptionsHandler: true}
	h.serving.Go(func() {
		if err := h.server.Serve(frontListener{h.listener}); err != nil && !errors.Is(err, http.ErrServerClosed) {
			h.log.host(errorLevel, "HTTP front end: "+err.Error())
		}
	})
}

// front finds the function by route, in the order of the functions' names; the first match wins and nothing is more
// specific than another.
func (h *Host) front(w http.ResponseWriter, r *http.Request) {
	head := headOf(r)
	w.Header().Set("Server", "Kestrel")
	path := r.URL.EscapedPath()
	switch {
	case foreignTarget(head):
		w.WriteHeader(http.StatusBadRequest)
		return
	case path == "/":
		h.homePage(w)
		return
	case strings.HasPrefix(strings.ToLower(path), "/admin/"):
		h.admin(w, r, head)
		return
	case h.Err() != nil:
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h.mu.Lock()
	job, fault := h.job, h.fault
	h.mu.Unlock()
	if fault != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	for _, f := range job.root.functions {
		if f.route == nil || f.fault != "" || !f.takes(r.Method) {
			continue
		}
		values, ok := f.route.match(path)
		if !ok {
			continue
		}
		key := job.keyOf(f, r, head)
		if f.disabled && key.level != levelAdmin { // the master key still opens it
			break
		}
		job.callHTTP(&httpCall{function: f, values: values, head: head, key: key}, w, r)
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

// homePage stands for the host's page of 150 kB that says that it runs.
func (h *Host) homePage(w http.ResponseWriter) {
	w.Header()["Content-Type"] = []string{"text/html"}
	_, _ = w.Write([]byte("<!doctype html><title>Crosswalk's Functions host</title><p>The Functions host is up and running.\n"))
}

// foreignTarget tells that the request line names another host than the Host header, which is a bad request (recorded).
func foreignTarget(head *requestHead) bool {
	if strings.HasPrefix(head.target, "/") {
		return false
	}
	u, err := url.Parse(head.target)
	if err != nil || !u.IsAbs() {
		return false
	}
	hosts := head.values("Host")
	return len(hosts) != 1 || !strings.EqualFold(hosts[0], u.Host)
}

// takes tells whether a method is among the trigger's; without a list every one is.
func (f *function) takes(method string) bool {
	if f.trigger.Methods == nil {
		return true
	}
	for _, m := range *f.trigger.Methods {
		if strings.EqualFold(m, method) {
			return true
		}
	}
	return false
}

// httpCall is a request that has found its function.
type httpCall struct {
	function *function
	values   []routeValue
	head     *requestHead
	key      keyInfo
}

func (h *jobHost) callHTTP(c *httpCall, w http.ResponseWriter, r *http.Request) {
	if !c.key.opens(c.function) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if !h.throttle.enter(r.Context()) {
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	defer h.throttle.leave()
	i := h.begin(c.function, "This function was programmatically called via the host APIs.")
	switch {
	case c.function.httpInAndOut() && h.root.config.proxying:
		h.proxy(i, c.head, w, r)
	case c.function.httpInAndOut() && h.root.config.forwarding:
		h.forward(i, c.head, w, r)
	default:
		h.callInEnvelope(i, c, w, r)
	}
}
