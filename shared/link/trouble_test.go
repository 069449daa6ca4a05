package link_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"crosswalk/shared/fault"
	"crosswalk/shared/link"
	"crosswalk/shared/settle"
)

// failing returns an error instead of, or after, the named operations.
type failing struct {
	name   string
	err    error
	effect bool
}

func (f failing) pass(name string, _ bool, do func() error) error {
	if name != f.name {
		return do()
	}
	if f.effect {
		if err := do(); err != nil {
			return err
		}
	}
	return f.err
}

func TestRefusedWriteFreesTheRecordAtOnce(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		for _, kind := range []fault.Kind{fault.Permanent, fault.Throttled, fault.Misconfigured, fault.Transient} {
			w := newWorld(traits)
			w.settleAll(t, true, eventChange("K", 1))
			refusal := &fault.Error{Kind: kind, Reason: "some-reason", After: time.Minute}
			_, err := w.flow(true, failing{name: "update target", err: refusal}).Apply(t.Context(), eventChange("K", 5))
			if !errors.Is(err, refusal) {
				t.Fatalf("error %v", err)
			}
			w.checkLink(t)
			// An older event is late while the newer one may yet be written, and isn't once that one is refused for good.
			outcome, err := w.flow(true, open{}).Apply(t.Context(), eventChange("K", 3))
			want := settle.NothingToDo("late")
			if kind == fault.Permanent {
				want = settle.Delivered("updated")
			}
			if err != nil {
				t.Fatal(err)
			}
			wantOutcome(t, outcome, want)
		}
	})
}

func TestUnknownOutcomeKeepsTheClaim(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		for _, effect := range []bool{false, true} {
			for _, cause := range []error{&fault.Error{Kind: fault.Transient, Reason: "outcome-unknown"}, context.DeadlineExceeded} {
				w := newWorld(traits)
				w.settleAll(t, true, eventChange("K", 1))
				_, err := w.flow(true, failing{"update target", cause, effect}).Apply(t.Context(), eventChange("K", 2))
				if fault.KindOf(err) != fault.Transient || !errors.Is(err, cause) {
					t.Fatalf("error %v", err)
				}
				_, err = w.flow(true, open{}).Apply(t.Context(), eventChange("K", 2))
				if e := fault.Of(err); e == nil || e.Kind != fault.Waiting || e.After != link.Defaults().Claim {
					t.Fatalf("while the claim lives: %v", err)
				}
				w.settleAll(t, true, eventChange("K", 2))
				w.want(t, map[string]int{"K": 2})
				if repeats := w.checkWrites(t); repeats > 1 {
					t.Errorf("%d identical repeats", repeats)
				}
				w.checkLink(t)
			}
		}
	})
}

// slow lets time pass before one operation.
type slow struct {
	w    *world
	name string
	by   time.Duration
}

func (s slow) pass(name string, _ bool, do func() error) error {
	if name == s.name {
		s.w.now = s.w.now.Add(s.by)
	}
	return do()
}

func TestNothingIsSentWithinTheMargin(t *testing.T) {
	for _, test := range []struct {
		by   time.Duration
		sent bool
	}{{59 * time.Second, true}, {60 * time.Second, false}, {10 * time.Minute, false}} {
		w := newWorld(systems["Dataverse"])
		w.settleAll(t, true, eventChange("K", 1))
		_, err := w.flow(true, slow{w, "read target", test.by}).Apply(t.Context(), eventChange("K", 2))
		want := map[string]int{"K": 1}
		if test.sent {
			want["K"] = 2
		} else if e := fault.Of(err); e == nil || e.Reason != "out-of-time" {
			t.Errorf("after %v: error %v", test.by, err)
		}
		w.want(t, want)
	}
}

// deadlines notes how long each write may take.
type deadlines struct {
	link.Target[wanted]
	left *time.Duration
}

func (d deadlines) Update(ctx context.Context, id, etag string, r wanted) error {
	if at, ok := ctx.Deadline(); ok {
		*d.left = time.Until(at)
	}
	return d.Target.Update(ctx, id, etag, r)
}

func TestWriteEndsWithTheClientDeadlineOrTheMargin(t *testing.T) {
	for by, most := range map[time.Duration]time.Duration{0: 30 * time.Second, 50 * time.Second: 10 * time.Second} {
		w := newWorld(systems["Dataverse"])
		w.settleAll(t, true, eventChange("K", 1))
		var left time.Duration
		f := w.flow(true, slow{w, "read target", by})
		f.Target = deadlines{f.Target, &left}
		if _, err := f.Apply(t.Context(), eventChange("K", 2)); err != nil {
			t.Fatal(err)
		}
		if left <= 0 || left > most {
			t.Errorf("the write had %v, want at most %v", left, most)
		}
	}
}

func TestTakeoverWritesEvenWhatIsEqualWhereThereIsIfMatch(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		w.settleAll(t, true, eventChange("K", 1))
		_, err := w.flow(true, failing{"update target", &fault.Error{Kind: fault.Transient, Reason: "outcome-unknown"}, true}).Apply(t.Context(), eventChange("K", 2))
		if err == nil {
			t.Fatal("the outcome should be unknown")
		}
		w.settleAll(t, true, eventChange("K", 2))
		want := []int{1, 2}
		if traits.IfMatch {
			want = []int{1, 2, 2}
		}
		if fmt.Sprint(w.writes["K"]) != fmt.Sprint(want) {
			t.Errorf("writes %v, want %v", w.writes["K"], want)
		}
	})
}

func TestTakeoverDoesNotTrustTheHash(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		w.settleAll(t, true, eventChange("K", 11))
		_, err := w.flow(true, failing{"update target", errUnknown, true}).Apply(t.Context(), eventChange("K", 12))
		if err == nil {
			t.Fatal("the outcome should be unknown")
		}
		w.settleAll(t, true, eventChange("K", 21)) // the content of 11 again
		w.settleAll(t, true, eventChange("K", 12))
		w.want(t, map[string]int{"K": 21})
	})
}

func TestDoubtOutlivesAReleaseWithoutAResult(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		for name, without := range map[string]func(*world, *link.Flow[wanted]){
			"released after an error": func(w *world, f *link.Flow[wanted]) {
				refusal := &fault.Error{Kind: fault.Throttled, Reason: "some-reason"}
				f.Target = gatedTarget{w, failing{name: "read target", err: refusal}}
				if _, err := f.Apply(t.Context(), rowChange("r", 3)); !errors.Is(err, refusal) {
					t.Fatal(err)
				}
			},
			"released with nothing to do": func(w *world, f *link.Flow[wanted]) {
				row := w.source["r"]
				delete(w.source, "r")
				if outcome, err := f.Apply(t.Context(), rowChange("r", 3)); err != nil || outcome.Why != "gone" {
					t.Fatal(outcome, err)
				}
				w.source["r"] = row
			},
		} {
			w := newWorld(traits)
			w.source["r"] = wanted{"K", 11}
			w.settleAll(t, false, rowChange("r", 1))
			w.source["r"] = wanted{"K", 12}
			if _, err := w.flow(false, failing{"update target", errUnknown, true}).Apply(t.Context(), rowChange("r", 2)); err == nil {
				t.Fatal("the outcome should be unknown")
			}
			w.now = w.now.Add(link.Defaults().Claim)
			w.source["r"] = wanted{"K", 21} // the content of 11 again
			without(w, w.flow(false, open{}))
			w.settleAll(t, false, rowChange("r", 3))
			if got := w.rows(t)["K"]; got != 21 {
				t.Errorf("%s: the target holds %d, want 21", name, got)
			}
		}
	})
}

func TestRowIsReadUnderTheClaim(t *testing.T) {
	for _, first := range []bool{true, false} {
		w := newWorld(systems["F&O"])
		w.source["r"] = wanted{"K", 1}
		claimed := "insert m"
		if !first {
			w.settleAll(t, false, rowChange("r", 1))
			claimed = "swap m"
		}
		change := func() { w.source["r"] = wanted{"K", 2} }
		if _, err := w.flow(false, after(claimed, change)).Apply(t.Context(), rowChange("r", 2)); err != nil {
			t.Fatal(err)
		}
		w.want(t, map[string]int{"K": 2})
	}
}

// tokenStore answers a swap that took place as if it hadn't, like a storage client that repeats a call without an answer.
type tokenStore struct {
	link.Store
	lies *int
}

func (s tokenStore) Replace(ctx context.Context, k link.Key, etag string, b []byte) (string, error) {
	newETag, err := s.Store.Replace(ctx, k, etag, b)
	if err == nil && *s.lies > 0 {
		*s.lies--
		return "", link.ErrRowChanged
	}
	return newETag, err
}

func TestOwnClaimIsKnownAfterARepeatedSwap(t *testing.T) {
	w := newWorld(systems["Dataverse"])
	w.settleAll(t, true, eventChange("K", 1))
	f := w.flow(true, open{})
	lies := 1
	f.Store = tokenStore{f.Store, &lies}
	outcome, err := f.Apply(t.Context(), eventChange("K", 2))
	if err != nil || lies != 0 {
		t.Fatalf("error %v", err)
	}
	wantOutcome(t, outcome, settle.Delivered("updated"))
	w.checkLink(t)
}

// duringCreate answers every create with a duplicate, and lets others act before operations.
type duringCreate struct{ before func(name string) }

func (d duringCreate) pass(name string, _ bool, do func() error) error {
	d.before(name)
	if name == "create target" {
		return fmt.Errorf("duplicate: %w", &fault.Error{Reason: "row-exists", Field: "other_key", Err: link.ErrExists})
	}
	return do()
}

func TestACreateThatAnotherKeyForbidsIsRefused(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		w := newWorld(traits)
		_, err := w.flow(true, duringCreate{func(string) {}}).Apply(t.Context(), eventChange("K", 5))
		if e := fault.Of(err); e == nil || e.Kind != fault.Permanent || e.Reason != "other-key-taken" || e.Field != "other_key" {
			t.Fatalf("error %v", err)
		}
		w.want(t, map[string]int{})
		// What was refused for good neither holds the record nor makes older events late.
		wantOutcome(t, w.settleAll(t, true, eventChange("K", 3)), settle.Delivered("created"))
		wantOutcome(t, w.settleAll(t, true, eventChange("K", 5)), settle.Delivered("updated"))
		w.checkLink(t)
	})
}

func TestAnUpdateThatAnotherKeyForbidsIsRefused(t *testing.T) {
	eachSystem(t, func(t *testing.T, traits link.Traits) {
		for _, known := range []bool{true, false} {
			w := newWorld(traits)
			w.put("there", "K", 1)
			if known {
				w.settleAll(t, true, eventChange("K", 2))
			}
			_, err := w.flow(true, failing{name: "update target", err: link.ErrExists}).Apply(t.Context(), eventChange("K", 5))
			if e := fault.Of(err); e == nil || e.Kind != fault.Permanent || e.Reason != "other-key-taken" {
				t.Fatalf("error %v", err)
			}
			wantOutcome(t, w.settleAll(t, true, eventChange("K", 5)), settle.Delivered("updated"))
			w.checkLink(t)
		}
	})
}

// A record that others create and remove is no sign of another key.
func TestARecordThatComesAndGoesIsNotTakenForAnotherKey(t *testing.T) {
	contended := func(t *testing.T, w *world, before func(name string)) {
		t.Helper()
		_, err := w.flow(true, duringCreate{before}).Apply(t.Context(), eventChange("K", 5))
		if e := fault.Of(err); e == nil || e.Kind != fault.Transient || e.Reason != "target-contended" {
			t.Errorf("error %v", err)
		}
		w.settleAll(t, true, eventChange("K", 5))
		w.want(t, map[string]int{"K": 5})
		w.checkLink(t)
	}
	t.Run("there in the end", func(t *testing.T) {
		eachSystem(t, func(t *testing.T, traits link.Traits) {
			w, creates := newWorld(traits), 0
			contended(t, w, func(name string) {
				switch {
				case name == "create target":
					creates++
				case creates == 5 && (name == "find target" || traits.KeyIsID && name == "read target"):
					w.put("other", "K", 1)
				}
			})
		})
	})
	t.Run("seen once between the refusals", func(t *testing.T) {
		w, creates, seen := newWorld(systems["Dataverse"]), 0, false
		contended(t, w, func(name string) {
			switch {
			case name == "create target":
				creates++
			case creates == 2 && name == "find target" && !seen:
				w.put("other", "K", 1)
				seen = true
			case name == "read target":
				delete(w.target, "other")
			}
		})
		if creates != 4 {
			t.Errorf("%d creates, want 4", creates)
		}
	})
}
