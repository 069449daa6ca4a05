package link

import (
	"context"
	"errors"
	"time"

	"crosswalk/shared/fault"
	"crosswalk/shared/settle"

	"github.com/google/uuid"
)

// run is one attempt at one change.
type run[R Record] struct {
	*Flow[R]
	table   table
	options Options
	change  Change[R]
	// token is this Apply's claim token.
	token string

	// side is this side's pointer, match the match key's; a match without ETag wasn't read yet.
	side, match pointer
	link        string
	main        *mainRow
	mainETag    string
	// claimed is true while main holds our token and we know its ETag.
	claimed bool
	// keep is set once the outcome of a write isn't known: the claim must expire by itself.
	keep bool
	// wasPending is the pending version before our claim.
	wasPending Version
	// resumed says that the intent stems from an earlier attempt, so that its record may exist.
	resumed bool
}

func (r *run[R]) eventFlow() bool { return r.Source == nil }

// steps takes the change through all steps. Whatever ends them early, a claim that we hold is released, but for a write of
// unknown outcome.
func (r *run[R]) steps(ctx context.Context) (settle.Outcome, error) {
	done, err := r.resolve(ctx)
	if err == nil && done == nil {
		done = r.passed()
	}
	if err == nil && done == nil && !r.claimed {
		err = r.claim(ctx)
	}
	if err != nil {
		r.release(ctx, err)
		return settle.Outcome{}, err
	}
	if done != nil {
		return *done, nil
	}
	outcome, err := r.underClaim(ctx)
	if err != nil {
		r.release(ctx, err)
		return settle.Outcome{}, err
	}
	return outcome, nil
}

// passed tells an event flow's duplicates and late events (step 6), before they cost a claim.
func (r *run[R]) passed() *settle.Outcome {
	if !r.eventFlow() || r.change.Deleted {
		return nil
	}
	state := r.main.flow(r.Name)
	switch c := r.change.Version.Compare(state.Version); {
	case c == 0:
		return nothing("duplicate")
	case c < 0, r.change.Version.Compare(state.Pending) < 0:
		return nothing("late")
	}
	return nil
}

func nothing(why string) *settle.Outcome {
	outcome := settle.NothingToDo(why)
	return &outcome
}

// underClaim is everything from step 6 on.
func (r *run[R]) underClaim(ctx context.Context) (settle.Outcome, error) {
	record := r.change.Record
	present := !r.change.Deleted
	if !r.eventFlow() {
		var err error
		record, err = r.readSource(ctx, r.change.ID)
		present = err == nil
		if err != nil && !errors.Is(err, ErrNotFound) {
			return settle.Outcome{}, err
		}
	}
	switch {
	case present:
		if err := r.bind(ctx, record); err != nil {
			return settle.Outcome{}, err
		}
		return r.write(ctx, record)
	case r.change.Deleted:
		return r.remove(ctx)
	default:
		return r.nothingUnderClaim(ctx, "gone")
	}
}

func (r *run[R]) readSource(ctx context.Context, id string) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, r.options.ClientDeadline)
	defer cancel()
	return r.Source.Read(ctx, id)
}

func (r *run[R]) readTarget(ctx context.Context, id string) (Row, error) {
	ctx, cancel := context.WithTimeout(ctx, r.options.ClientDeadline)
	defer cancel()
	return r.Target.Read(ctx, id)
}

func (r *run[R]) equal(ctx context.Context, row Row, record R) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, r.options.ClientDeadline)
	defer cancel()
	return r.Target.Equal(ctx, row, record)
}

// send does one write to the target, unless it's too late for one (step 18).
func (r *run[R]) send(ctx context.Context, write func(context.Context) error) error {
	left := r.main.Claim.Until.Add(-r.options.Margin).Sub(r.options.Now())
	if left <= 0 {
		return &fault.Error{Kind: fault.Transient, Reason: "out-of-time", Detail: "the claim's time was up before the write could be sent; nothing was written"}
	}
	ctx, cancel := context.WithTimeout(ctx, min(left, r.options.ClientDeadline))
	defer cancel()
	err := write(ctx)
	r.keep = r.keep || unknown(err)
	return err
}

// unknown says whether a write that returned err may have taken effect, now or later.
func unknown(err error) bool {
	if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) || errors.Is(err, ErrStale) {
		return false
	}
	var judged *fault.Error
	return !errors.As(err, &judged) || judged.Reason == "outcome-unknown"
}

// swapMain writes main by ETag. A lost swap means that another worker took the record over: never force it.
func (r *run[R]) swapMain(ctx context.Context) error {
	etag, err := r.table.swap(ctx, r.table.mainKey(r.link), r.mainETag, r.main)
	if err != nil {
		r.claimed = false
	}
	if errors.Is(err, ErrRowChanged) {
		return waiting("swap-lost", time.Second)
	}
	r.mainETag = etag
	return err
}

// commit ends the steps with a known result (step 19). hash is the digest that the target now holds, or empty where
// it isn't known to hold one.
func (r *run[R]) commit(ctx context.Context, hash string, outcome settle.Outcome) (settle.Outcome, error) {
	state := r.main.flow(r.Name)
	if !outcome.Delivered && outcome.Why == "unchanged" && state.Version == r.change.Version {
		outcome.Why = "duplicate"
	}
	state.Hash, state.Version, state.Pending = hash, r.change.Version, Version{}
	r.main.Claim, r.main.Dirty = nil, false
	r.main.Intent, r.main.IntentSide = "", ""
	r.claimed = false
	return outcome, r.swapMain(ctx)
}

// nothingUnderClaim ends the steps without a word about the target: what was dirty or intended stays so.
func (r *run[R]) nothingUnderClaim(ctx context.Context, why string) (settle.Outcome, error) {
	r.main.Claim = nil
	r.claimed = false
	if err := r.swapMain(ctx); err != nil {
		return settle.Outcome{}, err
	}
	return settle.NothingToDo(why), nil
}

// releaseTime bounds the release of a claim after the caller's own time is up.
const releaseTime = 5 * time.Second

// release gives an unused claim back after an error, so that the next attempt needn't wait for its end. It may fail: then
// the claim expires.
func (r *run[R]) release(ctx context.Context, cause error) {
	if !r.claimed || r.keep {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	if fault.KindOf(cause) == fault.Permanent && !r.main.Dirty {
		// The event is refused for good, so it must not make older ones late.
		r.main.flow(r.Name).Pending = r.wasPending
	}
	r.main.Claim = nil
	r.claimed = false
	_ = r.swapMain(ctx)
}

func newLink() string { return uuid.NewString() }
