package contract

import "testing"

func TestRows(t *testing.T) {
	const lines = `"Order":{"Lines":[{"Amount":0.1,"Count":2,"Type":"Delivery","Item":{"Name":"A"},"At":"2026-07-01T10:00:00Z","Kind":"No"},{"Amount":0.2,"Count":9,"Type":"Invoice","Item":{"Name":""},"At":"2026-06-01T10:00:00Z","Kind":"Yes"},{"Amount":null,"Type":"Invoice","Item":{"Name":"C"},"Kind":"Yes"}]}`
	const none, null, wrong = `"Order":{"Lines":[]}`, `"Order":{"Lines":null}`, `"Order":{"Lines":{"Amount":1}}`
	runOperations(t, []operationCase{
		{eventToTable, `whole: {from: Order.Lines, rows: count}`, lines, `whole=3`},
		{eventToTable, `whole: {from: Order.Lines, rows: count, where: {Type: Invoice}}`, lines, `whole=2`},
		{eventToTable, `whole: {from: Order.Lines, rows: count, where: {Type: Invoice, Kind: "No"}}`, lines, `whole=0`},
		{eventToTable, `whole: {from: Order.Lines, rows: count}`, none, `whole=0`},
		{eventToTable, `whole: {from: Order.Lines, rows: count}`, null, `whole=null`},
		{eventToTable, `whole: {from: Order.Lines, rows: count}`, `"Text":"a"`, `-`},
		{eventToTable, `whole: {from: Order.Lines, rows: count}`, wrong, `bad-type: whole (from Order.Lines)`},
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: sum}`, lines, `money=0.3`}, // 0.30000000000000004 in float64
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: sum, where: {Type: Invoice}}`, lines, `money=0.2`},
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: sum}`, none, `money=0`},
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: sum, unit: {from: percent, to: fraction}}`, lines, `money=0.003`},
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: sum}`, `"Order":{"Lines":[{"Amount":"x"}]}`, `bad-type: money (from Order.Lines[].Amount)`},
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: sum}`, `"Order":{"Lines":[7]}`, `bad-type: money (from Order.Lines[].Amount)`},
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: min}`, lines, `money=0.1`},
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: max}`, lines, `money=0.2`},
		{eventToTable, `whole: {from: "Order.Lines[].Count", rows: max}`, lines, `whole=9`},
		{eventToTable, `at: {from: "Order.Lines[].At", rows: min}`, lines, `at="2026-06-01T10:00:00Z"`},
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: min, blank: {value: 7}}`, none, `money=7`},
		{eventToTable, `text: {from: "Order.Lines[].Item.Name", rows: first}`, lines, `text="A"`},
		{eventToTable, `text: {from: "Order.Lines[].Item.Name", rows: first, where: {Type: Invoice}}`, lines, `text="C"`},
		{eventToTable, `text: {from: "Order.Lines[].Item.Name", rows: last}`, lines, `text="C"`},
		{eventToTable, `text: {from: "Order.Lines[].Item.Name", rows: first, where: {Type: Gift}, blank: {value: none}}`, lines, `text="none"`},
		{eventToTable, `text: {from: "Order.Lines[].Item.Name", rows: join, with: ", ", longer: cut}`, lines, `text="A, C"`},
		{eventToTable, `text: {from: "Order.Lines[].Count", rows: join, with: "+", longer: cut}`, lines, `text="2+9"`},
		{eventToTable, `text: {from: "Tags[]", rows: join, with: ";", case: upper, longer: cut}`, `"Tags":["a","","b"]`, `text="A;B"`},
		{eventToTable, `terms: {from: "Order.Lines[].Kind", rows: first, map: {"No": 1, "Yes": 2}}`, lines, `terms=1`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `whole: {from: Order.Lines}`, `contract.yaml:11:17: field whole: Order.Lines (List) can't become whole (Integer) without loss: a list has many values (fix: say what is made of its rows, such as rows: count, or rows: project with fields)`},
		{eventToTable, `money: {from: "Order.Lines[].Amount"}`, `contract.yaml:11:17: field money: Order.Lines[].Amount has a value in each row (fix: say what is made of the rows: rows: sum, or another of count, min, max, first, last, join, project)`},
		{eventToTable, `money: {from: "Order.Lines[].Amont", rows: sum}`, `contract.yaml:11:17: Posted has no field "Order.Lines[].Amont" (fix: did you mean Order.Lines[].Amount?)`},
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: count}`, `contract.yaml:11:47: field money: count takes the list itself, the others take a column of its rows (fix: write from: Order.Lines with rows: count, or from: Order.Lines[].Column with the others)`},
		{eventToTable, `money: {from: Order.Lines, rows: sum}`, `contract.yaml:11:36: field money: count takes the list itself, the others take a column of its rows (fix: write from: Order.Lines with rows: count, or from: Order.Lines[].Column with the others)`},
		{eventToTable, `money: {from: Real, rows: sum}`, `contract.yaml:11:17: field money: Real is a decimal number and has no rows (fix: remove rows, or map a list)`},
		{eventToTable, `text: {from: "Order.Lines[].Type", rows: sum, longer: cut}`, `contract.yaml:11:44: field text: Order.Lines[].Type is a text and has no sum (fix: use first, last or join)`},
		{eventToTable, `whole: {from: Order.Lines, rows: count, where: {Typ: x}}`, `contract.yaml:11:51: Posted has no field "Order.Lines[].Typ" (fix: did you mean Order.Lines[].Type?)`},
		{eventToTable, `whole: {from: Order.Lines, rows: count, where: {Kind: Maybe}}`, `contract.yaml:11:57: field whole: Order.Lines[].Kind has no option "Maybe" (fix: use one of No, Yes)`},
		{eventToTable, `text: {from: [Text, Other], rows: count, longer: cut}`, `contract.yaml:11:37: field text: rows makes one value of one list, not of several texts (fix: map one column of the rows)`},
		{eventToTable, `text: {compute: Text, rows: count, with: x, longer: cut}`, "contract.yaml:11:31: field text: rows means nothing for a computed value (fix: remove rows)\ncontract.yaml:11:44: field text: with means nothing for a computed value (fix: remove with)"},
		{eventToTable, `text: {value: x, rows: count}`, `contract.yaml:11:26: field text: rows means nothing for a fixed value (fix: remove rows)`},
		{eventToTable, `whole: {from: Whole, where: {Type: x}}`, `contract.yaml:11:32: field whole: where means nothing without rows (fix: add rows: count, or another)`},
		{eventToTable, `money: {from: "Order.Lines[].Amount", rows: min, blank: {absent: skip}}`, ``},
		{eventToTable, `text: {from: "Order.Lines[].Item.Name", rows: join, with: ", "}`, `contract.yaml:11:16: field text: nobody knows how long Order.Lines[].Item.Name can be, and text takes 20 characters (fix: add longer: reject or longer: cut)`},
	})
	want := `the sum over the rows, of those where Type is "Invoice"; absent leaves the target alone; null → null`
	rules := testPlan(t, eventToTable, `money: {from: "Order.Lines[].Amount", rows: sum, where: {Type: Invoice}}`).FieldRules()
	if got := rules[1].Words(); got != want {
		t.Errorf("the rule in words is %s", got)
	}
}
