package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"crosswalk/local/systems"
)

// The commands as a person types them: printed from the project's contracts, and compared with the simulated systems over TLS.
func TestRegister(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "crosswalk")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s, err := systems.Start(systems.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	e, dir := s.Endpoints(), t.TempDir()
	for name, text := range map[string][]byte{"ca.pem": e.CAPEM, "crosswalk.pem": e.CrosswalkCertificatePEM} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root := checkout(t)
	run := func(line string, status int, want ...string) {
		t.Helper()
		cmd := exec.Command(bin, strings.Fields("register "+line)...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+filepath.Join(dir, "ca.pem"), "ENTRA_AUTHORITY_HOST="+e.EntraAuthorityHTTPS, "ENTRA_TENANT_ID="+e.TenantID,
			"ENTRA_CLIENT_ID="+e.CrosswalkClientID, "ENTRA_CERTIFICATE_PATH="+filepath.Join(dir, "crosswalk.pem"), "FNO_URL="+e.FnOHTTPS, "DATAVERSE_URL="+e.DataverseHTTPS,
			"CROSSWALK_SERVICEBUS=contoso.servicebus.windows.net", "CROSSWALK_KEY_VAULT_URI=https://contoso.vault.azure.net/", "CROSSWALK_FNO_SECRET_NAME=fno-send")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if status == 0 && err != nil || status != 0 && (!errors.As(err, &exit) || exit.ExitCode() != status) {
			t.Fatalf("%s: %v, want status %d\n%s", line, err, status, out)
		}
		for _, text := range want {
			if !strings.Contains(string(out), text) {
				t.Errorf("%s doesn't say %q:\n%s", line, text, out)
			}
		}
	}
	run("fno", 0, "contoso.servicebus.windows.net", "fno-send", "SalesInvoicePostedBusinessEvent", e.CrosswalkClientID)
	run("dataverse", 0, "dataverse-events", "filtering attributes: accountnumber")
	run("dataverse --check", 1, "MISSING: service endpoint crosswalk")
	run("fno --check --legal-entity usmf", 1, "MISSING: endpoint crosswalk")
	status, answer := s.FnO().Edit("POST", "BusinessEventsEndpoints",
		[]byte(`{"Name":"crosswalk","Type":"AzureServiceBusQueue","ServiceBusQueueName":"fno-events","KeyVaultDnsName":"https://contoso.vault.azure.net","KeyVaultSecretName":"fno-send"}`))
	if status != 201 {
		t.Fatal(status, string(answer))
	}
	run("fno --check --legal-entity usmf", 1, "SalesInvoicePostedBusinessEvent in usmf is not active")
	run("fno --apply --legal-entity usmf", 0, "switched on: SalesInvoicePostedBusinessEvent in usmf")
	run("fno --check --legal-entity usmf", 0, "SalesInvoicePostedBusinessEvent in usmf is sent")
}
