package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// withoutShortcuts runs f while every field of the plan goes by the rules.
func withoutShortcuts(p *Plan, f func()) {
	var off []*fieldPlan
	var collect func(fields []fieldPlan)
	collect = func(fields []fieldPlan) {
		for i := range fields {
			if fields[i].short {
				off = append(off, &fields[i])
			}
			if j := fields[i].project; j != nil {
				collect(j.members)
				if j.value != nil && j.value.short {
					off = append(off, j.value)
				}
			}
		}
	}
	collect(p.fields)
	for _, field := range off {
		field.short = false
	}
	defer func() {
		for _, field := range off {
			field.short = true
		}
	}()
	f()
}

// shortened is a field whose plain values have a shortcut, and such a value of its source.
type shortened struct {
	head, field, source, plain string
	want                       taken
}

var shortenedFields = []shortened{
	{eventToTable, `text: {from: Text}`, "Text", `"abc"`, tookValue},
	{eventToTable, `text: {from: Text, blank: {from: Other, blank: skip}}`, "Text", `""`, tookValue},
	{eventToTable, `text: {from: Text, blank: {absent: null, null: skip, empty: skip}}`, "Text", `" "`, tookBlank},
	{eventToTable, `text: {from: Text, blank: {absent: {value: gone}, null: {from: Other}, empty: reject}}`, "Text", `null`, tookValue},
	{eventToTable, `short: {from: Text, longer: cut}`, "Text", `"abc"`, tookValue},
	{eventToTable, `short: {from: Text, longer: reject, prefix: "\"é"}`, "Text", `"a"`, tookValue},
	{eventToTable, `text: {from: Text, case: lower}`, "Text", `"ABC"`, tookValue},
	{eventToTable, `text: {from: Text, prefix: P-, case: lower, longer: reject}`, "Text", `"ABC"`, tookValue},
	{eventToTable, `wide: {from: Guid}`, "Guid", `"{5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30}"`, tookValue},
	{eventToTable, `text: {from: Kind}`, "Kind", `"All"`, tookValue},
	{eventToTable, `text: {from: [Text, Text], with: "\" é\"", longer: cut}`, "Text", `"abc"`, tookValue},
	{eventToTable, `text: {from: [Text, Other], with: " ", longer: reject, blank: {value: none}}`, "Text", `"abc"`, tookValue},
	{eventToTable, `text: {from: [Text, Other], with: " ", longer: reject, blank: {value: none}}`, "Text", `""`, tookNothing},
	{eventToTable, `hold: {from: Kind, map: {"No": false, "Yes": true}, other: true}`, "Kind", `"Yes"`, tookValue},
	{eventToTable, `text: {from: Text, table: currency, other: reject}`, "Text", `"usmf"`, tookValue},
	{eventToTable, `otherid: {from: Text, reference: id}`, "Text", `"A-1_2.3~"`, tookLookup},
	{eventToTable, `otherid: {from: Whole, reference: id, blank: {from: Text, blank: {value: X}}}`, "Whole", `null`, tookNothing},
	{eventToTable, `partyid: {from: Text, reference: {entity: target, key: id}, blank: {value: X}}`, "Text", `"A"`, tookLookup},
	{eventToTable, `money: {from: Real}`, "Real", `-12.50`, tookValue},
	{eventToTable, `money: {from: Real, round: {places: 2, mode: half-even}}`, "Real", `12.375`, tookValue},
	{eventToTable, `money: {from: Real, round: {places: 0, mode: up}}`, "Real", `12.000`, tookValue},
	{eventToTable, `number: {from: Real, round: {places: 3, mode: half-up}}`, "Real", `1.5`, tookValue},
	{eventToTable, `whole: {from: Whole}`, "Whole", `42`, tookValue},
	{eventToTable, `whole: {from: Real, round: {places: 0, mode: down}}`, "Real", `4.2`, tookValue},
	{eventToTable, `big: {from: Big}`, "Big", `-9007199254740993`, tookValue},
	{eventToTable, `text: {from: Big, prefix: FNO-, longer: reject}`, "Big", `9007199254740993`, tookValue},
	{eventToTable, `text: {from: Real, longer: reject}`, "Real", `12.50`, tookValue},
	{eventToTable, `at: {from: At}`, "At", `"/Date(1782924799123)/"`, tookValue},
	{eventToTable, `at: {from: At, blank: {value: "2026-01-01T00:00:00Z"}}`, "At", `"2026-07-01T16:53:19.1234567Z"`, tookValue},
	{eventToTable, `day: {from: Day}`, "Day", `"2024-02-29T12:00:00Z"`, tookValue},
	{rowToEntity, `Day: {from: born, blank: null}`, "born", `"2026-07-31T00:00:00Z"`, tookValue},
	{rowToEntity, `At: {from: changed, blank: null}`, "changed", `"2026-07-31T00:00:00Z"`, tookValue},
	{rowToEntity, `Text: {from: text, blank: null}`, "text", `null`, tookValue},
	{rowToEntity, `Real: {from: amount, blank: {value: 0}}`, "amount", `7`, tookValue},
	{rowToTable, `at: {from: changed}`, "changed", `"1900-01-01T00:00:00Z"`, tookNothing},
	{rowToTable, `wide: {from: parentid}`, "_parentid_value", `"5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30"`, tookValue},
	{rowToTable, `text: {from: text, blank: {null: skip, empty: {value: "\"x\""}}}`, "text", `"  "`, tookValue},
	// what shortcuts know nothing of
	{eventToTable, `text: {from: Text, when: Whole != 1, otherwise: null}`, "Text", `"abc"`, tookNothing},
	{eventToTable, `text: {from: Text, pad: {to: 5, with: "0"}}`, "Text", `"abc"`, tookNothing},
	{eventToTable, `whole: {from: Whole, outOfRange: clamp}`, "Whole", `42`, tookNothing},
	{eventToTable, `text: {from: Text, split: {by: " ", part: 2}}`, "Text", `"a b"`, tookNothing},
	{eventToTable, `otherid: {from: [Text, Whole], link: {pair: p, entity: target}, blank: null}`, "Text", `"a"`, tookNothing},
	{eventToTable, `day: {from: At, zone: Europe/Berlin}`, "At", `"2026-07-01T23:53:19Z"`, tookNothing},
}

func (s *shortened) record(value string) string {
	return `{"Id":"1","id":"1","Other":"o","` + s.source + `":` + value + `}`
}

// Plain values do take their shortcuts: what the tests below compare isn't the rules with themselves.
func TestPlainValuesHaveShortcuts(t *testing.T) {
	for _, s := range shortenedFields {
		p := testPlan(t, s.head, s.field)
		w := new(workspace)
		if err := p.load(w, []byte(s.record(s.plain))); err != nil {
			t.Fatal(err)
		}
		if _, got := p.take(w, &p.fields[1], nil); got != s.want {
			t.Errorf("%s takes %s by way of %d, want %d", s.field, s.plain, got, s.want)
		}
	}
}

// whatever draws a source's literal that is plain, nearly plain, or nothing of the sort.
func whatever() *rapid.Generator[string] {
	of := func(parts ...string) *rapid.Generator[string] {
		return rapid.Map(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 6), func(drawn []string) string { return `"` + strings.Join(drawn, "") + `"` })
	}
	digits := rapid.StringMatching(`-?(0|[1-9][0-9]{0,3}|[1-9][0-9]{12,22}|[1-9][0-9]{62,64})(\.(0{1,3}|[0-9]{1,6}|[0-9]{1,3}[05]0*|0{62}1))?([eE][+-]?[0-9])?`)
	date := rapid.Custom(func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "ticks") {
			ms := rapid.OneOf(rapid.Int64Range(-2208988800001, 4102444800001), rapid.SampledFrom([]int64{0, -1, -2208988800000, lastPlainTick, lastPlainTick + 1, 1e15, 253402300800000})).Draw(t, "ms")
			return fmt.Sprintf(`"/Date(%d%s)/"`, ms, rapid.SampledFrom([]string{"", "", "", "+0200", "x", " "}).Draw(t, "zone"))
		}
		day := fmt.Sprintf("%04d-%02d-%02d", rapid.SampledFrom([]int{0, 1753, 1899, 1900, 1901, 1969, 1970, 2000, 2023, 2024, 2099, 2100, 9999}).Draw(t, "y"), rapid.IntRange(0, 13).Draw(t, "m"), rapid.IntRange(0, 32).Draw(t, "d"))
		clock := fmt.Sprintf("%s%02d:%02d:%02d", rapid.SampledFrom([]string{"T", "T", "T", "t", " "}).Draw(t, "T"), rapid.IntRange(0, 24).Draw(t, "h"), rapid.IntRange(0, 60).Draw(t, "min"), rapid.IntRange(0, 60).Draw(t, "s"))
		return `"` + day + rapid.SampledFrom([]string{clock, clock, clock, ""}).Draw(t, "clock") + rapid.SampledFrom([]string{"Z", "Z", "Z", ".5Z", ".123456789Z", ".1234567890Z", ".Z", ",5Z", "z", "+02:00", ""}).Draw(t, "end") + `"`
	})
	guid := rapid.SampledFrom([]string{`"5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30"`, `"{5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30}"`, `"00000000-0000-0000-0000-000000000000"`, `"5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D3G"`})
	return rapid.OneOf(
		of("a", "B", "Z", "9", " ", "-", ".", "_", "~", "'", "/", "&", "é", "É", "東", "😀", `\"`, `\\`, `\/`, `\n`, `\u0041`, `\u00a0`, "\u00a0", "\u3000", "\x7f", "K"),
		of("usmf", "demf", "Yes", "No", "All", " ", "1.5", "12345678901234567890"),
		rapid.Map(rapid.StringMatching(`[A-Za-z0-9 ]{0,24}`), func(s string) string { return `"` + s + `"` }),
		digits, date, guid,
		rapid.SampledFrom([]string{"null", "true", "false", "{}", "[]", `{"a":"b"}`, `""`, `" "`, "0", "-0", "-0.0", "100", "101", "-1"}),
	)
}

func TestShortcutsGiveWhatTheRulesGive(t *testing.T) {
	for _, s := range shortenedFields {
		p := testPlan(t, s.head, s.field)
		rapid.Check(t, func(t *rapid.T) {
			sameByRules(t, p, []byte(s.record(whatever().Draw(t, "value"))))
		})
	}
}

func TestShortcutsInRowsGiveWhatTheRulesGive(t *testing.T) {
	p := testPlan(t, shippedToParcel, `lines: {from: Lines, rows: project, fields: {item: {from: Item, blank: reject, longer: cut}, price: {from: Price, round: {places: 2, mode: half-even}}, terms: {from: Kind, map: {Item: 1, Gift: 2}, other: 3}, at: {from: At}, recid: {from: RecId}, quantity: {from: Quantity, blank: skip}}}
  note: {from: Lines, rows: project, longer: reject, fields: {name: {from: Name, case: lower}, at: {from: At}, day: {from: Day, blank: null}, price: {from: Price, blank: skip}, free: {from: Free}}}
  tags: {from: "Tags[]", rows: project, longer: cut}`)
	rapid.Check(t, func(t *rapid.T) {
		var rows []string
		for range rapid.IntRange(0, 3).Draw(t, "rows") {
			row := `{"Item":"A"`
			for _, name := range []string{"Name", "Price", "Kind", "At", "Day", "RecId", "Quantity"} {
				if rapid.Bool().Draw(t, name) {
					row += `,"` + name + `":` + whatever().Draw(t, "value")
				}
			}
			rows = append(rows, row+"}")
		}
		sameByRules(t, p, []byte(`{"Id":"1","Tags":[`+whatever().Draw(t, "tag")+`],"Lines":[`+strings.Join(rows, ",")+`]}`))
	})
}

// The flows' own examples, too, become the same by the rules.
func TestShortcutsOfTheFlowsGiveWhatTheRulesGive(t *testing.T) {
	contracts, err := filepath.Glob(filepath.Join(functionsRoot, "*", "contract.yaml"))
	if err != nil || len(contracts) == 0 {
		t.Fatal("no contracts", err)
	}
	for _, file := range contracts {
		p, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		inputs, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "examples", "*.json"))
		for _, input := range inputs {
			src, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			sameByRules(t, p, src)
		}
	}
}

// sameByRules holds that a record becomes the same with shortcuts and without: body, error, and all that is read off a record.
func sameByRules(t rapid.TB, p *Plan, src []byte) {
	t.Helper()
	short, err := p.Apply(src)
	withoutShortcuts(p, func() {
		byRules, want := p.Apply(src)
		if fmt.Sprint(err) != fmt.Sprint(want) {
			t.Fatalf("%s\n  by a shortcut %v\n  by the rules  %v", src, err, want)
		}
		if err != nil {
			return
		}
		if got, want := short.JSON(true), byRules.JSON(true); string(got) != string(want) {
			t.Fatalf("%s\n  by a shortcut %s\n  by the rules  %s", src, got, want)
		}
		if got, want := short.JSON(false), byRules.JSON(false); string(got) != string(want) {
			t.Fatalf("%s\n  by a shortcut %s\n  by the rules  %s", src, got, want)
		}
		if got, want := short.Fields(), byRules.Fields(); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n  by a shortcut %+v\n  by the rules  %+v", src, got, want)
		}
	})
}
