package contract

import (
	"strings"
	"testing"
)

// A lookup whose row has a key of two columns takes the second from another field, with all that is done to that.
func TestReferenceByAKeyOfSeveralColumns(t *testing.T) {
	const (
		lookup   = "otherid: {from: Text, reference: {key: text, and: {whole: whole}}, blank: null}\n  "
		required = lookup + "whole: {from: Whole, round: {places: 0, mode: down}, outOfRange: clamp, blank: reject}"
	)
	runOperations(t, []operationCase{
		{eventToTable, required, `"Text":"a","Whole":7`, `otherid@odata.bind="/targets(text='a',whole=7)" whole=7`},
		{eventToTable, required, `"Text":"a","Whole":700`, `otherid@odata.bind="/targets(text='a',whole=100)" whole=100`},
		{eventToTable, required, `"Text":"O'N,/ü","Whole":7`, `otherid@odata.bind="/targets(text='O%27%27N%2C%2F%C3%BC',whole=7)" whole=7`},
		{eventToTable, required, `"Text":"","Whole":7`, `otherid@odata.bind=null whole=7`},
		{eventToTable, required, `"Text":"a","Whole":null`, `blank-required: otherid (from Text)`},
		{eventToTable, required, `"Text":"a","Whole":"x"`, `bad-type: otherid (from Text)`},
		{eventToTable, lookup + "whole: {from: Whole}", `"Text":"a","Whole":null`, `blank-required: otherid (from Text)`},
		{eventToTable, lookup + "whole: {from: Whole}", `"Text":"a"`, `blank-required: otherid (from Text)`},
		{eventToTable, lookup + "whole: {value: 5}", `"Text":"a"`, `otherid@odata.bind="/targets(text='a',whole=5)" whole=5`},
		{eventToTable, "otherid: {from: Whole, reference: {key: whole, and: {text: text}}, blank: null}\n  text: {from: Text, case: upper}", `"Text":"b'","Whole":7`, `otherid@odata.bind="/targets(whole=7,text='B%27%27')" text="B'"`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `otherid: {from: Text, reference: {key: text, and: {whole: whole}}, blank: null}`,
			`contract.yaml:11:61: field otherid: reference: and: no field "whole" is mapped (fix: name a field that this contract maps)`},
		{eventToTable, `otherid: {from: Text, reference: {key: text, and: {number: id}}, blank: null}`,
			`contract.yaml:11:42: [text, number] is no key of target (fix: use one of [targetid], [id], [number], [text, whole])`},
		{eventToTable, `otherid: {from: Text, reference: {key: text, and: {whole: id}}, blank: null}`,
			`contract.yaml:11:61: field otherid: reference: and: id is a text, and the key's whole a whole number (fix: name a field of the same kind)`},
		{eventToTable, `otherid: {from: Text, reference: {key: text, and: {whole: 5}}, blank: null}`,
			`contract.yaml:11:61: field otherid: reference: and: whole is a number instead of a text (fix: write a text, in quotes if it looks like a number)`},
		{eventToTable, `otherid: {from: Text, table: {a: b}, reference: {key: text, and: {whole: whole}}, blank: null}` + "\n  whole: {from: Whole}",
			`contract.yaml:11:36: field otherid: table value is fixed, and the row is found by a value of the record too (fix: map a column, with blank: reject)`},
	})
}

func TestReferenceByAKeyOfSeveralColumnsIsTold(t *testing.T) {
	p := testPlan(t, eventToTable, "otherid: {from: Text, reference: {key: text, and: {whole: whole}}, blank: null}\n  whole: {from: Whole}")
	steps, err := p.Trace([]byte(`{"Id":"1","Text":"a","Whole":7}`))
	if err != nil {
		t.Fatal(err)
	}
	if words := steps[1].Words(); !strings.Contains(words, "finds the target by text and by whole (as in the field whole)") {
		t.Errorf("says %q", words)
	}
	if read := steps[1].Read; len(read) != 2 || read[1].Path != "Whole" {
		t.Errorf("shows %v instead of both columns", read)
	}
	r, err := p.Apply([]byte(`{"Id":"1","Text":"a","Whole":7}`))
	if err != nil {
		t.Fatal(err)
	}
	if and := r.Fields()[1].Reference.And; len(and) != 1 || and[0] != (KeyPart{"whole", "7", false}) {
		t.Errorf("the record's reference has %v", and)
	}
}
