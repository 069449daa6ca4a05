package contract

import (
	"strings"
	"testing"
)

// FuzzParse holds that whatever text a contract has, it gives findings or a plan, and a plan never crashes on a record, nor do its
// shortcuts give anything but what the rules give.
func FuzzParse(f *testing.F) {
	for _, field := range []string{
		`text: {from: [Text, Other], with: " ", needs: all, longer: cut}`, `text: {from: Text, split: {by: " ", part: 2}, strip: {leading: "0"}, pad: {to: 4, with: "0", side: right}, longer: cut}`,
		`terms: {from: Text, options: labels, other: 1, blank: {absent: skip, null: null, empty: {from: Other, blank: {value: 1}}}}`,
		`number: {from: Real, unit: {from: kg, to: lb}, round: {places: 4, mode: half-even}, outOfRange: clamp}`, `number: {from: Real, times: "0.1", per: 4}`,
		`at: {from: Day, zone: Europe/Berlin}`, `text: {compute: 'Text.trim() + string(1)', when: 'Whole != null && Whole > 1', otherwise: {value: x}, longer: reject}`,
		`otherid: {from: [Text, Other], link: {pair: p, entity: target}, blank: null}`, `otherid: {from: Text, reference: id, blank: null}`,
		`money: {from: "Order.Lines[].Amount", rows: sum, where: {Type: a}}`, `text: {from: "Tags[]", rows: join, with: ";", longer: cut}`, `text: {from: Text, table: currency, initial: true}`,
		"text: {owner: dataverse}\ndelete: {deactivate: {hold: true}}\nwhen: Text != \"\"",
	} {
		f.Add(eventToTable + "  " + field + "\n")
	}
	for _, field := range []string{
		`lines: {from: Lines, rows: project, where: {Kind: Item}, fields: {item: {from: Item, blank: {value: "-"}, longer: reject}, total: {from: "Charges[].Amount", rows: sum}, charges: {from: Charges, rows: project, fields: {code: {from: Code, longer: cut}}}}}`,
		`memo: {from: Lines, rows: project, longer: reject, fields: {a: {from: Price, times: {from: Quantity}, when: 'Name != ""'}, b: {from: Day}, c: {from: "Charges[].Code", rows: project}}}`,
		`sizes: {from: "Lines[].Name", rows: project, options: labels, other: null}`, `tags: {from: "Tags[]", rows: project, case: lower, longer: cut}`, `whole: {from: "Lines[].Charges[].Taxes", rows: count}`,
	} {
		f.Add(shippedToParcel + "  " + field + "\n")
	}
	f.Add(strings.Replace(imageToTable, "id: {from: id, blank: reject}", "id: {from: id, blank: reject}\n  guid: {from: parentid}", 1))
	f.Fuzz(func(t *testing.T, text string) {
		plan, _, findings := parse("contract.yaml", "test", []byte(text), testLookup)
		if len(findings) > 0 || plan == nil {
			return
		}
		for _, record := range []string{
			`{"Id":"1","id":"1","Text":" a b/0 ","Other":"","Whole":7,"Real":-0.5,"Day":"2026-03-29","At":"2026-10-25T02:30:00","Kind":"Yes","Order":{"Lines":[{"Amount":1,"Type":"a"},7,null]},"Tags":["x"]}`,
			`{"Id":1,"Text":[],"Order":null}`, `{"Id":"1","Tags":["A",""],` + shippedLines + `}`, `{"Id":"1","Tags":7,"Lines":[{"Kind":"Item","Charges":[{"Code":"LONGER","Taxes":[{}]}]},7,null,[]]}`, image(`,{"key":"parentid","value":{"Id":"x"}}`),
		} {
			sameByRules(t, plan, []byte(record))
			_, _ = plan.Trace([]byte(record))
		}
		for _, rule := range plan.FieldRules() {
			rule.Words()
		}
	})
}
