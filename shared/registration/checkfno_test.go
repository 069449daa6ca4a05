package registration_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"crosswalk/local/systems/systemstest"
	"crosswalk/shared/dataverse"
	"crosswalk/shared/finops"
	"crosswalk/shared/odata"
	"crosswalk/shared/registration"
)

// environment is the simulated systems and clients that call them as Crosswalk's application.
type environment struct {
	systemstest.Systems
	t      *testing.T
	client *finops.Client
	rows   *dataverse.Client
	needs  *registration.Needs
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	s := systemstest.Start(t)
	e, o := s.Endpoints(), &odata.Options{Transport: s.Client, RetryDelay: time.Millisecond}
	client, err := finops.New(e.FnOHTTPS, s.Credential, o)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := dataverse.New(e.DataverseHTTPS, s.Credential, o)
	if err != nil {
		t.Fatal(err)
	}
	return &environment{Systems: s, t: t, client: client, rows: rows, needs: project(t, map[string]string{"i": invoice})}
}

// edit changes F&O as its administrator does.
func (e *environment) edit(method, path, body string) {
	e.t.Helper()
	if status, answer := e.FnO().Edit(method, path, []byte(body)); status >= 300 {
		e.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

const made = `{"Name":"crosswalk","Type":"AzureServiceBusQueue","ServiceBusQueueName":"fno-events","KeyVaultDnsName":"https://contoso.vault.azure.net/","KeyVaultSecretName":"fno-send",
	"AzureAppId":"c0551a1c-0000-4000-8000-000000000009","DecryptedAzureAppSecret":"secret-value"}`

// check compares and wants that many things left to do, and the texts.
func (e *environment) check(apply bool, left int, want ...string) {
	e.t.Helper()
	var said strings.Builder
	got, err := e.needs.CheckFnO(e.t.Context(), e.client, registration.Environment{Endpoint: "crosswalk", VaultURL: "https://contoso.vault.azure.net", FnOSecret: "fno-send", LegalEntities: []string{"usmf", "demf"}},
		apply, func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) })
	if err != nil || got != left {
		e.t.Errorf("%d left, want %d: %v\n%s", got, left, err, said.String())
	}
	for _, text := range want {
		if !strings.Contains(said.String(), text) {
			e.t.Errorf("%q wasn't said:\n%s", text, said.String())
		}
	}
	if strings.Contains(said.String(), "secret-value") {
		e.t.Errorf("the endpoint's secret was said:\n%s", said.String())
	}
}

// From nothing to everything: the endpoint by hand, the events by --apply, and a second run that changes nothing.
func TestCheckFnO(t *testing.T) {
	e := newEnvironment(t)
	asked := 0
	e.FnO().OnRequest(func(r *http.Request) {
		asked++
		if strings.Contains(r.URL.RawQuery, "Secret") && strings.Contains(r.URL.RawQuery, "Decrypted") || strings.Contains(r.URL.Path, "BusinessEventsEndpoints") && r.URL.Query().Get("$select") == "" {
			t.Errorf("the secret of the endpoint's application was asked for: %s", r.URL)
		}
	})
	e.check(true, 3, "MISSING: endpoint crosswalk", "in usmf is not active", "in demf is not active")
	e.edit("POST", "BusinessEventsEndpoints", made)
	e.check(false, 2, "in usmf is not active", "needed by i")
	e.edit("POST", "BusinessEventsConfigurations", `{"BusinessEventsTable":"SalesInvoicePostedBusinessEvent","LegalEntity":"usmf","BusinessEventsEndpoint_Name":"crosswalk","Disabled":"Yes"}`)
	e.check(false, 2)
	e.check(true, 0, "switched on: SalesInvoicePostedBusinessEvent in usmf", "switched on: SalesInvoicePostedBusinessEvent in demf")
	e.check(true, 0, "SalesInvoicePostedBusinessEvent in demf is sent")
	for entity, want := range map[string]int{"usmf": 2, "demf": 1} { // one of usmf's was the administrator's
		if n := e.FnO().WriteCount("BusinessEventsConfigurations", "SalesInvoicePostedBusinessEvent", entity, "crosswalk"); n != want {
			t.Errorf("%s: %d writes, want %d", entity, n, want)
		}
	}
	if asked == 0 {
		t.Error("nothing was asked")
	}
}

func TestCheckFnOFindsWhatIsWrong(t *testing.T) {
	e := newEnvironment(t)
	e.edit("POST", "BusinessEventsEndpoints", strings.NewReplacer("fno-events", "other", "AzureServiceBusQueue", "AzureServiceBusTopic").Replace(made))
	e.edit("POST", "BusinessEventsConfigurations", `{"BusinessEventsTable":"VendorInvoicePostedBusinessEvent","LegalEntity":"usmf","BusinessEventsEndpoint_Name":"crosswalk","Disabled":"No"}`)
	e.check(false, 4, `its type is "AzureServiceBusTopic" and should be "AzureServiceBusQueue"`, `its queue name is "other" and should be "fno-events"`, "not needed: VendorInvoicePostedBusinessEvent in usmf")
	e.edit("DELETE", "BusinessEventsCatalogs('SalesInvoicePostedBusinessEvent')", "")
	e.check(true, 3, "SalesInvoicePostedBusinessEvent is not in the business event catalogue")
}

// An event that is active in all legal entities is active in each.
func TestActiveInAllLegalEntities(t *testing.T) {
	e := newEnvironment(t)
	e.edit("POST", "BusinessEventsEndpoints", made)
	e.edit("POST", "BusinessEventsConfigurations", `{"BusinessEventsTable":"SalesInvoicePostedBusinessEvent","LegalEntity":"","BusinessEventsEndpoint_Name":"crosswalk","Disabled":"No"}`)
	e.check(true, 0, "SalesInvoicePostedBusinessEvent in all legal entities is sent")
}

func TestCheckFnOWithoutRights(t *testing.T) {
	e := newEnvironment(t)
	e.FnO().SetUsers()
	if _, err := e.needs.CheckFnO(t.Context(), e.client, registration.Environment{Endpoint: "crosswalk"}, false, func(string, ...any) {}); err == nil || !strings.Contains(err.Error(), "the application is a user there") {
		t.Errorf("error %v", err)
	}
}
