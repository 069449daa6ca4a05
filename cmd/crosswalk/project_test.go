package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runCommand runs the tool in the working directory and returns what it wrote.
func runCommand(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := newRoot()
	cmd.SetOut(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

// replaceIn changes a file of a checkout.
func replaceIn(t *testing.T, path, old, now string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s hasn't got %s", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, now, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A program that was built before a schema was pulled or a flow was added checks what the project holds now.
func TestCheckGoesByTheProjectsOwnFiles(t *testing.T) {
	root := checkout(t)
	t.Chdir(root)
	if out, err := runCommand("check"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	replaceIn(t, filepath.Join(root, "shared/topology/topology.json"), `"dataverse.account.*"`, `"dataverse.account.updated"`)
	replaceIn(t, filepath.Join(root, "shared/schema/fno/CustomersV3.json"), `"CreditLimit":`, `"CreditLimitOld":`)
	out, err := runCommand("check")
	if err == nil || !strings.Contains(out, `CustomersV3 has no field "CreditLimit"`) || !strings.Contains(out, "the topology sends account-to-fno dataverse.account.updated") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := runCommand("try", "account-to-fno", "customer"); err == nil || !strings.Contains(err.Error(), "CreditLimit") {
		t.Errorf("try: %v", err)
	}
	replaceIn(t, filepath.Join(root, "shared/topology/topology.json"), `"topic"`, `"tropic"`)
	if _, err := runCommand("check"); err == nil || !strings.Contains(err.Error(), "shared/topology/topology.json") {
		t.Errorf("a faulty topology: %v", err)
	}
}

func TestACommandSaysWhatItsArgumentsAre(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"try", "invoice-to-dataverse"}, "it wants a flow and a record, such as crosswalk try invoice-to-dataverse posted, and got 1 arguments"},
		{[]string{"schema", "pull"}, "it wants a system and an entity, such as crosswalk schema pull dataverse account, and got 0 arguments"},
	} {
		if _, _, err := crosswalk(t, "", c.args...); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}
