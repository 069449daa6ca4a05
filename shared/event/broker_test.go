package event_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	ce "github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/local/servicebus"
	"crosswalk/shared/event"
	"crosswalk/shared/fault"
	"crosswalk/shared/topology"
)

// patience bounds each of these tests. All that they wait for is local.
const patience = 30 * time.Second

// bus is a broker with the built-in topology and a client to it.
type bus struct {
	*servicebus.Server
	client   *azservicebus.Client
	topology *topology.Topology
	claims   *claims
}

// claims is a claim store in memory.
type claims struct {
	mu     sync.Mutex
	bodies map[string][]byte
}

func (c *claims) Put(_ context.Context, body []byte) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ref := fmt.Sprintf("claim-check/%d", len(c.bodies))
	c.bodies[ref] = body
	return ref, nil
}

func newBus(t *testing.T) (context.Context, *bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	top := topology.Default()
	s, err := servicebus.Start(servicebus.Options{Topology: top})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	client, err := azservicebus.NewClientFromConnectionString(s.ConnectionString(), &azservicebus.ClientOptions{RetryOptions: azservicebus.RetryOptions{MaxRetries: -1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(context.WithoutCancel(ctx)) })
	return ctx, &bus{s, client, top, &claims{bodies: map[string][]byte{}}}
}

func (b *bus) publisher(ctx context.Context, t *testing.T) *event.Publisher {
	p := event.NewPublisher(b.client, b.topology.Topic.Name, b.topology.Routes, b.claims)
	t.Cleanup(func() { p.Close(context.WithoutCancel(ctx)) })
	return p
}

// receive takes n messages from the receiver and completes them.
func receive(ctx context.Context, t *testing.T, r *azservicebus.Receiver, n int) []*azservicebus.ReceivedMessage {
	t.Helper()
	var got []*azservicebus.ReceivedMessage
	for len(got) < n {
		m, err := r.ReceiveMessages(ctx, n-len(got), nil)
		if err != nil {
			t.Fatalf("%d of %d messages came: %v", len(got), n, err)
		}
		for _, m := range m {
			if err := r.CompleteMessage(ctx, m, nil); err != nil {
				t.Fatal(err)
			}
		}
		got = append(got, m...)
	}
	return got
}

func (b *bus) queue(t *testing.T, name string) *azservicebus.Receiver {
	t.Helper()
	r, err := b.client.NewReceiverForQueue(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (b *bus) empty(t *testing.T, address string) {
	t.Helper()
	if c, err := b.Broker().Counts(address); err != nil || c.Active != 0 {
		t.Errorf("%s holds %d more messages, error %v", address, c.Active, err)
	}
}

func parse(t *testing.T, names ...string) (events []ce.Event) {
	t.Helper()
	for _, name := range names {
		body, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		p, err := event.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, p.Events...)
	}
	return events
}

// From a body to the work queue that asked for it, by the real client, twice: it comes once and whole.
func TestPublishedEventsArrive(t *testing.T) {
	ctx, b := newBus(t)
	p := b.publisher(ctx, t)
	events := parse(t, "fo-be-02-sales-invoice-posted", "dv-rec-01-create-account", "fo-be-05-workflow-workitem")
	for range 2 {
		for i, err := range p.Publish(ctx, events) {
			if err != nil {
				t.Fatalf("event %d: %v", i, err)
			}
		}
	}
	unrouted, err := b.client.NewReceiverForSubscription(b.topology.Topic.Name, b.topology.Topic.Unrouted, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range []*azservicebus.Receiver{b.queue(t, "invoice-to-dataverse"), b.queue(t, "account-to-fno"), unrouted} {
		m := receive(ctx, t, r, 1)[0]
		got, err := event.FromProperties(m.ApplicationProperties, *m.ContentType, m.Body)
		if err != nil {
			t.Fatal(err)
		}
		if want := events[i]; got.String() != want.String() || !bytes.Equal(got.Data(), want.Data()) || m.MessageID != want.ID() {
			t.Errorf("message %s: got  %v\nwant %v", m.MessageID, got, want)
		}
		if stamped := m.ApplicationProperties[topology.UnroutedProperty] == true; stamped != (i == 2) {
			t.Errorf("message %d is stamped as unrouted: %v", i, stamped)
		}
	}
	b.empty(t, "invoice-to-dataverse")
	b.empty(t, "account-to-fno")
	b.empty(t, "events/Subscriptions/unrouted")
}

// Bodies of all sizes, many times what one batch of 256 KB takes.
func TestPublishedSizesArrive(t *testing.T) {
	ctx, b := newBus(t)
	base := parse(t, "fo-be-02-sales-invoice-posted")[0]
	var events []ce.Event
	sizes := map[string]int{}
	for i, size := range []int{0, 1, 1000, 100_000, 100_000, 100_000, event.MaxInline - 1, event.MaxInline, event.MaxInline + 1, 240 << 10, 1 << 20, 5} {
		e := base.Clone()
		e.SetID(fmt.Sprint("e", i))
		e.DataEncoded = bytes.Repeat([]byte{'x'}, size)
		events = append(events, e)
		sizes[e.ID()] = size
	}
	for i, err := range b.publisher(ctx, t).Publish(ctx, events) {
		if err != nil {
			t.Errorf("%s, %d bytes: %v", events[i].ID(), sizes[events[i].ID()], err)
		}
	}
	for _, m := range receive(ctx, t, b.queue(t, "invoice-to-dataverse"), len(events)) {
		size := len(m.Body)
		if ref, ok := m.ApplicationProperties[event.DataRefProperty].(string); ok {
			size = len(b.claims.bodies[ref])
		}
		if size != sizes[m.MessageID] {
			t.Errorf("%s has %d bytes, want %d", m.MessageID, size, sizes[m.MessageID])
		}
	}
	if len(b.claims.bodies) != 3 {
		t.Errorf("%d bodies went to the claim check", len(b.claims.bodies))
	}
}

// One event that the broker itself refuses, by its properties, among ten that it takes.
func TestRefusedEventLeavesItsNeighbours(t *testing.T) {
	ctx, b := newBus(t)
	base := parse(t, "fo-be-02-sales-invoice-posted")[0]
	var events []ce.Event
	for i := range 10 {
		e := base.Clone()
		e.SetID(fmt.Sprint("e", i))
		events = append(events, e)
	}
	events[4].SetExtension("traceparent", strings.Repeat("x", 300<<10))
	errs := b.publisher(ctx, t).Publish(ctx, events)
	for i, err := range errs {
		if (err != nil) != (i == 4) {
			t.Errorf("event %d: %v", i, err)
		}
	}
	if f := fault.Of(errs[4]); f == nil || f.Kind != fault.Permanent || f.Reason != "too-large" {
		t.Errorf("got %v", errs[4])
	}
	receive(ctx, t, b.queue(t, "invoice-to-dataverse"), 9)
	b.empty(t, "invoice-to-dataverse")
}

// The Send right is revoked and given back while the publisher has a link open: nothing is lost, and the publisher needs
// no restart.
func TestPublisherOutlivesRevocation(t *testing.T) {
	ctx, b := newBus(t)
	p := b.publisher(ctx, t)
	parker := event.NewParker(b.client, "dataverse-events", b.claims)
	t.Cleanup(func() { parker.Close(context.WithoutCancel(ctx)) })
	events := parse(t, "fo-be-02-sales-invoice-posted", "dv-rec-01-create-account")
	publish := func(kind fault.Kind) {
		t.Helper()
		errs := p.Publish(ctx, events)
		_, err := parker.Park(ctx, []byte("unreadable"), "")
		for _, err := range append(errs, err) {
			if fault.KindOf(err) != kind {
				t.Errorf("got %v, want %s", err, kind)
			}
		}
	}
	publish(fault.None)
	for range 3 {
		b.Faults().RevokeSend(true)
		publish(fault.Misconfigured)
		publish(fault.Misconfigured)
		b.Faults().RevokeSend(false)
		publish(fault.None)
	}
	receive(ctx, t, b.queue(t, "invoice-to-dataverse"), 1)
	b.empty(t, "invoice-to-dataverse")
	receive(ctx, t, b.queue(t, "dataverse-events"), 4)
}

// What nobody can read comes to the ingress queue byte for byte, an empty body too.
func TestParkedBodiesArrive(t *testing.T) {
	ctx, b := newBus(t)
	p := event.NewParker(b.client, "dataverse-events", b.claims)
	t.Cleanup(func() { p.Close(context.WithoutCancel(ctx)) })
	want := []string{"", "{unreadable", "\x00\xff"}
	for _, body := range want {
		if _, err := p.Park(ctx, []byte(body), "application/octet-stream"); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, m := range receive(ctx, t, b.queue(t, "dataverse-events"), len(want)) {
		got = append(got, string(m.Body))
		if *m.ContentType != "application/octet-stream" {
			t.Errorf("content type %s", *m.ContentType)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A topic that isn't there is our fault, not the event's.
func TestPublishToNowhere(t *testing.T) {
	ctx, b := newBus(t)
	p := event.NewPublisher(b.client, "no-such-topic", b.topology.Routes, b.claims)
	for _, err := range p.Publish(ctx, parse(t, "fo-be-02-sales-invoice-posted")) {
		if fault.KindOf(err) != fault.Misconfigured {
			t.Errorf("got %v", err)
		}
	}
	b.Close()
	for _, err := range b.publisher(ctx, t).Publish(ctx, parse(t, "fo-be-02-sales-invoice-posted")) {
		if fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("got %v", err)
		}
	}
}
