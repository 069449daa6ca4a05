package sqlfilter

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// like is LIKE: % stands for any text, _ for any one character, the escape character takes the meaning from what follows
// it. Nothing else is special, brackets neither.
type like struct {
	value, pattern, escape expression
	compiled               []glyph // of a constant pattern
	constant               bool
}

// glyph is one element of a pattern.
type glyph struct {
	r    rune
	kind glyphKind
}

type glyphKind uint8

const (
	literal glyphKind = iota
	anyOne
	anyText
)

// compile prepares a pattern that is constant, and tells its faults at parsing.
func (p *like) compile() error {
	pattern, ok := p.pattern.(constant)
	if !ok {
		return nil
	}
	var escape any = ""
	if p.escape != nil {
		c, ok := p.escape.(constant)
		if !ok {
			return nil
		}
		escape = c.v
	}
	if pattern.v == nil || escape == nil {
		return nil // unknown, always
	}
	var err error
	p.compiled, err = glyphs(pattern.v, escape, p.escape != nil)
	p.constant = err == nil
	return err
}

func (p like) truth(s Source) (truth, error) {
	v, err := p.value.value(s)
	if err != nil {
		return unknown, err
	}
	compiled := p.compiled
	if !p.constant {
		pattern, err := p.pattern.value(s)
		if err != nil {
			return unknown, err
		}
		var escape any = ""
		if p.escape != nil {
			if escape, err = p.escape.value(s); err != nil {
				return unknown, err
			}
		}
		if pattern == nil || escape == nil {
			return unknown, nil
		}
		if compiled, err = glyphs(pattern, escape, p.escape != nil); err != nil {
			return unknown, fmt.Errorf("%w: %v", ErrEvaluation, err)
		}
	}
	text, ok := v.(string)
	if !ok {
		return unknown, nil // null, or a kind that has no text
	}
	return truthOf(matches(compiled, text)), nil
}

// glyphs reads a pattern. The errors show neither pattern nor escape, which may be properties.
func glyphs(pattern, escape any, escaped bool) ([]glyph, error) {
	text, ok := pattern.(string)
	if !ok {
		return nil, errors.New("LIKE wants a text as its pattern")
	}
	if utf8.RuneCountInString(text) > MaxLength {
		return nil, errors.New("LIKE's pattern, taken from a property, is too long")
	}
	mark := rune(-1)
	if escaped {
		e, ok := escape.(string)
		if !ok || utf8.RuneCountInString(e) != 1 {
			return nil, errors.New("ESCAPE wants a text of one character")
		}
		mark, _ = utf8.DecodeRuneInString(e)
	}
	var out []glyph
	for plain := false; len(text) > 0; {
		r, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		switch {
		case plain:
			out, plain = append(out, glyph{r: r}), false
		case r == mark:
			if plain = true; text == "" {
				return nil, errors.New("LIKE's pattern ends with the escape character")
			}
		case r == '%':
			if len(out) == 0 || out[len(out)-1].kind != anyText {
				out = append(out, glyph{kind: anyText})
			}
		case r == '_':
			out = append(out, glyph{kind: anyOne})
		default:
			out = append(out, glyph{r: r})
		}
	}
	return out, nil
}

// matches walks text and pattern together; at a mismatch it goes back to the last % and lets that take one character
// more. Only the last % has ever to be reconsidered, so the cost is at most len(text) times len(pattern).
func matches(pattern []glyph, text string) bool {
	p, t := 0, 0
	back, backText := -1, 0
	for t < len(text) {
		r, size := utf8.DecodeRuneInString(text[t:])
		switch {
		case p < len(pattern) && pattern[p].kind == anyText:
			back, backText = p, t
			p++
		case p < len(pattern) && (pattern[p].kind == anyOne || pattern[p].r == r):
			p++
			t += size
		case back >= 0:
			_, skip := utf8.DecodeRuneInString(text[backText:])
			backText += skip
			p, t = back+1, backText
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p].kind == anyText {
		p++
	}
	return p == len(pattern)
}
