package draft

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
	"crosswalk/shared/topology"
)

const topologyName = "topology.json"

// project is an empty one, or one with flows of this repository.
func project(t *testing.T, flows ...string) Project {
	t.Helper()
	root := t.TempDir()
	text, err := os.ReadFile("../topology/topology.json")
	if err != nil {
		t.Fatal(err)
	}
	entry := regexp.MustCompile(`,?\s*\{"name": "([^"]*)", "events": \[[^\]]*\]\}`)
	text = entry.ReplaceAllFunc(text, func(line []byte) []byte {
		if slices.Contains(flows, string(entry.FindSubmatch(line)[1])) {
			return line
		}
		return nil
	})
	text = []byte(strings.Replace(string(text), `"functions": [,`, `"functions": [`, 1))
	if err := os.WriteFile(filepath.Join(root, topologyName), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "functions"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, flow := range flows {
		if err := os.CopyFS(filepath.Join(root, "functions", flow), os.DirFS("../../functions/"+flow)); err != nil {
			t.Fatal(err)
		}
	}
	return Project{Root: root, Functions: "functions", Topology: topologyName, Schemas: schema.BuiltIn()}
}

// findings returns what the check says about the project, and which of it somebody has still to fill in or confirm.
func findings(t *testing.T, p Project) (faults, todos []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.Root, p.Topology))
	if err != nil {
		t.Fatal(err)
	}
	top, err := topology.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	found, err := contract.CheckAgainst(filepath.Join(p.Root, p.Functions), top, p.Schemas)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		line := strings.TrimPrefix(f.String(), filepath.Join(p.Root, p.Functions)+string(filepath.Separator))
		if strings.Contains(f.Message, "still to be") {
			todos = append(todos, line)
		} else {
			faults = append(faults, line)
		}
	}
	return faults, todos
}

func mustWrite(t *testing.T, p Project, f Flow) string {
	t.Helper()
	if _, err := p.Write(f); err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
	return read(t, filepath.Join(p.Root, p.Functions, f.Name, "contract.yaml"))
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// everyFlow calls with every flow that can be made from the snapshots: each source, each target of another system, each key.
func everyFlow(t *testing.T, with func(t *testing.T, f Flow, source, target *schema.Entity)) {
	t.Helper()
	schemas := schema.BuiltIn()
	n := 0
	for _, from := range schemas.Systems() {
		for _, to := range schemas.Systems() {
			for _, sourceName := range schemas.Entities(from) {
				for _, targetName := range schemas.Entities(to) {
					source, _ := schemas.Lookup(from, sourceName)
					target, _ := schemas.Lookup(to, targetName)
					if from == to || Event(source) == "" || target.Set == "" {
						continue
					}
					for _, key := range Keys(target) {
						n++
						with(t, Flow{Name: "new-flow", From: Side{from, sourceName}, To: Side{to, targetName}, Event: Event(source), Key: key}, source, target)
					}
				}
			}
		}
	}
	if n < 50 {
		t.Fatalf("only %d flows", n)
	}
}

// Whatever a flow is made from, the check finds nothing in it but what somebody has still to fill in; every column that a new row
// needs is there; and what it suggests beyond that holds as it stands.
func TestAnyNewFlowLacksOnlyWhatItMarks(t *testing.T) {
	suggestions := regexp.MustCompile(`(?m)^  # ([A-Za-z0-9_]+: \{)`)
	everyFlow(t, func(t *testing.T, f Flow, _, target *schema.Entity) {
		p := project(t)
		text := mustWrite(t, p, f)
		path := filepath.Join(p.Root, p.Functions, f.Name, "contract.yaml")
		if err := os.WriteFile(path, []byte(suggestions.ReplaceAllString(text, "  $1")), 0o600); err != nil {
			t.Fatal(err)
		}
		faults, todos := findings(t, p)
		if len(faults) > 0 {
			t.Errorf("%v to %v by %v: faults beside the TODOs:\n%s\n%s", f.From, f.To, f.Key, strings.Join(faults, "\n"), text)
		}
		if len(todos) < 2 { // purpose and team at least
			t.Errorf("%v to %v: only %d TODOs", f.From, f.To, len(todos))
		}
		for i := range target.Columns {
			if c := &target.Columns[i]; (c.MustBeSent() || slices.Contains(f.Key, c.Name)) && !strings.Contains(text, "\n  "+c.Name+": {from: ") {
				t.Errorf("%v to %v: no rule for %s", f.From, f.To, c.Name)
			}
		}
	})
}

// The example is a record that the source could send: a text no longer than its column, an option that there is.
func TestTheExampleIsARecordOfTheSource(t *testing.T) {
	everyFlow(t, func(t *testing.T, f Flow, source, _ *schema.Entity) {
		p := project(t)
		mustWrite(t, p, f)
		var row map[string]json.RawMessage
		text := read(t, filepath.Join(p.Root, p.Functions, f.Name, "examples/first.json"))
		if err := json.Unmarshal([]byte(text), &row); err != nil {
			t.Fatalf("%v: %v\n%s", f.From, err, text)
		}
		for _, name := range source.PrimaryKey {
			if row[name] == nil {
				t.Errorf("%v: nothing says which record it is: no %s", f.From, name)
			}
		}
		for name, value := range row {
			c, ok := source.Column(strings.TrimSuffix(strings.TrimPrefix(name, "_"), "_value"))
			if !ok {
				t.Errorf("%v has no column %s", f.From, name)
				continue
			}
			var word string
			isText := json.Unmarshal(value, &word) == nil
			if c.Kind == schema.Text && (!isText || c.MaxLength > 0 && len(word) > c.MaxLength || word == "") {
				t.Errorf("%v: %s is %s, a text of at most %d", f.From, name, value, c.MaxLength)
			}
			if _, known := c.Option(strings.Trim(string(value), `"`)); c.Kind == schema.Choice && !known {
				t.Errorf("%v: %s is %s, which is no option", f.From, name, value)
			}
		}
	})
}

// What the project's contracts say already needs no TODO: a flow in the opposite direction shares link and key, doesn't map back
// what the other keeps up to date, and gives what it must send a first value only.
func TestTheOppositeFlowIsTakenUp(t *testing.T) {
	p := project(t, "contact-to-fno")
	from, to := Side{"fno", "ContactPersons"}, Side{"dataverse", "contact"}
	key := p.Key(from, to)
	if want := []string{"cw_legalentity", "cw_contactnumber"}; !slices.Equal(key, want) {
		t.Fatalf("key %v, want %v", key, want)
	}
	text := mustWrite(t, p, Flow{Name: "contact-to-dataverse", From: from, To: to, Event: "fno.smmcontactpersonv2entity.*", Key: key})
	for _, want := range []string{
		"\npair: contact\n",
		"\n# when: ContactPersonId != \"\" # remove the first #",
		"at most 20 characters; as in contact-to-fno, the other way round\n  cw_contactnumber: {from: ContactPersonId, blank: reject, longer: reject}\n",
		"\n  cw_legalentity: {from: dataAreaId, blank: reject, longer: reject}\n",
		"; contact-to-fno keeps the source up to date, so this flow gives a first value only\n  lastname: {from: LastName, owner: dataverse, initial: true, blank: reject, longer: reject}\n",
		"\n  # assistantname: {from: AssistantName, blank: null, longer: reject}\n",
		"with owner: dataverse, initial: true they give a new row its first value: contact-to-fno (AssociatedPartyNumber, EmploymentDepartment, ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, loop := range []string{"# firstname:", "# emailaddress1:", "# telephone1:"} {
		if strings.Contains(text, loop) {
			t.Errorf("suggests %s, which the other flow writes back", loop)
		}
	}
	if faults, _ := findings(t, p); len(faults) > 0 {
		t.Errorf("faults beside the TODOs:\n%s", strings.Join(faults, "\n"))
	}
	for rule, looped := range map[string]bool{
		"{from: FirstName, blank: null, longer: reject}":                                  true,
		"{from: FirstName, owner: dataverse, initial: true, blank: null, longer: reject}": false, // as the comment says
	} {
		path := filepath.Join(p.Root, p.Functions, "contact-to-dataverse", "contract.yaml")
		if err := os.WriteFile(path, []byte(strings.Replace(text, "\n  # Other", "\n  firstname: "+rule+"\n  # Other", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if faults, _ := findings(t, p); looped != (len(faults) > 0) {
			t.Errorf("%s: faults %v", rule, faults)
		}
	}
}

// A contract of other entities between the same systems says how a column of the same name is mapped, and a person confirms it; F&O's
// legal entity is written as F&O keeps it.
func TestOtherContractsSuggest(t *testing.T) {
	p := project(t, "account-to-fno", "customer-to-dataverse", "invoice-to-dataverse", "order-to-dataverse")
	text := mustWrite(t, p, Flow{Name: "vendor-to-fno", From: Side{"dataverse", "account"}, To: Side{"fno", "VendorsV2"}, Event: "dataverse.account.*", Key: []string{"dataAreaId", "VendorAccountNumber"}})
	if want := "; as in account-to-fno\n  dataAreaId: {from: cw_legalentity, case: lower, blank: reject, longer: reject}\n"; !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
	text = mustWrite(t, p, Flow{Name: "invoice-to-order", From: Side{"fno", "SalesInvoicePostedBusinessEvent"}, To: Side{"dataverse", "salesorder"}, Event: "fno.SalesInvoicePosted", Key: []string{"ordernumber", "cw_legalentity"}})
	account := mustWrite(t, p, Flow{Name: "invoice-to-account", From: Side{"fno", "SalesInvoicePostedBusinessEvent"}, To: Side{"dataverse", "account"}, Event: "fno.SalesInvoicePosted", Key: []string{"cw_legalentity", "accountnumber"}})
	if want := "; dataverse owns it, says customer-to-dataverse, so this flow gives a first value only\n  name: {from: TODO InvoiceId, owner: dataverse, initial: true, blank: reject, longer: reject}\n"; !strings.Contains(account, want) {
		t.Errorf("no %q in\n%s", want, account)
	}
	for _, want := range []string{
		"; order-to-dataverse has spoken for it, and one column can't have two masters\n  customerid: {from: TODO InvoiceAccount, reference: {entity: account, key: accountnumber, and: {cw_legalentity: cw_legalentity}}, blank: reject}\n",
		"\n  cw_legalentity: {from: LegalEntity, case: lower, blank: reject, longer: reject}\n",
		"\n  # Not for this flow, because other flows have spoken for them: order-to-dataverse (customerid, ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A column that another flow writes isn't suggested again, nor one that the source's system makes up, as Dataverse its exchange rates.
func TestWhatHasAMasterIsNotSuggested(t *testing.T) {
	p := project(t, "customer-to-dataverse")
	for _, tt := range []struct {
		f         Flow
		has, lack string
	}{
		{Flow{Name: "to-account", From: Side{"fno", "VendorsV2"}, To: Side{"dataverse", "account"}, Event: "fno.vendvendorv2entity.*", Key: []string{"cw_legalentity", "cw_vendoraccount"}},
			"# address1_county:", "# creditlimit:"},
		{Flow{Name: "to-vendor", From: Side{"dataverse", "account"}, To: Side{"fno", "VendorsV2"}, Event: "dataverse.account.*", Key: []string{"dataAreaId", "VendorAccountNumber"}},
			"# AddressCountyId:", "# ExchangeRate:"},
	} {
		text := mustWrite(t, p, tt.f)
		if !strings.Contains(text, tt.has) || strings.Contains(text, tt.lack) {
			t.Errorf("wanted %s and no %s:\n%s", tt.has, tt.lack, text)
		}
	}
}

// Options become a map: those of the same name are filled in, each other one is a TODO.
func TestAMapIsWrittenOut(t *testing.T) {
	target := &schema.Column{Name: "kind", Kind: schema.Choice, Options: []schema.Option{{Value: "1", Label: "Item"}, {Value: "2", Label: "Bundle"}}}
	source := &schema.Column{Name: "Kind", Kind: schema.Choice, Options: []schema.Option{{Value: "Item"}, {Value: "No"}}}
	if got := strings.Join(choices(target, source), ", "); got != `"Item": 1, "No": TODO` {
		t.Errorf("writes %s", got)
	}
	yes := &schema.Column{Name: "on", Kind: schema.Boolean}
	if got := strings.Join(choices(target, yes), ", "); got != "true: TODO, false: TODO" {
		t.Errorf("of yes and no it writes %s", got)
	}
}

func TestSideIsFoundHoweverItIsWritten(t *testing.T) {
	p := project(t)
	for _, tt := range []struct{ text, want, fault string }{
		{"fno/CustomersV3", "fno/CustomersV3", ""},
		{"FnO/customersv3", "fno/CustomersV3", ""},
		{"salesorder", "dataverse/salesorder", ""},
		{"finops/CustomersV3", "", "did you mean fno/CustomersV3?"},
		{"D365 FO/CustomersV3", "", "did you mean fno/CustomersV3?"},
		{"sap/KNA1", "", "there are those of dataverse, fno"},
		{"fno/CustomerV3", "", "did you mean CustomersV3?"},
		{"nothing", "", "isn't written as system/Entity"},
		{"/account", "", "isn't written as system/Entity"},
	} {
		side, e, err := p.Side(tt.text)
		switch {
		case tt.fault == "" && (err != nil || side.System+"/"+side.Entity != tt.want || e.Name != side.Entity):
			t.Errorf("%s: %v %v", tt.text, side, err)
		case tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)):
			t.Errorf("%s: %v, want %q", tt.text, err, tt.fault)
		}
	}
}

func TestWhatCantBeASourceOrTargetIsRefused(t *testing.T) {
	account, _ := schema.Lookup("dataverse", "account")
	customers, _ := schema.Lookup("fno", "CustomersV3")
	invoice, _ := schema.Lookup("fno", "SalesInvoicePostedBusinessEvent")
	agreements, _ := schema.Lookup("fno", "SalesPriceAgreements")
	unnamed := *customers
	unnamed.VirtualTable = ""
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"an entity without a virtual table": {CheckSource(&unnamed), `add "virtualTable": "mserp_…" to shared/schema/fno/CustomersV3.json`},
		"an event as a target":              {CheckTarget(invoice), "is an event and can't be written"},
		"an event of the other system":      {CheckEvent(account, "fno.custcustomerv3entity.*"), "write dataverse.account.*"},
		"an event of another table":         {CheckEvent(account, "dataverse.contact.*"), "write dataverse.account.*"},
		"another business event":            {CheckEvent(invoice, "fno.VendorInvoicePosted"), "write fno.SalesInvoicePosted"},
		"an event that nobody publishes":    {CheckEvent(customers, "fno.custcustomerv3entity.update"), "past tense"},
		"a generated id":                    {CheckKey(account, []string{"accountid"}), "gives its rows [accountid] itself"},
		"a target without a usable key":     {CheckKey(agreements, []string{"dataAreaId", "RecordId"}), "define an alternate key there"},
		"no key":                            {CheckKey(account, []string{"name"}), "its keys are [accountnumber], [cw_legalentity, accountnumber], [cw_legalentity, cw_vendoraccount]"},
	} {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, tt.err, tt.want)
		}
	}
	for _, err := range []error{CheckSource(customers), CheckSource(invoice), CheckTarget(account), CheckEvent(account, "dataverse.account.created"), CheckKey(account, []string{"accountnumber", "cw_legalentity"})} {
		if err != nil {
			t.Error(err)
		}
	}
}

// A topology that can't be written takes the flow's folder back.
func TestAFlowIsWrittenWholeOrNotAtAll(t *testing.T) {
	p := project(t)
	f := Flow{Name: "a", From: Side{"dataverse", "account"}, To: Side{"fno", "CustomersV3"}, Event: "dataverse.account.*", Key: []string{"dataAreaId", "CustomerAccount"}}
	blocked := filepath.Join(p.Root, p.Topology+".new")
	if err := os.Mkdir(blocked, 0o755); err != nil {
		t.Fatal(err)
	}
	before := read(t, filepath.Join(p.Root, p.Topology))
	if _, err := p.Write(f); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadDir(filepath.Join(p.Root, p.Functions)); err != nil || len(left) > 0 || read(t, filepath.Join(p.Root, p.Topology)) != before {
		t.Errorf("left %v %v", left, err)
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, p, f)
	contract := filepath.Join(p.Root, p.Functions, "a/contract.yaml")
	if err := os.WriteFile(contract, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(f); err == nil || !strings.Contains(err.Error(), "there is a function a already") || read(t, contract) != "mine" {
		t.Errorf("a flow that is there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(p.Root, p.Functions, "a/function.json")); errors.Is(err, fs.ErrNotExist) {
		t.Error("no function.json")
	}
}

func TestNames(t *testing.T) {
	p := project(t)
	if err := os.Mkdir(filepath.Join(p.Root, p.Functions, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"customer-to-dataverse": "", "a1": "", strings.Repeat("x", 50): "",
		strings.Repeat("x", 51): "has 51 characters; a subscription's may have 50",
		"":                      "isn't made of", "A": "isn't made of", "a--b": "isn't made of", "-a": "isn't made of", "1a": "isn't made of",
		"../a": "isn't made of", "a_b": "isn't made of", "ä": "isn't made of", "taken": "already", "unrouted": "the name is taken", "events": "the name is taken",
	} {
		err := p.CheckName(name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}
