package contract

import (
	"strconv"
	"strings"
)

// textEdit is what a field does to its source's text, in this order.
type textEdit struct {
	split *splitPlan
	// beginning and end are taken off once, where they are there; leading and trailing are characters that are taken off
	// however often they stand there.
	beginning, end, leading, trailing string
	letters                           string
	pad                               *padPlan
	prefix                            string
}

// splitPlan takes one part of a text. part counts from 1; partLast and partRest are the others.
type splitPlan struct {
	by   string
	part int
}

const (
	partLast = -1
	partRest = -2
)

// padPlan fills a text up to a number of characters.
type padPlan struct {
	to    int
	with  string
	right bool
}

// any reports whether the text is changed at all.
func (t *textEdit) any() bool { return *t != textEdit{} }

// strips reports whether something is taken off the text's ends.
func (t *textEdit) strips() bool {
	return t.beginning != "" || t.end != "" || t.leading != "" || t.trailing != ""
}

// shape runs everything up to case, which is what maps and tables look up. missing is true where the part that split asks
// for isn't there.
func (t *textEdit) shape(w *workspace, text string) (out string, missing bool, failed *failure) {
	if t.split != nil {
		if text = t.split.take(text); text == "" {
			return "", true, nil
		}
	}
	if t.strips() {
		text = strings.TrimSuffix(strings.TrimPrefix(text, t.beginning), t.end)
		if t.leading != "" {
			text = strings.TrimLeft(text, t.leading)
		}
		if t.trailing != "" {
			text = strings.TrimRight(text, t.trailing)
		}
		if strings.TrimSpace(text) == "" {
			return "", false, fail("bad-value", "nothing is left once the text is stripped")
		}
	}
	switch t.letters {
	case "lower":
		text = w.lower(text)
	case "upper":
		text = strings.ToUpper(text)
	}
	return text, false, nil
}

// finish pads and prefixes.
func (t *textEdit) finish(w *workspace, text string) string {
	if p := t.pad; p != nil {
		if missing := p.to - textLength(text); missing > 0 {
			fill := strings.Repeat(p.with, missing)
			if p.right {
				text += fill
			} else {
				text = fill + text
			}
		}
	}
	if t.prefix != "" {
		text = w.joined(t.prefix, text)
	}
	return text
}

// words says in order what shape and finish do.
func (t *textEdit) words() []string {
	var out []string
	if s := t.split; s != nil {
		part := "part " + itoa(s.part)
		switch s.part {
		case 1:
			part = "the first part"
		case partLast:
			part = "the last part"
		case partRest:
			part = "what follows the first part"
		}
		out = append(out, part+", split by "+strconv.Quote(s.by))
	}
	for _, s := range []struct{ what, text string }{{"the beginning", t.beginning}, {"the end", t.end}, {"leading", t.leading}, {"trailing", t.trailing}} {
		if s.text != "" {
			out = append(out, "without "+s.what+" "+strconv.Quote(s.text))
		}
	}
	if t.letters != "" {
		out = append(out, t.letters+" case")
	}
	if p := t.pad; p != nil {
		side := "left"
		if p.right {
			side = "right"
		}
		out = append(out, "filled up with "+strconv.Quote(p.with)+" on the "+side+" to "+itoa(p.to)+" characters")
	}
	if t.prefix != "" {
		out = append(out, "with "+strconv.Quote(t.prefix)+" before it")
	}
	return out
}

// longest returns how long a text of at most this length can become.
func (t *textEdit) longest(length int) int {
	if t.pad != nil {
		length = max(length, t.pad.to)
	}
	return length + textLength(t.prefix)
}

// textEdit compiles the field's operations on text.
func (c *compiler) textEdit(d *fieldDoc) textEdit {
	t := textEdit{prefix: textOf(d.Prefix), letters: textOf(d.Case)}
	what := "field " + d.name.text
	switch {
	case d.Strip == nil:
	case d.Strip.shape == textShape:
		t.beginning = d.Strip.text
	default:
		var s stripDoc
		c.object("strip", what+": strip", d.Strip, &s)
		t.beginning, t.end, t.leading, t.trailing = textOf(s.Beginning), textOf(s.End), textOf(s.Leading), textOf(s.Trailing)
		if !t.strips() {
			c.add(d.Strip, "write strip: {leading: \"0\"}", "%s: strip takes nothing off", what)
		}
	}
	if d.Split != nil {
		t.split = c.split(what+": split", d.Split)
	}
	if d.Pad != nil {
		t.pad = c.pad(what+": pad", d.Pad)
	}
	return t
}

func (c *compiler) split(what string, e *element) *splitPlan {
	var d splitDoc
	c.whole("split", what, e, &d)
	if d.By == nil || d.Part == nil {
		return nil
	}
	s := &splitPlan{by: d.By.text, part: 1}
	switch d.Part.text {
	case "first":
	case "last":
		s.part = partLast
	case "rest":
		s.part = partRest
	default:
		n, err := strconv.Atoi(d.Part.text)
		if err != nil || n < 1 {
			c.add(d.Part, "write 1 for the first part, 2 for the next, or first, last, rest", "%s: there is no part %s", what, d.Part.text)
		}
		s.part = n
	}
	return s
}

// longestPad bounds what a text is filled up to.
const longestPad = 4000

func (c *compiler) pad(what string, e *element) *padPlan {
	var d padDoc
	c.whole("pad", what, e, &d)
	if d.To == nil || d.With == nil {
		return nil
	}
	n, err := strconv.Atoi(d.To.text)
	if err != nil || n < 1 || n > longestPad {
		c.add(d.To, "write a whole number from 1 to "+itoa(longestPad), "%s: a text can't be filled up to %s characters", what, d.To.text)
	}
	if textLength(d.With.text) != 1 {
		c.add(d.With, "write one character, such as \"0\"", "%s: with is %q instead of one character", what, d.With.text)
	}
	return &padPlan{to: n, with: d.With.text, right: textOf(d.Side) == "right"}
}

// take returns the part, without white space around it; "" where the text hasn't got it. A separator of one blank takes
// any white space for one separator.
func (s *splitPlan) take(text string) string {
	if s.by == " " {
		text = strings.Join(strings.Fields(text), " ")
	}
	switch s.part {
	case partLast:
		if i := strings.LastIndex(text, s.by); i >= 0 {
			text = text[i+len(s.by):]
		}
		return strings.TrimSpace(text)
	case partRest:
		_, rest, _ := strings.Cut(text, s.by)
		return strings.TrimSpace(rest)
	}
	for range s.part - 1 {
		_, rest, found := strings.Cut(text, s.by)
		if !found {
			return ""
		}
		text = rest
	}
	text, _, _ = strings.Cut(text, s.by)
	return strings.TrimSpace(text)
}
