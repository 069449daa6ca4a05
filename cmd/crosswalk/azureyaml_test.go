package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// hook is one of azure.yaml, for both systems.
type hook struct {
	Windows, Posix struct{ Shell, Run string }
}

// azureYAML has the keys that are used here; another one is an error.
type azureYAML struct {
	Name             string
	Metadata         struct{ Template string }
	RequiredVersions struct{ Azd string } `yaml:"requiredVersions"`
	Infra            struct{ Provider, Path, Module string }
	Services         map[string]struct {
		Project, Host, Language, Dist string
		Hooks                         map[string]hook
	}
	Hooks map[string]hook
}

// TestAzureYAML holds what azd itself doesn't check until it deploys, or not at all.
func TestAzureYAML(t *testing.T) {
	var a azureYAML
	if err := yaml.UnmarshalWithOptions([]byte(read(t, filepath.Join(root(t), "azure.yaml"))), &a, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	s := a.Services["functions"]
	if len(a.Services) != 1 || s.Host != "function" || s.Language != "custom" || s.Project != "." || s.Dist != packageFile {
		t.Errorf("services: %+v; crosswalk package writes %s", a.Services, packageFile)
	}
	if a.RequiredVersions.Azd != ">= 1.20.0" || a.Infra.Provider != "bicep" {
		t.Errorf("%+v %+v", a.RequiredVersions, a.Infra)
	}
	if _, err := os.Stat(filepath.Join(root(t), a.Infra.Path, a.Infra.Module+".bicep")); err != nil {
		t.Error(err)
	}
	// azd finds the function app by the tag that its module gives it.
	if module := read(t, filepath.Join(root(t), "infra", "modules", "functionapp.bicep")); !strings.Contains(module, "'azd-service-name': 'functions'") {
		t.Error("the function app has no tag azd-service-name: functions")
	}
	if h := s.Hooks["prepackage"]; len(s.Hooks) != 1 || h.Posix.Run != "go run ./cmd/crosswalk package" || h.Windows.Run != h.Posix.Run || h.Posix.Shell != "sh" || h.Windows.Shell != "pwsh" {
		t.Errorf("hooks of the service: %+v", s.Hooks)
	}
	for _, name := range []string{"preprovision", "postprovision"} {
		h := a.Hooks[name]
		// By sh and not by its path alone, which would need an x bit that a checkout on Windows hasn't got.
		if h.Posix.Shell != "sh" || h.Posix.Run != "sh ./infra/hooks/"+name+".sh" || h.Windows.Shell != "pwsh" || h.Windows.Run != "./infra/hooks/"+name+".ps1" {
			t.Errorf("hook %s: %+v", name, h)
		}
		for _, run := range []string{strings.TrimPrefix(h.Posix.Run, "sh "), h.Windows.Run} {
			if _, err := os.Stat(filepath.Join(root(t), run)); err != nil {
				t.Error(err)
			}
		}
	}
	if len(a.Hooks) != 2 {
		t.Errorf("hooks: %+v", a.Hooks)
	}
}
