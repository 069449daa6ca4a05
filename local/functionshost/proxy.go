package functionshost

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// inactivity ends a proxied call in which no byte has moved for so long (documented for the host's proxy).
const inactivity = 240 * time.Second

// proxy streams the request to the handler and the answer back: original path and query, any status is a success; only
// a broken connection fails the call. The host the recordings come from doesn't know proxying: what its source of 2026
// and the documentation of its forwarder (YARP) say is built here, 500 for a broken call and the headers among it.
func (h *jobHost) proxy(i *invocation, head *requestHead, w http.ResponseWriter, r *http.Request) {
	watch := newWatch(w, r)
	defer watch.stop()
	broken := h.toHandler(i, head, watch.request, watch)
	if r.Context().Err() != nil {
		broken = nil // the caller left: no failure of the function
	}
	h.finish(i, broken)
}

// toHandler passes a request on. It returns what broke the exchange, nil whatever the status.
func (h *jobHost) toHandler(i *invocation, head *requestHead, r *http.Request, w http.ResponseWriter) (broken error) {
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
	h.reverseProxy(i, head, w, r, func(err error) {
		p.notice()
		broken = err
		if limit.Err() != nil {
			broken = context.Cause(limit)
		}
	}).ServeHTTP(w, r.WithContext(ctx))
	return broken
}

// cutAt ends an exchange at functionTimeout and lets the handler be killed, unless it is the host that ends.
func (h *jobHost) cutAt(limit context.Context, end context.CancelCauseFunc, p *process) {
	end(context.Cause(limit))
	if h.life.Err() == nil {
		h.running.Go(func() { h.expireLater(p) })
	}
}

func (h *jobHost) reverseProxy(i *invocation, head *requestHead, w http.ResponseWriter, r *http.Request, broke func(error)) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL = &url.URL{Scheme: "http", Host: h.wire.address, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
			pr.Out.Host = h.wire.address
			pr.Out.Header["X-Azure-Functions-HostVersion"] = []string{HostVersion} // spelt as the host spells it
			pr.Out.Header["X-Azure-Functions-InvocationId"] = []string{i.id.String()}
			pr.Out.Header["x-ms-invocation-id"] = []string{i.id.String()}
			pr.SetXForwarded() // YARP's default: the caller's own are replaced
		},
		Transport:     newTransport(proxiedOrder(head)),
		FlushInterval: -1,
		ModifyResponse: func(answer *http.Response) error {
			if len(answer.Header["Server"]) > 0 {
				w.Header().Del("Server") // the web server adds its own only where there is none
			}
			return nil
		},
		ErrorLog: log.New(&lines{on: func(text string) { h.log.host(warning, text) }}, "", 0),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			broke(err)
			w.WriteHeader(http.StatusInternalServerError)
		},
	}
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
