package contract

import (
	"errors"
	"strings"
	"testing"
)

func TestCompute(t *testing.T) {
	runOperations(t, []operationCase{
		{eventToTable, `text: {compute: 'Text.trim().upperAscii()', longer: reject}`, `"Text":" a "`, `text="A"`},
		{eventToTable, `text: {compute: 'Real == null ? Text : Text + "/" + string(Real)', longer: reject}`, `"Text":"a","Real":12.50`, `text="a/12.50"`},
		{eventToTable, `text: {compute: 'Text', longer: reject, blank: {value: x}}`, `"Text":null`, `text="x"`},
		{eventToTable, `text: {compute: 'Text', longer: reject, blank: reject, split: {by: "-", part: 2}}`, `"Text":"a-b"`, `text="b"`},
		{eventToTable, `money: {compute: 'Real != null ? Real * 3 : decimal("0")'}`, `"Real":922337203685477.5807`, `out-of-range: money (computed)`},
		{eventToTable, `money: {compute: 'Real != null ? Real * 3 : decimal("0")'}`, `"Real":0.1`, `money=0.3`},
		{eventToTable, `big: {compute: 'Big != null ? Big - 1 : 0'}`, `"Big":9007199254740993`, `big=9007199254740992`},
		{eventToTable, `big: {compute: 'Big'}`, `"Other":""`, `big=null`},
		{eventToTable, `hold: {compute: 'Kind == "Yes" && Text != ""'}`, `"Kind":"Yes","Text":"a"`, `hold=true`},
		{eventToTable, `terms: {compute: 'Text == "a" ? 1 : 7'}`, `"Text":"a"`, `terms=1`},
		{eventToTable, `terms: {compute: 'Text == "a" ? 1 : 7'}`, `"Text":"b"`, `unknown-option: terms (computed)`},
		{eventToTable, `day: {compute: 'At', zone: Europe/Berlin}`, `"At":"2026-07-01T22:30:00Z"`, `day="2026-07-02"`},
		{eventToTable, `text: {compute: 'Customer.Address.City + Customer.Name', longer: reject}`, `"Customer":{"Address":{"City":"K"},"Name":"n"}`, `text="Kn"`},
		{eventToTable, `text: {compute: 'Text.split("-")[1]', longer: reject}`, `"Text":"s3cret"`, `expression-failed: text (computed)`},
		{eventToTable, `text: {compute: 'Text', longer: reject}`, `"Text":7`, `bad-type: text (computed)`},
		{rowToTable, `text: {compute: 'terms != null && terms == 2 ? "two" : "other"', longer: reject}`, `"terms":2`, `text="two"`},
		{rowToTable, `hold: {compute: 'parentid == ""'}`, `"_parentid_value":null`, `hold=true`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `text: {compute: 'Txt'}`, `contract.yaml:11:20: field text: compute: Txt is neither a field nor a function (fix: did you mean Text?)`},
		{eventToTable, `text: {compute: 'Text + 1'}`, `contract.yaml:11:25: field text: compute: found no matching overload for '_+_' applied to '(string, int)' (fix: write string(…) around what is no text)`},
		{eventToTable, `text: {compute: 'Text'}`, `contract.yaml:11:19: field text: nobody knows how long Text can be, and text takes 20 characters (fix: add longer: reject or longer: cut)`},
		{eventToTable, `whole: {compute: 'Text'}`, ``},
		{eventToTable, `hold: {compute: 'Text'}`, `contract.yaml:11:19: field hold: Text (expression) can't become hold (Boolean) without loss: they mean different things (fix: say what each value becomes: map: {…}, other: reject)`},
		{eventToTable, `text: {compute: 'List.size()'}`, `contract.yaml:11:20: field text: compute: List is a list, which an expression can't read (fix: use another field)`},
		{eventToTable, `text: {compute: 'Text', from: Text}`, `contract.yaml:11:19: field text: compute excludes from and value (fix: keep one of them)`},
		{eventToTable, "text:\n    compute: |\n      Text +\n        Real", `contract.yaml:13:12: field text: compute: found no matching overload for '_+_' applied to '(string, decimal)' (fix: write string(…) around what is no text)`},
	})
}

func TestConditionalField(t *testing.T) {
	runOperations(t, []operationCase{
		{eventToTable, `text: {from: Text, when: 'Kind == "Yes"'}`, `"Text":"a","Kind":"Yes"`, `text="a"`},
		{eventToTable, `text: {from: Text, when: 'Kind == "Yes"'}`, `"Text":"a","Kind":"No"`, `-`},
		{eventToTable, `text: {from: Text, when: 'Kind == "Yes"', otherwise: null}`, `"Text":"a","Kind":"No"`, `text=null`},
		{eventToTable, `text: {from: Text, when: 'Kind == "Yes"', otherwise: reject}`, `"Text":"a","Kind":"No"`, `blank-required: text`},
		{eventToTable, `text: {from: Text, when: 'Kind == "Yes"', otherwise: {value: none}}`, `"Text":"a","Kind":"No"`, `text="none"`},
		{eventToTable, `text: {from: Text, when: 'Kind == "Yes"', otherwise: {from: Other, blank: {value: x}}}`, `"Text":"a","Kind":"No","Other":"b"`, `text="b"`},
		{eventToTable, `text: {from: Text, when: 'Kind == "Yes"', otherwise: {from: Other, blank: {value: x}}}`, `"Text":"a","Kind":"No"`, `text="x"`},
		{eventToTable, `text: {value: yes, when: 'Kind == "Yes"', otherwise: {value: no}}`, `"Kind":"Yes"`, `text="yes"`},
		{eventToTable, `text: {value: yes, when: 'Kind == "Yes"', otherwise: {value: no}}`, `"Kind":"No"`, `text="no"`},
		{eventToTable, `text: {from: Text, when: 'Kind == "Yes"'}`, `"Text":"a","Kind":7`, `bad-type: text (when)`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `text: {from: Text, when: 'Other'}`, `contract.yaml:11:28: field text: when gives a text instead of true or false (fix: let it compare something)`},
		{eventToTable, `text: {from: Text, when: 'Whole > 5'}`, `contract.yaml:11:29: field text: when: Whole can be null, and null can't be computed with (fix: ask first: Whole != null && …)`},
		{eventToTable, `text: {from: Text, when: 'Kind == "Noo"'}`, `contract.yaml:11:37: field text: when: Kind has no option "Noo" (fix: use one of No, Yes, All)`},
		{eventToTable, "text:\n    compute: |\n      Kind != \"no\" &&\n        Kind in [\"Yes\", \"Ye\"] ? Text : \"\"\n    longer: cut", "contract.yaml:13:15: field text: compute: Kind has no option \"no\" (fix: use one of No, Yes, All)\ncontract.yaml:14:25: field text: compute: Kind has no option \"Ye\" (fix: use one of No, Yes, All)"},
		{eventToTable, `text: {from: Text, when: 'Kind != "" && Kind in ["No", "Yes"] && Text != "Noo" && Other in ["Noo"]'}`, ``},
		{rowToEntity, `Text: {from: text, when: 'terms == 30 || 2 == terms', blank: null}`, `contract.yaml:9:38: field Text: when: terms has no option 30 (fix: use one of 1 (Net 30), 2 (Net 45))`},
		{eventToTable, `text: {from: Text, otherwise: skip}`, `contract.yaml:11:33: field text: otherwise means nothing without when (fix: remove otherwise, or add when)`},
		{rowToEntity, `Text: {from: text, when: 'hold == true', blank: null}`, ``},
	})
	p := strings.Replace(eventToTable, "id: {from: Id, blank: reject}", "id: {from: Id, blank: reject, when: 'Text != \"\"'}", 1)
	_, _, findings := parse("contract.yaml", "test", []byte(p), testLookup)
	if want := `contract.yaml:10:39: field id is required, and the contract doesn't say what it is where when is false (fix: add otherwise: reject, {from: OtherField} or {value: …})`; findings.Error() != want {
		t.Errorf("a key with a condition: %s", findings.Error())
	}
}

func TestWhen(t *testing.T) {
	p := testPlan(t, "when: Text != \"INTERNAL\" && Kind != \"No\"\n"+eventToTable, "text: {from: Text}")
	for source, want := range map[string]error{`"Text":"a","Kind":"Yes"`: nil, `"Text":"INTERNAL","Kind":"Yes"`: ErrNotWanted, `"Text":"a","Kind":"No"`: ErrNotWanted, `"Other":"b"`: nil} {
		if _, err := p.Apply([]byte(`{"Id":"1",` + source + `}`)); !errors.Is(err, want) {
			t.Errorf("%s gives %v, want %v", source, err, want)
		}
	}
	if got := outcome(p, `{"Id":"1","Text":7}`); got != "bad-type: when" {
		t.Errorf("an unreadable column gives %s", got)
	}
	example := Example{Name: "x", Input: []byte(`{"Id":"1","Text":"INTERNAL"}`), WantFile: "x.want.json", wantText: []byte(`{"ignore": "not-wanted"}`), Want: Want{Ignore: NotWanted}}
	if findings := p.Try(example); len(findings) > 0 {
		t.Error(findings)
	}
	example.Input = []byte(`{"Id":"1","Text":"a"}`)
	if got := p.Try(example).Error(); !strings.Contains(got, "x.want.json:1:2: the record isn't ignored") {
		t.Error(got)
	}
	example.Input, example.Want = []byte(`{"Id":"1","Text":"INTERNAL"}`), Want{Write: []byte(`{}`)}
	if got := p.Try(example).Error(); !strings.Contains(got, "the record is ignored") {
		t.Error(got)
	}
}
