package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// table is what is expected: a line per live test with its suite, its name, pass, fail or skip, and for the last two the
// reason. Lines that begin with # are remarks.
type table struct {
	head []string
	rows map[string]row
}

type row struct {
	outcome outcome
	reason  string
}

func readTable(path string) (*table, error) {
	t := &table{rows: map[string]row{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") || line == "" {
			t.head = append(t.head, line)
			continue
		}
		fields := strings.SplitN(line, " ", 4)
		if len(fields) < 3 {
			return nil, fmt.Errorf("%s:%d: a line has suite, test, result and perhaps a reason", path, i+1)
		}
		r := row{outcome: outcome(fields[2])}
		if len(fields) == 4 {
			r.reason = fields[3]
		}
		t.rows[fields[0]+" "+fields[1]] = r
	}
	return t, nil
}

// write replaces the rows of the tests that were run; reasons stay where a test still doesn't pass.
func (t *table) write(path string, results []result) error {
	ran := map[string]bool{}
	var b strings.Builder
	for _, line := range t.head {
		b.WriteString(line + "\n")
	}
	var rows []string
	for _, r := range results {
		ran[r.key()] = true
		line := r.key() + " " + string(r.outcome)
		if was := t.rows[r.key()]; r.outcome != passed && was.reason != "" {
			line += " " + was.reason
		}
		rows = append(rows, line)
	}
	for key, r := range t.rows {
		if !ran[key] {
			rows = append(rows, strings.TrimSpace(key+" "+string(r.outcome)+" "+r.reason))
		}
	}
	sortRows(rows)
	b.WriteString(strings.Join(rows, "\n") + "\n")
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// sortRows sorts by suite in their order, then by name.
func sortRows(rows []string) {
	place := func(row string) int {
		name, _, _ := strings.Cut(row, " ")
		return slices.IndexFunc(suites, func(s suite) bool { return s.name == name })
	}
	slices.SortFunc(rows, func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(a, b))
	})
}
