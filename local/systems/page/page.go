// Package page shows the simulated systems' rows to a person: one page, rendered on the server, that loads itself again
// every two seconds.
package page

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

// Section is one table of one system.
type Section struct {
	System, Table string
	// Columns name the cells of every row.
	Columns []string
	// Rows are in the order to show.
	Rows []Row
}

// Row is one record.
type Row struct {
	Cells []string
	// Writes is how often it was written since the start; the page marks rows that were.
	Writes int
}

//go:embed page.html
var text string

var tmpl = template.Must(template.New("page").Parse(text))

// New returns the page's handler. sections is called for every request.
func New(sections func() []Section) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		if err := tmpl.Execute(&b, sections()); err != nil {
			http.Error(w, "the page can't be rendered", http.StatusInternalServerError)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(b.Bytes())
	})
	return mux
}
