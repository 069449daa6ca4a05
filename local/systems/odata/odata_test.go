package odata_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"crosswalk/local/systems/odata"
)

func TestParsePath(t *testing.T) {
	path, err := odata.ParsePath("/accounts(accountnumber='O%27%27N%2F1',x=-1.5)/name")
	if err != nil || len(path) != 2 || path[1].Name != "name" || path[1].Key != nil {
		t.Fatalf("%v %+v", err, path)
	}
	want := []odata.KeyPart{{Name: "accountnumber", Value: odata.Literal{Kind: odata.String, Text: "O'N/1"}}, {Name: "x", Value: odata.Literal{Kind: odata.Number, Text: "-1.5"}}}
	for i, part := range path[0].Key {
		if part != want[i] {
			t.Errorf("%+v, want %+v", part, want[i])
		}
	}
	for _, bad := range []string{"a(", "a(x='1)", "a(x='1',)", "a(x='1' y='2')", "a(x=)", "a(nonsense)", "a(%zz)", "a(x='\xff')"} {
		if got, err := odata.ParsePath(bad); err == nil {
			t.Errorf("%s: %+v", bad, got)
		}
	}
}

// TestKeyRoundTrip: any text survives doubling of quotes and percent-encoding.
func TestKeyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var escaped strings.Builder
		for _, b := range []byte(strings.ReplaceAll(text, "'", "''")) {
			escaped.WriteString("%" + string("0123456789ABCDEF"[b>>4]) + string("0123456789ABCDEF"[b&15]))
		}
		path, err := odata.ParsePath("s(k='" + escaped.String() + "')")
		if err != nil || len(path) != 1 || len(path[0].Key) != 1 || path[0].Key[0].Value.Text != text {
			t.Fatalf("%q: %v %+v", text, err, path)
		}
	})
}

func TestFilter(t *testing.T) {
	stored := map[string]jsontext.Value{"a": jsontext.Value(`"Text"`), "n": jsontext.Value("10.50"), "d": jsontext.Value(`"2026-07-01"`)}
	kinds := map[string]odata.Kind{"a": odata.String, "n": odata.Number, "d": odata.Date}
	for text, want := range map[string]bool{
		"a eq 'text'":                        true,
		"a ne 'text'":                        false,
		"a eq null":                          false,
		"missing eq null":                    true,
		"missing ne 'x'":                     true,
		"missing lt 5":                       false,
		"n eq 10.5":                          true,
		"n gt 9":                             true,
		"n lt 10.500000001 and n ge 10.5":    true,
		"d eq 2026-07-01":                    true,
		"d gt 2026-06-30T23:59:59Z":          true,
		"a eq 'x' or a eq 'Text' and n eq 1": false,
		"(a eq 'x' or a eq 'Text') and n eq 10.50": true,
		"not (a eq 'x')":       true,
		"a eq 'it''s, (here)'": false,
	} {
		f, err := odata.ParseFilter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := f.Match(func(x *odata.Filter) bool { return odata.Holds(x.Op, kinds[x.Column], stored[x.Column], x.Value) })
		if got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
	for _, bad := range []string{"", "a", "a eq", "a eq 'x", "a eq 'x' and", "(a eq 'x'", "a eq 'x')", "a like 'x'", "5 eq a", "contains(a,'x')", strings.Repeat("not ", 100) + "a eq 1"} {
		if _, err := odata.ParseFilter(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestParsersDontPanic feeds them anything.
func TestParsersDontPanic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab'(),= eqnot/%2and.1-"))).Draw(t, "text")
		_, _ = odata.ParsePath(text)
		_, _ = odata.ParseFilter(text)
		_, _ = odata.ParseOrder(text)
	})
}

func TestDecode(t *testing.T) {
	members, err := odata.Decode([]byte(`{"b":9007199254740993.21,"a":{"x":[1,null]},"":"\u00fc"}`))
	if err != nil || len(members) != 3 || string(members[0].Value) != "9007199254740993.21" || string(members[1].Value) != `{"x":[1,null]}` {
		t.Fatalf("%v %+v", err, members)
	}
	for _, bad := range []string{``, `[]`, `null`, `{"a":1`, `{"a":1}x`, `{"a":1}{}`, `{"a":1,"a":2}`, `{"a":{"b":1,"b":2}}`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `{"a":01}`, `{"a":NaN}`} {
		if got, err := odata.Decode([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func TestReadNumber(t *testing.T) {
	for given, want := range map[string]string{"0": "0", "-0.0": "0.0", "1E2": "100", "1e-3": "0.001", "-318.07": "-318.07", "9007199254740993.21": "9007199254740993.21", "12450.50": "12450.50"} {
		if _, plain, ok := odata.ReadNumber(jsontext.Value(given)); !ok || plain != want {
			t.Errorf("%s: %s %v, want %s", given, plain, ok, want)
		}
	}
	for _, bad := range []string{`"1"`, `null`, `1E999999999`, `1E-999999999`, strings.Repeat("9", 200)} {
		if _, plain, ok := odata.ReadNumber(jsontext.Value(bad)); ok {
			t.Errorf("%s: %s", bad, plain)
		}
	}
}
