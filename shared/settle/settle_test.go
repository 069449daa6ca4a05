package settle

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"crosswalk/shared/customhandler"
	"crosswalk/shared/fault"
	"crosswalk/shared/telemetry"
)

// queue is a work queue in memory. sendDown and settleDown say how many calls fail first.
type queue struct {
	copies               []Copy
	at                   []time.Time
	dead                 map[[16]byte][2]string
	sendDown, settleDown int
}

func (q *queue) Schedule(_ context.Context, c Copy, at time.Time) error {
	if q.sendDown > 0 {
		q.sendDown--
		return errors.New("unauthorized")
	}
	q.copies, q.at = append(q.copies, c), append(q.at, at)
	return nil
}

func (q *queue) DeadLetter(_ context.Context, token [16]byte, reason, description string) error {
	if q.settleDown > 0 {
		q.settleDown--
		return errors.New("lock lost")
	}
	if q.dead == nil {
		q.dead = map[[16]byte][2]string{}
	}
	q.dead[token] = [2]string{reason, description}
	return nil
}

func (q *queue) Complete(context.Context, [16]byte) error { return nil }

var start = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func delivery() customhandler.Message {
	return customhandler.Message{
		LockToken: [16]byte{1}, DeliveryCount: 1, EnqueuedTime: start, MessageID: "e-1", Body: []byte("{}"), ContentType: "application/json",
		Properties: map[string]any{"cloudEvents:id": "e-1", "cloudEvents:type": "fno.X", "n": json.Number("9007199254740993"), "d": json.Number("1.5")},
	}
}

type settled struct {
	completed bool // the host was answered with 200
	line      telemetry.Record
}

func run(q *queue, now time.Time, m customhandler.Message, h Handle) settled {
	var out settled
	s := &Settler{
		Function: "f", Queue: q, Policy: DefaultPolicy(), Now: func() time.Time { return now },
		Log: func(r telemetry.Record) { out.line = r },
	}
	if s.Pause == nil {
		s.Pause = func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil }
	}
	out.completed = s.Wrap(h)(context.Background(), m) == nil
	return out
}

func failing(err error) Handle {
	return func(context.Context, customhandler.Message) (Outcome, error) { return Outcome{}, err }
}

func TestWhatIsDoneIsCompleted(t *testing.T) {
	for want, o := range map[string]Outcome{telemetry.Delivered: Delivered("created"), telemetry.NothingToDo: NothingToDo("late")} {
		q := &queue{}
		got := run(q, start, delivery(), func(context.Context, customhandler.Message) (Outcome, error) { return o, nil })
		if !got.completed || got.line.Outcome != want || got.line.Why != o.Why || len(q.copies)+len(q.dead) > 0 {
			t.Errorf("%s: %+v, queue %+v", want, got, q)
		}
	}
}

func TestFailuresByKind(t *testing.T) {
	for _, c := range []struct {
		name      string
		err       error
		attempt   int64
		min, max  time.Duration
		outcome   string
		completed bool
	}{
		{"unmarked is transient", errors.New("x"), 2, 4 * time.Second, 6 * time.Second, telemetry.Retry, true},
		{"transient", &fault.Error{Kind: fault.Transient, Reason: "r"}, 2, 4 * time.Second, 6 * time.Second, telemetry.Retry, true},
		{"throttled comes back not before the date", &fault.Error{Kind: fault.Throttled, After: 37 * time.Second}, 2, 37 * time.Second, 37 * time.Second, telemetry.Retry, true},
		{"waiting uses no attempt", &fault.Error{Kind: fault.Waiting}, 1, 4 * time.Second, 6 * time.Second, telemetry.Retry, true},
		{"waiting for a claim comes back before the claim's end", &fault.Error{Kind: fault.Waiting, After: 90 * time.Second}, 1, 4 * time.Second, 6 * time.Second, telemetry.Retry, true},
		{"waiting for a claim that ends at once", &fault.Error{Kind: fault.Waiting, After: time.Second}, 1, time.Second, 1200 * time.Millisecond, telemetry.Retry, true},
		{"misconfigured uses no attempt and waits long", &fault.Error{Kind: fault.Misconfigured}, 1, 12 * time.Minute, 18 * time.Minute, telemetry.Retry, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := &queue{}
			got := run(q, start, delivery(), failing(c.err))
			if got.completed != c.completed || got.line.Outcome != c.outcome || len(q.copies) != 1 {
				t.Fatalf("%+v, queue %+v", got, q)
			}
			if delay := q.at[0].Sub(start); delay < c.min || delay > c.max {
				t.Errorf("delay %s, want %s to %s", delay, c.min, c.max)
			}
			want := Copy{MessageID: "e-1/1", ContentType: "application/json", Body: []byte("{}"), Properties: map[string]any{
				"cloudEvents:id": "e-1", "cloudEvents:type": "fno.X", "n": int64(9007199254740993), "d": 1.5,
				"cwattempt": c.attempt, "cwcopy": int64(1), "cwfirstseen": "2026-11-23T08:00:00Z",
			}}
			if d := cmp.Diff(want, q.copies[0]); d != "" {
				t.Errorf("copy (-want +got):\n%s", d)
			}
		})
	}
}

func TestPermanentIsDeadLetteredAndTheHostIsRefused(t *testing.T) {
	q := &queue{}
	got := run(q, start, delivery(), failing(fault.Reject("blank-required", "name (from InvoiceId)", "give the invoice a number in F&O")))
	want := [2]string{"blank-required", "name (from InvoiceId): give the invoice a number in F&O"}
	if got.completed || q.dead[[16]byte{1}] != want || got.line.Outcome != telemetry.DeadLettered || got.line.Field != "name (from InvoiceId)" {
		t.Errorf("%+v, queue %+v", got, q)
	}
}

func TestTheTwelfthAttemptIsTheLast(t *testing.T) {
	q := &queue{}
	m, attempts := delivery(), 0
	for now := start; len(q.dead) == 0 && attempts < 50; attempts++ {
		run(q, now, m, failing(&fault.Error{Kind: fault.Transient, Reason: "target-unavailable"}))
		if n := len(q.copies); n > attempts {
			now = q.at[attempts]
			m = redelivered(q.copies[attempts], m.EnqueuedTime)
		}
	}
	if attempts != 12 || len(q.copies) != 11 {
		t.Errorf("%d attempts, %d copies", attempts, len(q.copies))
	}
	for i, c := range q.copies {
		if want := "e-1/" + string(json.Number(itoa(i+1))); c.MessageID != want {
			t.Errorf("copy %d has message id %s", i+1, c.MessageID)
		}
	}
	if got := q.dead[[16]byte{1}]; got[0] != "target-unavailable" || !strings.HasPrefix(got[1], "given up after 12 attempts in ") {
		t.Errorf("dead letter %q", got)
	}
}

func itoa(i int) string { b, _ := json.Marshal(i); return string(b) }

// redelivered is the copy as the host would hand it over.
func redelivered(c Copy, enqueued time.Time) customhandler.Message {
	m := customhandler.Message{LockToken: [16]byte{1}, DeliveryCount: 1, MessageID: c.MessageID, Body: c.Body, EnqueuedTime: enqueued, Properties: map[string]any{}}
	for k, v := range c.Properties {
		if n, ok := v.(int64); ok {
			v = json.Number(itoa(int(n)))
		}
		m.Properties[k] = v
	}
	return m
}

func TestTooOldIsGivenUpWhateverTheKind(t *testing.T) {
	for _, k := range []fault.Kind{fault.Transient, fault.Throttled, fault.Waiting, fault.Misconfigured} {
		q := &queue{}
		run(q, start.Add(73*time.Hour), delivery(), failing(&fault.Error{Kind: k, Reason: "r"}))
		if len(q.dead) != 1 || len(q.copies) != 0 {
			t.Errorf("%s: %+v", k, q)
		}
	}
}

func TestAResubmittedMessageStartsAnew(t *testing.T) {
	q := &queue{}
	m := delivery()
	m.EnqueuedTime = start.Add(100 * time.Hour)
	m.Properties["cwattempt"], m.Properties["cwcopy"] = json.Number("12"), json.Number("11")
	m.Properties["cwfirstseen"], m.Properties["DeadLetterReason"] = "2026-11-23T08:00:00Z", "target-unavailable"
	run(q, start.Add(100*time.Hour), m, failing(errors.New("x")))
	if len(q.copies) != 1 || q.copies[0].Properties["cwattempt"] != int64(2) || q.copies[0].MessageID != "e-1/12" {
		t.Fatalf("%+v", q)
	}
	if _, kept := q.copies[0].Properties["DeadLetterReason"]; kept {
		t.Error("the copy still carries the old dead letter's reason")
	}
}

func TestAPanicIsLeftToTheBrokerTwiceAndThenDeadLettered(t *testing.T) {
	for count, wantDead := range map[int]int{1: 0, 2: 0, 3: 1, 4: 1} {
		q := &queue{}
		m := delivery()
		m.DeliveryCount = count
		got := run(q, start, m, func(context.Context, customhandler.Message) (Outcome, error) { panic("customer Jane Doe") })
		if got.completed || len(q.dead) != wantDead || len(q.copies) != 0 {
			t.Errorf("delivery %d: %+v, queue %+v", count, got, q)
		}
		if dl := q.dead[[16]byte{1}]; wantDead == 1 && (dl[0] != "panic" || strings.Contains(dl[1], "Jane")) {
			t.Errorf("dead letter %q", dl)
		}
	}
}

// A revoked Send right lasts: the copy is tried for four minutes, in which the host renews the lock.
func TestACopyThatCannotBeSentIsTriedForFourMinutes(t *testing.T) {
	q := &queue{sendDown: 10}
	if got := run(q, start, delivery(), failing(errors.New("x"))); !got.completed || len(q.copies) != 1 {
		t.Errorf("after ten failures: %+v, queue %+v", got, q)
	}
	q = &queue{sendDown: 1 << 30}
	got := run(q, start, delivery(), failing(errors.New("x")))
	if got.completed || got.line.Outcome != telemetry.Abandoned {
		t.Errorf("never sent: %+v", got)
	}
	if tries := 1<<30 - q.sendDown; tries < 15 || got.line.Took < 3*time.Minute || got.line.Took > 4*time.Minute {
		t.Errorf("%d tries in %s", tries, got.line.Took)
	}
}

func TestADeadLetterThatIsRefusedIsLeftToTheBroker(t *testing.T) {
	q := &queue{settleDown: 1}
	if got := run(q, start, delivery(), failing(fault.Reject("r", "", ""))); got.completed || got.line.Outcome != telemetry.Abandoned {
		t.Errorf("%+v", got)
	}
}

func TestWaitingBetweenTriesTakesRealTimeAndEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := sleep(context.Background(), time.Minute); err != nil || time.Since(began) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := sleep(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestLongDescriptionsAreCutAtACharacter(t *testing.T) {
	got := clip(strings.Repeat("ä", 4000))
	if len(got) > MaxText || !strings.HasSuffix(got, "ä") || len(got) < MaxText-2 {
		t.Errorf("%d bytes, end %q", len(got), got[len(got)-2:])
	}
}
