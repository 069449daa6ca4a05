package infra_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// template is a compiled template. A module is a resource of type Microsoft.Resources/deployments that holds another.
type template struct {
	Resources resources `json:"resources"`
	Outputs   map[string]struct {
		Value any `json:"value"`
	} `json:"outputs"`
}

// resources are by symbolic name, or by position where the compiler left the names out.
type resources map[string]compiledResource

type compiledResource struct {
	Type       string          `json:"type"`
	DependsOn  []string        `json:"dependsOn"`
	Properties json.RawMessage `json:"properties"` // of a module: an object with its template
}

func (r *resources) UnmarshalJSON(data []byte) error {
	if data[0] == '{' {
		return json.Unmarshal(data, (*map[string]compiledResource)(r))
	}
	var list []compiledResource
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*r = resources{}
	for i, one := range list {
		(*r)[strconv.Itoa(i)] = one
	}
	return nil
}

// compile returns the template that Azure gets. Without a compiler the test is skipped, except where it must run.
func compile(t *testing.T) *template {
	t.Helper()
	bicep := os.Getenv("BICEP")
	if bicep == "" {
		bicep = "bicep"
	}
	if _, err := exec.LookPath(bicep); err != nil {
		if os.Getenv("BICEP_REQUIRED") == "1" {
			t.Fatal("there is no Bicep compiler ($BICEP or PATH), and BICEP_REQUIRED=1 wants one")
		}
		t.Skip("there is no Bicep compiler ($BICEP or PATH)")
	}
	// What a test reads itself decides whether its cached result still counts; what the compiler reads doesn't.
	for _, pattern := range []string{"*.bicep", "*.json", "modules/*.bicep", "../shared/topology/topology.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := exec.Command(bicep, "build", "main.bicep", "--stdout")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var compiled template
	if err := json.Unmarshal(out, &compiled); err != nil {
		t.Fatal(err)
	}
	return &compiled
}

// Snapshots show main.bicep's outputs alone, and no order.
func TestTheCompiledTemplateKeepsSecretsAndOrder(t *testing.T) {
	compiled := compile(t)
	modules := map[string]*template{"main": compiled}
	for name, r := range compiled.Resources {
		if r.Type != "Microsoft.Resources/deployments" {
			continue
		}
		var module struct {
			Template *template `json:"template"`
		}
		if err := json.Unmarshal(r.Properties, &module); err != nil {
			t.Fatalf("module %s: %v", name, err)
		}
		modules[name] = module.Template
	}
	if len(modules) < 10 {
		t.Fatalf("only %d modules were found", len(modules))
	}
	for name, module := range modules {
		for output, o := range module.Outputs {
			walk(name+"."+output, o.Value, func(where, text string) {
				if secret.MatchString(text) {
					t.Errorf("%s: an output shows a secret, and outputs stay in the deployment's history", where)
				}
			})
		}
	}
	for _, c := range []struct{ module, resource, after, because string }{
		{"main", "functionApp", "roles", "a site that starts before it may read its storage takes minutes to recover"},
		{"main", "functionApp", "network", "the site joins the subnet"},
		{"main", "roles", "storage", "a role needs its scope"},
		{"main", "roles", "serviceBus", "a role needs its scope"},
		{"main", "roles", "keyVault", "a role needs its scope"},
		{"main", "keyVault", "serviceBus", "the connection strings are read from there"},
		{"main", "alerts", "serviceBus", "an alert needs its scope"},
		{"serviceBus", "subscription", "workQueue", "a forward's target must be there first"},
		{"serviceBus", "rule", "subscription", "a rule needs its subscription"},
		{"serviceBus", "dataverseKey", "ingressQueue", "a key needs its queue"},
		{"alerts", "metricRule", "actionGroup", "a rule needs whom it tells"},
		{"alerts", "logRule", "actionGroup", "a rule needs whom it tells"},
		{"functionApp", "settings", "site", "settings need their site"},
	} {
		module := modules[c.module]
		if module == nil {
			t.Errorf("there is no module %s", c.module)
			continue
		}
		if !dependsOn(module, c.resource, c.after) {
			t.Errorf("%s: %s doesn't wait for %s (%s)", c.module, c.resource, c.after, c.because)
		}
	}
	if dependsOn(compiled, "roles", "functionApp") || dependsOn(compiled, "roles", "nothing") {
		t.Error("the order isn't looked at")
	}
}

// dependsOn reports whether a resource waits for another one, by its symbolic name.
func dependsOn(in *template, resource, after string) bool {
	for symbol, r := range in.Resources {
		if symbol != resource && !strings.HasSuffix(symbol, "::"+resource) {
			continue
		}
		for _, name := range r.DependsOn {
			if name == after || strings.HasPrefix(name, "[format('"+after+"[") {
				return true
			}
		}
	}
	return false
}
