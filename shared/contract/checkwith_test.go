package contract

import (
	"os"
	"strings"
	"testing"

	"crosswalk/shared/schema"
)

// withColumn is the built-in schemas with one column of account changed.
func withColumn(t *testing.T, name string, change func(*schema.Column)) func(system, entity string) (*schema.Entity, bool) {
	t.Helper()
	account, _ := schema.Lookup(schema.Dataverse, "account")
	changed := *account
	changed.Columns = append([]schema.Column(nil), account.Columns...)
	c, ok := changed.Column(name)
	if !ok {
		t.Fatalf("account has no %s", name)
	}
	change(c)
	return func(system, entity string) (*schema.Entity, bool) {
		if system == schema.Dataverse && entity == "account" {
			return &changed, true
		}
		return schema.Lookup(system, entity)
	}
}

func TestCheckWithFindsWhatASchemaBreaks(t *testing.T) {
	rejects := map[string]string{folder + "contract.yaml": strings.Replace(sound, "OrganizationName, blank: reject", "OrganizationName, blank: reject, longer: reject", 1)}
	for name, tt := range map[string]struct {
		column string
		change func(*schema.Column)
		want   string // part of the only finding; "" is none
	}{
		"as it is":            {"name", func(*schema.Column) {}, ""},
		"contract":            {"creditonhold", func(c *schema.Column) { c.Type, c.Kind = "Integer", schema.Integer }, "contract.yaml"},
		"an example's length": {"name", func(c *schema.Column) { c.MaxLength = 3 }, "examples/plain"},
	} {
		findings, err := CheckWith(write(t, soundFolder(), rejects), withColumn(t, tt.column, tt.change))
		if err != nil {
			t.Fatal(err)
		}
		if tt.want == "" && len(findings) > 0 || tt.want != "" && (len(findings) == 0 || !strings.Contains(findings[0].String(), tt.want)) {
			t.Errorf("%s: %v", name, findings)
		}
	}
	if _, err := CheckWith(write(t, soundFolder())+"/nowhere", schema.Lookup); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

// function.json and the topology are no schema's matter: without the one and with a flow the other hasn't got, it holds.
func TestCheckWithLooksAtSchemasOnly(t *testing.T) {
	root := write(t, soundFolder(), map[string]string{folder + "function.json": ""})
	if findings, err := CheckWith(root, schema.Lookup); err != nil || len(findings) > 0 {
		t.Errorf("%v, %v", findings, err)
	}
}
