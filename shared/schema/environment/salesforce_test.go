package environment_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"crosswalk/shared/schema"
	"crosswalk/shared/schema/environment"
)

// organisation is Salesforce as far as a pull sees it. It refuses what the real one refuses: another path or version, a
// token that isn't its own, a session that has ended, a grant that it doesn't know, an assertion for another audience.
type organisation struct {
	key *rsa.PublicKey
	// ended are the sessions that are over; every new token is another.
	ended, tokens int
	// refuse is an error code for every describe, "" for none.
	refuse string
	writes int
}

func (o *organisation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	refuse := func(status int, code string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `[{"message": "secret details", "errorCode": %q}]`, code)
	}
	switch {
	case r.URL.Path == "/services/oauth2/token":
		o.token(w, r)
	case r.Method != http.MethodGet:
		o.writes++
		refuse(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	case r.Header.Get("Authorization") != fmt.Sprintf("Bearer session-%d", o.tokens) || o.tokens <= o.ended:
		refuse(http.StatusUnauthorized, "INVALID_SESSION_ID")
	case o.refuse != "":
		refuse(http.StatusForbidden, o.refuse)
	case r.URL.Path != "/services/data/v64.0/sobjects/Account/describe":
		refuse(http.StatusNotFound, "NOT_FOUND")
	default:
		text, err := os.ReadFile("testdata/salesforce-account.json")
		if err != nil {
			refuse(http.StatusInternalServerError, "UNKNOWN_EXCEPTION")
			return
		}
		_, _ = w.Write(text)
	}
}

func (o *organisation) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(code string) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error": %q, "error_description": "secret details"}`, code)
	}
	switch r.PostFormValue("grant_type") {
	case "client_credentials":
		if r.PostFormValue("client_id") != "app" || r.PostFormValue("client_secret") != "app's secret" {
			refuse("invalid_client")
			return
		}
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		claims := jwt.RegisteredClaims{}
		_, err := jwt.ParseWithClaims(r.PostFormValue("assertion"), &claims, func(*jwt.Token) (any, error) { return o.key, nil },
			jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience("https://test.salesforce.com"), jwt.WithIssuer("app"), jwt.WithSubject("reader@example.com"), jwt.WithExpirationRequired())
		if err != nil || time.Until(claims.ExpiresAt.Time) > 5*time.Minute {
			refuse("invalid_grant")
			return
		}
	default:
		refuse("unsupported_grant_type")
		return
	}
	o.tokens++
	fmt.Fprintf(w, `{"access_token": "session-%d", "token_type": "Bearer"}`, o.tokens)
}

func salesforce(t *testing.T, o *organisation, identity environment.SalesforceIdentity) *environment.Salesforce {
	t.Helper()
	s := httptest.NewTLSServer(o)
	t.Cleanup(s.Close)
	c, err := environment.NewSalesforce(s.URL, identity, &environment.SalesforceOptions{Transport: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var app = environment.SalesforceIdentity{ClientID: "app", ClientSecret: "app's secret"}

const salesforceAccount = `{
  "system": "salesforce",
  "entity": "Account",
  "displayName": "Account",
  "set": "Account",
  "primaryKey": ["Id"],
  "alternateKeys": [["Crosswalk_Key__c"]],
  "columns": {
    "AnnualRevenue": {"type": "currency", "min": "-999999999999999999", "max": "999999999999999999", "displayName": "Annual Revenue"},
    "CreatedDate": {"type": "datetime", "notNull": true, "default": "new", "readOnly": true},
    "CreditLimit__c": {"type": "currency", "min": "-9999999999999999.99", "max": "9999999999999999.99", "precision": 2},
    "Crosswalk_Key__c": {"type": "string", "maxLength": 24},
    "Id": {"type": "id", "maxLength": 18, "notNull": true, "default": "new", "readOnly": true},
    "Industry": {"type": "picklist", "options": {"Banking": "Banking", "Energy": "Energy"}},
    "IsDeleted": {"type": "boolean", "notNull": true, "default": "new", "readOnly": true},
    "Legacy__c": {"type": "string", "maxLength": 20},
    "Name": {"type": "string", "maxLength": 255, "notNull": true, "required": "system", "displayName": "Account Name"},
    "NumberOfEmployees": {"type": "int", "min": "-99999999", "max": "99999999"},
    "ParentId": {"type": "reference", "targets": ["Account"], "displayName": "Parent Account ID"},
    "Phone": {"type": "phone", "maxLength": 40},
    "SLAExpirationDate__c": {"type": "date", "dateOnly": true},
    "Tier__c": {"type": "picklist", "options": {"1": "Gold", "2": "Silver"}, "notNull": true, "required": "system"}
  }
}
`

func TestPullSalesforce(t *testing.T) {
	o := &organisation{}
	pulled, err := salesforce(t, o, app).Pull(t.Context(), "Account", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, pulled, salesforceAccount)
	if want := []string{"BillingAddress (address)", "Tags__c (multipicklist)"}; !slices.Equal(pulled.LeftOut, want) {
		t.Errorf("left out %v", pulled.LeftOut)
	}
	if want := []string{"picklist Industry isn't restricted: Salesforce takes other values too, a contract doesn't", "external id Legacy__c isn't unique, so it is no key: an upsert by it can find several records"}; !slices.Equal(pulled.Notes, want) {
		t.Errorf("notes %q", pulled.Notes)
	}
	if o.tokens != 1 || o.writes > 0 {
		t.Errorf("%d tokens, %d writes", o.tokens, o.writes)
	}
	name, _ := pulled.Document.Entity.Column("Name")
	if !name.MustBeSent() || name.Kind != schema.Text {
		t.Errorf("%+v", name)
	}
}

// A session that has ended is taken up again by a new assertion, once; then it is an error.
func TestPullSalesforceSignsAgainWhenTheSessionHasEnded(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	bearer := environment.SalesforceIdentity{ClientID: "app", Username: "reader@example.com", Key: key, Audience: "https://test.salesforce.com"}
	o := &organisation{key: &key.PublicKey, ended: 1}
	if _, err := salesforce(t, o, bearer).Pull(t.Context(), "Account", "", nil); err != nil || o.tokens != 2 {
		t.Errorf("%v after %d tokens", err, o.tokens)
	}
	o = &organisation{key: &key.PublicKey, ended: 100}
	if _, err := salesforce(t, o, bearer).Pull(t.Context(), "Account", "", nil); err == nil || o.tokens != 2 || !strings.Contains(err.Error(), "HTTP 401 INVALID_SESSION_ID") {
		t.Errorf("%v after %d tokens", err, o.tokens)
	}
	bearer.Audience = ""
	if _, err := salesforce(t, &organisation{key: &key.PublicKey}, bearer).Pull(t.Context(), "Account", "", nil); err == nil || !strings.Contains(err.Error(), "HTTP 400 invalid_grant") {
		t.Errorf("an assertion for production: %v", err)
	}
}

func TestPullSalesforceSaysWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct {
		object, want string
		identity     environment.SalesforceIdentity
		refuse       string
	}{
		"no such object": {"Acount", "no object Acount in Salesforce", app, ""},
		"no name":        {"../x", `"../x" is no object's API name`, app, ""},
		"a wrong secret": {"Account", "Salesforce gives no token: HTTP 400 invalid_client", environment.SalesforceIdentity{ClientID: "app", ClientSecret: "other"}, ""},
		"the day's end":  {"Account", "Salesforce doesn't describe Account: HTTP 403 REQUEST_LIMIT_EXCEEDED", app, "REQUEST_LIMIT_EXCEEDED"},
	} {
		_, err := salesforce(t, &organisation{refuse: tt.refuse}, tt.identity).Pull(t.Context(), tt.object, "", nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := salesforce(t, &organisation{}, app).Pull(cancelled, "Account", "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	for _, address := range []string{"", "http://contoso.my.salesforce.com", "https://contoso.my.salesforce.com/services"} {
		if _, err := environment.NewSalesforce(address, app, nil); err == nil {
			t.Errorf("%q is an address", address)
		}
	}
	if _, err := environment.NewSalesforce("https://contoso.my.salesforce.com", environment.SalesforceIdentity{ClientID: "app"}, nil); err == nil {
		t.Error("an app without a proof")
	}
}
