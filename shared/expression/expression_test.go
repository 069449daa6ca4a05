//go:build !noexpressions

package expression

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var testColumns = map[string]Column{
	"Text": {Type: Text, Nullable: true}, "Whole": {Type: Integer, Nullable: true}, "Sure": {Type: Integer}, "Money": {Type: Decimal, Nullable: true}, "Price": {Type: Decimal},
	"Hold": {Type: Boolean, Nullable: true}, "At": {Type: Time, Nullable: true}, "Customer.Address.City": {Type: Text},
	"Kind": {Type: Text, Nullable: true, Options: []string{"No", "All"}}, "State": {Type: Integer, Nullable: true, Options: []string{"0", "-1"}},
}

func column(name string) (Column, bool) {
	c, ok := testColumns[name]
	return c, ok
}

// record gives the columns' values; what isn't named is blank.
func record(p *Program, values map[string]string) func(int) (Type, Value, error) {
	return func(i int) (Type, Value, error) {
		c := testColumns[p.Columns[i]]
		text, ok := values[p.Columns[i]]
		if c.Type == Time && ok {
			t, err := time.Parse(time.RFC3339, text)
			return Time, Value{Time: t}, err
		}
		return c.Type, Value{Null: !ok, Text: text}, nil
	}
}

func show(p *Program, v Value, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case v.Null:
		return "null"
	case p.Result == Time:
		return v.Time.UTC().Format(time.RFC3339)
	}
	return v.Text
}

func TestEval(t *testing.T) {
	full := map[string]string{"Text": "Ann", "Whole": "9007199254740993", "Sure": "2", "Money": "0.1", "Price": "19.99", "Hold": "true", "At": "2026-07-01T12:00:00Z", "Customer.Address.City": "Köln"}
	for _, tt := range []struct {
		text   string
		values map[string]string
		want   string
	}{
		{`Text != "INTERNAL"`, full, "true"},
		{`Text != "INTERNAL"`, nil, "true"},
		{`Text == ""`, nil, "true"},
		{`Customer.Address.City.upperAscii() + "/" + Text`, full, "KöLN/Ann"},
		{`At == null ? 0 : At.getHours("Europe/Berlin")`, full, "14"},
		{`At == null ? 0 : At.getHours("-05:30") + At.getMinutes("02:00")`, full, "6"},
		{`Text.trim().size() > 2 ? Text.substring(0, 2) : Text`, full, "An"},
		{`Whole != null && Whole > 9007199254740992`, full, "true"}, // above 2^53, where a float64 sees no difference
		{`Whole != null && Whole > 1`, nil, "false"},
		{`Whole`, full, "9007199254740993"},
		{`Whole`, nil, "null"},
		{`Hold == true`, nil, "false"},
		{`Price + decimal("0.01")`, full, "20.00"},
		{`Price * 3`, full, "59.97"},
		{`Money != null && Money + decimal("0.2") == decimal("0.3")`, full, "true"}, // false in float64
		{`Money != null && Money < 1 && Price >= 19 && Price > Money`, full, "true"},
		{`-Price`, full, "-19.99"},
		{`string(Price) + " EUR"`, full, "19.99 EUR"},
		{`decimal(Sure) * decimal("1.50")`, full, "3.00"},
		{`decimal("1.0") == decimal("1")`, full, "true"},
		{`At != null && At > timestamp("2026-01-01T00:00:00Z")`, full, "true"},
		{`At != null ? At + duration("24h") : timestamp("2026-01-01T00:00:00Z")`, full, "2026-07-02T12:00:00Z"},
		{`At`, nil, "null"},
		{`Text.split(",").size() == 1`, full, "true"},
		{`["A", "B"].exists(x, x == Text)`, full, "false"},
		{`Text in ["Ann"]`, full, "true"},
		{`Text.matches("^A.n$")`, full, "true"},
		// what fails, fails without the record's values
		{`decimal(Text)`, full, errFailed.Error()},
		{`decimal("1e999999999" + "")`, full, errFailed.Error()},
		{`decimal("1e-999999999" + "")`, full, errFailed.Error()},
		{`decimal("0e999999999") + decimal("1")`, full, "1"},
		{`decimal(".-5" + "")`, full, errFailed.Error()},
		{`decimal("NaN" + "")`, full, errFailed.Error()},
		{`decimal("1e64" + "")`, full, errFailed.Error()},
		{`decimal("-12.5e2")`, full, "-1250"},
		{`decimal("1e60") * decimal("1e60") == decimal("1e120" + "")`, full, errFailed.Error()},
		{`decimal("1e60") * decimal("1e60") > decimal("1e63")`, full, "true"},
		{`decimal("1e60") * decimal("1e60") * decimal("1e60") > decimal("1")`, full, errFailed.Error()},
		{`decimal("1e-60") * decimal("1e-60") * decimal("1e-60") > decimal("1")`, full, errFailed.Error()},
		{`Sure + 9223372036854775807`, full, errFailed.Error()},
		{`["a", Text].join("-")`, full, "a-Ann"},
		{`Text.replace("n", "m")`, full, "Amm"},
		{`Text.charAt(1) + Text.reverse() + Customer.Address.City.lowerAscii()`, full, "nnnAköln"},
		{`Text.indexOf("n") + Text.lastIndexOf("n")`, full, "3"},
		{`Text.matches("^[A-Z]n+$") && Text.contains("nn") && Text.endsWith("n")`, full, "true"},
		{`int("41") + 1`, full, "42"},
		{`At != null ? At.getFullYear("Europe/Berlin") : 0`, full, "2026"},
		{`Text.split(",")[7]`, full, errFailed.Error()},
		{`Whole != null || Whole > 1`, nil, ErrNull.Error()},
		{`[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, a+b+c+d > Sure))))`, full, ErrCost.Error()},
	} {
		p, problems := Compile(tt.text, column)
		if len(problems) > 0 {
			t.Errorf("%s: %v", tt.text, problems)
			continue
		}
		v, err := p.Eval(record(p, tt.values))
		if got := show(p, v, err); got != tt.want {
			t.Errorf("%s gives %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestCompileFindsWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`Txet == "x"`, `1:0 Txet is neither a field nor a function () Txet`},
		{`Text == 1`, `1:5 found no matching overload for '_==_' applied to '(string, int)' () `},
		{`Text == null`, `1:5 found no matching overload for '_==_' applied to '(string, null)' (compare with "": a blank text is never null) `},
		{"Text != \"\" &&\n  Sure > \"1\"", `2:7 found no matching overload for '_>_' applied to '(int, string)' () `},
		{`Whole > 1`, `1:0 Whole can be null, and null can't be computed with (ask first: Whole != null && …) `},
		{`Money + Price > 1`, `1:0 Money can be null, and null can't be computed with (ask first: Money != null && …) `},
		{`Hold`, `1:0 Hold can be null, and null can't be computed with (write Hold == true) `},
		{`!Hold || Sure == 1`, `1:1 Hold can be null, and null can't be computed with (write Hold == true) `},
		{`Price > 0.5`, `1:6 found no matching overload for '_>_' applied to '(decimal, double)' (write the number as decimal("…")) `},
		{`Price == 0`, `1:6 found no matching overload for '_==_' applied to '(decimal, int)' (write the number as decimal("…")) `},
		{`Price / 3`, `1:6 found no matching overload for '_/_' applied to '(decimal, int)' (there is no division of decimals: map the number itself, with per and round) `},
		{`Price + " EUR"`, `1:6 found no matching overload for '_+_' applied to '(decimal, string)' (write string(…) around what is no text) `},
		{`Text = "x"`, `1:5 Syntax error: token recognition error at: '= ' (write == where two values are compared) `},
		{`Text="x"`, `1:4 Syntax error: token recognition error at: '="' (write == where two values are compared) `},
		{`Text == “x”`, `1:8 Syntax error: token recognition error at: '“' (write straight quotes: ") `},
		{`double(Text) > 1.0`, `1:6 a number with a point is inexact here (write decimal("…") around it, in quotes) `},
		{`1.5`, `1:0 a number with a point is inexact here (write decimal("…") around it, in quotes) `},
		{`Price > decimal("1,5")`, `1:16 "1,5" is no decimal number (write it like decimal("12.50")) `},
		{`Sure + At.getFullYear("Europe/Berlinn") > 1 && At != null`, `1:22 there is no zone "Europe/Berlinn" (write a name of the IANA time zone database, such as Europe/Berlin) `},
		{`At != null && At.getHours("Local") > 1`, `1:26 there is no zone "Local" (write a name of the IANA time zone database, such as Europe/Berlin) `},
		{`At != null && At.getHours("+25:00") > 1`, `1:26 there is no zone "+25:00" (write a name of the IANA time zone database, such as Europe/Berlin) `},
		{`Text.split(",")`, `1:0 the expression gives list(string), which no field takes (let it give a text, a number, a decimal, true or false, or a time) `},
		{`Text ==`, `1:7 Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER} () `},
	} {
		p, problems := Compile(tt.text, column)
		if p != nil || len(problems) == 0 {
			t.Errorf("%s compiles", tt.text)
			continue
		}
		x := problems[0]
		if got := fmt.Sprintf("%d:%d %s (%s) %s", x.Line, x.Column, x.Message, x.Fix, x.Unknown); got != tt.want {
			t.Errorf("%s\n gives %s\n  want %s", tt.text, got, tt.want)
		}
	}
}

func TestLiteralsThatAreNoOption(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`Kind == "Noo"`, `1:8 Kind has no option "Noo" Kind`},
		{`"no" != Kind`, `1:0 Kind has no option "no" Kind`},
		{"Text == \"\" ||\n  Kind in [\"No\", \"Noo\", \"Al\"]", `2:17 Kind has no option "Noo" Kind; 2:24 Kind has no option "Al" Kind`},
		{`!(Kind in ["Noo"]) && Kind == "All"`, `1:11 Kind has no option "Noo" Kind`},
		{`Text == "x" ? Kind == "Noo" : Sure == 1`, `1:22 Kind has no option "Noo" Kind`},
		{`State == 1`, `1:9 State has no option 1 State`},
		{`State != null && State in [0, -1, -2]`, `1:34 State has no option -2 State`},
		// what may be compared
		{`Kind == "No" || Kind != "All" || Kind in ["No", "All", ""]`, ""},
		{`Kind == "" || State == null || State == -1 || 0 == State`, ""},
		{`Text == "Noo" || Text in ["Noo"] || Sure == 7 || Sure in [7]`, ""},
		{`Kind.lowerAscii() == "no" || Kind + "o" == "Noo" || Kind == Text || Kind == Text + "x"`, ""},
		{`Text.split(",").exists(Kind, Kind == "Noo")`, ""},
	} {
		p, found := Compile(tt.text, column)
		var got []string
		for _, x := range found {
			got = append(got, fmt.Sprintf("%d:%d %s %s", x.Line, x.Column, x.Message, x.Choose))
		}
		if text := strings.Join(got, "; "); text != tt.want || (p == nil) != (tt.want != "") {
			t.Errorf("%s\n gives %s\n  want %s", tt.text, text, tt.want)
		}
	}
}

func TestReadErrorsComeBack(t *testing.T) {
	p, problems := Compile(`Text == "x" || Sure == 1`, column)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	broken := errors.New("broken")
	if _, err := p.Eval(func(int) (Type, Value, error) { return None, Value{}, broken }); !errors.Is(err, broken) {
		t.Errorf("the reader's error is %v", err)
	}
	if got := strings.Join(p.Columns, " "); got != "Sure Text" {
		t.Errorf("columns %s", got)
	}
}
