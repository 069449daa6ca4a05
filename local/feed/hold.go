package feed

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"crosswalk/local/azurite"
	"crosswalk/local/stack"
	"crosswalk/local/systems/traffic"
)

// Moment is a step around a flow's write of its target.
type Moment string

// The moments at which a [Hold] stops both flows.
const (
	WriteLost        Moment = "the write is sent and gets lost" // with a fault that cuts it
	WriteLate        Moment = "the write is sent and takes effect later"
	WriteUnanswered  Moment = "the write stands and is not answered"
	WriteUncommitted Moment = "the write is answered and not committed to the link"
	CommitUnanswered Moment = "the commit to the link is not answered"
	WriteThrottled   Moment = "429 is answered and the claim not released" // with a fault that answers it
)

// Moments returns all moments in the order in which a flow comes by.
func Moments() []Moment {
	return []Moment{WriteLost, WriteLate, WriteUnanswered, WriteThrottled, WriteUncommitted, CommitUnanswered}
}

// held are the pairs of the flows that a Hold stops.
var held = []string{"invoice", "customer-account"}

// Hold stops the flow of invoices and the flow of accounts at one moment, so that the handler can be killed exactly there.
// It takes the hooks of both systems, and stands between the handler and the link's table.
type Hold struct {
	proxy *http.Server

	mu      sync.Mutex
	moment  Moment
	done    map[string]string // by pair: how far this flow's write got, "sent" or "stands"
	stopped map[string]bool   // by pair
	reached chan struct{}     // closed when both are stopped
	release chan struct{}     // closed when they may go on
}

// NewHold returns a hold that stops nothing yet.
func NewHold(s *stack.Stack) *Hold {
	h := &Hold{}
	h.Arm("")
	for pair, system := range map[string]*traffic.Control{"invoice": s.Systems.Dataverse().Control, "customer-account": s.Systems.FnO().Control} {
		system.OnRequest(func(r *http.Request) {
			if traffic.Writes(r) {
				h.note(pair, "sent")
				h.at(WriteLost, pair)
			}
		})
		system.OnBeforeCommit(func(traffic.Write) { h.at(WriteLate, pair) })
		system.OnAfterCommit(func(traffic.Write) {
			h.note(pair, "stands")
			h.at(WriteUnanswered, pair)
		})
	}
	return h
}

// Arm makes both flows stop when they next come by the moment; "" lets them pass.
func (h *Hold) Arm(m Moment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moment, h.done, h.stopped = m, map[string]string{}, map[string]bool{}
	h.reached, h.release = make(chan struct{}), make(chan struct{})
}

// Reached returns a channel that closes when both flows have stopped.
func (h *Hold) Reached() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reached
}

// Release lets go of what stopped and stops nothing more. It is called once after each Arm.
func (h *Hold) Release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.moment = ""
	close(h.release)
}

// Close ends what stands between the handler and storage.
func (h *Hold) Close() {
	if h.proxy != nil {
		_ = h.proxy.Close()
	}
}

func (h *Hold) note(pair, what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done[pair] = what
}

// at stops the caller until the release, if this is the moment; each flow is stopped once. It says whether it was.
func (h *Hold) at(m Moment, pair string) bool {
	h.mu.Lock()
	if h.moment != m || h.stopped[pair] {
		h.mu.Unlock()
		return false
	}
	h.stopped[pair] = true
	if len(h.stopped) == len(held) {
		close(h.reached)
	}
	release := h.release
	h.mu.Unlock()
	<-release
	return true
}

// Storage returns a connection string by which the handler reaches storage through the hold.
func (h *Hold) Storage(a *azurite.Azurite) (string, error) {
	to, err := url.Parse(a.TableEndpoint())
	if err != nil {
		return "", err
	}
	tables := "http://" + to.Host
	if !strings.Contains(a.ConnectionString(), tables) {
		return "", fmt.Errorf("the connection string has another table endpoint")
	}
	to.Path = ""
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	quiet := log.New(io.Discard, "", 0) // a handler that is killed cuts its requests
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorLog: quiet,
		ModifyResponse: func(answer *http.Response) error {
			if pair, ok := answer.Request.Context().Value(committing{}).(string); ok {
				h.at(CommitUnanswered, pair)
			}
			return nil
		},
	}
	h.proxy = &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.serve(w, r, proxy) }),
		ReadHeaderTimeout: 30 * time.Second, ErrorLog: quiet,
	}
	go func() { _ = h.proxy.Serve(listener) }()
	return strings.ReplaceAll(a.ConnectionString(), tables, "http://"+listener.Addr().String()), nil
}

// committing is the context's key of the pair whose commit a request is.
type committing struct{}

func (h *Hold) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	body, err := io.ReadAll(r.Body) // only then does net/http notice that the handler is gone
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	pair, how := h.commits(r)
	switch {
	case how == "stands" && h.at(WriteUncommitted, pair), how == "sent" && h.at(WriteThrottled, pair):
		return // the handler was killed meanwhile: what it asked for never arrives
	case how == "stands":
		r = r.WithContext(context.WithValue(r.Context(), committing{}, pair))
	}
	next.ServeHTTP(w, r)
}

// commits returns the flow whose main row a request replaces, and how far that flow's write got.
func (h *Hold) commits(r *http.Request) (pair, how string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, pair := range held {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "PartitionKey='"+pair+":") && strings.Contains(r.URL.Path, "RowKey='m:") {
			return pair, h.done[pair]
		}
	}
	return "", ""
}
