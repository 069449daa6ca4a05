package dataverse_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	simulated "crosswalk/local/systems/dataverse"
	"crosswalk/local/systems/systemstest"
	"crosswalk/local/systems/traffic"
	"crosswalk/shared/dataverse"
	"crosswalk/shared/fault"
	"crosswalk/shared/odata"
)

// connect starts the simulated systems and returns a client that calls them as the handler does.
func connect(t *testing.T) (*dataverse.Client, systemstest.Systems) {
	t.Helper()
	return connectAs(t, "")
}

// connectAs connects as the application with this client id.
func connectAs(t *testing.T, clientID string) (*dataverse.Client, systemstest.Systems) {
	t.Helper()
	s := systemstest.StartAs(t, clientID)
	c, err := dataverse.New(s.Endpoints().DataverseHTTPS, s.Credential, &dataverse.Options{Transport: s.Client, RetryDelay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

const newID = "c0ffee00-0000-4000-8000-000000000001"

// wants fails the test unless err has this kind and reason.
func wants(t *testing.T, err error, kind fault.Kind, reason string) *fault.Error {
	t.Helper()
	e := fault.Of(err)
	if e == nil || e.Kind != kind || e.Reason != reason {
		t.Fatalf("got %v: %v, want %v: %s", fault.KindOf(err), err, kind, reason)
	}
	return e
}

func TestRowLifeInSimulator(t *testing.T) {
	c, s := connect(t)
	ctx := t.Context()
	key := []dataverse.KeyValue{{Name: "invoicenumber", Value: "2026/O'1", Quoted: true}, {Name: "cw_legalentity", Value: "usmf", Quoted: true}}
	if _, err := c.ByKey(ctx, "invoices", "invoiceid", key, nil); !errors.Is(err, dataverse.ErrNotFound) {
		t.Fatalf("before the create: %v", err)
	}
	invoice := func(account string) []byte {
		return []byte(`{"invoicenumber":"2026/O'1","cw_legalentity":"usmf","name":"2026/O'1","totalamount":318.07,` +
			`"customerid_account@odata.bind":"/accounts(accountnumber='` + account + `')",` +
			`"transactioncurrencyid@odata.bind":"/transactioncurrencies(` + simulated.CurrencyUSD + `)","pricelevelid@odata.bind":"/pricelevels(` + simulated.PriceLevelUSD + `)"}`)
	}
	wants(t, c.Create(ctx, "invoices", newID, invoice("US-999")), fault.Transient, odata.ReasonReference)
	if err := c.Create(ctx, "invoices", newID, invoice("US-001")); err != nil {
		t.Fatal(err)
	}
	if err := c.Create(ctx, "invoices", newID, invoice("US-001")); !errors.Is(err, dataverse.ErrExists) {
		t.Errorf("same id again: %v", err)
	}
	if err := c.Create(ctx, "invoices", otherID, invoice("US-001")); !errors.Is(err, dataverse.ErrExists) {
		t.Errorf("same key, other id: %v", err)
	}
	row, err := c.ByKey(ctx, "invoices", "invoiceid", key, []string{"totalamount"})
	if err != nil || row.ID != newID || !strings.Contains(string(row.JSON), `318.07`) {
		t.Fatalf("by key: %+v, %s, %v", row, row.JSON, err)
	}
	if err := c.Update(ctx, "invoices", newID, row.ETag, []byte(`{"totalamount":1.10}`)); err != nil {
		t.Fatal(err)
	}
	if err := c.Update(ctx, "invoices", newID, row.ETag, []byte(`{"totalamount":2}`)); !errors.Is(err, dataverse.ErrStale) {
		t.Errorf("stale update: %v", err)
	}
	if err := c.Delete(ctx, "invoices", newID, row.ETag); !errors.Is(err, dataverse.ErrStale) {
		t.Errorf("stale delete: %v", err)
	}
	if err := c.Delete(ctx, "invoices", newID, ""); err != nil {
		t.Fatal(err)
	}
	_, err = c.ByID(ctx, "invoices", "invoiceid", newID, nil)
	for name, err := range map[string]error{"read": err, "update": c.Update(ctx, "invoices", newID, "", []byte(`{"totalamount":2}`)), "delete": c.Delete(ctx, "invoices", newID, "")} {
		if !errors.Is(err, dataverse.ErrNotFound) {
			t.Errorf("%s after the delete: %v", name, err)
		}
	}
	if n := len(s.Dataverse().Rows("invoice")); n != 0 {
		t.Errorf("%d invoices are left", n)
	}
}

func TestRefusalsOfSimulator(t *testing.T) {
	c, s := connect(t)
	ctx, account := t.Context(), simulated.AccountID(1)
	for _, test := range []struct{ name, body, field string }{
		{"text too long", `{"name":"` + strings.Repeat("Secret", 100) + `"}`, "name"},
		{"wrong type", `{"creditlimit":"Secret"}`, "creditlimit"},
		{"unknown column", `{"Secret_name":1}`, "Secret_name"},
		{"unknown option", `{"industrycode":987654}`, "industrycode"},
	} {
		e := wants(t, c.Update(ctx, "accounts", account, "", []byte(test.body)), fault.Permanent, odata.ReasonRefused)
		if e.Field != test.field || strings.Contains(strings.ReplaceAll(e.Error(), test.field, ""), "Secret") || strings.Contains(e.Error(), "987654") {
			t.Errorf("%s: %v, field %q", test.name, e, e.Field)
		}
	}
	_, err := c.ByID(ctx, "accounts", "accountid", account, []string{"nosuchcolumn"})
	if e := wants(t, err, fault.Misconfigured, odata.ReasonMissing); e.Field != "nosuchcolumn" {
		t.Errorf("field %q", e.Field)
	}
	_, err = c.ByID(ctx, "accountz", "accountid", account, nil)
	wants(t, err, fault.Misconfigured, odata.ReasonMissing)
	s.Dataverse().SetUsers()
	_, err = c.ByID(ctx, "accounts", "accountid", account, nil)
	if fault.KindOf(err) != fault.Misconfigured {
		t.Errorf("an application that is no user: %v", err)
	}
}

func TestFaultsOfSimulator(t *testing.T) {
	c, s := connect(t)
	ctx, account, body := t.Context(), simulated.AccountID(1), []byte(`{"creditlimit":7}`)
	if _, err := c.ByID(ctx, "accounts", "accountid", account, nil); err != nil { // gets the token
		t.Fatal(err)
	}
	s.Dataverse().Inject(traffic.Fault{Times: 2, Answer: traffic.Busy()})
	if err := c.Update(ctx, "accounts", account, "", body); err != nil {
		t.Errorf("after two times 503: %v", err)
	}
	s.Dataverse().Inject(traffic.Fault{Times: 1, Cut: true, AfterEffect: true, Match: traffic.Writes})
	wants(t, c.Update(ctx, "accounts", account, "", body), fault.Transient, odata.ReasonUnknown)

	arrived := make(chan struct{})
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	s.Dataverse().Inject(traffic.Fault{Times: 1, Hang: true, Match: func(r *http.Request) bool {
		if traffic.Writes(r) {
			close(arrived)
		}
		return traffic.Writes(r)
	}})
	go func() { <-arrived; cancel() }()
	wants(t, c.Update(limited, "accounts", account, "", body), fault.Transient, odata.ReasonUnknown)
}

func TestWrongIdentityInSimulator(t *testing.T) {
	c, _ := connectAs(t, "c0551a1c-0000-4000-8000-00000000dead")
	e := wants(t, c.Update(t.Context(), "accounts", simulated.AccountID(1), "", []byte(`{"creditlimit":7}`)), fault.Misconfigured, odata.ReasonNoToken)
	if !strings.Contains(e.Detail, "AADSTS") {
		t.Errorf("Entra's code is missing: %v", e)
	}
}
