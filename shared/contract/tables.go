package contract

import (
	"maps"
	"path/filepath"
)

// TablesFile is the name of the file beside the flows' folders that holds the tables several contracts share.
const TablesFile = "tables.yaml"

// sharedTables reads the tables that the contracts under root share; none where there is no such file. Findings in a table
// that a contract uses name this file.
func sharedTables(root string) (map[string]*element, Findings) {
	file := filepath.Join(root, TablesFile)
	data, wrong := read(file)
	if data == nil {
		return nil, wrong
	}
	r := &reader{file: file, mark: file, holds: "the tables, each by its name: currency: {usmf: USD}"}
	e := r.read(data)
	if e == nil {
		return nil, r.findings
	}
	tables := map[string]*element{}
	for _, m := range e.members {
		if r.fits("table "+m.key.text, m.value, grammar().values("contract", "tables")) {
			tables[m.key.text] = m.value
		}
	}
	return tables, r.findings
}

// unusedTables adds a finding for each table that no field names. Where a field names one that isn't there, it is likely a
// misspelt one, which has its finding; a table that all contracts share is judged only where each of them could be read.
func (c *checker) unusedTables(root string) {
	used := map[*element]bool{}
	own := map[string]bool{}
	for _, f := range c.flows {
		maps.Copy(used, f.doc.used)
		if f.doc.Tables == nil {
			continue
		}
		for _, m := range f.doc.Tables.members {
			if own[m.key.text] = true; !f.doc.used[nil] && !f.doc.used[m.value] && c.tables[m.key.text] == nil {
				c.unusedTable(f.file, m.key.text, m.key, "no field uses")
			}
		}
	}
	for name, table := range c.tables {
		if !used[nil] && !used[table] && !own[name] && len(c.flows) == len(c.folders) {
			c.unusedTable(filepath.Join(root, TablesFile), name, table, "no contract uses")
		}
	}
}

func (c *checker) unusedTable(file, name string, at *element, who string) {
	c.add(file, at, "write table: "+name+" in the field that is meant to use it, or remove the table", "%s table %s, so what stands in it has no effect", who, name)
}
