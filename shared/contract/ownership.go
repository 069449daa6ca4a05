package contract

import (
	"slices"
	"strings"

	"crosswalk/shared/fault"
)

// Ownership says which system owns each field, by all contracts that run together. It is what writes are held against at run
// time, whatever a single contract said when it was checked.
type Ownership struct {
	// owners are by system/entity/column; where contracts differ a field has several.
	owners map[string][]string
}

// OwnershipOf compiles the ownership that the contracts state.
func OwnershipOf(plans ...*Plan) *Ownership {
	o := &Ownership{owners: map[string][]string{}}
	for _, p := range plans {
		for name, owner := range p.owners {
			if key := p.To.System + "/" + p.To.Entity + "/" + name; !slices.Contains(o.owners[key], owner) {
				o.owners[key] = append(o.owners[key], owner)
			}
		}
	}
	return o
}

// Permit refuses a record with a field that another system than the plan's source owns by any contract. The key's columns say
// which row is written and belong to all flows that feed it; an initial value is only ever part of a new row.
//
// The error is Misconfigured, reason "not-owner", with the first such field in the record's order.
func (o *Ownership) Permit(p *Plan, r *Record) error {
	for _, v := range r.Fields() {
		if v.column == nil || slices.Contains(p.To.Key, v.column.Name) || v.Initial {
			continue
		}
		owners := o.owners[p.To.System+"/"+p.To.Entity+"/"+v.column.Name]
		for _, owner := range owners {
			if owner != p.From.System {
				return &fault.Error{Kind: fault.Misconfigured, Reason: "not-owner", Field: v.column.Name,
					Detail: "a contract says that the field belongs to " + strings.Join(owners, " and to ") + ", and this flow comes from " + p.From.System + ": nothing is written"}
			}
		}
	}
	return nil
}
