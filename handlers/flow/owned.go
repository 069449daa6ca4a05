package flow

import (
	"context"

	"crosswalk/shared/contract"
)

// owned is a target that refuses what the flow's system doesn't own.
type owned struct {
	Target
	plan   *contract.Plan
	owners *contract.Ownership
}

// Owned returns a target that writes no record with a field that another system owns, see [contract.Ownership.Permit]. It
// stands before every write, so that neither a contract that was changed after its check nor a fault in the mapping can
// overwrite what belongs to another system.
func Owned(target Target, plan *contract.Plan, owners *contract.Ownership) Target {
	return owned{target, plan, owners}
}

// Create implements [Target].
func (o owned) Create(ctx context.Context, id string, r *contract.Record) error {
	if err := o.owners.Permit(o.plan, r); err != nil {
		return err
	}
	return o.Target.Create(ctx, id, r)
}

// Update implements [Target].
func (o owned) Update(ctx context.Context, id, etag string, r *contract.Record) error {
	if err := o.owners.Permit(o.plan, r); err != nil {
		return err
	}
	return o.Target.Update(ctx, id, etag, r)
}
