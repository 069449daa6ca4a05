package infra_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tables are the tables of Log Analytics that are asked, with the columns used, from the Azure Monitor reference.
var tables = map[string][]string{
	"AppTraces":     {"TimeGenerated", "Message", "SeverityLevel"},
	"AppRequests":   {"TimeGenerated", "OperationName", "Success", "ResultCode"},
	"_LogOperation": {"TimeGenerated", "Category", "Operation", "Detail"},
}

// words are the words of the query language that are used.
var words = []string{
	"where", "extend", "project", "summarize", "by", "top", "order", "desc", "asc", "and", "or", "not", "in", "has", "contains", "startswith", "true", "false",
	"parse_json", "isnotempty", "tostring", "toint", "todouble", "count", "dcount", "max", "min", "percentile", "bin", "array_length",
}

var (
	literal    = regexp.MustCompile(`"[^"]*"`)
	numbers    = regexp.MustCompile(`\b\d+[smhd]?\b`)
	assigned   = regexp.MustCompile(`([A-Za-z_]\w*) = `)
	lineField  = regexp.MustCompile(`\bline\.(\w+)`)
	identifier = regexp.MustCompile(`[A-Za-z_]\w*`)
	comparison = regexp.MustCompile(`(?:tostring\()?(line\.\w+|OperationName|Message)\)? (==|!=|has|in|startswith) (\([^)]*\)|"[^"]*")`)
)

// faultsOfQuery returns what a query names that doesn't exist: a table, a column, a field of the handler's lines, an outcome, a
// kind of fault, a function.
func faultsOfQuery(w *world, query string) (f faults) {
	table, rest, _ := strings.Cut(query, " | ")
	columns, ok := tables[table]
	if !ok {
		f.add("there is no table %s", table)
		return f
	}
	known := append(slices.Clone(words), columns...)
	for _, m := range assigned.FindAllStringSubmatch(literal.ReplaceAllString(rest, `""`), -1) {
		known = append(known, m[1])
	}
	for _, m := range lineField.FindAllStringSubmatch(rest, -1) {
		ours := slices.Contains(w.fields, m[1]) || strings.Contains(rest, "the handler ends") && m[1] == "reason"
		f.want(ours, "the handler's lines have no field %s", m[1])
	}
	bare := lineField.ReplaceAllString(literal.ReplaceAllString(rest, `""`), "")
	for _, name := range identifier.FindAllString(numbers.ReplaceAllString(bare, ""), -1) {
		f.want(slices.Contains(known, name), "%s is neither a column of %s nor a word of the language", name, table)
	}
	for _, m := range comparison.FindAllStringSubmatch(rest, -1) {
		for _, quoted := range literal.FindAllString(m[3], -1) {
			if !w.exists(m[1], strings.Trim(quoted, `"`)) {
				f.add("%s is never %s", m[1], quoted)
			}
		}
	}
	return f
}

// exists reports whether what is asked for in a column or field can have this value.
func (w *world) exists(of, value string) bool {
	switch of {
	case "line.outcome":
		return slices.Contains(w.outcomes, value)
	case "line.kind":
		return slices.Contains(w.kinds, value)
	case "line.function", "OperationName":
		_, ok := w.functions[value]
		return ok
	case "Message":
		if value == "{" {
			return true // each line of the handler is a JSON object
		}
		source, err := os.ReadFile("../functions/main.go")
		return err == nil && strings.Contains(string(source), `"`+value+`"`)
	}
	return false
}

func TestQueriesAreReadForWhatTheyName(t *testing.T) {
	w := newWorld(t)
	lines := `AppTraces | where Message startswith "{" | extend line = parse_json(Message) | `
	for query, want := range map[string]string{
		lines + `where line.outcome == "retry" | summarize n = count() by tostring(line.kind) | order by n desc`: "",
		`AppTrace | where Message startswith "{"`:             "no table AppTrace",
		`AppRequests | where Succes == false`:                 "Succes is neither",
		lines + `where line.result == "retry"`:                "no field result",
		lines + `where line.outcome == "retried"`:             `line.outcome is never "retried"`,
		lines + `where line.outcome in ("retry", "rejected")`: `never "rejected"`,
		lines + `where line.kind == "throttling"`:             `line.kind is never "throttling"`,
		lines + `where tostring(line.function) in ("nobody")`: `line.function is never "nobody"`,
		`AppRequests | where OperationName == "watch"`:        `OperationName is never "watch"`,
		`AppTraces | where Message has "the handler stops"`:   `Message is never`,
		lines + `sumarize count()`:                            "sumarize is neither",
	} {
		found := strings.Join(faultsOfQuery(w, query), "; ")
		if want == "" && found != "" || !strings.Contains(found, want) {
			t.Errorf("%s\n got %q\nwant %q", query, found, want)
		}
	}
}
