package contract

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestStrictJSON(t *testing.T) {
	p := testPlan(t, eventToTable, `text: {from: Customer.Name}`)
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, tt := range []struct{ src, want string }{
		{`{"Id":"1","Customer":{"Name":"a"}}`, `text="a"`},
		{`{"\u0049d":"1","Customer":{"N\u0061me":"a"}}`, `text="a"`},
		{` { "Id" : "1" } ` + "\n", `-`},
		{`{"Id":"1","id":"2","ID":"3"}`, `-`},
		{``, `malformed-json:`},
		{`{`, `malformed-json:`},
		{`[]`, `bad-type:`},
		{`"Id"`, `bad-type:`},
		{`null`, `bad-type:`},
		{`{"Id":"1"`, `malformed-json:`},
		{`{"Id":"1",}`, `malformed-json:`},
		{`{"Id":"1"} x`, `malformed-json:`},
		{`{"Id":"1"}{}`, `malformed-json:`},
		{`{"Id":'1'}`, `malformed-json: Id`},
		{`{"Id":"1","X":01}`, `malformed-json:`},
		{`{"Id":"1","X":NaN}`, `malformed-json: X`},
		{`{"Id":"1","X":[1,{"y":tru}]}`, `malformed-json: X[1].y`},
		{"{\"Id\":\"1\",\"X\":\"a\tb\"}", `malformed-json: X`},
		{`{"Id":"1","X":"\ud83d"}`, `malformed-json: X`},
		{`{"Id":"1","Customer":{"Name":"\udc00"}}`, `malformed-json: Customer.Name`},
		{"\xef\xbb\xbf{\"Id\":\"1\"}", `malformed-json:`},
		{"{\"Id\":\"1\",\"X\":\"\xff\"}", `invalid-utf8: X`},
		{"{\"Id\":\"1\",\"Customer\":{\"Name\":\"\xc3\x28\"}}", `invalid-utf8: Customer.Name`},
		{"{\"Id\":\"1\",\"\xff\":1}", `invalid-utf8:`},
		{`{"Id":"1","Id":"1"}`, `duplicate-key: Id`},
		{`{"Id":"1","\u0049d":"1"}`, `duplicate-key: Id`},
		{`{"Id":"1","Customer":{"Name":"a","Name":"b"}}`, `duplicate-key: Customer.Name`},
		{`{"Id":"1","X":[{"y":{"a":1,"a":2}}]}`, `duplicate-key: X[0].y.a`},
		{`{"Id":"1","X":` + nest(63) + `}`, `-`},
		{`{"Id":"1","X":` + nest(64) + `}`, `too-deep: X[0][0]`},
		{`{"Id":"1","X":` + strings.Repeat("[", 1_000_000), `too-deep: X[0][0]`},
		{`{"Id":"1","Customer":{"Name":` + nest(62) + `}}`, `bad-type: text (from Customer.Name)`},
		{`{"Id":"1","Customer":{"Name":` + nest(63) + `}}`, `too-deep: Customer.Name[0][0]`},
	} {
		got := outcome(p, tt.src)
		if strings.HasPrefix(tt.want, "too-deep") {
			got, _, _ = strings.Cut(got, "[0][0]")
			got += "[0][0]"
		}
		if got != tt.want {
			t.Errorf("%.60q\n  gives %s\n  want  %s", tt.src, got, tt.want)
		}
	}
}

// What a fault shows of a path comes from the record, so it is bounded and valid UTF-8.
func TestPathsInFaultsAreBounded(t *testing.T) {
	p := testPlan(t, eventToTable, `text: {from: Text}`)
	name := strings.Repeat("東", 5000)
	got := outcome(p, `{"Id":"1","`+name+`":1,"`+name+`":2}`)
	if len(got) > 200 || !strings.HasPrefix(got, "duplicate-key: 東") || strings.ContainsRune(got, '\uFFFD') {
		t.Errorf("%d bytes: %.80s", len(got), got)
	}
}

// FuzzApply holds that nothing is accepted that jsontext refuses, and that what is accepted comes out as it went in.
func FuzzApply(f *testing.F) {
	for _, seed := range []string{
		`{"Id":"1","Text":"a","Real":1.5,"Customer":{"Name":"x"}}`, `{"Id":"1","Id":"2"}`, `{"Id":"1","X":[[[[]]]]}`, "{\"Id\":\"\xff\"}",
		`{"Id":"\ud83d\ude00"}`, `{"Id":"1","Real":-0.0e-5}`, `{"Id":"1","Real":9007199254740993.21}`, `{"Id":"1"}x`, `[1]`, ``,
	} {
		f.Add([]byte(seed))
	}
	p := testPlan(f, eventToTable, "number: {from: Real}\n  text: {from: Text, blank: null}\n  short: {from: Customer.Name, longer: cut}")
	f.Fuzz(func(t *testing.T, src []byte) {
		r, err := p.Apply(bytes.Clone(src))
		if err != nil {
			return
		}
		if strict := strictly(src); strict != nil {
			t.Fatalf("accepted, but jsontext says: %v", strict)
		}
		row, err := members(src)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := r.Fields()[0].Text(), (Value{JSON: row["Id"]}).Text(); got != want {
			t.Fatalf("id %q came out as %q", want, got)
		}
		if body := r.JSON(true); strictly(body) != nil {
			t.Fatalf("the body is no JSON: %q", body)
		}
		for _, v := range r.Fields() {
			if v.Name != "number" {
				continue
			}
			plain, ok := plainNumber(row["Real"])
			if !ok || compareNumbers(plain, string(v.JSON)) != 0 {
				t.Fatalf("number %s came out as %s", row["Real"], v.JSON)
			}
		}
	})
}

// strictly reads all of a text with jsontext's own rules.
func strictly(text []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	if _, err := d.ReadValue(); err != nil {
		return err
	}
	_, err := d.ReadToken()
	if err == io.EOF {
		return nil
	}
	return err
}
