package contract

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"crosswalk/shared/schema"
)

// Library holds the contracts of a program. Each is read, checked and compiled when it is first asked for, so that a program
// with many of them answers its first message as soon as that message's own contract is there. It is safe for use by several
// goroutines at once.
type Library struct {
	names     []string
	books     map[string]func() (*Plan, error)
	ownership func() (*Ownership, error)
}

// OpenLibrary returns the contracts at root/<function>/contract.yaml, which are not read yet.
func OpenLibrary(root string, schemas *schema.Set) (*Library, error) {
	folders, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	shared := sync.OnceValue(func() sharing { return share(root) })
	l := &Library{books: map[string]func() (*Plan, error){}}
	for _, folder := range folders {
		name := folder.Name()
		path := filepath.Join(root, name, contractFile)
		if _, err := os.Stat(path); err != nil {
			continue // a file, or a function without a contract
		}
		l.names = append(l.names, name)
		l.books[name] = sync.OnceValues(func() (*Plan, error) {
			return load(path, name, shared(), schemas)
		})
	}
	l.ownership = sync.OnceValues(l.compileOwnership)
	return l, nil
}

// Names returns the functions that have a contract, sorted.
func (l *Library) Names() []string { return l.names }

// Plan returns a function's contract. The error is a [Findings] with everything that is wrong, or says why the file can't be
// read; it is os.ErrNotExist where the function has none.
func (l *Library) Plan(name string) (*Plan, error) {
	book, ok := l.books[name]
	if !ok {
		return nil, os.ErrNotExist
	}
	return book()
}

// breath is how long Load rests after each contract. On one CPU Go looks for what has come in on the network only when
// nothing else can run (or every 10 ms), so a message would wait for all contracts without it.
const breath = 200 * time.Microsecond

// Load loads every contract that isn't loaded yet and returns the first error. A message that comes meanwhile goes first.
func (l *Library) Load(ctx context.Context) error {
	for _, name := range l.names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := l.Plan(name); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(breath):
		}
	}
	return nil
}

// Expressions returns the functions whose contracts have an expression, and those whose contracts don't hold, of which nobody
// can say. It loads all that aren't loaded yet.
func (l *Library) Expressions() []string {
	var out []string
	for _, name := range l.names {
		if p, err := l.Plan(name); err != nil || p.expressions {
			out = append(out, name)
		}
	}
	return out
}

// Ownership returns what all contracts say together. It loads those that aren't loaded yet.
func (l *Library) Ownership() (*Ownership, error) { return l.ownership() }

func (l *Library) compileOwnership() (*Ownership, error) {
	plans := make([]*Plan, len(l.names))
	for i, name := range l.names {
		var err error
		if plans[i], err = l.Plan(name); err != nil {
			return nil, err
		}
	}
	return OwnershipOf(plans...), nil
}
