package slots

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// value is a JSON value as jsontext reads it.
type value struct {
	raw      jsontext.Value
	names    []string
	members  map[string]*value
	elements []*value
}

// reference reads a text with jsontext's own rules.
func reference(src []byte) (*value, error) {
	d := jsontext.NewDecoder(bytes.NewReader(src))
	raw, err := d.ReadValue()
	if err != nil {
		return nil, err
	}
	v := decompose(raw.Clone())
	switch _, err = d.ReadToken(); err {
	case io.EOF:
		return v, nil
	case nil:
		err = errors.New("something follows the value")
	}
	return nil, err
}

// decompose takes a value apart that is known to be well formed.
func decompose(raw jsontext.Value) *value {
	v := &value{raw: raw, members: map[string]*value{}}
	if kind := raw.Kind(); kind != '{' && kind != '[' {
		return v
	}
	d := jsontext.NewDecoder(bytes.NewReader(raw))
	_, _ = d.ReadToken()
	for d.PeekKind() != '}' && d.PeekKind() != ']' {
		name := ""
		if raw.Kind() == '{' {
			token, _ := d.ReadToken()
			name = token.String()
		}
		inner, _ := d.ReadValue()
		part := decompose(inner.Clone())
		if raw.Kind() == '{' {
			v.names = append(v.names, name)
			v.members[name] = part
		} else {
			v.elements = append(v.elements, part)
		}
	}
	return v
}

func (v *value) depth() int {
	deepest := 0
	for _, m := range v.members {
		deepest = max(deepest, m.depth())
	}
	for _, e := range v.elements {
		deepest = max(deepest, e.depth())
	}
	if kind := v.raw.Kind(); kind != '{' && kind != '[' {
		return 0
	}
	return deepest + 1
}

// compare holds that the slots at and below n are what v says.
func compare(t *testing.T, s *Scanner, row []Slot, n *node, v *value, inherited Kind) {
	t.Helper()
	slot := &row[n.slot]
	want := inherited
	if v != nil {
		want = Kind(v.raw.Kind())
		if !bytes.Equal(slot.Raw, v.raw) {
			t.Fatalf("slot %s holds %q, jsontext has %q", n.name, slot.Raw, v.raw)
		}
		if want == String {
			text, _ := jsontext.AppendUnquote(nil, v.raw)
			if slot.Text() != string(text) {
				t.Fatalf("slot %s has the text %q, jsontext has %q", n.name, slot.Text(), text)
			}
		}
	}
	if slot.Kind != want {
		t.Fatalf("slot %s is of kind %q, want %q", n.name, slot.Kind, want)
	}
	below := Blocked
	switch slot.Kind {
	case Null, Absent:
		below = slot.Kind
	case Object:
		below = Absent
	}
	for _, c := range n.children {
		var part *value
		if v != nil {
			part = v.members[c.name]
		}
		compare(t, s, row, c, part, below)
	}
	count := 0
	for r := range s.Rows(slot) {
		switch {
		case n.open && r[MemberName].Text() == v.names[count]:
			compare(t, s, r, &memberNode, v.members[v.names[count]], Absent)
		case n.element != nil && !n.open:
			compare(t, s, r, &n.element.root, v.elements[count], Absent)
		default:
			t.Fatalf("row %d is of nothing", count)
		}
		count++
	}
	if v != nil && (n.open && count != len(v.names) || n.element != nil && count != len(v.elements)) {
		t.Fatalf("slot %s has %d rows of %q", n.name, count, v.raw)
	}
}

// someRow wants values, a list with a list in it, and an object whole.
func someRow() *Row {
	row := NewRow()
	row.Value("a")
	row.Value("b", "c")
	row.Value("b", "d", "e")
	row.Members("m")
	_, line := row.List("l")
	line.Value("x")
	_, inner := line.List("l")
	inner.Value("y")
	return row
}

// FuzzScan holds that a text is accepted exactly if jsontext accepts it and it isn't too deep, and that every slot is then
// what jsontext finds there.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":{"c":"x","d":{"e":null}},"l":[{"x":1,"l":[{"y":"é"}]},2,null],"m":{"p":true,"q":[]}}`, `{"a":"\ud83d\ude00\u00e9\n","\u0061b":-0.10E-5}`,
		`{"b":null,"l":null,"m":null}`, `{"b":7,"l":{},"m":[]}`, `{"a":1,"\u0061":2}`, `{"z":1,"\u007a":2}`, `{"l":[{"z":1,"z":2}]}`, `{"m":{"p":1,"p":2}}`,
		"{\"a\":\"\xed\xa0\x80\"}", `{"a":"\ud83d"}`, `{"a":"\udc00\ud83d"}`, `[[[[]]]]`, ` "x" `, `01`, `1.`, `-`, `{"a":1}x`, "\xef\xbb\xbf{}", "{\"a\":\"\x7f\u2028\"}", `{"a":"` + strings.Repeat("é东😀", 9) + `"}`,
		`{"a":"01234567\"89"}`, `{"a":"0123456\\"}`, `{"":{"":{"":1}}}`,
		// what an object shares with the element before it
		`[{"a":1,"b":2},{"a":1,"b":2,"a":3}]`, `[{"a":1,"b":2},{"b":2,"a":1,"b":3}]`, `[{"a":1},{"a":1,"b":1,"a":2}]`, `[{"a":1,"b":2,"c":3},{"a":1},{"a":1,"b":2,"b":3}]`,
		`[{"a":[{"x":1,"y":2},{"x":1,"x":2}],"b":1},{"a":[],"b":1,"a":1}]`, `[{"\u0061":1,"b":1},{"a":1,"a":2}]`, `[{"b":1,"\u0061":1},{"b":1,"a":1,"\u0061":2}]`,
		`{"l":[{"x":1,"z":2,"l":[{"y":1},{"y":2,"z":3}]},{"x":1,"z":2,"x":3}]}`, `{"l":[{"x":1,"z":{"z":1}},{},{"x":2,"z":{"x":1,"z":2}},{"z":1,"x":2}]}`,
		`{"m":{"p":[{"a":1},{"a":2}],"q":1}}`, `[[{"a":1}],[{"a":1,"b":2},{"a":1,"c":2,"b":3}]]`, `[{"ab":1},{"a":1},{"abc":1},{"ab":1,"ab":2}]`, `[{"a":[{"a":1}],"b":1},{"a":1,"a":2}]`,
		`{"a":1,"l":[{"x":1,"z":2},{"z":{"x":2},"x":3}]}`, `{"l":[{"x":1,"z":2},{"x":{"x":2,"z":{"x":3}},"z":4}]}`, `{"a":1,"l":[{"x":1,"z":2},{"x":{"x":5}}]}`, `[{"b":1,"\u0061":1},{"b":1,"\u0061":1,"c":2,"a":3}]`,
		nested(MaxDepth), nested(MaxDepth + 1), `{"b":` + nested(MaxDepth-1) + `}`,
	} {
		f.Add([]byte(seed))
	}
	row := someRow()
	var s Scanner
	f.Fuzz(func(t *testing.T, src []byte) {
		before := bytes.Clone(src)
		err := s.Scan(src, row)
		v, strict := reference(before)
		if !bytes.Equal(before, src) {
			t.Fatal("the text was changed")
		}
		switch {
		case err == nil && strict != nil:
			t.Fatalf("accepted, but jsontext says: %v", strict)
		case err != nil && strict == nil && v.depth() <= MaxDepth:
			t.Fatalf("refused (%v), but jsontext accepts it", err)
		case err == nil && v.depth() > MaxDepth:
			t.Fatalf("accepted with a depth of %d", v.depth())
		case err == nil:
			compare(t, &s, s.Slots(), &row.root, v, Absent)
		}
	})
}

// FuzzScanAfterAnother holds that the text before, whose names are expected again, changes nothing in what is read.
func FuzzScanAfterAnother(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":1,"z":2,"y":3}`, `{"a":1,"z":2,"y":3}`}, {`{"a":1,"z":2,"y":3}`, `{"a":1,"z":2}`}, {`{"a":1,"z":2}`, `{"a":1,"z":2,"y":3,"z":4}`}, {`{"a":1,"z":2}`, `{"a":1,"z":2,"a":4}`},
		{`{"z":1,"y":2}`, `{"z":1,"z":2}`}, {`{"z":1,"y":2,"x":3}`, `{"z":1,"y":2,"z":3}`}, {`{"z":1}`, `{"z":1,"\u007a":2}`}, {`{"\u007a":1,"y":2}`, `{"y":1,"z":2,"y":3}`},
		{`{"b":{"c":1,"d":{"e":2}},"a":1}`, `{"b":{"c":"x","d":{"e":true,"e":3}}}`}, {`{"b":{"c":1,"z":2}}`, `{"b":{"c":1,"z":2,"c":3}}`}, {`{"b":{"c":1,"d":7}}`, `{"b":{"c":1,"d":{"e":1}}}`},
		{`{"l":[{"x":1,"z":2},{"x":1,"z":3}],"a":1}`, `{"l":[{"x":1,"z":2},{"x":1,"x":3}],"a":1}`}, {`{"z":1,"y"`, `{"z":1,"y":2,"y":3}`}, {`{"m":{"p":1}}`, `{"m":{"p":1,"q":2}}`}, {`{"z" :1,"a": 2}`, `{"z":1, "a" :2}`}, {`{"z" :1,"y":2}`, `{"z" :1,"y":2,"z":3}`},
		// what lists and values that nobody wants share with those of the text before
		{`{"z":[{"p":1,"q":{"r":1}},{"p":2}]}`, `{"z":[{"p":1,"q":{"r":1,"s":2,"r":3}}]}`}, {`{"z":[{"p":1,"q":2}]}`, `{"z":{"p":1,"q":2,"p":3}}`}, {`{"z":{"p":1,"q":2}}`, `{"z":[{"p":1,"p":2}]}`},
		{`{"l":[{"x":1,"l":[{"y":1,"w":2}]}]}`, `{"l":[{"x":1,"l":[{"y":3,"w":2,"y":4}]}]}`}, {`{"l":[[{"x":1}],{"x":2,"z":3}]}`, `{"l":[{"x":1,"z":2},[{"x":3,"x":4}]]}`}, {`{"l":{"x":1}}`, `{"l":[{"x":1,"x":2}]}`},
		{`{"z":"a","y":1,"x":-1}`, `{"z":"a\n","y": "b\"c","x":"\ud800"}`}, {`{"z":"a","y":"b"}`, "{\"z\":\"é\",\"y\":\"\xff\"}"}, {`{"z":1}`, `{"z":01}`}, {`{"z":1}`, `{"z":1`}, {`{"z":"aaaaaaaaa"}`, `{"z":"a`}, {`{"z":1}`, `{"z":`},
		{`{"m":{"p":1,"q":[{"r":1}]}}`, `{"m":{"p":"x","q":[{"r":1,"r":2}]}}`}, {`{"m":{"p":1,"q":2}}`, `{"m":{"p":1,"q":2,"q":3}}`}, {`{"m":{"p":1}}`, `{"m":{"\u0070":1,"p":2}}`},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	row := someRow()
	f.Fuzz(func(t *testing.T, earlier, src []byte) {
		var used, fresh Scanner
		_ = used.Scan(earlier, row)
		want := fresh.Scan(src, row)
		for range 3 { // what differed from what was expected is expected next
			got := used.Scan(src, row)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%v, by a new scanner %v", got, want)
			}
			if got == nil {
				compare(t, &used, used.Slots(), &row.root, decompose(bytes.Clone(fresh.Slots()[0].Raw)), Absent)
			}
		}
	})
}

// FuzzEmbedded holds that JSON in a string is read as if it stood there itself.
func FuzzEmbedded(f *testing.F) {
	for _, seed := range []string{`[{"x":"a"},1]`, `[{"x":"\"\\\u00e9"}]`, ` [] `, `[1`, `"[1]"`, `plain`, `{"a":1,"\u0061":2}`, "[\"\xff\"]", nested(MaxDepth - 2), nested(MaxDepth)} {
		f.Add([]byte(seed))
	}
	build := func(embedded bool) *Row {
		row := NewRow()
		if embedded {
			row.Embedded("in")
		}
		_, element := row.List("in")
		element.Value("x")
		return row
	}
	outer, plain := build(true), build(false)
	var s, direct Scanner
	f.Fuzz(func(t *testing.T, src []byte) {
		quoted, err := jsontext.AppendQuote(nil, src)
		if err != nil || bytes.HasPrefix(bytes.TrimLeft(src, " \t\r\n"), []byte(`"`)) {
			return // no text, or a string again, which is read once more
		}
		in := direct.Scan([]byte(`{"in":`+string(src)+`}`), plain)
		if in == nil {
			if _, strict := reference(src); strict != nil {
				return // such as 1},"x":{ which only looks right in its place
			}
		}
		out := s.Scan([]byte(`{"in":`+string(quoted)+`}`), outer)
		if (in == nil) != (out == nil) {
			t.Fatalf("as a string: %v, in its place: %v", out, in)
		}
		if in == nil {
			compare(t, &s, s.Slots()[:2], outer.root.children[0], decompose(bytes.TrimSpace(src)), Absent)
		}
	})
}

// FuzzAppendQuoted holds that a text is written as jsontext writes it.
func FuzzAppendQuoted(f *testing.F) {
	for _, seed := range []string{"", "plain", `a "quote" here`, "tab\t", "\x1f", `back\slash`, "é東😀", "0123456\x00", "01234567\"", "\xff", "abcdefg\xed\xa0\x80", "\u2028</script>&", "\x7f", "01234567é\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, _ := jsontext.AppendQuote([]byte("x"), text)
		if got := AppendQuoted([]byte("x"), text); string(got) != string(want) {
			t.Fatalf("%q is written %s, by jsontext %s", text, got, want)
		}
	})
}
