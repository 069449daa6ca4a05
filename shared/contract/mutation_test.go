package contract

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

// How many mutations go test makes; make mutate makes as many as CROSSWALK_MUTATIONS says.
const (
	fewMutations  = 40
	mutationsSeed = 20260701
	// noticedShare is the least share of mutations that the check or an example must notice, in percent.
	noticedShare = 85
)

// toothless are the kinds of mutation that neither the check nor an example can notice every time, and why.
var toothless = map[string]string{
	"schema: length":       "a source may grow where the contract says what becomes of longer texts, and a target may shrink that no source fills",
	"schema: type":         "a date or a number becomes a text without loss; then only an example with a value can tell",
	"schema: option":       "an option that no map names and no example has means nothing to the flow",
	"contract: blank":      "only an example with that kind of blank can tell, and of two fields of one column only the first rejects it",
	"contract: longer":     "only an example with a text that is too long can tell, and none where F&O doesn't tell the column's length",
	"contract: map value":  "only an example with that value can tell",
	"contract: map key":    "only an example with that value can tell, where the source is a text",
	"contract: from":       "two columns of one form, both blank in every example, can't be told apart",
	"contract: case":       "only an example with letters of the other case can tell",
	"contract: delete":     "examples hold records, and none is deleted",
	"contract: round":      "only an example with more places can tell",
	"contract: outOfRange": "only an example with such a number can tell",
}

// mutation is one small change to a contract or to a schema.
type mutation struct {
	kind, what string
	// file and text are the changed contract; entity is the changed schema. One of them is set.
	file, text string
	entity     *schema.Entity
}

// TestMutations changes a type, a length, an option, an owner and the like at random, and sees whether anybody notices.
func TestMutations(t *testing.T) {
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(functionsRoot)); err != nil {
		t.Fatal(err)
	}
	wanted := fewMutations
	if text := os.Getenv("CROSSWALK_MUTATIONS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		wanted = n
	}
	m := newMutator(t, root, rand.New(rand.NewPCG(mutationsSeed, 1)))
	tried, noticed := map[string]int{}, map[string]int{}
	var missed []string
	for range wanted {
		x := m.next()
		tried[x.kind]++
		if m.noticed(t, x) {
			noticed[x.kind]++
			continue
		}
		missed = append(missed, x.kind+": "+x.what)
		if toothless[x.kind] == "" {
			t.Errorf("nobody notices %s: %s", x.kind, x.what)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(tried)) {
		t.Logf("%-22s %d of %d noticed", kind, noticed[kind], tried[kind])
	}
	for _, what := range missed {
		t.Logf("missed %s", what)
	}
	share := 100 * (wanted - len(missed)) / wanted
	t.Logf("%d mutations, %d noticed: %d %%", wanted, wanted-len(missed), share)
	if share < noticedShare {
		t.Errorf("%d %% of %d mutations are noticed, at least %d are wanted", share, wanted, noticedShare)
	}
}

type mutator struct {
	root  string
	rand  *rand.Rand
	flows []mutableFlow
}

// mutableFlow is a contract with all its places.
type mutableFlow struct {
	file, text string
	plan       *Plan
	places     []place
}

// place is a scalar of a contract and the keys that lead to it.
type place struct {
	at   *element
	path []string
}

func newMutator(t *testing.T, root string, r *rand.Rand) *mutator {
	t.Helper()
	m := &mutator{root: root, rand: r}
	paths, _ := filepath.Glob(filepath.Join(root, "*", "contract.yaml"))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		e := (&reader{}).read(text)
		m.flows = append(m.flows, mutableFlow{path, string(text), plan, placesOf(e)})
	}
	return m
}

func placesOf(e *element, path ...string) []place {
	var out []place
	if e.isScalar() {
		return []place{{e, path}}
	}
	for _, item := range e.items {
		out = append(out, placesOf(item, path...)...)
	}
	for _, member := range e.members {
		below := append(slices.Clone(path), member.key.text)
		if n := len(path); n > 0 && (path[n-1] == "map" || path[n-1] == "table") || n == 2 && path[0] == "tables" {
			out = append(out, place{member.key, append(slices.Clone(path), "key")})
		}
		out = append(out, placesOf(member.value, below...)...)
	}
	return out
}

// noticed reports whether the check or an example has a finding; there is none without the mutation.
func (m *mutator) noticed(t *testing.T, x mutation) bool {
	t.Helper()
	schemas := schema.BuiltIn()
	if x.entity != nil {
		schemas = schemas.With(x.entity)
	} else {
		before, err := os.ReadFile(x.file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(x.file, []byte(x.text), 0o600); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.WriteFile(x.file, before, 0o600) }()
	}
	findings, err := CheckAgainst(m.root, topology.Default(), schemas)
	if err != nil {
		t.Fatal(err)
	}
	return len(findings) > 0
}

// next makes a mutation of one of the contracts or of one of the schemas that it stands on.
func (m *mutator) next() mutation {
	for {
		f := m.flows[m.rand.IntN(len(m.flows))]
		var x mutation
		var ok bool
		if m.rand.IntN(2) == 0 {
			x, ok = m.schema(f)
		} else {
			x, ok = m.contract(f)
		}
		if ok {
			return x
		}
	}
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// schema changes a column that the contract maps, on either side, or a key.
func (m *mutator) schema(f mutableFlow) (mutation, bool) {
	field := pick(m.rand, f.plan.fields)
	entity, column, source := f.plan.target, field.column, false
	if names := field.reads(); len(names) > 0 && m.rand.IntN(2) == 0 {
		entity, source = f.plan.source, true
		column, _ = entity.Column(pick(m.rand, names))
	}
	changed := *entity
	changed.Columns = slices.Clone(entity.Columns)
	c, _ := changed.Column(column.Name)
	x := mutation{entity: &changed, what: entity.Name + "." + c.Name}
	switch m.rand.IntN(6) {
	case 0:
		x.kind = "schema: type"
		other := map[string]string{"String": "DateTime", "Memo": "DateTime", "Enum": "Int32", "Guid": "Decimal", "Uniqueidentifier": "Money"}[c.Type]
		if other == "" {
			other = map[bool]string{true: "Guid", false: "Uniqueidentifier"}[entity.System == schema.FnO]
		}
		c.Type, c.Kind, c.Options, c.Targets, c.MaxLength = other, schema.KindOf(other), nil, nil, 0
	case 1:
		if x.kind = "schema: length"; c.Kind != schema.Text || c.MaxLength < 2 {
			return x, false
		}
		if source {
			c.MaxLength *= 20
		} else {
			c.MaxLength /= 2
		}
	case 2:
		if x.kind = "schema: option"; len(c.Options) < 2 {
			return x, false
		}
		i := m.rand.IntN(len(c.Options))
		x.what += " " + c.Options[i].Value
		c.Options = slices.Delete(slices.Clone(c.Options), i, i+1)
	case 3:
		x.kind = "schema: gone"
		changed.Columns = slices.DeleteFunc(changed.Columns, func(c schema.Column) bool { return c.Name == column.Name })
		changed.PrimaryKey = slices.DeleteFunc(slices.Clone(entity.PrimaryKey), func(k string) bool { return k == column.Name })
	case 4:
		x.kind = "schema: required"
		i := m.rand.IntN(len(changed.Columns))
		c := &changed.Columns[i]
		named := f.plan.owners[c.Name] != ""
		if x.entity.Name != f.plan.To.Entity || source || c.MustBeSent() || c.ReadOnly || named {
			return x, false
		}
		c.Required, c.Default, x.what = schema.ApplicationRequired, "", entity.Name+"."+c.Name
	case 5:
		if x.kind = "schema: key"; source {
			return x, false
		}
		x.what = entity.Name
		changed.AlternateKeys = slices.DeleteFunc(slices.Clone(entity.AlternateKeys), func(k []string) bool {
			return slices.Equal(slices.Sorted(slices.Values(k)), slices.Sorted(slices.Values(f.plan.To.Key)))
		})
		if len(changed.AlternateKeys) == len(entity.AlternateKeys) {
			changed.PrimaryKey = changed.PrimaryKey[:len(changed.PrimaryKey)-1]
		}
	}
	return x, true
}

// contract changes one scalar of the contract.
func (m *mutator) contract(f mutableFlow) (mutation, bool) {
	p := pick(m.rand, f.places)
	kind, now := m.instead(f, p)
	if now == "" || now == p.at.text {
		return mutation{}, false
	}
	text, ok := replaceScalar(f.text, p.at, now)
	what := fmt.Sprintf("%s %s: %s becomes %s", f.plan.Name, strings.Join(p.path, "."), p.at.text, now)
	return mutation{kind: "contract: " + kind, what: what, file: f.file, text: text}, ok
}

// instead gives a scalar another value that the language takes in its place; "" where there is none.
func (m *mutator) instead(f mutableFlow, p place) (kind, now string) {
	last := p.path[len(p.path)-1]
	otherSystem := map[string]string{"fno": "dataverse", "dataverse": "fno"}
	swap := func(a, b string) string {
		if p.at.text == a {
			return b
		}
		return a
	}
	if len(p.path) == 1 {
		switch last {
		case "owner":
			return last, otherSystem[p.at.text]
		case "delete":
			return last, swap("ignore", "reject")
		}
		return "", ""
	}
	parent := p.path[len(p.path)-2]
	switch {
	case last == "key" && (parent == "map" || parent == "table" || p.path[0] == "tables"):
		return "map key", p.at.text + "x"
	case parent == "map" || parent == "table" || p.path[0] == "tables", last == "value":
		kind = "map value"
		switch {
		case slices.Contains(p.path, "blank") || slices.Contains(p.path, "otherwise"):
			kind = "blank" // what stands in for a blank
		case last == "value":
			kind = "value"
		}
		return kind, m.otherValue(f, p)
	case p.path[0] == "from" || p.path[0] == "to":
		return p.path[0] + " " + last, m.otherEnd(f, p, last)
	case last == "owner":
		return last, otherSystem[p.at.text]
	case last == "from":
		return last, m.otherColumn(f.plan.source, p.at.text)
	case last == "reference" || parent == "reference" && last == "key":
		return "reference", p.at.text + "x"
	case last == "longer":
		return last, swap("cut", "reject")
	case last == "case":
		return last, swap("upper", "lower")
	case last == "blank" || parent == "blank" && p.at.text == "reject":
		return "blank", swap("skip", "reject")
	}
	return "", ""
}

// otherEnd changes what the contract says of its source or its target.
func (m *mutator) otherEnd(f mutableFlow, p place, last string) string {
	switch last {
	case "system":
		return map[string]string{"fno": "dataverse", "dataverse": "fno"}[p.at.text]
	case "entity":
		system := map[bool]string{true: f.plan.From.System, false: f.plan.To.System}[p.path[0] == "from"]
		return pick(m.rand, schema.Entities(system))
	case "key":
		return m.otherColumn(f.plan.target, p.at.text)
	case "event":
		return p.at.text + "x"
	case "state":
		return map[string]string{StateRow: StateEvent, StateEvent: StateRow}[p.at.text]
	}
	return ""
}

// otherColumn names another column of the same kind, none where there isn't one.
func (m *mutator) otherColumn(e *schema.Entity, name string) string {
	column, ok := e.Column(name)
	if !ok {
		return ""
	}
	var names []string
	for _, c := range e.Columns {
		if c.Kind == column.Kind && c.Name != name {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return pick(m.rand, names)
}

// otherValue gives a fixed value, or what a map makes of one, another value of the field's kind.
func (m *mutator) otherValue(f mutableFlow, p place) string {
	column, ok := f.plan.target.Column(p.path[min(1, len(p.path)-1)])
	switch {
	case p.path[0] == "tables" || !ok:
		return p.at.text + "x"
	case p.at.shape == boolShape:
		return map[string]string{"true": "false", "false": "true"}[p.at.text]
	case column.Kind == schema.Choice:
		return pick(m.rand, column.Options).Value
	case p.at.shape == numberShape:
		return p.at.text + "1"
	}
	return p.at.text + "x"
}

// replaceScalar puts a text in the place of a scalar, quoted where that is.
func replaceScalar(text string, at *element, now string) (string, bool) {
	lines := strings.SplitAfter(text, "\n")
	line := lines[at.line-1]
	runes := []rune(line)
	before, rest := string(runes[:at.column-1]), string(runes[at.column-1:])
	for _, quote := range []string{"", `"`, "'"} {
		if after, ok := strings.CutPrefix(rest, quote+at.text+quote); ok {
			lines[at.line-1] = before + quote + now + quote + after
			return strings.Join(lines, ""), true
		}
	}
	return text, false
}
