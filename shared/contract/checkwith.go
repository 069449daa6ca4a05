package contract

import (
	"os"
	"path/filepath"

	"crosswalk/shared/schema"
)

// CheckWith checks the contracts under root, and runs their examples, against the schemas that lookup gives instead of the
// built-in ones. It looks only at what a schema can break: not at function.json, the topology, or two contracts that get in
// each other's way. Findings are sorted by file and line; the error is for a root that can't be read.
func CheckWith(root string, lookup func(system, entity string) (*schema.Entity, bool)) ([]Finding, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	tables, all := sharedTables(root)
	for _, e := range entries {
		file := filepath.Join(root, e.Name(), contractFile)
		if !e.IsDir() {
			continue
		}
		text, wrong := read(file)
		if all = append(all, wrong...); text == nil {
			continue
		}
		plan, _, findings := parseWith(tables, file, e.Name(), text, lookup)
		if all = append(all, findings...); len(findings) > 0 {
			continue // a faulty plan would only add noise
		}
		examples, _ := Examples(filepath.Join(root, e.Name())) // an example that can't be read is no schema's fault
		for _, example := range examples {
			all = append(all, plan.Try(example)...)
		}
	}
	all.sort()
	return all, nil
}
