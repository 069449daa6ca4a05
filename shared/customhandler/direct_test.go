package customhandler

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// hostHead is an invocation's head as the host writes it (Functions host 4.1037, recorded).
const hostHead = "POST /one HTTP/1.1\r\nHost: 127.0.0.1:44733\r\nX-Azure-Functions-HostVersion: 4.1037.0.0\r\n" +
	"X-Azure-Functions-InvocationId: ccf2dc7f-1a32-4fe9-9127-7b0dec500539\r\nUser-Agent: Azure-Functions-Host/4.1037.0.0\r\n" +
	"Transfer-Encoding: chunked\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"

// chunked writes a body in chunks of about 1 kB, as the host does.
func chunked(body string) string {
	var b strings.Builder
	for piece := range slices.Chunk([]byte(body), 1000) {
		fmt.Fprintf(&b, "%X\r\n%s\r\n", len(piece), piece)
	}
	return b.String() + "0\r\n\r\n"
}

// conversation is what a connection brought about.
type conversation struct {
	calls   []string
	answers string
	direct  bool // net/http saw no request
}

var date = regexp.MustCompile(`(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$`)

// converse sends what a client sends before it closes its side, and returns what comes of it.
func converse(t testing.TB, sent string, direct bool) conversation {
	t.Helper()
	var mu sync.Mutex
	var out conversation
	s := NewServer(zerolog.Nop())
	s.Single("one", func(ctx context.Context, m Message) error {
		mu.Lock()
		defer mu.Unlock()
		out.calls = append(out.calls, fmt.Sprintf("%s %s %q %s", m.Function, m.Invocation, TraceParent(ctx), m.Body))
		switch string(m.Body) {
		case "fail":
			return errors.New("no")
		case "panic":
			panic("no")
		}
		return nil
	})
	s.HTTP("hook", "/api/hook", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %v", r.Method, body, err)
	}))
	c := &recordedConn{Reader: strings.NewReader(sent), closed: make(chan struct{})}
	p := &pipes{conns: make(chan net.Conn, 1), ended: make(chan struct{})}
	p.conns <- c
	var l net.Listener = p
	if direct {
		l = &directListener{Listener: l, server: s, ctx: t.Context()}
	}
	var seen atomic.Bool
	srv := &http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0), ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateActive {
			seen.Store(true)
		}
	}}
	go srv.Serve(l)
	<-c.closed
	_ = srv.Close()
	mu.Lock()
	defer mu.Unlock()
	out.answers, out.direct = date.ReplaceAllString(c.answers.String(), "Date: then\r"), !seen.Load()
	return out
}

// recordedConn is a connection to a client that has sent all it wants to send and closed its side.
type recordedConn struct {
	io.Reader
	answers bytes.Buffer
	closed  chan struct{}
	once    sync.Once
}

func (c *recordedConn) Write(p []byte) (int, error)      { return c.answers.Write(p) }
func (c *recordedConn) Close() error                     { c.once.Do(func() { close(c.closed) }); return nil }
func (c *recordedConn) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (c *recordedConn) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (c *recordedConn) SetDeadline(time.Time) error      { return nil }
func (c *recordedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *recordedConn) SetWriteDeadline(time.Time) error { return nil }

func invocationOf(body string) string {
	return strings.Replace(`{"Data":{"in":""},"Metadata":{"LockToken":"6e0f0c3e-0d5b-4b5e-9c51-0f3c3b0c1a11","DeliveryCount":"1","SequenceNumber":"42","EnqueuedTimeUtc":"2026-11-23T06:47:22"}}`,
		`"in":""`, `"in":"`+base64.StdEncoding.EncodeToString([]byte(body))+`"`, 1)
}

// The host can't tell who answers: what a connection brings about is the same, byte for byte, with net/http alone.
func TestADirectAnswerIsThatOfNetHTTP(t *testing.T) {
	good := hostHead + chunked(invocationOf("order"))
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, c := range []struct {
		name, sent string
		direct     bool
	}{
		{"an invocation", good, true},
		{"a large one", hostHead + chunked(invocationOf(strings.Repeat("x", 300_000))), true},
		{"several", good + good + hostHead + chunked(invocationOf("last")), true},
		{"one that fails", hostHead + chunked(invocationOf("fail")) + good, true},
		{"one that panics", hostHead + chunked(invocationOf("panic")) + good, true},
		{"one of the wrong shape", hostHead + chunked(`{"Data":7}`) + good, true},
		{"one without a body", hostHead + "0\r\n\r\n" + good, true},
		{"a traced one", with("Content-Type", "traceparent: 00-1-2-01\r\ntracestate: a=1\r\nContent-Type"), true},
		{"chunks with extensions", hostHead + "2;a=b\r\n{}\r\n0\r\n\r\n" + good, true},
		{"nothing", "", true},
		{"a chunk without a size", hostHead + "x\r\n{}\r\n0\r\n\r\n" + good, true},
		{"a chunk longer than its size", hostHead + "1\r\n{}\r\n0\r\n\r\n" + good, true},
		{"a body that breaks off", hostHead + "2\r\n{", true},
		{"a chunk too large to count", hostHead + "fffffffffffffffff\r\n{}\r\n0\r\n\r\n" + good, true},

		{"a probe", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false},
		{"a probe, then an invocation", "GET / HTTP/1.1\r\nHost: a\r\n\r\n" + good, false},
		{"a webhook between invocations", good + "POST /api/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + good, false},
		{"a long webhook", "POST /api/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n" + strings.Repeat("abc", 30_000) + good, false},
		{"an unknown function", with("/one", "/two"), false},
		{"a query", with("/one", "/one?a=b"), false},
		{"a path that needs decoding", with("/one", "/%6fne"), false},
		{"another method", with("POST", "PUT"), false},
		{"a length", strings.Replace(hostHead, "Transfer-Encoding: chunked", "Content-Length: 2", 1) + "{}" + good, false},
		{"a length and chunks", with("Transfer-Encoding", "Content-Length: 2\r\nTransfer-Encoding"), false},
		{"chunks twice", with("Transfer-Encoding", "Transfer-Encoding: chunked\r\nTransfer-Encoding"), false},
		{"another encoding", with("chunked", "gzip, chunked"), false},
		{"HTTP/1.0", with("HTTP/1.1", "HTTP/1.0"), false},
		{"a version that isn't", with("HTTP/1.1", "HTTP/1.9"), false},
		{"an expectation", with("Content-Type", "Expect: 100-continue\r\nContent-Type"), false},
		{"the last request", with("Content-Type", "Connection: close\r\nContent-Type") + good, false},
		{"a host with a space", with("44733", "4 4733"), false},
		{"a host with a slash", with("44733", "4/4733"), false},
		{"no host", with("Host: 127.0.0.1:44733\r\n", ""), false},
		{"two hosts", with("Host:", "Host: b\r\nHost:"), false},
		{"a name in lower case", with("Transfer-Encoding", "transfer-encoding"), false},
		{"a name with a space", with("User-Agent:", "User-Agent :"), false},
		{"no space before a value", with("User-Agent: ", "User-Agent:"), false},
		{"a line that goes on", with("User-Agent: ", "User-Agent: a\r\n "), false},
		{"a line end too short", with("4.1037.0.0\r\n", "4.1037.0.0\n"), false},
		{"a control character", with("User-Agent: ", "User-Agent: \x00"), false},
		{"a long head", with("User-Agent: ", "User-Agent: "+strings.Repeat("x", headSize)), false},
		{"a head that breaks off", good[:len("POST /one HTTP/1.1\r\nHost: 12")], false},
		{"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", false},
		{"garbage behind an invocation", good + "\r\n\x00garbage\r\n\r\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, got := converse(t, c.sent, false), converse(t, c.sent, true)
			if !slices.Equal(got.calls, want.calls) {
				t.Errorf("the functions got %.500q, with net/http %.500q", got.calls, want.calls)
			}
			if got.answers != want.answers {
				t.Errorf("the host gets\n%s\nwith net/http\n%s", got.answers, want.answers)
			}
			if got.direct != c.direct {
				t.Errorf("answered directly: %t", got.direct)
			}
		})
	}
}

// The host writes no trailer, and a body is never taken for complete that may not be.
func TestATrailerIsRefused(t *testing.T) {
	got := converse(t, hostHead+strings.TrimSuffix(chunked(invocationOf("order")), "\r\n")+"A: b\r\n\r\n", true)
	if len(got.calls) != 0 || !strings.HasPrefix(got.answers, "HTTP/1.1 500 ") || !strings.Contains(got.answers, "\r\nConnection: close\r\n") {
		t.Errorf("%q %q", got.calls, got.answers)
	}
}

// FuzzConnection holds that nothing a client sends ends the handler, and that what is answered directly is what net/http would
// have read.
func FuzzConnection(f *testing.F) {
	good := hostHead + chunked(invocationOf("order"))
	f.Add(good + good)
	f.Add(good + "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	f.Add(strings.Replace(good, "Content-Type", "traceparent: 00-1-2-01\r\nContent-Type", 1))
	f.Fuzz(func(t *testing.T, sent string) {
		want, got := converse(t, sent, false), converse(t, sent, true)
		if n := len(got.calls); n > len(want.calls) || !slices.Equal(got.calls, want.calls[:n]) {
			t.Errorf("the functions got %q, with net/http %q", got.calls, want.calls)
		}
		in := bufio.NewReader(strings.NewReader(got.answers))
		for {
			if _, err := in.Peek(1); err != nil {
				return
			}
			r, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("%v: %q", err, got.answers)
			}
			_, _ = io.Copy(io.Discard, r.Body)
		}
	})
}

// pipes is a listener for connections within the process.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
	once  sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { p.once.Do(func() { close(p.ended) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

// connected serves s and returns a connection to it.
func connected(t *testing.T, ctx context.Context, s *Server) (net.Conn, <-chan error) {
	p := &pipes{conns: make(chan net.Conn, 1), ended: make(chan struct{})}
	client, server := net.Pipe()
	p.conns <- server
	served := make(chan error, 1)
	go func() { served <- s.serve(ctx, p) }()
	return client, served
}

func expectAnswer(t *testing.T, in *bufio.Reader, status int) {
	t.Helper()
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != status {
		t.Fatalf("answer %d %v, want %d", r.StatusCode, err, status)
	}
}

func TestAConnectionStaysOpenBetweenCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		s := NewServer(zerolog.Nop())
		long := 0
		s.Single("one", func(context.Context, Message) error { long++; time.Sleep(3 * idle); return nil })
		c, served := connected(t, ctx, s)
		in := bufio.NewReader(c)
		for range 3 { // a call may last longer than a connection may idle
			for _, part := range []string{hostHead, chunked(invocationOf("order"))} {
				if _, err := io.WriteString(c, part); err != nil {
					t.Fatal(err)
				}
			}
			expectAnswer(t, in, http.StatusOK)
			time.Sleep(idle - 2*headTimeout)
		}
		if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("an idle connection: %v", err)
		}
		end()
		if err := <-served; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A head that arrives in pieces is net/http's, and so is its time limit.
func TestAHeadThatNeverEndsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		s := NewServer(zerolog.Nop())
		s.Single("one", func(context.Context, Message) error { return nil })
		c, served := connected(t, ctx, s)
		in := bufio.NewReader(c)
		for _, part := range []string{hostHead[:30], hostHead[30:], chunked(invocationOf("order"))} {
			if _, err := io.WriteString(c, part); err != nil {
				t.Fatal(err)
			}
		}
		expectAnswer(t, in, http.StatusOK)
		_ = c.Close()

		c, again := connected(t, ctx, s)
		begin := time.Now()
		if _, err := io.WriteString(c, hostHead[:30]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil || time.Since(begin) != headTimeout {
			t.Errorf("a head that never ends is given up after %s: %v", time.Since(begin), err)
		}
		end()
		<-served
		<-again
	})
}

func TestTheEndOfServingEndsTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		s := NewServer(zerolog.Nop())
		ended := make(chan error, 1)
		s.Single("one", func(ctx context.Context, _ Message) error {
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		})
		c, served := connected(t, ctx, s)
		for _, part := range []string{hostHead, chunked(invocationOf("order"))} {
			if _, err := io.WriteString(c, part); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		end()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil {
			t.Error(err)
		}
		<-served
	})
}

// Large bodies take turns, so that many at once don't need memory at once.
func TestLargeBodiesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReading(1)
		body := bytes.Repeat([]byte("0123456789"), large)
		var got []*invocation
		read := func(in io.Reader) {
			v, err := r.read(in, -1)
			if err != nil || !bytes.Equal(v.body, body) {
				t.Errorf("%d of %d bytes: %v", len(v.body), len(body), err)
			}
			got = append(got, v)
		}
		read(bytes.NewReader(body))
		go read(bytes.NewReader(body))
		if synctest.Wait(); len(got) != 1 {
			t.Fatal("the second one doesn't wait for its turn")
		}
		small, err := r.read(strings.NewReader("{}"), -1)
		if err != nil || string(small.body) != "{}" {
			t.Fatal("a small one waits too")
		}
		small.release()
		got[0].release()
		if synctest.Wait(); len(got) != 2 {
			t.Fatal("the second one's turn doesn't come")
		}
		// The second one isn't released: the third one doesn't wait for ever.
		begin := time.Now()
		read(bytes.NewReader(body))
		if time.Since(begin) != patience {
			t.Errorf("it waits for %s", time.Since(begin))
		}
		got[2].release()
		got[1].release()
		read(bytes.NewReader(body)) // and the turn is there again
		if got[3] != got[1] {
			t.Error("its memory isn't used again")
		}
	})
}

func TestABodyHasABound(t *testing.T) {
	r := newReading(1)
	r.limit = 5 << 20
	for _, length := range []int64{-1, 1 << 40, 5<<20 + 1} {
		if _, err := r.read(bytes.NewReader(make([]byte, r.limit+1)), length); !errors.Is(err, errUnread) {
			t.Errorf("a body over the limit, announced as %d bytes: %v", length, err)
		}
	}
	v, err := r.read(bytes.NewReader(make([]byte, r.limit)), -1)
	if err != nil || len(v.body) != r.limit {
		t.Fatal(err)
	}
	v.release()
	if kept := <-r.turns; cap(kept.body) > keptSize {
		t.Errorf("%d bytes are kept for the next body", cap(kept.body))
	}
}

func TestABodyThatBreaksOffGivesItsTurnBack(t *testing.T) {
	r := newReading(1)
	for range 3 {
		broken := io.MultiReader(bytes.NewReader(make([]byte, 2*large)), iotest.ErrReader(io.ErrUnexpectedEOF))
		if _, err := r.read(broken, -1); !errors.Is(err, errUnread) {
			t.Fatal(err)
		}
	}
	if len(r.turns) != 1 {
		t.Error("a turn is lost")
	}
}
