// Package schemas holds the columns of the simulated systems' tables: the published Common Data Model of Dataverse and the
// $metadata of a real F&O environment, in one small tab-separated form.
package schemas

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed dataverse/*.tsv fno/*.tsv
var files embed.FS

// Table is one table or entity set.
type Table struct {
	// Name is Dataverse's logical name ("account"); for F&O it is the entity set ("CustomersV3").
	Name string
	// Set is the entity set: "accounts", "CustomersV3".
	Set string
	// Key holds the primary key's columns: one in Dataverse, one or more in F&O.
	Key     []string
	Columns []Column
}

// Column is one column or property.
type Column struct {
	Name string
	// Type is the source's word: Dataverse "String", "Money", "Lookup (Customer)", …; F&O "String", "Decimal", "Enum NoYes", ….
	Type string
	// Limit is Dataverse's length ("160") or range ("0..100"); F&O has none.
	Limit string
	// Level is Dataverse's required level: none, required (by applications only), systemrequired. F&O: "not null" or "".
	Level string
	// Detail holds Dataverse's options ("1=Net 30|2=…") or its lookup's targets ("account|contact").
	Detail string
}

// Dataverse returns all Dataverse tables, by name.
func Dataverse() ([]Table, error) { return read("dataverse", dataverseHead) }

// FnO returns all F&O entity sets, by name.
func FnO() ([]Table, error) { return read("fno", fnoHead) }

// FnOEnums returns the members of every F&O enum, by the enum's name, in order.
func FnOEnums() (map[string][]string, error) {
	raw, err := files.ReadFile("fno/enums.tsv")
	if err != nil {
		return nil, err
	}
	enums := map[string][]string{}
	for _, line := range lines(string(raw)) {
		name, members, ok := strings.Cut(line, "\t")
		if !ok {
			return nil, fmt.Errorf("schemas: enums.tsv: a line without a tab: %q", line)
		}
		enums[name] = strings.Split(members, "|")
	}
	return enums, nil
}

func read(folder string, head func(*Table, string) error) ([]Table, error) {
	names, err := fs.Glob(files, folder+"/*.tsv")
	if err != nil {
		return nil, err
	}
	var tables []Table
	for _, name := range names {
		if path.Base(name) == "enums.tsv" {
			continue
		}
		raw, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		t := Table{Name: strings.TrimSuffix(path.Base(name), ".tsv")}
		first, _, _ := strings.Cut(string(raw), "\n")
		if err := head(&t, first); err != nil {
			return nil, fmt.Errorf("schemas: %s: %w", name, err)
		}
		for _, line := range lines(string(raw)) {
			f := append(strings.Split(line, "\t"), "", "", "", "")
			c := Column{Name: f[0], Type: f[1], Limit: f[2], Level: f[3], Detail: f[4]}
			if folder == "fno" {
				c = Column{Name: f[0], Type: f[1], Level: f[2]}
			}
			t.Columns = append(t.Columns, c)
		}
		tables = append(tables, t)
	}
	return tables, nil
}

// lines drops comments and empty lines.
func lines(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return l == "" || strings.HasPrefix(l, "#") })
}

// dataverseHead reads "# table account, entity set accounts, primary key accountid".
func dataverseHead(t *Table, line string) error {
	var id string
	if _, err := fmt.Sscanf(strings.ReplaceAll(line, ",", " "), "# table %s entity set %s primary key %s", &t.Name, &t.Set, &id); err != nil {
		return fmt.Errorf("first line %q: %w", line, err)
	}
	t.Key = []string{id}
	return nil
}

// fnoHead reads "# entity set CustomersV3; key dataAreaId, CustomerAccount".
func fnoHead(t *Table, line string) error {
	set, key, ok := strings.Cut(strings.TrimPrefix(line, "# entity set "), "; key ")
	if !ok {
		return fmt.Errorf("first line %q has no key", line)
	}
	t.Set, t.Name, t.Key = set, set, strings.Split(key, ", ")
	return nil
}
