package broker

import (
	"cmp"
	"slices"
	"time"
)

// snapshotFrame is about how large a frame of a snapshot gets, in bytes.
const snapshotFrame = 256 << 10

// Snapshot returns frames that make a new broker what this one is now. The state is copied before Snapshot returns, but
// for what nobody changes, such as bodies; the frames are made as they're asked for, without the broker's lock, and each
// is the caller's only until it asks for the next. begin is called under the lock, at the moment of the copy: what is
// appended to the journal from then on isn't part of the snapshot. The error is that of a value that can't be written.
func (b *Broker) Snapshot(begin func()) func(yield func([]byte, error) bool) {
	b.begin()
	b.recorder.seal() // what was due just now belongs to the snapshot
	copies := make([]entityCopy, 0, len(b.numbered))
	for _, t := range b.numbered {
		copies = append(copies, t.copyState())
	}
	begin()
	b.end()
	// An owner comes before what it owns: its number is the lower one. Subscriptions keep their order that way, too.
	slices.SortFunc(copies, func(x, y entityCopy) int { return cmp.Compare(x.shell.number, y.shell.number) })
	return func(yield func([]byte, error) bool) {
		failed := &firstFailure{}
		r := &recorder{journal: failed, codec: b.codec}
		full := func(limit int) bool {
			if failed.err != nil {
				yield(nil, failed.err)
				return false
			}
			if len(r.frame) <= limit {
				return true
			}
			ok := yield(r.frame, nil)
			r.frame = r.frame[:0]
			return ok
		}
		for _, c := range copies {
			c.record(r)
			if !full(snapshotFrame) {
				return
			}
			for i := range c.entries {
				r.enter(&c.entries[i])
				if !full(snapshotFrame) {
					return
				}
			}
		}
		full(0)
	}
}

// firstFailure is a journal that only keeps the first failure.
type firstFailure struct{ err error }

func (*firstFailure) Append([]byte) {}

func (f *firstFailure) Fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// entityCopy is an entity as it was at one moment.
type entityCopy struct {
	shell      *entity // number and sequence only
	definition definition
	err        error
	history    []rememberedID
	entries    []entry
	sessions   [][]byte
}

type rememberedID struct {
	id       string
	sequence int64
	at       time.Time
}

func (t *entity) copyState() entityCopy {
	c := entityCopy{shell: &entity{number: t.number, path: t.path, lastSequence: t.lastSequence, history: &history{}}}
	c.definition, c.err = t.definition()
	if t.history != nil {
		for _, id := range t.history.order {
			seen := t.history.ids[id]
			c.history = append(c.history, rememberedID{id, seen.sequence, seen.at})
		}
	}
	c.entries = make([]entry, 0, t.ledger.n)
	for e := range t.ledger.from(0) {
		copied := *e
		copied.home = c.shell
		c.entries = append(c.entries, copied)
	}
	c.sessions = t.sessionRecords()
	return c
}

// record writes all but the messages.
func (c *entityCopy) record(r *recorder) {
	if c.err != nil {
		r.journal.Fail(c.err)
		return
	}
	r.defineAs(c.shell, c.definition)
	r.number(c.shell)
	for _, seen := range c.history {
		r.remember(c.shell, seen.id, seen.sequence, seen.at)
	}
	for _, s := range c.sessions {
		r.begin(recordSession, c.shell)
		r.frame = appendBytes(r.frame, s)
	}
}
