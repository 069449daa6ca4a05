package event

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"
	ce "github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/shared/fault"
	"crosswalk/shared/outlet"
)

// topic is a broker that keeps what it is sent. Its links can be made to fail.
type topic struct {
	mu       sync.Mutex
	maxBytes int
	messages []*azservicebus.Message
	batches  []int                                      // messages per transfer that was accepted
	opened   int                                        // links
	refuse   func([]*azservicebus.Message, *link) error // nil accepts
}

type link struct {
	topic  *topic
	number int // 1 for the first
	closed chan struct{}
}

type transfer struct {
	link     *link
	messages []*azservicebus.Message
	size     int
}

func (t *topic) outlet() *outlet.Outlet[sender] {
	return outlet.New(func() (sender, error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.opened++
		return &link{t, t.opened, make(chan struct{})}, nil
	}, func(ctx context.Context, s sender) { s.close(ctx) })
}

func (l *link) newBatch(ctx context.Context) (batch, error) { return &transfer{link: l}, ctx.Err() }

func (l *link) close(context.Context) { close(l.closed) }

func (b *transfer) add(m *azservicebus.Message) error {
	size := len(m.Body)
	for k, v := range m.ApplicationProperties {
		size += len(k) + len(fmt.Sprint(v))
	}
	if b.size+size > b.link.topic.maxBytes {
		return azservicebus.ErrMessageTooLarge
	}
	b.size += size
	b.messages = append(b.messages, m)
	return nil
}

func (l *link) send(ctx context.Context, b batch) error {
	t := l.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	sent := b.(*transfer).messages
	if t.refuse != nil {
		if err := t.refuse(sent, l); err != nil {
			return err
		}
	}
	t.batches = append(t.batches, len(sent))
	t.messages = append(t.messages, sent...)
	return ctx.Err()
}

func (t *topic) ids() []string {
	var ids []string
	for _, m := range t.messages {
		ids = append(ids, *m.MessageID)
	}
	return ids
}

// shelf is a claim store in memory. A nil one is down.
type shelf struct {
	mu     sync.Mutex
	bodies map[string][]byte
}

func (s *shelf) Put(_ context.Context, body []byte) (string, error) {
	if s == nil {
		return "", &fault.Error{Kind: fault.Transient, Reason: "claim-store-unavailable"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ref := fmt.Sprintf("claim-check/%x", sha256.Sum256(body))
	s.bodies[ref] = body
	return ref, nil
}

type panicky struct{}

func (panicky) Put(context.Context, []byte) (string, error) { panic("secret") }

func newShelf() *shelf { return &shelf{bodies: map[string][]byte{}} }

func newEvent(id string, size int) ce.Event {
	return attributes{id: id, kind: "t." + id, source: "/s", sequence: "1"}.event(bytes.Repeat([]byte("x"), size))
}

func newEvents(n, size int) (events []ce.Event, ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("e%03d", i))
		events = append(events, newEvent(ids[i], size))
	}
	return events, ids
}

func everybody(string, string) []string { return []string{"f"} }

func reasons(errs []error) string {
	var out []string
	for _, err := range errs {
		if err == nil {
			out = append(out, "-")
		} else {
			out = append(out, fault.Of(err).Reason)
		}
	}
	return strings.Join(out, " ")
}

func TestPublishMessage(t *testing.T) {
	broker := &topic{maxBytes: 1 << 20}
	p := &Publisher{outlet: broker.outlet(), claims: newShelf(), routes: func(kind, source string) []string {
		if kind == "fno.SalesInvoicePosted" && source == "/fno/demf" {
			return []string{"invoice-to-dataverse"}
		}
		return nil
	}}
	var events []ce.Event
	for _, name := range []string{"fo-be-02-sales-invoice-posted", "dv-rec-01-create-account"} {
		parsed, err := Parse(sample(t, name))
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, parsed.Events...)
	}
	if errs := p.Publish(t.Context(), events); reasons(errs) != "- -" {
		t.Fatal(errs)
	}
	for i, m := range broker.messages {
		want := ToProperties(events[i])
		if i == 1 {
			want["cwunrouted"] = true
		}
		if *m.MessageID != events[i].ID() || *m.ContentType != "application/json" || !bytes.Equal(m.Body, events[i].Data()) || !maps.Equal(m.ApplicationProperties, want) {
			t.Errorf("got %s %s %v\nwant %v", *m.MessageID, *m.ContentType, m.ApplicationProperties, want)
		}
		if m.ScheduledEnqueueTime != nil || m.SessionID != nil || m.TimeToLive != nil || m.PartitionKey != nil {
			t.Error("the message carries more than was asked for")
		}
	}
}

func TestPublishBatches(t *testing.T) {
	for _, c := range []struct {
		name           string
		n, size, limit int
		batches        string
	}{
		{"nothing", 0, 0, 1000, "[]"},
		{"all in one", 100, 10, 1 << 20, "[100]"},
		{"by size", 10, 300, 1000, "[2 2 2 2 2]"},
		{"the last one alone", 5, 300, 1000, "[2 2 1]"},
		{"one by one", 3, 800, 1000, "[1 1 1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broker := &topic{maxBytes: c.limit}
			p := &Publisher{outlet: broker.outlet(), routes: everybody, claims: newShelf()}
			events, ids := newEvents(c.n, c.size)
			for _, err := range p.Publish(t.Context(), events) {
				if err != nil {
					t.Error(err)
				}
			}
			if !slices.Equal(broker.ids(), ids) || fmt.Sprint(broker.batches) != c.batches {
				t.Errorf("sent %v in batches of %v, want %s", broker.ids(), broker.batches, c.batches)
			}
		})
	}
}

func TestPublishClaimCheck(t *testing.T) {
	broker, store := &topic{maxBytes: 256 << 10}, newShelf()
	p := &Publisher{outlet: broker.outlet(), routes: everybody, claims: store}
	events := []ce.Event{newEvent("fits", MaxInline), newEvent("large", MaxInline+1), newEvent("small", 1)}
	if errs := p.Publish(t.Context(), events); reasons(errs) != "- - -" {
		t.Fatal(errs)
	}
	if got := broker.ids(); !slices.Equal(got, []string{"fits", "large", "small"}) {
		t.Fatal(got)
	}
	large := broker.messages[1]
	ref, _ := large.ApplicationProperties[DataRefProperty].(string)
	if len(large.Body) != 0 || !bytes.Equal(store.bodies[ref], events[1].Data()) || len(store.bodies) != 1 {
		t.Errorf("the message has %d bytes, its reference %q is to %d", len(large.Body), ref, len(store.bodies[ref]))
	}
	for _, i := range []int{0, 2} {
		if _, ok := broker.messages[i].ApplicationProperties[DataRefProperty]; ok || len(broker.messages[i].Body) == 0 {
			t.Errorf("message %d went to the claim check", i)
		}
	}

	t.Run("store panics", func(t *testing.T) {
		broker := &topic{maxBytes: 256 << 10}
		p := &Publisher{outlet: broker.outlet(), routes: everybody, claims: panicky{}}
		if got := reasons(p.Publish(t.Context(), events)); got != "- panic -" {
			t.Error(got)
		}
	})
	t.Run("store down", func(t *testing.T) {
		broker := &topic{maxBytes: 256 << 10}
		p := &Publisher{outlet: broker.outlet(), routes: everybody, claims: (*shelf)(nil)}
		if got := reasons(p.Publish(t.Context(), events)); got != "- claim-store-unavailable -" {
			t.Error(got)
		}
		if got := broker.ids(); !slices.Equal(got, []string{"fits", "small"}) {
			t.Error(got)
		}
	})
}

// What one event does to a batch never happens to its neighbours, and what the broker does happens to all.
func TestPublishFailures(t *testing.T) {
	bad := func(err error) func([]*azservicebus.Message, *link) error {
		return func(sent []*azservicebus.Message, _ *link) error {
			if slices.ContainsFunc(sent, func(m *azservicebus.Message) bool { return *m.MessageID == "e002" }) {
				return err
			}
			return nil
		}
	}
	for _, c := range []struct {
		name    string
		refuse  func([]*azservicebus.Message, *link) error
		reasons string
		kind    fault.Kind
	}{
		{"broker can't decode one", bad(&amqp.Error{Condition: amqp.ErrCondDecodeError, Description: "secret"}), "- - event-refused - -", fault.Permanent},
		{"broker finds one too large", bad(&amqp.Error{Condition: amqp.ErrCondMessageSizeExceeded}), "- - too-large - -", fault.Permanent},
		{"broker doesn't allow one", bad(&amqp.Error{Condition: amqp.ErrCondNotAllowed}), "- - broker-refused - -", fault.Misconfigured},
		{"broker refuses one for an unknown reason", bad(&amqp.Error{Condition: "contoso:mood"}), "- - broker-unavailable - -", fault.Transient},
		{"topic is full", bad(&amqp.Error{Condition: amqp.ErrCondResourceLimitExceeded}), "broker-unavailable broker-unavailable broker-unavailable broker-unavailable broker-unavailable", fault.Transient},
		{"broker is busy", bad(&amqp.Error{Condition: "com.microsoft:server-busy"}), "broker-unavailable broker-unavailable broker-unavailable broker-unavailable broker-unavailable", fault.Transient},
		{"topic is disabled", bad(&amqp.Error{Condition: "com.microsoft:entity-disabled"}), "broker-refused broker-refused broker-refused broker-refused broker-refused", fault.Misconfigured},
		{"no permission", bad(&azservicebus.Error{Code: azservicebus.CodeUnauthorizedAccess}), "broker-refused broker-refused broker-refused broker-refused broker-refused", fault.Misconfigured},
		{"no topic", bad(&azservicebus.Error{Code: azservicebus.CodeNotFound}), "broker-refused broker-refused broker-refused broker-refused broker-refused", fault.Misconfigured},
		{"connection lost", bad(&azservicebus.Error{Code: azservicebus.CodeConnectionLost}), "broker-unavailable broker-unavailable broker-unavailable broker-unavailable broker-unavailable", fault.Transient},
		{"time-out", bad(context.DeadlineExceeded), "broker-unavailable broker-unavailable broker-unavailable broker-unavailable broker-unavailable", fault.Transient},
		{"something else", bad(errors.New("secret")), "broker-unavailable broker-unavailable broker-unavailable broker-unavailable broker-unavailable", fault.Transient},
	} {
		t.Run(c.name, func(t *testing.T) {
			broker := &topic{maxBytes: 1 << 20, refuse: c.refuse}
			p := &Publisher{outlet: broker.outlet(), routes: everybody, claims: newShelf()}
			events, ids := newEvents(5, 10)
			errs := p.Publish(t.Context(), events)
			if got := reasons(errs); got != c.reasons {
				t.Errorf("got  %s\nwant %s", got, c.reasons)
			}
			var want []string
			for i, err := range errs {
				if err == nil {
					want = append(want, ids[i])
					continue
				}
				if fault.KindOf(err) != c.kind || strings.Contains(err.Error(), "secret") {
					t.Errorf("event %d: %s %q", i, fault.KindOf(err), err)
				}
			}
			if !slices.Equal(broker.ids(), want) {
				t.Errorf("the topic has %v, the answer says %v", broker.ids(), want)
			}
		})
	}

	t.Run("too large for any batch", func(t *testing.T) {
		broker := &topic{maxBytes: 1000}
		p := &Publisher{outlet: broker.outlet(), routes: everybody, claims: newShelf()}
		events := []ce.Event{newEvent("a", 10), newEvent("b", 2000), newEvent("c", 10)}
		if got := reasons(p.Publish(t.Context(), events)); got != "- too-large -" {
			t.Error(got)
		}
	})
	t.Run("no CloudEvent", func(t *testing.T) {
		broker := &topic{maxBytes: 1 << 20}
		p := &Publisher{outlet: broker.outlet(), routes: everybody, claims: newShelf()}
		events := []ce.Event{newEvent("a", 10), ce.New("1.0"), newEvent(strings.Repeat("9", 101), 10), newEvent("c", 10)}
		if got := reasons(p.Publish(t.Context(), events)); got != "- bad-value bad-value -" {
			t.Error(got)
		}
	})
	t.Run("a failure in the second batch", func(t *testing.T) {
		broker := &topic{maxBytes: 1000, refuse: bad(&azservicebus.Error{Code: azservicebus.CodeTimeout})}
		p := &Publisher{outlet: broker.outlet(), routes: everybody, claims: newShelf()}
		events, _ := newEvents(5, 300)
		if got := reasons(p.Publish(t.Context(), events)); got != "- - broker-unavailable broker-unavailable broker-unavailable" {
			t.Error(got)
		}
	})
}

// A Send right that was revoked and given back: the old link stays dead, a new one works.
func TestPublishAfterRevocation(t *testing.T) {
	revoked := true
	var links []*link
	broker := &topic{maxBytes: 1 << 20}
	broker.refuse = func(_ []*azservicebus.Message, l *link) error {
		if !slices.Contains(links, l) {
			links = append(links, l)
		}
		if revoked || l.number <= 2 {
			return &azservicebus.Error{Code: azservicebus.CodeUnauthorizedAccess}
		}
		return nil
	}
	p := &Publisher{outlet: broker.outlet(), routes: everybody, claims: newShelf()}
	events, _ := newEvents(2, 10)
	if got := reasons(p.Publish(t.Context(), events)); got != "broker-refused broker-refused" {
		t.Fatal(got)
	}
	if broker.opened != 2 {
		t.Errorf("one call opened %d links, want the first and one more", broker.opened)
	}
	revoked = false
	if got := reasons(p.Publish(t.Context(), events)); got != "- -" {
		t.Fatal(got)
	}
	if got := reasons(p.Publish(t.Context(), events)); got != "- -" || broker.opened != 3 {
		t.Errorf("got %s with %d links: a link that works is to be kept", got, broker.opened)
	}
	for _, l := range links[:2] {
		<-l.closed // a dead link that stays open would hang the test
	}
}

func TestPublishConcurrently(t *testing.T) {
	broker := &topic{maxBytes: 1000}
	p := &Publisher{outlet: broker.outlet(), routes: everybody, claims: newShelf()}
	events, ids := newEvents(20, 300)
	var wg sync.WaitGroup
	for _, e := range events {
		wg.Go(func() {
			if errs := p.Publish(t.Context(), []ce.Event{e}); errs[0] != nil {
				t.Error(errs[0])
			}
		})
	}
	wg.Wait()
	if got := slices.Sorted(slices.Values(broker.ids())); !slices.Equal(got, ids) || broker.opened != 1 {
		t.Errorf("sent %v by %d links", got, broker.opened)
	}
	p.Close(t.Context())
}

func TestPark(t *testing.T) {
	broker, store := &topic{maxBytes: 256 << 10}, newShelf()
	p := &Parker{outlet: broker.outlet(), claims: store}
	small, large := []byte("{unreadable"), bytes.Repeat([]byte("\xff"), MaxInline+1)
	for i, body := range [][]byte{small, large, nil} {
		id, err := p.Park(t.Context(), body, "application/json")
		if err != nil {
			t.Fatal(err)
		}
		m := broker.messages[i]
		want := fmt.Sprintf("%x", sha256.Sum256(body))[:32]
		if id != want || *m.MessageID != want || *m.ContentType != "application/json" {
			t.Errorf("id %s, message id %s, want %s", id, *m.MessageID, want)
		}
		ref, claimed := m.ApplicationProperties[DataRefProperty].(string)
		if claimed != (len(body) > MaxInline) || claimed && !bytes.Equal(store.bodies[ref], body) || !claimed && !bytes.Equal(m.Body, body) {
			t.Errorf("a body of %d bytes travels as %d bytes and reference %q", len(body), len(m.Body), ref)
		}
	}
	broker.refuse = func([]*azservicebus.Message, *link) error { return &azservicebus.Error{Code: azservicebus.CodeTimeout} }
	if _, err := p.Park(t.Context(), small, ""); fault.KindOf(err) != fault.Transient || err == nil {
		t.Errorf("got %v", err)
	}
	if _, err := (&Parker{outlet: broker.outlet(), claims: (*shelf)(nil)}).Park(t.Context(), large, ""); err == nil {
		t.Error("parked a body that was kept nowhere")
	}
	p.Close(t.Context())
}
