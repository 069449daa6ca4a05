package link_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"crosswalk/shared/fault"
	"crosswalk/shared/link"
	"crosswalk/shared/settle"

	"pgregory.net/rapid"
)

// TestModel lets workers play random histories: records come, change, go and come back; messages are doubled and reordered;
// workers crash, pause and lose answers between any two steps. Never a second row, never an older value over a newer one,
// never a deleted record back; at rest the target is what the source is. It plays a hundred histories of each kind;
// -rapid.checks=100000 makes it search for longer.
func TestModel(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		for name, event := range map[string]bool{"event flow": true, "row flow": false} {
			t.Run(name, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) { newModel(t, traits, event).play() })
			})
		}
	})
}

// model is one history.
type model struct {
	*world
	t     *rapid.T
	rand  *rand.Rand
	steps int
	event bool
	// trouble is how many of a hundred operations go wrong.
	trouble int
	keys    []string
	workers []*worker
	queue   []link.Change[wanted]
	zombies []zombie
	// live is the id of the source's record by key, value its last value; preset are keys that the target had before.
	live   map[string]string
	value  map[string]int
	preset map[string]bool
	serial int
	// troubles counts what may cause one identical repeat each.
	troubles int
	log      []string
}

// zombie is a write whose sender has given up, but which may yet take effect.
type zombie struct {
	do    func() error
	until time.Time
}

// verdict is what becomes of an operation.
type verdict int

const (
	done verdict = iota
	crashBefore
	crashAfter
	lostBefore
	lostAfter
	late
)

// worker runs one change in a goroutine that stops before each operation until the model says how that ends.
type worker struct {
	model   *model
	change  link.Change[wanted]
	asks    chan *ask
	answers chan verdict
	ends    chan ended
	at      *ask
	dead    bool
	// stalled is how many steps the others take before this worker goes on.
	stalled int
}

type ask struct {
	name  string
	write bool
	since time.Time
	do    func() error
}

type ended struct {
	outcome settle.Outcome
	err     error
}

var errUnknown = &fault.Error{Kind: fault.Transient, Reason: "outcome-unknown"}

// pass implements gate.
func (w *worker) pass(name string, write bool, do func() error) error {
	if w.dead {
		return errCrash
	}
	w.asks <- &ask{name, write, w.model.now, do}
	switch <-w.answers {
	case crashBefore:
		w.dead = true
		return errCrash
	case crashAfter:
		_ = do()
		w.dead = true
		return errCrash
	case lostBefore, late:
		return errUnknown
	case lostAfter:
		_ = do()
		return errUnknown
	}
	return do()
}

func newModel(t *rapid.T, traits link.Traits, event bool) *model {
	// Rapid's own draws favour small numbers, so that it can shrink them; the history itself needs an even hand.
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	m := &model{t: t, rand: random, steps: rapid.IntRange(1, 300).Draw(t, "steps")}
	m.steps = max(m.steps, random.IntN(300))
	m.world, m.event, m.trouble = newWorld(traits), event, random.IntN(6)
	m.live, m.value, m.preset = map[string]string{}, map[string]int{}, map[string]bool{}
	m.uniqueKeys, m.mayBeDirty = random.IntN(2) == 0, true
	m.keys = []string{"K", "L"}[:1+random.IntN(2)]
	for _, key := range m.keys {
		if random.IntN(4) == 0 {
			m.put("theirs-"+key, key, 0)
			m.preset[key] = true
		}
	}
	for range 2 + random.IntN(3) {
		m.workers = append(m.workers, &worker{model: m, asks: make(chan *ask), answers: make(chan verdict), ends: make(chan ended)})
	}
	return m
}

func (m *model) note(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf("%4.0fs ", m.now.Sub(start).Seconds())+fmt.Sprintf(format, args...))
}

// Fatalf fails the history and shows it.
func (m *model) Fatalf(format string, args ...any) {
	for _, line := range m.log {
		m.t.Log(line)
	}
	m.t.Fatalf(format, args...)
}

func (m *model) play() {
	defer m.stop()
	for range m.steps {
		switch n := m.rand.IntN(100); {
		case n < 6:
			m.user()
		case n < 16:
			m.start()
		case n < 20:
			m.pause([]time.Duration{time.Second, 50 * time.Second, 70 * time.Second, 125 * time.Second}[m.rand.IntN(4)])
		case n < 23:
			m.land()
		case n < 26:
			m.workers[m.rand.IntN(len(m.workers))].stalled = m.rand.IntN(20)
		default:
			m.step(m.verdict)
		}
		m.check()
	}
	m.drain()
}

// user changes the source: creates, updates or deletes a record of one of two keys.
func (m *model) user() {
	key := m.keys[m.rand.IntN(len(m.keys))]
	m.serial++
	id := m.live[key]
	change := link.Change[wanted]{ID: id, Version: version(m.serial)}
	switch {
	case id != "" && m.rand.IntN(4) == 0:
		change.Deleted = true
		delete(m.live, key)
		delete(m.source, id)
	default:
		if id == "" {
			id = fmt.Sprintf("r%d", m.serial)
			change.ID, m.live[key] = id, id
		}
		m.value[key] = m.serial*10 + m.rand.IntN(2) // of two contents
		m.source[id] = wanted{key, m.value[key]}
		change.Record = m.source[id]
	}
	m.note("user: %s %s %d deleted=%t", key, id, m.serial, change.Deleted)
	m.queue = append(m.queue, change)
}

// start gives a message to an idle worker; now and then the message stays in the queue as well.
func (m *model) start() {
	i := slices.IndexFunc(m.workers, func(w *worker) bool { return w.at == nil })
	if i < 0 || len(m.queue) == 0 {
		return
	}
	at := m.rand.IntN(len(m.queue))
	change := m.queue[at]
	if m.rand.IntN(5) > 0 {
		m.queue = slices.Delete(m.queue, at, at+1)
	}
	m.run(i, change)
}

func (m *model) run(i int, change link.Change[wanted]) {
	w := m.workers[i]
	w.change, w.dead = change, false
	m.note("worker %d: starts with %s of %s", i, change.Version.Event, change.ID)
	flow := m.flow(m.event, w)
	go func() {
		outcome, err := flow.Apply(m.t.Context(), change)
		w.ends <- ended{outcome, err}
	}()
	m.await(i)
}

// await waits until a worker asks for its next operation or ends.
func (m *model) await(i int) ended {
	w := m.workers[i]
	select {
	case w.at = <-w.asks:
		return ended{}
	case end := <-w.ends:
		w.at = nil
		m.note("worker %d: ends with %v %v", i, end.outcome.Why, end.err)
		if fault.KindOf(end.err) == fault.Permanent {
			m.Fatalf("refused for good: %v", end.err)
		}
		if end.err != nil {
			m.queue = append(m.queue, w.change)
		}
		return end
	}
}

func (m *model) busy() (busy []int) {
	for i, w := range m.workers {
		if w.at != nil {
			busy = append(busy, i)
		}
	}
	return busy
}

// verdict draws what becomes of an operation.
func (m *model) verdict(a *ask) verdict {
	rate := m.trouble
	if a.write {
		rate *= 4 // that is where it hurts
	}
	if m.rand.IntN(100) >= rate {
		return done
	}
	if !a.write {
		return []verdict{crashBefore, crashAfter}[m.rand.IntN(2)]
	}
	return []verdict{crashBefore, crashAfter, lostBefore, lostAfter, late}[m.rand.IntN(5)]
}

// step lets one busy worker do its next operation.
func (m *model) step(draw func(*ask) verdict) {
	busy := m.busy()
	if len(busy) == 0 {
		m.start()
		return
	}
	i := busy[m.rand.IntN(len(busy))]
	if w := m.workers[i]; w.stalled > 0 {
		w.stalled--
		return
	}
	m.answer(i, draw(m.workers[i].at))
}

func (m *model) answer(i int, v verdict) {
	a := m.workers[i].at
	m.note("worker %d: %s (%d)", i, a.name, v)
	if v != done {
		m.troubles++
	}
	if v == late {
		m.zombies = append(m.zombies, zombie{a.do, m.limit(a)})
	}
	m.workers[i].answers <- v
	m.await(i)
}

// forever is when a write that If-Match guards must have taken effect: at any time.
const forever = 1000 * time.Hour

// limit is when a write must have taken effect: within the margin, unless If-Match makes a late one harmless.
func (m *model) limit(a *ask) time.Time {
	if m.traits.IfMatch && a.name != "create target" {
		return a.since.Add(forever)
	}
	return a.since.Add(link.Defaults().Margin)
}

// pause moves the clock on. What must take effect before does so, or doesn't.
func (m *model) pause(by time.Duration) {
	then := m.now.Add(by)
	for _, i := range m.busy() {
		// Its next operation may be a write again.
		for a := m.workers[i].at; a != nil && a.write && m.limit(a).Before(then); a = m.workers[i].at {
			m.answer(i, []verdict{done, lostBefore, lostAfter}[m.rand.IntN(3)])
		}
	}
	for at := 0; at < len(m.zombies); {
		if m.zombies[at].until.Before(then) {
			m.landAt(at)
			continue
		}
		at++
	}
	for _, i := range m.busy() {
		m.troubles++
		m.workers[i].stalled = m.rand.IntN(2) * m.rand.IntN(15)
	}
	m.now = then
	m.note("the clock moves on")
}

// land lets a write take effect whose sender has given up.
func (m *model) land() {
	if len(m.zombies) > 0 {
		m.landAt(m.rand.IntN(len(m.zombies)))
	}
}

func (m *model) landAt(at int) {
	z := m.zombies[at]
	m.zombies = slices.Delete(m.zombies, at, at+1)
	if m.rand.IntN(4) > 0 {
		m.note("a late write: %v", z.do())
	}
}

// drain lets everything end without further trouble.
func (m *model) drain() {
	for len(m.busy()) > 0 {
		m.step(func(*ask) verdict { return done })
		m.check()
	}
	for rounds := 0; len(m.queue) > 0; rounds++ {
		if rounds > 400 {
			m.Fatalf("%d messages don't come to rest", len(m.queue))
		}
		at := m.rand.IntN(len(m.queue))
		change := m.queue[at]
		m.queue = slices.Delete(m.queue, at, at+1)
		m.run(0, change)
		for m.workers[0].at != nil {
			m.answer(0, done)
		}
		m.check()
		if len(m.queue) > 0 {
			m.pause(10 * time.Second)
		}
	}
	for len(m.zombies) > 0 {
		m.landAt(0)
		m.check()
	}
	got := m.rows(m)
	for key := range m.preset {
		if m.live[key] == "" && len(m.writes[key]) == 0 {
			delete(got, key) // its record went before anything reached the link
		}
	}
	want := map[string]int{}
	for key := range m.live {
		want[key] = content(m.value[key])
	}
	for key := range got {
		got[key] = content(got[key])
	}
	if !maps.Equal(got, want) {
		m.Fatalf("at rest the target holds %v, want %v; writes %v", got, want, m.writes)
	}
	if repeats := m.checkWrites(m); repeats > m.troubles {
		m.Fatalf("%d identical repeats after %d troubles: %v", repeats, m.troubles, m.writes)
	}
	m.checkBound()
}

// checkBound holds that what is live is bound properly.
func (m *model) checkBound() {
	for key := range m.preset {
		if len(m.writes[key]) == 0 {
			return
		}
	}
	m.checkLink(m)
}

func (m *model) check() {
	m.rows(m)
	m.checkWrites(m)
}

// stop ends the workers' goroutines.
func (m *model) stop() {
	for _, w := range m.workers {
		for w.at != nil {
			w.answers <- crashBefore
			select {
			case w.at = <-w.asks:
			case end := <-w.ends:
				if end.err != nil && !errors.Is(end.err, errCrash) {
					m.t.Log(end.err)
				}
				w.at = nil
			}
		}
	}
}
