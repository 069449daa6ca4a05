package infra_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"crosswalk/shared/contract"
	"crosswalk/shared/fault"
	"crosswalk/shared/telemetry"
	"crosswalk/shared/topology"
)

// world is what a deployment must fit: the topology, the functions with their contracts, and what the handler writes.
type world struct {
	topology  *topology.Topology
	functions map[string]function // by name
	// fields are those of the handler's lines, outcomes and kinds the values of two of them.
	fields, outcomes, kinds []string
}

type function struct {
	bindings []map[string]any
	team     string // empty without a contract
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		topology: topology.Default(), functions: map[string]function{}, fields: fieldsOfALine(t),
		outcomes: []string{telemetry.Published, telemetry.Delivered, telemetry.NothingToDo, telemetry.Retry, telemetry.DeadLettered,
			telemetry.Abandoned, telemetry.Alert, telemetry.Parked},
	}
	for kind := fault.None; kind <= fault.Permanent; kind++ {
		w.kinds = append(w.kinds, kind.String())
	}
	found, err := filepath.Glob("../functions/*/function.json")
	if err != nil || len(found) == 0 {
		t.Fatalf("no functions: %v", err)
	}
	for _, file := range found {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content struct {
			Bindings []map[string]any `json:"bindings"`
		}
		if err := json.Unmarshal(data, &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		f := function{bindings: content.Bindings}
		folder := filepath.Dir(file)
		if _, err := os.Stat(filepath.Join(folder, "contract.yaml")); err == nil {
			plan, err := contract.Load(filepath.Join(folder, "contract.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			f.team = plan.Team
		}
		w.functions[filepath.Base(folder)] = f
	}
	return w
}

// fieldsOfALine returns the names of all fields that the handler's lines can have.
func fieldsOfALine(t *testing.T) []string {
	var line bytes.Buffer
	telemetry.NewLog(telemetry.NewLogger(&line, "info"))(telemetry.Record{
		Function: "f", Invocation: "i", Event: "e", Type: "t", Outcome: telemetry.Retry, Why: "w", Reason: "r", Field: "f", Detail: "d",
		Kind: "k", Cause: "c", Attempt: 2, Routes: []string{"r"}, Retry: time.Second, Took: time.Second,
	})
	var fields map[string]any
	if err := json.Unmarshal(line.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	return names
}

// queueTeams returns every queue with the team that is told about it.
func (w *world) queueTeams() map[string]string {
	out := map[string]string{}
	for _, in := range w.topology.Ingress {
		out[in.Queue] = "platform"
	}
	for _, f := range w.topology.Functions {
		out[f.Name] = w.functions[f.Name].team
	}
	return out
}

// flows.json is the contracts' teams, because Bicep reads no YAML file whose name it doesn't know beforehand.
func TestFlowsJSONIsFresh(t *testing.T) {
	w := newWorld(t)
	var rows []string
	for name, f := range w.functions {
		if f.team == "" {
			continue
		}
		row, err := json.Marshal(struct {
			Function string `json:"function"`
			Team     string `json:"team"`
		}{name, f.team})
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, "  "+string(row))
	}
	slices.Sort(rows)
	want := "[\n" + strings.Join(rows, ",\n") + "\n]\n"
	if *update {
		if err := os.WriteFile("flows.json", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("flows.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("flows.json is not what the contracts say (fix: make snapshots):\n%s\nwant\n%s", got, want)
	}
}

// A misspelt team in teams.json would leave its people untold, and their alerts with whoever is told by default.
func TestTeamsJSONNamesTeamsOfContracts(t *testing.T) {
	data, err := os.ReadFile("teams.json")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]struct {
		Emails []string `json:"emails"`
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		t.Fatalf("teams.json: %v", err)
	}
	known := []string{"platform"}
	for _, f := range newWorld(t).functions {
		known = append(known, f.team)
	}
	for team := range file {
		if !slices.Contains(known, team) {
			t.Errorf("teams.json has team %q, which no contract names (fix: write one of %v)", team, slices.Compact(slices.Sorted(slices.Values(known))))
		}
	}
}
