package broker_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"crosswalk/local/servicebus/broker"
	"crosswalk/local/servicebus/sbwire"
)

// frames is a journal in memory.
type frames struct {
	testing.TB
	all [][]byte
}

func (f *frames) Append(frame []byte) { f.all = append(f.all, bytes.Clone(frame)) }

func (f *frames) Fail(err error) { f.Error(err) }

// restored gives a broker made of what another one told its journal, and one made of its snapshot.
func restored(w *world, f *frames) map[string]*world {
	w.Helper()
	var snapshot [][]byte
	for frame, err := range w.Snapshot(func() {}) {
		w.must(err)
		snapshot = append(snapshot, bytes.Clone(frame))
	}
	out := map[string]*world{}
	for name, all := range map[string][][]byte{"journal": f.all, "snapshot": snapshot} {
		r := &world{TB: w.TB, now: w.now}
		r.Broker = broker.New(broker.Options{Now: func() time.Time { return r.now }, Journal: &frames{TB: w.TB}, Codec: sbwire.Codec{}})
		for _, frame := range all {
			w.must(r.Restore(frame))
		}
		if err := r.CheckInvariants(); err != nil {
			w.Errorf("%s: %v", name, err)
		}
		out[name] = r
	}
	return out
}

func journaled(t *testing.T) (*world, *frames) {
	w, f := &world{TB: t, now: epoch}, &frames{TB: t}
	w.Broker = broker.New(broker.Options{Now: func() time.Time { return w.now }, Journal: f, Codec: sbwire.Codec{}})
	return w, f
}

func TestSessionsAreRestored(t *testing.T) {
	w, f := journaled(t)
	w.queue("s", broker.QueueProperties{RequiresSession: true})
	w.sendTo("a", "1", "2", "3")
	w.sendTo("", "4")
	lock := w.accept("a")
	w.must(w.SetSessionState("s", lock, []byte("half")))
	ms := w.from(lock, 2)
	w.settle("s", ms[0], broker.Complete)
	other := w.accept("cleared")
	w.must(w.SetSessionState("s", other, []byte("x")))
	w.must(w.SetSessionState("s", other, nil))

	for name, r := range restored(w, f) {
		if err := r.SessionLocked("s", lock); err == nil {
			t.Errorf("%s: the lock is still there", name)
		}
		got, err := r.Sessions("s", time.Time{}, 0, 10)
		w.must(err)
		if want := []string{"", "a"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: sessions %q, want %q", name, got, want)
		}
		again := r.accept("a")
		if state, err := r.SessionState("s", again); string(state) != "half" || err != nil {
			t.Errorf("%s: state %q, %v", name, state, err)
		}
		r.wantIDs(r.from(again, 5), "2 3")
		r.wantIDs(r.from(r.accept(""), 5), "4")
		r.pass(time.Minute)
		r.wantCounts("s", broker.Counts{Active: 3})
	}
	// Who doesn't take the session sees what was under lock come back when that lock's time is over.
	for _, r := range restored(w, f) {
		r.wantCounts("s", broker.Counts{Active: 2, Locked: 1})
		r.pass(time.Minute)
		r.wantCounts("s", broker.Counts{Active: 3})
	}
}

func TestRulesAreRestored(t *testing.T) {
	w, f := journaled(t)
	at := time.Date(2001, 1, 1, 1, 2, 3, 0, time.UTC)
	w.topic("t", broker.TopicProperties{})
	w.subscription("t", "s", broker.SubscriptionProperties{})
	w.must(w.RemoveRule(sub, broker.DefaultRuleName))
	w.must(w.AddRule(sub, broker.Rule{
		Name: "sql", SQL: "n = @n OR at = @at", Parameters: map[string]any{"@n": int64(1) << 60, "@at": at, "@d": 1.5, "@b": true},
		Action: "SET tag = @tag", ActionParameters: map[string]any{"@tag": "x"},
	}))
	w.must(w.AddRule(sub, broker.Rule{Name: "correlation", Correlation: &broker.CorrelationFilter{Subject: "s", Properties: map[string]any{"n": int32(5)}}}))
	w.must(w.AddRule(sub, broker.Rule{Name: "never", Never: true}))
	want, err := w.Rules(sub)
	w.must(err)
	for name, r := range restored(w, f) {
		got, err := r.Rules(sub)
		w.must(err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: rules %+v\nwant %+v", name, got, want)
		}
		r.must(r.Send("t", &broker.Message{MessageID: "1", Properties: map[string]any{"n": int64(1) << 60}}, &broker.Message{MessageID: "2", Subject: "s", Properties: map[string]any{"n": int32(5)}}, &broker.Message{MessageID: "3"}))
		r.wantIDs(r.receive(sub, 10), "1 2")
	}
}
