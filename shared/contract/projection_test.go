package contract

import (
	"strings"
	"testing"
)

// Lists within lists as a source, and what takes a list as a target.
func init() {
	testSchemas["fno/Shipped"] = `{"system":"fno","entity":"Shipped","event":"fno.Shipped","columns":{
		"Id":{"type":"String","maxLength":20},"Tags":{"type":"List"},"Tags[]":{"type":"String","maxLength":10},"Days":{"type":"List"},"Days[]":{"type":"DateTime"},"Empty":{"type":"List"},
		"Lines":{"type":"List"},"Lines[].Item":{"type":"String","maxLength":20},"Lines[].Name":{"type":"String","maxLength":20},"Lines[].Price":{"type":"Decimal"},"Lines[].Quantity":{"type":"Int32","min":"0","max":"1000"},"Lines[].RecId":{"type":"Int64"},
		"Lines[].Kind":{"type":"Enum","options":{"Item":"","Gift":"","Service":""}},"Lines[].At":{"type":"DateTime"},"Lines[].Day":{"type":"DateTime","dateOnly":true},"Lines[].Guid":{"type":"Guid"},"Lines[].Free":{"type":"Boolean"},"Lines[].Site.Id":{"type":"String","maxLength":5},
		"Lines[].Charges":{"type":"List"},"Lines[].Charges[].Code":{"type":"String","maxLength":5},"Lines[].Charges[].Amount":{"type":"Decimal"},
		"Lines[].Charges[].Taxes":{"type":"List"},"Lines[].Charges[].Taxes[].Rate":{"type":"Decimal"},"Lines[].Charges[].Taxes[].Parts":{"type":"List"},"Lines[].Charges[].Taxes[].Parts[].N":{"type":"Int32"}}}`
	testSchemas["dataverse/parcel"] = `{"system":"dataverse","entity":"parcel","set":"parcels","primaryKey":["parcelid"],"alternateKeys":[["id"]],"columns":{
		"parcelid":{"type":"Uniqueidentifier"},"id":{"type":"String","maxLength":20},"money":{"type":"Money"},"whole":{"type":"Integer"},"text":{"type":"String","maxLength":40},"memo":{"type":"Memo","maxLength":60},"note":{"type":"Memo"},"bare":{"type":"List"},
		"lines":{"type":"List"},"lines[].item":{"type":"String","maxLength":5,"required":"application"},"lines[].price":{"type":"Money","precision":2},"lines[].terms":{"type":"Picklist","options":{"1":"Item","2":"Gift","3":"Service"}},"lines[].at":{"type":"DateTime"},"lines[].day":{"type":"DateTime","dateOnly":true},
		"lines[].free":{"type":"Boolean"},"lines[].recid":{"type":"BigInt"},"lines[].quantity":{"type":"Integer"},"lines[].ownerid":{"type":"Lookup","targets":["parcel"]},"lines[].made":{"type":"DateTime","readOnly":true},"lines[].total":{"type":"Decimal"},
		"lines[].charges":{"type":"List"},"lines[].charges[].code":{"type":"String","maxLength":3},"lines[].charges[].amount":{"type":"Decimal","precision":2},
		"tags":{"type":"List"},"tags[]":{"type":"String","maxLength":4}}}`
}

const shippedToParcel = `purpose: p
team: t
pair: x
owner: fno
from: {system: fno, entity: Shipped, event: fno.Shipped, state: event}
to: {system: dataverse, entity: parcel, key: [id]}
tables:
  short: {Box: BX, Bag: BG}
fields:
  id: {from: Id, blank: reject}
`

const shippedLines = `"Lines":[{"Item":"A1","Name":"Box","Price":1.50,"Quantity":2,"RecId":9007199254740993,"Kind":"Item","At":"2026-07-01T10:00:00Z","Day":"2026-07-01T00:00:00Z","Guid":"5AA2B8E8-3C58-4B25-A9A4-1B3B5A3D1C01","Free":false,"Site":{"Id":"S1"},"Charges":[{"Code":"F","Amount":0.1},{"Code":"P","Amount":0.2}]},` +
	`{"Item":"B2","Name":"Bag \"ü\"","Price":2.665,"Quantity":7,"RecId":1,"Kind":"Gift","At":"1900-01-01T00:00:00Z","Day":"1900-01-01T00:00:00Z","Guid":"00000000-0000-0000-0000-000000000000","Free":true,"Site":null,"Charges":[]},` +
	`{"Item":"C3","Name":"","Price":null,"Kind":"Service","Charges":null}]`

func TestProjection(t *testing.T) {
	lines := func(fields string) string {
		return "lines: {from: Lines, rows: project, fields: {item: {from: Item, blank: reject, longer: reject}" + fields + "}}"
	}
	memo := func(fields string) string {
		return "note: {from: Lines, rows: project, fields: {" + fields + "}}"
	}
	runOperations(t, []operationCase{
		// objects into a list, whose columns the schema has
		{shippedToParcel, lines(``), shippedLines, `lines=[{"item":"A1"},{"item":"B2"},{"item":"C3"}]`},
		{shippedToParcel, lines(``), `"Lines":[]`, `lines=[]`},
		{shippedToParcel, lines(``), `"Lines":null`, `lines=null`},
		{shippedToParcel, lines(``), `"Tags":[]`, `-`},
		{shippedToParcel, lines(``), `"Lines":{"Item":"A"}`, `bad-type: lines (from Lines)`},
		{shippedToParcel, lines(``), `"Lines":["A"]`, `bad-type: lines[0].item (from Lines[0].Item)`},
		{shippedToParcel, lines(``), `"Lines":[{"Item":"A"},{"Item":"B"},{"Item":""}]`, `blank-required: lines[2].item (from Lines[2].Item)`},
		{shippedToParcel, lines(``), `"Lines":[{"Item":"A"},null]`, `blank-required: lines[1].item (from Lines[1].Item)`},
		{shippedToParcel, lines(``), `"Lines":[{"Item":"ABCDEF"}]`, `too-long: lines[0].item (from Lines[0].Item)`},
		{shippedToParcel, lines(`, price: {from: Price, round: {places: 2, mode: half-even}}`), shippedLines, `lines=[{"item":"A1","price":1.50},{"item":"B2","price":2.66},{"item":"C3","price":null}]`},
		{shippedToParcel, lines(`, price: {from: Price}`), shippedLines, `out-of-range: lines[1].price (from Lines[1].Price)`},
		{shippedToParcel, lines(`, terms: {from: Kind, map: {Item: 1, Gift: 2}, other: 3}, free: {from: Free}, recid: {from: RecId}`), shippedLines,
			`lines=[{"item":"A1","terms":1,"free":false,"recid":9007199254740993},{"item":"B2","terms":2,"free":true,"recid":1},{"item":"C3","terms":3}]`},
		{shippedToParcel, lines(`, terms: {from: Kind, options: labels}, at: {from: At}, day: {from: Day}`), shippedLines,
			`lines=[{"item":"A1","terms":1,"at":"2026-07-01T10:00:00Z","day":"2026-07-01"},{"item":"B2","terms":2,"at":null,"day":null},{"item":"C3","terms":3}]`},
		{shippedToParcel, lines(`, free: {value: true}, quantity: {from: Quantity, blank: {value: 1}}`), shippedLines, `lines=[{"item":"A1","free":true,"quantity":2},{"item":"B2","free":true,"quantity":7},{"item":"C3","free":true,"quantity":1}]`},
		{shippedToParcel, lines(`, total: {from: Price, times: {from: Quantity}, when: 'Kind != "Service"'}`), shippedLines, `lines=[{"item":"A1","total":3},{"item":"B2","total":18.655},{"item":"C3"}]`},
		{shippedToParcel, lines(`, total: {from: Price, times: {from: Quantity}}`), `"Lines":[{"Item":"A","Price":1}]`, `blank-required: lines[0].total (from Lines[0].Price)`},
		{shippedToParcel, lines(`, total: {compute: 'decimal(Name)'}`), `"Lines":[{"Item":"A","Name":"1.5"},{"Item":"B","Name":"x"}]`, `expression-failed: lines[1].total (computed)`},
		{shippedToParcel, `lines: {from: Lines, rows: project, fields: {item: {from: [Item, Site.Id], with: "-", longer: reject, blank: reject}}}`, shippedLines, `lines=[{"item":"A1-S1"},{"item":"B2"},{"item":"C3"}]`},
		{shippedToParcel, `lines: {from: Lines, rows: project, fields: {item: {from: Name, table: short, other: reject, blank: {from: Item, blank: reject}}}}`, `"Lines":[{"Name":"Bag"},{"Name":"Box"},{"Name":"Cup"}]`, `unknown-option: lines[2].item (from Lines[2].Name)`},
		{shippedToParcel, `lines: {from: Lines, rows: project, fields: {item: {from: Site.Id, blank: {from: Item, blank: reject}, longer: reject}}}`, shippedLines, `lines=[{"item":"S1"},{"item":"B2"},{"item":"C3"}]`},
		// where, with the row numbers of either side
		{shippedToParcel, `lines: {from: Lines, rows: project, where: {Kind: Gift}, fields: {item: {from: Item, blank: reject, longer: reject}}}`, shippedLines, `lines=[{"item":"B2"}]`},
		{shippedToParcel, `lines: {from: Lines, rows: project, where: {Kind: Gift}, fields: {item: {from: Item, blank: reject, longer: reject}}}`, `"Lines":[{"Kind":"Item"},{"Kind":"Gift","Item":"A"},{"Kind":"Gift"}]`, `blank-required: lines[1].item (from Lines[2].Item)`},
		{shippedToParcel, `lines: {from: Lines, rows: project, where: {Kind: Gift}, fields: {item: {from: Item, blank: reject, longer: reject}}}`, `"Lines":[{"Kind":"Item"},{"Kind":7}]`, `bad-type: lines (from Lines[1])`},
		// lists within lists
		{shippedToParcel, lines(`, charges: {from: Charges, rows: project, fields: {code: {from: Code, longer: reject}, amount: {from: Amount}}}`), shippedLines,
			`lines=[{"item":"A1","charges":[{"code":"F","amount":0.1},{"code":"P","amount":0.2}]},{"item":"B2","charges":[]},{"item":"C3","charges":null}]`},
		{shippedToParcel, lines(`, charges: {from: Charges, rows: project, fields: {code: {from: Code, longer: reject}}}`), `"Lines":[{"Item":"A"},{"Item":"B","Charges":[{"Code":"F"},{"Code":"LONG"}]}]`, `too-long: lines[1].charges[1].code (from Lines[1].Charges[1].Code)`},
		{shippedToParcel, lines(`, total: {from: "Charges[].Amount", rows: sum}`), shippedLines, `lines=[{"item":"A1","total":0.3},{"item":"B2","total":0},{"item":"C3","total":null}]`},
		{shippedToParcel, lines(`, total: {from: "Charges[].Amount", rows: sum}`), `"Lines":[{"Item":"A","Charges":[{"Amount":"x"}]}]`, `bad-type: lines[0].total (from Lines[0].Charges[].Amount)`},
		{shippedToParcel, `money: {from: "Lines[].Charges[].Amount", rows: sum}`, shippedLines, `money=0.3`},
		{shippedToParcel, `money: {from: "Lines[].Charges[].Amount", rows: sum, where: {Code: P}}`, shippedLines, `money=0.2`},
		{shippedToParcel, `whole: {from: "Lines[].Charges", rows: count}`, shippedLines, `whole=2`},
		{shippedToParcel, `whole: {from: "Lines[].Charges", rows: count}`, `"Lines":[{"Charges":7}]`, `bad-type: whole (from Lines[].Charges)`},
		{shippedToParcel, `text: {from: "Lines[].Charges[].Code", rows: join, with: "+", longer: reject}`, shippedLines, `text="F+P"`},
		{shippedToParcel, `text: {from: "Lines[].Charges[].Code", rows: first}`, `"Lines":[{"Charges":[{"Code":""}]},{"Charges":[{"Code":"G"},{"Code":"H"}]},{"Charges":[{"Code":"I"}]}]`, `text="G"`},
		{shippedToParcel, `text: {from: "Lines[].Charges[].Code", rows: last}`, shippedLines, `text="P"`},
		{shippedToParcel, `money: {from: "Lines[].Charges[].Taxes[].Rate", rows: max}`, `"Lines":[{"Charges":[{"Taxes":[{"Rate":0.07},{"Rate":0.19}]},{}]}]`, `money=0.19`},
		// plain values, the blank ones left out
		{shippedToParcel, `tags: {from: "Tags[]", rows: project, case: lower, longer: cut}`, `"Tags":["Ab",""," ","CDEFG"]`, `tags=["ab","cdef"]`},
		{shippedToParcel, `tags: {from: "Tags[]", rows: project, longer: reject}`, `"Tags":["Ab","CDEFG"]`, `too-long: tags[1] (from Tags[1])`},
		{shippedToParcel, `tags: {from: "Tags[]", rows: project, longer: reject, blank: reject}`, `"Tags":null`, `blank-required: tags (from Tags[])`},
		{shippedToParcel, `tags: {from: "Lines[].Name", rows: project, table: short, other: reject, where: {Kind: Item}}`, shippedLines, `tags=["BX"]`},
		// a text that holds the list as JSON
		{shippedToParcel, memo(`Item: {from: Item}, price: {from: Price}, n: {from: Quantity}, id: {from: RecId}, "free \"one\"": {from: Free}`), shippedLines,
			`note="[{\"Item\":\"A1\",\"price\":1.50,\"n\":2,\"id\":9007199254740993,\"free \\\"one\\\"\":false},{\"Item\":\"B2\",\"price\":2.665,\"n\":7,\"id\":1,\"free \\\"one\\\"\":true},{\"Item\":\"C3\",\"price\":null}]"`},
		{shippedToParcel, memo(`k: {from: Kind}, at: {from: At}, day: {from: Day}, g: {from: Guid}`), shippedLines,
			`note="[{\"k\":\"Item\",\"at\":\"2026-07-01T10:00:00Z\",\"day\":\"2026-07-01\",\"g\":\"5aa2b8e8-3c58-4b25-a9a4-1b3b5a3d1c01\"},{\"k\":\"Gift\",\"at\":null,\"day\":null,\"g\":null},{\"k\":\"Service\"}]"`},
		{shippedToParcel, memo(`t: {from: Kind, map: {Item: 1, Gift: 2.50}, other: 0}, b: {from: Kind, map: {Item: true}, other: false}, m: {from: Kind, map: {Item: 1, Gift: x}, other: y}, c: {value: 7}`), shippedLines,
			`note="[{\"t\":1,\"b\":true,\"m\":\"1\",\"c\":7},{\"t\":2.50,\"b\":false,\"m\":\"x\",\"c\":7},{\"t\":0,\"b\":false,\"m\":\"y\",\"c\":7}]"`},
		{shippedToParcel, memo(`w: {from: Quantity, unit: {from: g, to: kg}}, p: {from: Quantity, prefix: "#"}, x: {compute: 'Quantity == null', blank: skip}, at: {from: At, zone: Europe/Berlin}`), `"Lines":[{"Quantity":7,"At":"2026-07-01T10:00:00Z"}]`,
			`note="[{\"w\":0.007,\"p\":\"#7\",\"x\":false,\"at\":\"2026-07-01T12:00:00+02:00\"}]"`},
		{shippedToParcel, memo(`c: {from: Charges, rows: project, fields: {a: {from: Amount}}}, n: {from: Charges, rows: count}, s: {from: "Charges[].Amount", rows: sum}, codes: {from: "Charges[].Code", rows: project}`), shippedLines,
			`note="[{\"c\":[{\"a\":0.1},{\"a\":0.2}],\"n\":2,\"s\":0.3,\"codes\":[\"F\",\"P\"]},{\"c\":[],\"n\":0,\"s\":0,\"codes\":[]},{\"c\":null,\"n\":null,\"s\":null,\"codes\":null}]"`},
		{shippedToParcel, `note: {from: "Lines[].Item", rows: project}`, shippedLines, `note="[\"A1\",\"B2\",\"C3\"]"`},
		{shippedToParcel, `note: {from: "Days[]", rows: project}`, `"Days":["2026-07-01T10:00:00Z","1900-01-01T00:00:00Z"]`, `note="[\"2026-07-01T10:00:00Z\"]"`},
		{shippedToParcel, `memo: {from: "Tags[]", rows: project, longer: reject}`, `"Tags":[` + strings.Repeat(`"äbcdefgh",`, 4) + `"abcdefghijkl"]`, `memo="[\"äbcdefgh\",\"äbcdefgh\",\"äbcdefgh\",\"äbcdefgh\",\"abcdefghijkl\"]"`},
		{shippedToParcel, `memo: {from: "Tags[]", rows: project, longer: reject}`, `"Tags":[` + strings.Repeat(`"äbcdefgh",`, 4) + `"abcdefghijklm"]`, `too-long: memo (from Tags[])`},
		{shippedToParcel, `note: {from: "Tags[]", rows: project, blank: {value: none}}`, `"Tags":null`, `note="none"`},
		{shippedToParcel, `note: {from: "Tags[]", rows: project}`, `"Tags":[` + strings.Repeat(`"a",`, 10_000) + `"b"]`, `too-long: note (from Tags[])`},
	})
}
