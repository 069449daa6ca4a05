package sqlfilter_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"crosswalk/local/servicebus/broker/sqlfilter"
)

// message is a source for tests: application properties by name, system properties under "sys.".
type message map[string]any

func (m message) Property(name string) (any, bool) {
	v, ok := m[name]
	return v, ok
}

func (m message) SystemProperty(name string) (any, bool) {
	v, ok := m["sys."+strings.ToLower(name)]
	return v, ok
}

var sample = message{
	"text": "it's", "n": int32(5), "big": int64(math.MaxInt64), "small": int64(math.MinInt64), "u": uint64(math.MaxUint64),
	"d": 2.5, "nan": math.NaN(), "yes": true, "off": false, "nothing": nil, "bytes": []byte{1}, "id": [16]byte{1},
	"at": time.Unix(0, 0), "Property With Space": "x", "a]b": "y", `a"b`: "z", "pat": "a%", "esc": "!", "é1_": "e",
	"percent": "100%", "back": `a\b`, "brackets": "[x]", "multi": "x\ny", "long": strings.Repeat("a", 40000),
	"sys.label": "order", "sys.to": nil, "sys": "user property sys",
}

func TestMatches(t *testing.T) {
	const y, n, u = "true", "false", "unknown"
	for _, c := range []struct{ sql, want string }{
		// constants and comparisons
		{"1=1", y}, {"TRUE", y}, {"false", n}, {"1 <> 1", n}, {"1 != 2", y}, {"2<3", y}, {"3<=3", y}, {"3>3", n}, {"3>=3", y},
		{"text = 'it''s'", y}, {"text = 'IT''S'", n}, {"'a' < 'b'", y}, {"'' = ''", y}, {"TRUE = TRUE", y}, {"yes = TRUE", y},
		{"yes <> FALSE", y}, {"yes < TRUE", u}, {"n = 5", y}, {"n = 5.0", y}, {"d = 2.5", y}, {"d = .25e1", y}, {"n > d", y},
		{"big = 9223372036854775807", y}, {"small = -9223372036854775808", y}, {"u > big", y}, {"nan = nan", u},
		{"bytes = bytes", y}, {"id = id", y}, {"id < id", u}, {"at <= at", y}, {"newid() = newid()", n},
		// kinds that don't compare
		{"text = 5", u}, {"NOT text = 5", u}, {"text <> 5", u}, {"yes = 1", u}, {"yes = 'TRUE'", u},
		// missing and null
		{"gone = 1", u}, {"NOT (gone = 1)", u}, {"gone <> 1", u}, {"nothing = NULL", u}, {"NULL = NULL", u},
		{"gone IS NULL", y}, {"nothing IS NULL", y}, {"n IS NULL", n}, {"n IS NOT NULL", y}, {"gone IS NOT NULL", n},
		{"EXISTS(gone)", n}, {"EXISTS(nothing)", y}, {"exists ( [n] )", y}, {"NOT EXISTS(gone)", y},
		{"sys.To IS NULL", y}, {"EXISTS(sys.To)", n}, {"EXISTS(sys.Label)", y},
		// three-valued logic
		{"TRUE AND gone=1", u}, {"FALSE AND gone=1", n}, {"gone=1 AND FALSE", n}, {"TRUE OR gone=1", y}, {"gone=1 OR TRUE", y},
		{"gone=1 OR FALSE", u}, {"gone=1 OR gone=1", u}, {"NOT TRUE OR TRUE", y}, {"NOT (TRUE OR TRUE)", n}, {"NOT NOT TRUE", y},
		{"FALSE AND FALSE OR TRUE", y}, {"TRUE OR TRUE AND FALSE", y}, {"NOT FALSE AND FALSE", n}, {"not 1=2 and 1=1", y},
		// names and scopes
		{"[Property With Space] = 'x'", y}, {"[a]]b] = 'y'", y}, {`"a""b" = 'z'`, y}, {"user.n = 5", y}, {"USER.[n] = 5", y},
		{"sys.Label = 'order'", y}, {"SYS.label = 'order'", y}, {"sys.[Label] = 'order'", y}, {"Label = 'order'", u},
		{"sys = 'user property sys'", y}, {"[sys] = 'user property sys'", y}, {"é1_ = 'e'", y},
		{"property('n') = 5", y}, {"p('te' + 'xt') = text", y}, {"p(gone) = 1", u},
		// IN
		{"n IN (1, 5)", y}, {"n IN (1)", n}, {"n NOT IN (1)", y}, {"n NOT IN (5.0)", n}, {"gone IN (1)", u}, {"gone NOT IN (1)", u},
		{"text IN ('a', 'it''s')", y}, {"n IN (1, gone)", u}, {"n IN (gone, 5)", y}, {"n NOT IN (1, gone)", u}, {"n IN ('5')", n},
		{"n IN (2+3)", y}, {"(n) IN ((5))", y},
		// LIKE
		{"'abc' LIKE 'abc'", y}, {"'abc' LIKE 'ABC'", n}, {"'abc' LIKE 'a%'", y}, {"'abc' LIKE '%c'", y}, {"'abc' LIKE '%b%'", y},
		{"'abc' LIKE 'a_c'", y}, {"'abc' LIKE 'a_'", n}, {"'abc' LIKE '___'", y}, {"'abc' LIKE ''", n}, {"'' LIKE ''", y}, {"'' LIKE '%'", y},
		{"'' LIKE '_'", n}, {"'aXbXc' LIKE 'a%X_'", y}, {"'aab' LIKE '%ab'", y}, {"'abcabd' LIKE '%ab_'", y}, {"'mississippi' LIKE 'm%iss%p_'", y},
		{"'é' LIKE '_'", y}, {"'日本' LIKE '日_'", y}, {"multi LIKE 'x%y'", y}, {"multi LIKE 'x_y'", y},
		{"percent LIKE '100\\%'", n}, {"percent LIKE '100\\%' ESCAPE '\\'", y}, {"'100x' LIKE '100\\%' ESCAPE '\\'", n},
		{"'a_c' LIKE 'a!_c' ESCAPE '!'", y}, {"'abc' LIKE 'a!_c' ESCAPE '!'", n}, {"back LIKE 'a\\b'", y},
		{"back LIKE 'a\\\\b' ESCAPE '\\'", y}, {"'abc' LIKE 'a!bc' ESCAPE '!'", y}, {"brackets LIKE '[x]'", y}, {"'x' LIKE '[x]'", n},
		{"'a%' LIKE pat", y}, {"'abc' LIKE pat", y}, {"'a_' LIKE 'a' + esc + '_' ESCAPE esc", y}, {"gone LIKE 'a'", u}, {"'a' LIKE gone", u},
		{"'a' LIKE 'a' ESCAPE gone", u}, {"gone NOT LIKE 'a'", u}, {"'abc' NOT LIKE 'b%'", y}, {"n LIKE '5'", u}, {"'a' LIKE NULL", u},
		// arithmetic
		{"1 + 2 * 3 = 7", y}, {"(1 + 2) * 3 = 9", y}, {"7 / 2 = 3", y}, {"7 % 3 = 1", y}, {"-7 / 2 = -3", y}, {"7 / 2.0 = 3.5", y}, {"7.5 % 2 = 1.5", y},
		{"-n = -5", y}, {"- -n = 5", y}, {"+n = 5", y}, {"10 - 3 - 2 = 5", y}, {"n + gone = 5", u}, {"-gone = 1", u}, {"'a' + 'b' = 'ab'", y},
		{"n-1=4", y}, {"1.0 / 0 > 1", y}, {"0.0 / 0 = 1", u}, {"d * 2 = n", y}, {"n\t=\n5", y},
	} {
		f, err := sqlfilter.Parse(c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		got, err := f.Matches(sample)
		if err != nil || got != (c.want == y) {
			t.Errorf("%s: matches %v, %v; want %s", c.sql, got, err, c.want)
		}
		negated, err := sqlfilter.Parse("NOT (" + c.sql + ")")
		if err != nil {
			t.Fatalf("NOT (%s): %v", c.sql, err)
		}
		if got, err := negated.Matches(sample); err != nil || got != (c.want == n) {
			t.Errorf("NOT (%s): matches %v, %v; the filter is %s", c.sql, got, err, c.want)
		}
	}
}

func TestMatchesError(t *testing.T) {
	for _, sql := range []string{
		"sys.Colour = 1", "sys.Colour IS NULL", "EXISTS(sys.Colour)", "1/0 = 1", "n % 0 = 1", "big + 1 > 0", "small - 1 < 0", "big * 2 > 0",
		"small * -1 > 0", "-1 * small > 0", "small / -1 > 0", "-small > 0", "text * 2 = 1", "text + 1 = 1", "yes + yes = 2", "-text = 1", "p(n) = 1",
		"'a' LIKE 'a' + esc ESCAPE esc", "'a' LIKE n", "'a' LIKE 'a' ESCAPE text", "long + long = ''", "'a' LIKE long",
		"FALSE OR 1/0 = 1", "TRUE AND NOT 1/0 = 1", "n IN (1/0)",
	} {
		f, err := sqlfilter.Parse(sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if got, err := f.Matches(sample); !errors.Is(err, sqlfilter.ErrEvaluation) || got {
			t.Errorf("%s: %v, %v; want ErrEvaluation", sql, got, err)
		} else if strings.Contains(err.Error(), "it's") {
			t.Errorf("%s: the error shows a property's value: %v", sql, err)
		}
	}
	// What's decided already isn't evaluated.
	for _, sql := range []string{"TRUE OR 1/0 = 1", "NOT (FALSE AND 1/0 = 1)", "n IN (5, 1/0)"} {
		f, err := sqlfilter.Parse(sql)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Matches(sample); err != nil || !got {
			t.Errorf("%s: %v, %v; want true", sql, got, err)
		}
	}
}

func TestParseError(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"", "character 1: the filter ends too early"},
		{"a =", "character 4: the filter ends too early"},
		{"a = 'x", "character 5: '\\'' has no end"},
		{"[a = 1", "character 1: '[' has no end"},
		{`"a = 1`, "has no end"},
		{"é = ?", "character 5: unexpected '?'"},
		{"a = 1 b", "character 7: unexpected \"b\""},
		{"a", "character 1: a condition is expected"},
		{"5", "a condition is expected"},
		{"'x' AND TRUE", "character 1: a condition is expected"},
		{"TRUE AND a", "character 10: a condition is expected"},
		{"NOT a", "a condition is expected"},
		{"(a = 1) = 2", "character 1: a value is expected"},
		{"1 = (a = 1)", "character 5: a value is expected"},
		{"a = 1 = 2", "unexpected \"=\""},
		{"a IS 5", "NULL expected"},
		{"5 IS NULL", "IS NULL asks about a property"},
		{"(a) IS NULL", "IS NULL asks about a property"},
		{"a NOT 5", "LIKE or IN expected"},
		{"a IN 5", "( expected"},
		{"a IN ()", "unexpected \")\""},
		{"a IN (1", ") expected"},
		{"a IN (1,)", "unexpected"},
		{"a IN (b = 1)", ") expected"},
		{"EXISTS a", "( expected"},
		{"EXISTS('a')", "EXISTS asks about a property"},
		{"EXISTS(p(a))", "EXISTS asks about a property"},
		{"EXISTS(NOT)", "EXISTS asks about a property"},
		{"other.a = 1", "a scope is sys or user"},
		{"[sys].a = 1", "a scope is sys or user"},
		{"sys. = 1", "a property's name expected"},
		{"AND = 1", "unexpected AND"},
		{"like = 1", "unexpected LIKE"},
		{"_a = 1", "unexpected '_'"},
		{"a = 1x", "a number followed by a letter"},
		{"a = 1e", "no number"},
		{"a = 1e999", "no number that a double holds"},
		{"a = 9223372036854775808", "no 64-bit whole number"},
		{"-9223372036854775809 = a", "no 64-bit whole number"},
		{"a LIKE 5", "LIKE wants a text"},
		{"a LIKE 'x' ESCAPE ''", "ESCAPE wants a text of one character"},
		{"a LIKE 'x' ESCAPE 'ab'", "ESCAPE wants a text of one character"},
		{"a LIKE 'x!' ESCAPE '!'", "ends with the escape character"},
		{"f(a) = 1", "there is no function f"},
		{"newid(1) = a", ") expected"},
		{"a = @p", "there is no parameter @p"},
		{"a = @", "a parameter has a name"},
		{"a = 1; DROP", `unexpected ";"`},
		{"a = '\xff'", "not valid UTF-8"},
		{strings.Repeat("(", 33) + "a = 1" + strings.Repeat(")", 33), "nested deeper than 32"},
		{strings.Repeat("NOT ", 33) + "a = 1", "nested deeper than 32"},
		{strings.Repeat("- ", 33) + "a = 1", "nested deeper than 32"},
		{strings.Repeat("p(", 33) + "a" + strings.Repeat(")", 33) + " = 1", "nested deeper than 32"},
		{"a = '" + strings.Repeat("é", 1019) + "'", "1025 characters, the limit is 1024"},
	} {
		_, err := sqlfilter.Parse(c.sql)
		if !errors.Is(err, sqlfilter.ErrSyntax) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: %v; want ErrSyntax with %q", c.sql, err, c.want)
		}
	}
	for _, sql := range []string{
		strings.Repeat("(", 32) + "a = 1" + strings.Repeat(")", 32),
		"a = '" + strings.Repeat("é", 1018) + "'",
		"a=1" + strings.Repeat(" OR a=1", 145), // a long chain is no deep one
	} {
		if _, err := sqlfilter.Parse(sql); err != nil {
			t.Errorf("%.60s: %v", sql, err)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{"a", "a", true}, {"a", "A", false}, {int32(5), uint8(5), true}, {5, 5.0, true}, {float32(0.5), 0.5, true}, {"5", 5, false},
		{true, true, true}, {true, false, false}, {nil, nil, false}, {nil, "", false}, {[16]byte{1}, [16]byte{1}, true},
		{[]byte{1}, []byte{1}, true}, {[]byte{1}, []byte{2}, false}, {uint(7), int16(7), true}, {int8(-1), int64(-1), true}, {uint16(3), uint32(3), true},
		{struct{}{}, struct{}{}, false}, {[]int{1}, []int{1}, false},
	} {
		if got := sqlfilter.Equal(c.a, c.b); got != c.want {
			t.Errorf("Equal(%T %v, %T %v) = %v", c.a, c.a, c.b, c.b, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"[cloudEvents:type] LIKE 'fno.sales\\_%' ESCAPE '\\' AND [cloudEvents:source] = '/fno/demf'", "[cwunrouted] = TRUE", "1=1",
		"NOT (a IS NULL OR EXISTS(b)) AND c IN (1, 2.5, 'x') AND sys.Label NOT LIKE '_%'", "p('a') + -1 * 2 % 3 / 4 >= 1e5",
		"((((((", "a = '", "text LIKE pat ESCAPE esc", "big * big = 1", `"q""q" <> newid()`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		filter, err := sqlfilter.Parse(sql)
		if err != nil {
			if !errors.Is(err, sqlfilter.ErrSyntax) {
				t.Fatalf("%q: %v", sql, err)
			}
			return
		}
		got, err := filter.Matches(sample)
		if err != nil && (got || !errors.Is(err, sqlfilter.ErrEvaluation)) {
			t.Fatalf("%q: %v, %v", sql, got, err)
		}
		negated, parseErr := sqlfilter.Parse("NOT(" + sql + ")")
		if parseErr != nil || err != nil || !got {
			return // longer or deeper than what is allowed, or nothing to compare
		}
		if also, err := negated.Matches(sample); also || err != nil {
			t.Fatalf("%q and its negation are both true (%v)", sql, err)
		}
	})
}
