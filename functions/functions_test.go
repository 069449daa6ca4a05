package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"crosswalk/shared/settings"
	"crosswalk/shared/topology"
)

type functionJSON struct {
	Retry    json.RawMessage  `json:"retry"`
	Bindings []map[string]any `json:"bindings"`
}

// readFunctions returns every folder with a function.json.
func readFunctions(t *testing.T) map[string]functionJSON {
	t.Helper()
	found, err := filepath.Glob("*/function.json")
	if err != nil || len(found) == 0 {
		t.Fatalf("no functions: %v", err)
	}
	out := map[string]functionJSON{}
	for _, path := range found {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var f functionJSON
		if err := json.Unmarshal(data, &f); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		out[filepath.Dir(path)] = f
	}
	return out
}

func names(m map[string]functionJSON) []string {
	var out []string
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Folders, route table and topology say the same.
func TestFoldersRouteTableAndTopologyAgree(t *testing.T) {
	folders := readFunctions(t)
	server, flows, err := newServer(testDependencies(t), ".")
	if err != nil {
		t.Fatal(err)
	}
	if err := flows.load(t.Context()); err != nil {
		t.Errorf("not every flow can run: %v", err)
	}
	routes := slices.Clone(server.Functions())
	slices.Sort(routes)
	if !slices.Equal(names(folders), routes) {
		t.Errorf("folders %v\nroutes  %v", names(folders), routes)
	}

	top := topology.Default()
	queues := map[string]string{} // function → queue it must read
	for _, in := range top.Ingress {
		queues[in.Function] = in.Queue
	}
	for _, f := range top.Functions {
		queues[f.Name] = f.Name
	}
	for name, f := range folders {
		trigger := f.Bindings[0]
		if trigger["type"] != "serviceBusTrigger" {
			continue
		}
		if trigger["queueName"] != queues[name] {
			t.Errorf("%s reads queue %v, the topology says %q", name, trigger["queueName"], queues[name])
		}
		delete(queues, name)
	}
	for name, queue := range queues {
		t.Errorf("queue %s: the topology's function %s has no folder", queue, name)
	}
}

// A flow whose contract is missing must not be silently absent: the handler doesn't start.
func TestNoFlowRunsWithoutAContract(t *testing.T) {
	d := testDependencies(t)
	d.topology.Functions = append(d.topology.Functions, topology.Function{Name: "forgotten", Events: []topology.Rule{{Type: "x"}}})
	if _, _, err := newServer(d, "."); err == nil || !strings.Contains(err.Error(), "forgotten/contract.yaml is missing") {
		t.Errorf("error %v", err)
	}
}

// What the host would do with a binding that isn't written so is in docs/adr/0002 and in the README's list of facts.
func TestTriggersAreWrittenAsTheHostNeedsThem(t *testing.T) {
	ingress := map[string]bool{}
	for _, in := range topology.Default().Ingress {
		ingress[in.Function] = true
	}
	for name, f := range readFunctions(t) {
		if len(name) > topology.MaxNameLength {
			t.Errorf("%s: the name is longer than a subscription's may be", name)
		}
		if f.Retry != nil {
			t.Errorf("%s: retry in function.json would call the handler again with a settled message", name)
		}
		trigger := f.Bindings[0]
		if trigger["name"] != "in" || trigger["direction"] != "in" {
			t.Errorf("%s: the trigger comes first and is named in", name)
		}
		switch trigger["type"] {
		case "httpTrigger":
			if route, _ := trigger["route"].(string); strings.HasPrefix(route, "/") || len(f.Bindings) != 2 || f.Bindings[1]["type"] != "http" {
				t.Errorf("%s: one http output, and no leading / in the route, which stops the whole host", name)
			}
			if trigger["authLevel"] != "function" {
				t.Errorf("%s: authLevel must be function", name)
			}
		case "timerTrigger":
			if schedule, _ := trigger["schedule"].(string); len(strings.Fields(schedule)) != 6 || len(f.Bindings) != 1 {
				t.Errorf("%s: a schedule of six fields, and no output binding", name)
			}
		case "serviceBusTrigger":
			if trigger["dataType"] != "binary" || trigger["connection"] != "SERVICEBUS" || len(f.Bindings) != 1 {
				t.Errorf("%s: dataType binary, connection SERVICEBUS, and no output binding", name)
			}
			if batch := trigger["cardinality"] == "many"; batch != ingress[name] {
				t.Errorf("%s: receive functions take batches, flows don't", name)
			} else if batch && (trigger["autoComplete"] != false || trigger["autoCompleteMessages"] != false || trigger["maxMessageBatchSize"] != 100.0) {
				t.Errorf("%s: a batch is settled by the handler: autoComplete and autoCompleteMessages false, at most 100 messages", name)
			}
		default:
			t.Errorf("%s: unknown trigger %v", name, trigger["type"])
		}
	}
}

// testDependencies are real clients that never connect.
func testDependencies(t *testing.T) *dependencies {
	t.Helper()
	const storage = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/a;TableEndpoint=http://127.0.0.1:1/a;"
	for name, value := range map[string]string{
		"SERVICEBUS": "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=a2V5;UseDevelopmentEmulator=true;", "STORAGE_CONNECTION_STRING": storage,
		"DATAVERSE_URL": "https://127.0.0.1:1", "FNO_URL": "https://127.0.0.1:1",
	} {
		t.Setenv(name, value)
	}
	s, err := settings.Load()
	if err != nil {
		t.Fatal(err)
	}
	d, err := connect(s, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A contract that doesn't hold ends the handler, though the others do: the error is what main exits with.
func TestABrokenContractEndsTheHandler(t *testing.T) {
	d, root := testDependencies(t), t.TempDir()
	d.topology = &topology.Topology{}
	if err := os.CopyFS(root, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "vendor-to-dataverse", "contract.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(text), "owner:", "ower:", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, flows, err := newServer(d, root)
	if err != nil {
		t.Fatal(err)
	}
	if err := flows.load(t.Context()); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want a finding in %s", err, file)
	}
}
