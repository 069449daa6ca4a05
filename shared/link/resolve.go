package link

import (
	"context"
	"errors"

	"crosswalk/shared/settle"
)

// resolve finds the record's main row, or makes it (steps 1–4). It returns an outcome where nothing more is to be done. A main
// row that it makes is claimed at once.
func (r *run[R]) resolve(ctx context.Context) (*settle.Outcome, error) {
	key := r.table.sideKey(r.From, r.change.ID)
	p, err := r.table.pointer(ctx, key)
	switch {
	case errors.Is(err, ErrNoRow) && r.eventFlow() && r.change.Deleted:
		// The delete overtook the create: a dead pointer keeps that from coming back.
		_, err := r.table.insert(ctx, key, pointer{Dead: true})
		return nothing("gone"), again(err)
	case errors.Is(err, ErrNoRow):
		return r.first(ctx)
	case err != nil:
		return nil, err
	case p.Dead && (!r.change.Deleted || p.Link == ""):
		return nothing("gone"), nil
	}
	r.side, r.link, r.main = p, p.Link, &mainRow{}
	r.mainETag, err = r.table.read(ctx, r.table.mainKey(p.Link), r.main)
	if errors.Is(err, ErrNoRow) {
		return nil, r.dropSide(ctx)
	}
	if err != nil {
		return nil, err
	}
	if r.eventFlow() && r.change.Deleted && !p.Dead {
		r.side.Dead = true
		r.side.etag, err = r.table.swap(ctx, key, p.etag, r.side)
		return nil, again(err)
	}
	return nil, nil
}

// first resolves a record whose id is new, by its match key (steps 2–4).
func (r *run[R]) first(ctx context.Context) (*settle.Outcome, error) {
	record := r.change.Record
	if !r.eventFlow() {
		var err error
		if record, err = r.readSource(ctx, r.change.ID); errors.Is(err, ErrNotFound) {
			return nothing("gone"), nil
		} else if err != nil {
			return nil, err
		}
	}
	match := record.KeyText()
	k, err := r.table.pointer(ctx, r.table.matchKey(match))
	fresh := errors.Is(err, ErrNoRow)
	if fresh {
		k.Link = newLink()
		k.etag, err = r.table.insert(ctx, r.table.matchKey(match), k)
	}
	if err != nil {
		return nil, again(err)
	}
	r.match, r.link = k, k.Link
	if err := r.openMain(ctx, match, fresh); err != nil {
		return nil, err
	}
	if !sameKey(r.main.Key, match) && !sameKey(r.main.Intent, "="+match) {
		k.Link = newLink()
		_, err := r.table.swap(ctx, r.table.matchKey(match), k.etag, k)
		return nil, cmpAgain(err)
	}
	r.side = pointer{Link: r.link}
	r.side.etag, err = r.table.insert(ctx, r.table.sideKey(r.From, r.change.ID), r.side)
	return nil, again(err)
}

// openMain reads the main row that k leads to, or inserts it with our claim in it. fresh says that k was just made, so there is
// nothing to read.
func (r *run[R]) openMain(ctx context.Context, match string, fresh bool) error {
	r.main = &mainRow{}
	etag, err := "", ErrNoRow
	if !fresh {
		etag, err = r.table.read(ctx, r.table.mainKey(r.link), r.main)
	}
	if errors.Is(err, ErrNoRow) {
		r.main = &mainRow{Key: match}
		r.take()
		etag, err = r.table.insert(ctx, r.table.mainKey(r.link), r.main)
		r.claimed = err == nil
	}
	r.mainETag = etag
	return again(err)
}

// take writes our claim into main, in memory. Only a claim of another attempt leaves doubts about the target.
func (r *run[R]) take() {
	if held := r.main.Claim; held != nil && held.Token != r.token {
		r.main.Dirty = true
	}
	r.main.Claim = &claim{Token: r.token, Until: r.options.Now().Add(r.options.Claim).UTC()}
	state := r.main.flow(r.Name)
	r.wasPending = state.Pending
	if r.eventFlow() && !r.change.Deleted {
		state.Pending = r.change.Version
	}
	r.resumed = r.main.Intent != ""
}

// claim takes the record for this worker, or says how long another one may still hold it (step 5).
func (r *run[R]) claim(ctx context.Context) error {
	// Our own token can stand there when the storage client repeated a swap that had taken place.
	if held := r.main.Claim; held != nil && held.Token != r.token {
		if left := held.Until.Sub(r.options.Now()); left > 0 {
			return waiting("claimed", left)
		}
	}
	r.take()
	etag, err := r.table.swap(ctx, r.table.mainKey(r.link), r.mainETag, r.main)
	r.mainETag, r.claimed = etag, err == nil
	return again(err)
}

// bind makes sure that the record's id holds this side's slot of main, and commits that, with an intent where the target's
// id isn't known, before anything is written (steps 7–13).
func (r *run[R]) bind(ctx context.Context, record R) error {
	bound := r.main.IDs[r.From]
	if sameKey(bound, r.change.ID) && r.main.Tombstone != r.From {
		if !sameKey(record.KeyText(), r.main.Key) {
			return r.keyChanged(ctx)
		}
		if !r.intend() {
			return nil
		}
		return r.swapMain(ctx)
	}
	if !sameKey(record.KeyText(), r.main.Key) {
		return r.dropSide(ctx)
	}
	if r.main.IntentSide == r.From {
		return transient("intent-open", "the other direction has begun to create this record and did not finish")
	}
	other := bound != "" && r.main.Tombstone != r.From
	if other {
		if err := r.vacate(ctx, bound); err != nil {
			return err
		}
	}
	if err := r.fence(ctx, record.KeyText()); err != nil {
		return err
	}
	if bound != "" {
		r.main.forgetHashes()
	}
	r.main.setID(r.From, r.change.ID)
	r.main.Tombstone = ""
	r.intend()
	return r.swapMain(ctx)
}

// intend chooses the id to create the target record under, where it has none and no attempt chose one before.
func (r *run[R]) intend() bool {
	if r.main.IDs[r.To] != "" || r.main.Intent != "" {
		return false
	}
	r.main.Intent, r.main.IntentSide = r.options.NewID(), r.To
	if r.Target.Traits().KeyIsID {
		r.main.Intent = "=" + r.main.Key
	}
	return true
}

// fence rewrites k and p, so that a writer that read them earlier loses its swap (steps 7 and 11).
func (r *run[R]) fence(ctx context.Context, match string) error {
	key := r.table.matchKey(match)
	var err error
	if r.match.etag == "" {
		r.match, err = r.table.pointer(ctx, key)
	}
	switch {
	case errors.Is(err, ErrNoRow):
		_, err = r.table.insert(ctx, key, pointer{Link: r.link})
	case err != nil:
	case r.match.Link != r.link:
		return r.dropSide(ctx)
	default:
		_, err = r.table.swap(ctx, key, r.match.etag, r.match)
	}
	if err != nil {
		return again(err)
	}
	_, err = r.table.swap(ctx, r.table.sideKey(r.From, r.change.ID), r.side.etag, r.side)
	return again(err)
}

// vacate empties this side's slot, which another id holds, if that one is gone at the source (step 8).
func (r *run[R]) vacate(ctx context.Context, other string) error {
	if r.eventFlow() {
		return transient("key-taken", "another record of the source has this match key")
	}
	_, err := r.readSource(ctx, other)
	if err == nil {
		return transient("key-taken", "another record of the source has this match key")
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	if r.Deletion != Delete {
		return nil // The target stays as it is, and becomes the new record's.
	}
	if _, err := r.erase(ctx); err != nil {
		return err
	}
	delete(r.main.IDs, r.To)
	r.main.Intent, r.main.IntentSide, r.resumed = "", "", false
	return nil
}

// keyChanged refuses a linked record that comes with another key (step 12 isn't built), but for one that was never
// written: that is resolved anew (step 10).
func (r *run[R]) keyChanged(ctx context.Context) error {
	if r.main.IDs[r.To] == "" && r.main.Intent != "" && r.main.IntentSide == r.To {
		row, err := r.readTarget(ctx, r.main.intended())
		if errors.Is(err, ErrNotFound) {
			r.main.Intent, r.main.IntentSide = "", ""
			delete(r.main.IDs, r.From)
			if err := r.swapMain(ctx); err != nil {
				return err
			}
			return r.dropSide(ctx)
		}
		if err != nil {
			return err
		}
		r.main.setID(r.To, row.ID)
		r.main.Intent, r.main.IntentSide = "", ""
		if err := r.swapMain(ctx); err != nil {
			return err
		}
	}
	return refused("key-changed", "the record's match key is no longer the one that it was linked by, and re-keying isn't supported: give the target record the new key, or the source record its old one")
}

// dropSide removes this side's pointer, which leads to the wrong main, and begins again.
func (r *run[R]) dropSide(ctx context.Context) error {
	err := r.table.remove(ctx, r.table.sideKey(r.From, r.change.ID), r.side.etag)
	return cmpAgain(err)
}

// again turns a lost race for a row into [errAgain].
func again(err error) error {
	if errors.Is(err, ErrRowExists) || errors.Is(err, ErrRowChanged) {
		return errAgain
	}
	return err
}

// cmpAgain is for a write after which the steps begin again, whether it or another worker's took place.
func cmpAgain(err error) error {
	if err == nil {
		return errAgain
	}
	return again(err)
}
