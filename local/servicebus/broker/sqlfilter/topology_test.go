package sqlfilter_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"crosswalk/local/servicebus/broker/sqlfilter"
	"crosswalk/shared/topology"
)

// names draws event types and sources from the characters that SQL and LIKE make something of, so that patterns and
// events often meet.
var names = rapid.OneOf(
	rapid.StringOfN(rapid.SampledFrom([]rune(`ab.'"%_\[]!^-A é`)), 0, 6, -1),
	rapid.StringN(0, 12, -1).Filter(utf8.ValidString),
)

// TestTopologyRule holds that the SQL of a rule selects what the rule itself selects.
func TestTopologyRule(t *testing.T) {
	selected := 0
	rapid.Check(t, func(t *rapid.T) {
		noStar := func(s string) string { return strings.ReplaceAll(s, "*", "") }
		star := func(label string) string { return rapid.SampledFrom([]string{"", "*"}).Draw(t, label) }
		r := topology.Rule{Type: noStar(names.Draw(t, "rule type")) + star("type's end"), Source: noStar(names.Draw(t, "rule source")) + star("source's end")}
		near := func(pattern, label string) string {
			prefix := strings.TrimSuffix(pattern, "*")
			return rapid.OneOf(names, rapid.Just(prefix), rapid.Just(prefix+"x"), rapid.Just(strings.NewReplacer("%", "x", "_", "x", `\`, "").Replace(prefix)),
				rapid.Just(strings.ToUpper(prefix)), rapid.Map(names, func(rest string) string { return prefix + rest })).Draw(t, label)
		}
		eventType, source := near(r.Type, "type"), near(r.Source, "source")
		f, err := sqlfilter.Parse(r.SQL())
		if err != nil {
			t.Fatalf("%s: %v", r.SQL(), err)
		}
		want := r.Matches(eventType, source)
		got, err := f.Matches(message{"cloudEvents:type": eventType, "cloudEvents:source": source})
		if err != nil || got != want {
			t.Fatalf("%s selects %q from %q: %v, %v; the rule says %v", r.SQL(), eventType, source, got, err, want)
		}
		if want {
			selected++
		}
	})
	if selected == 0 {
		t.Error("no event was selected: the test compares nothing")
	}
}

func TestTopologyRuleWithoutSource(t *testing.T) {
	f, err := sqlfilter.Parse(topology.Rule{Type: "fno.a_b*"}.SQL())
	if err != nil {
		t.Fatal(err)
	}
	for eventType, want := range map[string]bool{"fno.a_b": true, "fno.a_bc": true, "fno.axb": false, "FNO.a_b": false} {
		if got, err := f.Matches(message{"cloudEvents:type": eventType}); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", eventType, got, err, want)
		}
	}
}

func TestUnroutedSQL(t *testing.T) {
	f, err := sqlfilter.Parse(topology.UnroutedSQL())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		m    message
		want bool
	}{{message{topology.UnroutedProperty: true}, true}, {message{topology.UnroutedProperty: false}, false}, {message{}, false}} {
		if got, err := f.Matches(c.m); err != nil || got != c.want {
			t.Errorf("%v: %v, %v; want %v", c.m, got, err, c.want)
		}
	}
}
