package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"
	"github.com/spf13/cobra"

	"crosswalk/shared/editor"
	"crosswalk/shared/identity"
	"crosswalk/shared/schema"
	"crosswalk/shared/schema/environment"
	"crosswalk/shared/settings"
)

func newSchema() *cobra.Command {
	cmd := &cobra.Command{Use: "schema", Short: "Read the systems' schemas, and tell which contracts a change breaks"}
	cmd.AddCommand(newSchemaPull(), newSchemaDiff())
	return cmd
}

func newSchemaPull() *cobra.Command {
	var p pulling
	cmd := &cobra.Command{
		Use:   "pull dataverse TABLE | pull fno ENTITYSET | pull salesforce OBJECT",
		Short: "Read an entity from its environment and write its snapshot",
		Long: `Read an entity from its environment and write its snapshot, shared/schema/<system>/<entity>.json.

The environment is DATAVERSE_URL or FNO_URL, and who reads it is who the ENTRA_ settings say (docs/settings.md): an
application with a certificate, or the managed identity. For Salesforce it is SALESFORCE_URL, and the connected app of
SALESFORCE_CLIENT_ID. What the environment doesn't tell is kept from the snapshot and named.

With --from-file it needs no environment and no credentials: somebody who may see the environment saves its answers, in a
browser for instance (docs/schemas.md says which).`,
		Example: "  crosswalk schema pull dataverse account --dry-run\n  crosswalk schema pull fno CustomersV3\n  crosswalk schema pull salesforce Account\n  crosswalk schema pull dataverse account --from-file account.json --from-file picklists.json",
		Args:    exactly("a system and an entity", "schema pull dataverse account"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := projectRoot()
			if err != nil {
				return err
			}
			p.root, p.out = root, cmd.OutOrStdout()
			return p.run(cmd.Context(), args[0], args[1])
		},
	}
	cmd.Flags().BoolVar(&p.dry, "dry-run", false, "show what would change and write nothing")
	cmd.Flags().StringArrayVar(&p.files, "from-file", nil, "read this saved answer instead of an environment; may be given several times")
	cmd.Flags().StringVar(&p.label, "label", "", "F&O's label of the entity, where it isn't the entity set's name with spaces")
	return cmd
}

// pulling is one `schema pull`.
type pulling struct {
	root, label string
	files       []string
	dry         bool
	out         io.Writer
}

// pull reads the entity from the saved files where there are any, else from the environment.
func (p pulling) pull(ctx context.Context, system, entity string, old *schema.Document) (*environment.Pulled, error) {
	if len(p.files) == 0 {
		client, err := metadataClient(system)
		if err != nil {
			return nil, err
		}
		return client.Pull(ctx, entity, p.label, old)
	}
	if p.label != "" {
		return nil, errors.New("--label has no effect with --from-file: save DataManagementTargetMapEntities with that label in its $filter, and leave --label out")
	}
	var files []environment.File
	for _, name := range p.files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, environment.File{Name: name, Text: text})
	}
	return environment.FromFiles(system, entity, files, old)
}

func (p pulling) run(ctx context.Context, system, entity string) error {
	name := filepath.Join("shared", "schema", system, entity+".json")
	old, before, err := readSnapshot(filepath.Join(p.root, name))
	if err != nil {
		return err
	}
	pulled, err := p.pull(ctx, system, entity, old)
	if err != nil {
		return err
	}
	after, err := pulled.Document.Bytes()
	if err != nil {
		return err
	}
	p.open(pulled)
	switch {
	case bytes.Equal(before, after):
		fmt.Fprintf(p.out, "%s is up to date\n", name)
		return nil
	case old == nil:
		fmt.Fprintf(p.out, "%s is new: %d columns\n", name, len(pulled.Document.Entity.Columns))
	default:
		if _, err := tellDifference(p.out, p.root, old.Entity, pulled.Document.Entity); err != nil {
			return err
		}
	}
	if p.dry {
		fmt.Fprintln(p.out, "nothing was written (--dry-run)")
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Join(p.root, name)), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(p.root, name), after, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "wrote %s\n", name)
	return p.refresh()
}

// refresh writes the files anew that editors read, so that the next contract is offered the new columns at once.
func (p pulling) refresh() error {
	now, err := projectAt(p.root)
	if err != nil {
		return err
	}
	files, err := editor.Files(now.schemas)
	if err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(p.root, filepath.FromSlash(f.Path))
		if before, err := os.ReadFile(path); err == nil && bytes.Equal(before, f.Text) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Text, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(p.out, "wrote %s\n", f.Path)
	}
	return nil
}

// open names what the environment left open: one line for each part of columns.
func (p pulling) open(pulled *environment.Pulled) {
	for _, list := range []struct {
		end    string
		untold []environment.Untold
	}{{"kept from the snapshot", pulled.Kept}, {"unknown", pulled.Unknown}} {
		columns := map[string][]string{}
		for _, u := range list.untold {
			columns[u.Part] = append(columns[u.Part], u.Column)
		}
		for _, part := range slices.Sorted(maps.Keys(columns)) {
			fmt.Fprintf(p.out, "not told by the environment, %s: %s: %s\n", list.end, part, strings.Join(columns[part], ", "))
		}
	}
	if len(pulled.LeftOut) > 0 {
		fmt.Fprintf(p.out, "left out, because no snapshot holds the type: %s\n", strings.Join(pulled.LeftOut, ", "))
	}
	for _, note := range pulled.Notes {
		fmt.Fprintln(p.out, note)
	}
}

// puller reads an entity's metadata from its environment.
type puller interface {
	Pull(ctx context.Context, entity, label string, old *schema.Document) (*environment.Pulled, error)
}

// metadataClient makes the client that the settings describe. It asks for those it needs alone: who pulls a schema may have
// no broker.
func metadataClient(system string) (puller, error) {
	if system == schema.Salesforce {
		return salesforceClient()
	}
	var s struct {
		settings.Entra
		Dataverse settings.Dataverse
		FnO       settings.FnO
	}
	if err := envconfig.Process("", &s); err != nil {
		return nil, err
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	url, setting := s.Dataverse.URL, "DATAVERSE_URL"
	switch system {
	case schema.Dataverse:
	case schema.FnO:
		url, setting = s.FnO.URL, "FNO_URL"
	default:
		return nil, fmt.Errorf("there is no system %s: schemas come from %s, %s and %s", system, schema.Dataverse, schema.FnO, schema.Salesforce)
	}
	if strings.TrimSpace(url) == "" {
		return nil, fmt.Errorf("%s is not set: it is the address of the environment to read", setting)
	}
	credential, err := identity.Application(s.Entra, nil)
	if err != nil {
		return nil, err
	}
	if system == schema.Dataverse {
		return environment.NewDataverse(url, credential, nil)
	}
	return environment.NewFnO(url, credential, nil)
}

// readSnapshot returns nil for a file that doesn't exist.
func readSnapshot(path string) (*schema.Document, []byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	d, err := schema.ReadDocument(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return d, data, nil
}
