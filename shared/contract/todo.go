package contract

import (
	"slices"
	"strings"

	"crosswalk/shared/schema"
)

// Todo begins a text that somebody still has to write, as in a new flow's contract. The check refuses it.
const Todo = "TODO"

// todo is a place that still has to be filled in.
type todo struct {
	at   *element
	path []string
}

// isTodo reports whether a text is, or begins with, the word TODO.
func isTodo(text string) bool {
	rest, found := strings.CutPrefix(text, Todo)
	return found && (rest == "" || strings.ContainsAny(rest[:1], " :"))
}

// todos returns the places below e that still have to be filled in.
func todos(e *element) []todo { return appendTodos(nil, e, nil) }

// appendTodos appends those below e, which stands at path. What lies behind path in its memory is overwritten.
func appendTodos(out []todo, e *element, path []string) []todo {
	if e.shape == textShape && isTodo(e.text) {
		return append(out, todo{e, slices.Clone(path)})
	}
	for _, item := range e.items {
		out = appendTodos(out, item, path)
	}
	for _, m := range e.members {
		if isTodo(m.key.text) {
			out = append(out, todo{m.key, slices.Clone(path)})
		}
		out = appendTodos(out, m.value, append(path, m.key.text))
	}
	return out
}

// open adds a finding for every place that still has to be filled in; it stands for all that follows from the gap.
func (r *reader) open(list []todo, p *Plan) {
	if len(list) == 0 {
		return
	}
	r.findings = slices.DeleteFunc(r.findings, func(f Finding) bool {
		return slices.ContainsFunc(list, func(t todo) bool { return t.at.line == f.Line && t.at.column == f.Column })
	})
	for _, t := range list {
		what := strings.Join(t.path, ": ")
		if len(t.path) > 1 && t.path[0] == "fields" {
			what = "field " + strings.Join(t.path[1:], ": ")
		}
		state := "filled in"
		fix := strings.TrimLeft(strings.TrimPrefix(t.at.text, Todo), " :")
		switch {
		case fix == "":
			fix = t.fix(p)
		case t.names(p, fix):
			state, fix = "confirmed", "write from: "+fix+" if that is meant; else name another field of "+p.source.Name+", or write value: for a fixed value"
		}
		r.add(t.at, fix, "%s is still to be %s, so the flow can't run", what, state)
	}
}

// names reports whether the place is for a source's column and the text names one, which somebody has to confirm.
func (t todo) names(p *Plan, text string) bool {
	if len(t.path) != 3 || t.path[0] != "fields" || t.path[2] != "from" || p.source == nil {
		return false
	}
	_, ok := p.source.Column(text)
	return ok
}

// fix says what belongs in the place: for a field the source columns that are likely meant.
func (t todo) fix(p *Plan) string {
	fix := "write it"
	if len(t.path) != 3 || t.path[0] != "fields" || t.path[2] != "from" || p.source == nil || p.target == nil {
		return fix
	}
	fix = "name a field of " + p.source.Name + ", or write value: for a fixed value"
	if column, ok := p.target.Column(t.path[1]); ok {
		if likely := Likely(column, p.source); len(likely) > 0 {
			names := make([]string, len(likely))
			for i, c := range likely {
				names[i] = c.Name
			}
			fix += "; likely " + strings.Join(names, ", ")
		}
	}
	return fix
}

// mostLikely bounds how many columns are suggested.
const mostLikely = 3

// Likely returns the columns of a source, at most three, the likeliest first, that by name and kind may be meant for a
// target's column. It is a suggestion for a person.
func Likely(target *schema.Column, source *schema.Entity) []*schema.Column {
	type scored struct {
		column *schema.Column
		score  int
	}
	var found []scored
	for i := range source.Columns {
		c := &source.Columns[i]
		score := Alike(target, c)
		if score > 0 && slices.Contains(source.PrimaryKey, c.Name) {
			score += 10 // what identifies a record is mapped most often
		}
		if score > 0 {
			found = append(found, scored{c, score})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int {
		if a.score != b.score {
			return b.score - a.score
		}
		return len(a.column.Name) - len(b.column.Name)
	})
	var out []*schema.Column
	for _, f := range found[:min(len(found), mostLikely)] {
		if 2*f.score >= found[0].score {
			out = append(out, f.column)
		}
	}
	return out
}

// Alike scores how likely a source's column is meant for a target's, by name and kind: from 40 to 100, which is the same name; 0
// where it isn't likely at all.
func Alike(target, source *schema.Column) int {
	if !fits(target, source) || target.InRow() || source.InRow() {
		return 0
	}
	return alike(target.Name, source.Name)
}

// fits reports whether values of a source's column can, perhaps with a map, become those of a target's.
func fits(target, source *schema.Column) bool {
	number := func(k schema.Kind) bool { return k == schema.Integer || k == schema.Number }
	switch target.Kind {
	case schema.Text, schema.Reference:
		return source.Kind == schema.Text || source.Kind == schema.Choice || source.Kind == schema.Integer
	case schema.Integer, schema.Number:
		return number(source.Kind)
	case schema.Boolean, schema.Choice:
		return source.Kind == schema.Boolean || source.Kind == schema.Choice
	}
	return source.Kind == target.Kind
}

// synonyms are words that the systems use for the same thing.
var synonyms = map[string]string{
	"telephone": "phone", "email": "mail", "emailaddress": "mail", "organisation": "organization", "postalcode": "zip", "zipcode": "zip",
	"postal": "zip", "accountnumber": "account", "invoicenumber": "invoice", "isocurrency": "currency", "isocurrencycode": "currency", "currencyname": "name",
	"currencysymbol": "symbol", "qty": "quantity", "url": "website",
}

// plainWords are words of many columns' names, which say little about one.
var plainWords = []string{"address", "contact", "person", "customer", "vendor", "organization", "primary", "is", "code", "id", "number", "invoice", "delivery"}

// leastAlike is the score from which two names are taken for the same thing.
const leastAlike = 40

// longestPrefix is the most letters that a publisher's prefix is taken to have.
const longestPrefix = 5

// alike scores how much two columns' names have in common: the letters of the words that both have, in percent of the
// longer name's.
func alike(a, b string) int {
	x, y := words(a), words(b)
	short, long := strings.Join(x, ""), strings.Join(y, "")
	if short == long {
		return 100
	}
	if len(short) > len(long) {
		short, long = long, short
	}
	if len(short) > 5 && strings.HasSuffix(long, short) {
		if len(long)-len(short) <= longestPrefix {
			return 90 // a publisher's prefix before the same name
		}
		return 60
	}
	common := 0
	for _, w := range x {
		if slices.Contains(y, w) {
			common += weight(w)
		}
	}
	score := 100 * common / max(weight(x...), weight(y...))
	if score < leastAlike {
		return 0
	}
	return min(99, score)
}

func weight(words ...string) int {
	sum := 0
	for _, w := range words {
		if slices.Contains(plainWords, w) {
			sum++
		} else {
			sum += len(w)
		}
	}
	return sum
}

// words splits a column's name at capitals, digits and underscores, in lower case and with synonyms as one word.
func words(name string) []string {
	var out []string
	start := 0
	cut := func(end int) {
		if word := strings.ToLower(strings.Trim(name[start:end], "_0123456789")); word != "" {
			if same := synonyms[word]; same != "" {
				word = same
			}
			out = append(out, word)
		}
		start = end
	}
	for i := 1; i < len(name); i++ {
		upper := func(c byte) bool { return c >= 'A' && c <= 'Z' }
		if name[i] == '_' || upper(name[i]) && !upper(name[i-1]) {
			cut(i)
		}
	}
	cut(len(name))
	return out
}
