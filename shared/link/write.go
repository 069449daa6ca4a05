package link

import (
	"context"
	"errors"
	"time"

	"crosswalk/shared/fault"
	"crosswalk/shared/settle"
)

// tries bounds how often one attempt reads the target again because somebody else wrote it.
const tries = 5

func transient(reason, detail string) error {
	return &fault.Error{Kind: fault.Transient, Reason: reason, Detail: detail}
}

func refused(reason, detail string) error { return fault.Reject(reason, "", detail) }

var errContended = transient("target-contended", "the target record was changed by others at every try")

// otherKeyTaken judges a write that the target refuses because such a record exists, where that can't be about the flow's own
// key: no record has it, or the write is an update, which leaves it alone. So another record holds the values of another unique
// key of the table, whose name refusal may have.
func otherKeyTaken(refusal error) error {
	e := &fault.Error{Kind: fault.Permanent, Reason: "other-key-taken", Err: refusal,
		Detail: "another record of the target holds the values of a unique key of its table that isn't the one by which the flow finds records"}
	var judged *fault.Error
	if errors.As(refusal, &judged) {
		e.Field = judged.Field
	}
	return e
}

// write brings the target to the record (steps 14–19).
func (r *run[R]) write(ctx context.Context, record R) (settle.Outcome, error) {
	id := r.main.IDs[r.To]
	switch {
	case id == "" && r.Target.Traits().KeyIsID:
		return r.placeByKey(ctx, record)
	case id == "":
		return r.place(ctx, record)
	case !r.main.Dirty && r.main.flow(r.Name).Hash == record.Hash():
		return r.commit(ctx, record.Hash(), settle.NothingToDo("unchanged"))
	}
	return r.update(ctx, id, record, nil)
}

// update writes a target record whose id is known (steps 16 and 17). row is the record as just read, or nil.
func (r *run[R]) update(ctx context.Context, id string, record R, row *Row) (settle.Outcome, error) {
	traits := r.Target.Traits()
	for range tries {
		if row == nil {
			read, err := r.readTarget(ctx, id)
			if errors.Is(err, ErrNotFound) {
				return r.commit(ctx, "", settle.NothingToDo("gone"))
			}
			if err != nil {
				return settle.Outcome{}, err
			}
			row = &read
		}
		// After a takeover a system with If-Match is written whatever it holds: that turns away a write still under way.
		if !r.main.Dirty || !traits.IfMatch {
			equal, err := r.equal(ctx, *row, record)
			if err != nil {
				return settle.Outcome{}, err
			}
			if equal {
				return r.commit(ctx, record.Hash(), settle.NothingToDo("unchanged"))
			}
		}
		etag := ""
		if traits.IfMatch {
			etag = row.ETag
		}
		err := r.send(ctx, func(ctx context.Context) error { return r.Target.Update(ctx, id, etag, record) })
		switch {
		case err == nil:
			return r.commit(ctx, record.Hash(), settle.Delivered("updated"))
		case errors.Is(err, ErrStale):
			row = nil
		case errors.Is(err, ErrNotFound):
			return r.commit(ctx, "", settle.NothingToDo("gone"))
		case errors.Is(err, ErrExists):
			return settle.Outcome{}, otherKeyTaken(err)
		default:
			return settle.Outcome{}, err
		}
	}
	return settle.Outcome{}, errContended
}

// place finds or creates a target record under a GUID of ours (step 14).
func (r *run[R]) place(ctx context.Context, record R) (settle.Outcome, error) {
	var refusals []error
	for range tries {
		row, err := r.locate(ctx, record)
		if err == nil {
			if row, err = r.adopt(ctx, row.ID); err == nil {
				return r.update(ctx, row.ID, record, &row)
			}
			if errors.Is(err, ErrNotFound) {
				continue
			}
		}
		if !errors.Is(err, ErrNotFound) {
			return settle.Outcome{}, err
		}
		id := r.main.intended()
		if err := r.pointTarget(ctx, id); err != nil {
			return settle.Outcome{}, err
		}
		err = r.send(ctx, func(ctx context.Context) error { return r.Target.Create(ctx, id, record) })
		if err == nil {
			r.main.setID(r.To, id)
			return r.commit(ctx, record.Hash(), settle.Delivered("created"))
		}
		if !errors.Is(err, ErrExists) {
			return settle.Outcome{}, err
		}
		r.resumed = true
		refusals = append(refusals, err)
	}
	return settle.Outcome{}, r.whyNotCreated(refusals, func() error { _, err := r.locate(ctx, record); return err })
}

// whyNotCreated tells a record that others create and remove at every try from one that another key forbids. A record that is
// there one moment and gone the next is refused once or twice; one that is forbidden is refused at every try, and looked for in
// vain before and after each.
func (r *run[R]) whyNotCreated(refusals []error, locate func() error) error {
	if len(refusals) < tries {
		return errContended
	}
	switch err := locate(); {
	case err == nil:
		return errContended
	case errors.Is(err, ErrNotFound):
		return otherKeyTaken(refusals[tries-1])
	default:
		return err
	}
}

// locate looks for the record under the GUID of an earlier attempt, then by its key.
func (r *run[R]) locate(ctx context.Context, record R) (Row, error) {
	if r.resumed {
		row, err := r.readTarget(ctx, r.main.intended())
		if !errors.Is(err, ErrNotFound) {
			return row, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, r.options.ClientDeadline)
	defer cancel()
	return r.Target.Find(ctx, record)
}

// adopt binds a target record that was found. It is read once more after its pointer was written, because a delete in between
// would have found no link.
func (r *run[R]) adopt(ctx context.Context, id string) (Row, error) {
	if err := r.pointTarget(ctx, id); err != nil {
		return Row{}, err
	}
	row, err := r.readTarget(ctx, id)
	if err != nil {
		return Row{}, err
	}
	r.main.setID(r.To, id)
	r.main.Intent, r.main.IntentSide = "", ""
	return row, r.swapMain(ctx)
}

// placeByKey writes a target record whose id is its key (step 14): update, where it's missing create, where it then exists
// update again. After a takeover it's read first, so that what the last worker wrote isn't written twice.
func (r *run[R]) placeByKey(ctx context.Context, record R) (settle.Outcome, error) {
	id := r.main.intended()
	if err := r.pointTarget(ctx, id); err != nil {
		return settle.Outcome{}, err
	}
	if r.main.Dirty {
		row, err := r.readTarget(ctx, id)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return settle.Outcome{}, err
		}
		equal := false
		if err == nil {
			if equal, err = r.equal(ctx, row, record); err != nil {
				return settle.Outcome{}, err
			}
		}
		if equal {
			r.main.setID(r.To, id)
			return r.commit(ctx, record.Hash(), settle.NothingToDo("unchanged"))
		}
	}
	var refusals []error
	for range tries {
		how := "updated"
		err := r.send(ctx, func(ctx context.Context) error { return r.Target.Update(ctx, id, "", record) })
		if errors.Is(err, ErrExists) {
			return settle.Outcome{}, otherKeyTaken(err)
		}
		if errors.Is(err, ErrNotFound) {
			how = "created"
			err = r.send(ctx, func(ctx context.Context) error { return r.Target.Create(ctx, id, record) })
		}
		if err == nil {
			r.main.setID(r.To, id)
			return r.commit(ctx, record.Hash(), settle.Delivered(how))
		}
		if !errors.Is(err, ErrExists) {
			return settle.Outcome{}, err
		}
		refusals = append(refusals, err)
	}
	return settle.Outcome{}, r.whyNotCreated(refusals, func() error { _, err := r.readTarget(ctx, id); return err })
}

// pointTarget makes the target side's pointer lead to our main. A pointer of another main is only taken where that one
// doesn't hold the record, and by a swap on it, so that its own writer notices.
func (r *run[R]) pointTarget(ctx context.Context, id string) error {
	key := r.table.sideKey(r.To, id)
	_, err := r.table.insert(ctx, key, pointer{Link: r.link})
	if !errors.Is(err, ErrRowExists) {
		return err
	}
	p, err := r.table.pointer(ctx, key)
	if err != nil {
		return lost(err)
	}
	if p.Link == r.link && !p.Dead {
		return nil
	}
	if p.Link != "" && p.Link != r.link {
		if err := r.leave(ctx, p.Link, id); err != nil {
			return err
		}
	}
	_, err = r.table.swap(ctx, key, p.etag, pointer{Link: r.link})
	return lost(err)
}

// leave makes sure that another main has no use for a target id, and that a worker that holds it loses its swap.
func (r *run[R]) leave(ctx context.Context, link, id string) error {
	other := &mainRow{}
	etag, err := r.table.read(ctx, r.table.mainKey(link), other)
	if errors.Is(err, ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	if other.Claim != nil {
		if left := other.Claim.Until.Sub(r.options.Now()); left > 0 {
			return waiting("claimed", left)
		}
	}
	if sameKey(other.IDs[r.To], id) || sameKey(other.intended(), id) {
		return refused("target-linked", "the target record with this key is linked to another record of the source")
	}
	_, err = r.table.swap(ctx, r.table.mainKey(link), etag, other)
	return lost(err)
}

// lost turns a lost race for another record's row into waiting: the claim is released and the message comes again.
func lost(err error) error {
	if errors.Is(err, ErrRowExists) || errors.Is(err, ErrRowChanged) || errors.Is(err, ErrNoRow) {
		return waiting("swap-lost", time.Second)
	}
	return err
}

// remove deletes the target of a record that is gone at the source.
func (r *run[R]) remove(ctx context.Context) (settle.Outcome, error) {
	if !sameKey(r.main.IDs[r.From], r.change.ID) || r.main.Tombstone == r.From {
		return r.nothingUnderClaim(ctx, "gone")
	}
	switch r.Deletion {
	case Ignore:
		return r.nothingUnderClaim(ctx, "ignored")
	case Reject:
		return settle.Outcome{}, refused("delete-rejected", "the record was deleted in the source, and the contract rejects deletes")
	}
	deleted, err := r.erase(ctx)
	if err != nil {
		return settle.Outcome{}, err
	}
	delete(r.main.IDs, r.To)
	r.main.Tombstone = r.From
	r.main.forgetHashes()
	if deleted && r.Deletion == Deactivate {
		return r.commit(ctx, "", settle.Delivered("deactivated"))
	}
	if deleted {
		return r.commit(ctx, "", settle.Delivered("deleted"))
	}
	return r.commit(ctx, "", settle.NothingToDo("gone"))
}

// erase deletes the target record, or the one that an open intent stands for. It says whether there was one.
func (r *run[R]) erase(ctx context.Context) (bool, error) {
	id := r.main.IDs[r.To]
	if id == "" && r.main.IntentSide == r.To {
		id = r.main.intended()
	}
	if id == "" {
		return false, nil
	}
	for range tries {
		row, err := r.readTarget(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		etag := ""
		if r.Target.Traits().IfMatch {
			etag = row.ETag
		}
		err = r.send(ctx, func(ctx context.Context) error { return r.Target.Delete(ctx, id, etag) })
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, ErrNotFound):
			return false, nil
		case !errors.Is(err, ErrStale):
			return false, err
		}
	}
	return false, errContended
}
