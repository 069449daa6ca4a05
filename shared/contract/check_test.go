package contract

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

const (
	trigger     = `{"bindings": [{"type": "serviceBusTrigger", "direction": "in", "name": "in", "queueName": "customer-to-dataverse", "connection": "SERVICEBUS", "dataType": "binary"}]}`
	batch       = `{"bindings": [{"type": "serviceBusTrigger", "direction": "in", "name": "in", "queueName": "fno-events", "connection": "SERVICEBUS", "dataType": "binary", "cardinality": "many", "autoComplete": false, "autoCompleteMessages": false}]}`
	exampleRow  = `{"CustomerAccount": "US-001", "OrganizationName": "Contoso", "OnHoldStatus": "No", "SalesMemo": null}`
	exampleWant = `{
  "write": {
    "accountnumber": "US-001",
    "name": "Contoso",
    "creditonhold": false,
    "description": null
  }
}`
	folder = "customer-to-dataverse/"
)

// soundFlow is the sound contract without its table, which no field uses, and with every other line where it was.
var soundFlow = strings.Replace(sound, "tables:\n  currency: {usmf: USD}\n", "\n\n", 1)

// soundFolder is a root with one function that has no findings.
func soundFolder() map[string]string {
	return map[string]string{
		folder + "contract.yaml":            soundFlow,
		folder + "function.json":            trigger,
		folder + "examples/plain.json":      exampleRow,
		folder + "examples/plain.want.json": exampleWant,
		"README.md":                         "no function",
		"receive/function.json":             batch,
		"webhook/function.json":             `{"bindings": [{"type": "httpTrigger", "direction": "in"}, {"type": "http", "direction": "out"}]}`,
		"empty/notes.txt":                   "no function either",
	}
}

func testTopology(t testing.TB, functions ...string) *topology.Topology {
	t.Helper()
	var list []string
	for _, f := range append(functions, "customer-to-dataverse fno.custcustomerv3entity.*") {
		name, event, _ := strings.Cut(f, " ")
		list = append(list, fmt.Sprintf(`{"name": %q, "events": [{"type": %q}]}`, name, event))
	}
	top, err := topology.Parse([]byte(`{"topic": {"name": "events", "duplicateDetection": "PT30M", "unrouted": "unrouted"},
		"queues": {"ingress": {"lockDuration": "PT5M", "maxDeliveryCount": 100}, "work": {"lockDuration": "PT1M", "maxDeliveryCount": 10}},
		"ingress": [{"queue": "fno-events", "function": "receive"}], "functions": [` + strings.Join(list, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return top
}

// write lays files under a new root; an empty text removes the file.
func write(t testing.TB, sets ...map[string]string) string {
	t.Helper()
	files := map[string]string{}
	for _, s := range sets {
		maps.Copy(files, s)
	}
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if text == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func findingsOf(t *testing.T, root string, top *topology.Topology) string {
	t.Helper()
	findings, err := CheckAgainst(root, top, schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(Findings(findings).Error(), root+string(filepath.Separator), "")
}

func TestCheck(t *testing.T) {
	type files = map[string]string
	long := strings.Repeat("x", 51)
	for _, tt := range []struct {
		name      string
		functions []string
		files     files
		want      string
	}{
		{"a sound root", nil, nil, ""},
		{"function.json missing", nil, files{folder + "function.json": ""},
			folder + "contract.yaml:1:1: the flow has no function.json, so nothing would start it (fix: add function.json with a serviceBusTrigger on queue customer-to-dataverse)"},
		{"function.json malformed", nil, files{folder + "function.json": "{\n  \"bindings\": [,]\n}"},
			folder + "function.json:2:16: function.json is no well-formed JSON object: invalid character ',' at start of value (fix: mend the syntax; JSON has no comments, and the file is saved as UTF-8 without a byte order mark)"},
		{"retry", nil, files{"webhook/function.json": "{\n  \"bindings\": [],\n  \"retry\": {\"strategy\": \"fixedDelay\"}\n}"},
			"webhook/function.json:3:3: retry would retry inside the broker's redelivery, and hold the message's lock meanwhile (fix: remove retry: the flow schedules its own copies)"},
		{"output binding", nil, files{"receive/function.json": strings.Replace(batch, "}]}", "},\n  {\"type\": \"serviceBus\", \"direction\": \"out\"}]}", 1)},
			"receive/function.json:2:3: an output binding (serviceBus) rewrites what looks like a date or base64 (fix: remove the binding and let the handler send)"},
		{"no bindings", nil, files{"receive/function.json": "{}"},
			"receive/function.json:1:1: function.json has no bindings (fix: add a serviceBusTrigger on queue fno-events)"},
		{"bindings no list", nil, files{"receive/function.json": `{"bindings": [1]}`},
			`receive/function.json:1:2: bindings is no list of objects (fix: write "bindings": [{"type": "serviceBusTrigger", …}])`},
		{"flow without a trigger", nil, files{folder + "function.json": `{"bindings": []}`},
			folder + "function.json:1:2: the flow has no Service Bus trigger (fix: add a serviceBusTrigger on queue customer-to-dataverse)"},
		{"another flow's queue", nil, files{folder + "function.json": strings.Replace(trigger, "customer-to", "invoice-to", 1)},
			folder + `function.json:1:78: the trigger reads queue "invoice-to-dataverse", but the flow's own queue is customer-to-dataverse (fix: write queueName: customer-to-dataverse)`},
		{"a binding of another name", nil, files{folder + "function.json": strings.Replace(trigger, `"name": "in"`, `"name": "message"`, 1)},
			folder + `function.json:1:64: the trigger's name is "message" instead of "in": the handler finds the message only under that name (fix: write "name": "in")`},
		{"another connection", nil, files{folder + "function.json": strings.Replace(trigger, "SERVICEBUS", "AzureWebJobsServiceBus", 1)},
			folder + `function.json:1:116: the trigger's connection is "AzureWebJobsServiceBus" instead of "SERVICEBUS": that is the setting that names the namespace (fix: write "connection": "SERVICEBUS")`},
		{"a text body", nil, files{folder + "function.json": strings.Replace(trigger, `, "dataType": "binary"`, "", 1)},
			folder + `function.json:1:15: the trigger's dataType is "" instead of "binary": in a text body a member could take the place of the message's own lock token (fix: write "dataType": "binary")`},
		{"a flow in batches", nil, files{folder + "function.json": strings.Replace(trigger, `"binary"`, `"binary", "cardinality": "many"`, 1)},
			folder + `function.json:1:166: cardinality many hands the flow several records at once, and one bad record would fail its neighbours (fix: remove cardinality)`},
		{"sessions", nil, files{folder + "function.json": strings.Replace(trigger, `"binary"`, `"binary", "isSessionsEnabled": true`, 1)},
			folder + `function.json:1:166: queue customer-to-dataverse has no sessions, so the trigger would never receive (fix: remove isSessionsEnabled)`},
		{"a trigger on the topic", nil, files{folder + "function.json": strings.Replace(trigger, `"queueName": "customer-to-dataverse"`, `"topicName": "events", "subscriptionName": "x"`, 1)},
			folder + `function.json:1:78: the trigger reads topic events itself, so a retry or a resubmit of this function's message would reach every other function too (fix: write queueName: customer-to-dataverse)`},
		{"two triggers", nil, files{folder + "function.json": strings.Replace(trigger, "}]}", "}, "+strings.TrimPrefix(trigger, `{"bindings": [`), 1)},
			folder + `function.json:1:2: a function has one trigger; the host refuses one with 2 (fix: keep the trigger on queue customer-to-dataverse)`},
		{"a receive function on another queue", nil, files{"receive/function.json": strings.Replace(batch, "fno-events", "dataverse-events", 1)},
			`receive/function.json:1:78: the trigger reads queue "dataverse-events", but the topology gives it the ingress queue fno-events (fix: write queueName: fno-events)`},
		{"a receive function without batches", nil, files{"receive/function.json": strings.Replace(batch, `"cardinality": "many"`, `"cardinality": "one"`, 1)},
			`receive/function.json:1:155: a receive function takes its messages in batches (fix: write cardinality: many)`},
		{"a batch that the host completes", nil, files{"receive/function.json": strings.Replace(batch, `, "autoCompleteMessages": false`, "", 1)},
			`receive/function.json:1:15: autoCompleteMessages isn't false, so the host would complete messages that the function means to keep (fix: write autoCompleteMessages: false)`},
		{"name too long", nil, files{long + "/function.json": `{"bindings": []}`},
			long + "/function.json:1:1: the function's name has 51 characters; a subscription's may have 50 (fix: rename the folder)"},
		{"not in the topology", nil, files{"other/contract.yaml": strings.NewReplacer("description: {from: SalesMemo", "fax: {from: PrimaryContactFax", "  creditonhold", "  donotfax").Replace(soundFlow),
			"other/function.json": strings.Replace(trigger, "customer-to-dataverse", "other", 1), "other/examples/a.json": exampleRow, "other/examples/a.want.json": strings.NewReplacer("creditonhold", "donotfax", "description", "fax").Replace(exampleWant)},
			`other/contract.yaml:5:49: the topology has no function other, so no event would reach it (fix: add {"name": "other", "events": [{"type": "fno.custcustomerv3entity.*"}]} to the functions of shared/topology/topology.json)` + "\n" +
				"other/contract.yaml:11:3: field name of account is written by flow customer-to-dataverse as well, so the last event wins (fix: let one flow write it, or keep their rows apart by a column of both keys that has another fixed value in each)"},
		{"another event than the topology", nil, files{folder + "contract.yaml": strings.Replace(soundFlow, "fno.custcustomerv3entity.*", "fno.custcustomerv3entity.updated", 1)},
			folder + "contract.yaml:5:49: the topology sends customer-to-dataverse fno.custcustomerv3entity.*, the contract asks for fno.custcustomerv3entity.updated (fix: write the same in the contract and in shared/topology/topology.json)"},
		{"a function of the topology without a contract", []string{"forgotten fno.vendor.*"}, nil,
			"forgotten/contract.yaml:1:1: the topology sends events to forgotten, but there is no contract, and no flow runs without one (fix: write the contract, or take the function out of the topology (shared/topology/topology.json))"},
		{"a flow's function.json without a contract", nil, files{"other/function.json": strings.Replace(trigger, "customer-to-dataverse", "other", 1)},
			"other/function.json:1:1: the function has a Service Bus trigger and no contract, and no flow runs without one (fix: write other/contract.yaml)"},
		{"no examples", nil, files{folder + "examples/plain.json": "", folder + "examples/plain.want.json": ""},
			folder + "contract.yaml:1:1: the flow has no examples, so nothing shows that it does what it says (fix: add examples/<name>.json and examples/<name>.want.json)"},
		{"an example without expectation", nil, files{folder + "examples/b.json": exampleRow},
			folder + `examples/b.json:1:1: nothing says what should come of this example (fix: add b.want.json with {"write": {…}} or {"reject": {"reason": "…", "field": "…"}})`},
		{"an expectation without example", nil, files{folder + "examples/b.want.json": exampleWant},
			folder + "examples/b.want.json:1:1: there is no input for this expectation (fix: add b.json, or remove this file)"},
		{"an empty expectation", nil, files{folder + "examples/plain.want.json": "{}"},
			folder + `examples/plain.want.json:1:1: an expectation is one of write, reject and ignore (fix: write {"write": {…}}, {"reject": {"reason": "…", "field": "…"}} or {"ignore": "not-wanted"})`},
		{"an example that gives other values", nil, files{folder + "examples/plain.want.json": strings.NewReplacer("Contoso", "Contoso Ltd", `"description": null`, `"fax": null`).Replace(exampleWant)},
			folder + "examples/plain.want.json:2:3: description is written as null and isn't expected (fix: correct the contract, or the expectation if the contract is right)\n" +
				folder + `examples/plain.want.json:4:5: name is "Contoso", not "Contoso Ltd" (fix: correct the contract, or the expectation if the contract is right)` + "\n" +
				folder + "examples/plain.want.json:6:5: fax is expected and isn't written (fix: correct the contract, or the expectation if the contract is right)"},
		{"an example that is no JSON", nil, files{folder + "examples/plain.json": "{\n  \"CustomerAccount\": \"7\",\n}"},
			folder + `examples/plain.json:3:1: the example is no well-formed JSON: invalid character '}' at start of string (expecting '"') (fix: mend it here, and save it as UTF-8 without a byte order mark)`},
		{"an example with a misspelt column", nil, files{folder + "examples/plain.json": strings.Replace(exampleRow, `"OrganizationName"`, `"OrganisationName"`, 1)},
			folder + `examples/plain.json:1:31: CustomersV3 has no field "OrganisationName", so the example says nothing for OrganizationName (fix: did you mean OrganizationName?)`},
		{"an example that the source has no room for", nil, files{folder + "examples/plain.json": strings.Replace(exampleRow, `"US-001"`, `"US-001 and so on and on"`, 1)},
			folder + `examples/plain.json:1:2: CustomerAccount has 23 characters here, and the column of fno CustomersV3 takes 20: no such record can come (fix: shorten it)`},
		{"an example that is rejected", nil, files{folder + "examples/plain.json": "{}"},
			folder + "examples/plain.want.json:2:3: the record is rejected: blank-required: accountnumber (from CustomerAccount): the source says nothing (null) and the contract rejects a blank (fix: correct the contract, or the expectation if the contract is right)"},
		{"an example that is accepted", nil, files{folder + "examples/plain.want.json": `{"reject": {"reason": "too-long", "field": "name (from OrganizationName)"}}`},
			folder + "examples/plain.want.json:1:2: the record is accepted and should be rejected with too-long (fix: correct the contract, or the expectation if the contract is right)"},
		{"an example that is rejected for something else", nil, files{folder + "examples/plain.json": `{"CustomerAccount":"1","OnHoldStatus":"No"}`, folder + "examples/plain.want.json": `{"reject": {"reason": "too-long", "field": "name (from OrganizationName)"}}`},
			folder + `examples/plain.want.json:1:2: the record is rejected with "blank-required" for "name (from OrganizationName)", not with "too-long" for "name (from OrganizationName)" (fix: correct the contract, or the expectation if the contract is right)`},
		{"a field that another contract gives to another system", []string{"other fno.custcustomerv3entity.*"}, files{"other/contract.yaml": strings.NewReplacer("description: {from: SalesMemo, longer: cut}", "description: {owner: dataverse}", "  creditonhold", "  donotfax", "name: {from: OrganizationName, blank: reject}", "name: {owner: dataverse}").Replace(soundFlow),
			"other/function.json": strings.Replace(trigger, "customer-to-dataverse", "other", 1), "other/examples/a.json": exampleRow, "other/examples/a.want.json": exampleWant},
			folder + "contract.yaml:11:3: field name of account belongs to dataverse, says flow other (fix: agree on one owner and say so in both contracts)\n" +
				folder + "contract.yaml:13:3: field description of account belongs to dataverse, says flow other (fix: agree on one owner and say so in both contracts)\n" +
				"other/contract.yaml:6:33: account.name is application required and isn't mapped (fix: map it under fields, with a blank rule: name: {from: …, blank: reject})"},
	} {
		root := write(t, soundFolder(), tt.files)
		if got := findingsOf(t, root, testTopology(t, tt.functions...)); got != tt.want {
			t.Errorf("%s\n  gives %s\n  want  %s", tt.name, got, tt.want)
		}
	}
}

func TestCheckNeedsARoot(t *testing.T) {
	if findings, err := Check(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Errorf("findings %v", findings)
	}
}

func TestLoad(t *testing.T) {
	root := write(t, soundFolder())
	p, err := Load(filepath.Join(root, folder, "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "customer-to-dataverse" || p.Team != "finance" || p.Pair != "customer-account" || p.Owner != "fno" || p.Delete != DeleteReject || p.From.State != StateRow || p.To.Key[0] != "accountnumber" {
		t.Errorf("%+v", p)
	}
	root = write(t, map[string]string{"x/contract.yaml": strings.Replace(soundFlow, "from: SalesMemo", "from: Memo", 1)})
	if _, err := Load(filepath.Join(root, "x/contract.yaml")); err == nil || !strings.Contains(err.Error(), `contract.yaml:13:23: CustomersV3 has no field "Memo"`) {
		t.Errorf("a faulty contract loads: %v", err)
	}
	if _, err := Load(filepath.Join(root, "y/contract.yaml")); err == nil {
		t.Error("a missing contract loads")
	}
}

func BenchmarkCheck100Contracts(b *testing.B) {
	files := map[string]string{}
	var functions []string
	for i := range 100 {
		name := fmt.Sprintf("flow-%d", i)
		functions = append(functions, name+" fno.custcustomerv3entity.*")
		for file, text := range soundFolder() {
			if rest, ok := strings.CutPrefix(file, folder); ok {
				files[name+"/"+rest] = strings.ReplaceAll(text, "customer-to-dataverse", name)
			}
		}
	}
	root, top := write(b, files), testTopology(b, functions...)
	for b.Loop() {
		if _, err := CheckAgainst(root, top, schema.BuiltIn()); err != nil {
			b.Fatal(err)
		}
	}
}
