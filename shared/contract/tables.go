package contract

import (
	"path/filepath"
)

// TablesFile is the name of the file beside the flows' folders that holds the tables several contracts share.
const TablesFile = "tables.yaml"

// sharedTables reads the tables that the contracts under root share; none where there is no such file. Findings in a table
// that a contract uses name this file.
func sharedTables(root string) (map[string]*element, Findings, error) {
	file := filepath.Join(root, TablesFile)
	data, err := read(file)
	if err != nil || data == nil {
		return nil, nil, err
	}
	r := &reader{file: file, mark: file}
	e := r.read(data)
	if e == nil {
		return nil, r.findings, nil
	}
	tables := map[string]*element{}
	for _, m := range e.members {
		if r.fits("table "+m.key.text, m.value, grammar().values("contract", "tables")) {
			tables[m.key.text] = m.value
		}
	}
	return tables, r.findings, nil
}
