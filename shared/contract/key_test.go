package contract

import (
	"strings"
	"testing"

	"crosswalk/shared/odata"
	"crosswalk/shared/schema"
)

// A table and an entity with a key of every form.
func init() {
	testSchemas["dataverse/keyed"] = `{"system":"dataverse","entity":"keyed","set":"keyeds","primaryKey":["keyedid"],"columns":{
		"keyedid":{"type":"Uniqueidentifier","default":"new","required":"system"},"text":{"type":"String","maxLength":20},"memo":{"type":"Memo","maxLength":20},"whole":{"type":"Integer"},"number":{"type":"Decimal"},
		"day":{"type":"DateTime","dateOnly":true},"at":{"type":"DateTime"},"terms":{"type":"Picklist","options":{"1":"Net 30","2":"Net 45"}},"hold":{"type":"Boolean"},"money":{"type":"Money"},
		"otherid":{"type":"Lookup","targets":["target"]},"partyid":{"type":"Customer","targets":["target","source"]}},
		"alternateKeys":[["text"],["text","whole"],["number"],["day","text"],["at"],["terms","text"],["otherid","text"],["partyid"],["memo"],["hold"],["money"]]}`
	testSchemas["fno/Keyed"] = `{"system":"fno","entity":"Keyed","set":"KeyedSet","virtualTable":"mserp_keyedentity","primaryKey":["dataAreaId","Kind","Line","Amount","Day","At","Guid","Text"],"alternateKeys":[["Text"]],
		"enums":{"LedgerJournalACType":["Ledger","Cust"]},"columns":{
		"dataAreaId":{"type":"String","maxLength":4},"Kind":{"type":"Enum","enum":"LedgerJournalACType"},"Line":{"type":"Int64"},"Amount":{"type":"Decimal"},"Day":{"type":"DateTimeOffset","dateOnly":true,"notNull":true},
		"At":{"type":"DateTimeOffset","notNull":true},"Guid":{"type":"Guid"},"Text":{"type":"String","maxLength":20}}}`
	testSchemas["salesforce/Account"] = `{"system":"salesforce","entity":"Account","set":"Account","primaryKey":["Id"],"alternateKeys":[["Number__c"]],"columns":{"Id":{"type":"id","maxLength":18},"Number__c":{"type":"string","maxLength":20}}}`
	testSchemas["fno/Facts"] = `{"system":"fno","entity":"Facts","event":"fno.Facts","columns":{"Text":{"type":"String","maxLength":20},"Whole":{"type":"Int64"},"Real":{"type":"Decimal"},
		"Day":{"type":"DateTime","dateOnly":true},"At":{"type":"DateTime"},"Guid":{"type":"Guid"},"Kind":{"type":"Enum","options":{"No":"","Yes":""}}}}`
}

// toKey is a contract from the facts to a table by a key, its fields yet to come.
func toKey(system, entity, key string) string {
	return "purpose: p\nteam: t\npair: x\nowner: fno\nfrom: {system: fno, entity: Facts, event: fno.Facts, state: event}\nto: {system: " + system + ", entity: " + entity + ", key: [" + key + "]}\nfields:\n"
}

const fact = `{"Text":"O'Neil & Söhne/1","Whole":7,"Real":12.50,"Day":"2026-07-01","At":"2026-07-01T08:30:00Z","Guid":"{D290F1EE-6C54-4B01-90E6-D701748F0851}","Kind":"Yes"}`

// Each form of a key: the row's address as the target's URLs name it, and the text by which the link knows the row.
func TestEachFormOfAKey(t *testing.T) {
	const fields = `text: {from: Text, blank: reject}
  whole: {from: Whole, blank: reject}
  number: {from: Real, blank: reject}
  day: {from: Day, blank: reject}
  at: {from: At, blank: reject}
  terms: {from: Kind, map: {"No": 1, "Yes": 2}, blank: reject}
  keyedid: {from: Guid, blank: reject}
  otherid: {from: Text, reference: id, longer: reject, blank: reject}
  partyid: {from: Whole, link: {pair: x, entity: target}, blank: reject}`
	const entityFields = `dataAreaId: {value: usmf}
  Kind: {value: Cust}
  Line: {from: Whole, blank: reject}
  Amount: {from: Real, blank: reject}
  Day: {from: Day, blank: reject}
  At: {from: At, blank: reject}
  Guid: {from: Guid, blank: reject}
  Text: {from: Text, blank: reject}`
	const row = "11111111-2222-3333-4444-555555555555"
	for _, test := range []struct {
		name, head, fields string
		address, text      string
	}{
		{"a text of Dataverse", toKey("dataverse", "keyed", "text"), fields, "keyeds(text='O%27%27Neil%20%26%20S%C3%B6hne%2F1')", "O'Neil & Söhne%2F1"},
		{"a text and a whole number, in the contract's order", toKey("dataverse", "keyed", "whole, text"), fields, "keyeds(whole=7,text='O%27%27Neil%20%26%20S%C3%B6hne%2F1')", "7/O'Neil & Söhne%2F1"},
		{"a decimal number", toKey("dataverse", "keyed", "number"), fields, "keyeds(number=12.5)", "12.5"},
		{"a day", toKey("dataverse", "keyed", "day, text"), fields, "keyeds(day=2026-07-01,text='O%27%27Neil%20%26%20S%C3%B6hne%2F1')", "2026-07-01/O'Neil & Söhne%2F1"},
		{"an instant", toKey("dataverse", "keyed", "at"), fields, "keyeds(at=2026-07-01T08%3A30%3A00Z)", "2026-07-01T08:30:00Z"},
		{"an option of Dataverse", toKey("dataverse", "keyed", "terms, text"), fields, "keyeds(terms=2,text='O%27%27Neil%20%26%20S%C3%B6hne%2F1')", "2/O'Neil & Söhne%2F1"},
		{"a lookup that is found by its key", toKey("dataverse", "keyed", "otherid, text"), fields, "keyeds(_otherid_value=" + row + ",text='O%27%27Neil%20%26%20S%C3%B6hne%2F1')",
			"%2Ftargets(id='O%2527%2527Neil%2520%2526%2520S%25C3%25B6hne%252F1')/O'Neil & Söhne%2F1"},
		{"a lookup that a link knows", toKey("dataverse", "keyed", "partyid"), fields, "keyeds(_partyid_value=" + row + ")", "%2Ftargets(" + row + ")"},
		{"the table's own id", toKey("dataverse", "keyed", "keyedid"), fields, "keyeds(d290f1ee-6c54-4b01-90e6-d701748f0851)", "d290f1ee-6c54-4b01-90e6-d701748f0851"},
		{"an entity's key with everything that one can have", toKey("fno", "Keyed", "dataAreaId, Kind, Line, Amount, Day, At, Guid, Text"), entityFields,
			"KeyedSet(dataAreaId='usmf',Kind=Microsoft.Dynamics.DataEntities.LedgerJournalACType'Cust',Line=7,Amount=12.5,Day=2026-07-01T12%3A00%3A00Z,At=2026-07-01T08%3A30%3A00Z," +
				"Guid=d290f1ee-6c54-4b01-90e6-d701748f0851,Text='O%27%27Neil%20%26%20S%C3%B6hne%2F1')",
			"usmf/Cust/7/12.5/2026-07-01/2026-07-01T08:30:00Z/d290f1ee-6c54-4b01-90e6-d701748f0851/O'Neil & Söhne%2F1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := testPlan(t, test.head, test.fields)
			r, err := p.Apply([]byte(fact))
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Resolve(func(_, _, _ string) (string, error) { return row, nil }); err != nil {
				t.Fatal(err)
			}
			resolved := Resolved{Name: "otherid@odata.bind", ID: row}
			if got := p.Address(r, resolved); got != test.address {
				t.Errorf("the address is\n  %s\nwant\n  %s", got, test.address)
			}
			if got := r.KeyText(); got != test.text {
				t.Errorf("the key's text is %s, want %s", got, test.text)
			}
			if got := sent(t, p, r, resolved); got != test.address && !p.IDIsKey() {
				t.Errorf("the client sends\n  %s\nwant\n  %s", got, test.address)
			}
		})
	}
}

// sent is the address as the client of the system writes it.
func sent(t *testing.T, p *Plan, r *Record, resolved Resolved) string {
	t.Helper()
	parts, ok := r.KeyParts(resolved)
	if !ok {
		t.Fatal("the key isn't known")
	}
	var key []odata.KeyValue
	for _, part := range parts {
		key = append(key, odata.KeyValue{Name: part.Column, Value: part.Value, Quoted: part.Quoted})
	}
	segment, err := odata.Key(key)
	if err != nil {
		t.Fatal(err)
	}
	return p.TargetSet() + segment
}

// A row that a lookup of the key points to must be found before the key is known.
func TestAKeyWithALookupIsUnknownUntilItsRowIs(t *testing.T) {
	p := testPlan(t, toKey("dataverse", "keyed", "otherid, text"), "text: {from: Text, blank: reject}\n  otherid: {from: Text, reference: id, longer: reject, blank: reject}")
	r, err := p.Apply([]byte(fact))
	if err != nil {
		t.Fatal(err)
	}
	if parts, ok := r.KeyParts(); ok || p.Address(r) != "" {
		t.Errorf("the key is %v, the address %q", parts, p.Address(r))
	}
}

// The id of a new row stands in the URL alone, and neither a create nor an update sends it in the body.
func TestTheRowsOwnIDIsNotInTheBody(t *testing.T) {
	p := testPlan(t, toKey("dataverse", "keyed", "keyedid"), "keyedid: {from: Guid, blank: reject}\n  text: {from: Text, blank: reject}")
	r, err := p.Apply([]byte(fact))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"text":"O'Neil & Söhne/1"}`
	if create, update := string(r.JSON(true)), string(r.JSON(false)); create != want || update != want {
		t.Errorf("a create sends %s, an update %s; want %s", create, update, want)
	}
	if !p.IDIsKey() || testPlan(t, toKey("dataverse", "keyed", "text"), "text: {from: Text, blank: reject}").IDIsKey() {
		t.Error("which key is the row's own id isn't known")
	}
}

// A lookup finds its row by a key of any type that a key may have, in the URL's own form.
func TestReferenceByEachTypeOfKey(t *testing.T) {
	testSchemas["dataverse/pointing"] = `{"system":"dataverse","entity":"pointing","set":"pointings","primaryKey":["pointingid"],"alternateKeys":[["id"]],"columns":{"pointingid":{"type":"Uniqueidentifier","default":"new","required":"system"},
		"id":{"type":"String","maxLength":20},"keyedid":{"type":"Lookup","targets":["keyed"]},"day":{"type":"DateTime","dateOnly":true}}}`
	defer delete(testSchemas, "dataverse/pointing")
	head := toKey("dataverse", "pointing", "id") + "  id: {from: Text, longer: reject, blank: reject}\n"
	for field, want := range map[string]string{
		`keyedid: {from: Guid, reference: keyedid}`:                                               `/keyeds(d290f1ee-6c54-4b01-90e6-d701748f0851)`,
		`keyedid: {from: At, reference: at}`:                                                      `/keyeds(at=2026-07-01T08%3A30%3A00Z)`,
		`keyedid: {from: Real, reference: number}`:                                                `/keyeds(number=12.5)`,
		`keyedid: {from: Text, reference: {key: text, and: {day: day}}}` + "\n  day: {from: Day}": `/keyeds(text='O%27%27Neil%20%26%20S%C3%B6hne%2F1',day=2026-07-01)`,
	} {
		r, err := testPlan(t, head, field).Apply([]byte(fact))
		if err != nil {
			t.Errorf("%s: %v", field, err)
			continue
		}
		if got := r.Fields()[1].Text(); got != want {
			t.Errorf("%s binds %s, want %s", field, got, want)
		}
	}
	for field, want := range map[string]string{
		`keyedid: {from: Text, reference: {key: otherid, and: {text: id}}}`: `contract.yaml:9:42: field keyedid: reference: the key's otherid is a lookup itself, and nobody knows its row's id before it is read (fix: use another key, or link: <pair>)`,
		`keyedid: {from: Text, reference: memo}`:                            `contract.yaml:9:36: field keyedid: reference: dataverse takes no text (memo (Memo)) in a key (fix: use another key)`,
	} {
		_, _, findings := parse("contract.yaml", "test", []byte(head+"  "+field+"\n"), testLookup)
		if got := findings.Error(); got != want {
			t.Errorf("%s\n  gives %s\n  want  %s", field, got, want)
		}
	}
}

func TestKeyFindings(t *testing.T) {
	const text, entity = "  text: {from: Text, blank: reject}\n", "  Text: {from: Text, blank: reject}\n"
	keys := "[keyedid], [text], [text, whole], [number], [day, text], [at], [terms, text], [otherid, text], [partyid], [memo], [hold], [money]"
	for _, test := range []struct{ contract, want string }{
		{toKey("dataverse", "keyed", "text, terms, whole") + text + "  terms: {value: 1}\n  whole: {value: 1}\n",
			`contract.yaml:6:46: [text, terms, whole] is no key of keyed, so it can find several rows (fix: use one of ` + keys + `)`},
		{toKey("dataverse", "keyed", "number") + "  number: {from: Real}\n",
			`contract.yaml:8:18: field number is required, and the contract doesn't say what a blank Real (absent, null) does (fix: add blank: reject, {from: OtherField} or {value: …})`},
		{toKey("dataverse", "keyed", "at") + text,
			`contract.yaml:6:46: key field at isn't mapped (fix: map it under fields: at: {from: …, blank: reject})`},
		{toKey("dataverse", "keyed", "memo") + "  memo: {from: Text, blank: reject}\n",
			`contract.yaml:6:46: key: dataverse takes no text (memo (Memo)) in a key (fix: use a key of other columns)`},
		{toKey("dataverse", "keyed", "hold") + "  hold: {value: true}\n",
			`contract.yaml:6:46: key: dataverse takes no yes/no (hold (Boolean)) in a key (fix: use a key of other columns)`},
		{toKey("dataverse", "keyed", "money") + "  money: {value: 1}\n",
			`contract.yaml:6:46: key: dataverse takes no decimal number (money (Money)) in a key (fix: use a key of other columns)`},
		{toKey("dataverse", "keyed", "text, whole") + "  text: {value: x}\n  whole: {value: 1}\n",
			`contract.yaml:6:46: key: each of its columns has a fixed value, so all records of Facts would be written to one row (fix: map one of its columns from what tells the records apart, with blank: reject)`},
		{toKey("dataverse", "keyed", "text, whole") + text + "  whole: {value: 1}\n", ``},
		{toKey("fno", "Two", "B, A") + "  A: {from: Text, blank: reject}\n  B: {from: Text, blank: reject}\n",
			`contract.yaml:6:38: key: events name a row of Two by its key's values in the order [A, B], and so does the link (fix: write key: [A, B])`},
		{toKey("fno", "Keyed", "Text") + entity,
			`contract.yaml:6:40: key: events name a row of Keyed by its key's values in the order [dataAreaId, Kind, Line, Amount, Day, At, Guid, Text], and so does the link (fix: write key: [dataAreaId, Kind, Line, Amount, Day, At, Guid, Text])`},
		{toKey("salesforce", "Account", "Number__c") + "  Number__c: {from: Text, blank: reject}\n",
			`contract.yaml:6:14: to: flows can't write to salesforce yet (fix: write dataverse or fno)`},
		{"purpose: p\nteam: t\npair: x\nowner: fno\nfrom: {system: fno, entity: Keyed, event: fno.keyedentity.*, state: row}\nto: {system: dataverse, entity: keyed, key: [text]}\nfields:\n" + text,
			`contract.yaml:5:29: state: row reads a record by its key, and events don't have the Kind (Enum), Amount (Decimal), Day (DateTimeOffset), At (DateTimeOffset), Guid (Guid) of Keyed in the form that a key has (fix: start the flow from a business event, with state: event, or read another entity)`},
	} {
		_, _, findings := parse("contract.yaml", "test", []byte(test.contract), testLookup)
		if got := findings.Error(); got != test.want {
			t.Errorf("%s\n  gives %s\n  want  %s", strings.Split(test.contract, "\n")[5], got, test.want)
		}
	}
}

// The types that may be in a key are known for every table and entity there is, and their own keys hold no other.
func TestEveryBuiltInKeyIsOfTypesThatAKeyMayHave(t *testing.T) {
	for _, system := range []string{schema.Dataverse, schema.FnO} {
		for _, name := range schema.Entities(system) {
			e, _ := schema.Lookup(system, name)
			for _, key := range append([][]string{e.PrimaryKey}, e.AlternateKeys...) {
				for _, column := range key {
					if c, _ := e.Column(column); !e.Keyable(c) {
						t.Errorf("%s %s: %s can't be in a key", system, name, column)
					}
				}
			}
		}
	}
}
