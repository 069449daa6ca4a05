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
	contract := filepath.Join(folder, contractFile)
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
	return Finding{File: e.inputFile(), Line: line, Column: column,
		Message: "the example is no well-formed JSON: " + syntax.Err.Error(), Fix: "mend it here, and save it as UTF-8 without a byte order mark"}, true
}

// inputFile is the path of the .json.
func (e Example) inputFile() string { return strings.TrimSuffix(e.WantFile, wantSuffix) + ".json" }

// inInput is a finding at a member of the input.
func (e Example) inInput(name, fix, message string) Finding {
	line, column := placeOf(e.Input, `"`+name+`"`)
	return Finding{File: e.inputFile(), Line: line, Column: column, Message: message, Fix: fix}
}

// placeOf returns where a text first stands in a file, its beginning where it doesn't.
func placeOf(file []byte, text string) (line, column int) {
	if i := bytes.Index(file, []byte(text)); i >= 0 {
		return position(file, i)
	}
	return 1, 1
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
		return e.inInput(name, "did you mean "+near+"?", fmt.Sprintf("%s has no field %q, so the example says nothing for %s", p.source.Name, name, near)), true
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
		if n := textLength(Value{JSON: in[name]}.Text()); n > c.MaxLength {
			return e.inInput(name, "shorten it", fmt.Sprintf("%s has %d characters here, and the column of %s %s takes %d: no such record can come", name, n, p.From.System, p.From.Entity, c.MaxLength)), true
		}
	}
	return Finding{}, false
}

// Try maps an example and returns a finding for everything that comes out differently.
func (p *Plan) Try(e Example) Findings {
	t := tried{example: e}
	if todo := string(quote(Todo)); e.Want.Write != nil && bytes.Contains(e.Want.Write, []byte(todo)) {
		t.differs(todo, "crosswalk try "+p.Name+" "+e.Name+" --save "+e.Name+" writes it; look at it first", "what the flow should make of this example is still to be filled in")
		return t.findings
	}
	for _, faulty := range []func(Example) (Finding, bool){Example.broken, p.misspelt, p.unlike} {
		if finding, is := faulty(e); is {
			return Findings{finding}
		}
	}
	r, err := p.Apply(e.Input)
	switch {
	case err != nil || e.Want.Reject != nil || e.Want.Ignore != "":
		t.outcome(err)
	default:
		t.fields(r)
	}
	t.findings.sort()
	return t.findings
}

// tried is an example beside what came out.
type tried struct {
	example  Example
	findings Findings
}

// differs adds a finding where the expectation says at.
func (t *tried) differs(at, fix, format string, args ...any) {
	line, column := placeOf(t.example.wantText, at)
	t.findings = append(t.findings, Finding{File: t.example.WantFile, Line: line, Column: column, Message: fmt.Sprintf(format, args...), Fix: fix})
}

const eitherIsWrong = "correct the contract, or the expectation if the contract is right"

// outcome compares a record that wasn't written, or shouldn't have been.
func (t *tried) outcome(err error) {
	want, got := t.example.Want, fault.Of(err)
	ignored := errors.Is(err, ErrNotWanted)
	switch {
	case ignored && want.Ignore != "":
	case ignored:
		t.differs("", eitherIsWrong, "the record is ignored, because when is false for it")
	case want.Ignore != "":
		t.differs(`"ignore"`, eitherIsWrong, "the record isn't ignored: when is true for it")
	case err != nil && want.Reject == nil:
		t.differs(`"write"`, eitherIsWrong, "the record is rejected: %s", got)
	case err == nil && want.Reject != nil:
		t.differs(`"reject"`, eitherIsWrong, "the record is accepted and should be rejected with %s", want.Reject.Reason)
	case err != nil && (got.Reason != want.Reject.Reason || got.Field != want.Reject.Field):
		t.differs(`"reject"`, eitherIsWrong, "the record is rejected with %q for %q, not with %q for %q", got.Reason, got.Field, want.Reject.Reason, want.Reject.Field)
	}
}

// fields compares what is written.
func (t *tried) fields(r *Record) {
	want, err := members(t.example.Want.Write)
	if err != nil {
		t.differs(`"write"`, "write well-formed JSON", "write is malformed")
		return
	}
	for _, v := range r.Fields() {
		expected, ok := want[v.Name]
		delete(want, v.Name)
		switch {
		case !ok:
			t.differs(`"write"`, eitherIsWrong, "%s is written as %s and isn't expected", v.Name, v.JSON)
		case !sameLiteral(expected, v.JSON):
			t.differs(string(quote(v.Name)), eitherIsWrong, "%s is %s, not %s", v.Name, plainJSON(v.JSON), plainJSON(expected))
		}
	}
	for name := range want {
		t.differs(string(quote(name)), eitherIsWrong, "%s is expected and isn't written", name)
	}
}

// sameLiteral compares two JSON values digit by digit; only white space, the way a text is escaped and the order of an object's members
// don't count.
func sameLiteral(a, b []byte) bool { return bytes.Equal(plainJSON(a), plainJSON(b)) }

// plainJSON returns a JSON value on one line, members sorted, with every digit as it came.
func plainJSON(value []byte) []byte {
	v := jsontext.Value(bytes.Clone(value))
	if v.Format(jsontext.ReorderRawObjects(true)) != nil {
		return value // it isn't well-formed, and like nothing but itself
	}
	return v
}

// position turns a byte offset into line and column; columns count characters.
func position(text []byte, offset int) (line, column int) {
	before := text[:min(offset, len(text))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return 1 + bytes.Count(before, []byte{'\n'}), 1 + len([]rune(string(before[start:])))
}
