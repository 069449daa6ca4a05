package contract

import (
	"crosswalk/shared/fault"
)

// Difference is one field of a record beside what the target's row holds now.
type Difference struct {
	Value Value
	// Now is the row's literal as it was read; nil where the row hasn't got the column. A lookup is a GUID there.
	Now []byte
	// Same is true where writing the record wouldn't change the field, as [Record.Same] judges it, or where the field is an
	// initial value, which is never written into a row that exists.
	Same bool
}

// Compare returns what [Record.Same] sums up, field by field in the contract's order. The error is Same's.
func (r *Record) Compare(currentRow []byte, resolved ...Resolved) ([]Difference, error) {
	row, err := members(currentRow)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Transient, Reason: "row-unreadable", Detail: "the target's answer is no well-formed JSON object", Err: err}
	}
	fields := r.Fields()
	out := make([]Difference, len(fields))
	for i, v := range fields {
		name := v.Name
		if v.column != nil {
			name = rowProperty(v.column)
		}
		out[i] = Difference{Value: v, Now: row[name], Same: v.Initial || r.sameValue(v, row, resolved)}
	}
	return out, nil
}
