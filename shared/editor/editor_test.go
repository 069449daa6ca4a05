package editor

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// compiled is the schema as a validator reads it, which also checks it against draft-07's own schema.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema(schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	text, err = Columns(schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	columns, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := errors.Join(c.AddResource(Path, doc), c.AddResource(ColumnsPath, columns)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(Path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate judges a YAML text as an editor does.
func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	return s.Validate(value)
}

func contracts(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../functions/*/contract.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%v, %v", paths, err)
	}
	out := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(filepath.Dir(path))] = string(text)
	}
	return out
}

func TestEveryContractNamesTheSchemaAndFitsIt(t *testing.T) {
	s := compiled(t)
	for flow, text := range contracts(t) {
		if !strings.HasPrefix(text, Line) {
			t.Errorf("%s/contract.yaml begins without the line\n%s", flow, Line)
		}
		if err := validate(t, s, text); err != nil {
			t.Errorf("%s: %v", flow, err)
		}
	}
}

func TestTheSchemaIsWhatTheLanguageSays(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("../..", Path))
	if err != nil {
		t.Fatal(err)
	}
	now, err := Schema(schema.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, now) {
		t.Errorf("%s is stale: go run ./cmd/crosswalk docs", Path)
	}
}

// sound has every object of the language but the last ones of a field; each case below spoils one line.
const sound = `purpose: Sales sees every customer.
team: finance
pair: customer-account
owner: fno
from: {system: fno, entity: CustomersV3, event: fno.custcustomerv3entity.*, state: row}
to: {system: dataverse, entity: account, key: [accountnumber]}
tables:
  currency: {usmf: USD}
fields:
  accountnumber: {from: CustomerAccount, blank: reject}
  name: {from: OrganizationName, blank: {null: reject, empty: {from: NameAlias, blank: reject}}, longer: cut}
  creditonhold: {from: OnHoldStatus, map: {"No": false, All: true}, other: reject, blank: reject}
  transactioncurrencyid: {from: SalesCurrencyCode, reference: {entity: transactioncurrency, key: isocurrencycode}, blank: null}
delete: reject
`

func TestEditorAndCheckRefuseTheSameForms(t *testing.T) {
	s := compiled(t)
	if err := validate(t, s, sound); err != nil {
		t.Fatal(err)
	}
	if _, findings := contract.Parse("contract.yaml", "x", []byte(sound)); len(findings) > 0 {
		t.Fatal(findings)
	}
	for _, tt := range [][2]string{
		{"team: finance\n", ""},
		{"purpose: Sales", "purpos: Sales"},
		{"purpose: Sales sees every customer.", "purpose: 7"},
		{"purpose: Sales sees every customer.", "purpose: ' '"},
		{"owner: fno", "owner: [fno]"},
		{", state: row", ""},
		{"state: row", "state: {row: true}"},
		{"system: fno", "system: fnoo"},
		{"entity: account", "entity: acount"},
		{"entity: CustomersV3", "entity: account"},
		{"key: [accountnumber]", "key: accountnumber"},
		{"key: [accountnumber]", "key: []"},
		{"key: [accountnumber]", "keys: [accountnumber]"},
		{"from: CustomerAccount", "form: CustomerAccount"},
		{"from: CustomerAccount", "from: {a: CustomerAccount}"},
		{"CustomerAccount, blank: reject", "CustomerAccount, blank: maybe"},
		{"{null: reject,", "{nil: reject,"},
		{"longer: cut", "longer: shorten"},
		{`"No": false`, `"No": [false]`},
		{"key: isocurrencycode", "keys: isocurrencycode"},
		{"currency: {usmf: USD}", "currency: USD"},
	} {
		spoiled := strings.Replace(sound, tt[0], tt[1], 1)
		if spoiled == sound {
			t.Errorf("%q isn't in the sound contract", tt[0])
		}
		if err := validate(t, s, spoiled); err == nil {
			t.Errorf("%q: an editor accepts it", tt[1])
		}
		if _, findings := contract.Parse("contract.yaml", "x", []byte(spoiled)); len(findings) == 0 {
			t.Errorf("%q: the check accepts it", tt[1])
		}
	}
}

// Each key that the reader takes is in the schema with its text, and no other key is.
func TestSchemaAndReaderKnowTheSameKeys(t *testing.T) {
	root := compiled(t)
	seen := map[*contract.Object]bool{}
	var object func(o *contract.Object, s *jsonschema.Schema)
	var forms func(at string, list []contract.Form, s *jsonschema.Schema)
	forms = func(at string, list []contract.Form, s *jsonschema.Schema) {
		for _, f := range list {
			switch f.Kind {
			case contract.FormObject:
				object(f.Object, described(s, func(s *jsonschema.Schema) bool {
					return s.Ref != nil && strings.HasSuffix(s.Ref.Location, "/"+f.Object.Name)
				}).Ref)
			case contract.FormMap:
				m := described(s, func(s *jsonschema.Schema) bool { return s.AdditionalProperties != nil })
				forms(at, f.Of, m.AdditionalProperties.(*jsonschema.Schema))
			case contract.FormWord:
				if described(s, func(s *jsonschema.Schema) bool { return s.Enum != nil && slices.Contains(s.Enum.Values, word(f.Word)) }) == nil {
					t.Errorf("%s: the word %s isn't offered", at, f.Word)
				}
			}
		}
	}
	object = func(o *contract.Object, s *jsonschema.Schema) {
		if s == nil {
			t.Fatalf("object %s isn't described", o.Name)
		}
		if seen[o] {
			return
		}
		seen[o] = true
		if len(s.Properties) != len(o.Keys) || s.AdditionalProperties != false {
			t.Errorf("object %s: %d keys described, %d read; others allowed: %v", o.Name, len(s.Properties), len(o.Keys), s.AdditionalProperties)
		}
		for _, k := range o.Keys {
			p := s.Properties[k.Name]
			if p == nil || p.Description != k.Doc || k.Required != slices.Contains(s.Required, k.Name) {
				t.Errorf("%s.%s isn't described as it is read", o.Name, k.Name)
				continue
			}
			forms(o.Name+"."+k.Name, k.Forms, p)
		}
	}
	object(contract.Grammar(), root)
}

func word(w string) any {
	if w == "true" || w == "false" {
		return w == "true"
	}
	return w
}

// described returns the part of s, through its alternatives, for which ok holds; nil for none.
func described(s *jsonschema.Schema, ok func(*jsonschema.Schema) bool) *jsonschema.Schema {
	if ok(s) {
		return s
	}
	for _, part := range slices.Concat(s.AnyOf, s.AllOf) {
		if found := described(part, ok); found != nil {
			return found
		}
	}
	return nil
}
