package contract

import (
	"os"
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
		"parcelid":{"type":"Uniqueidentifier"},"id":{"type":"String","maxLength":20},"money":{"type":"Money"},"whole":{"type":"Integer"},"text":{"type":"String","maxLength":40},"memo":{"type":"Memo","maxLength":60},"note":{"type":"Memo"},"bare":{"type":"List"},"sizes":{"type":"MultiSelectPicklist","options":{"1":"Box","2":"Bag","3":"Crate"}},
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
		// a set of options
		{shippedToParcel, `sizes: {from: "Lines[].Name", rows: project, options: labels, other: reject}`, `"Lines":[{"Name":"Crate"},{"Name":"Box"},{"Name":"Crate"},{"Name":""}]`, `sizes="3,1"`},
		{shippedToParcel, `sizes: {from: "Lines[].Name", rows: project, options: labels, other: reject}`, `"Lines":[{"Name":"Crate"},{"Name":"Cup"}]`, `unknown-option: sizes (from Lines[1].Name)`},
		{shippedToParcel, `sizes: {from: "Lines[].Name", rows: project, options: labels, other: null}`, `"Lines":[{"Name":"Cup"},{"Name":"Box"}]`, `sizes="1"`},
		{shippedToParcel, `sizes: {from: "Lines[].Name", rows: project, options: labels, other: null}`, `"Lines":[{"Name":"Cup"}]`, `sizes=null`},
		{shippedToParcel, `sizes: {from: "Tags[]", rows: project, table: {a: 1, b: 2}, other: reject, blank: reject}`, `"Tags":[]`, `blank-required: sizes (from Tags[])`},
		{shippedToParcel, `sizes: {value: "1,3"}`, ``, `sizes="1,3"`},
		{shippedToParcel, `sizes: {from: Id, table: {"1": "1,2"}, other: null}`, ``, `sizes="1,2"`},
	})
}

func TestProjectionFindings(t *testing.T) {
	at := "contract.yaml:11:"
	object := func(fields string) string { return "lines: {from: Lines, rows: project, fields: {" + fields + "}}" }
	const item = `item: {from: Item, blank: reject, longer: reject}`
	runFindings(t, []fieldCase{
		{shippedToParcel, object(item), ``},
		// the list itself
		{shippedToParcel, `lines: {from: Lins, rows: project, fields: {` + item + `}}`, at + `17: Shipped has no field "Lins" (fix: did you mean Lines?)`},
		{shippedToParcel, `lines: {from: Id, rows: project, fields: {` + item + `}}`, at + `17: field lines: Id is a text and has no rows (fix: remove rows, or map a list)`},
		{shippedToParcel, `lines: {from: [Lines, Tags], rows: project, fields: {` + item + `}}`, at + `17: field lines: rows makes one value of one list, not of several texts (fix: name one list)`},
		{shippedToParcel, `note: {from: Lines, rows: project, fields: {}}`, at + `46: field note: nothing says what becomes of a row of Lines (fix: name its members: {member: {from: Column}})`},
		{shippedToParcel, `tags: {from: Tags, rows: project}`, at + `28: field tags: nothing says what becomes of a row of Tags (fix: name the values: from: "Tags[]")`},
		{shippedToParcel, `lines: {from: Lines, rows: project}`, at + `30: field lines: nothing says what becomes of a row of Lines (fix: add fields: {member: {from: Column}}, or name a column of the rows: from: Lines[].Column)`},
		{shippedToParcel, `lines: {from: Lines, fields: {` + item + `}}`, at + "33: field lines: fields means nothing without rows: project (fix: add rows: project, and name a list in from)"},
		{shippedToParcel, `lines: {from: Lines, rows: count, fields: {` + item + `}}`, at + "46: field lines: fields means nothing without rows: project (fix: add rows: project, and name a list in from)"},
		{shippedToParcel, `lines: {from: "Lines[].Item", rows: project, fields: {` + item + `}}`, at + `57: field lines: fields makes objects of the rows of a list, but Lines[].Item is a column of them (fix: write from: Lines)`},
		{shippedToParcel, `lines: {from: "Lines[].Charges", rows: project, fields: {` + item + `}}`, at + `17: field lines: Lines[].Charges lies in the rows of another list, which are projected first (fix: project the outer list, with a member for the inner one: {from: …, rows: project, fields: {…}})`},
		{shippedToParcel, `lines: {from: Lines, rows: project, where: {Kind: Present}, fields: {` + item + `}}`, at + `53: field lines: Lines[].Kind has no option "Present" (fix: use one of Item, Gift, Service)`},
		{shippedToParcel, `lines: {from: Lines, rows: project, where: {Knd: Gift}, fields: {` + item + `}}`, at + `47: Shipped has no field "Lines[].Knd" (fix: did you mean Lines[].Kind?)`},
		{shippedToParcel, `lines: {from: Lines, rows: project, case: lower, with: x, needs: all, longer: reject, fields: {` + item + `}}`, at + "45: field lines: case means nothing for a list of objects (fix: write it at a member of fields)\n" + at + "58: field lines: with means nothing for a list (fix: remove with)\n" + at + "68: field lines: needs means nothing for a list (fix: remove needs)\n" + at + "81: field lines is no text, so it can't be longer (fix: write it at a member of fields)"},
		{shippedToParcel, `lines: {from: Lines, rows: project, blank: {from: Tags}, when: 'Id != ""', otherwise: {from: Id}, fields: {` + item + `}}`, at + "53: field lines: instead of a list no other field can be taken (fix: write reject, null or skip)\n" + at + "96: field lines: Id (String) can't become lines (List) without loss: one value is no list (fix: name a list and say what becomes of its rows: from: Lines, rows: project, fields: {…})\n" + at + "96: field lines: instead of a list no other field can be taken (fix: write reject, null or skip)"},
		// the target
		{shippedToParcel, `whole: {from: "Lines[].Quantity", rows: project}`, at + `43: field whole is a whole number and takes no list (fix: project into a list, or into a text, which then holds it as JSON; or make one value of the rows, such as rows: first)`},
		{shippedToParcel, `lines[].item: {from: Id}`, at + `3: lines[].item is a field of the rows of lines, which are written as a whole (fix: map the list: lines: {from: …, rows: project, fields: {…}})`},
		{shippedToParcel, `bare: {from: Lines, rows: project, fields: {` + item + `}}`, at + `47: parcel doesn't say what the rows of bare hold (fix: write them into the snapshot: bare[].name for a member, or bare[] for a plain value)`},
		{shippedToParcel, `bare: {from: "Tags[]", rows: project}`, at + `3: parcel doesn't say what the rows of bare hold (fix: write them into the snapshot: bare[].name for a member, or bare[] for a plain value)`},
		{shippedToParcel, `memo: {from: "Tags[]", rows: project}`, at + `16: field memo: nobody knows how long the list is as JSON, and memo takes 60 characters (fix: add longer: reject)`},
		{shippedToParcel, `memo: {from: "Tags[]", rows: project, longer: cut}`, at + `49: field memo: half a list is none, so it can't be cut (fix: write longer: reject)`},
		{shippedToParcel, `tags: {from: "Tags[]", rows: project}`, at + `16: field tags[]: Tags[] can have 10 characters, and tags[] takes 4 (fix: add longer: reject or longer: cut)`},
		{shippedToParcel, `sizes: {from: Lines, rows: project, fields: {a: {from: Item}}}`, at + `17: field sizes takes options, one from each row, and Lines is a list of objects (fix: name a column of the rows: from: Lines[].Column)`},
		{shippedToParcel, `sizes: {from: "Tags[]", rows: project}`, at + `17: field sizes: Tags[] (String) can't become sizes (option) without loss: the target has options of its own (fix: say what each value becomes: map: {…}, other: reject)`},
		{shippedToParcel, `sizes: {from: "Tags[]", rows: project, table: {a: 4}}`, at + `53: field sizes: table value "4": the target has no such option (fix: use one of 1 (Box), 2 (Bag), 3 (Crate))`},
		{shippedToParcel, `sizes: {value: "1,4"}`, at + `18: field sizes: value "1,4": the target has no such option (fix: use one of 1 (Box), 2 (Bag), 3 (Crate))`},
		{shippedToParcel, `sizes: {from: Id}`, at + `17: field sizes: Id (String) can't become sizes (MultiSelectPicklist) without loss: they mean different things (fix: say what each value becomes: map: {…}, other: reject)`},
		// members
		{shippedToParcel, object(`price: {from: Price}`), at + `48: lines[].item is application required and isn't mapped (fix: map it: item: {from: …, blank: reject})`},
		{shippedToParcel, object(`item: {from: Itm, blank: reject}`), at + `61: a row of Lines has no field "Itm" (fix: did you mean Item?)`},
		{shippedToParcel, object(`item: {from: Lines, blank: reject}`), at + `61: a row of Lines has no field "Lines" (fix: use one of At, Charges, Charges[].Amount, Charges[].Code, Charges[].Taxes, Charges[].Taxes[].Parts, Charges[].Taxes[].Parts[].N, Charges[].Taxes[].Rate, Day, Free, Guid, Item, Kind, Name, Price, Quantity, RecId, Site.Id)`},
		{shippedToParcel, object(`itm: {from: Item}, ` + item), at + `48: parcel has no field "lines[].itm" (fix: did you mean item?)`},
		{shippedToParcel, object(`item: {from: Item}`), at + "61: field lines[].item is required, and the contract doesn't say what a blank Lines[].Item (absent, null, empty) does (fix: add blank: reject, {from: OtherField} or {value: …})\n" + at + "61: field lines[].item: Lines[].Item can have 20 characters, and lines[].item takes 5 (fix: add longer: reject or longer: cut)"},
		{shippedToParcel, object(item + `, at: {from: Item}`), at + `110: field lines[].at: Lines[].Item (String) can't become lines[].at (DateTime) without loss: a date must come from a date (fix: map a date field)`},
		{shippedToParcel, object(item + `, terms: {from: Kind, map: {Item: 1, Gift: 9}, other: 2}`), at + `140: field lines[].terms: map value "9": the target has no such option (fix: use one of 1 (Item), 2 (Gift), 3 (Service))`},
		{shippedToParcel, object(item + `, ownerid: {from: Item}`), at + `99: field lines[].ownerid is a lookup, which a row of a list can't hold (fix: map another member)`},
		{shippedToParcel, object(item + `, made: {from: At}`), at + `99: field lines[].made can't be written: dataverse sets it itself (fix: remove the field)`},
		{shippedToParcel, object(item + `, free: {}`), at + `99: field lines[].free maps nothing (fix: add from: or value:)`},
		{shippedToParcel, object(item + `, free: {from: Free, owner: fno, initial: true}`), at + "125: field lines[].free: owner means nothing within a list, which is written as a whole (fix: remove owner)\n" + at + "139: field lines[].free: initial means nothing within a list, which is written as a whole (fix: remove initial)"},
		{shippedToParcel, object(item + `, free: {from: Free, value: true}`), at + `125: field lines[].free: from and value exclude each other (fix: keep one of them)`},
		{shippedToParcel, object(item + `, free: {frm: Free}`), at + `106: field lines[].free: unknown key "frm" (fix: did you mean from?)`},
		{shippedToParcel, object(item + `, free: Free`), at + `105: field lines[].free is a text instead of a mapping (fix: write key: value pairs below it)`},
		{shippedToParcel, object(item + `, free: {from: TODO}`), at + `112: field lines: fields: free: from is still to be filled in, so the flow can't run (fix: write it)`},
		{shippedToParcel, object(item + `, total: {compute: 'Pric * 2'}`), at + `117: field lines[].total: compute: Pric is neither a field nor a function (fix: did you mean Price?)`},
		{shippedToParcel, object(item + `, total: {from: Price, times: {from: Quantty}}`), at + `134: a row of Lines has no field "Quantty" (fix: did you mean Quantity?)`},
		{shippedToParcel, `note: {from: Lines, rows: project, fields: {c: {from: Charges}}}`, at + `57: field note[].c: Lines[].Charges (List) can't become note[].c (JSON) without loss: a list has many values (fix: say what is made of its rows, such as rows: count, or rows: project with fields)`},
		// too deep
		{shippedToParcel, `whole: {from: "Lines[].Charges[].Taxes[].Parts", rows: count}`, at + `17: field whole: Lines[].Charges[].Taxes[].Parts lies 4 lists deep, and at most 3 are read (fix: map a list that lies less deep)`},
		{shippedToParcel, `note: {from: Lines, rows: project, fields: {c: {from: Charges, rows: project, fields: {t: {from: Taxes, rows: project, fields: {n: {from: "Parts[].N", rows: sum}}}}}}}`, at + `141: field note[].c[].t[].n: Lines[].Charges[].Taxes[].Parts[].N lies 4 lists deep, and at most 3 are read (fix: map a list that lies less deep)`},
		{shippedToParcel, `note: {value: x, fields: {a: {from: Item}}}`, at + `29: field note: fields means nothing for a fixed value (fix: remove fields)`},
		{shippedToParcel, `note: {compute: Id, fields: {a: {from: Item}}}`, at + `32: field note: fields means nothing for a computed value (fix: remove fields)`},
	})
}

func TestAListIsNoKey(t *testing.T) {
	runFindings(t, []fieldCase{{strings.Replace(shippedToParcel, "{from: Id, blank: reject}", `{from: "Tags[]", rows: project, longer: reject, blank: reject}`, 1), `note: {from: Id}`,
		`contract.yaml:10:30: field id is part of the key, and a list can't be (fix: map another field)`}})
}

// A trace follows each row that is wanted, and its faults name the row.
func TestTraceOfAList(t *testing.T) {
	p := testPlan(t, shippedToParcel, `lines: {from: Lines, rows: project, where: {Kind: Gift}, fields: {item: {from: Item, blank: reject, longer: reject}, charges: {from: Charges, rows: project, fields: {code: {from: Code, longer: reject}}}}}
  tags: {from: "Tags[]", rows: project, longer: reject}`)
	steps, err := p.Trace([]byte(`{"Id":"1","Tags":["","LONGER"],"Lines":[{"Kind":"Item"},{"Kind":"Gift","Item":"A"},{"Kind":"Gift","Item":null,"Charges":[{"Code":"F"},{"Code":"FOUR"}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var show func(steps []Step, inset string)
	show = func(steps []Step, inset string) {
		for _, s := range steps {
			got = append(got, inset+stepText(s))
			for _, row := range s.Rows {
				got = append(got, inset+"  row "+itoa(row.At))
				show(row.Steps, inset+"    ")
			}
		}
	}
	show(steps, "")
	want := `Id="1"() writes "1"
Lines=() rejected blank-required: lines[1].item (from Lines[2].Item)
  row 1
    lines[0].item: Lines[1].Item="A"() writes "A"
    lines[0].charges: Lines[1].Charges=(absent) skipped
  row 2
    lines[1].item: Lines[2].Item=null(null) rejected blank-required: lines[1].item (from Lines[2].Item)
    lines[1].charges: Lines[2].Charges=() rejected too-long: lines[1].charges[1].code (from Lines[2].Charges[1].Code)
      row 0
        lines[1].charges[0].code: Lines[2].Charges[0].Code="F"() writes "F"
      row 1
        lines[1].charges[1].code: Lines[2].Charges[1].Code="FOUR"() rejected too-long: lines[1].charges[1].code (from Lines[2].Charges[1].Code)
Tags[]=() rejected too-long: tags[0] (from Tags[1])
  row 0
    tags[0]: Tags[0]=""(empty) skipped
  row 1
    tags[0]: Tags[1]="LONGER"() rejected too-long: tags[0] (from Tags[1])`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("%s", text)
	}
}

func TestProjectionInWords(t *testing.T) {
	for field, want := range map[string]string{
		`note: {from: Lines, rows: project, where: {Kind: Gift}, fields: {a: {from: Item, case: lower, blank: reject}}}`: `a list with an object for each row, of those where Kind is "Gift", as JSON; absent leaves the target alone; null → null
note[].a: lower case; blank is rejected`,
		`memo: {from: "Tags[]", rows: project, longer: reject, case: upper, blank: reject}`: `a list with a value for each row that has one, as JSON; more than 60 characters are rejected; blank is rejected
memo[]: upper case; blank is left out`,
		`sizes: {from: "Tags[]", rows: project, table: {a: 1}, other: 2}`: `the options that the rows have; absent leaves the target alone; null, empty → null
sizes: a → 1 (Box); any other value → 2 (Bag); blank is left out`,
	} {
		rules := testPlan(t, shippedToParcel, field).FieldRules()
		rule := rules[len(rules)-1]
		got := rule.Words()
		for _, m := range rule.Members {
			got += "\n" + m.Column.Name + ": " + m.Words()
		}
		if got != want || !rule.Projects {
			t.Errorf("%s\n gives %s\n  want %s", field, got, want)
		}
	}
}

// What a list is made of counts as read, for values that go round between systems.
func TestAListReadsItsMembersColumns(t *testing.T) {
	p := testPlan(t, shippedToParcel, `note: {from: Lines, rows: project, fields: {a: {from: Item}, c: {from: Charges, rows: project, fields: {n: {from: Amount}}}}}`)
	if got := strings.Join(p.fields[1].reads(), " "); got != "Lines Lines[].Item Lines[].Charges Lines[].Charges[].Amount" {
		t.Errorf("reads %s", got)
	}
}

// The example in the documentation is as it says.
func TestTheDocumentedProjection(t *testing.T) {
	text, err := os.ReadFile("../../docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "### From list to list")
	_, section, _ = strings.Cut(section, "```yaml\n")
	field, _, found := strings.Cut(section, "```")
	if !found {
		t.Fatal("the documentation has no such example")
	}
	testSchemas["fno/Ordered"] = `{"system":"fno","entity":"Ordered","event":"fno.Ordered","columns":{"Id":{"type":"String","maxLength":20},"Lines":{"type":"List"},"Lines[].Type":{"type":"String"},"Lines[].ItemNumber":{"type":"String"},
		"Lines[].OrderedSalesQuantity":{"type":"Decimal"},"Lines[].SalesPrice":{"type":"Decimal"},"Lines[].Charges":{"type":"List"},"Lines[].Charges[].Code":{"type":"String"},"Lines[].Charges[].Amount":{"type":"Decimal"}}}`
	testSchemas["dataverse/order"] = `{"system":"dataverse","entity":"order","set":"orders","primaryKey":["orderid"],"alternateKeys":[["id"]],"columns":{"orderid":{"type":"Uniqueidentifier"},"id":{"type":"String","maxLength":20},"cw_lines":{"type":"Memo","maxLength":4000}}}`
	head := strings.NewReplacer("entity: Shipped, event: fno.Shipped", "entity: Ordered, event: fno.Ordered", "entity: parcel", "entity: order", "tables:\n  short: {Box: BX, Bag: BG}\n", "").Replace(shippedToParcel)
	p := testPlan(t, head, strings.ReplaceAll(strings.TrimSpace(field), "\n", "\n  "))
	for src, want := range map[string]string{
		`{"Type":"Item","ItemNumber":"A","OrderedSalesQuantity":2.0,"SalesPrice":2.665,"Charges":[{"Code":"F","Amount":0.1},{"Code":"P","Amount":0.2}]},{"Type":"Text"}`: `cw_lines="[{\"item\":\"A\",\"quantity\":2.0,\"price\":2.66,\"charges\":[{\"code\":\"F\",\"amount\":0.1},{\"code\":\"P\",\"amount\":0.2}],\"total\":0.3}]"`,
		`{"Type":"Text"},{"Type":"Item","ItemNumber":"A"},{"Type":"Item"}`:                                                                                               `blank-required: cw_lines[1].item (from Lines[2].ItemNumber)`,
	} {
		if got := outcome(p, `{"Id":"1","Lines":[`+src+`]}`); got != want {
			t.Errorf("%s gives %s", src, got)
		}
	}
}

// Only paths that begin with the list get the row's number.
func TestARowsNumberStandsAtItsList(t *testing.T) {
	const field = "lines[].total (from Lines[].SubLines[].Amount, Lines[].Item)"
	if got := numbered(field, "Lines[]", 3); got != "lines[].total (from Lines[3].SubLines[].Amount, Lines[3].Item)" {
		t.Error(got)
	}
}

// A set of options can have 150 of them, each once.
func TestASetOfOptionsIsBounded(t *testing.T) {
	options := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = itoa(i)
		}
		return "[" + strings.Join(append(all, "7"), ",") + "]"
	}
	if text, failed := optionsOf([]byte(options(150))); failed != nil || !strings.HasSuffix(string(text), `,148,149"`) {
		t.Errorf("%s, %v", text, failed)
	}
	if _, failed := optionsOf([]byte(options(151))); failed == nil || failed.reason != "too-long" {
		t.Errorf("151 options give %v", failed)
	}
}

// An example's list is compared digit by digit, whatever its white space and the order of members in it.
func TestAnExampleExpectsAList(t *testing.T) {
	plan := testPlan(t, shippedToParcel, `lines: {from: Lines, rows: project, fields: {item: {from: Item, blank: reject, longer: reject}, price: {from: Price}}}`)
	for want, found := range map[string]string{
		`[{"item":"ä","price":1.50}]`:                                     ``,
		"[\n  {\n    \"price\": 1.50,\n    \"item\": \"\\u00e4\"\n  }\n]": ``,
		"[ {\"item\": \"ä\", \"price\": 1.5} ]":                           `e.want.json:1:1: lines is [{"item":"ä","price":1.50}], not [{"item":"ä","price":1.5}] (fix: correct the contract, or the expectation if the contract is right)`,
		`"[]"`:                                                            `e.want.json:1:1: lines is [{"item":"ä","price":1.50}], not "[]" (fix: correct the contract, or the expectation if the contract is right)`,
	} {
		e := Example{Name: "e", WantFile: "e.want.json", Input: []byte(`{"Id":"1","Lines":[{"Item":"ä","Price":1.50}]}`)}
		e.Want.Write = []byte(`{"id":"1","lines":` + want + `}`)
		if got := plan.Try(e).Error(); got != found {
			t.Errorf("%s\n  gives %s\n  want  %s", want, got, found)
		}
	}
}
