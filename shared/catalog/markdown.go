package catalog

import (
	"bytes"
	"fmt"
	"strings"
)

// writer builds one page.
type writer struct{ bytes.Buffer }

func newPage(title string) *writer {
	w := &writer{}
	w.WriteString(mark)
	w.line("# " + title)
	return w
}

// line writes a paragraph: a line and the empty one after it.
func (w *writer) line(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	w.WriteString(format + "\n\n")
}

// item writes one item of a list; end ends the list.
func (w *writer) item(format string, args ...any) { fmt.Fprintf(w, "- "+format+"\n", args...) }

func (w *writer) end() { w.WriteString("\n") }

// table writes the rows below the heads.
func (w *writer) table(heads []string, rows [][]string) {
	row := func(cells []string) { w.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	row(heads)
	w.WriteString("|" + strings.Repeat(" --- |", len(heads)) + "\n")
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, cell := range r {
			cells[i] = strings.ReplaceAll(strings.ReplaceAll(cell, "|", `\|`), "\n", " ")
		}
		row(cells)
	}
	w.end()
}

// picture writes a Mermaid flow chart.
func (w *writer) picture(lines []string) {
	w.WriteString("```mermaid\nflowchart LR\n")
	for _, l := range lines {
		w.WriteString("    " + l + "\n")
	}
	w.WriteString("```\n\n")
}

// prose makes a contract's own words safe in Markdown.
func prose(s string) string {
	return strings.NewReplacer("<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "\n", " ").Replace(s)
}

// code shows a name or a value as it is.
func code(s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	switch {
	case s == "":
		return `""`
	case strings.Contains(s, "`"):
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}

func codes(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = code(n)
	}
	return strings.Join(out, ", ")
}

// label is a text inside a Mermaid node.
func label(lines ...string) string {
	text := strings.Join(lines, "<br/>")
	return `"` + strings.ReplaceAll(text, `"`, "#quot;") + `"`
}

// node is a Mermaid id.
func node(kind, name string) string {
	return kind + "_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
}

// title is a system's name for people.
func title(system string) string {
	switch system {
	case "fno":
		return "Finance & Operations"
	case "dataverse":
		return "Dataverse"
	case "salesforce":
		return "Salesforce"
	}
	return system
}

// list joins words: a, b and c.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// count is "1 field", "2 fields".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
