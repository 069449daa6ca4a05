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
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kelseyhightower/envconfig"
	"github.com/spf13/cobra"

	"crosswalk/shared/contract"
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
		Use:   "pull dataverse TABLE | pull fno ENTITYSET",
		Short: "Read an entity from its environment and write its snapshot",
		Long: `Read an entity from its environment and write its snapshot, shared/schema/<system>/<entity>.json.

The environment is DATAVERSE_URL or FNO_URL, and who reads it is who the ENTRA_ settings say (docs/settings.md): an
application with a certificate, or the managed identity. What the environment doesn't tell is kept from the snapshot and named.`,
		Example: "  crosswalk schema pull dataverse account --dry-run\n  crosswalk schema pull fno CustomersV3\n  crosswalk schema pull salesforce Account",
		Args:    cobra.ExactArgs(2),
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
	cmd.Flags().StringVar(&p.label, "label", "", "F&O's label of the entity, where it isn't the entity set's name with spaces")
	return cmd
}

// pulling is one `schema pull`.
type pulling struct {
	root, label string
	dry         bool
	out         io.Writer
}

func (p pulling) run(ctx context.Context, system, entity string) error {
	client, err := metadataClient(system)
	if err != nil {
		return err
	}
	name := filepath.Join("shared", "schema", system, entity+".json")
	old, before, err := readSnapshot(filepath.Join(p.root, name))
	if err != nil {
		return err
	}
	pulled, err := client.Pull(ctx, entity, p.label, old)
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

func newSchemaDiff() *cobra.Command {
	return &cobra.Command{
		Use:   "diff [OLD.json NEW.json]",
		Short: "Say what changed between two snapshots, and which contracts that breaks",
		Long: `Say what changed between two snapshots of an entity, and which contracts the new one breaks.

Without files: what changed in shared/schema since the last commit. It ends with status 1 where a contract breaks.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 0 && len(args) != 2 {
				return errors.New("give the old and the new snapshot, or none to compare with the last commit")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := projectRoot()
			if err != nil {
				return err
			}
			var broken bool
			if len(args) == 2 {
				broken, err = diffFiles(cmd.OutOrStdout(), root, args[0], args[1])
			} else {
				broken, err = diffCommit(cmd.Context(), cmd.OutOrStdout(), root)
			}
			if err == nil && broken {
				return exitCode(1)
			}
			return err
		},
	}
}

func diffFiles(out io.Writer, root, old, now string) (broken bool, err error) {
	before, _, err := readSnapshot(old)
	if err != nil {
		return false, err
	}
	after, _, err := readSnapshot(now)
	switch {
	case err != nil:
		return false, err
	case before == nil:
		return false, fmt.Errorf("there is no file %s", old)
	case after == nil:
		return false, fmt.Errorf("there is no file %s", now)
	}
	return tellDifference(out, root, before.Entity, after.Entity)
}

// diffCommit compares the snapshots that differ from the last commit, one after the other.
func diffCommit(ctx context.Context, out io.Writer, root string) (broken bool, err error) {
	changed, err := git(ctx, root, "diff", "--name-only", "--diff-filter=M", "HEAD", "--", "shared/schema/*/*.json")
	if err != nil {
		return false, err
	}
	names := strings.Fields(string(changed))
	for _, name := range names {
		text, err := git(ctx, root, "show", "HEAD:"+name)
		if err != nil {
			return false, err
		}
		before, err := schema.Parse(text)
		if err != nil {
			return false, fmt.Errorf("%s in the last commit: %w", name, err)
		}
		after, _, err := readSnapshot(filepath.Join(root, name))
		if err != nil {
			return false, err
		}
		breaks, err := tellDifference(out, root, before, after.Entity)
		if err != nil {
			return false, err
		}
		broken = broken || breaks
	}
	if len(names) == 0 {
		fmt.Fprintln(out, "no snapshot differs from the last commit")
	}
	return broken, nil
}

func git(ctx context.Context, root string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(said.String()+" "+err.Error()))
	}
	return text, nil
}

// tellDifference writes what differs between two snapshots of one entity, and every finding that contracts have with the
// new one and not with the old. It reports whether there is such a finding.
func tellDifference(out io.Writer, root string, old, now *schema.Entity) (broken bool, err error) {
	if old.System != now.System || old.Name != now.Name {
		return false, fmt.Errorf("%s %s and %s %s are two entities, not two snapshots of one", old.System, old.Name, now.System, now.Name)
	}
	changes := schema.Compare(old, now)
	if len(changes) == 0 {
		fmt.Fprintf(out, "%s %s: nothing changed\n", now.System, now.Name)
		return false, nil
	}
	fmt.Fprintf(out, "%s %s:\n", now.System, now.Name)
	for _, c := range changes {
		fmt.Fprintf(out, "  %s\n", c)
	}
	findings, err := broke(root, old, now)
	if err != nil {
		return false, err
	}
	if len(findings) == 0 {
		if !slices.ContainsFunc(changes, func(c schema.Change) bool { return !c.NameOnly }) {
			fmt.Fprint(out, "only what people see is called otherwise: ")
		}
		fmt.Fprintln(out, "no contract breaks")
		return false, nil
	}
	var flows []string
	for _, f := range fromHere(findings) {
		flow, _, _ := strings.Cut(strings.TrimPrefix(relative(root, f.File), "functions/"), "/")
		if !slices.Contains(flows, flow) {
			flows = append(flows, flow)
		}
		fmt.Fprintln(out, f)
	}
	fmt.Fprintf(out, "breaks %s\n", strings.Join(flows, ", "))
	return true, nil
}

// relative returns a path below root with slashes.
func relative(root, path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(root, absolute); err == nil {
		return filepath.ToSlash(short)
	}
	return path
}

// broke returns the findings that the new snapshot causes.
func broke(root string, old, now *schema.Entity) ([]contract.Finding, error) {
	p, err := projectAt(root)
	if err != nil {
		return nil, err
	}
	with := func(e *schema.Entity) ([]contract.Finding, error) {
		return contract.CheckWith(p.functions(), func(system, entity string) (*schema.Entity, bool) {
			if system == e.System && entity == e.Name {
				return e, true
			}
			return p.schemas.Lookup(system, entity)
		})
	}
	before, err := with(old)
	if err != nil {
		return nil, err
	}
	after, err := with(now)
	return slices.DeleteFunc(after, func(f contract.Finding) bool { return slices.Contains(before, f) }), err
}
