package schema

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestEverySnapshotIsSound(t *testing.T) {
	for _, system := range []string{Dataverse, FnO} {
		names := Entities(system)
		if len(names) == 0 {
			t.Fatalf("%s has no snapshot", system)
		}
		for _, name := range names {
			e, ok := Lookup(system, name)
			if !ok || e.System != system || e.Name != name || len(e.Columns) == 0 {
				t.Errorf("%s/%s: Lookup gives %+v", system, name, e)
				continue
			}
			for _, c := range e.Columns {
				if c.Kind == Unknown || c.Kind == Reference && len(c.Targets) == 0 {
					t.Errorf("%s.%s: kind %s, targets %v", name, c.Name, c.Kind, c.Targets)
				}
			}
		}
	}
}

// A snapshot is diffable because its columns are sorted, one to a line.
func TestSnapshotsAreSortedOneColumnALine(t *testing.T) {
	for _, system := range []string{Dataverse, FnO} {
		for _, name := range Entities(system) {
			data, err := snapshots.ReadFile(system + "/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			_, columns, _ := bytes.Cut(data, []byte("\"columns\": {\n"))
			var names []string
			for line := range bytes.Lines(columns) {
				if text, ok := strings.CutPrefix(string(line), `    "`); ok {
					column, _, _ := strings.Cut(text, `"`)
					names = append(names, column)
				}
			}
			e, _ := Lookup(system, name)
			if len(names) != len(e.Columns) || !slices.IsSorted(names) {
				t.Errorf("%s/%s: %d lines for %d columns, sorted: %t", system, name, len(names), len(e.Columns), slices.IsSorted(names))
			}
		}
	}
}

func TestColumns(t *testing.T) {
	column := func(system, entity, name string) Column {
		t.Helper()
		e, _ := Lookup(system, entity)
		c, ok := e.Column(name)
		if !ok {
			t.Fatalf("%s.%s is missing", entity, name)
		}
		return *c
	}
	if c := column(Dataverse, "account", "name"); c.MaxLength != 160 || c.Required != ApplicationRequired || !c.MustBeSent() {
		t.Errorf("account.name: %+v", c)
	}
	if c := column(Dataverse, "account", "creditlimit"); c.Min != "0" || c.Max != "100000000000000" || c.Precision != 4 || c.Kind != Number {
		t.Errorf("account.creditlimit: %+v", c)
	}
	if c := column(Dataverse, "account", "paymenttermscode"); c.Kind != Choice || len(c.Options) != 4 || c.Options[1] != (Option{Value: "2", Label: "2% 10, Net 30"}) {
		t.Errorf("account.paymenttermscode: %+v", c)
	}
	if c := column(Dataverse, "invoice", "duedate"); c.Kind != Time || !c.DateOnly {
		t.Errorf("invoice.duedate: %+v", c)
	}
	if c := column(Dataverse, "invoice", "customerid"); c.Kind != Reference || !slices.Equal(c.Targets, []string{"account", "contact"}) || !c.MustBeSent() {
		t.Errorf("invoice.customerid: %+v", c)
	}
	for _, name := range []string{"invoiceid", "ownerid", "statecode", "ispricelocked"} {
		if c := column(Dataverse, "invoice", name); c.MustBeSent() {
			t.Errorf("invoice.%s: the platform fills it in, yet it must be sent: %+v", name, c)
		}
	}
	// A currency's own rate is somebody's to set; everywhere else the platform copies it.
	if c := column(Dataverse, "transactioncurrency", "exchangerate"); !c.MustBeSent() {
		t.Errorf("transactioncurrency.exchangerate: %+v", c)
	}
	if c := column(Dataverse, "invoice", "totalamount_base"); !c.ReadOnly {
		t.Errorf("invoice.totalamount_base: %+v", c)
	}
	if c := column(FnO, "CustomersV3", "OnHoldStatus"); c.Kind != Choice || c.Options[2].Value != "All" {
		t.Errorf("CustomersV3.OnHoldStatus: %+v", c)
	}
	if c := column(FnO, "CustomersV3", "CreditLimit"); !c.NotNull || c.Kind != Number {
		t.Errorf("CustomersV3.CreditLimit: %+v", c)
	}
	if c := column(FnO, "SalesInvoicePostedBusinessEvent", "EventTimeIso8601"); !c.Optional || c.DateOnly {
		t.Errorf("EventTimeIso8601: %+v", c)
	}
}

func TestKeys(t *testing.T) {
	for _, tt := range []struct {
		system, entity string
		key            []string
		want           bool
	}{
		{Dataverse, "account", []string{"accountnumber"}, true},
		{Dataverse, "account", []string{"accountid"}, true},
		{Dataverse, "account", []string{"name"}, false},
		{Dataverse, "invoice", []string{"cw_legalentity", "invoicenumber"}, true},
		{Dataverse, "invoice", []string{"invoicenumber"}, false},
		{Dataverse, "transactioncurrency", []string{"isocurrencycode"}, true},
		{Dataverse, "pricelevel", []string{"name"}, true},
		{FnO, "CustomersV3", []string{"dataAreaId", "CustomerAccount"}, true},
		{FnO, "CustomersV3", []string{"CustomerAccount"}, false},
		{FnO, "SalesInvoicePostedBusinessEvent", nil, false},
	} {
		e, ok := Lookup(tt.system, tt.entity)
		if !ok || e.HasKey(tt.key) != tt.want {
			t.Errorf("%s has key %v: %t, want %t", tt.entity, tt.key, !tt.want, tt.want)
		}
	}
}

func TestParseRefusesFaultySnapshots(t *testing.T) {
	for name, doc := range map[string]string{
		"unknown member":       `{"system":"fno","entity":"x","colums":{}}`,
		"unknown type":         `{"system":"fno","entity":"x","columns":{"a":{"type":"Strin"}}}`,
		"key without a column": `{"system":"fno","entity":"x","primaryKey":["b"],"columns":{"a":{"type":"String"}}}`,
		"no options":           `{"system":"fno","entity":"x","columns":{"a":{"type":"Enum","enum":"NoYes"}}}`,
		"options no texts":     `{"system":"fno","entity":"x","columns":{"a":{"type":"Picklist","options":[1]}}}`,
	} {
		if e, err := Parse([]byte(doc)); err == nil {
			t.Errorf("%s: accepted as %+v", name, e)
		}
	}
}
