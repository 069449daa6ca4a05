package contract

import (
	"fmt"
	"slices"
	"strings"
)

// Finding is one fault in a contract, its examples or its function.json.
type Finding struct {
	// File is the path as given to Check or Load, joined with the file's name.
	File string
	// Line and Column count from 1; 1:1 where the fault is in the file as a whole.
	Line, Column int
	// Message says what is wrong and, where that isn't plain, why it matters.
	Message string
	// Fix says what to do.
	Fix string
}

// String returns "file:line:column: message (fix: …)".
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s (fix: %s)", f.File, f.Line, f.Column, f.Message, f.Fix)
}

// Findings is the error of a contract that doesn't pass.
type Findings []Finding

// Error returns all findings, one per line.
func (f Findings) Error() string {
	lines := make([]string, len(f))
	for i, finding := range f {
		lines[i] = finding.String()
	}
	return strings.Join(lines, "\n")
}

// sort orders findings by file and line and drops repeated ones.
func (f *Findings) sort() {
	slices.SortFunc(*f, func(a, b Finding) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		return strings.Compare(a.Message, b.Message)
	})
	*f = slices.Compact(*f)
}

// Nearest returns the name closest to what was written, for "did you mean"; "" where none is near.
func Nearest(written string, names []string) string { return nearest(written, names) }

// nearest returns the name closest to what was written, for "did you mean"; "" where none is near.
func nearest(written string, names []string) string {
	best, most := "", max(1, len(written)/3)+1
	for _, name := range names {
		if d := distance(strings.ToLower(written), strings.ToLower(name)); d < most {
			best, most = name, d
		}
	}
	return best
}

// distance is the Levenshtein distance in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
