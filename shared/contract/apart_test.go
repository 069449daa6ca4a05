package contract

import (
	"testing"

	"crosswalk/shared/fault"
	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

// posted is a flow into invoices whose key begins with a shipping method; kind is that column's field, rest what else is mapped.
func posted(pair, kind, rest string) string {
	return `purpose: p
team: t
pair: ` + pair + `
owner: fno
from: {system: fno, entity: SalesInvoicePostedBusinessEvent, event: fno.SalesInvoicePosted, state: event}
to: {system: dataverse, entity: kept, key: [kind, number]}
fields:
  kind: ` + kind + `
  number: {from: InvoiceId, blank: reject, longer: reject}
  ` + rest + `
`
}

const keptTable = `{"system":"dataverse","entity":"kept","set":"kepts","primaryKey":["keptid"],"alternateKeys":[["kind","number"]],"columns":{"keptid":{"type":"Uniqueidentifier","default":"new","required":"system"},
	"kind":{"type":"String","maxLength":20},"number":{"type":"String","maxLength":20},"name":{"type":"String","maxLength":20},"note":{"type":"String","maxLength":20}}}`

func keptLookup(system, entity string) (*schema.Entity, bool) {
	if system+"/"+entity == "dataverse/kept" {
		e, err := schema.Parse([]byte(keptTable))
		return e, err == nil
	}
	return schema.Lookup(system, entity)
}

// together returns what the check of several contracts finds, by flows named a and b.
func togetherOf(t *testing.T, contracts ...string) ([]*Plan, string) {
	t.Helper()
	c := &checker{topology: topology.Default()}
	var plans []*Plan
	for i, text := range contracts {
		name := string(rune('a' + i))
		plan, doc, findings := parse(name+".yaml", name, []byte(text), keptLookup)
		if len(findings) > 0 {
			t.Fatal(findings.Error())
		}
		plans = append(plans, plan)
		c.flows = append(c.flows, flow{file: name + ".yaml", plan: plan, doc: doc})
	}
	c.together()
	c.findings.sort()
	return plans, c.findings.Error()
}

// Two flows may write the same columns of one table if a fixed value in both keys keeps their rows apart, and then each has its own
// word on who owns a column; else neither check nor handler lets them.
func TestFlowsKeepTheirRowsApartByTheirKeys(t *testing.T) {
	const (
		name    = "name: {from: InvoiceId, longer: reject}"
		both    = "b.yaml:10:3: field name of kept is written by flow a as well, so the last event wins (fix: let one flow write it, or keep their rows apart by a column of both keys that has another fixed value in each)"
		foreign = "a.yaml:10:3: field name of kept belongs to dataverse, says flow b (fix: agree on one owner and say so in both contracts)"
	)
	for _, test := range []struct {
		name, kindA, kindB, restB string
		want                      string
		permitted                 bool
	}{
		{"different fixed values", "{value: sales}", "{value: free text}", name, "", true},
		{"the same fixed value", "{value: sales}", "{value: sales}", name, both, true},
		{"the same to a database", "{value: sales}", `{value: "SALES "}`, name, both, true},
		{"the same but for an accent", "{value: café}", "{value: cafe}", name, both, true},
		{"a value of the record", "{value: sales}", "{from: SalesOrderId, blank: reject, longer: reject}", name, both, true},
		{"a value with a condition", "{value: sales}", `{value: free text, when: InvoiceId != "x", otherwise: {value: sales}}`, name, both, true},
		{"another owner, in other rows", "{value: sales}", "{value: free text}", "name: {owner: dataverse}", "", true},
		{"another owner, in the same rows", "{value: sales}", "{value: sales}", "name: {owner: dataverse}", foreign, false},
		{"a delete's column, in other rows", "{value: sales}", "{value: free text}", "note: {from: InvoiceId, longer: reject}\ndelete: {deactivate: {name: gone}}", "", true},
		{"a delete's column, in the same rows", "{value: sales}", "{value: sales}", "note: {from: InvoiceId, longer: reject}\ndelete: {deactivate: {name: gone}}",
			"b.yaml:11:23: delete: field name of kept is written by flow a as well, so the last event wins (fix: let one flow write it, or keep their rows apart by a column of both keys that has another fixed value in each)", true},
	} {
		plans, findings := togetherOf(t, posted("a", test.kindA, name), posted("b", test.kindB, test.restB))
		if findings != test.want {
			t.Errorf("%s\n  gives %s\n  want  %s", test.name, findings, test.want)
		}
		r, err := plans[0].Apply([]byte(`{"InvoiceId":"CIV-1"}`))
		if err != nil {
			t.Fatal(err)
		}
		err = OwnershipOf(plans...).Permit(plans[0], r)
		if permitted := err == nil; permitted != test.permitted || !permitted && fault.Of(err).Reason != "not-owner" {
			t.Errorf("%s: a write is answered with %v", test.name, err)
		}
	}
}

func TestRowsOfAFlow(t *testing.T) {
	plans, _ := togetherOf(t, posted("a", "{value: sales}", "name: {value: x}"), posted("b", "{from: SalesOrderId, blank: reject, longer: reject}", "name: {value: x}"))
	if rows := plans[0].Rows(); len(rows) != 1 || rows[0] != (KeyPart{"kind", "sales", true}) {
		t.Errorf("the first flow keeps to %v", rows)
	}
	if rows := plans[1].Rows(); rows != nil {
		t.Errorf("the second flow keeps to %v", rows)
	}
}
