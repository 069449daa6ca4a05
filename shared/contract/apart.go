package contract

import (
	"slices"
	"strings"
	"unicode"

	"crosswalk/shared/schema"
)

// Apart returns the column that keeps the rows of two flows into one table apart: part of both keys, and fixed in each contract to
// another value. A flow then finds, creates and changes rows of its own value alone, because a key's columns are never changed. It is
// false where there is no such column, so that both may write one row.
func (p *Plan) Apart(other *Plan) (column string, ok bool) {
	if p.To.System != other.To.System || p.To.Entity != other.To.Entity {
		return "", true
	}
	for _, name := range p.To.Key {
		a, okA := p.fixedKey(name)
		b, okB := other.fixedKey(name)
		if okA && okB && surelyDiffer(a, b) {
			return name, true
		}
	}
	return "", false
}

// surelyDiffer reports whether two texts differ for every database. They compare the texts of keys without regard to case and to blanks
// at the end, and what a letter with an accent equals depends on the collation, so that only ASCII is sure.
func surelyDiffer(a, b string) bool {
	a, b = strings.TrimRight(a, " "), strings.TrimRight(b, " ")
	return isASCII(a) && isASCII(b) && !strings.EqualFold(a, b)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// fixedKey returns the text of a column of the key that has the same value in every record.
func (p *Plan) fixedKey(name string) (string, bool) {
	if !slices.Contains(p.To.Key, name) {
		return "", false
	}
	for i := range p.fields {
		if f := &p.fields[i]; f.column.Name == name {
			if f.constant == nil || f.when != nil || f.column.Kind == schema.Reference {
				return "", false
			}
			v := Value{JSON: f.constant.json, column: f.column}
			return v.keyText(), true
		}
	}
	return "", false
}

// Rows tells which rows of its target the flow keeps to, where its key has fixed values: each such column with its value, in the key's
// order.
func (p *Plan) Rows() []KeyPart {
	var out []KeyPart
	for _, name := range p.To.Key {
		if text, ok := p.fixedKey(name); ok {
			column, _ := p.target.Column(name)
			out = append(out, KeyPart{name, text, column.Kind == schema.Text})
		}
	}
	return out
}
