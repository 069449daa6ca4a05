package link

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"crosswalk/shared/fault"
	"crosswalk/shared/settle"

	"github.com/google/uuid"
)

// What the systems of a flow answer. They are found with errors.Is, so a client's own error may wrap them.
var (
	// ErrNotFound says that the record isn't there.
	ErrNotFound = errors.New("link: record not found")
	// ErrExists says that a record with this id or key is there already.
	ErrExists = errors.New("link: record exists")
	// ErrStale says that the record has another ETag.
	ErrStale = errors.New("link: record changed")
)

// Record is what a flow wants the target to hold.
type Record interface {
	// KeyText is the canonical text of the match key.
	KeyText() string
	// Hash is a digest of the key and every owned field. Equal hashes mean that nothing need be written.
	Hash() string
}

// Source reads the rows of a row flow.
type Source[R Record] interface {
	// Read returns what the source row of this id wants the target to be, or an error that is [ErrNotFound].
	Read(ctx context.Context, id string) (R, error)
}

// Row is a target record as it stands.
type Row struct {
	// ID is the system's own id: a GUID in Dataverse, the key's text in F&O.
	ID string
	// ETag is sent back with a write where the system has If-Match.
	ETag string
	// JSON is the row object as the system returned it.
	JSON []byte
}

// Traits are what the steps must know of a target system.
type Traits struct {
	// IfMatch says that writes with an ETag that is no longer current are refused, as in Dataverse.
	IfMatch bool
	// KeyIsID says that the match key's text is the record's id and that an update of a missing record is refused, as in
	// F&O. Elsewhere Crosswalk chooses a GUID and creates under it.
	KeyIsID bool
}

// Target is a system that a flow writes to. A write whose outcome isn't known returns a [fault.Error] with reason
// "outcome-unknown", or an error that nobody judged.
type Target[R Record] interface {
	Traits() Traits
	// Find looks the record up by its alternate key; [ErrNotFound]. It isn't called where KeyIsID.
	Find(ctx context.Context, r R) (Row, error)
	// Read returns the record by its id; [ErrNotFound].
	Read(ctx context.Context, id string) (Row, error)
	// Equal says whether the row holds every owned field as r wants it. It may ask the system what a lookup leads to.
	Equal(ctx context.Context, row Row, r R) (bool, error)
	// Create adds the record under an id; [ErrExists] where the id, the alternate key or another key of the table is taken. An
	// error that is ErrExists may be a [fault.Error] too, whose Field names that other key.
	Create(ctx context.Context, id string, r R) error
	// Update writes the owned fields of a record that exists, but not its key; [ErrNotFound], [ErrStale], and [ErrExists]
	// where another key of the table is taken. etag is empty where the system has no If-Match, or the record wasn't read.
	Update(ctx context.Context, id, etag string, r R) error
	// Delete removes a record; [ErrNotFound], [ErrStale].
	Delete(ctx context.Context, id, etag string) error
}

// Version orders the events of one record: by sequence, then by event id. The zero Version comes before all.
type Version struct {
	Sequence string `json:"sequence,omitempty"`
	Event    string `json:"event,omitempty"`
}

// Compare returns -1, 0 or +1 as v comes before, is, or comes after w.
func (v Version) Compare(w Version) int {
	return cmp.Or(strings.Compare(v.Sequence, w.Sequence), strings.Compare(v.Event, w.Event))
}

// Deletion says what a delete in the source does to the target.
type Deletion uint8

const (
	// Reject dead-letters a delete. It is the zero value: nothing is deleted by accident.
	Reject Deletion = iota
	// Ignore leaves the target as it is.
	Ignore
	// Delete deletes the target.
	Delete
	// Deactivate is Delete for a target whose Delete keeps the record and marks it as no longer in use. The link forgets it all
	// the same: a record that comes to the source later under the same key finds the row by its key and takes it over.
	Deactivate
)

// Options are the times of a claim, in one place. The zero value stands for [Defaults].
type Options struct {
	// Claim is how long a worker may hold a record. Default 120 s.
	Claim time.Duration
	// Margin is how long before the claim's end the last request may be sent. It must be at least the longest time from
	// sending a request to its effect, plus the skew of clocks. Default 60 s.
	Margin time.Duration
	// ClientDeadline bounds one call to the source, the target or the store. Default 30 s.
	ClientDeadline time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// NewID returns a random GUID; nil means a new one of version 4.
	NewID func() string
}

// Defaults returns the options that the design gives.
func Defaults() Options {
	return Options{Claim: 120 * time.Second, Margin: 60 * time.Second, ClientDeadline: 30 * time.Second, Now: time.Now, NewID: uuid.NewString}
}

func (o Options) orDefaults() Options {
	d := Defaults()
	o.Claim = cmp.Or(o.Claim, d.Claim)
	o.Margin = cmp.Or(o.Margin, d.Margin)
	o.ClientDeadline = cmp.Or(o.ClientDeadline, d.ClientDeadline)
	if o.Now == nil {
		o.Now = d.Now
	}
	if o.NewID == nil {
		o.NewID = d.NewID
	}
	return o
}

// Flow brings the changes of one source to one target. Its fields are set before the first [Flow.Apply], which any number
// of goroutines may call.
type Flow[R Record] struct {
	// Name is the function's name: versions and hashes are kept per flow.
	Name string
	// Pair is the contract's pair; flows of one pair share their links.
	Pair string
	// From and To are the two sides, which are systems' names such as "fno".
	From, To string
	Store    Store
	Options  Options
	// Source reads the rows of a row flow. It is nil for an event flow, whose changes carry their record.
	Source Source[R]
	Target Target[R]
	// Deletion is what a delete in the source does.
	Deletion Deletion
}

// Change is one event, as the link sees it.
type Change[R Record] struct {
	// ID is the record's id on the source's side. An event flow may leave it empty: the record's key stands for it.
	ID      string
	Version Version
	// Deleted says that the event reports a delete.
	Deleted bool
	// Record is what an event flow's event wants the target to be; unused with Deleted and in row flows.
	Record R
}

// restarts bounds how often one Apply begins again after another worker moved the rows under it.
const restarts = 5

// errAgain says that another worker changed what the steps rely on: begin again.
var errAgain = errors.New("link: begin again")

// Apply brings a change to the target and says what it did: Delivered "created", "updated", "deleted" or "deactivated", or nothing to do
// because the event is a "duplicate", comes "late", leaves the target "unchanged", or the record is "gone" or its delete
// "ignored".
//
// A record that another worker holds, or took over, is a [fault.Waiting] error whose After says when to come back. A write
// of unknown outcome is returned as the target gave it, and the record's claim is left to expire. All other errors are
// the store's, the source's and the target's own, or Permanent: "key-changed", "target-linked", "other-key-taken",
// "delete-rejected".
func (f *Flow[R]) Apply(ctx context.Context, change Change[R]) (settle.Outcome, error) {
	if change.ID == "" {
		change.ID = "=" + fold(change.Record.KeyText())
	}
	o := f.Options.orDefaults()
	token := o.NewID()
	for range restarts {
		r := &run[R]{Flow: f, table: table{f.Store, f.Pair, o.ClientDeadline}, options: o, change: change, token: token}
		outcome, err := r.steps(ctx)
		if !errors.Is(err, errAgain) {
			return outcome, err
		}
	}
	return settle.Outcome{}, waiting("link-busy", time.Second)
}

// fold makes keys and ids comparable that differ in letter case only: both systems' databases take them for the same, so two
// links would fight over one record. Records are written and addressed with the key as it is spelt. A system whose ids
// tell case apart must give them in a form that doesn't.
func fold(key string) string { return strings.ToLower(key) }

func sameKey(a, b string) bool { return fold(a) == fold(b) }

func waiting(reason string, after time.Duration) error {
	return &fault.Error{Kind: fault.Waiting, Reason: reason, Detail: "another worker is busy with this record", After: after}
}
