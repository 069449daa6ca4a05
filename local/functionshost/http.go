package functionshost

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// inactivity ends a proxied call in which no byte has moved for so long (documented for the host's proxy).
const inactivity = 240 * time.Second

// serveHTTP opens the front end.
func (h *Host) serveHTTP() {
	h.server = &http.Server{Handler: http.HandlerFunc(h.front), ReadHeaderTimeout: 30 * time.Second}
	h.running.Go(func() {
		if err := h.server.Serve(h.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			h.log.host(errorLevel, "HTTP front end: "+err.Error())
		}
	})
}

// front finds the function by route, in the order of the functions' names; the first match wins and nothing is more
// specific than another.
func (h *Host) front(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "Kestrel")
	path := r.URL.EscapedPath()
	if path == "/" || strings.EqualFold(path, "/admin/host/ping") {
		w.WriteHeader(http.StatusOK)
		return
	}
	if h.Err() != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	for _, f := range h.root.functions {
		if f.route == nil || f.fault != "" || f.disabled || !f.takes(r.Method) {
			continue
		}
		values, ok := f.route.match(path)
		if !ok {
			continue
		}
		h.callHTTP(f, values, w, r)
		return
	}
	w.WriteHeader(http.StatusNotFound)
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

func (h *Host) callHTTP(f *function, values []routeValue, w http.ResponseWriter, r *http.Request) {
	if !h.authorized(f, r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	i := h.begin(f, "This function was programmatically called via the host APIs.")
	switch {
	case f.httpInAndOut() && h.root.config.proxying:
		h.proxy(i, w, r)
	case f.httpInAndOut() && h.root.config.forwarding:
		h.forward(i, w, r)
	default:
		h.callInEnvelope(i, values, w, r)
	}
}

// proxy streams the request to the handler and the answer back: original path and query, any status is a success; only
// a broken connection fails the call. That the caller gets 500 then is UNCONFIRMED: the host the recordings come from
// doesn't know proxying.
func (h *Host) proxy(i *invocation, w http.ResponseWriter, r *http.Request) {
	watch := newWatch(w, r)
	defer watch.stop()
	broken := h.toHandler(i, watch.request, watch, func(out *http.Request) {
		out.Header["x-ms-invocation-id"] = []string{i.id.String()}
	})
	h.finish(i, broken)
}

// forward sends a copy of the request: the body is read whole first, and a body in chunks is refused with 500 without
// asking the handler (recorded).
func (h *Host) forward(i *invocation, w http.ResponseWriter, r *http.Request) {
	if r.ContentLength < 0 {
		w.WriteHeader(http.StatusInternalServerError)
		h.finish(i, errors.New("forwarding loses a chunked body: on Azure the caller gets 500 and the handler isn't called; switch on enableProxyingHttpRequest too"))
		return
	}
	broken := h.toHandler(i, r, w, func(out *http.Request) {
		out.Host = r.Host
		out.Header.Set("User-Agent", strings.TrimSpace(r.UserAgent()+" Azure-Functions-Host/"+HostVersion))
	})
	h.finish(i, broken)
}

// toHandler passes a request on; more changes it last. It returns what broke the exchange, nil whatever the status.
func (h *Host) toHandler(i *invocation, r *http.Request, w http.ResponseWriter, more func(*http.Request)) (broken error) {
	limit, cancel := h.limit(i)
	defer cancel()
	if err := h.worker.await(limit); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return err
	}
	p := h.worker.current()
	ctx, end := context.WithCancelCause(r.Context())
	defer end(nil)
	stop := context.AfterFunc(limit, func() { h.cutAt(limit, end, p) })
	defer stop()
	defer func() {
		if recover() != nil { // the answer broke off in the middle
			broken = errors.New("the connection broke in the middle of the answer")
			h.finish(i, broken)
			panic(http.ErrAbortHandler) // the server cuts the caller's connection, as the host does
		}
	}()
	h.reverseProxy(i, r, more, func(err error) {
		p.notice()
		broken = err
		if limit.Err() != nil {
			broken = context.Cause(limit)
		}
	}).ServeHTTP(w, r.WithContext(ctx))
	return broken
}

// cutAt ends an exchange at functionTimeout and lets the handler be killed, unless it is the host that ends.
func (h *Host) cutAt(limit context.Context, end context.CancelCauseFunc, p *process) {
	end(context.Cause(limit))
	if h.life.Err() == nil {
		h.running.Go(func() { h.expireLater(p) })
	}
}

func (h *Host) reverseProxy(i *invocation, r *http.Request, more func(*http.Request), broke func(error)) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL = &url.URL{Scheme: "http", Host: h.wire.address, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
			pr.Out.Host = h.wire.address
			pr.Out.Header["X-Azure-Functions-HostVersion"] = []string{HostVersion} // spelt as the host spells it
			pr.Out.Header["X-Azure-Functions-InvocationId"] = []string{i.id.String()}
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if values, ok := r.Header[name]; ok {
					pr.Out.Header[name] = values
				}
			}
			more(pr.Out)
		},
		Transport:     h.transport(),
		FlushInterval: -1,
		ErrorLog:      log.New(&lines{on: func(text string) { h.log.host(warning, text) }}, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			broke(err)
			w.WriteHeader(http.StatusInternalServerError)
		},
	}
}

// transport is the client side of forwarding and proxying: no connection is shared with the next call, so that none is
// closed under a POST, and nothing is decompressed or followed.
func (h *Host) transport() http.RoundTripper {
	return &http.Transport{DisableCompression: true, DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: 30 * time.Second}).DialContext}
}

// watch ends a proxied call after 240 s in which no byte has moved either way.
type watch struct {
	http.ResponseWriter
	request *http.Request
	timer   *time.Timer
	cancel  context.CancelCauseFunc
}

func newWatch(w http.ResponseWriter, r *http.Request) *watch {
	ctx, cancel := context.WithCancelCause(r.Context())
	x := &watch{ResponseWriter: w, cancel: cancel}
	x.timer = time.AfterFunc(inactivity, func() { cancel(errors.New("no byte has moved for 240 s: the host's proxy ends such a call")) })
	x.request = r.WithContext(ctx)
	if r.Body != nil && r.Body != http.NoBody {
		x.request.Body = &watchedBody{r.Body, x}
	}
	return x
}

func (x *watch) moved() { x.timer.Reset(inactivity) }

func (x *watch) stop() {
	x.timer.Stop()
	x.cancel(nil)
}

func (x *watch) Write(p []byte) (int, error) {
	x.moved()
	return x.ResponseWriter.Write(p)
}

// Unwrap lets the server's own features, flushing above all, be found.
func (x *watch) Unwrap() http.ResponseWriter { return x.ResponseWriter }

type watchedBody struct {
	io.ReadCloser
	watch *watch
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.watch.moved()
	return b.ReadCloser.Read(p)
}
