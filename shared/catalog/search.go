package catalog

import (
	"bytes"
	_ "embed"
	"html/template"
	"path"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"crosswalk/shared/contract"
)

//go:embed search.html
var searchPage string

var searchTemplate = template.Must(template.New("search").Parse(searchPage))

// hit is one line of the search: a field of a flow.
type hit struct{ Flow, Team, Target, Field, Label, Owner, Source, Rule, Blank string }

// section is one page of the catalog inside the search page.
type section struct {
	// ID is the page's path without its ending, such as flows-customer-to-dataverse.
	ID, Title string
	HTML      template.HTML
}

// search writes the page that holds all others and finds a word or a field in them: one file without any other, so that it
// works from a disk, where a browser shows Markdown as raw text.
func (b *book) search(pages []Page) ([]byte, error) {
	var data struct {
		Sections []section
		Hits     []hit
	}
	for _, p := range pages {
		s, err := b.section(p, pages)
		if err != nil {
			return nil, err
		}
		data.Sections = append(data.Sections, s)
	}
	for i := range b.flows {
		f := &b.flows[i]
		for j := range f.fields {
			field := &f.fields[j]
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
			data.Hits = append(data.Hits, h)
		}
	}
	var out bytes.Buffer
	err := searchTemplate.Execute(&out, data)
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

// sectionID makes a page's path one word, which stands in a link as it is.
func sectionID(path string) string {
	return strings.ReplaceAll(strings.TrimSuffix(path, ".md"), "/", "-")
}

// Around a Mermaid picture, see writer.picture. No browser draws it without a library, so its place holds the same in words.
const pictureBegin, pictureEnd = "```mermaid\n", "```\n"

// section makes HTML of a page. Raw HTML in the Markdown, of which the pages have none, would be left out.
func (b *book) section(p Page, pages []Page) (section, error) {
	markdown := strings.TrimPrefix(string(p.Text), mark)
	first, _, _ := strings.Cut(markdown, "\n")
	s := section{ID: sectionID(p.Path), Title: strings.TrimPrefix(first, "# ")}
	var out bytes.Buffer
	for markdown != "" {
		before, rest, found := strings.Cut(markdown, pictureBegin)
		if err := b.html(&out, before, p, pages); err != nil {
			return s, err
		}
		if markdown = ""; found {
			_, markdown, _ = strings.Cut(rest, pictureEnd)
			b.inWords(&out, p.Path)
		}
	}
	s.HTML = template.HTML(out.String()) // goldmark escapes what the contracts say
	return s, nil
}

var toHTML = goldmark.New(goldmark.WithExtensions(extension.Table))

// html renders Markdown whose links lead into the search page where it holds what they lead to, and else to the file as seen
// from it.
func (b *book) html(out *bytes.Buffer, markdown string, p Page, pages []Page) error {
	source := []byte(markdown)
	document := toHTML.Parser().Parse(text.NewReader(source))
	err := ast.Walk(document, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if link, ok := n.(*ast.Link); ok && entering {
			target := path.Join(path.Dir(p.Path), string(link.Destination))
			switch {
			case slices.ContainsFunc(pages, func(q Page) bool { return q.Path == target }):
				target = "#" + sectionID(target)
			case target == "search.html":
				target = "#search"
			}
			link.Destination = []byte(target)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return err
	}
	return toHTML.Renderer().Render(out, source, document)
}

var wordsTemplate = template.Must(template.New("words").Parse(`{{ range . }}<ol class="way">{{ range . }}<li>{{ . }}</li>{{ end }}</ol>
{{ end }}`))

// inWords writes what a page's picture shows: each way that a message or a record goes, one stop after the other.
func (b *book) inWords(out *bytes.Buffer, page string) {
	var ways [][]string
	for i := range b.flows {
		f := &b.flows[i]
		from, to := title(f.From.System)+" "+f.From.Entity, title(f.To.System)+" "+f.To.Entity
		switch page {
		case "README.md":
			ways = append(ways, []string{from, f.Name, to})
		case "flows/" + f.Name + ".md":
			onward := []string{"topic " + b.topology.Topic.Name, "subscription " + f.Name, "queue " + f.Name, f.Name, to}
			if queue, receiver := b.ingress(f.From.System); queue != "" {
				ways = append(ways, append([]string{from, "queue " + queue, receiver}, onward...))
			}
			if hook := b.webhooks[f.From.System]; hook != "" {
				ways = append(ways, append([]string{from, "webhook " + hook}, onward...))
			}
			if f.From.State == contract.StateRow {
				ways = append(ways, []string{f.Name, "reads the record from " + from})
			}
			ways = append(ways, []string{f.Name, "what is rejected or given up: queue " + f.Name + "/$DeadLetterQueue"})
		}
	}
	_ = wordsTemplate.Execute(out, ways) // a buffer takes everything
}
