package contract

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"crosswalk/shared/fault"
	"crosswalk/shared/schema"
)

// Schemas of the tests: an event and a row as sources, a table of each system as targets.
var testSchemas = map[string]string{
	"fno/Posted": `{"system":"fno","entity":"Posted","event":"fno.Posted","columns":{
		"Id":{"type":"String","maxLength":20},"Text":{"type":"String","maxLength":20},"Other":{"type":"String","maxLength":20},"Long":{"type":"String"},
		"Whole":{"type":"Int32","min":"-2147483648","max":"2147483647"},"Big":{"type":"Int64"},"Real":{"type":"Decimal"},
		"Day":{"type":"DateTime","dateOnly":true},"At":{"type":"DateTime"},"Kind":{"type":"Enum","options":{"No":"","Yes":"","All":""}},
		"Guid":{"type":"Guid"},"List":{"type":"List"},"Tags":{"type":"List"},"Tags[]":{"type":"String","maxLength":5},"Order.Lines":{"type":"List","optional":true},"Order.Lines[].Amount":{"type":"Decimal"},"Order.Lines[].Count":{"type":"Int32","min":"0","max":"9"},
		"Order.Lines[].Type":{"type":"String","maxLength":10},"Order.Lines[].Item.Name":{"type":"String","maxLength":10},"Order.Lines[].At":{"type":"DateTime"},"Order.Lines[].Kind":{"type":"Enum","options":{"No":"","Yes":""}},"Customer.Address.City":{"type":"String","maxLength":20},"Customer.Name":{"type":"String","maxLength":20}}}`,
	"dataverse/source": `{"system":"dataverse","entity":"source","set":"sources","primaryKey":["sourceid"],"columns":{
		"sourceid":{"type":"Uniqueidentifier"},"id":{"type":"String","maxLength":20},"text":{"type":"String","maxLength":20},"hold":{"type":"Boolean"},
		"amount":{"type":"Money"},"terms":{"type":"Picklist","options":{"1":"Net 30","2":"Net 45"}},"changed":{"type":"DateTime"},"born":{"type":"DateTime","dateOnly":true},"parentid":{"type":"Lookup","targets":["target"]}}}`,
	"dataverse/target": `{"system":"dataverse","entity":"target","set":"targets","primaryKey":["targetid"],"alternateKeys":[["id"],["number"],["text","whole"]],"columns":{
		"targetid":{"type":"Uniqueidentifier","default":"new","required":"system"},"id":{"type":"String","maxLength":20},"text":{"type":"String","maxLength":20},"short":{"type":"String","maxLength":3},
		"whole":{"type":"Integer","min":"0","max":"100"},"big":{"type":"BigInt"},"money":{"type":"Money","min":"-922337203685477","max":"922337203685477","precision":4},"number":{"type":"Decimal"},
		"day":{"type":"DateTime","dateOnly":true},"at":{"type":"DateTime"},"hold":{"type":"Boolean"},"terms":{"type":"Picklist","options":{"1":"Net 30","2":"Net 45"}},
		"guid":{"type":"Uniqueidentifier"},"wide":{"type":"String","maxLength":60},"otherid":{"type":"Lookup","targets":["target"]},"partyid":{"type":"Customer","targets":["target","source"]},"made":{"type":"DateTime","readOnly":true}}}`,
	"fno/Targets": `{"system":"fno","entity":"Targets","set":"Targets","primaryKey":["Id"],"columns":{
		"Id":{"type":"String","maxLength":20,"required":"system"},"Text":{"type":"String","maxLength":20},"Real":{"type":"Decimal","notNull":true},"At":{"type":"DateTimeOffset","notNull":true},"Day":{"type":"DateTimeOffset","notNull":true,"dateOnly":true},
		"Kind":{"type":"Enum","options":{"No":"","Yes":"","All":""}},"Guid":{"type":"Guid"}}}`,
}

func testLookup(system, entity string) (*schema.Entity, bool) {
	doc, ok := testSchemas[system+"/"+entity]
	if !ok {
		return nil, false
	}
	e, err := schema.Parse([]byte(doc))
	if err != nil {
		panic(err)
	}
	return e, true
}

// Heads of contracts; the fields follow.
const (
	eventToTable = `purpose: p
team: t
pair: x
owner: fno
from: {system: fno, entity: Posted, event: fno.Posted, state: event}
to: {system: dataverse, entity: target, key: [id]}
tables:
  currency: {usmf: USD, demf: EUR}
fields:
  id: {from: Id, blank: reject}
`
	rowToEntity = `purpose: p
team: t
pair: x
owner: dataverse
from: {system: dataverse, entity: source, event: dataverse.source.*, state: row}
to: {system: fno, entity: Targets, key: [Id]}
fields:
  Id: {from: id, blank: reject}
`
	rowToTable = `purpose: p
team: t
pair: x
owner: dataverse
from: {system: dataverse, entity: source, event: dataverse.source.*, state: row}
to: {system: dataverse, entity: target, key: [id]}
fields:
  id: {from: id, blank: reject}
`
)

func testPlan(t testing.TB, head, field string) *Plan {
	t.Helper()
	plan, _, findings := parse("contract.yaml", "test", []byte(head+"  "+field+"\n"), testLookup)
	if len(findings) > 0 {
		t.Fatalf("%s:\n%s", field, findings.Error())
	}
	return plan
}

// outcome maps a record and writes what became of everything but the id: `name=json`, "-" where nothing is written, or
// the reason and the field. It is the same with shortcuts and without.
func outcome(p *Plan, src string) string {
	short, byRules := became(p.Apply([]byte(src))), ""
	withoutShortcuts(p, func() { byRules = became(p.Apply([]byte(src))) })
	if short != byRules {
		return "by a shortcut " + short + ", by the rules " + byRules
	}
	return short
}

func became(r *Record, err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		if f.Kind != fault.Permanent {
			return "kind " + f.Kind.String()
		}
		return strings.TrimSpace(f.Reason + ": " + f.Field)
	}
	if err != nil {
		return "unmarked: " + err.Error()
	}
	var out []string
	for _, v := range r.Fields()[1:] {
		out = append(out, fmt.Sprintf("%s=%s", v.Name, v.JSON))
	}
	if len(out) == 0 {
		return "-"
	}
	return strings.Join(out, " ")
}

// Each operation and conversion: the field, the source's members after the id, and what comes out.
func TestOperations(t *testing.T) {
	for _, tt := range []struct{ head, field, source, want string }{
		// text
		{eventToTable, `text: {from: Text}`, `"Text":"a"`, `text="a"`},
		{eventToTable, `text: {from: Text}`, `"Text":"00042"`, `text="00042"`},
		{eventToTable, `text: {from: Text}`, `"Text":" M\u00fcller \ud83d\ude00 \"東京\" "`, `text=" Müller 😀 \"東京\" "`},
		{eventToTable, `text: {from: Text}`, `"Text":7`, `bad-type: text (from Text)`},
		{eventToTable, `text: {from: Text}`, `"Text":true`, `bad-type: text (from Text)`},
		{eventToTable, `text: {from: Text}`, `"Text":{"a":1}`, `bad-type: text (from Text)`},
		{eventToTable, `text: {from: Text}`, `"Text":["a"]`, `bad-type: text (from Text)`},
		{eventToTable, `text: {from: Customer.Address.City}`, `"Customer":{"Address":{"City":"Köln","City2":1},"X":[{}]}`, `text="Köln"`},
		{eventToTable, `text: {from: Customer.Address.City}`, `"Customer":{"Address":null}`, `text=null`},
		{eventToTable, `text: {from: Customer.Address.City}`, `"Customer":null`, `text=null`},
		{eventToTable, `text: {from: Customer.Address.City}`, `"Customer":{}`, `-`},
		{eventToTable, `text: {from: Customer.Address.City}`, `"Customer":"x"`, `bad-type: text (from Customer.Address.City)`},
		{eventToTable, `text: {from: Customer.Address.City}`, `"Customer":[]`, `bad-type: text (from Customer.Address.City)`},
		// white space that isn't ASCII is blank too; a zero identifier is unset in F&O alone
		{eventToTable, `text: {from: Text, blank: {empty: reject}}`, `"Text":"\u00a0　"`, `blank-required: text (from Text)`},
		{rowToEntity, `Guid: {from: parentid, blank: reject}`, `"_parentid_value":"00000000-0000-0000-0000-000000000000"`, `Guid="00000000-0000-0000-0000-000000000000"`},
		{eventToTable, `guid: {from: Guid}`, `"Guid":"{3e6a0f55-9b1c-4d63-8d0a-2e64c9a0f3b7x"`, `bad-value: guid (from Guid)`},
		{eventToTable, `otherid: {from: Text, reference: id}`, `"Text":"'t Hof"`, `otherid@odata.bind="/targets(id='%27%27t%20Hof')"`},
		// prefix, strip, case, in this order: strip, case, prefix
		{eventToTable, `text: {from: Text, prefix: FNO-, longer: reject}`, `"Text":"0007"`, `text="FNO-0007"`},
		{eventToTable, `text: {from: Whole, prefix: FNO-}`, `"Whole":-7`, `text="FNO--7"`},
		{eventToTable, `text: {from: Text, strip: FNO-}`, `"Text":"FNO-0007"`, `text="0007"`},
		{eventToTable, `text: {from: Text, strip: FNO-}`, `"Text":"0007"`, `text="0007"`},
		{eventToTable, `text: {from: Text, strip: FNO-}`, `"Text":"FNO-"`, `bad-value: text (from Text)`},
		{eventToTable, `text: {from: Text, case: lower}`, `"Text":"DÉMF"`, `text="démf"`},
		{eventToTable, `text: {from: Text, case: upper}`, `"Text":"demf"`, `text="DEMF"`},
		{eventToTable, `text: {from: Text, prefix: A-, strip: b-, case: upper, longer: reject}`, `"Text":"b-x"`, `text="A-X"`},
		{eventToTable, `whole: {from: Text, strip: N}`, `"Text":"N42"`, `whole=42`},
		// too long
		{eventToTable, `short: {from: Text, longer: reject}`, `"Text":"abcd"`, `too-long: short (from Text)`},
		{eventToTable, `short: {from: Text, longer: cut}`, `"Text":"abcd"`, `short="abc"`},
		{eventToTable, `short: {from: Text, longer: cut}`, `"Text":"ab😀"`, `short="ab"`},
		{eventToTable, `short: {from: Text, longer: reject}`, `"Text":"東京都"`, `short="東京都"`},
		{eventToTable, `short: {from: Text, longer: reject}`, `"Text":"a😀b"`, `too-long: short (from Text)`},
		// constants
		{eventToTable, `text: {value: "10"}`, `"X":1`, `text="10"`},
		{eventToTable, `money: {value: 12.50}`, `"X":1`, `money=12.50`},
		{eventToTable, `hold: {value: true}`, `"X":1`, `hold=true`},
		{eventToTable, `terms: {value: 2}`, `"X":1`, `terms=2`},
		{eventToTable, `day: {value: "2026-07-31"}`, `"X":1`, `day="2026-07-31"`},
		{eventToTable, `otherid: {value: "A/1", reference: id}`, `"X":1`, `otherid@odata.bind="/targets(id='A%2F1')"`},
		// numbers: exact, never through binary fractions
		{eventToTable, `money: {from: Real}`, `"Real":12450.5`, `money=12450.5`},
		{eventToTable, `money: {from: Real}`, `"Real":-318.07`, `money=-318.07`},
		{eventToTable, `money: {from: Real}`, `"Real":900719925474099.31`, `money=900719925474099.31`},
		{eventToTable, `number: {from: Real}`, `"Real":9007199254740993.21`, `number=9007199254740993.21`},
		{eventToTable, `money: {from: Real}`, `"Real":0.30000000`, `money=0.30000000`},
		{eventToTable, `money: {from: Real}`, `"Real":0.30001`, `out-of-range: money (from Real)`},
		{eventToTable, `money: {from: Real}`, `"Real":9007199254740993`, `out-of-range: money (from Real)`},
		{eventToTable, `money: {from: Real}`, `"Real":-922337203685477.0001`, `out-of-range: money (from Real)`},
		{eventToTable, `money: {from: Real}`, `"Real":-0.00`, `money=0.00`},
		{eventToTable, `money: {from: Real}`, `"Real":1.25e3`, `money=1250`},
		{eventToTable, `money: {from: Real}`, `"Real":1e999999999`, `out-of-range: money (from Real)`},
		{eventToTable, `money: {from: Real}`, `"Real":"1.5"`, `bad-type: money (from Real)`},
		{eventToTable, `money: {from: Text}`, `"Text":"12450.50"`, `money=12450.50`},
		{eventToTable, `money: {from: Text}`, `"Text":"00042"`, `bad-value: money (from Text)`},
		{eventToTable, `money: {from: Text}`, `"Text":"12,5"`, `bad-value: money (from Text)`},
		{eventToTable, `whole: {from: Whole}`, `"Whole":100.0`, `whole=100`},
		{eventToTable, `whole: {from: Whole}`, `"Whole":101`, `out-of-range: whole (from Whole)`},
		{eventToTable, `whole: {from: Whole}`, `"Whole":1.5`, `bad-value: whole (from Whole)`},
		{eventToTable, `whole: {from: Text}`, `"Text":"1.5"`, `bad-value: whole (from Text)`},
		{eventToTable, `big: {from: Big}`, `"Big":9007199254740993`, `big=9007199254740993`},
		{eventToTable, `text: {from: Big}`, `"Big":-9223372036854775808`, `text="-9223372036854775808"`},
		{eventToTable, `text: {from: Big}`, `"Big":9007199254740993`, `text="9007199254740993"`},
		{eventToTable, `text: {from: Real, longer: reject}`, `"Real":12450.50`, `text="12450.50"`},
		// dates
		{eventToTable, `day: {from: Day}`, `"Day":"/Date(1785456000000)/"`, `day="2026-07-31"`},
		{eventToTable, `day: {from: Day}`, `"Day":"2026-07-31T12:00:00Z"`, `day="2026-07-31"`},
		{eventToTable, `day: {from: Day}`, `"Day":"2026-07-31"`, `day="2026-07-31"`},
		{eventToTable, `at: {from: At}`, `"At":"/Date(1782924799000+0200)/"`, `at="2026-07-01T16:53:19Z"`},
		{eventToTable, `at: {from: At}`, `"At":"2026-07-01T18:53:19.4180733+02:00"`, `at="2026-07-01T16:53:19Z"`},
		{eventToTable, `at: {from: At}`, `"At":"2007-12-05T14:30Z"`, `at="2007-12-05T14:30:00Z"`},
		{eventToTable, `at: {from: At}`, `"At":"2026-07-01T16:53:19"`, `bad-value: at (from At)`},
		{eventToTable, `at: {from: At}`, `"At":"2026-07-01"`, `bad-value: at (from At)`},
		{eventToTable, `at: {from: At}`, `"At":"/Date(-62135596800000)/"`, `out-of-range: at (from At)`},
		{eventToTable, `at: {from: At}`, `"At":1782924799000`, `bad-type: at (from At)`},
		{rowToEntity, `At: {from: changed, blank: null}`, `"changed":"2026-07-01T16:53:19Z"`, `At="2026-07-01T16:53:19Z"`},
		{rowToEntity, `Day: {from: born, blank: null}`, `"born":"2026-07-31"`, `Day="2026-07-31T00:00:00Z"`},
		{rowToEntity, `At: {from: changed, blank: null}`, `"changed":"1753-01-01T00:00:00Z"`, `out-of-range: At (from changed)`},
		// options, map, table
		{eventToTable, `text: {from: Kind}`, `"Kind":"All"`, `text="All"`},
		{eventToTable, `hold: {from: Kind, map: {"No": false, "Yes": true, All: true}}`, `"Kind":"All"`, `hold=true`},
		{eventToTable, `terms: {from: Kind, map: {"No": 1}, other: reject}`, `"Kind":"Yes"`, `unknown-option: terms (from Kind)`},
		{eventToTable, `terms: {from: Kind, map: {"No": 1}, other: 2}`, `"Kind":"Yes"`, `terms=2`},
		{rowToEntity, `Kind: {from: hold, map: {false: "No", true: All}, blank: reject}`, `"hold":true`, `Kind="All"`},
		{rowToEntity, `Kind: {from: hold, map: {false: "No", true: All}, blank: reject}`, `"hold":1`, `bad-type: Kind (from hold)`},
		{eventToTable, `terms: {from: Kind, map: {"No": 1}, other: null}`, `"Kind":"Yes"`, `terms=null`},
		{eventToTable, `terms: {from: Text, options: labels, other: null}`, `"Text":"Net 90"`, `terms=null`},
		{eventToTable, `text: {from: Text, table: {a: b}, other: null}`, `"Text":"z"`, `text=null`},
		{eventToTable, `otherid: {from: Text, table: {a: "1"}, other: null, reference: id}`, `"Text":"z"`, `otherid@odata.bind=null`},
		{rowToEntity, `Text: {from: terms, map: {1: Net30}, other: null}`, `"terms":2`, `Text=""`},
		{rowToEntity, `Text: {from: terms, map: {1: Net30}, other: reject}`, `"terms":1`, `Text="Net30"`},
		{rowToEntity, `Text: {from: terms, map: {1: Net30}, other: reject}`, `"terms":2`, `unknown-option: Text (from terms)`},
		{rowToEntity, `Text: {from: terms, map: {1: Net30}, other: reject}`, `"terms":"1"`, `bad-type: Text (from terms)`},
		{rowToTable, `terms: {from: terms}`, `"terms":2`, `terms=2`},
		{rowToTable, `terms: {from: terms}`, `"terms":3`, `unknown-option: terms (from terms)`},
		{eventToTable, `text: {from: Text, case: lower, table: currency, other: reject}`, `"Text":"USMF"`, `text="USD"`},
		{eventToTable, `text: {from: Text, table: currency}`, `"Text":"USMF"`, `unknown-option: text (from Text)`},
		{eventToTable, `text: {from: Text, table: {a: b}, other: c}`, `"Text":"z"`, `text="c"`},
		// unique identifiers and lookups
		{eventToTable, `guid: {from: Guid}`, `"Guid":"{5A2E7C19-0D4B-4F6B-8B7E-6E1B8F7F2D30}"`, `guid="5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30"`},
		{eventToTable, `guid: {from: Guid}`, `"Guid":"5A2E7C19"`, `bad-value: guid (from Guid)`},
		{rowToTable, `guid: {from: parentid}`, `"_parentid_value":"5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30"`, `guid="5a2e7c19-0d4b-4f6b-8b7e-6e1b8f7f2d30"`},
		{eventToTable, `otherid: {from: Text, reference: id}`, `"Text":"O'Brien & 東/100%"`, `otherid@odata.bind="/targets(id='O%27%27Brien%20%26%20%E6%9D%B1%2F100%25')"`},
		{eventToTable, `otherid: {from: Long, reference: id, longer: reject}`, `"Long":"123456789012345678901"`, `too-long: otherid (from Long)`},
		{eventToTable, `otherid: {from: Real, reference: number}`, `"Real":7.5`, `otherid@odata.bind="/targets(number=7.5)"`},
		{eventToTable, `otherid: {from: Text, reference: id}`, `"Text":null`, `otherid@odata.bind=null`},
		{eventToTable, `partyid: {from: Text, reference: {entity: target, key: id}}`, `"Text":"A"`, `partyid_target@odata.bind="/targets(id='A')"`},
	} {
		p := testPlan(t, tt.head, tt.field)
		id := "Id"
		if p.From.State == StateRow {
			id = "id"
		}
		if got := outcome(p, `{"`+id+`":"1",`+tt.source+`}`); got != tt.want {
			t.Errorf("%s\n  of %s\n  gives %s\n  want  %s", tt.field, tt.source, got, tt.want)
		}
	}
}

// The four kinds of empty, for each blank rule; the columns are absent, null, "", unset.
func TestBlanks(t *testing.T) {
	for _, tt := range []struct {
		head, field, name string
		values            [4]string // "" leaves the member out
		want              [4]string
	}{
		{eventToTable, `text: {from: Text}`, "Text", [4]string{"", "null", `""`, `"\t "`}, [4]string{"-", "text=null", "text=null", "text=null"}},
		{eventToTable, `text: {from: Text, blank: skip}`, "Text", [4]string{"", "null", `""`, `" "`}, [4]string{"-", "-", "-", "-"}},
		{eventToTable, `text: {from: Text, blank: null}`, "Text", [4]string{"", "null", `""`, `" "`}, [4]string{"text=null", "text=null", "text=null", "text=null"}},
		{eventToTable, `text: {from: Text, blank: {value: none}}`, "Text", [4]string{"", "null", `""`, `" "`}, [4]string{`text="none"`, `text="none"`, `text="none"`, `text="none"`}},
		{eventToTable, `day: {from: Day, blank: reject}`, "Day", [4]string{"", "null", `""`, `"/Date(-2208988800000)/"`},
			[4]string{"blank-required: day (from Day)", "blank-required: day (from Day)", "blank-required: day (from Day)", "blank-required: day (from Day)"}},
		{eventToTable, `day: {from: Day}`, "Day", [4]string{"", "null", `""`, `"1900-01-01T00:00:00Z"`}, [4]string{"-", "day=null", "day=null", "day=null"}},
		{eventToTable, `day: {from: Day, blank: {absent: skip, null: reject, empty: {value: "2026-01-01"}, unset: null}}`, "Day",
			[4]string{"", "null", `""`, `"/Date(-2208988800000)/"`}, [4]string{"-", "blank-required: day (from Day)", `day="2026-01-01"`, "day=null"}},
		{eventToTable, `at: {from: At, blank: {value: "2026-01-01T00:00:00Z"}}`, "At", [4]string{"", "null", `""`, `"1900-01-01T00:00:00Z"`},
			[4]string{`at="2026-01-01T00:00:00Z"`, `at="2026-01-01T00:00:00Z"`, `at="2026-01-01T00:00:00Z"`, `at="2026-01-01T00:00:00Z"`}},
		{eventToTable, `guid: {from: Guid}`, "Guid", [4]string{"", "null", `""`, `"{00000000-0000-0000-0000-000000000000}"`}, [4]string{"-", "guid=null", "guid=null", "guid=null"}},
		{eventToTable, `hold: {from: Kind, map: {"No": false, "Yes": true}, other: true, blank: {value: false}}`, "Kind", [4]string{"", "null", `""`, `" "`},
			[4]string{"hold=false", "hold=false", "hold=false", "hold=false"}},
		{eventToTable, `text: {from: Text, blank: {from: Other, blank: {absent: {value: gone}, null: reject, empty: skip}}, case: upper}`, "Text",
			[4]string{"", "null", `""`, `"x"`}, [4]string{`text="gone"`, `text="gone"`, `text="gone"`, `text="X"`}},
		// in a row, absent means null: the column has no value
		{rowToTable, `text: {from: text, blank: {absent: {value: never}, null: {value: nothing}, empty: skip}}`, "text", [4]string{"", "null", `""`, `"x"`},
			[4]string{`text="nothing"`, `text="nothing"`, "-", `text="x"`}},
		// F&O as target has no null: its own empty forms
		{rowToEntity, `Text: {from: text, blank: null}`, "text", [4]string{"", "null", `""`, `"x"`}, [4]string{`Text=""`, `Text=""`, `Text=""`, `Text="x"`}},
		{rowToEntity, `At: {from: changed, blank: null}`, "changed", [4]string{"", "null", `""`, `"2026-07-01T00:00:00Z"`},
			[4]string{`At="1900-01-01T00:00:00Z"`, `At="1900-01-01T00:00:00Z"`, `At="1900-01-01T00:00:00Z"`, `At="2026-07-01T00:00:00Z"`}},
		{rowToEntity, `Real: {from: amount, blank: {value: 0}}`, "amount", [4]string{"", "null", "0", "0.0"}, [4]string{"Real=0", "Real=0", "Real=0", "Real=0.0"}},
		{rowToEntity, `Kind: {from: hold, map: {false: "No", true: "Yes"}, blank: {value: All}}`, "hold", [4]string{"", "null", "false", "true"},
			[4]string{`Kind="All"`, `Kind="All"`, `Kind="No"`, `Kind="Yes"`}},
		// 1900 is a day like any other in Dataverse
		{rowToTable, `at: {from: changed, blank: reject}`, "changed", [4]string{"", "null", `""`, `"1900-01-01T00:00:00Z"`},
			[4]string{"blank-required: at (from changed)", "blank-required: at (from changed)", "blank-required: at (from changed)", `at="1900-01-01T00:00:00Z"`}},
	} {
		p := testPlan(t, tt.head, tt.field)
		id := "Id"
		if p.From.State == StateRow {
			id = "id"
		}
		for i, value := range tt.values {
			src := `{"` + id + `":"1"}`
			if value != "" {
				src = `{"` + id + `":"1","` + tt.name + `":` + value + `}`
			}
			if got := outcome(p, src); got != tt.want[i] {
				t.Errorf("%s\n  of %s\n  gives %s\n  want  %s", tt.field, src, got, tt.want[i])
			}
		}
	}
}

// A fallback is tried only where the first field is blank, and its own blank rule names it.
func TestBlankFallsBackToAnotherField(t *testing.T) {
	p := testPlan(t, eventToTable, `text: {from: Text, blank: {from: Other, blank: reject}}`)
	for src, want := range map[string]string{
		`{"Id":"1","Text":"a","Other":"b"}`: `text="a"`,
		`{"Id":"1","Text":"","Other":"b"}`:  `text="b"`,
		`{"Id":"1","Other":"b"}`:            `text="b"`,
		`{"Id":"1","Text":"","Other":""}`:   "blank-required: text (from Other)",
		`{"Id":"1","Text":null,"Other":7}`:  "bad-type: text (from Other)",
	} {
		if got := outcome(p, src); got != want {
			t.Errorf("%s gives %s, want %s", src, got, want)
		}
	}
}

func TestFaultsNeverShowAValue(t *testing.T) {
	p := testPlan(t, eventToTable, "short: {from: Text, longer: reject}\n  whole: {from: Whole}\n  terms: {from: Kind, map: {All: 1}, other: reject}\n  at: {from: At}\n  guid: {from: Guid}")
	for _, member := range []string{`"Text":"s3cret"`, `"Whole":53.3`, `"Whole":533333333`, `"Kind":"s3cret"`, `"At":"s3cret"`, `"Guid":"s3cret"`, `"At":"s3cret`, `"Big":s3cret`, `"Text":"s3cret","Text":"s3cret"`} {
		_, err := p.Apply([]byte(`{"Id":"1",` + member + `}`))
		if err == nil {
			t.Errorf("%s is accepted", member)
			continue
		}
		if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "53") {
			t.Errorf("%s: the fault shows the value: %s", member, err)
		}
	}
}

func TestOwnership(t *testing.T) {
	p := testPlan(t, eventToTable, "text: {from: Text}\n  short: {owner: dataverse}")
	for name, want := range map[string]bool{"id": true, "text": true, "short": false, "money": false, "nonsense": false} {
		if p.OwnsField(name) != want {
			t.Errorf("OwnsField(%q) = %t, want %t", name, !want, want)
		}
	}
	if got := p.FieldOwner("short"); got != "dataverse" {
		t.Errorf(`FieldOwner("short") = %q`, got)
	}
	if got := outcome(p, `{"Id":"1","Text":"a","Short":"b"}`); got != `text="a"` {
		t.Errorf("the flow writes %s", got)
	}
}
