package contract

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/shared/fault"
)

// What a trace shows is what the flow does: the same values, the same rejection, whatever the example.
func TestTraceAgreesWithApply(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(functionsRoot, "*", "contract.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no flows", err)
	}
	for _, path := range paths {
		p, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		examples, _ := Examples(filepath.Dir(path))
		for _, e := range examples {
			agree(t, p, e)
		}
	}
}

func agree(t *testing.T, p *Plan, e Example) {
	t.Helper()
	steps, err := p.Trace(e.Input)
	if err != nil {
		t.Errorf("%s %s: %v", p.Name, e.Name, err)
		return
	}
	var values []string
	var first *fault.Error
	for _, s := range steps {
		if s.Value != nil {
			values = append(values, s.Property+"="+string(s.Value.JSON))
		}
		if first == nil {
			first = s.Fault
		}
	}
	r, err := p.Apply(e.Input)
	if errors.Is(err, ErrNotWanted) {
		return // a trace shows what the fields would be
	}
	if err != nil {
		if first == nil || first.Error() != err.Error() {
			t.Errorf("%s %s: the trace's first fault is %v, Apply's %v", p.Name, e.Name, first, err)
		}
		return
	}
	if first != nil {
		t.Errorf("%s %s: a trace with a fault, %v, of an accepted record", p.Name, e.Name, first)
	}
	var want []string
	for _, v := range r.Fields() {
		want = append(want, v.Name+"="+string(v.JSON))
	}
	if got, want := strings.Join(values, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("%s %s:\n%s\nApply writes\n%s", p.Name, e.Name, got, want)
	}
}

// Each field's source values as they came, up to the one that decides, and what came of it.
func TestTraceSteps(t *testing.T) {
	for _, tt := range []struct{ head, field, source, want string }{
		{eventToTable, `text: {from: Text}`, `"Text":"a\u00fc"`, `Text="a\u00fc"() writes "aü"`},
		{eventToTable, `text: {from: Text}`, `"Text":null`, `Text=null(null) writes null`},
		{eventToTable, `text: {from: Text}`, `"Other":1`, `Text=(absent) skipped`},
		{eventToTable, `text: {from: Text}`, `"Text":[1]`, `Text=() rejected bad-type: text (from Text)`},
		{eventToTable, `text: {from: Text, blank: {from: Other, blank: {value: x}}}`, `"Text":" ","Other":""`, `Text=" "(empty) Other=""(empty) writes "x"`},
		{eventToTable, `text: {from: Text, blank: {from: Other}}`, `"Text":"","Other":"b"`, `Text=""(empty) Other="b"() writes "b"`},
		{eventToTable, `text: {from: Customer.Address.City}`, `"Customer":null`, `Customer.Address.City=null(null) writes null`},
		{eventToTable, `day: {from: Day}`, `"Day":"1900-01-01T00:00:00Z"`, `Day="1900-01-01T00:00:00Z"(unset) writes null`},
		{eventToTable, `otherid: {from: Text, reference: id}`, `"Text":"a"`, `otherid@odata.bind: Text="a"() writes "/targets(id='a')"`},
		{eventToTable, `text: {value: x}`, ``, `writes "x"`},
		{eventToTable, `text: {owner: dataverse}`, ``, `owned by dataverse`},
		{rowToTable, `guid: {from: parentid}`, `"_parentid_value":null`, `_parentid_value=null(null) writes null`},
		{rowToTable, `text: {from: text}`, `"x":1`, `text=(null) writes null`},
	} {
		p := testPlan(t, tt.head, tt.field)
		id := `"Id":"1","id":"1"`
		if tt.source != "" {
			id += ","
		}
		steps, err := p.Trace([]byte("{" + id + tt.source + "}"))
		if err != nil || len(steps) != 2 {
			t.Errorf("%s: %d steps, %v", tt.field, len(steps), err)
			continue
		}
		if got := stepText(steps[1]); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.field, got, tt.want)
		}
	}
}

func stepText(s Step) string {
	var parts []string
	if s.Property != s.Column.Name {
		parts = append(parts, s.Property+":")
	}
	for _, r := range s.Read {
		parts = append(parts, fmt.Sprintf("%s=%s(%s)", r.Path, r.JSON, r.Empty))
	}
	switch {
	case !s.Mapped():
		parts = append(parts, "owned by "+s.Owner)
	case s.Fault != nil:
		parts = append(parts, "rejected "+s.Fault.Reason+": "+s.Fault.Field)
	case s.Value == nil:
		parts = append(parts, "skipped")
	default:
		parts = append(parts, "writes "+string(s.Value.JSON))
	}
	return strings.Join(parts, " ")
}

// A trace goes on behind a rejected field, so that a person sees everything that is wrong at once.
func TestTraceGoesOnBehindAFault(t *testing.T) {
	p := testPlan(t, eventToTable, "short: {from: Text, longer: reject}\n  whole: {from: Whole}\n  text: {from: Other}")
	steps, err := p.Trace([]byte(`{"Id":"1","Text":"long","Whole":101,"Other":"b"}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range steps {
		got = append(got, stepText(s))
	}
	want := `Id="1"() writes "1"
Text="long"() rejected too-long: short (from Text)
Whole=101() rejected out-of-range: whole (from Whole)
Other="b"() writes "b"`
	if strings.Join(got, "\n") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}

func TestTraceOfAMalformedRecordIsApplysError(t *testing.T) {
	p := testPlan(t, eventToTable, "text: {from: Text}")
	for _, src := range []string{`{"Text":"a","Text":"b"}`, `{"Text":`, `[]`, `{"Text":"a"} x`} {
		steps, err := p.Trace([]byte(src))
		_, want := p.Apply([]byte(src))
		if err == nil || err.Error() != want.Error() || steps != nil {
			t.Errorf("%s: %d steps, %v, want %v", src, len(steps), err, want)
		}
	}
}

func TestRulesInWords(t *testing.T) {
	many := make([]string, 14)
	for i := range many {
		many[i] = fmt.Sprintf("k%02d: v%02d", i, i)
	}
	for _, tt := range []struct{ head, field, want string }{
		{eventToTable, `text: {value: x}`, `always "x"`},
		{eventToTable, `whole: {value: 7}`, `always 7`},
		{eventToTable, `terms: {value: 2}`, `always 2 (Net 45)`},
		{eventToTable, `text: {owner: dataverse}`, ``},
		{eventToTable, `text: {from: Text, blank: reject}`, `blank is rejected`},
		{eventToTable, `text: {from: Text}`, `absent leaves the target alone; null, empty → null`},
		{rowToTable, `text: {from: text}`, `blank → null`},
		{rowToEntity, `Text: {from: text, blank: null}`, `blank → ""`},
		{rowToEntity, `Real: {from: amount, blank: {value: 0}}`, `blank → 0`},
		{eventToTable, `text: {from: Text, strip: "A-", case: upper, prefix: B-, longer: cut, blank: reject}`,
			`without the beginning "A-"; upper case; with "B-" before it; cut to 20 characters; blank is rejected`},
		{eventToTable, `short: {from: Text, longer: reject, blank: skip}`, `more than 3 characters are rejected; blank leaves the target alone`},
		{eventToTable, `text: {from: Text, blank: {from: Other, blank: {absent: skip, null: null, empty: {value: x}}}}`,
			`blank → Other (there absent leaves the target alone; null → null; empty → "x")`},
		{eventToTable, `text: {from: Text, case: lower, table: currency, blank: reject}`,
			`lower case; demf → "EUR", usmf → "USD"; any other value is rejected; blank is rejected`},
		{eventToTable, `hold: {from: Kind, map: {"No": false, "Yes": true}, other: true, blank: null}`, `No → false, Yes → true; any other value → true; blank → null`},
		{eventToTable, `terms: {from: Kind, map: {"No": 1}, other: 2, blank: null}`, `No → 1 (Net 30); any other value → 2 (Net 45); blank → null`},
		{eventToTable, `text: {from: Text, table: {a: b}, other: null, blank: skip}`, `a → "b"; any other value empties the field; blank leaves the target alone`},
		{eventToTable, `text: {from: Text, table: {` + strings.Join(many, ", ") + `}, blank: null}`,
			`k00 → "v00", k01 → "v01", k02 → "v02", k03 → "v03", k04 → "v04", k05 → "v05", k06 → "v06", k07 → "v07", k08 → "v08", k09 → "v09", k10 → "v10", k11 → "v11", and 2 more; any other value is rejected; blank → null`},
		{eventToTable, `otherid: {from: Long, reference: id, longer: reject, blank: null}`, `more than 20 characters are rejected; finds the target by id; blank → null`},
	} {
		rules := testPlan(t, tt.head, tt.field).FieldRules()
		if got := rules[len(rules)-1].Words(); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.field, got, tt.want)
		}
	}
}

func TestWhatOnlyADeleteWritesIsDescribedAndNotTraced(t *testing.T) {
	p := testPlan(t, eventToTable, "text: {from: Text}\ndelete: {deactivate: {hold: true, text: gone}}\n#")
	told := map[string]string{}
	for _, r := range p.FieldRules() {
		told[r.Column.Name] = r.Owner + " " + r.OnDelete
	}
	if told["hold"] != "fno true" || told["text"] != "fno gone" || told["id"] != "fno " {
		t.Errorf("says %q", told)
	}
	steps, err := p.Trace([]byte(`{"Id":"1","Text":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 2 || steps[1].Column.Name != "text" {
		t.Errorf("a record that is there has %d steps", len(steps))
	}
}
