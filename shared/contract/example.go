package contract

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"

	"crosswalk/shared/fault"
	"crosswalk/shared/schema"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Example is one source record and what the flow makes of it: examples/<name>.json and examples/<name>.want.json.
type Example struct {
	Name string
	// Input is the event's body or the source row, byte for byte.
	Input []byte
	Want  Want
	// WantFile is the path of the .want.json.
	WantFile string

	wantText []byte
}

// Want is what an example expects: a write, a rejection, or that the record is ignored.
type Want struct {
	// Write is the request body with the key's columns, as a JSON object; nil where a rejection is expected.
	Write jsontext.Value `json:"write,omitempty"`
	// Reject is the fault that is expected; nil where a write is.
	Reject *Rejection `json:"reject,omitempty"`
	// Ignore is "not-wanted" where the contract's "when" is expected to be false.
	Ignore string `json:"ignore,omitempty"`
}

// Rejection is an expected fault.
type Rejection struct {
	// Reason and Field are those of the fault.
	Reason string `json:"reason"`
	Field  string `json:"field"`
}

// NotWanted is the outcome of a record for which the contract's "when" is false.
const NotWanted = "not-wanted"

const wantSuffix = ".want.json"

// Examples reads a function's examples, sorted by name. What is wrong with their files is in the findings.
func Examples(folder string) ([]Example, Findings) {
	dir := filepath.Join(folder, "examples")
	contract := filepath.Join(folder, "contract.yaml")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, Findings{{File: dir, Line: 1, Column: 1, Message: "the examples can't be read", Fix: "check the folder's rights"}}
	}
	var out []Example
	var findings Findings
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	for name := range names {
		path := filepath.Join(dir, name)
		stem, isWant := strings.CutSuffix(name, wantSuffix)
		input, isInput := strings.CutSuffix(name, ".json")
		switch {
		case isWant && !names[stem+".json"]:
			findings = append(findings, Finding{File: path, Line: 1, Column: 1, Message: "there is no input for this expectation", Fix: "add " + stem + ".json, or remove this file"})
		case !isInput && strings.EqualFold(filepath.Ext(name), ".json"):
			findings = append(findings, Finding{File: path, Line: 1, Column: 1, Message: "an example's name ends in .json, in small letters: nobody reads this one", Fix: "rename it"})
		case isWant || !isInput:
		case !names[input+wantSuffix]:
			findings = append(findings, Finding{File: path, Line: 1, Column: 1, Message: "nothing says what should come of this example", Fix: "add " + input + wantSuffix + ` with {"write": {…}} or {"reject": {"reason": "…", "field": "…"}}`})
		default:
			example, err := readExample(dir, input)
			if err != nil {
				findings = append(findings, Finding{File: filepath.Join(dir, input+wantSuffix), Line: 1, Column: 1, Message: err.Error(), Fix: `write {"write": {…}}, {"reject": {"reason": "…", "field": "…"}} or {"ignore": "not-wanted"}`})
				continue
			}
			out = append(out, example)
		}
	}
	if len(out) == 0 && len(findings) == 0 {
		findings = append(findings, Finding{File: contract, Line: 1, Column: 1, Message: "the flow has no examples, so nothing shows that it does what it says", Fix: "add examples/<name>.json and examples/<name>" + wantSuffix})
	}
	slices.SortFunc(out, func(a, b Example) int { return strings.Compare(a.Name, b.Name) })
	findings.sort()
	return out, findings
}

func readExample(dir, name string) (Example, error) {
	e := Example{Name: name, WantFile: filepath.Join(dir, name+wantSuffix)}
	var err error
	if e.Input, err = os.ReadFile(filepath.Join(dir, name+".json")); err != nil {
		return e, errors.New("the example can't be read")
	}
	if e.wantText, err = os.ReadFile(e.WantFile); err != nil {
		return e, errors.New("the expectation can't be read")
	}
	if err := json.Unmarshal(e.wantText, &e.Want, json.RejectUnknownMembers(true)); err != nil {
		return e, fmt.Errorf("the expectation is malformed: %w", err)
	}
	expects := 0
	for _, given := range []bool{e.Want.Write != nil, e.Want.Reject != nil, e.Want.Ignore != ""} {
		if given {
			expects++
		}
	}
	if expects != 1 {
		return e, errors.New("an expectation is one of write, reject and ignore")
	}
	if e.Want.Ignore != "" && e.Want.Ignore != NotWanted {
		return e, errors.New("ignore is " + NotWanted)
	}
	if e.Want.Write != nil && e.Want.Write.Kind() != '{' {
		return e, errors.New("write isn't an object")
	}
	return e, nil
}

// broken finds where an example that should be written is no JSON: what is at fault then is the example's own file.
func (e Example) broken() (Finding, bool) {
	var syntax *jsontext.SyntacticError
	var whole jsontext.Value
	if e.Want.Write == nil || !errors.As(json.Unmarshal(e.Input, &whole), &syntax) {
		return Finding{}, false
	}
	line, column := position(e.Input, int(syntax.ByteOffset))
	return Finding{File: strings.TrimSuffix(e.WantFile, wantSuffix) + ".json", Line: line, Column: column,
		Message: "the example is no well-formed JSON: " + syntax.Err.Error(), Fix: "mend it here, and save it as UTF-8 without a byte order mark"}, true
}

// misspelt finds a member of the example that no column has, where a column that the contract reads is missing and has nearly
// its name: the record would go through as if the column were empty.
func (p *Plan) misspelt(e Example) (Finding, bool) {
	in, err := members(e.Input)
	if err != nil {
		return Finding{}, false // Apply tells
	}
	var missing []string
	for _, column := range p.columns {
		if _, ok := in[column]; !ok {
			missing = append(missing, column)
		}
	}
	names := slices.Sorted(maps.Keys(in))
	for _, name := range names {
		if _, known := p.source.Column(name); known || slices.Contains(p.columns, name) || strings.Contains(name, "@") {
			continue
		}
		near := nearest(name, missing)
		if near == "" {
			continue
		}
		line, column := 1, 1
		if i := bytes.Index(e.Input, []byte(`"`+name+`"`)); i >= 0 {
			line, column = position(e.Input, i)
		}
		return Finding{File: strings.TrimSuffix(e.WantFile, wantSuffix) + ".json", Line: line, Column: column,
			Message: fmt.Sprintf("%s has no field %q, so the example says nothing for %s", p.source.Name, name, near), Fix: "did you mean " + near + "?"}, true
	}
	return Finding{}, false
}

// unlike finds a text of the example that its source's column has no room for: no such record can come, so the example would show
// what never happens, and the source refuses it where the examples are run.
func (p *Plan) unlike(e Example) (Finding, bool) {
	in, err := members(e.Input)
	if err != nil || p.From.State == StateEvent {
		return Finding{}, false // Apply tells; an event's members have the lengths that its version has
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		c, ok := p.source.Column(name)
		if !ok || c.Kind != schema.Text || c.MaxLength == 0 {
			continue
		}
		if n := len(utf16.Encode([]rune(Value{JSON: in[name]}.Text()))); n > c.MaxLength {
			line, column := 1, 1
			if i := bytes.Index(e.Input, []byte(`"`+name+`"`)); i >= 0 {
				line, column = position(e.Input, i)
			}
			return Finding{File: strings.TrimSuffix(e.WantFile, wantSuffix) + ".json", Line: line, Column: column,
				Message: fmt.Sprintf("%s has %d characters here, and the column of %s %s takes %d: no such record can come", name, n, p.From.System, p.From.Entity, c.MaxLength),
				Fix:     "shorten it"}, true
		}
	}
	return Finding{}, false
}

// Try maps an example and returns a finding for everything that comes out differently.
func (p *Plan) Try(e Example) Findings {
	var out Findings
	differs := func(at, fix, format string, args ...any) {
		line, column := 1, 1
		if i := bytes.Index(e.wantText, []byte(at)); i >= 0 && at != "" {
			line, column = position(e.wantText, i)
		}
		out = append(out, Finding{File: e.WantFile, Line: line, Column: column, Message: fmt.Sprintf(format, args...), Fix: fix})
	}
	const fix = "correct the contract, or the expectation if the contract is right"
	if e.Want.Write != nil && bytes.Contains(e.Want.Write, []byte(`"`+Todo+`"`)) {
		differs(`"`+Todo+`"`, "crosswalk try "+p.Name+" "+e.Name+" --save "+e.Name+" writes it; look at it first", "what the flow should make of this example is still to be filled in")
		return out
	}
	if finding, broken := e.broken(); broken {
		return Findings{finding}
	}
	if finding, misspelt := p.misspelt(e); misspelt {
		return Findings{finding}
	}
	if finding, unlike := p.unlike(e); unlike {
		return Findings{finding}
	}
	r, err := p.Apply(e.Input)
	ignored := errors.Is(err, ErrNotWanted)
	got := fault.Of(err)
	switch {
	case ignored && e.Want.Ignore != "":
		return out
	case ignored:
		differs("", fix, "the record is ignored, because when is false for it")
		return out
	case e.Want.Ignore != "":
		differs(`"ignore"`, fix, "the record isn't ignored: when is true for it")
		return out
	case err != nil && e.Want.Reject == nil:
		differs(`"write"`, fix, "the record is rejected: %s", got)
		return out
	case err == nil && e.Want.Reject != nil:
		differs(`"reject"`, fix, "the record is accepted and should be rejected with %s", e.Want.Reject.Reason)
		return out
	case err != nil:
		if got.Reason != e.Want.Reject.Reason || got.Field != e.Want.Reject.Field {
			differs(`"reject"`, fix, "the record is rejected with %q for %q, not with %q for %q", got.Reason, got.Field, e.Want.Reject.Reason, e.Want.Reject.Field)
		}
		return out
	}
	want, err := members(e.Want.Write)
	if err != nil {
		differs(`"write"`, "write well-formed JSON", "write is malformed")
		return out
	}
	for _, v := range r.Fields() {
		expected, ok := want[v.Name]
		delete(want, v.Name)
		switch {
		case !ok:
			differs(`"write"`, fix, "%s is written as %s and isn't expected", v.Name, v.JSON)
		case !sameLiteral(expected, v.JSON):
			differs(string(quote(v.Name)), fix, "%s is %s, not %s", v.Name, v.JSON, expected)
		}
	}
	for name := range want {
		differs(string(quote(name)), fix, "%s is expected and isn't written", name)
	}
	out.sort()
	return out
}

// sameLiteral compares two JSON literals digit by digit; only the way a text is escaped doesn't count.
func sameLiteral(a, b []byte) bool {
	return (len(a) > 0 && a[0] == '"') == (len(b) > 0 && b[0] == '"') && Value{JSON: a}.Text() == Value{JSON: b}.Text()
}

// position turns a byte offset into line and column; columns count characters.
func position(text []byte, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return 1 + bytes.Count(before, []byte{'\n'}), 1 + len([]rune(string(before[start:])))
}
