package contract

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestKeyTextTellsKeysApart(t *testing.T) {
	p := testPlan(t, `purpose: p
team: t
pair: x
owner: fno
from: {system: fno, entity: Posted, event: fno.Posted, state: event}
to: {system: fno, entity: Two, key: [A, B]}
fields:
  A: {from: Id, blank: reject, longer: reject}
`, "B: {from: Text, blank: reject, longer: reject}")
	seen := map[string]string{}
	for src, want := range map[string]string{
		`{"Id":"demf","Text":"CIV-000784"}`: "demf/CIV-000784",
		`{"Id":"a/b","Text":"c"}`:           "a%2Fb/c",
		`{"Id":"a","Text":"b/c"}`:           "a/b%2Fc",
		`{"Id":"a%2Fb","Text":"c"}`:         "a%252Fb/c",
		`{"Id":"A","Text":"Müller 東京"}`:     "A/Müller 東京",
		`{"Id":"a","Text":"Müller 東京"}`:     "a/Müller 東京",
		`{"Id":"00042","Text":"\"q\""}`:     `00042/"q"`,
	} {
		r, err := p.Apply([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		got := r.KeyText()
		if got != want {
			t.Errorf("%s gives %s, want %s", src, got, want)
		}
		if other, taken := seen[got]; taken {
			t.Errorf("%s and %s share the key %s", src, other, got)
		}
		seen[got] = src
	}
}

func init() {
	testSchemas["fno/Two"] = `{"system":"fno","entity":"Two","set":"Two","primaryKey":["A","B"],"columns":{"A":{"type":"String","maxLength":20},"B":{"type":"String","maxLength":20},"C":{"type":"String","maxLength":20}}}`
}

// Keys come in the order of to.key, the body in the order of fields.
func TestKeyAndBodyOrder(t *testing.T) {
	p := testPlan(t, `purpose: p
team: t
pair: x
owner: fno
from: {system: fno, entity: Posted, event: fno.Posted, state: event}
to: {system: fno, entity: Two, key: [A, B]}
fields:
  C: {from: Other}
  B: {from: Text, blank: reject, longer: reject}
`, "A: {from: Id, blank: reject, longer: reject}")
	r, err := p.Apply([]byte(`{"Text":"b","Id":"a","Other":"c"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.KeyText(); got != "a/b" {
		t.Errorf("KeyText: %s", got)
	}
	if got := string(r.JSON(true)); got != `{"C":"c","B":"b","A":"a"}` {
		t.Errorf("JSON(true): %s", got)
	}
	if got := string(r.JSON(false)); got != `{"C":"c"}` {
		t.Errorf("JSON(false): %s", got)
	}
	if !r.Key()[0].IsText() || r.Key()[0].Text() != "a" {
		t.Errorf("Key[0] = %s", r.Key()[0].Text())
	}
}

func TestHash(t *testing.T) {
	hash := func(plan *Plan, src string) string {
		t.Helper()
		r, err := plan.Apply([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		return r.Hash()
	}
	a := testPlan(t, eventToTable, "money: {from: Real}\n  text: {from: Text}")
	b := testPlan(t, eventToTable, "text: {from: Text}\n  money: {from: Real}")
	base := hash(a, `{"Id":"1","Real":1.5,"Text":"x"}`)
	for _, same := range []string{hash(a, `{"Text":"\u0078","Real":1.50,"Id":"1"}`), hash(b, `{"Id":"1","Real":1.5,"Text":"x"}`), hash(a, `{"Id":"1","Real":15e-1,"Text":"x"}`)} {
		if same != base {
			t.Error("the same record has another hash")
		}
	}
	for _, src := range []string{`{"Id":"1","Real":1.51,"Text":"x"}`, `{"Id":"1","Real":1.5}`, `{"Id":"1","Real":1.5,"Text":null}`, `{"Id":"1","Real":1.5,"Text":"X"}`, `{"Id":"2","Real":1.5,"Text":"x"}`} {
		if hash(a, src) == base {
			t.Errorf("%s has the hash of another record", src)
		}
	}
	if len(base) != 64 {
		t.Errorf("hash %q", base)
	}
}

func TestSame(t *testing.T) {
	table := testPlan(t, eventToTable, "money: {from: Real}\n  text: {from: Text}\n  day: {from: Day}\n  at: {from: At}\n  guid: {from: Guid}\n  hold: {from: Kind, map: {All: true}, other: false}")
	entity := testPlan(t, rowToEntity, "Text: {from: text, blank: null}\n  At: {from: changed, blank: null}\n  Real: {from: amount, blank: {value: 0}}")
	day := testPlan(t, rowToEntity, "Day: {from: born, blank: null}")
	const event = `{"Id":"1","Real":1.50,"Text":"a","Day":"2026-07-31","At":"2026-07-01T16:53:19Z","Guid":"{5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30}","Kind":"All"}`
	for _, tt := range []struct {
		plan     *Plan
		src, row string
		want     bool
	}{
		{table, event, `{"@odata.etag":"x","id":"1","money":1.5,"text":"a","day":"2026-07-31","at":"2026-07-01T16:53:19Z","guid":"5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30","hold":true,"foreign":1}`, true},
		{table, event, `{"id":"1","money":1.5000,"text":"a","day":"2026-07-31","at":"2026-07-01T18:53:19+02:00","guid":"5A2E7C19-0d4b-4f6b-8b7e-6e1b8f7f2d30","hold":true}`, true},
		{table, event, `{"id":"1","money":1.51,"text":"a","day":"2026-07-31","at":"2026-07-01T16:53:19Z","guid":"5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30","hold":true}`, false},
		{table, event, `{"id":"1","money":"1.5","text":"a","day":"2026-07-31","at":"2026-07-01T16:53:19Z","guid":"5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30","hold":true}`, false},
		{table, event, `{"id":"1","money":1.5,"text":"A","day":"2026-07-31","at":"2026-07-01T16:53:19Z","guid":"5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30","hold":true}`, false},
		{table, event, `{"id":"1","money":1.5,"text":"a","day":"2026-08-01","at":"2026-07-01T16:53:19Z","guid":"5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30","hold":true}`, false},
		{table, event, `{"id":"1","money":1.5,"text":"a","day":"2026-07-31","at":"2026-07-01T16:53:20Z","guid":"5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30","hold":true}`, false},
		{table, event, `{"id":"1","money":1.5,"text":"a","day":"2026-07-31","at":"2026-07-01T16:53:19Z","guid":"5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30","hold":false}`, false},
		{table, event, `{"id":"1"}`, false},
		{table, `{"Id":"1","Text":null,"Day":null}`, `{"id":"1","hold":null}`, true},
		{table, `{"Id":"1","Text":null}`, `{"id":"1","text":null}`, true},
		{table, `{"Id":"1","Text":null}`, `{"id":"1","text":""}`, false},
		{table, `{"Id":"1","Text":null}`, `{"id":"1","text":"a"}`, false},
		{entity, `{"id":"1"}`, `{"Id":"1","Text":"","At":"1900-01-01T00:00:00Z","Real":0}`, true},
		{entity, `{"id":"1"}`, `{"Id":"1","Text":null,"Real":0.0}`, true},
		{entity, `{"id":"1"}`, `{"Id":"1","Text":"a","Real":0}`, false},
		{entity, `{"id":"1","changed":"2026-07-01T00:00:00Z"}`, `{"Id":"1","At":"1900-01-01T00:00:00Z","Real":0}`, false},
		{entity, `{"id":"1","amount":9007199254740993}`, `{"Id":"1","Real":9007199254740992}`, false},
		{day, `{"id":"1","born":"2026-07-31"}`, `{"Id":"1","Day":"2026-07-31T12:00:00Z"}`, true},
		{day, `{"id":"1","born":"2026-07-31"}`, `{"Id":"1","Day":"2026-08-01T00:00:00Z"}`, false},
		{day, `{"id":"1"}`, `{"Id":"1","Day":"1900-01-01T12:00:00Z"}`, true},
	} {
		r, err := tt.plan.Apply([]byte(tt.src))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Same([]byte(tt.row)); err != nil || got != tt.want {
			t.Errorf("%s\n  same as %s: %t, %v", r.JSON(true), tt.row, got, err)
		}
	}
}

func TestSameComparesALookupOnlyWhenTold(t *testing.T) {
	p := testPlan(t, eventToTable, `otherid: {from: Text, reference: id}`)
	const id = "5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30"
	r, err := p.Apply([]byte(`{"Id":"1","Text":"A"}`))
	if err != nil {
		t.Fatal(err)
	}
	row := []byte(`{"id":"1","_otherid_value":"` + id + `"}`)
	told := Resolved{Name: "otherid@odata.bind", ID: "5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30"}
	if same, err := r.Same(row); same || err != nil {
		t.Errorf("not told: %t, %v", same, err)
	}
	if same, err := r.Same(row, told); !same || err != nil {
		t.Errorf("told: %t, %v", same, err)
	}
	told.ID = "00000000-0d4b-4f6b-8b7e-6e1b8f7f2d30"
	if same, err := r.Same(row, told); same || err != nil {
		t.Errorf("told another row: %t, %v", same, err)
	}
	ref := r.Fields()[1].Reference
	if ref == nil || !reflect.DeepEqual(*ref, Reference{Entity: "target", Set: "targets", Key: "id", Value: "A", Quoted: true}) {
		t.Errorf("reference %+v", ref)
	}
	if r, err = p.Apply([]byte(`{"Id":"1","Text":null}`)); err != nil {
		t.Fatal(err)
	}
	if same, err := r.Same([]byte(`{"id":"1","_otherid_value":null}`)); !same || err != nil {
		t.Errorf("an emptied lookup: %t, %v", same, err)
	}
	if same, err := r.Same(row); same || err != nil {
		t.Errorf("a lookup to be emptied: %t, %v", same, err)
	}
}

func TestSameRefusesWhatIsNoRow(t *testing.T) {
	p := testPlan(t, eventToTable, `text: {from: Text}`)
	r, err := p.Apply([]byte(`{"Id":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"", "[]", `"a"`, `{"a":`, `{"a":1,"a":2}`} {
		if same, err := r.Same([]byte(row)); same || err == nil {
			t.Errorf("%q: %t, %v", row, same, err)
		}
	}
}

func TestColumnsToSelect(t *testing.T) {
	p := testPlan(t, rowToTable, "guid: {from: parentid}\n  text: {from: text, blank: {from: id}}\n  otherid: {from: text, reference: id}")
	if got := p.SourceColumns(); !slices.Equal(got, []string{"_parentid_value", "id", "text"}) {
		t.Errorf("SourceColumns: %v", got)
	}
	if got := p.TargetColumns(); !slices.Equal(got, []string{"_otherid_value", "guid", "id", "text"}) {
		t.Errorf("TargetColumns: %v", got)
	}
	if p.SourceSet() != "sources" || p.TargetSet() != "targets" || p.SourceID() != "sourceid" || p.TargetID() != "targetid" {
		t.Errorf("sets %s %s, ids %s %s", p.SourceSet(), p.TargetSet(), p.SourceID(), p.TargetID())
	}
	nested := testPlan(t, eventToTable, `text: {from: Customer.Address.City}`)
	if got := nested.SourceColumns(); !slices.Equal(got, []string{"Customer", "Id"}) {
		t.Errorf("SourceColumns of a nested path: %v", got)
	}
}

// A record shares no memory with its source or with the records mapped after it.
func TestARecordStandsOnItsOwn(t *testing.T) {
	p := testPlan(t, eventToTable, strings.TrimSpace(`
  text: {from: [Text, Other], with: "/", case: lower, longer: reject}
  short: {from: Customer.Name, longer: cut}
  money: {from: Real}
  at: {from: At}
  otherid: {from: Long, reference: id, longer: reject}`))
	source := func(i int) []byte {
		return fmt.Appendf(nil, `{"Id":"%d","Text":"A\u00df%d","Other":"Q'%d","Customer":{"Name":"n%d"},"Real":%d.5,"At":"/Date(%d000)/","Long":"k'\u00e9%d"}`, i, i, i, i, i, i, i)
	}
	type kept struct {
		r    *Record
		want string
	}
	show := func(r *Record) string {
		return string(r.JSON(true)) + r.KeyText() + r.Fields()[len(r.Fields())-1].Reference.Value
	}
	var records []kept
	for i := range 50 {
		src := source(i)
		r, err := p.Apply(src)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, kept{r, strings.Clone(show(r))})
		for j := range src {
			src[j] = '#'
		}
	}
	steps, err := p.Trace(source(7))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Trace(source(88)); err != nil {
		t.Fatal(err)
	}
	if got := steps[1].Value.Text(); got != "aß7/q'7" {
		t.Errorf("the trace of record 7 now says %s", got)
	}
	for i, k := range records {
		if got := show(k.r); got != k.want || !strings.Contains(got, fmt.Sprintf(`"text":"aß%d/q'%d"`, i, i)) {
			t.Fatalf("record %d is now %s\n  it was %s", i, got, k.want)
		}
	}
}

func TestADateBecomesText(t *testing.T) {
	runOperations(t, []operationCase{
		{eventToTable, `text: {from: Day, longer: reject}`, `"Day":"/Date(1782864000000)/"`, `text="2026-07-01"`},
		{eventToTable, `text: {from: At, longer: cut}`, `"At":"2026-07-01T16:53:19+02:00"`, `text="2026-07-01T14:53:19Z"`},
		{eventToTable, `text: {from: [Text, Day], with: " ", longer: reject}`, `"Text":"a","Day":"2026-07-01"`, `text="a 2026-07-01"`},
	})
}

// What is known of one flow's records isn't forgotten over another's.
func TestFlowsThatTakeTurnsCostNoMore(t *testing.T) {
	plans := []*Plan{testPlan(t, eventToTable, `text: {from: Customer.Name, longer: cut}`), testPlan(t, eventToTable, `text: {from: Customer.Name, longer: cut}`)}
	src := []byte(`{"Id":"1","Customer":{"Name":"a","Group":{"b":1}},"Lines":[{"a":{"b":1}},{"a":{"b":2}}],"Order":{"c":{"d":{"e":1}}}}`)
	allocations := func(plans ...*Plan) float64 {
		i := 0
		return testing.AllocsPerRun(1000, func() {
			i++
			if _, err := plans[i%len(plans)].Apply(src); err != nil {
				t.Fatal(err)
			}
		})
	}
	if alone, inTurns := allocations(plans[0]), allocations(plans...); inTurns > 2*alone {
		t.Errorf("a record takes %v allocations, and %v where two flows take turns", alone, inTurns)
	}
}

// One huge record doesn't hold its memory for ever.
func TestAWorkspaceLetsGoOfAHugeRecordsMemory(t *testing.T) {
	p := testPlan(t, shippedToParcel, `memo: {from: Lines, rows: project, longer: reject, fields: {name: {from: Name}}}`)
	huge := `{"Id":"1","Lines":[` + strings.Repeat(`{"Name":"`+strings.Repeat("x", 1000)+`"},`, 2000) + `{}]}`
	if got := outcome(p, huge); !strings.Contains(got, "too-long") {
		t.Fatalf("%.200s", got)
	}
	if w := p.workspaces.take(); cap(w.texts)+cap(w.json) > mostKept {
		t.Errorf("%d bytes are kept for the next record", cap(w.texts)+cap(w.json))
	}
}
