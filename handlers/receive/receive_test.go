package receive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/shared/customhandler"
	"crosswalk/shared/event"
	"crosswalk/shared/fault"
	"crosswalk/shared/telemetry"
)

// queue is an ingress queue: what became of each message, by lock token.
type queue struct {
	mu      sync.Mutex
	settled map[[16]byte]string
	down    bool
	sick    byte // panics at this token
	busy    int  // calls under way
	busiest int
	wait    func()
}

func (q *queue) settle(ctx context.Context, token [16]byte, how string) error {
	q.mu.Lock()
	q.busy++
	q.busiest = max(q.busiest, q.busy)
	q.mu.Unlock()
	if q.wait != nil {
		q.wait()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy--
	if q.sick != 0 && token[0] == q.sick {
		panic("secret")
	}
	if _, twice := q.settled[token]; twice || q.down {
		return errors.New("the lock is lost")
	}
	if ctx.Err() == nil {
		q.settled[token] = how
	}
	return ctx.Err()
}

func (q *queue) Complete(ctx context.Context, token [16]byte) error {
	return q.settle(ctx, token, "completed")
}

func (q *queue) DeadLetter(ctx context.Context, token [16]byte, reason, description string) error {
	return q.settle(ctx, token, "dead-lettered "+reason+" | "+description)
}

// state returns what became of message n, "left" if nothing.
func (q *queue) state(n int) string {
	if s, ok := q.settled[token(n)]; ok {
		return s
	}
	return "left"
}

// topic keeps what it is sent, once per id.
type topic struct {
	mu     sync.Mutex
	events []ce.Event
	fail   map[string]error // by event id
	sick   string           // panics at this event id
	before func(ctx context.Context)
}

func (p *topic) Publish(ctx context.Context, events []ce.Event) []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.before != nil {
		p.before(ctx)
	}
	errs := make([]error, len(events))
	for i, e := range events {
		if e.ID() == p.sick {
			panic("secret")
		}
		if errs[i] = p.fail[e.ID()]; errs[i] == nil {
			errs[i] = ctx.Err()
		}
		if errs[i] == nil && !slices.ContainsFunc(p.events, func(had ce.Event) bool { return had.ID() == e.ID() }) {
			p.events = append(p.events, e)
		}
	}
	return errs
}

func (p *topic) ids() []string {
	var ids []string
	for _, e := range p.events {
		ids = append(ids, e.ID())
	}
	return ids
}

type bodies map[string]string

func (b bodies) Get(_ context.Context, ref string) ([]byte, error) {
	switch body, ok := b[ref]; {
	case ref == "claim-check/down":
		return nil, &fault.Error{Kind: fault.Transient, Reason: "claim-store-unavailable", Detail: "reading a body failed"}
	case ref == "claim-check/sick":
		panic("secret")
	case !ok:
		return nil, fault.Reject("body-expired", "dataref", "the body is gone")
	default:
		return []byte(body), nil
	}
}

// journal keeps what is logged.
type journal struct {
	mu      sync.Mutex
	records []telemetry.Record
}

func (j *journal) log(r telemetry.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records = append(j.records, r)
}

// lines returns the records in a form to compare, sorted, and fails the test if a value shows.
func (j *journal) lines(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, r := range j.records {
		if s := fmt.Sprintf("%+v", r); strings.Contains(s, "secret") {
			t.Errorf("a value in the log: %s", s)
		}
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s %s %s %v", r.Function, r.Event, r.Type, r.Outcome, r.Why, r.Reason, r.Field, r.Routes)), " "))
	}
	slices.Sort(out)
	return out
}

func token(n int) [16]byte { return [16]byte{byte(n), byte(n >> 8), 1} }

func business(id string) string {
	return fmt.Sprintf(`{"BusinessEventId":"XBusinessEvent","EventId":%q,"ControlNumber":1,"EventTime":"/Date(1782924799000)/","Note":"secret"}`, id)
}

func message(n int, body string) customhandler.Message {
	return customhandler.Message{
		Function: "receive-fno-event", Invocation: "inv", Body: []byte(body), LockToken: token(n), DeliveryCount: 1, MessageID: fmt.Sprintf("m%d", n),
	}
}

func routes(kind, _ string) []string {
	if kind == "fno.X" {
		return []string{"x-to-y"}
	}
	return nil
}

type world struct {
	queue  queue
	topic  topic
	bodies bodies
	journal
}

func (w *world) batch() *Batch {
	if w.queue.settled == nil {
		w.queue.settled = map[[16]byte]string{}
	}
	return &Batch{Publisher: &w.topic, Queue: &w.queue, Bodies: w.bodies, Routes: routes, Log: w.log, Now: time.Now}
}

const testEndpoint = `{"BusinessEventId":"BusinessEventsTestEndpointContract"}`

func claimed(n int, ref string) customhandler.Message {
	m := message(n, "")
	m.Properties = map[string]any{event.DataRefProperty: ref, "other": json.Number("1")}
	return m
}

func delivered(times int, m customhandler.Message) customhandler.Message {
	m.DeliveryCount = times
	return m
}

// Each message among sound neighbours: what becomes of it, what is on the topic, what is logged.
func TestBatch(t *testing.T) {
	two := `[{"eventType":"x","data":` + business("A") + `},{"eventType":"x","data":` + business("B") + `}]`
	unavailable := &fault.Error{Kind: fault.Transient, Reason: "broker-unavailable", Detail: "d"}
	tooLarge := fault.Reject("too-large", "", "d")
	for _, c := range []struct {
		name    string
		world   *world
		message customhandler.Message
		state   string
		events  []string
		log     []string
	}{
		{name: "event", message: message(7, business("A")), state: "completed", events: []string{"A"},
			log: []string{"receive-fno-event A fno.X published [x-to-y]"}},
		{name: "event nobody asks for", message: message(7, strings.Replace(business("A"), "XBus", "YBus", 1)), state: "completed", events: []string{"A"},
			log: []string{"receive-fno-event A fno.Y published []"}},
		{name: "test event", message: message(7, testEndpoint), state: "completed", log: []string{"receive-fno-event m7 nothing-to-do test-event []"}},
		{name: "two events", message: message(7, two), state: "completed", events: []string{"A", "B"},
			log: []string{"receive-fno-event A fno.X published [x-to-y]", "receive-fno-event B fno.X published [x-to-y]"}},
		{name: "event beside a test event", message: message(7, `[{"eventType":"x","data":`+business("A")+`},{"eventType":"x","data":`+testEndpoint+`}]`),
			state: "completed", events: []string{"A"},
			log: []string{"receive-fno-event A fno.X published [x-to-y]", "receive-fno-event m7 nothing-to-do test-event []"}},
		{name: "unreadable", message: message(7, `{"BusinessEventId":secret`), log: []string{"receive-fno-event m7 dead-lettered malformed-json /BusinessEventId []"},
			state: "dead-lettered malformed-json | /BusinessEventId: the text is not JSON, near byte 19"},
		{name: "empty", message: message(7, ""), log: []string{"receive-fno-event m7 dead-lettered malformed-json / []"},
			state: "dead-lettered malformed-json | /: the body is empty"},
		{name: "field missing", message: message(7, `{"BusinessEventId":"X"}`), log: []string{"receive-fno-event m7 dead-lettered field-missing /EventId []"},
			state: "dead-lettered field-missing | /EventId: the member is missing or blank"},
		{name: "endpoint set to .NET binary", message: func() customhandler.Message {
			m := message(7, "@\x06secret")
			m.ContentType = "application/msbin1"
			return m
		}(), log: []string{"receive-fno-event m7 dead-lettered malformed-json / []"},
			state: "dead-lettered malformed-json | /: the text is not JSON, near byte 0; the content type is application/msbin1: set the service endpoint's message format to JSON"},
		{name: "parked body", world: &world{bodies: bodies{"claim-check/1": business("A")}}, message: claimed(7, "claim-check/1"), state: "completed", events: []string{"A"},
			log: []string{"receive-fno-event A fno.X published [x-to-y]"}},
		{name: "parked body unreadable", world: &world{bodies: bodies{"claim-check/1": "{"}}, message: claimed(7, "claim-check/1"),
			log: []string{"receive-fno-event m7 dead-lettered malformed-json / []"}, state: "dead-lettered malformed-json | /: the text ends too early, near byte 1"},
		{name: "parked body gone", message: claimed(7, "claim-check/1"), log: []string{"receive-fno-event m7 dead-lettered body-expired dataref []"},
			state: "dead-lettered body-expired | dataref: the body is gone"},
		{name: "claim store down", message: claimed(7, "claim-check/down"), state: "left", log: []string{"receive-fno-event m7 abandoned claim-store-unavailable []"}},
		{name: "not published", world: &world{topic: topic{fail: map[string]error{"A": unavailable}}}, message: message(7, business("A")), state: "left",
			log: []string{"receive-fno-event A fno.X abandoned broker-unavailable []"}},
		{name: "not published, unjudged", world: &world{topic: topic{fail: map[string]error{"A": errors.New("secret")}}}, message: message(7, business("A")), state: "left",
			log: []string{"receive-fno-event A fno.X abandoned unexpected []"}},
		{name: "refused by the broker", world: &world{topic: topic{fail: map[string]error{"A": tooLarge}}}, message: message(7, business("A")),
			state: "dead-lettered too-large | d", log: []string{"receive-fno-event A fno.X dead-lettered too-large []"}},
		{name: "one of two not published", world: &world{topic: topic{fail: map[string]error{"B": unavailable}}}, message: message(7, two), state: "left", events: []string{"A"},
			log: []string{"receive-fno-event A fno.X published [x-to-y]", "receive-fno-event m7 abandoned broker-unavailable []"}},
		{name: "one of two refused, the other not published", world: &world{topic: topic{fail: map[string]error{"A": unavailable, "B": tooLarge}}}, message: message(7, two), state: "left",
			log: []string{"receive-fno-event m7 abandoned broker-unavailable []"}},
		{name: "one of two refused", world: &world{topic: topic{fail: map[string]error{"B": tooLarge}}}, message: message(7, two), state: "dead-lettered too-large | d", events: []string{"A"},
			log: []string{"receive-fno-event A fno.X published [x-to-y]", "receive-fno-event m7 dead-lettered too-large []"}},
		{name: "one of two unreadable", message: message(7, `[{"eventType":"x","data":`+business("A")+`},{"eventType":"x","data":{"BusinessEventId":"X"}}]`),
			state: "dead-lettered field-missing | /1/data/EventId: the member is missing or blank", events: []string{"A"},
			log: []string{"receive-fno-event A fno.X published [x-to-y]", "receive-fno-event m7 dead-lettered field-missing /1/data/EventId []"}},
		{name: "one of two unreadable, the other not published", world: &world{topic: topic{fail: map[string]error{"A": unavailable}}},
			message: message(7, `[{"eventType":"x","data":`+business("A")+`},{"eventType":"x","data":{"BusinessEventId":"X"}}]`), state: "left",
			log: []string{"receive-fno-event m7 abandoned broker-unavailable []"}},
		{name: "panic in reading", message: claimed(7, "claim-check/sick"), state: "left", log: []string{"receive-fno-event m7 abandoned panic []"}},
		{name: "panic in publishing", world: &world{topic: topic{sick: "A"}}, message: message(7, business("A")), state: "left",
			log: []string{"receive-fno-event A fno.X abandoned panic []"}},
		{name: "second panic", world: &world{topic: topic{sick: "A"}}, message: delivered(2, message(7, business("A"))), state: "left",
			log: []string{"receive-fno-event A fno.X abandoned panic []"}},
		{name: "panic in settling", world: &world{queue: queue{sick: 7}}, message: message(7, business("A")), state: "left", events: []string{"A"},
			log: []string{"receive-fno-event A fno.X abandoned panic []", "receive-fno-event A fno.X published [x-to-y]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := c.world
			if w == nil {
				w = &world{}
			}
			w.batch().Handle(t.Context(), []customhandler.Message{message(1, business("before")), c.message, message(2, business("after")), message(3, "{")})
			if got := w.queue.state(7); got != c.state {
				t.Errorf("the message is %s, want %s", got, c.state)
			}
			if one, two, three := w.queue.state(1), w.queue.state(2), w.queue.state(3); one != "completed" || two != "completed" || !strings.HasPrefix(three, "dead-lettered malformed-json") {
				t.Errorf("its neighbours are %s, %s and %s", one, two, three)
			}
			want := append([]string{"before"}, append(c.events, "after")...)
			if got := w.topic.ids(); !slices.Equal(got, want) {
				t.Errorf("the topic has %v, want %v", got, want)
			}
			log := slices.DeleteFunc(w.lines(t), func(l string) bool {
				return strings.Contains(l, " before ") || strings.Contains(l, " after ") || strings.Contains(l, " m3 ")
			})
			if !slices.Equal(log, c.log) {
				t.Errorf("logged %q\nwant   %q", log, c.log)
			}
		})
	}
}

func TestBatchThirdPanic(t *testing.T) {
	w := world{topic: topic{sick: "A"}}
	w.batch().Handle(t.Context(), []customhandler.Message{delivered(3, message(7, business("A"))), delivered(3, claimed(8, "claim-check/sick")), delivered(99, message(1, business("B")))})
	for _, n := range []int{7, 8} {
		s := w.queue.state(n)
		if !strings.HasPrefix(s, "dead-lettered panic | the program failed at receive.") || !strings.Contains(s, "receive_test.go:") || strings.Contains(s, "secret") {
			t.Errorf("message %d is %s", n, s)
		}
	}
	if w.queue.state(1) != "completed" || !slices.Equal(w.topic.ids(), []string{"B"}) {
		t.Errorf("the neighbour is %s, the topic has %v", w.queue.state(1), w.topic.ids())
	}
}

// A panic before the first frame of a function, such as a nil pointer, has a place too.
func TestGuard(t *testing.T) {
	var m *customhandler.Message
	f := guard(func() { _ = m.Body[0] })
	if f == nil || !strings.Contains(f.Detail, "receive_test.go:") || f.Reason != "panic" {
		t.Errorf("got %v", f)
	}
	if f := guard(func() {}); f != nil {
		t.Errorf("got %v without a panic", f)
	}
}

// A queue that can't be reached leaves every message to its lock, whatever was to become of it, and says so.
func TestBatchUnsettled(t *testing.T) {
	w := world{queue: queue{down: true}}
	w.batch().Handle(t.Context(), []customhandler.Message{message(1, business("A")), message(2, "{")})
	want := []string{
		"receive-fno-event A fno.X abandoned not-settled []", "receive-fno-event A fno.X published [x-to-y]", "receive-fno-event m2 abandoned not-settled []",
	}
	if got := w.lines(t); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestBatchOfNothing(t *testing.T) {
	w := world{topic: topic{before: func(context.Context) { t.Error("published nothing") }}}
	w.batch().Handle(t.Context(), nil)
	w.batch().Handle(t.Context(), []customhandler.Message{message(1, testEndpoint)})
}

// 1,000 messages are published together and settled side by side, but not all at once.
func TestBatchConcurrency(t *testing.T) {
	var gate sync.WaitGroup
	gate.Add(workers)
	var once [1001]sync.Once
	var n int
	var mu sync.Mutex
	w := world{queue: queue{wait: func() {
		mu.Lock()
		n++
		first := n
		mu.Unlock()
		if first <= workers { // the first ones wait for each other: settling one after the other would hang here
			once[first].Do(gate.Done)
			gate.Wait()
		}
	}}}
	var calls int
	w.topic.before = func(context.Context) { calls++ }
	var messages []customhandler.Message
	for i := range 1000 {
		messages = append(messages, message(i, business(fmt.Sprint("E", i))))
	}
	w.batch().Handle(t.Context(), messages)
	if len(w.queue.settled) != 1000 || len(w.topic.events) != 1000 || calls != 1 {
		t.Errorf("%d settled, %d published in %d calls", len(w.queue.settled), len(w.topic.events), calls)
	}
	if w.queue.busiest > workers {
		t.Errorf("%d at once, at most %d are allowed", w.queue.busiest, workers)
	}
}

// A host that hangs up takes nothing away: its messages are still this batch's.
func TestBatchHangUp(t *testing.T) {
	w := world{}
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	w.batch().Handle(ctx, []customhandler.Message{message(1, business("A"))})
	if w.queue.state(1) != "completed" {
		t.Errorf("the message is %s", w.queue.state(1))
	}
}

// When publishing hangs, the batch is over well inside the lock's five minutes, and there is time to settle the rest.
func TestBatchDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world{topic: topic{before: func(ctx context.Context) { <-ctx.Done() }}}
		start := time.Now()
		w.batch().Handle(t.Context(), []customhandler.Message{message(1, business("A")), message(2, testEndpoint), message(3, "{")})
		if took := time.Since(start); took > 4*time.Minute {
			t.Errorf("the batch took %v", took)
		}
		if one, two, three := w.queue.state(1), w.queue.state(2), w.queue.state(3); one != "left" || two != "completed" || !strings.HasPrefix(three, "dead-lettered") {
			t.Errorf("the messages are %s, %s and %s", one, two, three)
		}
	})
}
