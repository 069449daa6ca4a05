package contract

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"crosswalk/shared/exact"
	"crosswalk/shared/schema"
)

// scaling multiplies by times and divides by per, both exact; the field's words say why.
type scaling struct {
	times, per factor
	words      string
}

// rounding is where and how a number is rounded.
type rounding struct {
	places int
	mode   roundingMode
	words  string
}

// roundingMode is the contract's word for it.
type roundingMode string

// down goes towards zero, up away from it; the halves go to the nearest number, and from the middle to the even one or up.
const (
	halfEven roundingMode = "half-even"
	halfUp   roundingMode = "half-up"
	down     roundingMode = "down"
	up       roundingMode = "up"
)

// reckon scales and rounds a number given as plain decimal text.
func (p *Plan) reckon(w *workspace, text string, s *scaling, r *rounding) (string, *failure) {
	plain, ok := plainNumber(text)
	if !ok {
		return "", fail("bad-value", "the text is no plain decimal number (no leading zeros, no separators but a point)")
	}
	if s == nil && r != nil {
		if short, ok := withoutZeros(plain, r.places); ok {
			return short, nil
		}
		if short, ok := r.byDigits(plain); ok {
			return short, nil
		}
	}
	d, _ := exact.Parse(plain)
	if s != nil {
		times, failed := s.times.value(w, p)
		if failed != nil {
			return "", failed
		}
		per, failed := s.per.value(w, p)
		if failed != nil {
			return "", failed
		}
		var ends bool
		if d, ends = divide(d.Mul(times), per); !ends && r == nil {
			return "", fail("bad-value", "the converted number has no end, and the contract doesn't say how it is rounded")
		}
		d, _ = decimal.NewFromString(d.String()) // without the zeros at its end
	}
	if r != nil && -d.Exponent() > int32(r.places) {
		d = r.round(d)
	}
	if plain, ok = plainNumber(exact.Text(d)); !ok {
		return "", fail("out-of-range", "the number has more digits than any system keeps")
	}
	return plain, nil
}

// withoutZeros rounds a plain number where that only takes zeros off its end, so that its digits answer it.
func withoutZeros(text string, places int) (string, bool) {
	p, ok := parsePlain(text)
	if !ok || p.places() > places {
		return "", false
	}
	if len(p.fraction) <= places {
		return text, true
	}
	text = text[:len(text)-len(p.fraction)+places]
	return strings.TrimSuffix(text, "."), true
}

// quotientPlaces is how many decimal places a quotient has that ends: a number of 2*maxDigits places, divided by one of
// 2*maxDigits digits, ends after 2*maxDigits + log2(10^(2*maxDigits)) = 8.7*maxDigits places at the latest, or never.
const quotientPlaces = 10 * maxDigits

// divide divides by what isn't 0. ends is false where the quotient has no end; it is cut then, with one more digit that keeps
// it from looking like the middle between two numbers, so that it rounds as the whole one does.
func divide(n, by decimal.Decimal) (quotient decimal.Decimal, ends bool) {
	if by.Equal(one) {
		return n, true
	}
	q, rest := n.QuoRem(by, quotientPlaces)
	if rest.IsZero() {
		return q, true
	}
	return q.Add(decimal.New(int64(n.Sign()*by.Sign()), -quotientPlaces-1)), false
}

// round rounds a number with more places than are wanted.
func (r *rounding) round(d decimal.Decimal) decimal.Decimal {
	places := int32(r.places)
	switch r.mode {
	case up:
		return d.RoundUp(places).Truncate(places) // it leaves zeros as they are
	case halfUp:
		return d.Round(places)
	case halfEven:
		return d.RoundBank(places)
	}
	return d.Truncate(places)
}

// byDigits rounds a plain number with more places than are wanted, if what remains fits into a word.
func (r *rounding) byDigits(text string) (string, bool) {
	p, ok := parsePlain(text)
	if !ok {
		return "", false
	}
	var space [maxWordDigits + 3]byte // a sign, a point, one more digit
	out, ok := r.appendByDigits(space[:0], p)
	return string(out), ok
}

func (r *rounding) appendByDigits(dst []byte, p plain) ([]byte, bool) {
	if len(p.whole)+r.places > maxWordDigits || len(p.fraction) <= r.places {
		return dst, false
	}
	var n uint64
	for _, kept := range [...]string{p.whole, p.fraction[:r.places]} {
		for i := range len(kept) {
			n = n*10 + uint64(kept[i]-'0')
		}
	}
	if r.away(n, p.fraction[r.places:]) {
		n++
	}
	if p.negative && n > 0 {
		dst = append(dst, '-')
	}
	begin := len(dst)
	dst = strconv.AppendUint(dst, n, 10)
	for len(dst)-begin <= r.places {
		dst = slices.Insert(dst, begin, '0')
	}
	if r.places > 0 {
		dst = slices.Insert(dst, len(dst)-r.places, '.')
	}
	return dst, true
}

// maxWordDigits is how many digits any number of a uint64 can have, with one to spare.
const maxWordDigits = 18

// away reports whether the digits n are rounded away from zero for the sake of those behind them.
func (r *rounding) away(n uint64, rest string) bool {
	nonZero := strings.TrimRight(rest, "0")
	switch r.mode {
	case up:
		return nonZero != ""
	case halfUp:
		return rest[0] >= '5'
	case halfEven:
		return nonZero > "5" || nonZero == "5" && n%2 == 1
	}
	return false // down
}

// clamped returns the nearest number that the column takes.
func clamped(text string, c *schema.Column) string {
	switch {
	case c.Min != "" && compareNumbers(text, c.Min) < 0:
		return c.Min
	case c.Max != "" && compareNumbers(text, c.Max) > 0:
		return c.Max
	}
	return text
}

// units gives each unit's dimension and its exact size in that dimension's base unit.
var units = map[string]struct{ dimension, size string }{
	"mg": {"mass", "0.000001"}, "g": {"mass", "0.001"}, "kg": {"mass", "1"}, "t": {"mass", "1000"}, "lb": {"mass", "0.45359237"}, "oz": {"mass", "0.028349523125"},
	"mm": {"length", "0.001"}, "cm": {"length", "0.01"}, "m": {"length", "1"}, "km": {"length", "1000"}, "in": {"length", "0.0254"}, "ft": {"length", "0.3048"}, "yd": {"length", "0.9144"}, "mi": {"length", "1609.344"},
	"ml": {"volume", "0.001"}, "l": {"volume", "1"}, "m3": {"volume", "1000"}, "gal": {"volume", "3.785411784"},
	"s": {"time", "1"}, "min": {"time", "60"}, "h": {"time", "3600"}, "d": {"time", "86400"},
	"fraction": {"share", "1"}, "percent": {"share", "0.01"},
}

// numberOperations compiles unit, times, per, round and outOfRange.
func (c *compiler) numberOperations(d *fieldDoc, f *fieldPlan) {
	what := "field " + d.name.text
	target := f.column
	for _, op := range []struct {
		name string
		e    *element
	}{{"unit", d.Unit}, {"times", d.Times}, {"per", d.Per}, {"round", d.Round}, {"outOfRange", d.OutOfRange}} {
		if op.e != nil && target.Kind != schema.Number && target.Kind != schema.Integer && (target.Kind != schema.Text || op.name == "outOfRange") {
			c.add(op.e, "remove "+op.name, "%s is a %s, and %s is for numbers", what, target.Kind, op.name)
		}
	}
	if d.Unit != nil && (d.Times != nil || d.Per != nil) {
		c.add(d.Unit, "keep unit, or times and per", "%s: unit and times or per exclude each other", what)
		return
	}
	switch {
	case d.Unit != nil:
		f.scale = c.unit(what+": unit", d.Unit)
	case d.Times != nil || d.Per != nil:
		f.scale = &scaling{times: c.factor(what+": times", "times", d.Times), per: c.factor(what+": per", divisor, d.Per)}
		if d.Times != nil {
			f.scale.words = "times " + f.scale.times.words(d.Times)
		}
		if d.Per != nil {
			if f.scale.words != "" {
				f.scale.words += ", "
			}
			f.scale.words += "divided by " + f.scale.per.words(d.Per)
		}
	}
	if d.Round != nil {
		f.round = c.rounding(what+": round", d.Round, target)
	}
	if s := f.scale; s != nil && f.round == nil && !ends(s) {
		at := d.Unit
		if at == nil {
			at = d.Per
		}
		c.add(at, "add round: {places: …, mode: half-even}", "%s: what comes of the division can have no end, and nothing says how it is rounded", what)
	}
	f.clamp = textOf(d.OutOfRange) == "clamp"
}

// ends reports whether every number with an end has one after scaling: one divided by per must have one.
func ends(s *scaling) bool {
	if s.per.column != nil {
		return false
	}
	_, ends := divide(s.times.number, s.per.number)
	return ends
}

func (c *compiler) unit(what string, e *element) *scaling {
	var d unitDoc
	c.whole("unit", what, e, &d)
	if d.From == nil || d.To == nil {
		return nil
	}
	from, okFrom := units[d.From.text]
	to, okTo := units[d.To.text]
	for _, u := range []struct {
		e  *element
		ok bool
	}{{d.From, okFrom}, {d.To, okTo}} {
		if !u.ok {
			c.add(u.e, "use one of "+unitList(), "%s: there is no unit %q", what, u.e.text)
		}
	}
	if !okFrom || !okTo {
		return nil
	}
	if from.dimension != to.dimension {
		c.add(d.To, "use a unit of "+from.dimension, "%s: %s is a %s and %s a %s", what, d.From.text, from.dimension, d.To.text, to.dimension)
		return nil
	}
	times, _ := exact.Parse(from.size)
	per, _ := exact.Parse(to.size)
	return &scaling{times: factor{number: times}, per: factor{number: per}, words: d.From.text + " to " + d.To.text}
}

func (c *compiler) rounding(what string, e *element, target *schema.Column) *rounding {
	var d roundDoc
	c.whole("round", what, e, &d)
	if d.Places == nil || d.Mode == nil {
		return nil
	}
	places, err := strconv.Atoi(d.Places.text)
	if err != nil || places < 0 || places > maxDigits/2 {
		c.add(d.Places, "write a whole number from 0 to "+itoa(maxDigits/2), "%s: a number can't have %s places", what, d.Places.text)
		return nil
	}
	if target.Kind == schema.Number && target.Precision > 0 && places > target.Precision {
		c.add(d.Places, "write at most "+itoa(target.Precision), "%s: %s keeps %d decimal places", what, target.Name, target.Precision)
	}
	return &rounding{places: places, mode: roundingMode(d.Mode.text), words: "rounded to " + itoa(places) + " decimal places (" + d.Mode.text + ")"}
}

func unitList() string { return strings.Join(slices.Sorted(maps.Keys(units)), ", ") }
