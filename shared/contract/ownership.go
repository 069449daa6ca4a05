package contract

import (
	"slices"
	"strings"

	"crosswalk/shared/fault"
)

// Ownership says which system owns each field, by all contracts that run together. It is what writes are held against at run
// time, whatever a single contract said when it was checked.
type Ownership struct{ plans []*Plan }

// OwnershipOf compiles the ownership that the contracts state.
func OwnershipOf(plans ...*Plan) *Ownership { return &Ownership{plans} }

// Permit refuses a record with a field that another system than the plan's source owns by any contract whose flow may write the
// same row. The key's columns say which row is written and belong to all flows that feed it; an initial value is only ever part of
// a new row.
//
// The error is Misconfigured, reason "not-owner", with the first such field in the record's order.
func (o *Ownership) Permit(p *Plan, r *Record) error {
	var others []*Plan
	for _, other := range o.plans {
		if _, apart := p.Apart(other); !apart {
			others = append(others, other)
		}
	}
	for _, v := range r.Fields() {
		if v.column == nil || slices.Contains(p.To.Key, v.column.Name) || v.Initial {
			continue
		}
		owners := ownersOf(others, v.column.Name)
		if slices.ContainsFunc(owners, func(owner string) bool { return owner != p.From.System }) {
			return &fault.Error{Kind: fault.Misconfigured, Reason: "not-owner", Field: v.column.Name,
				Detail: "a contract says that the field belongs to " + strings.Join(owners, " and to ") + ", and this flow comes from " + p.From.System + ": nothing is written"}
		}
	}
	return nil
}

// ownersOf returns the systems that own a column by these contracts; where they differ there are several.
func ownersOf(plans []*Plan, column string) (owners []string) {
	for _, p := range plans {
		if owner, named := p.owners[column]; named && !slices.Contains(owners, owner) {
			owners = append(owners, owner)
		}
	}
	return owners
}
