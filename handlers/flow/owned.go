package flow

import (
	"context"

	"crosswalk/shared/contract"
)

// owned is a target that refuses what the flow's system doesn't own.
type owned struct {
	Target
	plan   *contract.Plan
	owners func() (*contract.Ownership, error)
}

// Owned returns a target that writes no record with a field that another system owns, see [contract.Ownership.Permit]. It
// stands before every write, so that neither a contract that was changed after its check nor a fault in the mapping can
// overwrite what belongs to another system. owners is asked at each write, and the first one may wait until all contracts
// are loaded.
func Owned(target Target, plan *contract.Plan, owners func() (*contract.Ownership, error)) Target {
	return owned{target, plan, owners}
}

// Create implements [Target].
func (o owned) Create(ctx context.Context, id string, r *contract.Record) error {
	if err := o.permit(r); err != nil {
		return err
	}
	return o.Target.Create(ctx, id, r)
}

// Update implements [Target].
func (o owned) Update(ctx context.Context, id, etag string, r *contract.Record) error {
	if err := o.permit(r); err != nil {
		return err
	}
	return o.Target.Update(ctx, id, etag, r)
}

func (o owned) permit(r *contract.Record) error {
	owners, err := o.owners()
	if err != nil {
		return err
	}
	return owners.Permit(o.plan, r)
}
