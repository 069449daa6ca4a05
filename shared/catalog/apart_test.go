package catalog

import (
	"strings"
	"testing"
)

// Flows that keep to different rows of a table may say another owner for a column, and the catalog says in which rows.
func TestTheMatrixShowsTheRowsOfEachFlow(t *testing.T) {
	contract := func(pair, kind, name string) string {
		return "purpose: p\nteam: t\npair: " + pair + "\nowner: fno\nfrom: {system: fno, entity: SalesInvoicePostedBusinessEvent, event: fno.SalesInvoicePosted, state: event}\n" +
			"to: {system: dataverse, entity: kept, key: [kind, number]}\nfields:\n  kind: {value: " + kind + "}\n  number: {from: InvoiceId, blank: reject, longer: reject}\n  note: {from: InvoiceAccount, longer: cut}\n  name: " + name + "\n"
	}
	text := pagesOf(t, map[string]string{
		"schemas/dataverse/kept.json": `{"system":"dataverse","entity":"kept","set":"kepts","primaryKey":["keptid"],"alternateKeys":[["kind","number"]],"columns":{"keptid":{"type":"Uniqueidentifier","default":"new","required":"system"},
			"kind":{"type":"String","maxLength":20},"number":{"type":"String","maxLength":20},"name":{"type":"String","maxLength":20},"note":{"type":"String","maxLength":20}}}`,
		"schemas/fno/SalesInvoicePostedBusinessEvent.json": `{"system":"fno","entity":"SalesInvoicePostedBusinessEvent","event":"fno.SalesInvoicePosted","columns":{"InvoiceId":{"type":"String","maxLength":20},"InvoiceAccount":{"type":"String","maxLength":20}}}`,
		"functions/sales/contract.yaml":                    contract("a", "sales", "{from: InvoiceAccount, longer: cut}"),
		"functions/text/contract.yaml":                     contract("b", "free text", "{owner: dataverse}"),
		"functions/sales/examples/a.json":                  `{"InvoiceId":"1","InvoiceAccount":"US-001"}`,
		"functions/sales/examples/a.want.json":             `{"write":{"kind":"sales","number":"1","note":"US-001","name":"US-001"}}`,
		"functions/text/examples/a.json":                   `{"InvoiceId":"1","InvoiceAccount":"US-001"}`,
		"functions/text/examples/a.want.json":              `{"write":{"kind":"free text","number":"1","note":"US-001"}}`,
	})
	for _, want := range []struct{ page, text string }{
		{"ownership.md", "Flows whose keys have different fixed values write different rows, and in each of them a field has one owner."},
		{"ownership.md", "| `name` | Finance & Operations where `kind` is `sales`, Dataverse where `kind` is `free text` | [sales](flows/sales.md) |"},
		{"ownership.md", "| `note` | Finance & Operations | [sales](flows/sales.md) where `kind` is `sales`, [text](flows/text.md) where `kind` is `free text` |"},
		{"flows/text.md", "| to | Dataverse, `kept`, found by `kind`, `number`; only rows where `kind` is `free text` |"},
	} {
		if !strings.Contains(text[want.page], want.text) {
			t.Errorf("%s lacks %s:\n%s", want.page, want.text, text[want.page])
		}
	}
}

// What a flow writes into a new record only, another system may own: the matrix says so, or it would contradict itself.
func TestTheMatrixTellsInitialValues(t *testing.T) {
	text := pagesOf(t, map[string]string{
		"schemas/dataverse/kept.json": `{"system":"dataverse","entity":"kept","set":"kepts","primaryKey":["keptid"],"alternateKeys":[["number"]],"columns":{"keptid":{"type":"Uniqueidentifier","default":"new","required":"system"},
			"number":{"type":"String","maxLength":20},"name":{"type":"String","maxLength":20},"kind":{"type":"String","maxLength":20},"note":{"type":"String","maxLength":20}}}`,
		"schemas/fno/SalesInvoicePostedBusinessEvent.json": `{"system":"fno","entity":"SalesInvoicePostedBusinessEvent","event":"fno.SalesInvoicePosted","columns":{"InvoiceId":{"type":"String","maxLength":20},"InvoiceAccount":{"type":"String","maxLength":20}}}`,
		"functions/sales/contract.yaml": "purpose: p\nteam: t\npair: a\nowner: fno\nfrom: {system: fno, entity: SalesInvoicePostedBusinessEvent, event: fno.SalesInvoicePosted, state: event}\n" +
			"to: {system: dataverse, entity: kept, key: [number]}\nfields:\n  number: {from: InvoiceId, blank: reject, longer: reject}\n  note: {from: InvoiceAccount, longer: cut}\n" +
			"  name: {from: InvoiceAccount, longer: cut, owner: dataverse, initial: true}\n  kind: {value: sold, owner: dataverse, initial: true}\n",
		"functions/sales/examples/a.json":      `{"InvoiceId":"1","InvoiceAccount":"US-001"}`,
		"functions/sales/examples/a.want.json": `{"write":{"number":"1","note":"US-001","name":"US-001","kind":"sold"}}`,
	})
	for _, want := range []string{
		"only a flow from that system may write it, another one at most into a new record.",
		"| `kind` | Dataverse | [sales](flows/sales.md) | fixed value `sold`, into a new record only |",
		"| `name` | Dataverse | [sales](flows/sales.md) | Finance & Operations `SalesInvoicePostedBusinessEvent.InvoiceAccount`, into a new record only |",
		"| `note` | Finance & Operations | [sales](flows/sales.md) | Finance & Operations `SalesInvoicePostedBusinessEvent.InvoiceAccount` |",
	} {
		if !strings.Contains(text["ownership.md"], want) {
			t.Errorf("ownership.md lacks %s:\n%s", want, text["ownership.md"])
		}
	}
}
