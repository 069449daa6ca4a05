package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

// project is a checkout with its own topology and snapshots, which may be newer than those built into this program.
type project struct {
	root     string
	topology *topology.Topology
	schemas  *schema.Set
}

// Paths below a project's root.
const (
	topologyFile = "shared/topology/topology.json"
	schemaFolder = "shared/schema"
)

// openProject opens the project that the working directory is in.
func openProject() (*project, error) {
	root, err := projectRoot()
	if err != nil {
		return nil, err
	}
	return projectAt(root)
}

// projectAt opens the project at root. What it hasn't got, as a project of contracts alone, is the built-in one.
func projectAt(root string) (*project, error) {
	p := &project{root: root, topology: topology.Default(), schemas: schema.BuiltIn()}
	text, err := os.ReadFile(filepath.Join(root, topologyFile))
	if err == nil {
		p.topology, err = topology.Parse(text)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", topologyFile, err)
	}
	folder := filepath.Join(root, schemaFolder)
	if _, err := os.Stat(folder); err == nil {
		if p.schemas, err = schema.Open(folder); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *project) functions() string { return filepath.Join(p.root, "functions") }

// check returns every finding about the project's contracts.
func (p *project) check() ([]contract.Finding, error) {
	return contract.CheckAgainst(p.functions(), p.topology, p.schemas)
}

// exactly wants two arguments and says what they are.
func exactly(what, example string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 2 {
			return fmt.Errorf("it wants %s, such as crosswalk %s, and got %d arguments; --help says more", what, example, len(args))
		}
		return nil
	}
}
