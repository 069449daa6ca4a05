package contract

import (
	"errors"
	"strings"
	"testing"
)

func TestLinkedLookups(t *testing.T) {
	runOperations(t, []operationCase{
		{eventToTable, `otherid: {from: Text, link: targets, blank: null}`, `"Text":"C/1"`, `otherid@odata.bind="/targets(link:targets='C%252F1')"`},
		{eventToTable, `otherid: {from: [Text, Other], link: targets, blank: null}`, `"Text":"usmf","Other":"C/1"`, `otherid@odata.bind="/targets(link:targets='usmf%2FC%252F1')"`},
		{eventToTable, `otherid: {from: [Text, Other], link: targets, blank: null}`, `"Text":"usmf","Other":""`, `otherid@odata.bind=null`},
		{eventToTable, `partyid: {from: Text, link: {pair: sources, entity: source}, blank: null}`, `"Text":"1"`, `partyid_source@odata.bind="/sources(link:sources='1')"`},
		{rowToTable, `otherid: {from: parentid, link: targets}`, `"_parentid_value":"5AA2B8E8-3C58-4B25-A9A4-1B3B5A3D1C01"`, `otherid@odata.bind="/targets(link:targets='5AA2B8E8-3C58-4B25-A9A4-1B3B5A3D1C01')"`},
	})
	runFindings(t, []fieldCase{
		{eventToTable, `otherid: {from: Text, link: targets, reference: id}`, `contract.yaml:11:31: field otherid: link and reference exclude each other (fix: keep one of them)`},
		{eventToTable, `text: {from: Text, link: targets}`, `contract.yaml:11:28: field text is no lookup (fix: remove link)`},
		{eventToTable, `partyid: {from: Text, link: targets}`, `contract.yaml:11:31: field partyid can point to target or source: the entity must be said (fix: write reference: {entity: target, key: …} or link: {pair: …, entity: target})`},
		{eventToTable, `otherid: {from: [Text, Other], with: "-", link: targets}`, `contract.yaml:11:40: field otherid: the values of a record's key are put together as the link knows them (fix: remove with)`},
		{rowToTable, `otherid: {from: text, link: targets}`, `contract.yaml:9:19: field otherid: the link knows records of dataverse by their unique identifiers, and text is a text (fix: map a lookup)`},
	})
}

// Once resolved, a lookup is written with the row's id, compared with it, and hashed by it.
func TestResolve(t *testing.T) {
	p := testPlan(t, eventToTable, "otherid: {from: [Text, Other], link: targets, blank: null}")
	record := func(id string) *Record {
		r, err := p.Apply([]byte(`{"Id":"1","Text":"usmf","Other":"C-1"}`))
		if err != nil {
			t.Fatal(err)
		}
		err = r.Resolve(func(field, pair, of string) (string, error) {
			if field+" "+pair+" "+of != "otherid targets usmf/C-1" {
				t.Errorf("asked for %s of %s in %s", of, field, pair)
			}
			return id, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const id = "5aa2b8e8-3c58-4b25-a9a4-1b3b5a3d1c01"
	r := record(id)
	if got := string(r.JSON(false)); got != `{"otherid@odata.bind":"/targets(`+id+`)"}` {
		t.Errorf("the body is %s", got)
	}
	for row, want := range map[string]bool{`{"id":"1","_otherid_value":"` + strings.ToUpper(id) + `"}`: true, `{"id":"1","_otherid_value":"6aa2b8e8-3c58-4b25-a9a4-1b3b5a3d1c01"}`: false, `{"id":"1","_otherid_value":null}`: false} {
		if same, err := r.Same([]byte(row)); same != want || err != nil {
			t.Errorf("%s: same %v, %v", row, same, err)
		}
	}
	if r.Hash() != record(id).Hash() || r.Hash() == record("6"+id[1:]).Hash() {
		t.Error("the hash isn't that of the row it points to")
	}
	missing := errors.New("missing")
	r, _ = p.Apply([]byte(`{"Id":"1","Text":"usmf","Other":"C-1"}`))
	if err := r.Resolve(func(string, string, string) (string, error) { return "", missing }); !errors.Is(err, missing) {
		t.Errorf("the error is %v", err)
	}
}

// A lookup through a link needs a flow that fills the link with rows of that table.
func TestLinkThatNoFlowFills(t *testing.T) {
	for pair, want := range map[string]string{
		"customer-account": "",
		"customer-acount":  `contract.yaml:14:63: field parentaccountid: no flow fills a link customer-acount with rows of account, so the reference would wait for ever (fix: did you mean customer-account?)`,
		"prices":           `contract.yaml:14:63: field parentaccountid: no flow fills a link prices with rows of account, so the reference would wait for ever (fix: name the pair of a flow between fno and dataverse that brings account rows, or write reference: <alternate key>)`,
	} {
		files := map[string]string{folder + "contract.yaml": strings.Replace(soundFlow, "delete:", "  parentaccountid: {from: [dataAreaId, InvoiceAccount], link: "+pair+", blank: null}\ndelete:", 1),
			folder + "examples/plain.want.json": strings.Replace(exampleWant, `"description": null`, "\"description\": null,\n    \"parentaccountid@odata.bind\": null", 1)}
		got := strings.TrimPrefix(findingsOf(t, write(t, soundFolder(), files), testTopology(t)), folder)
		if got != want {
			t.Errorf("%s: %s", pair, got)
		}
	}
}
