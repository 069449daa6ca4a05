// Package flow is the one handler of all flows: it applies a contract to an event and brings the result to the target,
// by the steps of package link.
//
// In: one CloudEvent, whose data is complete. Out: one record in the target, or nothing to do. A flow of state "event"
// maps the event's own data; a flow of state "row" takes from the event's subject (account/<GUID>, or CustomersV3/<key>)
// which row to read.
package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"crosswalk/shared/contract"
	"crosswalk/shared/fault"
	"crosswalk/shared/link"
	"crosswalk/shared/schema"
	"crosswalk/shared/settle"
)

// RowReader reads the rows of a row flow's source.
type RowReader interface {
	// Read returns the row of this id as one JSON object with the plan's source columns, or an error that is
	// [link.ErrNotFound].
	Read(ctx context.Context, id string) ([]byte, error)
}

// Target is the system that a flow writes to.
type Target = link.Target[*contract.Record]

// Handler applies one contract. See [New].
type Handler struct {
	plan *contract.Plan
	link link.Flow[*contract.Record]
}

// record maps a source record and finds what its lookups lead to. A lookup through a link whose record hasn't come over yet is
// Transient, reason "reference-missing".
func (h *Handler) record(ctx context.Context, source []byte) (*contract.Record, error) {
	r, err := h.plan.Apply(source)
	if err != nil {
		return nil, err
	}
	return r, r.Resolve(func(field, pair, id string) (string, error) {
		found, err := link.Lookup(ctx, h.link.Store, pair, h.link.From, id, h.link.To, h.link.Options.ClientDeadline)
		if errors.Is(err, link.ErrNotFound) {
			return "", &fault.Error{Kind: fault.Transient, Reason: reasonReference, Field: field, Detail: "the record that it points to isn't linked yet in the pair " + pair}
		}
		return found, err
	})
}

// New returns the handler of the function that the plan is named after. rows is nil for a flow of state "event".
//
// An error says which part of the contract this handler can't carry out.
func New(plan *contract.Plan, links link.Store, options link.Options, rows RowReader, target Target) (*Handler, error) {
	h := &Handler{plan: plan, link: link.Flow[*contract.Record]{
		Name: plan.Name, Pair: plan.Pair, From: plan.From.System, To: plan.To.System, Store: links, Options: options, Target: target,
	}}
	if h.link.From == h.link.To {
		return nil, fmt.Errorf("%s: a link's two sides can't be the same system, %s", plan.Name, h.link.To)
	}
	switch {
	case plan.From.State == contract.StateEvent, plan.From.State == contract.StateImage:
	case plan.From.State == contract.StateRow && rows != nil:
		h.link.Source = source{rows, h}
	case plan.From.State == contract.StateRow:
		return nil, fmt.Errorf("%s: nothing can read rows of %s", plan.Name, plan.From.System)
	default:
		return nil, fmt.Errorf("%s: a flow of state %q isn't supported", plan.Name, plan.From.State)
	}
	switch plan.Delete {
	case contract.DeleteReject, "":
		h.link.Deletion = link.Reject
	case contract.DeleteIgnore:
		h.link.Deletion = link.Ignore
	case contract.DeleteRow:
		h.link.Deletion = link.Delete
	case contract.DeleteDeactivate:
		h.link.Deletion = link.Deactivate
		h.link.Target = deactivating{target, plan.Deactivation()}
	default:
		return nil, fmt.Errorf("%s: delete: %s isn't supported", plan.Name, plan.Delete)
	}
	return h, nil
}

// Handle brings one event to the target. Outcomes and errors are those of [link.Flow.Apply] and [contract.Plan.Apply]; an
// event of a row flow without a usable subject is Permanent, reason "field-missing" or "bad-value", field "subject". A record
// for which the contract's "when" is false is nothing to do, "not-wanted": what the target holds of it stays as it is.
func (h *Handler) Handle(ctx context.Context, e event.Event) (settle.Outcome, error) {
	change, err := h.change(ctx, e)
	if err != nil {
		return notWanted(settle.Outcome{}, err)
	}
	return notWanted(h.link.Apply(ctx, change))
}

func notWanted(outcome settle.Outcome, err error) (settle.Outcome, error) {
	if errors.Is(err, contract.ErrNotWanted) {
		return settle.NothingToDo(contract.NotWanted), nil
	}
	return outcome, err
}

// change is what the event means to the link.
func (h *Handler) change(ctx context.Context, e event.Event) (link.Change[*contract.Record], error) {
	c := link.Change[*contract.Record]{Version: version(e), Deleted: strings.HasSuffix(e.Type(), ".deleted")}
	row := h.link.Source != nil
	if row || aboutRecord(e.Type()) {
		var err error
		if c.ID, err = h.recordID(e.Subject()); err != nil {
			return c, err
		}
	}
	if row || c.Deleted {
		return c, nil
	}
	var err error
	c.Record, err = h.record(ctx, e.Data())
	return c, err
}

// aboutRecord tells events about a record, whose subject has the record's id, from business facts, which are known by their
// key alone.
func aboutRecord(kind string) bool {
	_, what, _ := cutLast(kind, ".")
	return what == "created" || what == "updated" || what == "deleted"
}

// recordID returns the id in a subject: of account/3f2a… the GUID, of CustomersV3/usmf/US-001 the key, as its row is addressed.
func (h *Handler) recordID(subject string) (string, error) {
	if subject == "" {
		return "", fault.Reject("field-missing", "subject", "the event doesn't say which record it is about")
	}
	table, id, ok := strings.Cut(subject, "/")
	if !ok || table == "" || id == "" {
		return "", fault.Reject("bad-value", "subject", "the event's subject isn't a table and an id, such as account/<id>")
	}
	if h.plan.From.System != schema.FnO {
		return strings.ToLower(id), nil
	}
	if table != h.plan.SourceSet() {
		return "", fault.Reject("bad-value", "subject", "the data event names its row by a GUID only, by which F&O can't be asked: its Target and PreImage don't hold all columns of the key of "+h.plan.SourceSet())
	}
	return id, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// version orders the events of one record: by the sequence extension, or by time where a source has none.
func version(e event.Event) link.Version {
	sequence, _ := e.Extensions()["sequence"].(string)
	if sequence == "" {
		sequence = e.Time().UTC().Format("20060102T150405.000000000Z")
	}
	return link.Version{Sequence: sequence, Event: e.ID()}
}

// deactivating is a target whose rows are never deleted: a delete writes the columns that say so.
type deactivating struct {
	Target
	record *contract.Record
}

// Delete implements [Target] with an update.
func (d deactivating) Delete(ctx context.Context, id, etag string) error {
	return d.Update(ctx, id, etag, d.record)
}

// source maps the rows that a row flow reads.
type source struct {
	rows    RowReader
	handler *Handler
}

// Read implements [link.Source].
func (s source) Read(ctx context.Context, id string) (*contract.Record, error) {
	row, err := s.rows.Read(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.handler.record(ctx, row)
}
