package feed

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/stack"
	"crosswalk/shared/event"
	"crosswalk/shared/telemetry"
)

// The burst: events that wait in the ingress queue before the host starts. Nothing asks for them, so what they show is
// the way from the queue to the topic.
const (
	BurstEvents   = 1000
	burstFunction = "receive-fno-event"
)

// InBurst reports whether an event is one of the burst, of which there are too many to show each.
func InBurst(event string) bool { return strings.HasPrefix(event, guid(burstKind, 0)[:8]) }

// Settings returns the app settings of a feed: the product's own numbers scaled down to what a minute can show. The
// relations between them hold as the settings demand.
func Settings() map[string]string {
	return map[string]string{
		"SETTLE_FIRST_DELAY": "500ms",
		"LINK_CLAIM":         "9s",
		"LINK_MARGIN":        "4s",
		"CLIENT_TIMEOUT":     "2s",
	}
}

// Case is something sent, and what shall become of it. Cases are the rows of the README's table of bad input, part of
// `crosswalk run`, and tests.
type Case struct {
	// Name says what is sent.
	Name string
	// InRun cases are fed by `crosswalk run`; the others take longer than its minute.
	InRun bool
	// Alone cases start after everything before them has ended, and end before anything after them starts.
	Alone bool
	// Status is the HTTP status that the webhook's sender shall get; 0 where nothing goes through the webhook.
	Status int
	// Wants are the ends, one for each event that Send returns, in the same order.
	Wants []Want
	// Row says in words what stands in the target afterwards; Then checks it.
	Row string
	// Send sends it. It returns the id of each event sent and the webhook's status. An event whose id the sender can't know
	// is "": any end of that function with that reason stands for it.
	Send func(context.Context, *Feed) (sent []string, status int, err error)
	// Then looks at the systems' rows once all events have their end. Nil checks nothing more.
	Then func(context.Context, *Feed) error
	// Hint says why an event may have ended in another way than wanted, and what to do; "" where it doesn't know. Nil knows nothing.
	Hint func(*Feed, End) string
}

// Want is the wanted end of one event in one function.
type Want struct {
	Function, Outcome string
	// Why, Reason and Field are compared where they aren't empty.
	Why, Reason, Field string
}

// Feed sends cases to a stack.
type Feed struct {
	Stack  *stack.Stack
	Ledger *Ledger

	// Refused, where set, is told of each case that its sender was refused, since no line of the handler will.
	Refused func(name, how string)

	root    string
	client  *azservicebus.Client
	senders map[string]*azservicebus.Sender
	say     func(string, ...any)
	burst   int

	tokenText  string
	tokenUntil time.Time
}

// Report is what became of a feed.
type Report struct {
	Summary                       Summary
	BurstEvents, BurstInvocations int
	// FoundDone is how many events an earlier attempt had dealt with without hearing of it; see [End].
	FoundDone int
	// Problems name every case that didn't end as expected, every pair that was lost, and every message left behind.
	Problems []string
}

// Good reports whether nothing was lost and everything ended as expected.
func (r Report) Good() bool { return len(r.Problems) == 0 && r.Summary.Lost == 0 }

// New returns a feed for a stack. root is the checkout, whose flows' examples are fed.
func New(root string, s *stack.Stack, ledger *Ledger, say func(string, ...any)) (*Feed, error) {
	client, err := azservicebus.NewClientFromConnectionString(s.Broker.ConnectionString(), nil)
	if err != nil {
		return nil, err
	}
	return &Feed{Stack: s, Ledger: ledger, root: root, client: client, senders: map[string]*azservicebus.Sender{}, say: say}, nil
}

// Burst puts BurstEvents events into the ingress queue. The host must not have started.
func (f *Feed) Burst(ctx context.Context) error {
	f.say("sending %d events that will wait for the host", BurstEvents)
	sender, err := f.sender("fno-events")
	if err != nil {
		return err
	}
	batch, err := sender.NewMessageBatch(ctx, nil)
	if err != nil {
		return err
	}
	for i := range BurstEvents {
		body := freeTextInvoice(i)
		m := &azservicebus.Message{Body: body}
		err := batch.AddMessage(m, nil)
		if err == azservicebus.ErrMessageTooLarge { // the batch is full
			if err := sender.SendMessageBatch(ctx, batch, nil); err != nil {
				return err
			}
			if batch, err = sender.NewMessageBatch(ctx, nil); err != nil {
				return err
			}
			err = batch.AddMessage(m, nil)
		}
		if err != nil {
			return err
		}
		f.Ledger.Expect(Pair{guid(burstKind, i), Unrouted})
	}
	f.burst = BurstEvents
	return sender.SendMessageBatch(ctx, batch, nil)
}

// Run feeds the examples and the bad input and waits until everything has ended, at most for timeout.
func (f *Feed) Run(caller context.Context, timeout time.Duration) (Report, error) {
	ctx, cancel := context.WithTimeout(caller, timeout)
	defer cancel()
	report := Report{BurstEvents: f.burst}
	if err := f.awaitBurst(ctx); err != nil {
		report.Problems = append(report.Problems, err.Error())
	}
	report.BurstInvocations = f.Stack.Host().Invocations(burstFunction)
	cases, err := f.examples()
	if err != nil {
		return report, err
	}
	for _, c := range Cases() {
		if c.InRun {
			cases = append(cases, c)
		}
	}
	report.Problems = append(report.Problems, f.feed(ctx, cases)...)
	for _, p := range f.awaitClosed(ctx) {
		report.Problems = append(report.Problems, fmt.Sprintf("lost: event %s in %s has no end", p.Event, p.Function))
	}
	report.Problems = append(report.Problems, f.Leftovers(ctx)...)
	report.Summary, report.FoundDone = f.Ledger.Summary(), f.Ledger.FoundDone()
	return report, caller.Err() // a feed that runs out of time reports what is open, it doesn't fail
}

// feed sends the cases, those that needn't be alone without waiting for each other, and returns what is not as expected.
func (f *Feed) feed(ctx context.Context, cases []Case) (problems []string) {
	var pending []func() []string
	settleAll := func() {
		for _, settle := range pending {
			problems = append(problems, settle()...)
		}
		pending = nil
	}
	for _, c := range cases {
		if c.Alone {
			settleAll()
		}
		pending = append(pending, f.Start(ctx, c))
		if c.Alone {
			settleAll()
		}
	}
	settleAll()
	return problems
}

// Start sends a case. The function it returns waits for the ends and says what is not as expected.
func (f *Feed) Start(ctx context.Context, c Case) (settle func() (problems []string)) {
	known := f.Ledger.Pairs()
	sent, status, err := c.Send(ctx, f)
	if err == nil && status != c.Status {
		err = fmt.Errorf("the sender got status %d, wanted %d", status, c.Status)
	}
	if err == nil && len(sent) != len(c.Wants) {
		err = fmt.Errorf("%d events sent, %d ends wanted", len(sent), len(c.Wants))
	}
	if err != nil {
		return func() []string { return []string{fmt.Sprintf("%s: %v", c.Name, err)} }
	}
	if len(sent) == 0 && f.Refused != nil {
		f.Refused(c.Name, refusal(c))
	}
	for i, id := range sent {
		if id != "" {
			f.Ledger.Expect(Pair{id, c.Wants[i].Function})
		}
	}
	return func() (problems []string) {
		for i, id := range sent {
			if problem := c.Wants[i].unlike(f.await(ctx, Pair{id, c.Wants[i].Function}, known, c.Wants[i])); problem != "" {
				problem = fmt.Sprintf("%s: event %s in %s %s", c.Name, id, c.Wants[i].Function, problem)
				if c.Hint != nil {
					problem += c.Hint(f, f.Ledger.End(Pair{id, c.Wants[i].Function}))
				}
				problems = append(problems, problem)
				continue
			}
			if c.Wants[i].Outcome == telemetry.DeadLettered {
				if err := f.deadLettered(ctx, c.Wants[i], id); err != nil {
					problems = append(problems, fmt.Sprintf("%s: %v", c.Name, err))
				}
			}
		}
		if c.Then != nil && len(problems) == 0 {
			if err := c.Then(ctx, f); err != nil {
				problem := fmt.Sprintf("%s: %v", c.Name, err)
				if c.Hint != nil && len(sent) == 1 {
					problem += c.Hint(f, f.Ledger.End(Pair{sent[0], c.Wants[0].Function}))
				}
				problems = append(problems, problem)
			}
		}
		return problems
	}
}

func refusal(c Case) string {
	if c.Status != 0 {
		return fmt.Sprint(c.Status)
	}
	return "by the broker"
}

// unlike says how an end differs from the wanted one; "" where it doesn't. A delivery may have had no answer in time, as on a
// machine with too much to do: the next attempt then finds it done, and says so.
func (w Want) unlike(end End) string {
	switch {
	case end.Outcome == "":
		return "has no end"
	case w.Outcome == telemetry.Delivered && end.foundDone():
		return ""
	case w.Outcome == telemetry.Delivered && end.Outcome == telemetry.Delivered && end.Unanswered:
		w.Why = ""
	}
	for _, c := range []struct{ what, want, got string }{
		{"ended", w.Outcome, end.Outcome}, {"ended with why", w.Why, end.Why}, {"ended with reason", w.Reason, end.Reason}, {"ended with field", w.Field, end.Field},
	} {
		if c.want != "" && c.want != c.got {
			got := fmt.Sprintf("%q", c.got)
			if why := cmp.Or(end.Why, end.Reason); why != "" && why != c.got {
				got += " (" + strings.TrimSpace(why+" "+end.Field) + ")"
			}
			return fmt.Sprintf("%s %s, wanted %q", c.what, got, c.want)
		}
	}
	return ""
}

// await waits for a pair's end and returns it; the zero End when time ran out. For an event without an id it waits for a
// new end of that function with the wanted reason.
func (f *Feed) await(ctx context.Context, p Pair, known map[Pair]bool, w Want) End {
	for {
		changed := f.Ledger.Changed()
		if p.Event == "" {
			if end, ok := f.Ledger.find(p.Function, w.Reason, known); ok {
				return end
			}
		} else if end := f.Ledger.End(p); end.Outcome != "" {
			return end
		}
		select {
		case <-ctx.Done():
			return End{}
		case <-changed:
		}
	}
}

// awaitLine waits until the handler has logged this outcome of a pair.
func (f *Feed) awaitLine(ctx context.Context, l Line) error {
	for {
		changed := f.Ledger.Changed()
		if f.Ledger.Saw(Pair{l.Event, l.Function}, l.Outcome) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s never logged %q for event %s", l.Function, l.Outcome, l.Event)
		case <-changed:
		}
	}
}

func (f *Feed) awaitBurst(ctx context.Context) error {
	for i := range f.burst {
		if end := f.await(ctx, Pair{guid(burstKind, i), Unrouted}, nil, Want{}); end.Outcome != telemetry.NothingToDo {
			return fmt.Errorf("burst: event %d of %d did not reach the topic", i+1, f.burst)
		}
	}
	return nil
}

// awaitClosed waits until no pair is open and returns those that still are when time runs out.
func (f *Feed) awaitClosed(ctx context.Context) []Pair {
	for {
		changed := f.Ledger.Changed()
		open := f.Ledger.Open()
		if len(open) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return open
		case <-changed:
		}
	}
}

// idOf returns the id of the one event in a body, "" where there is none.
func idOf(body []byte) string {
	p, err := event.Parse(body)
	if err != nil || len(p.Events) != 1 {
		return ""
	}
	return p.Events[0].ID()
}

func (f *Feed) sender(queue string) (*azservicebus.Sender, error) {
	if s := f.senders[queue]; s != nil {
		return s, nil
	}
	s, err := f.client.NewSender(queue, nil)
	if err == nil {
		f.senders[queue] = s
	}
	return s, err
}

// Close closes the feed's own connection to the broker.
func (f *Feed) Close(ctx context.Context) error { return f.client.Close(ctx) }
