package catalog

import (
	"bytes"
	_ "embed"
	"html/template"
	"strings"

	"crosswalk/shared/contract"
)

//go:embed search.html
var searchPage string

var searchTemplate = template.Must(template.New("search").Parse(searchPage))

// hit is one line of the search page: a field of a flow.
type hit struct{ Flow, Team, Target, Field, Label, Owner, Source, Rule, Blank string }

// search writes the page that finds fields: one file without any other, so that it works from a disk.
func (b *book) search() ([]byte, error) {
	var hits []hit
	for i := range b.flows {
		f := &b.flows[i]
		for _, field := range withMembers(f.fields) {
			h := hit{
				Flow: f.Name, Team: f.Team, Target: title(f.To.System) + " " + f.To.Entity, Field: field.Column.Name, Label: field.Column.ShownAs(), Owner: title(field.Owner),
			}
			switch {
			case field.Mapped():
				h.Source, h.Rule, h.Blank = sourceText(f, field), plain(f.rule(field)), plain(f.blank(field))
			case field.OnDelete != "":
				h.Rule = "becomes " + plain(option(field.Column, field.OnDelete)) + " where the source deletes the record"
			default:
				h.Rule = "this flow never writes it"
			}
			hits = append(hits, h)
		}
	}
	var out bytes.Buffer
	err := searchTemplate.Execute(&out, hits)
	return out.Bytes(), err
}

func sourceText(f *flow, field *contract.FieldRule) string {
	if field.Source == nil {
		return "fixed value"
	}
	return title(f.From.System) + " " + f.From.Entity + "." + field.Source.Column.Name
}

// plain takes Markdown's marks out of a phrase.
func plain(s string) string {
	return strings.NewReplacer("`", "", `\_`, "_", `\*`, "*", `\[`, "[", "&lt;", "<").Replace(s)
}
