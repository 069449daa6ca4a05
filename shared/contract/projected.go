package contract

import (
	"bytes"
	"strings"

	"crosswalk/shared/fault"
	"crosswalk/shared/slots"
)

// MaxRows bounds the rows of a list that is written; a longer one rejects the record.
const MaxRows = 10_000

// projected returns the list that a field makes of the rows of another; skip leaves the target's field alone.
func (p *Plan) projected(w *workspace, f *fieldPlan, in *input) (l literal, skip bool, err error) {
	list := &w.row[in.slot]
	kind, failed := p.listKind(list)
	if failed != nil {
		return literal{}, false, fault.Reject(failed.reason, in.label, failed.detail)
	}
	if kind != filled {
		return in.blanks[kind].end(in.label, blankReasons[kind])
	}
	begin, outer := len(w.json), w.row
	err = p.projectRows(w, f.project, in, list)
	if w.row = outer; err != nil {
		return literal{}, false, err
	}
	switch l.json = w.json[begin:len(w.json):len(w.json)]; {
	case f.project.text:
		l.json, failed = w.textOf(begin, f.project.limit)
	case f.project.options && len(l.json) == len("[]"):
		return in.blanks[emptyText].end(in.label, blankReasons[emptyText])
	case f.project.options:
		l.json, failed = optionsOf(l.json)
	}
	if failed != nil {
		return literal{}, false, fault.Reject(failed.reason, in.label, failed.detail)
	}
	return l, false, nil
}

// textOf turns what was written from begin on, which is JSON, into a text of at most limit characters that holds it.
func (w *workspace) textOf(begin, limit int) ([]byte, *failure) {
	start := len(w.texts)
	w.texts = append(w.texts, w.json[begin:]...)
	w.json = w.json[:begin]
	text := slots.View(w.texts[start:])
	if limit > 0 && len(text) > limit && textLength(text) > limit { // units are never more than bytes
		return nil, fail("too-long", "the list, written as JSON, is longer than the "+itoa(limit)+" characters the target takes")
	}
	return w.quoted(text), nil
}

// maxOptions is how many options Dataverse lets one column select (learn.microsoft.com, "Choices columns").
const maxOptions = 150

// optionsOf turns a list of options in place into the text in which the Web API takes them: "1,3", each once.
func optionsOf(list []byte) ([]byte, *failure) {
	out := append(list[:0], '"')
	count := 0
	for option := range bytes.SplitSeq(list[1:len(list)-1], []byte{','}) {
		if hasOption(out[1:], option) {
			continue
		}
		if count++; count > maxOptions {
			return nil, fail("too-long", "the rows have more than "+itoa(maxOptions)+" different options, the most the target takes")
		}
		if count > 1 {
			out = append(out, ',')
		}
		out = append(out, option...)
	}
	return append(out, '"'), nil
}

// hasOption reports whether a text of options, 1,3, has this one.
func hasOption(options, option []byte) bool {
	for other := range bytes.SplitSeq(options, []byte{','}) {
		if bytes.Equal(other, option) {
			return true
		}
	}
	return false
}

// projectRows appends the list to w.json.
func (p *Plan) projectRows(w *workspace, j *projection, in *input, list *slots.Slot) error {
	w.json = append(w.json, '[')
	at, wrote := -1, 0
	for row := range w.Rows(list) {
		at++
		wanted, failed := p.meets(w, j.where, row)
		switch {
		case failed != nil:
			return fault.Reject(failed.reason, strings.TrimSuffix(in.label, ")")+"["+itoa(at)+"])", "where: "+failed.detail)
		case !wanted:
			continue
		case wrote == MaxRows:
			return fault.Reject("too-long", in.label, "the list has more than "+itoa(MaxRows)+" rows, the most that are written")
		}
		begin := len(w.json)
		if wrote > 0 {
			w.json = append(w.json, ',')
		}
		w.row = row
		there, err := p.projectRow(w, j)
		if err != nil {
			return j.locate(err, wrote, at)
		}
		if there {
			wrote++
		} else {
			w.json = w.json[:begin]
		}
	}
	w.json = append(w.json, ']')
	return nil
}

// projectRow appends what the row in w becomes; there is false for a value that is blank.
func (p *Plan) projectRow(w *workspace, j *projection) (there bool, err error) {
	if j.value != nil {
		begin := len(w.json)
		w.json, there, err = p.appendValue(w, j.value, w.json)
		return there && string(w.json[begin:]) != "null", err
	}
	start, out := len(w.json), w.json
	for i := range j.members {
		m, begin := &j.members[i], len(out)
		if out, there, err = p.appendValue(w, m, append(out, m.name...)); err != nil {
			return false, err
		}
		if !there {
			out = out[:begin]
		}
	}
	w.json = out
	if len(w.json) == start {
		w.json = append(w.json, ',')
	}
	w.json[start] = '{' // instead of the comma before the first member
	w.json = append(w.json, '}')
	return true, nil
}

// appendValue appends a field's value; there is false where it is skipped.
func (p *Plan) appendValue(w *workspace, f *fieldPlan, dst []byte) (out []byte, there bool, err error) {
	dst, took := p.take(w, f, dst)
	if took != tookNothing {
		return dst, took != tookBlank, nil
	}
	w.json = dst
	l, skip, err := p.evaluate(w, f)
	if err != nil || skip {
		return dst, false, err
	}
	return append(dst, l.json...), true, nil // most values stand there already, a constant doesn't
}

// locate says in which row a fault lies, row to of the target and row from of the source, both counted from 0:
// cw_lines[3].price (from Lines[3].SalesPrice).
func (j *projection) locate(err error, to, from int) error {
	f := fault.Of(err)
	if f == nil {
		return err
	}
	located := *f
	located.Field = numbered(numbered(f.Field, j.target, to), j.source, from)
	return &located
}

// numbered writes a row's number into a list's name wherever a path begins with it.
func numbered(field, list string, row int) string {
	var out strings.Builder
	for i := 0; i < len(field); i++ {
		if strings.HasPrefix(field[i:], list) && (i == 0 || field[i-1] == ' ' || field[i-1] == '(') {
			out.WriteString(strings.TrimSuffix(list, "]") + itoa(row))
			i += len(list) - 1
		}
		out.WriteByte(field[i])
	}
	return out.String()
}
