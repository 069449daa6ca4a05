package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/local/stack"
	"crosswalk/local/systems"
)

// localStack starts the simulated systems and leaves their addresses where crosswalk run would.
func localStack(t *testing.T, root string) *systems.Systems {
	t.Helper()
	s, err := systems.Start(systems.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	e := s.Endpoints()
	file := filepath.Join(root, endpointsFile)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	err = stack.Endpoints{
		Entra:     stack.EntraEndpoint{TokenURL: e.TokenURL, TenantID: e.TenantID, ClientID: e.ClientID, ClientSecret: e.ClientSecret},
		Dataverse: stack.DataverseEndpoint{BaseURL: e.DataverseHTTP, Scope: e.DataverseHTTP + "/.default"},
		FnO:       stack.FnOEndpoint{BaseURL: e.FnOHTTP, Scope: e.FnOHTTP + "/.default"},
	}.Write(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// onlyReads fails the test where a simulator was asked to write.
func onlyReads(t *testing.T, s *systems.Systems) {
	t.Helper()
	for _, r := range append(s.Dataverse().Control.Requests(), s.FnO().Control.Requests()...) {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s: nothing may be written", r.Method, r.Path)
		}
	}
}

func TestTryAgainstLocalShowsWhatWouldChange(t *testing.T) {
	root := checkout(t)
	t.Chdir(root)
	row := filepath.Join(t.TempDir(), "row.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(row, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"dataAreaId": "usmf", "CustomerAccount": "US-001", "OrganizationName": "Another name", "CreditLimit": 7777, "OnHoldStatus": "No", "PaymentTerms": ""}`)
	if _, err := runCommand("try", "customer-to-dataverse", row, "--against", "local"); err == nil || !strings.Contains(err.Error(), "no local stack runs: start it with make run") {
		t.Errorf("without a stack: %v", err)
	}
	if _, err := runCommand("try", "customer-to-dataverse", row, "--against", "production"); err == nil || !strings.Contains(err.Error(), "only the local stack can be looked at") {
		t.Errorf("another stack: %v", err)
	}
	s := localStack(t, root)

	out, err := runCommand("try", "customer-to-dataverse", row, "--against", "local")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"the local dataverse has account usmf/US-001; nothing was written\n", "\ncreditlimit ", " 7777\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if line := lineOf(out, "creditonhold "); !strings.HasSuffix(line, "unchanged") {
		t.Errorf("a field that stays as it is: %q", line)
	}
	if line := lineOf(out[strings.Index(out, "WOULD BECOME"):], "name "); !strings.HasSuffix(line, "unchanged") {
		t.Errorf("an initial value in a row that exists: %q", line)
	}

	write(`{"dataAreaId": "usmf", "CustomerAccount": "NEW-1", "OrganizationName": "x", "CreditLimit": 7777, "OnHoldStatus": "No", "PaymentTerms": ""}`)
	if out, err = runCommand("try", "customer-to-dataverse", row, "--against", "local"); err != nil || !strings.Contains(out, "the local dataverse has no account usmf/NEW-1: the flow would create it\n") {
		t.Errorf("%v\n%s", err, out)
	}

	// The other direction, for tools.
	write(`{"accountid": "0a1b2c3d-0000-4000-8000-0000000000f1", "accountnumber": "US-001", "cw_legalentity": "USMF", "name": "Another name", "telephone1": "+1 555 0101"}`)
	if out, err = runCommand("try", "account-to-fno", row, "--against", "local", "--format", "json"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var doc struct {
		Trials []struct {
			Target struct {
				Exists, Changes bool
				Fields          []struct {
					Field        string
					Now, Becomes json.RawMessage
					Changes      bool
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatal(err)
	}
	target := doc.Trials[0].Target
	changed := map[string]bool{}
	for _, f := range target.Fields {
		changed[f.Field] = f.Changes
	}
	if !target.Exists || !target.Changes || !changed["OrganizationName"] || changed["PrimaryContactPhone"] || changed["CustomerAccount"] {
		t.Errorf("%+v", target)
	}
	onlyReads(t, s)
}

// lineOf returns the line that begins with the text.
func lineOf(text, beginning string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, beginning) {
			return strings.TrimRight(line, "\n")
		}
	}
	return ""
}
