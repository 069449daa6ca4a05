package feed

import (
	"testing"
	"time"
)

func observe(l *Ledger, lines ...string) {
	for _, text := range lines {
		if line, ok := ParseLine(text); ok {
			l.Observe(line)
		}
	}
}

func TestEveryPairHasExactlyOneEnd(t *testing.T) {
	l := NewLedger(time.Now)
	l.Expect(Pair{"silent", "f"})
	observe(l,
		`{"function":"receive","event":"e1","outcome":"published","routes":["f","g"]}`,
		`{"function":"receive","event":"e2","outcome":"published","routes":[]}`,
		`{"function":"receive","event":"bad","outcome":"dead-lettered","reason":"malformed-json"}`,
		`{"function":"f","event":"e1","outcome":"retry"}`,
		`{"function":"f","event":"e1","outcome":"delivered","why":"created"}`,
		`{"function":"f","event":"e1","outcome":"nothing-to-do","why":"duplicate"}`,
		`Starting JobHost`, `{"level":"info","message":"not about a message"}`,
	)
	if got, want := l.Summary(), (Summary{Received: 5, Delivered: 1, NothingToDo: 1, DeadLettered: 1, Lost: 2}); got != want {
		t.Errorf("summary %+v, want %+v", got, want)
	}
	if end := l.End(Pair{"e1", "f"}); end.Why != "created" || end.Repeats != 1 {
		t.Errorf("the delivery's end %+v: a surplus copy must not undo it", end)
	}
	if open := l.Open(); len(open) != 2 || open[0] != (Pair{"silent", "f"}) || open[1] != (Pair{"e1", "g"}) {
		t.Errorf("open %v", open)
	}
	observe(l, `{"function":"g","event":"e1","outcome":"dead-lettered","reason":"too-long"}`)
	if got := l.Summary(); got.Lost != 1 || got.DeadLettered != 2 {
		t.Errorf("summary %+v", got)
	}
}
