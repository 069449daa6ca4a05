package contract

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

const functionsRoot = "../../functions"

func TestOwnFlowsPassTheCheck(t *testing.T) {
	findings, err := Check(functionsRoot)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// The examples are the feed of a run as well: accepted ones and rejected ones, each with an event or a row of its own.
func TestOwnExamples(t *testing.T) {
	contracts, err := filepath.Glob(filepath.Join(functionsRoot, "*", "contract.yaml"))
	if err != nil || len(contracts) < 2 {
		t.Fatalf("%d contracts, %v", len(contracts), err)
	}
	for _, path := range contracts {
		p, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		examples, findings := Examples(filepath.Dir(path))
		if len(findings) > 0 {
			t.Fatal(findings)
		}
		accepted, rejected := 0, 0
		ids := map[string]string{}
		for _, e := range examples {
			if e.Want.Write != nil {
				accepted++
			} else {
				rejected++
			}
			id := exampleID(t, p, e)
			if other, taken := ids[id]; taken || id == "" {
				t.Errorf("%s: %s has the id %s, as has %q", p.Name, e.Name, id, other)
			}
			ids[id] = e.Name
		}
		if accepted < 3 || rejected < 2 {
			t.Errorf("%s: %d examples are accepted and %d rejected, wanted 3 and 2 at least", p.Name, accepted, rejected)
		}
	}
}

// exampleID returns what tells an example's event or row from the others.
func exampleID(t *testing.T, p *Plan, e Example) string {
	t.Helper()
	source, err := members(e.Input)
	if err != nil {
		t.Fatal(p.Name, e.Name, err)
	}
	names := []string{"EventId"}
	if p.From.State == StateRow {
		names = p.SourceEntity().PrimaryKey
	}
	id := ""
	for _, name := range names {
		if len(source[name]) == 0 {
			t.Errorf("%s: %s has no %s", p.Name, e.Name, name)
		}
		id += "/" + string(source[name])
	}
	return id
}

func TestInvoiceLookupsAreReferences(t *testing.T) {
	p, err := Load(filepath.Join(functionsRoot, "invoice-to-dataverse", "contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(filepath.Join(functionsRoot, "invoice-to-dataverse", "examples", "credit-note-demf.json"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Apply(src)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Reference{
		"customerid_account@odata.bind":    {Entity: "account", Set: "accounts", Key: "accountnumber", Value: "DE-001", Quoted: true, And: []KeyPart{{"cw_legalentity", "demf", true}}},
		"transactioncurrencyid@odata.bind": {Entity: "transactioncurrency", Set: "transactioncurrencies", Key: "isocurrencycode", Value: "EUR", Quoted: true},
		"pricelevelid@odata.bind":          {Entity: "pricelevel", Set: "pricelevels", Key: "name", Value: "EUR list", Quoted: true},
	}
	for _, v := range r.Fields() {
		if ref, ok := want[v.Name]; ok {
			if v.Reference == nil || !reflect.DeepEqual(*v.Reference, ref) {
				t.Errorf("%s: %+v, want %+v", v.Name, v.Reference, ref)
			}
			delete(want, v.Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	if got := r.KeyText(); got != "CIV-000802/demf" {
		t.Errorf("KeyText %s", got)
	}
}

func BenchmarkApply(b *testing.B) {
	for _, flow := range []struct{ name, example string }{{"invoice-to-dataverse", "posted"}, {"account-to-fno", "customer"}} {
		p, err := Load(filepath.Join(functionsRoot, flow.name, "contract.yaml"))
		if err != nil {
			b.Fatal(err)
		}
		src, err := os.ReadFile(filepath.Join(functionsRoot, flow.name, "examples", flow.example+".json"))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(flow.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if _, err := p.Apply(src); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(flow.name+"/json.Valid", func(b *testing.B) { // the yardstick: it reads the same bytes and keeps nothing
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if !json.Valid(src) {
					b.Fatal("invalid")
				}
			}
		})
	}
}
