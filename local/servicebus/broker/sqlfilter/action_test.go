package sqlfilter_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"crosswalk/local/servicebus/broker/sqlfilter"
)

// SetProperty, RemoveProperty and SetSystemProperty make a message a target.
func (m message) SetProperty(name string, value any) { m[name] = value }

func (m message) RemoveProperty(name string) { delete(m, name) }

func (m message) SetSystemProperty(name string, value any) error {
	if name == "bad" {
		return fmt.Errorf("%w: bad", sqlfilter.ErrEvaluation)
	}
	m["sys."+strings.ToLower(name)] = value
	return nil
}

func settable(name string) bool { return name != "SequenceNumber" }

func TestAction(t *testing.T) {
	at := time.Date(2001, 1, 1, 1, 2, 3, 0, time.UTC)
	parameters := map[string]any{"@s": "given", "@n": 7, "@at": at}
	for _, c := range []struct {
		sql  string
		want message // beside n = 5 and text = 'x'
	}{
		{"SET a = 1", message{"a": int64(1)}},
		{"set a = n + 1; SET b = a * 2", message{"a": int64(6), "b": int64(12)}},
		{"SET a = @s SET b = @n SET c = @at", message{"a": "given", "b": int64(7), "c": at}},
		{"SET [a b] = text + '!';", message{"a b": "x!"}},
		{"SET user.a = TRUE; SET sys.Label = 'l'", message{"a": true, "sys.label": "l"}},
		{"SET a = gone", message{"a": nil}},
		{"REMOVE gone", message{}},
		{"SET a = 1; REMOVE a; REMOVE [a]", message{}},
		{"SET a = - n", message{"a": int64(-5)}},
	} {
		a, err := sqlfilter.ParseAction(c.sql, parameters, settable)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		got := message{"n": 5, "text": "x"}
		want := message{"n": 5, "text": "x"}
		maps.Copy(want, c.want)
		if err := a.Apply(got); err != nil || !maps.Equal(got, want) || a.String() != c.sql {
			t.Errorf("%s: %v, %v; want %v", c.sql, got, err, want)
		}
	}
}

func TestActionErrors(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"", "SET or REMOVE expected"},
		{"; SET a = 1", "SET or REMOVE expected"},
		{"a = 1", "SET or REMOVE expected"},
		{"SET a", "= expected"},
		{"SET 5 = 1", "a property's name expected"},
		{"SET p(a) = 1", "a property expected"},
		{"SET a = 1 = 2", "SET or REMOVE expected"},
		{"SET a = (b = 1)", "a value is expected"},
		{"SET a = @gone", "there is no parameter @gone"},
		{"SET sys.SequenceNumber = 1", "sys.SequenceNumber can't be changed"},
		{"REMOVE sys.Label", "sys.Label can't be changed"},
		{"SET a = 'x", "has no end"},
		{"SET a = '" + strings.Repeat("x", 1024) + "'", "the limit is 1024"},
		{"SET a = '\xff'", "not valid UTF-8"},
	} {
		if _, err := sqlfilter.ParseAction(c.sql, nil, settable); !errors.Is(err, sqlfilter.ErrSyntax) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: %v; want ErrSyntax with %q", c.sql, err, c.want)
		}
	}
	for _, sql := range []string{"SET a = 1 / 0", "SET sys.bad = 1", "SET a = text * 2"} {
		a, err := sqlfilter.ParseAction(sql, nil, settable)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Apply(message{"text": "secret"}); !errors.Is(err, sqlfilter.ErrEvaluation) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v; want ErrEvaluation", sql, err)
		}
	}
}

func TestParameters(t *testing.T) {
	f, err := sqlfilter.ParseWith("text = @s AND n IN (@n, 9) AND text LIKE @like", map[string]any{"@s": "it's", "@n": int32(5), "@like": "it%"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Matches(sample); !got || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzParseAction(f *testing.F) {
	for _, seed := range []string{"SET a = 1; REMOVE b", "SET sys.Label = @p", "SET [a] = p('x') + 'y'", "REMOVE", "SET a = = 1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		a, err := sqlfilter.ParseAction(sql, map[string]any{"@p": 1}, settable)
		if err != nil {
			if !errors.Is(err, sqlfilter.ErrSyntax) {
				t.Fatalf("%q: %v", sql, err)
			}
			return
		}
		if err := a.Apply(maps.Clone(sample)); err != nil && !errors.Is(err, sqlfilter.ErrEvaluation) {
			t.Fatalf("%q: %v", sql, err)
		}
	})
}
