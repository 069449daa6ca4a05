package contract

import "crosswalk/shared/slots"

// body is a record under way: its members as they will be sent, each with a comma before it.
type body struct {
	members []byte
	values  []span
	// lookups are lookups' values that don't stand in the members. Their spans count from ^0 downwards until the record is
	// complete.
	lookups []byte
}

func (b *body) reset() { b.members, b.values, b.lookups = b.members[:0], b.values[:0], b.lookups[:0] }

// open begins the member of a field; its literal is appended next.
func (b *body) open(f *fieldPlan) (begin int) {
	b.members = append(b.members, f.name...)
	return len(b.members)
}

// close ends the member whose literal begins at begin.
func (b *body) close(field, begin int) {
	b.values = append(b.values, span{int32(field), int32(begin), int32(len(b.members))})
}

// write adds a field with its literal.
func (b *body) write(f *fieldPlan, field int, l *literal) {
	begin := b.open(f)
	b.members = append(b.members, l.json...)
	b.close(field, begin)
	if l.reference != nil {
		begin = len(b.lookups)
		b.lookups = append(b.lookups, l.reference.Value...)
		b.values = append(b.values, span{lookupValue, int32(^begin), int32(^len(b.lookups))})
	}
}

// record returns the record, in memory of its own.
func (b *body) record(p *Plan) *Record {
	b.members = object(b.members)
	r := &Record{plan: p, size: len(b.members)}
	for i := range b.values {
		if v := &b.values[i]; v.start < 0 {
			v.start, v.end = int32(r.size)+^v.start, int32(r.size)+^v.end
		}
	}
	b.members = append(b.members, b.lookups...)
	r.text, r.values = make([]byte, len(b.members)), make([]span, len(b.values))
	copy(r.text, b.members)
	copy(r.values, b.values)
	return r
}

// object makes a JSON object of members that each have a comma before them.
func object(members []byte) []byte {
	if len(members) == 0 {
		members = append(members, ',')
	}
	members[0] = '{'
	return append(members, '}')
}

// memberName is a name as it begins a member in a body.
func memberName(property string) string {
	return string(append(slots.AppendQuoted([]byte{','}, property), ':'))
}
