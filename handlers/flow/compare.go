package flow

import (
	"context"

	"crosswalk/shared/contract"
	"crosswalk/shared/link"
)

// Compare returns each field of the record beside what the row holds. A lookup whose row isn't there differs.
func (t *DataverseTarget) Compare(ctx context.Context, row link.Row, r *contract.Record) ([]contract.Difference, error) {
	resolved, _, err := t.resolve(ctx, r.Fields())
	if err != nil {
		return nil, err
	}
	return r.Compare(row.JSON, resolved...)
}

// Compare returns each field of the record beside what the row holds.
func (t *FnOTarget) Compare(_ context.Context, row link.Row, r *contract.Record) ([]contract.Difference, error) {
	return r.Compare(row.JSON)
}
