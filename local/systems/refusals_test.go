package systems_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"crosswalk/local/systems"
)

var update = flag.Bool("update", false, "write README.md's table of refusals anew")

// refusal is one row of README.md's table and the request that proves it.
type refusal struct {
	system, method, path, body string
	// headers are name and value in turn.
	headers []string
	// why says what is wrong with the request.
	why string
	// status, code and message are the answer's; message is a part of it.
	status        int
	code, message string
	// source says where the answer is known from.
	source string
	// with disturbs the systems before the request; token replaces the bearer token.
	with  func(*systems.Systems)
	token func(t *testing.T, c *http.Client, e systems.Endpoints) string
}

// The sources of the answers.
const (
	documented  = "documented"
	captured    = "captured"
	unconfirmed = "UNCONFIRMED"
	simulated   = "the simulator's limit"
)

// TestRefusals sends every request of the table and compares the answer. Since a refused request changes nothing, which is
// checked, most of them share one start.
func TestRefusals(t *testing.T) {
	shared := newBench(t)
	for _, list := range [][]refusal{dataverseRefusals, fnoRefusals} {
		for _, r := range list {
			t.Run(r.system+" "+r.why, func(t *testing.T) {
				b := shared
				if r.with != nil {
					b = newBench(t)
				}
				r.check(t, b)
			})
		}
	}
	for _, r := range entraRefusals {
		t.Run("Entra "+r.why, func(t *testing.T) { r.check(t, shared) })
	}
}

// bench is a start with a client and the outside tool's tokens.
type bench struct {
	s      *systems.Systems
	e      systems.Endpoints
	c      *http.Client
	tokens map[string]string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	s := start(t)
	b := &bench{s: s, e: s.Endpoints(), c: trusting(t, s.Endpoints())}
	b.tokens = map[string]string{"Dataverse": secretToken(t, b.c, b.e, b.e.DataverseHTTP), "F&O": secretToken(t, b.c, b.e, b.e.FnOHTTP)}
	return b
}

// dataverse sends a request with the outside tool's token. path is below the Web API's root.
func (b *bench) dataverse(t *testing.T, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	resp, answer := call(t, b.c, b.tokens["Dataverse"], method, b.e.DataverseHTTP+"/api/data/v9.2/"+strings.ReplaceAll(path, " ", "%20"), body, headers...)
	return resp, string(answer)
}

// fno sends a request with the outside tool's token. path is below /data/.
func (b *bench) fno(t *testing.T, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	resp, answer := call(t, b.c, b.tokens["F&O"], method, b.e.FnOHTTP+"/data/"+strings.ReplaceAll(path, " ", "%20"), body, headers...)
	return resp, string(answer)
}

func (r refusal) check(t *testing.T, b *bench) {
	s := b.s
	if r.with != nil {
		r.with(s)
	}
	base, root := b.e.DataverseHTTP, "/api/data/v9.2/"
	if r.system == "F&O" {
		base, root = b.e.FnOHTTP, "/data/"
	}
	bearer := b.tokens[r.system]
	if r.token != nil {
		bearer = r.token(t, b.c, b.e)
	}
	c := b.c
	before := snapshot(s)
	resp, body := call(t, c, bearer, r.method, base+root+strings.ReplaceAll(r.path, " ", "%20"), r.body, r.headers...)
	if resp.StatusCode != r.status {
		t.Fatalf("status %d, want %d: %s", resp.StatusCode, r.status, body)
	}
	if r.status == http.StatusUnauthorized && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("401 without a challenge: %v", resp.Header)
	}
	code, message := errorOf(t, body)
	if code != r.code || !strings.Contains(message, r.message) {
		t.Errorf("code %q, message %q; want %q, %q", code, message, r.code, r.message)
	}
	if after := snapshot(s); after != before {
		t.Errorf("a refused request changed rows:\n%s\n%s", before, after)
	}
}

// snapshot is every row of the tables that the refused requests are about.
func snapshot(s *systems.Systems) string {
	var b strings.Builder
	for _, name := range []string{"account", "invoice", "contact", "pricelevel", "transactioncurrency"} {
		for _, r := range s.Dataverse().Rows(name) {
			fmt.Fprintf(&b, "%s %s %d\n", name, r.JSON, r.Version)
		}
	}
	for _, name := range []string{"CustomersV3", "CustomerGroups", "PaymentTerms"} {
		for _, r := range s.FnO().Rows(name) {
			fmt.Fprintf(&b, "%s %s %d\n", name, r.JSON, r.Version)
		}
	}
	return b.String()
}

// errorOf reads an error answer: the code, and the message with F&O's inner one behind it.
func errorOf(t *testing.T, body []byte) (code, message string) {
	t.Helper()
	var answer struct {
		Error struct {
			Code, Message string
			Inner         struct{ Message, Type string } `json:"innererror"`
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return answer.Error.Code, answer.Error.Message + " / " + answer.Error.Inner.Message
}

// TestReadme holds that README.md's table is the one that TestRefusals goes through.
func TestReadme(t *testing.T) {
	const begin, end = "<!-- refusals: written by go test ./local/systems -run TestReadme -update -->\n", "<!-- end of refusals -->"
	raw, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := bytes.Cut(raw, []byte(begin))
	old, tail, ok2 := bytes.Cut(rest, []byte(end))
	if !ok1 || !ok2 {
		t.Fatal("README.md lacks the marks around its table of refusals")
	}
	want := table()
	if string(old) == want {
		return
	}
	if !*update {
		t.Fatalf("README.md's table of refusals is stale; run: go test ./local/systems -run TestReadme -update")
	}
	out := append(append(append(append([]byte{}, head...), begin...), want...), string(end)+string(tail)...)
	if err := os.WriteFile("README.md", out, 0o644); err != nil {
		t.Fatal(err)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("\n| system | request | what is wrong | status | code | message | known from |\n|---|---|---|---|---|---|---|\n")
	line := func(system, request, why string, status int, code, message, source string) {
		cells := []string{system, request, why, fmt.Sprint(status), code, message, source}
		for i := range cells {
			cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	for _, list := range [][]refusal{dataverseRefusals, fnoRefusals} {
		for _, r := range list {
			request := "`" + r.method + " " + r.path + "`"
			for i := 0; i+1 < len(r.headers); i += 2 {
				request += " `" + r.headers[i] + ": " + r.headers[i+1] + "`"
			}
			if r.body != "" {
				request += " `" + shorten(r.body) + "`"
			}
			line(r.system, request, r.why, r.status, quoted(r.code), r.message, r.source)
		}
	}
	for _, r := range entraRefusals {
		line("Entra", "`POST /{tenant}/oauth2/v2.0/token`", r.why, r.status, fmt.Sprintf("%s, AADSTS%d", r.oauth, r.number), r.text, r.source)
	}
	b.WriteString("\n")
	return b.String()
}

func quoted(code string) string {
	if code == "" {
		return "`\"\"`"
	}
	return code
}

func shorten(body string) string {
	body = strings.ToValidUTF8(body, "\\xff")
	if len(body) > 90 {
		return body[:60] + "…" + body[len(body)-10:]
	}
	return body
}
