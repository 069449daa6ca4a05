package schema

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed */*.json
var snapshots embed.FS

// Set is a folder of snapshots, <system>/<entity>.json. It is safe for use by several goroutines at once.
type Set struct {
	files   fs.FS
	names   map[string][]string // entities by system, both sorted
	systems []string

	mu     sync.Mutex
	parsed map[string]*Entity // by system/entity, as they are asked for
}

// BuiltIn returns the snapshots that are part of the program.
var BuiltIn = sync.OnceValue(func() *Set { return Embedded(snapshots) })

// Embedded returns the snapshots <system>/<entity>.json among files that are part of the program. They are read when they are
// first asked for; it, or the lookup, panics where they don't hold, which is for a test to find.
func Embedded(files fs.FS) *Set {
	s, err := newSet(files)
	if err != nil {
		panic(err)
	}
	return s
}

// Open returns the snapshots of a project, which may be newer than the built-in ones: folder is its shared/schema. The
// error names the first snapshot that is faulty.
func Open(folder string) (*Set, error) {
	s, err := newSet(os.DirFS(folder))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	for _, system := range s.systems {
		for _, name := range s.names[system] {
			if _, err := s.parse(system + "/" + name); err != nil {
				return nil, fmt.Errorf("%s/%s/%s.json: %w", folder, system, name, err)
			}
		}
	}
	return s, nil
}

func newSet(files fs.FS) (*Set, error) {
	s := &Set{files: files, names: map[string][]string{}, parsed: map[string]*Entity{}}
	paths, err := fs.Glob(files, "*/*.json")
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, errors.New("the folder holds no snapshot")
	}
	for _, file := range paths {
		system, name := path.Dir(file), strings.TrimSuffix(path.Base(file), ".json")
		s.names[system] = append(s.names[system], name)
		s.systems = append(s.systems, system)
	}
	slices.Sort(s.systems)
	s.systems = slices.Compact(s.systems)
	return s, nil
}

// Systems returns the systems that have snapshots, sorted.
func (s *Set) Systems() []string { return s.systems }

// Entities returns the names of a system's entities, sorted; none for a system nobody knows.
func (s *Set) Entities(system string) []string { return slices.Sorted(slices.Values(s.names[system])) }

// Lookup returns the snapshot of an entity. Both names are exact, case included. A snapshot is read when it is first asked
// for, because a handler needs those of its own flows alone.
func (s *Set) Lookup(system, entity string) (*Entity, bool) {
	if !slices.Contains(s.names[system], entity) {
		return nil, false
	}
	e, err := s.parse(system + "/" + entity)
	if err != nil {
		panic(system + "/" + entity + ".json: " + err.Error()) // Open has read it, and a test the built-in ones
	}
	return e, true
}

// With returns a set in which one entity is another than in s.
func (s *Set) With(e *Entity) *Set {
	changed := &Set{files: s.files, names: s.names, systems: s.systems, parsed: map[string]*Entity{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(changed.parsed, s.parsed)
	changed.parsed[e.System+"/"+e.Name] = e
	return changed
}

func (s *Set) parse(name string) (*Entity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.parsed[name]; e != nil {
		return e, nil
	}
	data, err := fs.ReadFile(s.files, name+".json")
	if err != nil {
		return nil, err
	}
	e, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if e.System+"/"+e.Name != name {
		return nil, fmt.Errorf("it holds %s %s", e.System, e.Name)
	}
	s.parsed[name] = e
	return e, nil
}
