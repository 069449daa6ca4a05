package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/local/systems"
	"crosswalk/shared/schema"
)

// checkout is a project with the repository's flows and snapshots, which a test may change.
func checkout(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"functions", filepath.Join("shared", "schema"), filepath.Join("shared", "topology")} {
		if err := os.CopyFS(filepath.Join(root, dir), os.DirFS(filepath.Join("..", "..", dir))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"host.json", "go.mod"} {
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// edited writes a snapshot with replacements to a new file and returns its path.
func edited(t *testing.T, name string, replacements ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "schema", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(replacements); i += 2 {
		if !strings.Contains(text, replacements[i]) {
			t.Fatalf("%s hasn't got %s", name, replacements[i])
		}
		text = strings.Replace(text, replacements[i], replacements[i+1], 1)
	}
	path := filepath.Join(t.TempDir(), "new.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSchemaDiffNamesChangesAndBrokenContracts(t *testing.T) {
	root := checkout(t)
	for name, tt := range map[string]struct {
		file         string
		replacements []string
		broken       bool
		want         []string
	}{
		"nothing": {"dataverse/account.json", nil, false, []string{"dataverse account: nothing changed"}},
		"another display name": {"dataverse/account.json", []string{`"displayName": "Credit Hold"`, `"displayName": "On Hold"`}, false,
			[]string{"  column creditonhold is shown as \"On Hold\", before \"Credit Hold\"", "only what people see is called otherwise: no contract breaks"}},
		"harmless": {"dataverse/account.json", []string{`"accountcategorycode": {"type": "Picklist", "options": {"1": "Preferred Customer", "2": "Standard"}, "displayName": "Category"},`, ""}, false,
			[]string{"  column accountcategorycode is gone", "no contract breaks"}},
		"column gone": {"dataverse/account.json", []string{"    \"telephone1\": {\"type\": \"String\", \"maxLength\": 50, \"displayName\": \"Main Phone\"},\n", ""}, true,
			[]string{"  column telephone1 is gone", "contract.yaml:", "breaks account-to-fno"}},
		"key gone": {"dataverse/account.json", []string{`["cw_legalentity", "accountnumber"], `, ``}, true,
			[]string{"  alternate key (cw_legalentity, accountnumber) is gone", "invoice-to-dataverse, order-to-dataverse"}},
		"a key that no flow finds rows by": {"dataverse/account.json", []string{`[["accountnumber"], `, `[`}, false,
			[]string{"  alternate key (accountnumber) is gone", "no contract breaks"}},
		"shorter": {"fno/CustomersV3.json", []string{`"CustomerAccount": {"type": "String", "maxLength": 20`, `"CustomerAccount": {"type": "String", "maxLength": 5`}, true,
			[]string{"  column CustomerAccount is shorter: at most 5 characters, before 20", "breaks account-to-fno"}},
		"an option gone": {"dataverse/account.json", []string{`"3": "Net 45", `, ""}, true,
			[]string{"  column paymenttermscode has lost option 3 (Net 45)", "functions/customer-to-dataverse/contract.yaml:", "breaks account-to-fno, "}},
		"another type": {"dataverse/account.json", []string{`"creditlimit": {"type": "Money", `, `"creditlimit": {"type": "Integer", `}, true,
			[]string{"  column creditlimit has another type: Integer, before Money", "functions/customer-to-dataverse/contract.yaml:", "breaks account-to-fno, "}},
		"not to be written": {"dataverse/account.json", []string{`"creditonhold": {"type": "Boolean"`, `"creditonhold": {"type": "Boolean", "readOnly": true`}, true,
			[]string{"  column creditonhold can't be written any more", "breaks customer-to-dataverse"}},
		"a lookup's target gone": {"dataverse/invoice.json", []string{`"targets": ["account", "contact"]`, `"targets": ["contact"]`}, true,
			[]string{"  column customerid can't refer to account any more", "breaks invoice-to-dataverse"}},
		"another event": {"fno/SalesInvoicePostedBusinessEvent.json", []string{`"event": "fno.SalesInvoicePosted"`, `"event": "fno.SalesInvoicePostedV2"`}, true,
			[]string{"  the event's type is fno.SalesInvoicePostedV2, before fno.SalesInvoicePosted", "breaks invoice-to-dataverse"}},
		"another virtual table": {"fno/CustomersV3.json", []string{"mserp_custcustomerv3entity", "mserp_custcustomerv4entity"}, true,
			[]string{"mserp_custcustomerv4entity", "breaks customer-to-dataverse"}},
		"newly required": {"dataverse/invoice.json", []string{`"willcall": {"type": "Boolean"`, `"willcall": {"type": "Boolean", "required": "system"`}, true,
			[]string{"  column willcall is newly required (system)", "breaks invoice-to-dataverse"}},
	} {
		var out bytes.Buffer
		old := filepath.Join(root, "shared", "schema", filepath.FromSlash(tt.file))
		broken, err := diffFiles(&out, root, old, edited(t, tt.file, tt.replacements...))
		if err != nil || broken != tt.broken {
			t.Errorf("%s: broken %t, %v\n%s", name, broken, err, out.String())
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: no %q in\n%s", name, want, out.String())
			}
		}
	}
}

// A fault that the contracts have anyway isn't the new snapshot's.
func TestSchemaDiffNamesNewFindingsOnly(t *testing.T) {
	root := checkout(t)
	contract := filepath.Join(root, "functions", "account-to-fno", "contract.yaml")
	text, err := os.ReadFile(contract)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(contract, append(text, "\n  NoSuchColumn: {from: name}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	old := filepath.Join(root, "shared", "schema", "dataverse", "account.json")
	broken, err := diffFiles(&out, root, old, edited(t, "dataverse/account.json", `"yominame": {"type": "String", "maxLength": 160`, `"yominame": {"type": "String", "maxLength": 150`))
	if err != nil || broken || !strings.Contains(out.String(), "no contract breaks") {
		t.Errorf("broken %t, %v\n%s", broken, err, out.String())
	}
}

func TestSchemaDiffRefusesWhatItCannotCompare(t *testing.T) {
	root := checkout(t)
	account, contact := filepath.Join(root, "shared/schema/dataverse/account.json"), filepath.Join(root, "shared/schema/dataverse/contact.json")
	for want, files := range map[string][2]string{
		"are two entities":        {account, contact},
		"there is no file absent": {account, "absent"},
		"there is no file gone":   {"gone", account},
		"go.mod":                  {account, filepath.Join(root, "go.mod")},
	} {
		if _, err := diffFiles(&bytes.Buffer{}, root, files[0], files[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", files, err)
		}
	}
}

// What changed, what is new and what is gone, whether nobody, a folder or a revision says what to compare.
func TestSchemaDiffOfStates(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git isn't installed")
	}
	root := checkout(t)
	inGit := func(args ...string) {
		t.Helper()
		if _, err := git(t.Context(), root, append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...); err != nil {
			t.Fatal(err)
		}
	}
	diff := func(args ...string) (string, bool) {
		t.Helper()
		var out bytes.Buffer
		broken, err := diffSnapshots(t.Context(), &out, root, args)
		if err != nil {
			t.Fatal(err)
		}
		return out.String(), broken
	}
	snapshots := filepath.Join(root, "shared", "schema")
	before := t.TempDir()
	if err := os.CopyFS(before, os.DirFS(snapshots)); err != nil {
		t.Fatal(err)
	}
	inGit("init", "-q")
	inGit("add", "shared")
	inGit("commit", "-q", "-m", "snapshots")
	if out, broken := diff(); broken || out != "no snapshot in shared/schema differs from the last commit\n" {
		t.Errorf("broken %t\n%s", broken, out)
	}

	changed, err := os.ReadFile(edited(t, "dataverse/account.json", `["cw_legalentity", "accountnumber"], `, ``))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(snapshots, "dataverse", "account.json"), changed)
	write(t, filepath.Join(snapshots, "payroll", "Person.json"), []byte(`{"system":"payroll","entity":"Person","columns":{"id":{"type":"String"}}}`))
	if err := os.Remove(filepath.Join(snapshots, "fno", "VendorsV2.json")); err != nil {
		t.Fatal(err)
	}
	want := []string{"dataverse account:\n  alternate key (cw_legalentity, accountnumber) is gone\n", "breaks customer-to-dataverse, invoice-to-dataverse, order-to-dataverse\n",
		"fno VendorsV2: its snapshot is gone\n", "functions/vendor-to-dataverse/contract.yaml:", "breaks vendor-to-dataverse\n",
		"payroll Person: its snapshot is new; columns: 1\nno contract breaks\n"}
	now, broken := diff()
	for _, w := range want {
		if !broken || !strings.Contains(now, w) {
			t.Errorf("broken %t, no %q in\n%s", broken, w, now)
		}
	}
	inGit("add", "-A", "shared")
	inGit("commit", "-q", "-m", "changed")
	if out, broken := diff(); broken || !strings.Contains(out, "no snapshot in shared/schema differs") {
		t.Errorf("broken %t\n%s", broken, out)
	}
	for _, args := range [][]string{{"HEAD~1"}, {"HEAD~1", "HEAD"}, {before}, {before, snapshots}, {"HEAD~1", snapshots}} {
		if out, broken := diff(args...); !broken || out != now {
			t.Errorf("%v: broken %t\n%s", args, broken, out)
		}
	}
	// The other way round mends all three flows.
	if out, broken := diff("HEAD", before); broken || !strings.Contains(out, "fno VendorsV2: its snapshot is new") || !strings.Contains(out, "payroll Person: its snapshot is gone\nno contract breaks\n") {
		t.Errorf("broken %t\n%s", broken, out)
	}
	for _, args := range [][]string{{"no-such-branch"}, {"--output=x"}, {before, "no-such-branch"}} {
		if _, err := diffSnapshots(t.Context(), &bytes.Buffer{}, root, args); err == nil || !strings.Contains(err.Error(), args[len(args)-1]+" is neither a folder of snapshots nor a git revision") {
			t.Errorf("%v: %v", args, err)
		}
	}
	write(t, filepath.Join(snapshots, "payroll", "Person.json"), []byte(`{"system":"payroll"`))
	if _, err := diffSnapshots(t.Context(), &bytes.Buffer{}, root, nil); err == nil || !strings.Contains(err.Error(), "payroll/Person.json: ") {
		t.Errorf("a faulty snapshot: %v", err)
	}
}

// write writes a file and the folders above it.
func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// The command as a person types it, against the simulated systems: with the certificate, over TLS.
func TestSchemaPull(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "crosswalk")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s, err := systems.Start(systems.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	e, root, dir := s.Endpoints(), checkout(t), t.TempDir()
	if !x509.NewCertPool().AppendCertsFromPEM(e.CAPEM) {
		t.Fatal("no certificate to trust")
	}
	for name, text := range map[string][]byte{"ca.pem": e.CAPEM, "crosswalk.pem": e.CrosswalkCertificatePEM} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	crosswalk := func(args ...string) (string, error) {
		cmd := exec.Command(bin, append([]string{"schema"}, args...)...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem"), "ENTRA_AUTHORITY_HOST="+e.EntraAuthorityHTTPS, "ENTRA_TENANT_ID="+e.TenantID,
			"ENTRA_CLIENT_ID="+e.CrosswalkClientID, "ENTRA_CERTIFICATE_PATH="+filepath.Join(dir, "crosswalk.pem"), "DATAVERSE_URL="+e.DataverseHTTPS, "FNO_URL="+e.FnOHTTPS)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	holds := func(out string, err error, want ...string) {
		t.Helper()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("no %q in\n%s", w, out)
			}
		}
	}
	out, err := crosswalk("pull", "fno", "CustomersV3")
	holds(out, err, "CustomersV3.json is up to date", "kept from the snapshot: length: ", "lengths and mandatory fields aren't told")

	// A snapshot that knows a column too few and a length too much is put right, once.
	path := filepath.Join(root, "shared", "schema", "dataverse", "account.json")
	stale, err := os.ReadFile(edited(t, "dataverse/account.json", "    \"telephone1\"", "    \"telephone0\"", `"name": {"type": "String", "maxLength": 160`, `"name": {"type": "String", "maxLength": 170`))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, stale, 0o600); err != nil {
		t.Fatal(err)
	}
	changes := []string{"column name is shorter: at most 160 characters, before 170", "column telephone0 is gone", "column telephone1 is new: String"}
	out, err = crosswalk("pull", "dataverse", "account", "--dry-run")
	holds(out, err, append(changes, "nothing was written")...)
	if now, _ := os.ReadFile(path); !bytes.Equal(now, stale) {
		t.Error("--dry-run wrote the file")
	}
	out, err = crosswalk("pull", "dataverse", "account")
	holds(out, err, append(changes, "wrote shared/schema/dataverse/account.json")...)
	now, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := schema.Parse(now); err != nil {
		t.Error(err)
	} else if c, ok := a.Column("name"); !ok || c.MaxLength != 160 {
		t.Errorf("%+v", c)
	}
	out, err = crosswalk("pull", "dataverse", "account")
	holds(out, err, "account.json is up to date")

	out, err = crosswalk("pull", "dataverse", "lead")
	holds(out, err, "lead.json is new", "wrote shared/schema/dataverse/lead.json")
	if out, err = crosswalk("pull", "salesforce", "Account"); err == nil || !strings.Contains(out, "SALESFORCE_URL is not set") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err = crosswalk("pull", "sap", "KNA1"); err == nil || !strings.Contains(out, "there is no system sap: schemas come from dataverse, fno and salesforce") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Somebody with no credentials makes a snapshot of what an administrator saved; the next flow can use it.
func TestSchemaPullFromSavedFiles(t *testing.T) {
	root := checkout(t)
	saved, err := filepath.Abs("../../shared/schema/environment/testdata/salesforce-account.json")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	pull := func(args ...string) (string, error) {
		var out bytes.Buffer
		cmd := newRoot()
		cmd.SetOut(&out)
		cmd.SetArgs(append([]string{"schema", "pull", "salesforce", "Account", "--from-file", saved}, args...))
		err := cmd.Execute()
		return out.String(), err
	}
	if out, err := pull("--dry-run"); err != nil || !strings.Contains(out, "shared/schema/salesforce/Account.json is new: 14 columns\nnothing was written") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := pull(); err != nil || !strings.Contains(out, "wrote shared/schema/salesforce/Account.json\n") || !strings.Contains(out, "wrote docs/columns.schema.json\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if columns, err := os.ReadFile(filepath.Join(root, "docs", "columns.schema.json")); err != nil || !bytes.Contains(columns, []byte(`"Parent Account ID: lookup to Account"`)) {
		t.Errorf("an editor doesn't know the new object's fields: %v", err)
	}
	if out, err := pull(); err != nil || !strings.Contains(out, "shared/schema/salesforce/Account.json is up to date") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := pull("--label", "Accounts"); err == nil || !strings.Contains(err.Error(), "leave --label out") {
		t.Errorf("a label that nobody reads: %v", err)
	}
	if _, err := pull("--from-file", "nowhere.json"); err == nil || !strings.Contains(err.Error(), "nowhere.json") {
		t.Errorf("a missing file: %v", err)
	}
	p, err := projectAt(root)
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := p.schemas.Lookup("salesforce", "Account"); !ok || !e.HasKey([]string{"Crosswalk_Key__c"}) {
		t.Errorf("%+v, %t", e, ok)
	}
}

// A snapshot with a slip is a finding with its place, in every format, and not an error that ends the check.
func TestCheckTellsWhatIsWrongInASnapshot(t *testing.T) {
	root := checkout(t)
	path := filepath.Join(root, "shared", "schema", "shop", "Order.json")
	write(t, path, []byte("{\n  \"system\": \"shop\",\n  \"entity\": \"Order\",\n  \"set\": \"orders\",\n  \"primaryKey\": [\"id\"],\n  \"columns\": {\n    \"id\": {\"type\": \"GUID\"}\n  }\n}\n"))
	t.Chdir(root)
	for format, want := range map[string]string{
		"text":  "shared/schema/shop/Order.json:7:12: column id: nobody knows the type GUID (fix: write one of: BigInt, ",
		"sarif": `"ruleId": "schema"`,
	} {
		var out bytes.Buffer
		cmd := newRoot()
		cmd.SetOut(&out)
		cmd.SetArgs([]string{"check", "--format", format})
		var code exitCode
		if err := cmd.Execute(); !errors.As(err, &code) || code != 1 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v\n%s", format, err, out.String())
		}
	}
}
