package main

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// pipelines are the files of both systems by their path under the root, parsed.
func pipelines(t *testing.T) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, folder := range []string{".github/workflows", ".azuredevops"} {
		files, err := filepath.Glob(filepath.Join(root(t), folder, "*.yml"))
		if err != nil || len(files) != 3 {
			t.Fatalf("%s holds %v, %v", folder, files, err)
		}
		for _, file := range files {
			var document any
			if err := yaml.Unmarshal([]byte(read(t, file)), &document); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			out[folder+"/"+filepath.Base(file)] = document
		}
	}
	return out
}

// each calls f for every value of a document with its key, lists included.
func each(document any, f func(key string, value any)) {
	switch v := document.(type) {
	case map[string]any:
		for key, value := range v {
			f(key, value)
			each(value, f)
		}
	case []any:
		for _, item := range v {
			each(item, f)
		}
	}
}

// scripts are the shell commands of a pipeline.
func scripts(document any) (out []string) {
	each(document, func(key string, value any) {
		if text, ok := value.(string); ok && slices.Contains([]string{"run", "script", "inlineScript"}, key) {
			out = append(out, text)
		}
	})
	return out
}

var (
	makeTarget = regexp.MustCompile(`\bmake ([a-z-]+)`)
	ofTool     = regexp.MustCompile(`go run \./cmd/crosswalk ([^>|&;\n]*)`)
)

// TestPipelinesCallWhatThereIs: each target and each command exists, with its flags.
func TestPipelinesCallWhatThereIs(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(read(t, filepath.Join(root(t), "Makefile")), -1) {
		targets[m[1]] = true
	}
	called := map[string][]string{}
	for file, document := range pipelines(t) {
		for _, script := range scripts(document) {
			for _, m := range makeTarget.FindAllStringSubmatch(script, -1) {
				if called[file] = append(called[file], m[1]); !targets[m[1]] {
					t.Errorf("%s: make %s: there is no such target", file, m[1])
				}
			}
			for _, m := range ofTool.FindAllStringSubmatch(script, -1) {
				args := strings.Fields(m[1])
				called[file] = append(called[file], args[0])
				wantCommand(t, file, args)
			}
		}
	}
	for _, folder := range []string{".github/workflows/", ".azuredevops/"} {
		for file, wants := range map[string][]string{"ci.yml": {"check", "check-infra", "lint", "test", "package"}, "environment.yml": {"deploy", "verify"}} {
			for _, want := range wants {
				if !slices.Contains(called[folder+file], want) {
					t.Errorf("%s%s doesn't run %s", folder, file, want)
				}
			}
		}
	}
}

// TestWorkflowsTrustNobodyMoreThanNeeded: actions by commit, a token for Azure where Azure is asked, no secret anywhere.
func TestWorkflowsTrustNobodyMoreThanNeeded(t *testing.T) {
	commit := regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9/_-]+@[0-9a-f]{40}$`)
	asksAzure := []string{".github/workflows/deploy.yml", ".github/workflows/environment.yml"}
	for file, document := range pipelines(t) {
		text := read(t, filepath.Join(root(t), file))
		if regexp.MustCompile(`(?i)secrets\.\w|client.?secret|password|connection.?string|AZURE_CREDENTIALS`).MatchString(text) {
			t.Errorf("%s refers to a secret", file)
		}
		each(document, func(key string, value any) {
			switch key {
			case "uses":
				action := value.(string)
				if local, ok := strings.CutPrefix(action, "./"); ok {
					if _, err := os.Stat(filepath.Join(root(t), local)); err != nil {
						t.Errorf("%s: %v", file, err)
					}
				} else if !commit.MatchString(action) {
					t.Errorf("%s: %s isn't pinned to a commit", file, action)
				}
			case "template":
				if _, err := os.Stat(filepath.Join(root(t), filepath.Dir(file), value.(string))); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			case "id-token":
				if value != "write" || !slices.Contains(asksAzure, file) {
					t.Errorf("%s: id-token: %v", file, value)
				}
			}
		})
		if !strings.HasPrefix(file, ".github/") {
			continue
		}
		workflow := document.(map[string]any)
		if permissions, _ := workflow["permissions"].(map[string]any); len(permissions) != 1 || permissions["contents"] != "read" {
			t.Errorf("%s: permissions of the whole workflow: %v", file, permissions)
		}
		for name, job := range workflow["jobs"].(map[string]any) {
			if j := job.(map[string]any); j["uses"] == nil && j["timeout-minutes"] == nil {
				t.Errorf("%s: job %s may run for six hours", file, name)
			}
		}
	}
}

// TestProdComesAfterDevAndAnApproval: approvals belong to environments, so each deployment names one.
func TestProdComesAfterDevAndAnApproval(t *testing.T) {
	all := pipelines(t)
	jobs := all[".github/workflows/deploy.yml"].(map[string]any)["jobs"].(map[string]any)
	prod := jobs["prod"].(map[string]any)
	if prod["needs"] != "dev" || prod["with"].(map[string]any)["environment"] != "prod" {
		t.Errorf("GitHub: %v", prod)
	}
	if dev := jobs["dev"].(map[string]any); dev["if"] != "github.ref == 'refs/heads/main'" {
		t.Errorf("GitHub: dev is deployed if %v", dev["if"])
	}
	environments := map[string]any{}
	for _, file := range []string{".github/workflows/environment.yml", ".azuredevops/environment.yml"} {
		each(all[file], func(key string, value any) {
			if key == "environment" {
				if text, ok := value.(string); ok {
					environments[file] = text
				}
			}
		})
	}
	want := map[string]any{
		".github/workflows/environment.yml": "${{ inputs.environment }}",
		".azuredevops/environment.yml":      "${{ parameters.environment }}",
	}
	if !maps.Equal(environments, want) {
		t.Errorf("environments: %v", environments)
	}
	stages := all[".azuredevops/deploy.yml"].(map[string]any)["stages"].([]any)
	second := stages[1].(map[string]any)
	if len(stages) != 2 || second["stage"] != "prod" || second["dependsOn"] != "dev" {
		t.Errorf("Azure Pipelines: %v", stages)
	}
}

// TestWorkflowsPassWhatBicepReads: a variable with a misspelt name would silently get its default.
func TestWorkflowsPassWhatBicepReads(t *testing.T) {
	parameters := read(t, filepath.Join(root(t), "infra", "main.bicepparam"))
	defaults := map[string]string{}
	for _, m := range regexp.MustCompile(`readEnvironmentVariable\('([A-Z_]+)', '([^']*)'\)`).FindAllStringSubmatch(parameters, -1) {
		defaults[m[1]] = m[2]
	}
	if len(defaults) < 10 {
		t.Fatalf("main.bicepparam reads %v", defaults)
	}
	for _, file := range []string{"deploy.yml", "environment.yml"} {
		text := read(t, filepath.Join(root(t), ".github", "workflows", file))
		for _, m := range regexp.MustCompile(`(?m)^      ([A-Z_]+): (.+)$`).FindAllStringSubmatch(text, -1) {
			name, value := m[1], m[2]
			if _, read := defaults[name]; !read && name != "AZURE_SUBSCRIPTION_ID" {
				t.Errorf("%s: main.bicepparam doesn't read %s", file, name)
			}
			// GitHub passes a variable that isn't there as an empty text, which would replace Bicep's default.
			if defaults[name] != "" && !strings.Contains(value, "||") && name != "AZURE_ENV_NAME" && !regexp.MustCompile(`^[A-Za-z]+$`).MatchString(value) {
				t.Errorf("%s: %s has a default of its own, %q, and is passed empty where there is none", file, name, defaults[name])
			}
		}
		for _, must := range []string{"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_SUBSCRIPTION_ID", "DATAVERSE_URL", "FNO_URL"} {
			if !strings.Contains(text, "\n      "+must+": ${{ vars."+must+" }}\n") {
				t.Errorf("%s doesn't pass %s", file, must)
			}
		}
	}
}

var readVariable = regexp.MustCompile(`readEnvironmentVariable\('([A-Z_]+)'`)

// TestPipelinesPassEveryParameter: what a pipeline leaves out goes back to its default with its next run.
func TestPipelinesPassEveryParameter(t *testing.T) {
	env, _ := pipelines(t)[".github/workflows/environment.yml"].(map[string]any)["jobs"].(map[string]any)["deploy"].(map[string]any)["env"].(map[string]any)
	found := readVariable.FindAllStringSubmatch(read(t, filepath.Join(root(t), "infra", "main.bicepparam")), -1)
	if len(found) < 15 {
		t.Fatalf("only %d variables in infra/main.bicepparam", len(found))
	}
	for _, m := range found {
		if _, ok := env[m[1]]; !ok {
			t.Errorf("the GitHub deployment doesn't pass %s, which infra/main.bicepparam reads", m[1])
		}
	}
}
