package page

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/local/systems/odata"
	"crosswalk/local/systems/rows"
)

// Render makes a section of a table's rows: the columns in first, then every other one that says something in some row, but
// for hidden. Rows written since the start come first, the latest on top. blank tells which values say nothing; nil means
// null only.
func Render(system, table string, list []rows.Row, first, hidden []string, blank func(column, value string) bool) Section {
	s := Section{System: system, Table: table, Columns: slices.Clone(first)}
	cells := make([]map[string]string, len(list))
	var rest []string
	for i, r := range list {
		cells[i] = cellsOf(r.JSON)
		for name, value := range cells[i] {
			if value == "" || blank != nil && blank(name, value) || slices.Contains(hidden, name) || slices.Contains(first, name) || slices.Contains(rest, name) {
				continue
			}
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	s.Columns = append(s.Columns, rest...)
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(list[b].Written.Compare(list[a].Written), cmp.Compare(list[a].Key, list[b].Key))
	})
	for _, i := range order {
		row := Row{Writes: list[i].Writes}
		for _, name := range s.Columns {
			row.Cells = append(row.Cells, cells[i][name])
		}
		s.Rows = append(s.Rows, row)
	}
	return s
}

// cellsOf returns an object's members as a person reads them: text without quotes, everything else as it is.
func cellsOf(object []byte) map[string]string {
	out := map[string]string{}
	members, err := odata.Decode(bytes.Clone(object))
	if err != nil {
		return out
	}
	for _, m := range members {
		out[m.Name] = show(m.Value)
	}
	return out
}

func show(v jsontext.Value) string {
	if v.Kind() == 'n' {
		return ""
	}
	if text, ok := odata.Text(v); ok {
		return text
	}
	return string(v)
}
