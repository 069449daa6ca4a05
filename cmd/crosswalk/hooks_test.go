package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crosswalk/shared/deployment"
	"crosswalk/shared/deployment/azuretest"
	"crosswalk/shared/topology"
)

// azure plays az and azd for a hook: programs of these names in PATH.
type azure struct {
	folder string
	env    []string
}

// deployedBus is the namespace that the answers are about.
var deployedBus = deployment.Bus{
	Subscription: "00000000-0000-0000-0000-000000000000", ResourceGroup: "rg-crosswalk-dev", Namespace: "sbns-op5w27zpbtwxe",
}

func newAzure(t *testing.T) *azure {
	t.Helper()
	a := &azure{folder: t.TempDir()}
	for _, program := range []string{"az", "azd"} {
		build := exec.Command("go", "build", "-o", filepath.Join(a.folder, program), "crosswalk/shared/deployment/azuretest/fake")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	// What azd gives its hooks: the outputs of the infrastructure.
	a.env = append(os.Environ(), "PATH="+a.folder+string(filepath.ListSeparator)+os.Getenv("PATH"), "FAKE_AZURE_LOG="+a.log(),
		"AZURE_RESOURCE_GROUP="+deployedBus.ResourceGroup, "AZURE_SUBSCRIPTION_ID="+deployedBus.Subscription,
		"CROSSWALK_SERVICEBUS="+deployedBus.Namespace+".servicebus.windows.net", "CROSSWALK_CREDENTIAL=federated", "ENTRA_CLIENT_ID=")
	return a
}

func (a *azure) log() string { return filepath.Join(a.folder, "asked") }

// run runs a hook as azd does, in the project's root, with answers, and returns what it wrote and what it asked az and azd.
func (a *azure) run(t *testing.T, hook string, answers azuretest.Answers) (out string, asked []string, err error) {
	t.Helper()
	data, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(a.folder, "answers.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(a.log())
	cmd := exec.Command("sh", "./infra/hooks/"+hook+".sh")
	cmd.Dir, cmd.Env = root(t), append(a.env, "FAKE_AZURE_ANSWERS="+file)
	text, err := cmd.CombinedOutput()
	log, _ := os.ReadFile(a.log())
	return string(text), strings.Split(strings.TrimSpace(string(log)), "\n"), err
}

func recorded(t *testing.T, names ...string) azuretest.Answers {
	t.Helper()
	for i, name := range names {
		names[i] = filepath.Join(root(t), "shared", "deployment", "azuretest", "testdata", name+".json")
	}
	out, err := azuretest.Read(names...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPreprovisionHook lets a first and a second deployment pass, and stops one that can't succeed.
func TestPreprovisionHook(t *testing.T) {
	a := newAzure(t)
	for _, run := range [][]string{{"before"}, {"before", "after"}} {
		if out, asked, err := a.run(t, "preprovision", recorded(t, run...)); err != nil || out != "preflight: ready to deploy\n" || len(asked) < 10 {
			t.Errorf("%v: %v, asked %d\n%s", run, err, len(asked), out)
		}
	}
	out, _, err := a.run(t, "preprovision", recorded(t, "before").With("azd config", azuretest.Answer{Stdout: json.RawMessage(`{}`)}))
	if err == nil || !strings.Contains(out, "missing: azd's alpha feature language.custom is off\n    why: ") ||
		!strings.Contains(out, "\n    fix: azd config set alpha.language.custom on\npreflight: 1 missing") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestPostprovisionHook says what to do next, and that a rule which takes everything is left.
func TestPostprovisionHook(t *testing.T) {
	a, good := newAzure(t), azuretest.Rules(deployedBus, topology.Default())
	var first string
	for range 2 {
		out, asked, err := a.run(t, "postprovision", good)
		if err != nil || len(asked) != len(good) || !strings.Contains(out, "which needs no credential") ||
			!strings.Contains(out, "rules: each subscription has the topology's rules and no other") || !strings.Contains(out, "crosswalk verify") {
			t.Errorf("%v, asked %q\n%s", err, asked, out)
		}
		if first != "" && out != first {
			t.Errorf("the second run says\n%s\nthe first said\n%s", out, first)
		}
		first = out
	}
	everything := azuretest.Answer{Stdout: json.RawMessage(`[{"name":"$Default","filterType":"SqlFilter","sqlFilter":{"sqlExpression":"1=1"}}]`)}
	name := topology.Default().Entities().Subscriptions[0].Name
	left := good.With("az servicebus topic subscription rule list --resource-group rg-crosswalk-dev --namespace-name sbns-op5w27zpbtwxe --topic-name events --subscription-name "+name+" ", everything)
	if out, _, err := a.run(t, "postprovision", left); err != nil || !strings.Contains(out, "warning: subscription events/"+name+": rule $Default takes everything") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, _, err := a.run(t, "postprovision", azuretest.Answers{}); err != nil || !strings.Contains(out, "warning: the rules can't be listed: az servicebus") {
		t.Errorf("%v\n%s", err, out)
	}
}

// statement matches what a hook does: a command or a line for people. All else is comment and error handling.
var statement = regexp.MustCompile(`(?m)^(go run .*|echo .*)$`)

// TestBothShellsDoTheSame compares each sh hook with the one for PowerShell, which isn't run here.
func TestBothShellsDoTheSame(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join(root(t), "infra", "hooks", "*.sh"))
	if err != nil || len(scripts) < 2 {
		t.Fatalf("%v, %v", scripts, err)
	}
	for _, script := range scripts {
		posix, windows := read(t, script), read(t, strings.TrimSuffix(script, ".sh")+".ps1")
		does := statement.FindAllString(posix, -1)
		if !slices.Equal(does, statement.FindAllString(windows, -1)) {
			t.Errorf("%s and its .ps1 differ", script)
		}
		for _, command := range does {
			if named := regexp.MustCompile(`^echo "  crosswalk (.+?)   `).FindStringSubmatch(command); named != nil {
				wantCommand(t, script, strings.Fields(named[1]))
			}
			args, runs := strings.CutPrefix(command, "go run ./cmd/crosswalk ")
			if !runs {
				continue
			}
			// A failed program doesn't end a PowerShell script by itself.
			if !strings.Contains(windows, command+"\nif ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }\n") {
				t.Errorf("%s: the .ps1 goes on after a failed %q", script, command)
			}
			wantCommand(t, script, strings.Fields(args))
		}
		if !strings.Contains(posix, "\nset -eu\n") {
			t.Errorf("%s goes on after a failed command", script)
		}
		if rest := statement.ReplaceAllString(posix, ""); strings.TrimSpace(regexp.MustCompile(`(?m)^(#.*|set -eu)$`).ReplaceAllString(rest, "")) != "" {
			t.Errorf("%s has logic of its own:%s", script, rest)
		}
	}
}

// wantCommand wants crosswalk to have a command with these flags.
func wantCommand(t *testing.T, where string, args []string) {
	t.Helper()
	cmd, rest, err := newRoot().Find(args)
	if err != nil || !cmd.Runnable() {
		t.Errorf("%s: crosswalk %s: there is no such command", where, strings.Join(args, " "))
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s: crosswalk %s: %v", where, strings.Join(args, " "), err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
