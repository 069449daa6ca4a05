package customhandler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// MaxRequest is the largest invocation body the server reads, in bytes. A batch of 100 messages of 256 KB in base64 and
// its metadata stay well below it.
const MaxRequest = 128 << 20

// Server answers the invocations of the Functions host. An empty 2xx answer hangs the host until functionTimeout, so no
// handler writes answers itself: the server answers 200 with "{}" or 500 with a JSON object, and nothing else.
type Server struct {
	log     zerolog.Logger
	routes  map[string]route
	http    map[string]http.Handler
	names   []string
	reading *reading
}

// route is a function that the host calls.
type route struct {
	function string
	run      invoke
}

// invoke decodes an invocation, which releases it, and runs a function.
type invoke func(ctx context.Context, v *invocation) error

// NewServer returns a server without functions.
func NewServer(log zerolog.Logger) *Server {
	return &Server{log: log, routes: map[string]route{}, http: map[string]http.Handler{}, reading: newReading(runtime.GOMAXPROCS(0))}
}

// Single adds a function whose trigger delivers one message at a time. An error answers 500, which makes the host
// abandon the message; nil answers 200, which makes it complete the message.
func (s *Server) Single(function string, f func(context.Context, Message) error) {
	s.add(function, func(ctx context.Context, v *invocation) error {
		m, err := v.message()
		if err != nil {
			return err
		}
		return f(ctx, m)
	})
}

// Batch adds a function whose trigger delivers several messages ("cardinality": "many"). It settles them itself and is
// always answered 200, so that one bad message never fails its neighbours.
func (s *Server) Batch(function string, f func(context.Context, []Message)) {
	s.add(function, func(ctx context.Context, v *invocation) error {
		messages, err := v.messages()
		if err != nil {
			return err
		}
		f(ctx, messages)
		return nil
	})
}

// Timer adds a function that a schedule starts.
func (s *Server) Timer(function string, f func(context.Context) error) {
	s.add(function, func(ctx context.Context, v *invocation) error {
		if err := v.check(); err != nil {
			return err
		}
		return f(ctx)
	})
}

// HTTP adds a function with an HTTP trigger whose requests the host proxies or forwards unchanged. path is the public
// path, such as "/api/dataverse-webhook". The host matches routes without regard to letter case and to a slash at the end,
// and passes the path on as the caller wrote it, so the server is as lenient.
func (s *Server) HTTP(function, path string, h http.Handler) {
	s.names = append(s.names, function)
	s.http[loose(path)] = h
}

func loose(path string) string { return strings.ToLower(strings.TrimRight(path, "/")) }

// Functions returns the names of the functions in the order they were added.
func (s *Server) Functions() []string { return s.names }

func (s *Server) add(function string, f invoke) {
	s.names = append(s.names, function)
	s.routes["/"+function] = route{function, f}
}

// ServeHTTP answers one request of the host: an invocation, a proxied HTTP request, or the readiness probe GET /.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if to, ok := s.routes[r.URL.Path]; ok && r.Method == http.MethodPost {
		err := s.run(r.Context(), to, &call{id: r.Header.Get(invocationHeader), trace: r.Header.Get("Traceparent"), body: r.Body, length: r.ContentLength})
		if err != nil {
			writeJSON(w, http.StatusInternalServerError, failure)
			return
		}
		writeJSON(w, http.StatusOK, success)
		return
	}
	if h := s.http[loose(r.URL.Path)]; h != nil {
		h.ServeHTTP(w, r)
		return
	}
	if r.URL.Path == "/" {
		writeJSON(w, http.StatusOK, `{"status":"ready"}`)
		return
	}
	writeJSON(w, http.StatusNotFound, `{"error":"no such function"}`)
}

// The bodies of the answers to an invocation.
const (
	success = "{}"
	failure = `{"error":"failed; the handler's log has the reason under this invocation id"}`
)

// call is what the host sends with an invocation.
type call struct {
	id, trace string
	body      io.Reader
	length    int64 // of the body, -1 where it isn't known
}

// run runs a function and logs why it failed, where that isn't the function's own failure.
func (s *Server) run(ctx context.Context, to route, c *call) (err error) {
	failed := func() *zerolog.Event {
		return s.log.Error().Str("function", to.function).Str("invocation", c.id)
	}
	defer func() {
		if p := recover(); p != nil {
			err = errPanic
			failed().Str("panic", fmt.Sprintf("%T", p)).Msg("the function panicked")
		}
	}()
	v, err := s.reading.read(c.body, c.length)
	if err != nil {
		failed().Msg("the invocation could not be read to its end")
		return err
	}
	v.function, v.id = to.function, c.id
	if c.trace != "" {
		ctx = context.WithValue(ctx, traceParent{}, c.trace)
	}
	err = to.run(ctx, v)
	var shape *ShapeError
	if errors.As(err, &shape) {
		failed().Str("field", shape.Field).Msg("the host's invocation has an unexpected shape: " + shape.Problem)
	}
	return err
}

// traceParent is the key under which an invocation's context holds its trace header.
type traceParent struct{}

// TraceParent returns the W3C traceparent header that the host sent with the invocation, "" where it sent none. The host sends
// it where Application Insights or OpenTelemetry is configured (Functions host 4.1037).
func TraceParent(ctx context.Context) string {
	text, _ := ctx.Value(traceParent{}).(string)
	return text
}

var errPanic = errors.New("panic")

// invocationHeader is X-Azure-Functions-InvocationId as net/http keeps it, which saves a conversion per call.
const invocationHeader = "X-Azure-Functions-Invocationid"

// jsonType is shared by all answers, which net/http only reads.
var jsonType = []string{"application/json"}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the host is gone when this fails, and then nobody is left to tell
}

// Serve listens where the host expects the handler (FUNCTIONS_CUSTOMHANDLER_PORT, on IPv4 loopback) and serves until ctx
// ends or the host is gone. It always returns an error, because a handler that ends with exit code 0 is never restarted
// (Functions host 4.1037, seen).
func (s *Server) Serve(ctx context.Context, port string) error {
	if port == "" {
		return errors.New("FUNCTIONS_CUSTOMHANDLER_PORT is not set: the handler is started by the Functions host (locally by `crosswalk run`), not by hand")
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	return s.serve(ctx, l)
}

func (s *Server) serve(ctx context.Context, l net.Listener) error {
	// No write time-out: an invocation may last as long as functionTimeout. Idle connections outlive the host's pool.
	srv := &http.Server{Handler: s, ReadHeaderTimeout: headTimeout, IdleTimeout: idle}
	gone := make(chan error, 2)
	serving, end := context.WithCancel(ctx)
	defer end()
	go func() { gone <- srv.Serve(&directListener{Listener: l, server: s, ctx: serving}) }()
	go func() { gone <- waitForOrphan(ctx, os.Getppid()) }()
	err := <-gone
	_ = srv.Close()
	return err
}

// How long a request's head may take, and how long a connection without a call stays open: longer than the host's pool keeps it.
const (
	headTimeout = 30 * time.Second
	idle        = 10 * time.Minute
)

// ErrHostGone says that the process that started the handler has ended. The host leaves its handler behind when it is
// killed or when a call outlives its shutdown (Functions host 4.1037, seen), so the handler looks after itself.
var ErrHostGone = errors.New("the Functions host that started this handler has ended")

func waitForOrphan(ctx context.Context, parent int) error {
	t := time.NewTicker(500 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			if os.Getppid() != parent {
				return ErrHostGone
			}
		}
	}
}
