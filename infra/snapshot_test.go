// Package infra_test looks at what would be deployed: the snapshots that the Bicep compiler made of the parameter sets in
// test/. A snapshot holds each resource in its final form; what Azure alone can tell stays an expression in brackets.
package infra_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

var update = flag.Bool("update", false, "write flows.json anew, and sort the snapshots")

// deployment is a decoded snapshot. name is that of its parameter set.
type deployment struct {
	name      string
	resources []resource
	outputs   map[string]any
}

// resource is one resource of a snapshot, all of it.
type resource map[string]any

func (r resource) text(key string) string { s, _ := r[key].(string); return s }
func (r resource) id() string             { return r.text("id") }
func (r resource) kind() string           { return strings.TrimPrefix(r.text("type"), "Microsoft.") }

// name returns the name without those of the resources it lies in, $Default for a rule.
func (r resource) name() string { return path.Base(resolve(r.text("name"))) }

// at returns the value at a path of keys and indices below the resource: at("properties", "criteria", "allOf", 0). It is nil
// where nothing is.
func (r resource) at(keys ...any) any {
	var v any = map[string]any(r)
	for _, key := range keys {
		switch k := key.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			list, _ := v.([]any)
			if k >= len(list) {
				return nil
			}
			v = list[k]
		}
	}
	return v
}

// property returns the value at a path below properties.
func (r resource) property(keys ...any) any { return r.at(append([]any{"properties"}, keys...)...) }

// all returns the resources of a type, such as ServiceBus/namespaces/queues.
func (d *deployment) all(kind string) []resource {
	var out []resource
	for _, r := range d.resources {
		if strings.EqualFold(r.kind(), kind) {
			out = append(out, r)
		}
	}
	return out
}

// one returns the only resource of a type; without exactly one, it returns an empty one, in which nothing is.
func (d *deployment) one(kind string) resource {
	if found := d.all(kind); len(found) == 1 {
		return found[0]
	}
	return resource{}
}

// named returns the resource of a type and a name, nil where it isn't.
func (d *deployment) named(kind, name string) resource {
	for _, r := range d.all(kind) {
		if r.name() == name {
			return r
		}
	}
	return nil
}

func (d *deployment) has(id string) bool {
	return slices.ContainsFunc(d.resources, func(r resource) bool { return strings.EqualFold(r.id(), id) })
}

// clone returns a copy that shares nothing.
func (d *deployment) clone() *deployment {
	data, err := json.Marshal(map[string]any{"predictedResources": d.resources, "outputs": d.outputs})
	if err != nil {
		panic(err) // it was decoded from JSON
	}
	out, err := decode(d.name, data)
	if err != nil {
		panic(err)
	}
	return out
}

func decode(name string, data []byte) (*deployment, error) {
	var file struct {
		PredictedResources []resource     `json:"predictedResources"`
		Outputs            map[string]any `json:"outputs"`
		Diagnostics        []any          `json:"diagnostics"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(file.Diagnostics) > 0 {
		return nil, fmt.Errorf("%s: the compiler has doubts: %v", name, file.Diagnostics)
	}
	return &deployment{name, file.PredictedResources, file.Outputs}, nil
}

// deployments returns the three parameter sets' snapshots by name.
func deployments(t *testing.T) map[string]*deployment {
	t.Helper()
	out := map[string]*deployment{}
	for _, name := range []string{"dev", "prod", "prod-private"} {
		out[name] = readSnapshot(t, name)
	}
	return out
}

func readSnapshot(t *testing.T, name string) *deployment {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("test", name+".snapshot.json"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := decode(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// check looks at a deployment and returns what is wrong with it.
type check func(w *world, d *deployment) faults

type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// want adds a fault unless ok.
func (f *faults) want(ok bool, format string, args ...any) {
	if !ok {
		f.add(format, args...)
	}
}

var checks = map[string]check{
	"entities":   checkEntities,
	"forwarding": checkForwarding,
	"bindings":   checkBindings,
	"settings":   checkSettings,
	"storage":    checkStorage,
	"site":       checkSite,
	"roles":      checkRoles,
	"names":      checkNames,
	"limits":     checkLimits,
	"secrets":    checkSecrets,
	"local auth": checkLocalAuth,
	"transport":  checkTransport,
	"network":    checkNetwork,
	"alerts":     checkAlerts,
	"teams":      checkTeams,
	"workbook":   checkWorkbook,
	"keeping":    checkKeeping,
}

func TestDeployments(t *testing.T) {
	w := newWorld(t)
	for name, d := range deployments(t) {
		for _, what := range slices.Sorted(maps.Keys(checks)) {
			t.Run(name+"/"+what, func(t *testing.T) {
				for _, fault := range checks[what](w, d) {
					t.Error(fault)
				}
			})
		}
	}
}

// The compiler writes members in an order that changes from run to run. Sorted, a diff shows what changes in Azure and no more.
func TestSnapshotsAreSorted(t *testing.T) {
	files, err := filepath.Glob("test/*.snapshot.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no snapshots: %v", err)
	}
	for _, file := range files {
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := jsontext.Value(slices.Clone(got))
		if err := want.Canonicalize(); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := want.Indent(jsontext.WithIndent("  ")); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		want = append(want, '\n')
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		} else if string(got) != string(want) {
			t.Errorf("%s is not sorted (fix: make snapshots)", file)
		}
	}
}
