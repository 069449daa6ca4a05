package dist_test

import (
	"archive/zip"
	"bytes"
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"crosswalk/local/dist"
)

// expression is a contract's condition or computed value, on a line of its own.
var expression = regexp.MustCompile(`(?m)^when: .*\n`)

// withoutExpressions takes the conditions out of a checkout's contracts.
func withoutExpressions(t *testing.T, source string) {
	t.Helper()
	with, err := dist.Expressions(source)
	if want := []string{"account-to-fno", "price-to-dataverse", "quote-to-fno"}; err != nil || !slices.Equal(with, want) {
		t.Fatalf("expressions in %v, %v; want %v", with, err, want)
	}
	for _, name := range with {
		file := filepath.Join(source, "functions", name, "contract.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, file, expression.ReplaceAll(text, nil), 0o644)
	}
}

// linked returns the modules of a packaged handler.
func linked(t *testing.T, archive []byte) []string {
	t.Helper()
	files := unzip(t, archive)
	i := slices.IndexFunc(files, func(f *zip.File) bool { return f.Name == dist.Handler })
	info, err := buildinfo.Read(bytes.NewReader(content(t, files[i])))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range info.Deps {
		out = append(out, m.Path)
	}
	return out
}

// The handler has CEL, and what only CEL needs, where a contract has an expression, and nowhere else.
func TestExpressionsAreLinkedByNeed(t *testing.T) {
	source := checkout(t)
	ofCEL := []string{"cel.dev/cel-go", "cel.dev/expr", "google.golang.org/protobuf", "github.com/antlr4-go/antlr/v4"}
	modules := linked(t, packaged(t, source))
	for _, m := range ofCEL {
		if !slices.Contains(modules, m) {
			t.Errorf("contracts have expressions, and the handler has no %s", m)
		}
	}
	withoutExpressions(t, source)
	modules = linked(t, packaged(t, source))
	for _, m := range ofCEL {
		if slices.Contains(modules, m) {
			t.Errorf("no contract has an expression, and the handler has %s", m)
		}
	}
	if !slices.Contains(modules, "github.com/shopspring/decimal") {
		t.Errorf("modules %v", modules)
	}
	// A computed value needs CEL too, and so does a contract that doesn't hold: nobody knows what it will be.
	for name, change := range map[string][2]string{
		"customer-to-dataverse": {"{from: CreditLimit}", "{compute: 'CreditLimit'}"},
		"vendor-to-dataverse":   {"owner:", "ower:"},
	} {
		file := filepath.Join(source, "functions", name, "contract.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), change[0], change[1], 1)
		write(t, file, []byte(changed), 0o644)
		if with, err := dist.Expressions(source); err != nil || changed == string(text) || !slices.Equal(with, []string{name}) {
			t.Errorf("expressions in %v, %v; want %s", with, err, name)
		}
		write(t, file, text, 0o644)
	}
}

// A handler without CEL ends beside a contract with an expression, and says what to do. No flow writes until then, because none
// does before all contracts hold.
func TestAHandlerWithoutExpressionsRefusesOne(t *testing.T) {
	source := checkout(t)
	folder := t.TempDir()
	handler := filepath.Join(folder, dist.Handler)
	if err := dist.Build(t.Context(), source, "./functions", handler, false); err != nil {
		t.Fatal(err)
	}
	files, err := dist.Files(os.DirFS(source))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		write(t, filepath.Join(folder, f.Name), f.Data, 0o644)
	}
	cmd := exec.CommandContext(t.Context(), handler)
	cmd.Dir = folder
	cmd.Env = []string{
		"FUNCTIONS_CUSTOMHANDLER_PORT=0", "SERVICEBUS=Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=a2V5;UseDevelopmentEmulator=true;",
		"STORAGE_CONNECTION_STRING=DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/a;TableEndpoint=http://127.0.0.1:1/a;",
		"DATAVERSE_URL=https://127.0.0.1:1", "FNO_URL=https://127.0.0.1:1",
	}
	out, err := cmd.CombinedOutput()
	want := `account-to-fno/contract.yaml:8:7: when: this handler was built without expressions (fix: make it with crosswalk package, which builds them in where a contract has one)`
	if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), want) {
		t.Errorf("%v\n%s\nwant %s", err, out, want)
	}
}
