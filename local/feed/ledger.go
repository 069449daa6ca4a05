package feed

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"crosswalk/shared/telemetry"
)

// Pair is one event in one function. Every pair has exactly one end.
type Pair struct{ Event, Function string }

// Unrouted stands for the function of an event that no function asked for: it ends in the subscription of that name.
const Unrouted = "unrouted"

// Line is what the handler logs about one message, as far as the ledger reads it.
type Line struct {
	Function string   `json:"function"`
	Event    string   `json:"event"`
	Type     string   `json:"type"`
	Outcome  string   `json:"outcome"`
	Why      string   `json:"why"`
	Reason   string   `json:"reason"`
	Field    string   `json:"field"`
	Detail   string   `json:"detail"`
	Routes   []string `json:"routes"`
	Attempt  int      `json:"attempt"`
	RetryMS  float64  `json:"retryMs"`
	MS       float64  `json:"ms"`
}

// ParseLine reads a line of the handler's log. ok is false where it isn't about a message.
func ParseLine(text string) (Line, bool) {
	var l Line
	if !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &l) != nil {
		return Line{}, false
	}
	return l, l.Outcome != "" && l.Function != ""
}

// End is how a pair ended.
type End struct {
	Outcome            string // telemetry.Delivered, NothingToDo or DeadLettered; "" while the pair is open
	Why, Reason, Field string
	At                 time.Time
	Repeats            int // further deliveries after the end; the link absorbs them
	// Unanswered is true where an attempt had no answer to a write, of the target or of the link: it may stand all the same.
	Unanswered bool
}

// foundDone reports whether an attempt found its work done by an earlier one that had no answer.
func (e End) foundDone() bool {
	return e.Unanswered && e.Outcome == telemetry.NothingToDo && (e.Why == "unchanged" || e.Why == "duplicate")
}

// Ledger counts what became of every event, from the lines that the handler writes. It is safe for concurrent use.
type Ledger struct {
	now func() time.Time

	mu      sync.Mutex
	pairs   map[Pair]*End
	seen    map[Pair][]string // every outcome logged, ends and others
	changed chan struct{}
}

// NewLedger returns an empty ledger.
func NewLedger(now func() time.Time) *Ledger {
	return &Ledger{now: now, pairs: map[Pair]*End{}, seen: map[Pair][]string{}, changed: make(chan struct{})}
}

// Expect opens pairs, so that an event that leaves no trace at all counts as lost.
func (l *Ledger) Expect(pairs ...Pair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range pairs {
		l.open(p)
	}
}

func (l *Ledger) open(p Pair) *End {
	if l.pairs[p] == nil {
		l.pairs[p] = &End{}
	}
	return l.pairs[p]
}

// Observe takes one line.
func (l *Ledger) Observe(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	here := Pair{line.Event, line.Function}
	l.seen[here] = append(l.seen[here], line.Outcome)
	switch line.Outcome {
	case telemetry.Published:
		for _, function := range line.Routes {
			l.open(Pair{line.Event, function})
		}
		if len(line.Routes) == 0 {
			l.end(Pair{line.Event, Unrouted}, Line{Outcome: telemetry.NothingToDo, Why: Unrouted})
		}
	case telemetry.Delivered, telemetry.NothingToDo, telemetry.DeadLettered:
		l.end(here, line)
	case telemetry.Retry:
		e := l.open(here)
		e.Unanswered = e.Unanswered || line.Reason == "outcome-unknown" || line.Reason == "link-unavailable"
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// end closes a pair. A message may be delivered again after its end: what counts is the strongest outcome, because a
// delivery stays a delivery when its surplus copy finds nothing to do.
func (l *Ledger) end(p Pair, line Line) {
	e := l.open(p)
	if e.Outcome != "" {
		e.Repeats++
		if strength(line.Outcome) <= strength(e.Outcome) {
			return
		}
	}
	e.Outcome, e.Why, e.Reason, e.Field, e.At = line.Outcome, line.Why, line.Reason, line.Field, l.now()
}

func strength(outcome string) int {
	return slices.Index([]string{"", telemetry.NothingToDo, telemetry.Delivered, telemetry.DeadLettered}, outcome)
}

// End returns a pair's end; the zero End while it is open or unknown.
func (l *Ledger) End(p Pair) End {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.pairs[p]; e != nil {
		return *e
	}
	return End{}
}

// Saw reports whether the handler has logged this outcome of a pair.
func (l *Ledger) Saw(p Pair, outcome string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.seen[p], outcome)
}

// Open returns the pairs without an end, sorted.
func (l *Ledger) Open() []Pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Pair
	for p, e := range l.pairs {
		if e.Outcome == "" {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Pair) int {
		return strings.Compare(a.Function+"\x00"+a.Event, b.Function+"\x00"+b.Event)
	})
	return out
}

// Pairs returns the pairs known so far.
func (l *Ledger) Pairs() map[Pair]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make(map[Pair]bool, len(l.pairs))
	for p := range l.pairs {
		out[p] = true
	}
	return out
}

// find returns the end of a pair of this function and reason that isn't among the known ones.
func (l *Ledger) find(function, reason string, known map[Pair]bool) (End, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, e := range l.pairs {
		if p.Function == function && e.Outcome != "" && e.Reason == reason && !known[p] {
			return *e, true
		}
	}
	return End{}, false
}

// Changed returns a channel that closes with the next line.
func (l *Ledger) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// FoundDone counts the pairs whose work an earlier attempt had done without hearing of it.
func (l *Ledger) FoundDone() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.pairs {
		if e.foundDone() {
			n++
		}
	}
	return n
}

// Summary counts pairs by their end.
type Summary struct{ Received, Delivered, NothingToDo, DeadLettered, Lost int }

// Summary returns the counts so far. A pair that is still open counts as lost.
func (l *Ledger) Summary() Summary {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Summary{Received: len(l.pairs)}
	for _, e := range l.pairs {
		switch e.Outcome {
		case telemetry.Delivered:
			s.Delivered++
		case telemetry.NothingToDo:
			s.NothingToDo++
		case telemetry.DeadLettered:
			s.DeadLettered++
		default:
			s.Lost++
		}
	}
	return s
}
