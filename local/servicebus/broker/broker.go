package broker

import (
	"sync"
	"time"
)

// Options are what a broker may be told. The zero value is a broker on the system clock with the limits of tier
// Standard.
type Options struct {
	// Now is the clock; it's called under the broker's lock, so it must be quick and mustn't call the broker.
	Now func() time.Time
	// MaxMessageSize is the limit of one message in bytes, [DefaultMaxMessageSize] when zero.
	MaxMessageSize int
	// Journal is told of every change, nil for nobody: the broker then lives in memory only. Codec goes with it.
	Journal Journal
	Codec   Codec
}

// Broker is one namespace. All methods may be called from several goroutines.
type Broker struct {
	mu             sync.Mutex
	now            func() time.Time
	maxMessageSize int
	entities       map[string]*entity // by folded address, sub-queues included
	timers         heap               // every message that something is due for
	numbered       map[uint32]*entity // the same, by their numbers in the journal
	lastNumber     uint32
	recorder       *recorder // nil without a journal
	codec          Codec

	// Collected under the lock, called after it's released.
	awake         map[*entity]struct{}
	awakeSessions map[*session]struct{}
	deadlineMoved bool
	onDeadline    []func()
}

// New returns an empty namespace.
func New(o Options) *Broker {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxMessageSize == 0 {
		o.MaxMessageSize = DefaultMaxMessageSize
	}
	return &Broker{
		now:            o.Now,
		maxMessageSize: o.MaxMessageSize,
		entities:       map[string]*entity{},
		timers:         newTimerHeap(),
		awake:          map[*entity]struct{}{},
		awakeSessions:  map[*session]struct{}{},
		numbered:       map[uint32]*entity{},
		recorder:       newRecorder(o),
		codec:          o.Codec,
	}
}

// MaxMessageSize is the limit of one message in bytes, which the wire layer tells a sender.
func (b *Broker) MaxMessageSize() int { return b.maxMessageSize }

// begin takes the lock and does what is due; every public method calls it first and defers [Broker.end].
func (b *Broker) begin() (now time.Time) {
	b.mu.Lock()
	now = b.now()
	for e := b.timers.first(); e != nil && !e.due.After(now); e = b.timers.first() {
		e.home.fallDue(e, now)
	}
	return now
}

// end releases the lock and then calls who waits for what happened under it.
func (b *Broker) end() {
	b.recorder.seal()
	var calls []func()
	if b.deadlineMoved {
		b.deadlineMoved = false
		calls = append(calls, b.onDeadline...)
	}
	for t := range b.awake {
		for _, f := range t.watchers {
			calls = append(calls, *f)
		}
	}
	for s := range b.awakeSessions {
		for _, f := range s.watchers {
			calls = append(calls, *f)
		}
	}
	clear(b.awake)
	clear(b.awakeSessions)
	b.mu.Unlock()
	for _, f := range calls {
		f()
	}
}

// Advance does everything that is due: scheduled messages become active, locks and lives expire, pauses end. It
// returns when the next such thing is due; ok is false when nothing is.
func (b *Broker) Advance() (next time.Time, ok bool) {
	b.begin()
	defer b.end()
	b.deadlineMoved = false // the caller is just being told
	for _, t := range b.entities {
		t.history.forget(b.now())
	}
	if e := b.timers.first(); e != nil {
		return e.due, true
	}
	return time.Time{}, false
}

// OnDeadline has f called, without any lock held, when the next thing due may have come nearer, so that the driver
// of [Broker.Advance] arms its timer anew.
func (b *Broker) OnDeadline(f func()) {
	b.begin()
	defer b.end()
	b.onDeadline = append(b.onDeadline, f)
}

// Watch has f called when messages may have become available at an address, and when the entity's status changes or
// the entity goes. f is called without any lock held, from whatever goroutine caused it; several reasons may come as
// one call, and one may still be under way when cancel returns. It isn't called for what is available already.
func (b *Broker) Watch(address string, f func()) (cancel func(), err error) {
	b.begin()
	defer b.end()
	t, err := b.find(address)
	if err != nil {
		return nil, err
	}
	if t.kind == kindTopic {
		return nil, t.refuse(ErrNotAllowed)
	}
	w := &f
	t.watchers = append(t.watchers, w)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for i := range t.watchers {
			if t.watchers[i] == w {
				t.watchers = append(t.watchers[:i:i], t.watchers[i+1:]...)
				return
			}
		}
	}, nil
}
