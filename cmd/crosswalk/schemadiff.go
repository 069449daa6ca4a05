package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

func newSchemaDiff() *cobra.Command {
	return &cobra.Command{
		Use:   "diff [OLD [NEW]]",
		Short: "Say what changed between two states of the snapshots, and which contracts that breaks",
		Long: `Say what changed between two states of the snapshots, and which contracts the new state breaks: snapshots that changed, are
new, or are gone.

OLD and NEW are two snapshots of one entity, two folders like shared/schema, or two git revisions. Without NEW it is shared/schema
as it stands now, and without OLD the last commit. It ends with status 1 where a contract breaks.`,
		Example: "  crosswalk schema diff\n  crosswalk schema diff main\n  crosswalk schema diff v1.4 HEAD\n  crosswalk schema diff yesterday/account.json shared/schema/dataverse/account.json",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := projectRoot()
			if err != nil {
				return err
			}
			broken, err := diffSnapshots(cmd.Context(), cmd.OutOrStdout(), root, args)
			if err == nil && broken {
				return exitCode(1)
			}
			return err
		},
	}
}

// diffSnapshots compares what the arguments name, see newSchemaDiff.
func diffSnapshots(ctx context.Context, out io.Writer, root string, args []string) (broken bool, err error) {
	if len(args) == 2 && (strings.HasSuffix(args[0], ".json") || strings.HasSuffix(args[1], ".json")) {
		return diffFiles(out, root, args[0], args[1])
	}
	old, now := snapshotState{name: "the last commit"}, snapshotState{name: schemaFolder}
	if len(args) == 0 {
		old.entities, err = committed(ctx, root, "HEAD")
	} else {
		old, err = stateOf(ctx, root, args[0])
	}
	if err != nil {
		return false, err
	}
	if len(args) == 2 {
		now, err = stateOf(ctx, root, args[1])
	} else {
		now.entities, err = inFolder(filepath.Join(root, filepath.FromSlash(schemaFolder)))
	}
	if err != nil {
		return false, err
	}
	return diffStates(out, root, old, now)
}

// lookup gives an entity, such as dataverse account.
type lookup func(system, entity string) (*schema.Entity, bool)

// snapshotState is all snapshots at one time, by "system/entity".
type snapshotState struct {
	name     string
	entities map[string]*schema.Entity
}

// with returns the state's entities with one of them replaced; e is nil for one that isn't there.
func (s snapshotState) with(id string, e *schema.Entity) lookup {
	return func(system, entity string) (*schema.Entity, bool) {
		if system+"/"+entity == id {
			return e, e != nil
		}
		found, ok := s.entities[system+"/"+entity]
		return found, ok
	}
}

// stateOf reads a folder, or else a git revision.
func stateOf(ctx context.Context, root, name string) (s snapshotState, err error) {
	s.name = name
	if info, statErr := os.Stat(name); statErr == nil && info.IsDir() {
		s.entities, err = inFolder(name)
		return s, err
	}
	s.entities, err = committed(ctx, root, name)
	return s, err
}

func inFolder(folder string) (map[string]*schema.Entity, error) {
	set, err := schema.Open(folder)
	if err != nil {
		return nil, err
	}
	entities := map[string]*schema.Entity{}
	for _, system := range set.Systems() {
		for _, name := range set.Entities(system) {
			entities[system+"/"+name], _ = set.Lookup(system, name)
		}
	}
	return entities, nil
}

// committed reads the snapshots of a git revision.
func committed(ctx context.Context, root, revision string) (map[string]*schema.Entity, error) {
	if _, err := git(ctx, root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}"); err != nil {
		return nil, fmt.Errorf("%s is neither a folder of snapshots nor a git revision of this project", revision)
	}
	list, err := git(ctx, root, "ls-tree", "-r", "-z", "--name-only", "--end-of-options", revision, "--", schemaFolder)
	if err != nil {
		return nil, err
	}
	entities := map[string]*schema.Entity{}
	for file := range strings.SplitSeq(string(list), "\x00") {
		if ok, _ := path.Match(schemaFolder+"/*/*.json", file); !ok { // the pattern is sound
			continue
		}
		text, err := git(ctx, root, "show", revision+":./"+file)
		if err != nil {
			return nil, err
		}
		e, err := schema.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s in %s: %w", file, revision, err)
		}
		entities[e.System+"/"+e.Name] = e
	}
	return entities, nil
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

// diffStates compares the states entity by entity, so that what breaks a contract is named beside it.
func diffStates(out io.Writer, root string, old, now snapshotState) (broken bool, err error) {
	ids := map[string]bool{}
	for id := range old.entities {
		ids[id] = true
	}
	for id := range now.entities {
		ids[id] = true
	}
	none := true
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		before, after := old.entities[id], now.entities[id]
		if before != nil && after != nil && len(schema.Compare(before, after)) == 0 {
			continue
		}
		none = false
		d := difference{root: root, old: before, now: after, with: func(e *schema.Entity) lookup { return now.with(id, e) }}
		breaks, err := d.tell(out)
		if err != nil {
			return false, err
		}
		broken = broken || breaks
	}
	if none {
		fmt.Fprintf(out, "no snapshot in %s differs from %s\n", now.name, old.name)
	}
	return broken, nil
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

// tellDifference is [difference.tell] for two snapshots of one entity, beside those that the project has.
func tellDifference(out io.Writer, root string, old, now *schema.Entity) (broken bool, err error) {
	if old.System != now.System || old.Name != now.Name {
		return false, fmt.Errorf("%s %s and %s %s are two entities, not two snapshots of one", old.System, old.Name, now.System, now.Name)
	}
	p, err := projectAt(root)
	if err != nil {
		return false, err
	}
	d := difference{root: root, old: old, now: now, with: func(e *schema.Entity) lookup {
		return func(system, entity string) (*schema.Entity, bool) {
			if system == e.System && entity == e.Name {
				return e, true
			}
			return p.schemas.Lookup(system, entity)
		}
	}}
	return d.tell(out)
}

// difference is one entity in two states: old is nil where it is new, now where it is gone.
type difference struct {
	root     string
	old, now *schema.Entity
	// with gives all entities, this one as it is told; nil for one that isn't there.
	with func(*schema.Entity) lookup
}

// tell writes what differs, and every finding that contracts have with the new state and not with the old. It reports
// whether there is such a finding.
func (d difference) tell(out io.Writer) (broken bool, err error) {
	nameOnly := false
	switch {
	case d.now == nil:
		fmt.Fprintf(out, "%s %s: its snapshot is gone\n", d.old.System, d.old.Name)
	case d.old == nil:
		fmt.Fprintf(out, "%s %s: its snapshot is new; columns: %d\n", d.now.System, d.now.Name, len(d.now.Columns))
	default:
		changes := schema.Compare(d.old, d.now)
		if len(changes) == 0 {
			fmt.Fprintf(out, "%s %s: nothing changed\n", d.now.System, d.now.Name)
			return false, nil
		}
		fmt.Fprintf(out, "%s %s:\n", d.now.System, d.now.Name)
		for _, c := range changes {
			fmt.Fprintf(out, "  %s\n", c)
		}
		nameOnly = !slices.ContainsFunc(changes, func(c schema.Change) bool { return !c.NameOnly })
	}
	findings, err := d.broke()
	if err != nil {
		return false, err
	}
	if len(findings) == 0 {
		if nameOnly {
			fmt.Fprint(out, "only what people see is called otherwise: ")
		}
		fmt.Fprintln(out, "no contract breaks")
		return false, nil
	}
	var flows []string
	for _, f := range fromHere(findings) {
		flow, _, _ := strings.Cut(strings.TrimPrefix(relative(d.root, f.File), "functions/"), "/")
		if !slices.Contains(flows, flow) {
			flows = append(flows, flow)
		}
		fmt.Fprintln(out, f)
	}
	fmt.Fprintf(out, "breaks %s\n", strings.Join(flows, ", "))
	return true, nil
}

// broke returns the findings that the new state causes.
func (d difference) broke() ([]contract.Finding, error) {
	functions := filepath.Join(d.root, "functions")
	before, err := contract.CheckWith(functions, d.with(d.old))
	if err != nil {
		return nil, err
	}
	after, err := contract.CheckWith(functions, d.with(d.now))
	return slices.DeleteFunc(after, func(f contract.Finding) bool { return slices.Contains(before, f) }), err
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
