package slots

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// show writes slots as kind and bytes: `"a"`, `!`, `-` for an absent one.
func show(slots []Slot, want ...int) string {
	var out []string
	for _, i := range want {
		switch s := &slots[i]; s.Kind {
		case Absent:
			out = append(out, "-")
		case Blocked:
			out = append(out, "!")
		default:
			out = append(out, string(s.Raw))
		}
	}
	return strings.Join(out, " ")
}

func TestSlotsHoldWhatStandsInTheText(t *testing.T) {
	row := NewRow()
	want := []int{row.Value("id"), row.Value("customer", "name"), row.Value("customer", "address"), row.Value("customer", "address", "city"), row.Value("a.b")}
	var s Scanner
	for _, tt := range []struct{ src, want string }{
		{`{"id":1,"customer":{"name":"n","address":{"city":"c","x":[1]}},"a.b":true}`, `1 "n" {"city":"c","x":[1]} "c" true`},
		{`{"id":9007199254740993.1234567890123456789E+05}`, `9007199254740993.1234567890123456789E+05 - - - -`},
		{" {\t\"id\" :\r\n -0.0 , \"other\" : { \"id\" : 2 } } ", `-0.0 - - - -`},
		{`{"\u0069d":"a\u0062\n","cust\u006fmer":{"n\u0061me":1}}`, `"a\u0062\n" 1 - - -`},
		{`{"ID":1,"Id":2,"i":3,"idx":4,"":5}`, `- - - - -`},
		{`{"customer":null,"id":null}`, `null null null null -`},
		{`{"customer":{"address":null}}`, `- - null null -`},
		{`{"customer":"x"}`, `- ! ! ! -`},
		{`{"customer":[{"name":1}]}`, `- ! ! ! -`},
		{`{"customer":{"address":7}}`, `- - 7 ! -`},
		{`{"customer":{}}`, `- - - - -`},
		{`{"id":{"id":[]}}`, `{"id":[]} - - - -`},
		{`[{"id":1}]`, `! ! ! ! !`},
		{`null`, `null null null null null`},
	} {
		if err := s.Scan([]byte(tt.src), row); err != nil {
			t.Errorf("%s: %v", tt.src, err)
			continue
		}
		if got := show(s.Slots(), want...); got != tt.want {
			t.Errorf("%s\n  gives %s\n  want  %s", tt.src, got, tt.want)
		}
		if got := string(s.Slots()[0].Raw); got != strings.TrimSpace(tt.src) {
			t.Errorf("%s: slot 0 holds %s", tt.src, got)
		}
	}
}

func TestListsGiveARowForEachElement(t *testing.T) {
	row := NewRow()
	lines, line := row.List("order", "lines")
	item := line.Value("item", "id")
	taxes, tax := line.List("taxes")
	code := tax.Value("code")
	after := row.Value("after")
	var s Scanner
	for _, tt := range []struct{ src, want string }{
		{`{"order":{"lines":[{"item":{"id":1},"taxes":[{"code":"a"},{"code":"b"}]},{"taxes":[{"x":0}]},{"item":{"id":3}}]},"after":4}`,
			`1("a" "b" ) -(- ) 3() |4`},
		{`{"after":4,"order":{"lines":[7,null,[],{"taxes":5}]}}`, `!() null() !() -() |4`},
		{`{"order":{"lines":[]}}`, `|-`},
		{`{"order":{"lines":{"item":1}}}`, `|-`},
		{`{"order":null}`, `|-`},
		{`{}`, `|-`},
	} {
		if err := s.Scan([]byte(tt.src), row); err != nil {
			t.Errorf("%s: %v", tt.src, err)
			continue
		}
		var got strings.Builder
		for r := range s.Rows(&s.Slots()[lines]) {
			got.WriteString(show(r, item) + "(")
			for x := range s.Rows(&r[taxes]) {
				got.WriteString(show(x, code) + " ")
			}
			got.WriteString(") ")
		}
		got.WriteString("|" + show(s.Slots(), after))
		if got.String() != tt.want {
			t.Errorf("%s\n  gives %s\n  want  %s", tt.src, got.String(), tt.want)
		}
	}
}

func TestMembersGivesEveryMember(t *testing.T) {
	row := NewRow()
	list, element := row.List()
	properties := element.Members()
	var s Scanner
	if err := s.Scan([]byte(`[{"a":1,"\u0062":{"c":[2]}},null,{},{"d":"e"}]`), row); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for r := range s.Rows(&s.Slots()[list]) {
		for m := range s.Rows(&r[properties]) {
			fmt.Fprintf(&got, "%s=%s ", m[MemberName].Text(), m[MemberValue].Raw)
		}
		got.WriteString("|")
	}
	if want := `a=1 b={"c":[2]} ||| d="e" |`; strings.ReplaceAll(got.String(), "|d", "| d") != want {
		t.Errorf("%s, want %s", got.String(), want)
	}
}

func TestEmbeddedJSONIsReadWhereItStands(t *testing.T) {
	row := NewRow()
	row.Embedded("data", "in")
	list, element := row.List("data", "in")
	x := element.Value("x")
	var s Scanner
	for _, tt := range []struct{ src, want string }{
		{`{"data":{"in":[{"x":"a"},{"x":2}]}}`, `"a" 2 `},
		{`{"data":{"in":"[{\"x\":\"a\"},{\"\\u0078\":\"\\\"\"},{\"x\":\"\\u00e9\"}]"}}`, `"a" "\"" "\u00e9" `},
		{`{"data":{"in":"[]"}}`, ``},
		{`{"data":{"in":" [ 1 ] "}}`, `! `},
		{`{"data":{"in":"\"[{\\\"x\\\":1}]\""}}`, `1 `}, // encoded twice
		{`{"data":{"in":""}}`, `malformed-json: data.in`},
		{`{"data":{"in":"plain"}}`, `malformed-json: data.in`},
		{`{"data":{"in":"[1] x"}}`, `malformed-json: data.in`},
		{`{"data":{"in":"[1,{\"x\":{\"y\":1,\"\\u0079\":2}}]"}}`, `duplicate-key: data.in[1].x.y`},
		{`{"data":{"in":"[\"\\ud800\"]"}}`, `malformed-json: data.in[0]`},
	} {
		got := ""
		if err := s.Scan([]byte(tt.src), row); err != nil {
			got = err.Error()
		} else {
			for r := range s.Rows(&s.Slots()[list]) {
				got += show(r, x) + " "
			}
		}
		if got != tt.want {
			t.Errorf("%s\n  gives %s\n  want  %s", tt.src, got, tt.want)
		}
	}
}

func TestTextResolvesEscapes(t *testing.T) {
	row := NewRow()
	var s Scanner
	for src, want := range map[string]string{
		`""`: "", `"plain"`: "plain", `"东京 é"`: "东京 é", `"\"\\\/\b\f\n\r\t"`: "\"\\/\b\f\n\r\t", `"\u0000\u00e9\uD83D\ude00x"`: "\x00é😀x",
		`"a long text before \u0041 and a long text behind it"`: "a long text before A and a long text behind it",
		`1`: "", `null`: "", `{"a":"b"}`: "",
	} {
		if err := s.Scan([]byte(src), row); err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		slot := s.Slots()[0]
		if got := slot.Text(); got != want {
			t.Errorf("%s: Text gives %q, want %q", src, got, want)
		}
		if got := string(slot.AppendText([]byte("x"))); got != "x"+want {
			t.Errorf("%s: AppendText gives %q, want %q", src, got, "x"+want)
		}
	}
}

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// Each refusal has its reason and its path.
func TestWhatIsRefused(t *testing.T) {
	row := NewRow()
	row.Value("id")
	row.Value("c", "name")
	_, line := row.List("lines")
	line.Value("x")
	names := func(n int) string { // many different names, then one again
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"n%d":%d,`, i, i)
		}
		return "{" + b.String() + `"n7":0}`
	}
	var s Scanner
	for _, tt := range []struct{ src, want string }{
		{``, `malformed-json`}, {`  `, `malformed-json`}, {`{`, `malformed-json`}, {`{"id"`, `malformed-json`}, {`{"id":`, `malformed-json: id`},
		{`{"id":1`, `malformed-json`}, {`{"id":1,}`, `malformed-json`}, {`{,"id":1}`, `malformed-json`}, {`{"id" 1}`, `malformed-json`},
		{`{id:1}`, `malformed-json`}, {`{'id':1}`, `malformed-json`}, {`{"id":'1'}`, `malformed-json: id`}, {`{1:1}`, `malformed-json`},
		{`{"id":1}x`, `malformed-json`}, {`{"id":1}{}`, `malformed-json`}, {`{"id":1}` + "\x00", `malformed-json`}, {"\xef\xbb\xbf{}", `malformed-json`},
		{"{\u00a0}", `malformed-json`}, {"{\v}", `malformed-json`}, {`{"id":1 "c":2}`, `malformed-json`}, {`{"lines":[1 2]}`, `malformed-json: lines`},
		{`{"lines":[1,]}`, `malformed-json: lines[1]`}, {`{"lines":[`, `malformed-json: lines[0]`}, {`{"lines":[1}`, `malformed-json: lines`},
		{`{"id":tru}`, `malformed-json: id`}, {`{"id":True}`, `malformed-json: id`}, {`{"id":nul`, `malformed-json: id`}, {`{"id":falsey}`, `malformed-json`},
		{`{"id":01}`, `malformed-json`}, {`{"id":-}`, `malformed-json: id`}, {`{"id":+1}`, `malformed-json: id`}, {`{"id":.5}`, `malformed-json: id`},
		{`{"id":1.}`, `malformed-json: id`}, {`{"id":1e}`, `malformed-json: id`}, {`{"id":1e+}`, `malformed-json: id`}, {`{"id":0x1}`, `malformed-json`},
		{`{"id":NaN}`, `malformed-json: id`}, {`{"id":-Infinity}`, `malformed-json: id`}, {`{"id":--1}`, `malformed-json: id`},
		{`{"id":"}`, `malformed-json: id`}, {`{"id":"\`, `malformed-json: id`}, {`{"id":"\x"}`, `malformed-json: id`}, {`{"id":"\u12"}`, `malformed-json: id`},
		{`{"id":"\u12g4"}`, `malformed-json: id`}, {`{"id":"\U0041"}`, `malformed-json: id`}, {"{\"id\":\"a\tb\"}", `malformed-json: id`}, {"{\"id\":\"01234567\x00\"}", `malformed-json: id`},
		{"{\"id\":\"a\x1fb\"}", `malformed-json: id`}, {"{\"id\":\"a\x01b, with more than a word behind it\"}", `malformed-json: id`}, {"{\"i\nd\":1}", `malformed-json`},
		{`{"x":["\ud83d"]}`, `malformed-json: x[0]`}, {`{"id":"\udc00"}`, `malformed-json: id`}, {`{"id":"\ud83d\ud83d"}`, `malformed-json: id`},
		{`{"id":"\ud83dx\ude00"}`, `malformed-json: id`}, {`{"id":"\ud83d\u0041"}`, `malformed-json: id`}, {`{"\ud800":1}`, `malformed-json`},
		{"{\"id\":\"\xff\"}", `invalid-utf8: id`}, {"{\"x\":\"\xc3\x28\"}", `invalid-utf8: x`}, {"{\"id\":\"\xc0\xaf\"}", `invalid-utf8: id`},
		{"{\"id\":\"\xed\xa0\x80\"}", `invalid-utf8: id`}, {"{\"id\":\"\xf4\x90\x80\x80\"}", `invalid-utf8: id`}, {"{\"\xff\":1}", `invalid-utf8`}, {"{\"id\":\"\xe2\x82\"}", `invalid-utf8: id`},
		{"{\"c\":{\"d\":[{},{\"e\":\"\x80\"}]}}", `invalid-utf8: c.d[1].e`},
		{`{"id":1,"id":1}`, `duplicate-key: id`}, {`{"id":1,"\u0069d":1}`, `duplicate-key: id`}, {`{"c":{"name":1,"name":1}}`, `duplicate-key: c.name`},
		{`{"c":{},"id":1,"c":{}}`, `duplicate-key: c`}, {`{"c":1,"c":{"name":1}}`, `duplicate-key: c`}, {`{"c":null,"c":null}`, `duplicate-key: c`},
		{`{"x":1,"x":2}`, `duplicate-key: x`}, {`{"x":1,"\u0078":2}`, `duplicate-key: x`}, {`{"\u0078":1,"\u0078":2}`, `duplicate-key: x`}, {`{"":1,"":2}`, `duplicate-key: `},
		{`{"x":[{"y":{"a":1,"a":2}}]}`, `duplicate-key: x[0].y.a`}, {`{"lines":[{"x":1},{"x":1,"x":2}]}`, `duplicate-key: lines[1].x`},
		{`{"lines":[{"z":1},{"z":1,"z":2}]}`, `duplicate-key: lines[1].z`}, {`{"lines":[],"lines":[]}`, `duplicate-key: lines`},
		{`{"id":{"q":1,"r":{"q":1},"q":1}}`, `duplicate-key: id.q`}, {`{"東":{"é":1,"é":2}}`, `duplicate-key: 東.é`}, {names(5000), `duplicate-key: n7`},
		{`{"x":` + nested(MaxDepth) + `}`, `too-deep: x` + strings.Repeat("[0]", MaxDepth-1)},
		{`{"id":` + nested(MaxDepth) + `}`, `too-deep: id` + strings.Repeat("[0]", MaxDepth-1)},
		{strings.Repeat(`{"x":`, 1_000_000), `too-deep: x` + strings.Repeat(".x", MaxDepth-1)},
	} {
		var refused *Error
		err := s.Scan([]byte(tt.src), row)
		switch {
		case err == nil:
			t.Errorf("%.80q is accepted, want %s", tt.src, tt.want)
		case !errors.As(err, &refused):
			t.Errorf("%.80q gives a %T", tt.src, err)
		case err.Error() != strings.TrimSuffix(tt.want, ": "):
			t.Errorf("%.80q\n  gives %s\n  want  %s", tt.src, err, tt.want)
		}
	}
	many := `[` + strings.Repeat(`{"a":1,"b":{"a":2,"b":3}},`, 20_000) + `{}]`
	for _, src := range []string{many, `{"x":` + nested(MaxDepth-1) + `}`, `{"id":1}`, names(1)[:1] + `"n7":0}`} {
		if err := s.Scan([]byte(src), row); err != nil {
			t.Errorf("after many refusals %.80q gives %v", src, err)
		}
	}
}

// A scanner is used for one text after another; what it held of one never shows in the next.
func TestAScannerStartsAfresh(t *testing.T) {
	row := NewRow()
	id := row.Value("id")
	lines, line := row.List("lines")
	x := line.Value("x")
	var s Scanner
	many := `{"id":1,"lines":[` + strings.TrimSuffix(strings.Repeat(`{"x":1},`, 3*keep), ",") + `]}`
	for range 3 {
		for _, tt := range []struct{ src, want string }{
			{`{"id":1,"lines":[{"x":1},{"x":2}],"other":0}`, `1 1 2`}, {`{"lines":[{}],"other":0}`, `- -`}, {`{"lines":[{"x":3}],"id":[}`, ``},
			{`{"other":0}`, `-`}, {many, ``}, {`{"id":2,"lines":[0]}`, `2 !`},
		} {
			err := s.Scan([]byte(tt.src), row)
			if err != nil || tt.want == "" {
				continue
			}
			got := show(s.Slots(), id)
			for r := range s.Rows(&s.Slots()[lines]) {
				got += " " + show(r, x)
			}
			if got != tt.want {
				t.Errorf("%.80s gives %s, want %s", tt.src, got, tt.want)
			}
		}
	}
}

func TestAUsedScannerAllocatesNothing(t *testing.T) {
	row := NewRow()
	row.Value("customer", "name")
	lines, line := row.List("lines")
	x := line.Value("x")
	src := []byte(`{"id":"1","customer":{"n\u0061me":"n","group":"g"},"lines":[{"x":1,"y":2},{"x":3}]}`)
	var s Scanner
	count := testing.AllocsPerRun(100, func() {
		if err := s.Scan(src, row); err != nil {
			t.Fatal(err)
		}
		found := 0
		for r := range s.Rows(&s.Slots()[lines]) {
			if r[x].Kind == Number {
				found++
			}
		}
		if found != 2 {
			t.Fatalf("%d rows", found)
		}
	})
	if count != 0 {
		t.Errorf("%v allocations", count)
	}
}

// One huge text doesn't hold its memory for ever.
func TestAScannerLetsGoOfAHugeTextsMemory(t *testing.T) {
	row := NewRow()
	row.List("lines")
	row.Members("members")
	row.Embedded("text")
	var huge strings.Builder
	huge.WriteString(`{"lines":[0` + strings.Repeat(",0", 2*keep) + `],"text":"[\"` + strings.Repeat("x", 100*keep) + `\"]","members":{"first":0`)
	for i := range 2 * keep {
		fmt.Fprintf(&huge, `,"%d":0`, i)
	}
	huge.WriteString(`}}`)
	var s Scanner
	for _, src := range []string{huge.String(), `{}`} {
		if err := s.Scan([]byte(src), row); err != nil {
			t.Fatal(err)
		}
	}
	if cap(s.slots) > keep || cap(s.text) > 64*keep || len(s.names.table) > keep {
		t.Errorf("kept %d slots, %d bytes of text, %d names", cap(s.slots), cap(s.text), len(s.names.table))
	}
}

// The same text may be read for other values than before.
func TestOtherValuesOfTheSameText(t *testing.T) {
	first, second := NewRow(), NewRow()
	first.Value("a")
	b := second.Value("b")
	l, element := second.List("l")
	x := element.Value("x")
	src := []byte(`{"a":1,"b":2,"l":[{"x":3},{"x":4}]}`)
	var s Scanner
	for _, row := range []*Row{first, second, first, second} {
		if err := s.Scan(src, row); err != nil {
			t.Fatal(err)
		}
	}
	got := show(s.Slots(), b)
	for r := range s.Rows(&s.Slots()[l]) {
		got += " " + show(r, x)
	}
	if got != "2 3 4" {
		t.Errorf("%s", got)
	}
}

// No name of a text like the one before is looked up, nor any of an element like the one before.
func TestLikeTextsAreExpected(t *testing.T) {
	row := someRow()
	row.Embedded("in")
	_, element := row.List("in")
	element.Value("x")
	var s Scanner
	opened := func(src string) uint32 {
		before := s.names.object
		if err := s.Scan([]byte(src), row); err != nil {
			t.Fatal(err)
		}
		return s.names.object - before
	}
	const text = `{"a":1,"z":{"y":[{"x":1},{"x":2}]},"b":{"c":1},"l":[{"x":1,"l":[{"y":1}]}],"m":{"p":1},"in":"[{\"x\":1},{\"x\":2}]"}`
	if got := opened(text); got != 8 {
		t.Errorf("the first text has names to look up in %d objects, want 8", got)
	}
	if got := opened(text); got != 0 {
		t.Errorf("the same text again: in %d", got)
	}
	if got := opened(strings.Replace(text, `"c":1`, `"d":1`, 1)); got != 1 {
		t.Errorf("one object differs: in %d", got)
	}
	if got := opened(text); got != 1 {
		t.Errorf("and differs again: in %d", got)
	}
}

// What is expected of the next text is bounded, however much there was in this one.
func TestAScannerExpectsALittleOnly(t *testing.T) {
	var text strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&text, `"name%d":[{"a%d":{"b":1}}],`, i, i)
	}
	huge := []byte("{" + text.String() + `"last":0}`)
	row := NewRow()
	var s Scanner
	heap := func() int {
		if err := s.Scan([]byte(`{}`), row); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	if err := s.Scan(huge, row); err != nil {
		t.Fatal(err)
	}
	if held := heap() - before; held > 4*mostHeld {
		t.Errorf("the scanner holds on to %d bytes", held)
	}
	runtime.KeepAlive(huge)
	runtime.KeepAlive(&s)
}
