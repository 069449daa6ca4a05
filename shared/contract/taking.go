package contract

import (
	"time"
	"unicode/utf8"

	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

// plainText returns the text of a string that is its own JSON and isn't blank, nil for any other value.
func plainText(s *slots.Slot) []byte {
	if s.Kind != slots.String || s.Escaped || len(s.Raw) <= 2 || s.Raw[1] <= ' ' || s.Raw[1] >= utf8.RuneSelf {
		return nil // what begins outside ASCII may be white space
	}
	return s.Raw[1 : len(s.Raw)-1]
}

// take appends the value if it is plain; it is false for any other, and out means nothing then.
func (in *input) take(w *workspace, f *fieldPlan, dst []byte) (out []byte, ok bool) {
	s := &in.short
	dst = append(dst, s.before...)
	switch s.way {
	case asJoined:
		dst, ok = in.takeJoined(w.row, dst)
	case asNumber:
		dst, ok = in.takeNumber(w, f, dst)
	default:
		text := plainText(&w.row[in.slot])
		if text == nil {
			return dst, false
		}
		dst, ok = f.takeText(s, text, dst)
	}
	return append(dst, s.behind...), ok
}

// takeText appends a value made of one text.
func (f *fieldPlan) takeText(s *shortcut, text, dst []byte) ([]byte, bool) {
	switch s.way {
	case asChoice:
		l, ok := f.choices[slots.View(text)]
		return append(dst, l.json...), ok
	case asMoment:
		return appendPlainMoment(dst, text, s.system, f.column.DateOnly)
	}
	if len(text) > s.limit {
		return dst, false // by bytes; evaluate counts
	}
	switch s.way {
	case asLower:
		return appendLower(dst, text)
	case asLookup:
		for _, c := range text {
			if !unreserved[c] {
				return dst, false
			}
		}
	case asGUID:
		if id, ok := parseGUID(slots.View(text)); !ok || id == zeroGUID {
			return dst, false
		}
	}
	return append(dst, text...), true
}

// appendLower appends an ASCII text in lower case.
func appendLower(dst, text []byte) ([]byte, bool) {
	begin := len(dst)
	dst = append(dst, text...)
	for i, c := range dst[begin:] {
		if c >= utf8.RuneSelf {
			return dst, false
		}
		if 'A' <= c && c <= 'Z' {
			dst[begin+i] = c + 'a' - 'A'
		}
	}
	return dst, true
}

// takeJoined appends several texts.
func (in *input) takeJoined(row []slots.Slot, dst []byte) ([]byte, bool) {
	begin := len(dst)
	for i := range in.parts {
		text := plainText(&row[in.parts[i].slot])
		if text == nil {
			return dst, false
		}
		if i > 0 {
			dst = append(dst, in.short.between...)
		}
		dst = append(dst, text...)
	}
	return dst, len(dst)-begin <= in.short.limit
}

// takeNumber appends a number without an exponent.
func (in *input) takeNumber(w *workspace, f *fieldPlan, dst []byte) ([]byte, bool) {
	slot := &w.row[in.slot]
	if slot.Kind != slots.Number || len(slot.Raw) > maxDigits {
		return dst, false
	}
	n, ok := numeralOf(slot.Raw)
	if ok && f.round != nil && n.places > f.round.places {
		p, _ := parsePlain(slots.View(slot.Raw)) // it has no exponent
		begin := len(w.texts)
		if w.texts, ok = f.round.appendByDigits(w.texts, p); ok {
			n, ok = numeralOf(w.texts[begin:])
		}
	}
	s, sign := &in.short, n.sign()
	switch end := len(n.text); {
	case !ok, end > s.limit, n.places > s.places, n.point-sign > s.whole[sign], sign == 1 && n.isZero():
		return dst, false
	case n.point == end:
		return append(dst, n.text...), true
	case s.integer || in.column.Kind == schema.Integer:
		return dst, false
	case f.round == nil || end-n.point-1 <= f.round.places:
		return append(dst, n.text...), true
	case f.round.places == 0:
		return append(dst, n.text[:n.point]...), true
	}
	return append(dst, n.text[:n.point+1+f.round.places]...), true
}

// numeral is a JSON number without an exponent.
type numeral struct {
	text []byte
	// point is where the decimal point stands, or the end; places is how many digits behind it count.
	point, places int
}

// numeralOf takes a well-formed number apart; it is false for one with an exponent.
func numeralOf(text []byte) (numeral, bool) {
	n := numeral{text: text, point: len(text)}
	for i, c := range text {
		switch {
		case c == '.':
			n.point = i
		case c > '9':
			return n, false
		case c != '0' && i > n.point:
			n.places = i - n.point
		}
	}
	return n, true
}

// sign is 1 where the number begins with a minus.
func (n numeral) sign() int {
	if n.text[0] == '-' {
		return 1
	}
	return 0
}

func (n numeral) isZero() bool { return n.places == 0 && n.text[n.sign()] == '0' }

// lastPlainTick is the end of 2099 in milliseconds: all days from 1970 to then are in both systems' range, none of them is an
// empty one, and every fourth year has a leap day.
const lastPlainTick = 4102444799999

// appendPlainMoment appends a date from 1970 to 2099 that is written /Date(ms)/ or in ISO 8601 with seconds and a Z.
func appendPlainMoment(dst, s []byte, system string, dateOnly bool) ([]byte, bool) {
	if len(s) < len("2006-01-02T15:04:05Z") || s[0] == '/' {
		ms, ok := plainTicks(s)
		if !ok {
			return dst, false
		}
		return appendMoment(dst, time.UnixMilli(ms).UTC(), system, dateOnly), true
	}
	if !isPlainISO(s) {
		return dst, false
	}
	switch {
	case !dateOnly:
		return append(append(dst, s[:len("2006-01-02T15:04:05")]...), 'Z'), true
	case system == schema.FnO:
		return append(append(dst, s[:len("2006-01-02")]...), "T00:00:00Z"...), true
	}
	return append(dst, s[:len("2006-01-02")]...), true
}

func plainTicks(s []byte) (ms int64, ok bool) {
	const open, shut, most = "/Date(", ")/", 13
	n := len(s) - len(open) - len(shut)
	if n < 1 || n > most || string(s[:len(open)]) != open || string(s[len(open)+n:]) != shut {
		return 0, false
	}
	for _, c := range s[len(open) : len(open)+n] {
		if c < '0' || c > '9' {
			return 0, false
		}
		ms = ms*10 + int64(c-'0')
	}
	return ms, ms <= lastPlainTick
}

// isPlainISO reports whether s, which is long enough, is a moment such as 2026-07-01T16:53:19Z or 2026-07-01T16:53:19.123Z.
func isPlainISO(s []byte) bool {
	const form = "0000-00-00T00:00:00"
	for i := range len(form) {
		if c := s[i]; form[i] == '0' && (c < '0' || c > '9') || form[i] != '0' && c != form[i] {
			return false
		}
	}
	two := func(i int) int { return int(s[i]-'0')*10 + int(s[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	if year < 1970 || year > 2099 || month < 1 || month > 12 || day < 1 || two(11) > 23 || two(14) > 59 || two(17) > 59 {
		return false
	}
	if day > daysIn[month] && (month != 2 || day != 29 || year%4 != 0) {
		return false
	}
	fraction := s[len(form) : len(s)-1]
	return s[len(s)-1] == 'Z' && (len(fraction) == 0 || fraction[0] == '.' && len(fraction) > 1 && len(fraction) <= 10 && digits(fraction[1:]) == len(fraction)-1)
}

// daysIn are the days of the months, January at 1, in a year without a leap day.
var daysIn = [...]int{1: 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// unreserved are the bytes that a URL holds as they are (RFC 3986, 2.3).
var unreserved = func() (out [256]bool) {
	for c := range out {
		out[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
	}
	return out
}()
