package flow

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/dataverse"
	"crosswalk/shared/fault"
	"crosswalk/shared/link"
	"crosswalk/shared/schema"
)

// DataverseSource reads the source rows of one plan from Dataverse.
type DataverseSource struct {
	client  *dataverse.Client
	set, id string
	columns []string
}

// NewDataverseSource returns a reader of the plan's source table.
func NewDataverseSource(client *dataverse.Client, plan *contract.Plan) (*DataverseSource, error) {
	if plan.SourceID() == "" {
		return nil, fmt.Errorf("%s: the table %s has no GUID as its primary key", plan.Name, plan.From.Entity)
	}
	return &DataverseSource{client, plan.SourceSet(), plan.SourceID(), plan.SourceColumns()}, nil
}

// Read implements [RowReader]. id is the row's GUID.
func (s *DataverseSource) Read(ctx context.Context, id string) ([]byte, error) {
	row, err := s.client.ByID(ctx, s.set, s.id, id, s.columns)
	return row.JSON, asCondition(err)
}

// DataverseTarget writes the target rows of one plan to Dataverse, under GUIDs that the link chooses, or that are the records' key.
type DataverseTarget struct {
	client  *dataverse.Client
	set, id string
	columns []string
	// idIsKey says that the contract's key is the row's own GUID.
	idIsKey bool
}

// NewDataverseTarget returns a writer of the plan's target table.
func NewDataverseTarget(client *dataverse.Client, plan *contract.Plan) (*DataverseTarget, error) {
	if plan.TargetID() == "" {
		return nil, fmt.Errorf("%s: the table %s has no GUID as its primary key", plan.Name, plan.To.Entity)
	}
	return &DataverseTarget{client, plan.TargetSet(), plan.TargetID(), plan.TargetColumns(), plan.IDIsKey()}, nil
}

// Traits implements [Target]. A row that is known by its own GUID is written as F&O's are, without a version.
func (t *DataverseTarget) Traits() link.Traits {
	return link.Traits{IfMatch: !t.idIsKey, KeyIsID: t.idIsKey}
}

// Find implements [Target], by the record's key. A lookup of the key whose row isn't there is Transient, reason
// "reference-missing".
func (t *DataverseTarget) Find(ctx context.Context, r *contract.Record) (link.Row, error) {
	if t.idIsKey {
		return t.Read(ctx, r.KeyText())
	}
	resolved, missing, err := t.resolve(ctx, r.Key())
	if err != nil {
		return link.Row{}, err
	}
	key, ok := r.KeyParts(resolved...)
	if !ok {
		return link.Row{}, &fault.Error{Kind: fault.Transient, Reason: reasonReference, Field: strings.Join(missing, ", "), Detail: "the row that it points to isn't there yet, and it is part of the key"}
	}
	row, err := t.client.ByKey(ctx, t.set, t.id, keyValues(key), t.columns)
	return link.Row(row), asCondition(err)
}

// Read implements [Target]. id is a GUID.
func (t *DataverseTarget) Read(ctx context.Context, id string) (link.Row, error) {
	row, err := t.client.ByID(ctx, t.set, t.id, id, t.columns)
	return link.Row(row), asCondition(err)
}

// Equal implements [Target]. The row holds its lookups as GUIDs, so each reference of the record is looked up; one that leads
// nowhere is unequal, and the write that follows says so.
func (t *DataverseTarget) Equal(ctx context.Context, row link.Row, r *contract.Record) (bool, error) {
	resolved, _, err := t.resolve(ctx, r.Fields())
	if err != nil {
		return false, err
	}
	return r.Same(row.JSON, resolved...)
}

// Create implements [Target]: create only, under a GUID of ours.
func (t *DataverseTarget) Create(ctx context.Context, id string, r *contract.Record) error {
	// The id is in the address; the key's columns are ordinary columns of the new row.
	return t.named(ctx, r, asCondition(t.client.Create(ctx, t.set, id, r.JSON(true))))
}

// Update implements [Target], with If-Match where the ETag is known. The key's columns aren't sent: they are what the row
// was found by.
func (t *DataverseTarget) Update(ctx context.Context, id, etag string, r *contract.Record) error {
	return t.named(ctx, r, asCondition(t.client.Update(ctx, t.set, id, etag, r.JSON(false))))
}

// Delete implements [Target].
func (t *DataverseTarget) Delete(ctx context.Context, id, etag string) error {
	return asCondition(t.client.Delete(ctx, t.set, id, etag))
}

// resolve looks up the references among a record's values. missing names those that lead nowhere.
func (t *DataverseTarget) resolve(ctx context.Context, values []contract.Value) (resolved []contract.Resolved, missing []string, err error) {
	for _, v := range values {
		if v.Reference == nil || v.Reference.ID != "" {
			continue // no lookup, or one whose row the link knows
		}
		idColumn := primaryID(v.Reference.Entity)
		row, err := t.referred(ctx, v.Reference, idColumn)
		switch {
		case errors.Is(err, dataverse.ErrNotFound):
			missing = append(missing, fieldOf(v))
		case err != nil:
			return nil, nil, err
		default:
			resolved = append(resolved, contract.Resolved{Name: v.Name, ID: row.ID})
		}
	}
	return resolved, missing, nil
}

// referred reads the id of the row that a lookup points to.
func (t *DataverseTarget) referred(ctx context.Context, to *contract.Reference, idColumn string) (dataverse.Row, error) {
	if to.Key == idColumn {
		return t.client.ByID(ctx, to.Set, idColumn, to.Value, []string{idColumn})
	}
	key := append([]contract.KeyPart{{Column: to.Key, Value: to.Value, Quoted: to.Quoted}}, to.And...)
	return t.client.ByKey(ctx, to.Set, idColumn, keyValues(key), []string{idColumn})
}

// primaryID returns the primary key's column of a Dataverse table.
func primaryID(entity string) string {
	if e, ok := schema.Lookup(schema.Dataverse, entity); ok && len(e.PrimaryKey) == 1 {
		return e.PrimaryKey[0]
	}
	return entity + "id"
}

// named says which field of the contract a missing reference is about. Dataverse's answer doesn't tell it reliably, so the
// references are looked up, which costs reads only when a write has failed.
func (t *DataverseTarget) named(ctx context.Context, r *contract.Record, err error) error {
	var refused *fault.Error
	if !errors.As(err, &refused) || refused.Reason != reasonReference {
		return err
	}
	_, missing, lookup := t.resolve(ctx, r.Fields())
	if lookup != nil || len(missing) == 0 {
		return err
	}
	clear := *refused
	clear.Field, clear.Err = strings.Join(missing, ", "), err
	return &clear
}

// reasonReference is the clients' reason for a lookup that is bound to a row that isn't there.
const reasonReference = "reference-missing"

// fieldOf returns the contract's name of a lookup: its request property is <column>@odata.bind, for a lookup with several
// targets <column>_<table>@odata.bind.
func fieldOf(v contract.Value) string {
	name := strings.TrimSuffix(v.Name, "@odata.bind")
	if v.Reference != nil {
		name = strings.TrimSuffix(name, "_"+v.Reference.Entity)
	}
	return name
}

func keyValues(parts []contract.KeyPart) []dataverse.KeyValue {
	key := make([]dataverse.KeyValue, len(parts))
	for i, part := range parts {
		key[i] = dataverse.KeyValue{Name: part.Column, Value: part.Value, Quoted: part.Quoted}
	}
	return key
}
