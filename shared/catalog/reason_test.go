package catalog

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// codeInSource finds where a reason code is written down in Go.
	codeInSource = regexp.MustCompile(`(?:\b(?:Reject|fail|refused|transient|waiting|reject)\(|Reason[A-Za-z]*:? *=? *)"([a-z0-9]+(?:-[a-z0-9]+)*)"`)
	// atReceivers are the packages whose codes end in an ingress queue, or that only functions without a flow use.
	atReceivers = map[string]bool{"receive": true, "watch": true, "event": true, "probe": true}
	// elsewhere are codes of the event package that a flow meets, too.
	elsewhere = []string{"field-missing", "bad-value"}
)

// Who adds a code tells support staff what to do about it.
func TestTheRunBookKnowsEveryReason(t *testing.T) {
	known := map[string]bool{}
	for _, r := range slices.Concat(atFault, givenUp, tooOld, alerts) {
		if known[r.code] {
			t.Errorf("%s is listed twice", r.code)
		}
		known[r.code] = true
		if r.means == "" || r.do == "" {
			t.Errorf("%s: say what it means and what to do", r.code)
		}
	}
	for _, code := range elsewhere {
		if !known[code] {
			t.Errorf("%s is missing", code)
		}
	}
	found := 0
	for _, pattern := range []string{"../*/*.go", "../../handlers/*/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			folder := filepath.Base(filepath.Dir(file))
			if strings.HasSuffix(file, "_test.go") || atReceivers[folder] || folder == "catalog" {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range codeInSource.FindAllStringSubmatch(string(text), -1) {
				found++
				if !known[m[1]] {
					t.Errorf("%s: reason %q isn't in the run book; add it to reason.go with what to do about it", file, m[1])
				}
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d codes were found in the sources", found)
	}
}

func TestReasonsAreSorted(t *testing.T) {
	for _, list := range [][]reason{atFault, givenUp, tooOld} {
		if !slices.IsSortedFunc(list, func(x, y reason) int { return strings.Compare(strings.ToLower(x.code), strings.ToLower(y.code)) }) {
			t.Errorf("the list that begins with %s isn't sorted", list[0].code)
		}
	}
}
