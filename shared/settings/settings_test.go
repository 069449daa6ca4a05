package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"crosswalk/shared/settle"
)

var update = flag.Bool("update", false, "rewrite docs/settings.md and local.settings.example.json")

const root = "../.."

// azure is an environment as in Azure, laptop one as on a laptop.
var (
	azure = map[string]string{
		"SERVICEBUS__FULLYQUALIFIEDNAMESPACE": "contoso.servicebus.windows.net", "STORAGE_BLOB_ENDPOINT": "https://contoso.blob.core.windows.net/",
		"STORAGE_TABLE_ENDPOINT": "https://contoso.table.core.windows.net", "DATAVERSE_URL": "https://contoso.crm4.dynamics.com",
		"FNO_URL": "https://contoso.operations.dynamics.com",
	}
	laptop = map[string]string{
		"SERVICEBUS": "Endpoint=sb://127.0.0.1:5672;SharedAccessKey=secret-value;", "STORAGE_CONNECTION_STRING": "AccountKey=secret-value",
		"DATAVERSE_URL": "https://127.0.0.1:1", "FNO_URL": "https://127.0.0.1:2", "ENTRA_AUTHORITY_HOST": "https://127.0.0.1:3",
		"ENTRA_TENANT_ID": "7f1e2a60-5c1d-4b8e-9a3f-2d6c0e4b9a11", "ENTRA_CLIENT_ID": "c0551a1c-0000-4000-8000-000000000001", "ENTRA_CERTIFICATE_PATH": "x.pem",
	}
)

// federated is a managed identity that is taken for the application it proves.
var federated = map[string]string{"ENTRA_FEDERATED": "true", "ENTRA_TENANT_ID": "contoso.com", "ENTRA_CLIENT_ID": laptop["ENTRA_CLIENT_ID"],
	"ENTRA_MANAGED_IDENTITY_CLIENT_ID": strings.ToUpper(laptop["ENTRA_CLIENT_ID"])}

// environment replaces everything of ours in the environment by the maps, the later ones winning.
func environment(t *testing.T, maps ...map[string]string) {
	t.Helper()
	for _, name := range Names() {
		t.Setenv(name, "")
	}
	for _, m := range maps {
		for name, value := range m {
			t.Setenv(name, value)
		}
	}
}

func TestDefaults(t *testing.T) {
	for _, env := range []map[string]string{azure, laptop} {
		environment(t, env)
		s, err := Load()
		if err != nil {
			t.Fatal(err)
		}
		want := Tuning{
			Settle: Settle{Attempts: 12, FirstDelay: 5 * time.Second, MaxDelay: time.Hour, MaxAge: 72 * time.Hour, Misconfigured: 15 * time.Minute, CopyPatience: 4 * time.Minute, PanicsToReject: 3},
			Link:   Link{Claim: 120 * time.Second, Margin: 60 * time.Second},
			Client: Client{Timeout: 30 * time.Second},
		}
		if s.Tuning != want || s.Log.Level != "info" {
			t.Errorf("got %+v", s.Tuning)
		}
		if settle.Policy(s.Settle) != settle.DefaultPolicy() {
			t.Errorf("settings say %+v, settle says %+v", s.Settle, settle.DefaultPolicy())
		}
		if s.Dataverse.URL != env["DATAVERSE_URL"] || string(s.ServiceBus.ConnectionString) != env["SERVICEBUS"] || s.Entra.CertificatePath != env["ENTRA_CERTIFICATE_PATH"] {
			t.Errorf("got %+v", s)
		}
	}
}

// The three ways to be an application, and the managed identity alone, are all accepted.
func TestWaysToBeSomebody(t *testing.T) {
	application := map[string]string{"ENTRA_TENANT_ID": "contoso.com", "ENTRA_CLIENT_ID": laptop["ENTRA_CLIENT_ID"]}
	identity := map[string]string{"ENTRA_MANAGED_IDENTITY_CLIENT_ID": "c0551a1c-0000-4000-8000-000000000002"}
	for name, env := range map[string][]map[string]string{
		"system-assigned identity": {azure},
		"user-assigned identity":   {azure, identity},
		"federated":                {azure, identity, application, {"ENTRA_FEDERATED": "true"}},
		"certificate in the vault": {azure, identity, application, {"ENTRA_CERTIFICATE_VAULT": "https://x.vault.azure.net", "ENTRA_CERTIFICATE_NAME": "crosswalk"}},
		"certificate in a file":    {azure, application, {"ENTRA_CERTIFICATE_PATH": "x.pem"}},
		"a sovereign cloud":        {azure, application, {"ENTRA_FEDERATED": "true", "ENTRA_AUTHORITY_HOST": "https://login.microsoftonline.us"}},
	} {
		environment(t, env...)
		if _, err := Load(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEverySettingIsRead(t *testing.T) {
	for _, f := range fieldsOf(new(Settings)) {
		environment(t)
		value := "7m"
		switch f.declared.Type.Kind() {
		case reflect.Int:
			value = "7"
		case reflect.Bool:
			value = "true"
		}
		t.Setenv(f.name(), value)
		s, _ := load(nil)
		for _, g := range fieldsOf(&s) {
			got := fmt.Sprint(g.value.Interface())
			if g.declared.Type == reflect.TypeFor[Secret]() {
				got = g.value.String()
			}
			if g.name() == f.name() && got != value && got != "7m0s" {
				t.Errorf("%s isn't read: %q", f.name(), got)
			}
			if g.name() != f.name() && (got == value || got == "7m0s") {
				t.Errorf("%s is read into %s", f.name(), g.name())
			}
		}
	}
}

func TestOverrides(t *testing.T) {
	environment(t, azure, map[string]string{"SETTLE_ATTEMPTS": "8", "SETTLE_MAX_DELAY": "30m",
		"INVOICE_TO_DATAVERSE_SETTLE_ATTEMPTS": "20", "INVOICE_TO_DATAVERSE_CLIENT_TIMEOUT": "20s", "ACCOUNT_TO_FNO_LINK_CLAIM": "5m", "ACCOUNT_TO_FNO_LINK_MARGIN": ""})
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	invoice, account, other := s.For("invoice-to-dataverse"), s.For("account-to-fno"), s.For("receive-fno-event")
	if invoice.Settle.Attempts != 20 || invoice.Client.Timeout != 20*time.Second || invoice.Settle.MaxDelay != 30*time.Minute {
		t.Errorf("invoice-to-dataverse: %+v", invoice)
	}
	if account.Settle.Attempts != 8 || account.Link.Claim != 5*time.Minute || account.Link.Margin != time.Minute {
		t.Errorf("account-to-fno: %+v", account)
	}
	if other != s.Tuning || other.Settle.Attempts != 8 {
		t.Errorf("receive-fno-event: %+v", other)
	}
}

func TestProblems(t *testing.T) {
	const bad = "secret-value"
	for _, test := range []struct {
		name string
		base map[string]string
		set  map[string]string
		want map[string]string // setting → part of the text
	}{
		{"nothing set", nil, nil, map[string]string{"SERVICEBUS__FULLYQUALIFIEDNAMESPACE": "not set", "STORAGE_BLOB_ENDPOINT": "STORAGE_CONNECTION_STRING",
			"STORAGE_TABLE_ENDPOINT": "not set", "DATAVERSE_URL": "https://contoso", "FNO_URL": "not set"}},
		{"both brokers", laptop, map[string]string{"SERVICEBUS__FULLYQUALIFIEDNAMESPACE": "contoso.servicebus.windows.net"}, map[string]string{"SERVICEBUS": "both"}},
		{"no connection string", laptop, map[string]string{"SERVICEBUS": bad}, map[string]string{"SERVICEBUS": "Endpoint=sb://"}},
		{"namespace with scheme", azure, map[string]string{"SERVICEBUS__FULLYQUALIFIEDNAMESPACE": "sb://" + bad + ".net/"}, map[string]string{"SERVICEBUS__FULLYQUALIFIEDNAMESPACE": "host name"}},
		{"both storages", laptop, map[string]string{"STORAGE_BLOB_ENDPOINT": "https://x.net"}, map[string]string{"STORAGE_CONNECTION_STRING": "both"}},
		{"half a storage", azure, map[string]string{"STORAGE_TABLE_ENDPOINT": ""}, map[string]string{"STORAGE_TABLE_ENDPOINT": "not set"}},
		{"http", azure, map[string]string{"DATAVERSE_URL": "http://" + bad}, map[string]string{"DATAVERSE_URL": "https"}},
		{"path", azure, map[string]string{"FNO_URL": "https://x.net/" + bad}, map[string]string{"FNO_URL": "without"}},
		{"password in URL", azure, map[string]string{"FNO_URL": "https://u:" + bad + "@x.net"}, map[string]string{"FNO_URL": "without"}},
		{"certificate without ids", laptop, map[string]string{"ENTRA_TENANT_ID": "", "ENTRA_CLIENT_ID": bad}, map[string]string{"ENTRA_TENANT_ID": "ENTRA_CERTIFICATE_PATH needs it", "ENTRA_CLIENT_ID": "GUID"}},
		{"federated without ids", azure, map[string]string{"ENTRA_FEDERATED": "true"}, map[string]string{"ENTRA_TENANT_ID": "ENTRA_FEDERATED needs it", "ENTRA_CLIENT_ID": "GUID"}},
		{"federated as itself", azure, federated, map[string]string{"ENTRA_CLIENT_ID": "is the managed identity's"}},
		{"federated is no boolean", azure, map[string]string{"ENTRA_FEDERATED": bad}, map[string]string{"ENTRA_FEDERATED": "true or false"}},
		{"two proofs", laptop, map[string]string{"ENTRA_FEDERATED": "true"}, map[string]string{"ENTRA_FEDERATED": "and ENTRA_CERTIFICATE_PATH are both set"}},
		{"three proofs", laptop, map[string]string{"ENTRA_FEDERATED": "true", "ENTRA_CERTIFICATE_VAULT": "https://x.vault.azure.net", "ENTRA_CERTIFICATE_NAME": "crosswalk"},
			map[string]string{"ENTRA_FEDERATED": "ENTRA_CERTIFICATE_VAULT and ENTRA_CERTIFICATE_PATH"}},
		{"vault without a name", azure, map[string]string{"ENTRA_TENANT_ID": "contoso.com", "ENTRA_CLIENT_ID": laptop["ENTRA_CLIENT_ID"], "ENTRA_CERTIFICATE_VAULT": "https://x.vault.azure.net"},
			map[string]string{"ENTRA_CERTIFICATE_NAME": "letters, digits and hyphens"}},
		{"vault by name, refreshed all the time", azure, map[string]string{"ENTRA_TENANT_ID": "contoso.com", "ENTRA_CLIENT_ID": laptop["ENTRA_CLIENT_ID"], "ENTRA_CERTIFICATE_VAULT": bad,
			"ENTRA_CERTIFICATE_NAME": "crosswalk", "ENTRA_CERTIFICATE_REFRESH": "1s"}, map[string]string{"ENTRA_CERTIFICATE_VAULT": "https://contoso.vault.azure.net", "ENTRA_CERTIFICATE_REFRESH": "1m"}},
		{"name without a vault", azure, map[string]string{"ENTRA_CERTIFICATE_NAME": bad}, map[string]string{"ENTRA_CERTIFICATE_NAME": "without ENTRA_CERTIFICATE_VAULT"}},
		{"application without a proof", azure, map[string]string{"ENTRA_CLIENT_ID": laptop["ENTRA_CLIENT_ID"]}, map[string]string{"ENTRA_CLIENT_ID": "ENTRA_MANAGED_IDENTITY_CLIENT_ID"}},
		{"authority without application", azure, map[string]string{"ENTRA_AUTHORITY_HOST": "https://x.net"}, map[string]string{"ENTRA_AUTHORITY_HOST": "ENTRA_CERTIFICATE_PATH"}},
		{"identity by name", azure, map[string]string{"ENTRA_MANAGED_IDENTITY_CLIENT_ID": bad}, map[string]string{"ENTRA_MANAGED_IDENTITY_CLIENT_ID": "GUID"}},
		{"authority by http", laptop, map[string]string{"ENTRA_AUTHORITY_HOST": "http://x.net"}, map[string]string{"ENTRA_AUTHORITY_HOST": "https"}},
		{"level", azure, map[string]string{"LOG_LEVEL": bad}, map[string]string{"LOG_LEVEL": "debug"}},
		{"no number, no duration, at once", azure, map[string]string{"SETTLE_ATTEMPTS": bad, "LINK_CLAIM": "120", "FNO_URL": ""},
			map[string]string{"SETTLE_ATTEMPTS": "whole number", "LINK_CLAIM": "with its unit", "FNO_URL": "not set"}},
		{"margin too short", azure, map[string]string{"CLIENT_TIMEOUT": "31s"}, map[string]string{"LINK_MARGIN": "twice CLIENT_TIMEOUT"}},
		{"claim too short", azure, map[string]string{"LINK_CLAIM": "90s"}, map[string]string{"LINK_CLAIM": "longer than LINK_MARGIN and CLIENT_TIMEOUT"}},
		{"timeout not positive", azure, map[string]string{"CLIENT_TIMEOUT": "0s"}, map[string]string{"CLIENT_TIMEOUT": "more than 0"}},
		{"attempts", azure, map[string]string{"SETTLE_ATTEMPTS": "0"}, map[string]string{"SETTLE_ATTEMPTS": "1 or more"}},
		{"panics", azure, map[string]string{"SETTLE_PANICS_TO_REJECT": "-1"}, map[string]string{"SETTLE_PANICS_TO_REJECT": "1 or more"}},
		{"first delay", azure, map[string]string{"SETTLE_FIRST_DELAY": "-5s"}, map[string]string{"SETTLE_FIRST_DELAY": "more than 0"}},
		{"delays", azure, map[string]string{"SETTLE_FIRST_DELAY": "2h"}, map[string]string{"SETTLE_MAX_DELAY": "SETTLE_FIRST_DELAY"}},
		{"age", azure, map[string]string{"SETTLE_MAX_AGE": "1h"}, map[string]string{"SETTLE_MAX_AGE": "SETTLE_MAX_DELAY"}},
		{"age and misconfigured", azure, map[string]string{"SETTLE_MISCONFIGURED": "80h"}, map[string]string{"SETTLE_MAX_AGE": "SETTLE_MISCONFIGURED"}},
		{"misconfigured", azure, map[string]string{"SETTLE_MISCONFIGURED": "0s"}, map[string]string{"SETTLE_MISCONFIGURED": "more than 0"}},
		{"patience", azure, map[string]string{"SETTLE_COPY_PATIENCE": "5m"}, map[string]string{"SETTLE_COPY_PATIENCE": "5m"}},
		{"an override that isn't a number", azure, map[string]string{"INVOICE_TO_DATAVERSE_SETTLE_ATTEMPTS": bad}, map[string]string{"INVOICE_TO_DATAVERSE_SETTLE_ATTEMPTS": "whole number"}},
		{"an override against the general numbers", azure, map[string]string{"ACCOUNT_TO_FNO_CLIENT_TIMEOUT": "2m"},
			map[string]string{"ACCOUNT_TO_FNO_LINK_MARGIN": "twice", "ACCOUNT_TO_FNO_LINK_CLAIM": "longer"}},
		{"an override of no function", azure, map[string]string{"INVOICE_TO_DATAVRSE_SETTLE_ATTEMPTS": "3"}, map[string]string{"INVOICE_TO_DATAVRSE_SETTLE_ATTEMPTS": "no known function"}},
		{"somebody else's variable", azure, map[string]string{"NPM_CLIENT_TIMEOUT": bad}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			environment(t, test.base, test.set)
			_, err := Load()
			found := map[string]string{}
			if err != nil {
				for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
					var p *Problem
					if !errors.As(one, &p) {
						t.Fatalf("%T: %v", one, one)
					}
					found[p.Name] += p.Text
				}
				if strings.Contains(err.Error(), bad) {
					t.Errorf("the error holds a value: %v", err)
				}
			}
			for name, text := range test.want {
				if !strings.Contains(found[name], text) {
					t.Errorf("%s: %q, want %q", name, found[name], text)
				}
			}
			if len(found) != len(test.want) {
				t.Errorf("problems %v, want %v", found, test.want)
			}
		})
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	environment(t, laptop)
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, s.ServiceBus) + fmt.Sprintf(verb, s.Storage) + fmt.Sprintf(verb, s); strings.Contains(text, "secret-value") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

// TestGeneratedFiles holds that the page and the example say what the code says.
func TestGeneratedFiles(t *testing.T) {
	for path, want := range map[string][]byte{"docs/settings.md": Markdown(), "local.settings.example.json": Example()} {
		path := filepath.Join(root, path)
		if *update {
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, want, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v); go test ./shared/settings -update rewrites it", path, err)
		}
	}
}

// TestExampleWorks holds that the example is complete, that it loads, and that it gives the defaults.
func TestExampleWorks(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "local.settings.example.json"))
	if err != nil {
		t.Fatal(err)
	}
	var example struct{ Values map[string]string }
	if err := json.Unmarshal(data, &example); err != nil {
		t.Fatal(err)
	}
	for _, s := range Document() {
		if _, ok := example.Values[s.Name]; !ok && s.Name != "FUNCTIONS_CUSTOMHANDLER_PORT" {
			t.Errorf("%s isn't in the example", s.Name)
		}
	}
	documented := func(name string) bool {
		return slices.ContainsFunc(Document(), func(s Setting) bool { return s.Name == name })
	}
	for name := range example.Values {
		if !documented(name) {
			t.Errorf("%s is in the example and isn't documented", name)
		}
	}
	environment(t)
	want, _ := load(nil)
	environment(t, example.Values)
	s, err := Load()
	if err != nil {
		t.Fatalf("the example doesn't load:\n%v", err)
	}
	if s.Tuning != want.Tuning || s.Log != want.Log {
		t.Errorf("the example says %+v, the defaults are %+v", s.Tuning, want.Tuning)
	}
	if example.Values["FUNCTIONS_WORKER_RUNTIME"] != "custom" || example.Values["AzureWebJobsStorage"] != "UseDevelopmentStorage=true" {
		t.Error("the host's own settings are not those of a laptop")
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Document() {
		if s.Description == "" || !strings.HasSuffix(s.Description, ".") || strings.ContainsAny(s.Description, "|\n") {
			t.Errorf("%s: description %q", s.Name, s.Description)
		}
		if seen[s.Name] {
			t.Errorf("%s is described twice", s.Name)
		}
		seen[s.Name] = true
	}
	for _, name := range Names() {
		if !seen[name] {
			t.Errorf("%s is read and isn't described", name)
		}
	}
	if len(Names()) < 20 {
		t.Errorf("only %d settings: %v", len(Names()), Names())
	}
}

// TestNobodyElseReadsTheEnvironment holds that every variable that the product reads is documented: each os.Getenv and
// os.LookupEnv outside this package names one that Document knows.
func TestNobodyElseReadsTheEnvironment(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range Document() {
		documented[s.Name] = true
	}
	files := 0
	for _, folder := range []string{"functions", "handlers", "shared"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && strings.HasSuffix(d.Name(), "test") { // what tests are made with
				return fs.SkipDir
			}
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			for where, name := range reads(t, path) {
				if !documented[name] && !strings.HasPrefix(path, filepath.Join(root, "shared", "settings")) {
					t.Errorf("%s reads %q, which shared/settings doesn't document", where, name)
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if files < 10 {
		t.Errorf("only %d files were searched", files)
	}
}

// reads returns the variables that a file reads, by position. A name that isn't a literal is "".
func reads(t *testing.T, path string) map[string]string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Logf("%s doesn't parse and isn't searched: %v", path, err)
		return nil
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		selector, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := selector.X.(*ast.Ident); !ok || pkg.Name != "os" || !slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, selector.Sel.Name) {
			return true
		}
		name := ""
		if len(call.Args) == 1 {
			if literal, ok := call.Args[0].(*ast.BasicLit); ok {
				name, _ = strconv.Unquote(literal.Value)
			}
		}
		found[set.Position(call.Pos()).String()] = name
		return true
	})
	return found
}
