package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// emptyProject has the repository's snapshots, the receivers' topology and no flow.
func emptyProject(t *testing.T) string {
	t.Helper()
	root := checkout(t)
	for _, flow := range []string{"functions", "docs"} {
		if err := os.RemoveAll(filepath.Join(root, flow)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "functions"), 0o755); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, topologyFile))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(text, []byte(`"functions": [`)) + len(`"functions": [`)
	if err := os.WriteFile(filepath.Join(root, topologyFile), append(text[:at:at], "]\n}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

// tree is every file below a folder with its text.
func tree(t *testing.T, root string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&out, "%s\n%s\n", path, text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// A flow without a line of Go: written, refused for what is open, filled in, tried, saved and accepted.
func TestNewFlowFromNothingToAGreenCheck(t *testing.T) {
	root := emptyProject(t)
	t.Chdir(root)
	out, err := runCommand("new", "flow", "customer-to-fno", "--from", "dataverse/account", "--event", "dataverse.account.*", "--to", "fno/CustomersV3", "--key", "dataAreaId, CustomerAccount")
	if err != nil || !strings.Contains(out, "wrote functions/customer-to-fno/contract.yaml\n") || !strings.Contains(out, "wrote shared/topology/topology.json\n") {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err = runCommand("check")
	if err == nil {
		t.Fatal("the check accepts a contract with TODOs")
	}
	for _, want := range []string{
		"functions/customer-to-fno/contract.yaml:2:10: purpose is still to be filled in, so the flow can't run (fix: say in one sentence why the flow exists)\n",
		"contract.yaml:3:7: team is still to be filled in, so the flow can't run (fix: say who is told when the flow fails)\n",
		"contract.yaml:14:27: field CustomerAccount: from is still to be confirmed, so the flow can't run (fix: write from: accountnumber if that is meant; else name another field of account, or write value: for a fixed value)\n",
		"\n6 findings\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	path := filepath.Join(root, "functions/customer-to-fno/contract.yaml")
	for _, change := range [][2]string{
		{"TODO say in one sentence why the flow exists", "Finance knows every customer."},
		{"TODO say who is told when the flow fails", "finance"},
		{"dataAreaId: {from: TODO,", "dataAreaId: {from: cw_legalentity,"},
		{"CustomerAccount: {from: TODO accountnumber,", "CustomerAccount: {from: accountnumber,"},
		{"CustomerGroupId: {from: TODO, blank: reject, longer: reject}", `CustomerGroupId: {value: "10"}`},
		{"SalesCurrencyCode: {from: TODO, blank: reject, longer: reject}", "SalesCurrencyCode: {value: USD}"},
		{"  # PrimaryContactPhone:", "  PrimaryContactPhone:"},
	} {
		replaceIn(t, path, change[0], change[1])
	}
	if out, err = runCommand("check"); err == nil || !strings.Contains(out, "what the flow should make of this example is still to be filled in (fix: crosswalk try customer-to-fno first --save first") && !strings.Contains(out, "blank-required") {
		t.Fatalf("an example without an expectation: %v\n%s", err, out)
	}
	example := filepath.Join(root, "functions/customer-to-fno/examples/first.json")
	if err := os.WriteFile(example, []byte(`{"accountid": "0a1b2c3d-0000-4000-8000-0000000000f1", "accountnumber": "C-1", "cw_legalentity": "USMF", "telephone1": "+1 555"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err = runCommand("try", "customer-to-fno", "first", "--save", "first"); err != nil || !strings.Contains(out, `"CustomerAccount": "C-1"`) {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err = runCommand("check"); err != nil {
		t.Fatalf("the finished flow: %v\n%s", err, out)
	}
	replaceIn(t, strings.TrimSuffix(example, ".json")+".want.json", `"usmf"`, `"demf"`)
	if out, err = runCommand("check"); err == nil || !strings.Contains(out, `dataAreaId is "usmf", not "demf"`) {
		t.Errorf("the example isn't run: %v\n%s", err, out)
	}
}

// answer runs new flow with what a person types.
func answer(t *testing.T, typed string, args ...string) (out string, err error) {
	t.Helper()
	var b bytes.Buffer
	cmd := newRoot()
	cmd.SetOut(&b)
	cmd.SetIn(strings.NewReader(typed))
	cmd.SetArgs(append([]string{"new", "flow"}, args...))
	err = cmd.Execute()
	return b.String(), err
}

func TestNewFlowAsksForWhatNoFlagSays(t *testing.T) {
	root := emptyProject(t)
	t.Chdir(filepath.Join(root, "shared")) // from any folder of the project
	out, err := answer(t, "invoice\nfno/SalesInvoicePostedBusinessEvent\n\ndataverse/invoice\ninvoicenumber,cw_legalentity\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out, "Event that starts the flow [fno.SalesInvoicePosted]: ") || !strings.Contains(out, "What to do now, in "+root+":\n") {
		t.Errorf("asks\n%s", out)
	}
	text, err := os.ReadFile(filepath.Join(root, "functions/invoice/contract.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"from: {system: fno, entity: SalesInvoicePostedBusinessEvent, event: fno.SalesInvoicePosted, state: event}\n",
		"to: {system: dataverse, entity: invoice, key: [invoicenumber, cw_legalentity]}\n",
		"  # invoicenumber (Invoice ID): key, text, at most 100 characters, required; likely InvoiceId",
		"  customerid: {from: TODO, reference: {entity: account, key: accountnumber, and: {cw_legalentity: cw_legalentity}}, blank: reject}\n",
		"  transactioncurrencyid: {from: TODO, reference: isocurrencycode, blank: reject}\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A wrong answer is explained and the question asked again; what is right is taken however it is written.
func TestNewFlowAsksAgainAfterAWrongAnswer(t *testing.T) {
	root := emptyProject(t)
	t.Chdir(root)
	typed := []string{
		"Account To FnO", "fno-events", "account-to-fno",
		"", "?", "crm/account", "dataverse/acount", "ACCOUNT",
		"fno.account.*", "",
		"fno/SalesInvoicePostedBusinessEvent", "customersv3",
		"OrganizationName", "",
	}
	out, err := answer(t, strings.Join(typed, "\n")+"\n")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		`the name "Account To FnO" isn't made of lower-case words`,
		`"fno-events": the name is taken`,
		"\n  fno/CustomersV3\n",
		"did you mean dataverse/account?",
		"did you mean account?",
		"write dataverse.account.*",
		"is an event and can't be written",
		"[OrganizationName] is no key of CustomersV3",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	text, err := os.ReadFile("functions/account-to-fno/contract.yaml")
	if err != nil || !strings.Contains(string(text), "to: {system: fno, entity: CustomersV3, key: [dataAreaId, CustomerAccount]}\n") {
		t.Errorf("%v\n%s", err, text)
	}
	before := tree(t, root)
	if out, err := answer(t, "half\ndataverse/account\n"); err == nil || !strings.Contains(err.Error(), "nothing was written") || tree(t, root) != before {
		t.Errorf("answers that end: %v\n%s", err, out)
	}
	if out, err := answer(t, "by-number\nfno/CustomersV3\n\naccount\n2\n"); err != nil || !strings.Contains(out, "  2  cw_legalentity,accountnumber\n") {
		t.Errorf("a key by its number: %v\n%s", err, out)
	}
	text, err = os.ReadFile("functions/by-number/contract.yaml")
	if err != nil || !strings.Contains(string(text), "key: [cw_legalentity, accountnumber]}") {
		t.Errorf("a key by its number: %v\n%s", err, text)
	}
}

// Where nobody can answer, as in a pipeline, everything that is missing is named at once.
func TestNewFlowWithoutATerminalNamesTheMissingFlags(t *testing.T) {
	root := emptyProject(t)
	t.Chdir(root)
	before := tree(t, root)
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	var out bytes.Buffer
	cmd := newRoot()
	cmd.SetOut(&out)
	cmd.SetIn(nothing)
	cmd.SetArgs([]string{"new", "flow", "--to", "dataverse/account"})
	const want = "nobody is here to be asked, and this is missing:\n" +
		"  NAME: name of the flow, such as customer-to-dataverse\n" +
		"  --from: source, as system/Entity\n" +
		"  --key: key by which a record is found in account, one of\n    1  accountnumber\n    2  cw_legalentity,accountnumber\n    3  cw_legalentity,cw_vendoraccount"
	if err := cmd.Execute(); err == nil || err.Error() != want || out.Len() > 0 {
		t.Errorf("%v\n%s", err, out.String())
	}
	if tree(t, root) != before {
		t.Error("something was written")
	}
}

// What can't become a flow leaves no trace.
func TestNewFlowRefusesAndWritesNothing(t *testing.T) {
	root := emptyProject(t)
	t.Chdir(root)
	good := []string{"--from", "dataverse/account", "--to", "fno/CustomersV3"}
	if _, err := runCommand(append([]string{"new", "flow", "taken"}, good...)...); err != nil {
		t.Fatal(err)
	}
	before := tree(t, root)
	for name, tt := range map[string]struct {
		flow string
		args []string
		want string
	}{
		"a taken name":         {"taken", good, "there is a function taken already"},
		"an ingress queue":     {"fno-events", good, "the name is taken"},
		"a long name":          {strings.Repeat("x", 51), good, "has 51 characters; a subscription's may have 50"},
		"capitals":             {"Customer", good, "isn't made of lower-case words"},
		"a path":               {"../x", good, "isn't made of lower-case words"},
		"no slash":             {"a", []string{"--from", "customer", "--to", "fno/CustomersV3"}, "isn't written as system/Entity"},
		"an unknown system":    {"a", []string{"--from", "sap/KNA1", "--to", "fno/CustomersV3"}, `no schemas of a system "sap"; there are those of dataverse, fno`},
		"an unknown entity":    {"a", []string{"--from", "dataverse/acount", "--to", "fno/CustomersV3"}, "did you mean account?); crosswalk schema pull dataverse acount reads it"},
		"an event as a target": {"a", []string{"--from", "dataverse/account", "--to", "fno/SalesInvoicePostedBusinessEvent", "--key", "InvoiceId"}, "is an event and can't be written"},
		"no key":               {"a", append([]string{"--key", "OrganizationName"}, good...), "[OrganizationName] is no key of CustomersV3, so it can find several rows; its keys are [dataAreaId, CustomerAccount]"},
		"a foreign event":      {"a", append([]string{"--event", "dataverse.account"}, good...), "write dataverse.account.*"},
		"another event":        {"a", []string{"--from", "fno/SalesInvoicePostedBusinessEvent", "--event", "fno.Other", "--to", "dataverse/account", "--key", "accountnumber"}, "write fno.SalesInvoicePosted"},
	} {
		if out, err := runCommand(append([]string{"new", "flow", tt.flow}, tt.args...)...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q\n%s", name, err, tt.want, out)
		}
	}
	replaceIn(t, filepath.Join(root, topologyFile), `"functions": [`, `"functions": {`)
	broken := tree(t, root)
	if _, err := runCommand(append([]string{"new", "flow", "a"}, good...)...); err == nil {
		t.Error("a faulty topology takes a flow")
	}
	if tree(t, root) != broken {
		t.Error("a refused flow has left something with a faulty topology")
	}
	replaceIn(t, filepath.Join(root, topologyFile), `"functions": {`, `"functions": [`)
	if after := tree(t, root); after != before {
		t.Errorf("a refused flow has left something:\n%s", after)
	}
}
