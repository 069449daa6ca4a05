package finops_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"crosswalk/local/systems/systemstest"
	"crosswalk/local/systems/traffic"
	"crosswalk/shared/fault"
	"crosswalk/shared/finops"
	"crosswalk/shared/odata"
)

// connect starts the simulated systems and returns a client that calls them as the handler does.
func connect(t *testing.T) (*finops.Client, systemstest.Systems) {
	t.Helper()
	s := systemstest.Start(t)
	c, err := finops.New(s.Endpoints().FnOHTTPS, s.Credential, &finops.Options{Transport: s.Client, RetryDelay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// wants fails the test unless err has this kind and reason.
func wants(t *testing.T, err error, kind fault.Kind, reason string) *fault.Error {
	t.Helper()
	e := fault.Of(err)
	if e == nil || e.Kind != kind || e.Reason != reason {
		t.Fatalf("got %v: %v, want %v: %s", fault.KindOf(err), err, kind, reason)
	}
	return e
}

// customer returns a key in a company that isn't the user's own.
func customer(account string) []finops.KeyValue {
	return []finops.KeyValue{{Name: "dataAreaId", Value: "demf", Quoted: true}, {Name: "CustomerAccount", Value: account, Quoted: true}}
}

func TestRowLifeInSimulator(t *testing.T) {
	c, s := connect(t)
	ctx, key := t.Context(), customer("DE-O'7/8")
	change := []byte(`{"OrganizationName":"Größe","CreditLimit":100.50}`)
	post := []byte(`{"dataAreaId":"demf","CustomerAccount":"DE-O'7/8","CustomerGroupId":"10","SalesCurrencyCode":"EUR","OrganizationName":"A"}`)
	if _, err := c.Read(ctx, "CustomersV3", key, nil); !errors.Is(err, finops.ErrNotFound) {
		t.Fatalf("read before the post: %v", err)
	}
	if err := c.Patch(ctx, "CustomersV3", key, change); !errors.Is(err, finops.ErrNotFound) {
		t.Fatalf("patch before the post: %v", err)
	}
	if err := c.Post(ctx, "CustomersV3", post); err != nil {
		t.Fatal(err)
	}
	if err := c.Post(ctx, "CustomersV3", post); !errors.Is(err, finops.ErrExists) {
		t.Errorf("post again: %v", err)
	}
	if err := c.Patch(ctx, "CustomersV3", key, change); err != nil {
		t.Fatal(err)
	}
	row, err := c.Read(ctx, "CustomersV3", key, []string{"OrganizationName", "CreditLimit"})
	if err != nil || row.ETag == "" || !strings.Contains(string(row.JSON), `"OrganizationName":"Größe"`) {
		t.Errorf("read: %+v %s, %v", row, row.JSON, err)
	}
	if n := s.FnO().WriteCount("CustomersV3", "demf", "DE-O'7/8"); n != 2 {
		t.Errorf("%d writes, want a post and a patch", n)
	}
	if err := c.Delete(ctx, "CustomersV3", key); err != nil {
		t.Error(err)
	}
	if err := c.Delete(ctx, "CustomersV3", key); !errors.Is(err, finops.ErrNotFound) {
		t.Errorf("delete again: %v", err)
	}
}

func TestRefusalsOfSimulator(t *testing.T) {
	c, s := connect(t)
	ctx, key := t.Context(), customer("DE-001")
	for _, test := range []struct{ name, body, field string }{
		{"not in related table", `{"CustomerGroupId":"Secret"}`, "CustomerGroupId"},
		{"text too long", `{"OrganizationName":"` + strings.Repeat("Secret", 100) + `"}`, "OrganizationName"},
		{"wrong type", `{"CreditLimit":"Secret"}`, "CreditLimit"},
		{"unknown column", `{"NoSuchColumn":"Secret"}`, "NoSuchColumn"},
	} {
		e := wants(t, c.Patch(ctx, "CustomersV3", key, []byte(test.body)), fault.Permanent, odata.ReasonRefused)
		if e.Field != test.field || strings.Contains(e.Error(), "Secret") {
			t.Errorf("%s: %v, field %q", test.name, e, e.Field)
		}
	}
	e := wants(t, c.Post(ctx, "CustomersV3", []byte(`{"dataAreaId":"demf","CustomerAccount":"DE-9","SalesCurrencyCode":"EUR"}`)), fault.Permanent, odata.ReasonRefused)
	if e.Field != "CustomerGroupId" {
		t.Errorf("a required field: %v", e)
	}
	_, err := c.Read(ctx, "CustomersV9", key, nil)
	wants(t, err, fault.Misconfigured, odata.ReasonMissing)
	wants(t, c.Post(ctx, "CustomersV9", []byte(`{}`)), fault.Misconfigured, odata.ReasonMissing)
	_, err = c.Read(ctx, "CustomersV3", key, []string{"NoSuchColumn"})
	wants(t, err, fault.Misconfigured, odata.ReasonMissing)
	s.FnO().SetUsers()
	_, err = c.Read(ctx, "CustomersV3", key, nil)
	wants(t, err, fault.Misconfigured, odata.ReasonUnauthorized)
}

func TestFaultsOfSimulator(t *testing.T) {
	c, s := connect(t)
	ctx, key, body := t.Context(), customer("DE-001"), []byte(`{"CreditLimit":7}`)
	s.FnO().ThrottleNext(1, 90*time.Second)
	if e := wants(t, c.Patch(ctx, "CustomersV3", key, body), fault.Throttled, odata.ReasonThrottled); e.After != 90*time.Second {
		t.Errorf("after %v", e.After)
	}
	s.FnO().DuplicateNext(1)
	if err := c.Post(ctx, "CustomersV3", body); !errors.Is(err, finops.ErrExists) {
		t.Errorf("duplicate as 500: %v", err)
	}
	s.FnO().Inject(traffic.Fault{Times: 2, Answer: traffic.Busy()})
	if err := c.Patch(ctx, "CustomersV3", key, body); err != nil {
		t.Errorf("after two times 503: %v", err)
	}
	s.FnO().Inject(traffic.Fault{Times: 1, Cut: true, AfterEffect: true, Match: traffic.Writes})
	post := []byte(`{"dataAreaId":"demf","CustomerAccount":"DE-700","CustomerGroupId":"10","SalesCurrencyCode":"EUR","OrganizationName":"A"}`)
	wants(t, c.Post(ctx, "CustomersV3", post), fault.Transient, odata.ReasonUnknown)
	if n := s.FnO().WriteCount("CustomersV3", "demf", "DE-700"); n != 1 {
		t.Errorf("the post was sent %d times", n)
	}
}
