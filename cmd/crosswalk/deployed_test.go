package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crosswalk/local/dist"
	"crosswalk/local/servicebus"
	"crosswalk/shared/topology"
)

// TestTheMainJobPassesOnWhatWouldBeDeployed runs the zip that Azure would get on a broker with the entities that Azure
// would have, for each parameter set of the infrastructure.
func TestTheMainJobPassesOnWhatWouldBeDeployed(t *testing.T) {
	snapshots := deployments(t)
	crosswalk := tool(t)
	archive := filepath.Join(t.TempDir(), "functions.zip")
	if err := dist.Package(t.Context(), root(t), archive); err != nil {
		t.Fatal(err)
	}
	clean := regexp.MustCompile(`(?m)^crosswalk run: \d{4,} received, \d{2,} delivered, \d+ nothing to do, \d+ dead-lettered, 0 lost$`)
	for _, snapshot := range snapshots {
		wantQueues(t, snapshot)
		t.Run(strings.TrimSuffix(filepath.Base(snapshot), ".snapshot.json"), func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), crosswalk, "run", "--once", "--port", "all=0", "--from", snapshot, "--package", archive).CombinedOutput()
			if err != nil || !clean.Match(out) || !strings.Contains(string(out), "unpacking "+archive) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// deployments are the snapshots of main.bicep; there are others, of parts of it.
func deployments(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root(t), "infra", "test", "*.snapshot.json"))
	if err != nil {
		t.Fatal(err)
	}
	found = slices.DeleteFunc(found, func(file string) bool { return !strings.Contains(read(t, file), `"Microsoft.Web/sites"`) })
	if len(found) < 3 {
		t.Fatalf("snapshots: %v", found)
	}
	return found
}

// wantQueues says at once that a snapshot is stale, which the run would find out by waiting for events without an end.
func wantQueues(t *testing.T, snapshot string) {
	t.Helper()
	n, err := readNamespace(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range topology.Default().Entities().Queues {
		if !slices.ContainsFunc(n.Entities.Queues, func(have servicebus.Queue) bool { return have.Name == q.Name }) {
			t.Fatalf("%s has no queue %s (fix: make snapshots)", snapshot, q.Name)
		}
	}
}

// TestBrokerFromASnapshotRefuses wants what can't be read to be named with the file.
func TestBrokerFromASnapshotRefuses(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root(t), "infra", "test", "dev.snapshot.json"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dev.snapshot.json")
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), `"maxDeliveryCount"`, `"maxDelivery"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{file + ": Microsoft.ServiceBus/namespaces/", []string{"--from", file}},
		{"properties: maxDelivery: it is unknown here", []string{"--from", file}},
		{"--from: open missing.json", []string{"--from", "missing.json"}},
		{"[from topology]", []string{"--from", file, "--topology", file}},
	} {
		cmd := newRoot()
		cmd.SetArgs(append([]string{"broker", "--listen", "127.0.0.1:0"}, c.args...))
		cmd.SetOut(io.Discard)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %s", c.args, err, c.want)
		}
	}
}
