package contract

import "testing"

// operationCase is one field, the source's members after the id, and what comes out of them.
type operationCase struct{ head, field, source, want string }

func runOperations(t *testing.T, cases []operationCase) {
	t.Helper()
	for _, tt := range cases {
		source := `"Id":"1","id":"1"`
		if tt.source != "" {
			source += "," + tt.source
		}
		if got := outcome(testPlan(t, tt.head, tt.field), "{"+source+"}"); got != tt.want {
			t.Errorf("%s with %s\n gives %s\n  want %s", tt.field, tt.source, got, tt.want)
		}
	}
}

// fieldCase is one field and everything the check says about it; the field's name stands in line 11, column 3.
type fieldCase struct{ head, field, want string }

func runFindings(t *testing.T, cases []fieldCase) {
	t.Helper()
	for _, tt := range cases {
		_, _, findings := parse("contract.yaml", "test", []byte(tt.head+"  "+tt.field+"\n"), testLookup)
		if got := findings.Error(); got != tt.want {
			t.Errorf("%s\n gives %s\n  want %s", tt.field, got, tt.want)
		}
	}
}

func TestJoin(t *testing.T) {
	runOperations(t, []operationCase{
		{eventToTable, `text: {from: [Text, Other], with: " ", longer: reject}`, `"Text":"Ann","Other":"Smith"`, `text="Ann Smith"`},
		{eventToTable, `text: {from: [Text, Other], with: " ", longer: reject}`, `"Text":"Ann","Other":""`, `text="Ann"`},
		{eventToTable, `text: {from: [Text, Other], with: " ", longer: reject}`, `"Text":null,"Other":"Smith"`, `text="Smith"`},
		{eventToTable, `text: {from: [Text, Other], with: " ", longer: reject, blank: {value: x}}`, `"Text":null,"Other":" "`, `text="x"`},
		{eventToTable, `text: {from: [Text, Other], with: " ", longer: reject, blank: {from: Id}}`, `"Text":null,"Other":" "`, `text="1"`},
		{eventToTable, `text: {from: [Text, Other], with: "/", needs: all, longer: reject, blank: reject}`, `"Text":"usmf","Other":""`, `blank-required: text (from Text, Other)`},
		{eventToTable, `text: {from: [Text, Other], with: "/", needs: all, longer: reject, blank: reject}`, `"Text":"usmf","Other":"C-1"`, `text="usmf/C-1"`},
		{eventToTable, `text: {from: [Text, Whole, Day], with: "-", longer: reject}`, `"Text":"a","Whole":7.0,"Day":"2026-07-01T12:00:00Z"`, `text="a-7-2026-07-01"`},
		{eventToTable, `text: {from: [Text, Other], with: "-", longer: reject}`, `"Text":"0123456789","Other":"0123456789"`, `too-long: text (from Text, Other)`},
		{eventToTable, `text: {from: [Text, Other], longer: cut}`, `"Text":"0123456789","Other":"0123456789x"`, `text="01234567890123456789"`},
		{eventToTable, `text: {from: [Text, Whole], longer: cut}`, `"Text":"a","Whole":"b"`, `bad-type: text (from Text, Whole)`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `text: {from: [Text, Othr], longer: cut}`, `contract.yaml:11:23: Posted has no field "Othr" (fix: did you mean Other?)`},
		{eventToTable, `text: {from: [Text, List], longer: cut}`, `contract.yaml:11:23: field text: a list can't be joined with others (fix: join texts and numbers)`},
		{eventToTable, `text: {from: [Text, Other], with: " "}`, `contract.yaml:11:16: field text: Text, Other can have 41 characters, and text takes 20 (fix: add longer: reject or longer: cut)`},
		{eventToTable, `text: {from: Text, with: " "}`, `contract.yaml:11:28: field text: with means nothing for one text (fix: remove with, or write a list: from: [A, B])`},
		{eventToTable, `text: {from: Text, needs: all}`, `contract.yaml:11:29: field text: needs means nothing for one text (fix: remove needs, or write a list: from: [A, B])`},
		{eventToTable, `text: {from: []}`, `contract.yaml:11:16: field text: from is an empty list (fix: write a text or a list: […])`},
		{eventToTable, `text: {value: x, split: {by: " ", part: 1}}`, `contract.yaml:11:28: field text: split means nothing for a fixed value (fix: remove split)`},
	})
	_, _, findings := parse("contract.yaml", "test", []byte(`purpose: p
team: t
pair: x
owner: fno
from: {system: fno, entity: Posted, event: fno.Posted, state: event}
to: {system: dataverse, entity: target, key: [id]}
fields:
  id: {from: [Text, Other], with: "/", longer: reject, blank: reject}
`), testLookup)
	want := `contract.yaml:8:14: field id is part of the key: joined from parts of which one may be blank, two records can get the same key (fix: add needs: all)`
	if findings.Error() != want {
		t.Errorf("a key of parts: %s", findings.Error())
	}
}

func TestSplitStripPad(t *testing.T) {
	runOperations(t, []operationCase{
		{eventToTable, `text: {from: Text, split: {by: " ", part: first}}`, `"Text":"Ann  Mary Smith"`, `text="Ann"`},
		{eventToTable, `text: {from: Text, split: {by: " ", part: 2}}`, `"Text":"Ann  Mary Smith"`, `text="Mary"`},
		{eventToTable, `text: {from: Text, split: {by: " ", part: last}}`, `"Text":"Ann  Mary Smith "`, `text="Smith"`},
		{eventToTable, `text: {from: Text, split: {by: " ", part: rest}}`, `"Text":"Ann  Mary Smith"`, `text="Mary Smith"`},
		{eventToTable, `text: {from: Text, split: {by: ", ", part: last}}`, `"Text":"a, b, c"`, `text="c"`},
		{eventToTable, `text: {from: Text, split: {by: " ", part: first}}`, `"Text":"Madonna"`, `text="Madonna"`},
		{eventToTable, `text: {from: Text, split: {by: " ", part: rest}, blank: {value: none}}`, `"Text":"Madonna"`, `text="none"`},
		{eventToTable, `text: {from: Text, split: {by: "/", part: 3}, blank: reject}`, `"Text":"a/b"`, `blank-required: text (from Text)`},
		{eventToTable, `text: {from: Text, split: {by: "/", part: 2}, blank: {empty: skip, null: null}}`, `"Text":"a//b"`, `-`},
		{eventToTable, `text: {from: Text, split: {by: "/", part: last}, strip: C-, case: lower}`, `"Text":"USMF/C-AB"`, `text="ab"`},
		{eventToTable, `text: {from: Text, split: {by: "/", part: first}, table: currency, case: lower}`, `"Text":"USMF/x"`, `text="USD"`},
		{eventToTable, `text: {from: Text, strip: {leading: "0"}}`, `"Text":"000420"`, `text="420"`},
		{eventToTable, `text: {from: Text, strip: {leading: "0"}}`, `"Text":"0000"`, `bad-value: text (from Text)`},
		{eventToTable, `text: {from: Text, strip: {trailing: ".-"}}`, `"Text":"A.B.-."`, `text="A.B"`},
		{eventToTable, `text: {from: Text, strip: {beginning: "C-", end: "-X", leading: "0"}}`, `"Text":"C-0042-X"`, `text="42"`},
		{eventToTable, `text: {from: Text, pad: {to: 6, with: "0"}}`, `"Text":"42"`, `text="000042"`},
		{eventToTable, `text: {from: Whole, pad: {to: 6, with: "0"}}`, `"Whole":42`, `text="000042"`},
		{eventToTable, `text: {from: Text, pad: {to: 6, with: "0"}}`, `"Text":"1234567"`, `text="1234567"`},
		{eventToTable, `text: {from: Text, pad: {to: 4, with: "ü", side: right}, prefix: "x", longer: reject}`, `"Text":"é"`, `text="xéüüü"`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `text: {from: Text, split: {by: " "}}`, `contract.yaml:11:30: field text: split: part is missing (fix: add part: …, as in {by: " ", part: first})`},
		{eventToTable, `text: {from: Text, split: {by: " ", part: 0}}`, `contract.yaml:11:45: field text: split: there is no part 0 (fix: write 1 for the first part, 2 for the next, or first, last, rest)`},
		{eventToTable, `text: {from: Text, split: {by: " ", part: middle}}`, `contract.yaml:11:45: field text: split: part: "middle" isn't known (fix: write first, last, rest or a number)`},
		{eventToTable, `text: {from: Text, strip: {ending: x}}`, "contract.yaml:11:30: field text: strip takes nothing off (fix: write strip: {leading: \"0\"})\ncontract.yaml:11:30: field text: strip: unknown key \"ending\" (fix: did you mean leading?)"},
		{eventToTable, `short: {from: Whole, pad: {to: 4, with: "0"}, blank: null}`, `contract.yaml:11:17: field short: Whole can have 11 characters, and short takes 3 (fix: add longer: reject or longer: cut)`},
		{eventToTable, `text: {from: Text, pad: {to: 4, with: "00"}}`, `contract.yaml:11:41: field text: pad: with is "00" instead of one character (fix: write one character, such as "0")`},
		{eventToTable, `text: {from: Text, pad: {to: 99999, with: "0"}, longer: cut}`, `contract.yaml:11:32: field text: pad: a text can't be filled up to 99999 characters (fix: write a whole number from 1 to 4000)`},
		{eventToTable, `text: {from: Text, pad: {to: 4, with: "0"}, table: currency}`, `contract.yaml:11:28: field text: pad and map or table exclude each other (fix: pad the map's or table's values)`},
		{eventToTable, `text: {from: Day, pad: {to: 4, with: "0"}}`, `contract.yaml:11:16: field text: a date can't be edited as a text (fix: remove split, strip, case, pad and prefix)`},
	})
}

func TestLabels(t *testing.T) {
	runOperations(t, []operationCase{
		{eventToTable, `terms: {from: Text, options: labels, blank: null}`, `"Text":"Net 45"`, `terms=2`},
		{eventToTable, `terms: {from: Text, options: labels, blank: null}`, `"Text":"Net 99"`, `unknown-option: terms (from Text)`},
		{eventToTable, `terms: {from: Text, options: labels, other: 1, blank: null}`, `"Text":"Net 99"`, `terms=1`},
		{eventToTable, `terms: {from: Text, options: labels, split: {by: "/", part: 2}, blank: null}`, `"Text":"a/Net 45"`, `terms=2`},
		{rowToTable, `text: {from: terms, options: labels}`, `"terms":2`, `text="Net 45"`},
		{rowToTable, `text: {from: terms, options: labels}`, `"terms":3`, `unknown-option: text (from terms)`},
		{rowToTable, `terms: {from: terms, options: labels}`, `"terms":1`, `terms=1`},
		{rowToEntity, `Kind: {from: text, options: labels, blank: {value: "No"}}`, `"text":"All"`, `Kind="All"`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `terms: {from: Kind, options: labels, blank: null}`, `contract.yaml:11:32: field terms: terms has no option with the label of Kind's No (No), Yes (Yes), All (All) (fix: give both sides the same labels, write a map: {…}, or add other: reject)`},
		{eventToTable, `terms: {from: Whole, options: labels, blank: null}`, `contract.yaml:11:33: field terms: options goes between an option and its label, but Whole is a whole number and terms a option (fix: remove options)`},
		{rowToTable, `short: {from: terms, options: labels}`, "contract.yaml:9:33: field short: label \"Net 30\": the text is longer than the 3 characters the target takes (fix: use a value the target takes)\ncontract.yaml:9:33: field short: label \"Net 45\": the text is longer than the 3 characters the target takes (fix: use a value the target takes)"},
		{eventToTable, `terms: {from: Text, options: labels, map: {a: 1}, blank: null}`, `contract.yaml:11:32: field terms: options and map or table exclude each other (fix: keep one of them)`},
		{eventToTable, `terms: {from: Text, options: values, blank: null}`, "contract.yaml:11:17: field terms: Text (String) can't become terms (Picklist) without loss: the target has options of its own (fix: say what each value becomes: map: {…}, other: reject)\ncontract.yaml:11:32: field terms: options: \"values\" isn't known (fix: write labels)"},
	})
}
