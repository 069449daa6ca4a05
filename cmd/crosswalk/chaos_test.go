package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"crosswalk/local/feed"
	"crosswalk/local/functionshost"
	"crosswalk/local/systems/rows"
	"crosswalk/local/systems/traffic"
	"crosswalk/shared/topology"
)

// How much a round of chaos holds.
const (
	chaosInvoices = 8
	chaosAccounts = 8
	chaosVersions = 5                     // of each record, per round
	chaosKills    = 2                     // per host: after the third crash within 30 minutes it stops itself, as Azure's does
	chaosFaults   = 6                     // per system and round
	chaosLate     = 4                     // writes per round that take effect late
	chaosLateness = 3 * time.Second       // longer than CLIENT_TIMEOUT, shorter than LINK_MARGIN
	chaosPause    = 40 * time.Millisecond // between two steps, at most
	chaosRevoked  = 3 * time.Second       // how long the Send right is gone
)

// TestChaos sends invoices and changes of accounts through the real stack, twice and out of order, while the handler is
// killed, the systems misbehave and the Send right is revoked, and looks at what is left: nothing is lost, no record is
// there twice, no older value ever stood over a newer one, and what was written again is within the promise.
//
// CROSSWALK_CHAOS_ROUNDS is how many rounds there are (1), each on a new host; CROSSWALK_CHAOS_SEED repeats a run's choices.
func TestChaos(t *testing.T) {
	rounds, seed := number(t, "CROSSWALK_CHAOS_ROUNDS", 1), uint64(number(t, "CROSSWALK_CHAOS_SEED", int(time.Now().UnixNano()>>10)))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to repeat its choices: CROSSWALK_CHAOS_SEED=%d CROSSWALK_CHAOS_ROUNDS=%d", seed, rounds)
		}
	})
	c := newChaos(t, seed)
	for round := range rounds {
		if round > 0 {
			c.restart()
		}
		c.round()
	}
	c.f.Stack.Systems.Dataverse().Heal()
	c.f.Stack.Systems.FnO().Heal()
	quiet(t, c.f)
	c.check()
}

func ingress(t *testing.T, f *feed.Feed) *feed.Ingress {
	t.Helper()
	in, err := feed.NewIngress(f.Stack)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(context.Background()) })
	return in
}

func send(t *testing.T, how func(context.Context, feed.Message, time.Time) error, m feed.Message, at time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := how(ctx, m, at); err != nil {
		t.Fatal(err)
	}
}

// changed gives an account its version and returns the event of it.
func changed(t *testing.T, f *feed.Feed, s *feed.Subject, event int) feed.Message {
	t.Helper()
	m, err := s.Changed(f.Stack, event)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is no number above zero", variable)
	}
	return n
}

// chaosSettings are the feed's, with so many short attempts that no fault here can use them up, and less patience than the
// Send right is gone. The patience is still long enough that no message burns its ten deliveries meanwhile.
func chaosSettings() map[string]string {
	settings := feed.Settings()
	settings["SETTLE_ATTEMPTS"], settings["SETTLE_MAX_DELAY"], settings["SETTLE_COPY_PATIENCE"] = "40", "3s", "2s"
	return settings
}

type kill struct {
	moment    string // request, before or after (a write takes effect)
	countdown int    // moments to let pass
}

type chaos struct {
	t        *testing.T
	f        *feed.Feed
	rng      *rand.Rand
	ingress  *feed.Ingress
	invoices []*feed.Subject
	accounts []*feed.Subject
	existing int // CustomersV3 rows before the start
	events   int
	outbox   []feed.Message // waits for the Send right
	sends    bool

	mu       sync.Mutex
	host     *functionshost.Host
	pending  []kill
	kills    int
	late     int      // writes to come that take effect late
	doubtful []string // paths of writes whose caller got no answer
}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	c := &chaos{t: t, f: startFeed(t, chaosSettings()), rng: rand.New(rand.NewPCG(seed, 0)), sends: true}
	c.ingress = ingress(t, c.f)
	dataverse, fno := c.f.Stack.Systems.Dataverse(), c.f.Stack.Systems.FnO()
	c.existing = len(fno.Rows("CustomersV3"))
	for i := range chaosInvoices {
		c.invoices = append(c.invoices, &feed.Subject{Number: fmt.Sprintf("CHAOS-%d", i)})
	}
	for i := range chaosAccounts {
		a := &feed.Subject{Number: fmt.Sprintf("CHAOS-%d", i), ID: fmt.Sprintf("c4a05000-0000-4000-8000-%012d", i)}
		if i < 2 { // both systems have these already
			a.Number = fmt.Sprintf("US-%03d", 5+i)
			row, ok := dataverse.Row("account", a.Number)
			if !ok {
				t.Fatalf("the start data has no account %s", a.Number)
			}
			a.ID = row.Key
		}
		c.accounts = append(c.accounts, a)
	}
	c.host = c.f.Stack.Host()
	for _, control := range []*traffic.Control{dataverse.Control, fno.Control} {
		control.OnRequest(func(*http.Request) { c.strike("request") })
		control.OnBeforeCommit(func(traffic.Write) { c.strike("before"); c.tarry() })
		control.OnAfterCommit(func(traffic.Write) { c.strike("after") })
	}
	return c
}

func (c *chaos) upTo(d time.Duration) time.Duration { return time.Duration(c.rng.Int64N(int64(d))) }

// strike kills the handler if the next kill waits for this moment.
func (c *chaos) strike(moment string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) == 0 || c.pending[0].moment != moment {
		return
	}
	if c.pending[0].countdown--; c.pending[0].countdown > 0 {
		return
	}
	c.pending[0].countdown = 1 // if the handler is gone already, the next such moment
	c.kill()
}

// tarry lets a write take effect when its caller has given up.
func (c *chaos) tarry() {
	c.mu.Lock()
	late := c.late > 0
	if late {
		c.late--
	}
	c.mu.Unlock()
	if late {
		<-time.After(chaosLateness)
	}
}

func restart(t *testing.T, f *feed.Feed) {
	t.Helper()
	if err := f.Stack.Host().Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Stack.StartHost(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// restart replaces the host while messages are under way, as a deployment does.
func (c *chaos) restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	restart(c.t, c.f)
	c.host = c.f.Stack.Host()
	c.kills++ // what is under way ends as by a kill
}

// plan returns a round's steps in random order.
func (c *chaos) plan() (steps []func()) {
	add := func(n int, step func()) {
		for range n {
			steps = append(steps, step)
		}
	}
	for _, i := range c.invoices {
		add(chaosVersions, func() { c.post(i) })
	}
	for _, a := range c.accounts {
		add(chaosVersions, func() { c.change(a) })
	}
	add(chaosFaults, func() { c.f.Stack.Systems.Dataverse().Inject(c.fault()) })
	add(chaosFaults, func() { c.f.Stack.Systems.FnO().Inject(c.fault()) })
	add(chaosLate, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.late++
	})
	add(chaosKills, c.arm)
	c.rng.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	return steps
}

// round takes a round's steps, and revokes the Send right before one of them. It ends when every kill has struck.
func (c *chaos) round() {
	steps := c.plan()
	revoke := c.rng.IntN(len(steps))
	var restore <-chan time.Time
	for i, step := range steps {
		if i == revoke {
			c.f.Stack.Broker.Faults().RevokeSend(true)
			c.sends, restore = false, time.After(chaosRevoked)
		}
		select {
		case <-restore:
			c.restore()
		case <-time.After(c.upTo(chaosPause)):
		case <-c.t.Context().Done():
			c.t.Fatal(c.t.Context().Err())
		}
		step()
	}
	if !c.sends {
		<-restore
		c.restore()
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for c.strikeNow() {
		<-tick.C // until there is a handler to kill; the test's own time-out ends this
	}
	c.note(c.f.Stack.Systems.Dataverse().Control)
	c.note(c.f.Stack.Systems.FnO().Control)
}

// arm lets the handler be killed at a moment to come.
func (c *chaos) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, kill{[]string{"request", "before", "after"}[c.rng.IntN(3)], 1 + c.rng.IntN(8)})
}

// strikeNow does the next of the kills that never found their moment, and says whether there was one.
func (c *chaos) strikeNow() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) == 0 {
		return false
	}
	c.kill()
	return true
}

// kill does the next kill, if there is a handler to kill. The caller holds the lock.
func (c *chaos) kill() {
	if c.host.KillHandler() == nil {
		c.pending = c.pending[1:]
		c.kills++
	}
}

// post announces an invoice's next version, perhaps twice, up to a second later.
func (c *chaos) post(i *feed.Subject) {
	i.Version++
	c.events++
	c.send(i.Posted(c.events))
}

// change gives an account its next version in Dataverse and announces it.
func (c *chaos) change(a *feed.Subject) {
	a.Version++
	c.events++
	c.send(changed(c.t, c.f, a, c.events))
}

// send sends a message that comes up within a second, now and then two of them, now and then one more past the topic, some
// seconds later.
func (c *chaos) send(m feed.Message) {
	c.f.Ledger.Expect(m.Pair)
	if !c.sends {
		c.outbox = append(c.outbox, m)
		return
	}
	for range 1 + c.rng.IntN(5)/3 {
		send(c.t, c.ingress.SendAt, m, time.Now().Add(c.upTo(time.Second)))
	}
	if c.rng.IntN(4) == 0 {
		send(c.t, c.ingress.ResubmitAt, m, time.Now().Add(c.upTo(6*time.Second)))
	}
}

func (c *chaos) restore() {
	c.f.Stack.Broker.Faults().RevokeSend(false)
	c.sends = true
	for _, m := range c.outbox {
		c.send(m)
	}
	c.outbox = nil
}

const chaosBusy = `{"error":{"code":"","message":"busy"}}`

// fault is one misbehaviour, of one to three requests.
func (c *chaos) fault() traffic.Fault {
	reads := func(r *http.Request) bool { return !traffic.Writes(r) }
	all := []traffic.Fault{
		{Match: traffic.Writes, Answer: traffic.JSON(http.StatusTooManyRequests, time.Second, chaosBusy)},
		{Match: reads, Answer: traffic.JSON(http.StatusTooManyRequests, time.Second, chaosBusy)},
		{Answer: traffic.Busy()},
		{Match: traffic.Writes, Cut: true, AfterEffect: true},
		{Match: traffic.Writes, Cut: true},
		{Match: reads, Cut: true},
		{Delay: c.upTo(time.Second)},
		{Match: traffic.Writes, Delay: chaosLateness, AfterEffect: true}, // it stands, and nobody knows
	}
	f := all[c.rng.IntN(len(all))]
	f.Times = 1 + c.rng.IntN(3)
	return f
}

// note keeps the writes of which the caller got no answer: each may be repeated once.
func (c *chaos) note(control *traffic.Control) {
	for _, r := range control.Requests() {
		if r.Method != http.MethodGet && r.Status == 0 {
			c.doubtful = append(c.doubtful, r.Path)
		}
	}
	control.ClearRequests()
}

// quiet waits until every event has its end and the broker holds nothing more.
func quiet(t *testing.T, f *feed.Feed) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	for {
		changed := f.Ledger.Changed()
		open := f.Ledger.Open()
		if len(open) == 0 {
			break
		}
		select {
		case <-changed:
		case <-f.Stack.Host().Done():
			t.Fatal("the Functions host stopped itself: ", f.Stack.Host().Err())
		case <-ctx.Done():
			noDeadLetters(t, f)
			t.Fatalf("lost: %v; %v", open, f.Leftovers(ctx))
		}
	}
	for _, left := range f.Leftovers(ctx) {
		t.Error(left)
	}
}

// check looks at what is left.
func (c *chaos) check() {
	t := c.t
	dataverse, fno := c.f.Stack.Systems.Dataverse(), c.f.Stack.Systems.FnO()
	c.note(dataverse.Control)
	c.note(fno.Control)
	noDeadLetters(t, c.f)
	if n := len(dataverse.Rows("invoice")); n != chaosInvoices {
		t.Errorf("%d invoices in Dataverse, wanted %d", n, chaosInvoices)
	}
	if n := len(fno.Rows("CustomersV3")) - c.existing; n != chaosAccounts-2 {
		t.Errorf("%d new customers in F&O, wanted %d", n, chaosAccounts-2)
	}
	repeats := 0
	for _, i := range c.invoices {
		row, ok := dataverse.Row("invoice", i.Number, "usmf")
		if !ok {
			t.Errorf("no invoice %s", i.Number)
			continue
		}
		repeats += c.checkHistory("invoice "+i.Number, row.Key, i.Version, dataverse.History("invoice", row.Key), feed.InvoiceVersion)
	}
	for _, a := range c.accounts {
		repeats += c.checkHistory("customer "+a.Number, "'"+a.Number+"'", a.Version, fno.History("CustomersV3", "usmf", a.Number), feed.CustomerVersion)
	}
	t.Logf("%d events, %d kills, %d writes without an answer, %d identical repeats, %+v", c.events, c.kills, len(c.doubtful), repeats, c.f.Ledger.Summary())
}

func noDeadLetters(t *testing.T, f *feed.Feed) {
	t.Helper()
	top := topology.Default()
	var addresses []string
	for _, in := range top.Ingress {
		addresses = append(addresses, in.Queue)
	}
	for _, fn := range top.Functions {
		addresses = append(addresses, fn.Name)
	}
	for _, address := range append(addresses, top.Topic.Name+"/Subscriptions/"+top.Topic.Unrouted) {
		counts, err := f.Stack.Broker.Broker().Counts(address)
		if err != nil {
			t.Fatal(err)
		}
		if counts.DeadLetter+counts.TransferDeadLetter+counts.Active > 0 {
			t.Errorf("%s: %+v", address, counts)
		}
	}
}

// checkHistory holds that a row's versions only rise and end with the newest, and that no more identical writes follow each
// other than the promise allows: one per kill, and one per write that got no answer. It returns how many did.
func (c *chaos) checkHistory(what, key string, newest int, history []rows.Row, versionOf func([]byte) (int, error)) (repeats int) {
	allowed := c.kills
	for _, path := range c.doubtful {
		if strings.Contains(path, key) || !strings.Contains(path, "(") { // a POST doesn't name its row
			allowed++
		}
	}
	last := 0
	var versions []int
	for _, row := range history {
		version, err := versionOf(row.JSON)
		if err != nil {
			c.t.Errorf("%s: %v", what, err)
			return repeats
		}
		versions = append(versions, version)
		switch {
		case version < last:
			c.t.Errorf("%s: version %d was written over %d", what, version, last)
		case version == last:
			repeats++
		}
		last = version
	}
	if last != newest || repeats > allowed {
		c.t.Errorf("%s: its versions were %v, wanted %d at the end and at most %d repeats", what, versions, newest, allowed)
	}
	return repeats
}
