package functionshost

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// stage is a script root with the recording handler in it, and what the host and the handler said.
type stage struct {
	t       *testing.T
	root    string
	options Options
	seen    chan saw
	report  net.Listener
	host    *Host

	mu    sync.Mutex
	lines []Line
	more  chan struct{} // closed and replaced at each line
}

// newStage writes files (path below the root → content) and prepares the recorder. "<handler>" in host.json stands for it.
func newStage(t *testing.T, files map[string]string, answers map[string]told) *stage {
	t.Helper()
	s := &stage{t: t, root: t.TempDir(), seen: make(chan saw, 10000), more: make(chan struct{})}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := files["host.json"]; !ok {
		files["host.json"] = `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"<handler>"}}}`
	}
	for name, content := range files {
		path := filepath.Join(s.root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		content = strings.ReplaceAll(content, "<handler>", filepath.ToSlash(self))
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s.report, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.report.Close() })
	go s.collect()
	text, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	s.options = Options{Root: s.root, OnLine: s.onLine, HoldPort: true, Env: map[string]string{
		recorderSwitch: s.report.Addr().String(), answersSetting: string(text)}}
	return s
}

func (s *stage) collect() {
	for {
		c, err := s.report.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			dec := json.NewDecoder(c)
			for {
				var v saw
				if dec.Decode(&v) != nil {
					return
				}
				s.seen <- v
			}
		}()
	}
}

func (s *stage) onLine(l Line) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, l)
	close(s.more)
	s.more = make(chan struct{})
}

// start starts the host and closes it at the end of the test.
func (s *stage) start() *Host {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	h, err := Start(ctx, s.options)
	if err != nil {
		s.t.Fatalf("start: %v\n%s", err, s.log())
	}
	s.host = h
	s.t.Cleanup(func() {
		if err := h.Close(); err != nil {
			s.t.Errorf("close: %v", err)
		}
		if s.t.Failed() {
			s.t.Log(s.log())
		}
	})
	return h
}

func (s *stage) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, l := range s.lines {
		fmt.Fprintf(&b, "%s %-11s %-7s %s\n", l.Time.Format("15:04:05.000"), l.Level, l.Source, l.Text)
	}
	return b.String()
}

// line waits for a log line of a level that contains a text.
func (s *stage) line(level, text string) Line {
	s.t.Helper()
	limit := time.After(patience)
	for from := 0; ; {
		s.mu.Lock()
		lines, more := s.lines, s.more
		s.mu.Unlock()
		for ; from < len(lines); from++ {
			if l := lines[from]; l.Level == level && strings.Contains(l.Text, text) {
				return l
			}
		}
		select {
		case <-more:
		case <-limit:
			s.t.Fatalf("no %s line with %q in\n%s", level, text, s.log())
		}
	}
}

// request waits for the next request that is no readiness request; handler starts are skipped.
func (s *stage) request() *recorded {
	s.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case v := <-s.seen:
			if v.Request != nil && !v.Request.isProbe() {
				return v.Request
			}
		case <-limit:
			s.t.Fatalf("no request came\n%s", s.log())
		}
	}
}

func (s *stage) startOfHandler() *started {
	s.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case v := <-s.seen:
			if v.Start != nil {
				return v.Start
			}
		case <-limit:
			s.t.Fatalf("the handler didn't start\n%s", s.log())
		}
	}
}

func (r *recorded) isProbe() bool { return r.Method == "GET" && r.URL == "/" }

// fakeBus stands for a broker: a channel of deliveries per function's entity, and what was settled.
type fakeBus struct {
	entity  *busEntity // overrides what the binding says
	mu      sync.Mutex
	queues  map[string]chan []*received
	settled chan settlement
	refuse  map[string]error // by action
}

type settlement struct {
	Action, Entity, MessageID string
}

func newFakeBus() *fakeBus {
	return &fakeBus{queues: map[string]chan []*received{}, settled: make(chan settlement, 1000), refuse: map[string]error{}}
}

func (b *fakeBus) queue(path string) chan []*received {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.queues[path] == nil {
		b.queues[path] = make(chan []*received, 100)
	}
	return b.queues[path]
}

// deliver hands messages to whoever receives from a queue: one delivery for a batch, one each for single dispatch.
func (b *fakeBus) deliver(path string, all ...*busMessage) {
	var batch []*received
	for _, m := range all {
		batch = append(batch, &received{busMessage: m})
	}
	b.queue(path) <- batch
}

func (b *fakeBus) of(t binding) (busEntity, func() (receiver, error), error) {
	e := busEntity{path: t.address(), namespace: "ns.servicebus.windows.net"}
	if b.entity != nil {
		e = *b.entity
	}
	return e, func() (receiver, error) { return &fakeLink{b, t.address()}, nil }, nil
}

type fakeLink struct {
	bus  *fakeBus
	path string
}

func (l *fakeLink) Receive(ctx context.Context, _ int, _ time.Duration) ([]*received, error) {
	select {
	case got := <-l.bus.queue(l.path):
		return got, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *fakeLink) settle(action string, m *received) error {
	id := ""
	if m.messageID != nil {
		id = *m.messageID
	}
	l.bus.mu.Lock()
	err := l.bus.refuse[action]
	l.bus.mu.Unlock()
	l.bus.settled <- settlement{action, l.path, id}
	return err
}

func (l *fakeLink) Complete(_ context.Context, m *received) error { return l.settle("Complete", m) }
func (l *fakeLink) Abandon(_ context.Context, m *received) error  { return l.settle("Abandon", m) }
func (l *fakeLink) Close(context.Context) error                   { return nil }
func (l *fakeLink) Renew(_ context.Context, m *received) error {
	m.lockedUntil = m.lockedUntil.Add(time.Hour)
	return l.settle("Renew", m)
}

// settlement waits for what is settled next.
func (b *fakeBus) settlement(t *testing.T) settlement {
	t.Helper()
	select {
	case s := <-b.settled:
		return s
	case <-time.After(patience):
		t.Fatal("nothing was settled")
		return settlement{}
	}
}

// message is a plain one for tests that look at its fate, not at its form.
func message(id string) *busMessage {
	return &busMessage{body: []byte(`{"a":1}`), messageID: &id, deliveryCount: 1, expiresAt: maxDateTime, enqueuedTime: time.Now(),
		lockedUntil: time.Now().Add(time.Minute), properties: dictionary{}}
}

func serviceBusFunction(queue, more string) string {
	return fmt.Sprintf(`{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"msg","queueName":%q,"connection":"SB","dataType":"binary"%s}]}`, queue, more)
}
