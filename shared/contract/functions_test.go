package contract

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

const functionsRoot = "../../functions"

var ownFlows = []string{"account-to-fno", "invoice-to-dataverse"}

func TestOwnFlowsPassTheCheck(t *testing.T) {
	findings, err := Check(functionsRoot)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// The examples are the feed of a run as well: accepted ones and rejected ones, each with an event id of its own.
func TestOwnExamples(t *testing.T) {
	for _, name := range ownFlows {
		examples, findings := Examples(filepath.Join(functionsRoot, name))
		if len(findings) > 0 {
			t.Fatal(findings)
		}
		accepted, rejected := 0, map[string]bool{}
		ids := map[any]string{}
		for _, e := range examples {
			if e.Want.Write != nil {
				accepted++
			} else {
				rejected[e.Want.Reject.Reason] = true
			}
			var source map[string]any
			if err := json.Unmarshal(e.Input, &source); err != nil {
				t.Fatal(err)
			}
			for _, member := range []string{"EventId", "accountid"} {
				id, ok := source[member]
				if !ok {
					continue
				}
				if other, taken := ids[id]; taken {
					t.Errorf("%s: %s and %s share the %s", name, e.Name, other, member)
				}
				ids[id] = e.Name
			}
		}
		if len(ids) != len(examples) {
			t.Errorf("%s: %d examples, %d ids", name, len(examples), len(ids))
		}
		if accepted < 5 || !rejected["blank-required"] || !rejected["too-long"] || !rejected["unknown-option"] {
			t.Errorf("%s: %d accepted, rejected for %v", name, accepted, rejected)
		}
	}
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
		"customerid_account@odata.bind":    {Entity: "account", Set: "accounts", Key: "accountnumber", Value: "DE-001"},
		"transactioncurrencyid@odata.bind": {Entity: "transactioncurrency", Set: "transactioncurrencies", Key: "isocurrencycode", Value: "EUR"},
		"pricelevelid@odata.bind":          {Entity: "pricelevel", Set: "pricelevels", Key: "name", Value: "EUR list"},
	}
	for _, v := range r.Fields {
		if ref, ok := want[v.Name]; ok {
			if v.Reference == nil || *v.Reference != ref {
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
