package receive

import (
	"context"
	"mime"
	"sync"
	"time"

	ce "github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/shared/customhandler"
	"crosswalk/shared/event"
	"crosswalk/shared/fault"
	"crosswalk/shared/telemetry"
)

// Publisher puts events on the topic and returns one error per event, nil where the event is durable.
type Publisher interface {
	Publish(ctx context.Context, events []ce.Event) []error
}

// Queue settles messages of the queue by their lock tokens.
type Queue interface {
	Complete(ctx context.Context, token [16]byte) error
	DeadLetter(ctx context.Context, token [16]byte, reason, description string) error
}

// Bodies gives back bodies that were too large for their message.
type Bodies interface {
	Get(ctx context.Context, ref string) ([]byte, error)
}

// The bounds of a batch. An ingress queue's lock lasts five minutes and isn't renewed for batches.
const (
	publishWithin = 2 * time.Minute // reading and publishing
	settleWithin  = 3 * time.Minute // all
	workers       = 16              // messages that are fetched or settled at once
	lastPanic     = 3               // the delivery from which a panic dead-letters
)

// Batch is the handler of a function that receives from an ingress queue, many messages at a time.
type Batch struct {
	Publisher Publisher
	Queue     Queue
	Bodies    Bodies
	// Routes names the functions that ask for an event; the log shows them.
	Routes func(eventType, source string) []string
	Log    telemetry.Log
	Now    func() time.Time
}

// item is one message on its way.
type item struct {
	customhandler.Message
	parsed event.Parsed
	errs   []error // per event: why it isn't on the topic
	err    error   // why there are no events, or none from a part of the body
	// partial says that part of the body could be read: its events are published, and the message is dead-lettered for
	// the rest.
	partial bool
}

// Handle publishes the messages' events and settles every message by itself. It always returns: a message that it could
// not deal with is left to the end of its lock.
func (b *Batch) Handle(ctx context.Context, messages []customhandler.Message) {
	start := b.Now()
	// When the host hangs up, the locks stay with this batch: finishing it saves all its messages a second delivery.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	publishing, stop := context.WithTimeout(ctx, publishWithin)
	defer stop()

	items := make([]item, len(messages))
	each(len(items), func(i int) {
		items[i].Message = messages[i]
		if err := guard(func() { items[i].parsed, items[i].err = b.read(publishing, messages[i]) }); err != nil {
			items[i].err = err
		}
		items[i].partial = items[i].err != nil && len(items[i].parsed.Events) > 0
	})
	b.publish(publishing, items)
	each(len(items), func(i int) {
		if err := guard(func() { b.settle(ctx, &items[i], start) }); err != nil {
			b.report(&items[i], start, telemetry.Abandoned, err)
		}
	})
}

// read returns the events of one message.
func (b *Batch) read(ctx context.Context, m customhandler.Message) (event.Parsed, error) {
	body := m.Body
	if ref, _ := m.Properties[event.DataRefProperty].(string); ref != "" && len(body) == 0 { // else somebody mended it
		var err error
		if body, err = b.Bodies.Get(ctx, ref); err != nil {
			return event.Parsed{}, err
		}
	}
	return event.Parse(body)
}

// publish sends the events of all messages together. Should that panic, it goes message by message, so that only the one
// at fault stays behind.
func (b *Batch) publish(ctx context.Context, items []item) {
	var all []ce.Event
	for i := range items {
		all = append(all, items[i].parsed.Events...)
	}
	if len(all) == 0 {
		return
	}
	var errs []error
	if guard(func() { errs = b.Publisher.Publish(ctx, all) }) == nil {
		for i := range items {
			n := len(items[i].parsed.Events)
			items[i].errs, errs = errs[:n:n], errs[n:]
		}
		return
	}
	for i := range items {
		if it := &items[i]; len(it.parsed.Events) > 0 {
			if err := guard(func() { it.errs = b.Publisher.Publish(ctx, it.parsed.Events) }); err != nil {
				it.err = err
			}
		}
	}
}

// settle completes, dead-letters or leaves one message, and reports it.
func (b *Batch) settle(ctx context.Context, it *item, start time.Time) {
	for i, err := range it.errs {
		if err == nil {
			b.published(it, it.parsed.Events[i], start)
		}
	}
	failure := it.failure()
	switch {
	case failure == nil:
		if it.parsed.Tests > 0 {
			r := it.record(b.Now().Sub(start), telemetry.NothingToDo)
			r.Why = testEvent
			b.Log(r)
		}
		if err := b.Queue.Complete(ctx, it.LockToken); err != nil {
			b.report(it, start, telemetry.Abandoned, unsettled("completed", err))
		}
	case failure.Kind == fault.Permanent, failure.Reason == panicked && it.DeliveryCount >= lastPanic:
		if err := b.Queue.DeadLetter(ctx, it.LockToken, failure.Reason, describe(failure, it.ContentType)); err != nil {
			b.report(it, start, telemetry.Abandoned, unsettled("dead-lettered", err))
			return
		}
		b.report(it, start, telemetry.DeadLettered, failure)
	default:
		b.report(it, start, telemetry.Abandoned, failure)
	}
}

// failure returns what keeps the message from being completed, nil if nothing does. A failure that will pass wins over
// one that won't: as long as any event may still get through, the message is kept.
func (it *item) failure() *fault.Error {
	permanent := fault.Of(it.err)
	if permanent != nil && permanent.Kind != fault.Permanent {
		return permanent
	}
	for _, err := range it.errs {
		switch f := fault.Of(err); {
		case f == nil:
		case f.Kind == fault.Permanent:
			permanent = f
		default:
			return f
		}
	}
	return permanent
}

// unsettled is the fault of a message that was dealt with but is still the broker's to deliver.
func unsettled(verb string, err error) *fault.Error {
	return &fault.Error{Kind: fault.Transient, Reason: "not-settled", Err: err,
		Detail: "the message could not be " + verb + "; it is delivered again when its lock ends, and what was published is dropped as a duplicate"}
}

// describe returns the dead letter's description.
func describe(f *fault.Error, contentType string) string {
	description := f.Detail
	if f.Field != "" {
		description = f.Field + ": " + description
	}
	if media, _, _ := mime.ParseMediaType(contentType); f.Reason == "malformed-json" && (media == "application/msbin1" || media == "application/xml") {
		description += "; the content type is " + media + ": set the service endpoint's message format to JSON"
	}
	return description
}

const testEvent = "test-event"

func (it *item) record(took time.Duration, outcome string) telemetry.Record {
	return telemetry.Record{
		Function: it.Function, Invocation: it.Invocation, Event: it.MessageID, Outcome: outcome, Attempt: it.DeliveryCount, Took: took,
	}
}

func (b *Batch) published(it *item, e ce.Event, start time.Time) {
	r := it.record(b.Now().Sub(start), telemetry.Published)
	r.Event, r.Type, r.Routes = e.ID(), e.Type(), b.Routes(e.Type(), e.Source())
	b.Log(r)
}

func (b *Batch) report(it *item, start time.Time, outcome string, f *fault.Error) {
	r := it.record(b.Now().Sub(start), outcome)
	if !it.partial && len(it.parsed.Events) == 1 {
		r.Event, r.Type = it.parsed.Events[0].ID(), it.parsed.Events[0].Type()
	}
	b.Log(withFault(r, f))
}

// each calls f with 0 to n-1, a bounded number at once, and returns when all have returned.
func each(n int, f func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, workers)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	wg.Wait()
}
