package dataverse_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"crosswalk/shared/dataverse"
	"crosswalk/shared/fault"
	"crosswalk/shared/odata"
	"crosswalk/shared/odata/odatatest"
)

const (
	rowID   = "d290f1ee-6c54-4b01-90e6-d701748f0851"
	otherID = "11111111-2222-3333-4444-555555555555"
)

var columns = []string{"name", "creditlimit"}

func client(t *testing.T, s *odatatest.Service) *dataverse.Client {
	t.Helper()
	c, err := dataverse.New(s.URL, odatatest.Credential{}, s.Options())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// call is one of the client's calls, made with a row that holds a secret.
type call func(context.Context, *dataverse.Client) error

const secret = "s3cr3t Müller, IBAN DE02 1203"

var body = []byte(`{"name":"` + secret + `","accountnumber":"US-001","creditlimit":1,"customerid_account@odata.bind":"/accounts(accountnumber='US-001')"}`)

var calls = map[string]call{
	"ByID": func(ctx context.Context, c *dataverse.Client) error {
		_, err := c.ByID(ctx, "accounts", "accountid", rowID, columns)
		return err
	},
	"ByKey": func(ctx context.Context, c *dataverse.Client) error {
		_, err := c.ByKey(ctx, "accounts", "accountid", []dataverse.KeyValue{{Name: "accountnumber", Value: secret, Quoted: true}}, columns)
		return err
	},
	"ByKey with a slash": func(ctx context.Context, c *dataverse.Client) error {
		_, err := c.ByKey(ctx, "accounts", "accountid", []dataverse.KeyValue{{Name: "accountnumber", Value: secret + "/", Quoted: true}}, columns)
		return err
	},
	"Create": func(ctx context.Context, c *dataverse.Client) error { return c.Create(ctx, "accounts", rowID, body) },
	"Update": func(ctx context.Context, c *dataverse.Client) error {
		return c.Update(ctx, "accounts", rowID, `W/"7"`, body)
	},
	"Delete": func(ctx context.Context, c *dataverse.Client) error {
		return c.Delete(ctx, "accounts", rowID, `W/"7"`)
	},
}

func refusal(code, message string) string {
	b, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message}})
	return string(b)
}

func TestJudge(t *testing.T) {
	missing := func(id string) string { return "account With Id = " + id + " Does Not Exist" }
	const needsKey = "A record with the specified key values does not exist in account entity"
	for _, test := range []struct {
		name      string
		call      string
		reply     odatatest.Reply
		kind      fault.Kind
		reason    string
		condition error
		field     string
	}{
		{"stale", "Update", odatatest.Reply{Status: 412, Body: refusal("0x80060882", "")}, fault.Transient, odata.ReasonStale, dataverse.ErrStale, ""},
		{"stale delete", "Delete", odatatest.Reply{Status: 412, Body: refusal("0x80060882", "")}, fault.Transient, odata.ReasonStale, dataverse.ErrStale, ""},
		{"stale without code", "Update", odatatest.Reply{Status: 412, Body: refusal("", "")}, fault.Transient, odata.ReasonStale, dataverse.ErrStale, ""},
		{"exists without code", "Create", odatatest.Reply{Status: 412, Body: refusal("", "A record with matching key values already exists.")}, fault.Transient, odata.ReasonExists, dataverse.ErrExists, ""},
		{"alternate key taken, create", "Create", odatatest.Reply{Status: 412, Body: refusal("0x80060892", "Entity Key violated")}, fault.Transient, odata.ReasonExists, dataverse.ErrExists, ""},
		{"alternate key taken, update", "Update", odatatest.Reply{Status: 412, Body: refusal("0x80060892", "Entity Key violated")}, fault.Transient, odata.ReasonExists, dataverse.ErrExists, ""},
		{"primary key taken", "Create", odatatest.Reply{Status: 412, Body: refusal("0x80040237", "Cannot insert duplicate key.")}, fault.Transient, odata.ReasonExists, dataverse.ErrExists, ""},
		{"primary key taken, told an update", "Update", odatatest.Reply{Status: 412, Body: refusal("0x80040237", "Cannot insert duplicate key.")}, fault.Transient, odata.ReasonExists, dataverse.ErrExists, ""},
		{"alternate key taken, named", "Create", odatatest.Reply{Status: 412, Body: refusal("0x80060892", "A record that has the attribute values "+secret+" already exists. The entity key cw_Customer Number 2 requires that this set of attributes contains unique values.")}, fault.Transient, odata.ReasonExists, dataverse.ErrExists, "cw_Customer Number 2"},
		{"duplicate rule", "Create", odatatest.Reply{Status: 412, Body: refusal("0x80040333", "a duplicate")}, fault.Permanent, odata.ReasonRefused, nil, ""},
		{"412 without precondition", "ByID", odatatest.Reply{Status: 412}, fault.Permanent, odata.ReasonRefused, nil, ""},

		{"row gone, read", "ByID", odatatest.Reply{Status: 404, Body: refusal("0x80040217", missing(rowID))}, fault.Transient, odata.ReasonNotFound, dataverse.ErrNotFound, ""},
		{"row gone, update", "Update", odatatest.Reply{Status: 404, Body: refusal("0x80040217", missing(strings.ToUpper(rowID)))}, fault.Transient, odata.ReasonNotFound, dataverse.ErrNotFound, ""},
		{"row gone without code", "Delete", odatatest.Reply{Status: 404, Body: refusal("", missing(rowID))}, fault.Transient, odata.ReasonNotFound, dataverse.ErrNotFound, ""},
		{"key not found, read", "ByKey", odatatest.Reply{Status: 404, Body: refusal("0x80060891", needsKey)}, fault.Transient, odata.ReasonNotFound, dataverse.ErrNotFound, ""},
		{"bound key missing, create", "Create", odatatest.Reply{Status: 404, Body: refusal("0x80060891", needsKey)}, fault.Transient, odata.ReasonReference, nil, ""},
		{"bound key missing, update", "Update", odatatest.Reply{Status: 404, Body: refusal("0x80060891", needsKey)}, fault.Transient, odata.ReasonReference, nil, ""},
		{"bound key missing, as 400", "Create", odatatest.Reply{Status: 400, Body: refusal("0x80060891", needsKey)}, fault.Transient, odata.ReasonReference, nil, ""},
		{"bound id missing, create", "Create", odatatest.Reply{Status: 404, Body: refusal("0x80040217", missing(otherID))}, fault.Transient, odata.ReasonReference, nil, ""},
		{"bound id missing, update", "Update", odatatest.Reply{Status: 404, Body: refusal("0x80040217", missing(otherID))}, fault.Transient, odata.ReasonReference, nil, ""},
		{"bound row missing, no id told", "Create", odatatest.Reply{Status: 404, Body: refusal("0x80040217", "contact Does Not Exist")}, fault.Transient, odata.ReasonReference, nil, ""},
		{"bound row missing, own id told", "Create", odatatest.Reply{Status: 404, Body: refusal("0x80040217", missing(rowID))}, fault.Transient, odata.ReasonReference, nil, ""},
		{"row gone, in German", "Update", odatatest.Reply{Status: 404, Body: refusal("0x80040217", "account mit ID "+rowID+" ist nicht vorhanden")}, fault.Transient, odata.ReasonNotFound, dataverse.ErrNotFound, ""},
		{"no such table", "ByID", odatatest.Reply{Status: 404, Body: refusal("0x8006088a", "Resource not found for the segment 'accountz'.")}, fault.Misconfigured, odata.ReasonMissing, nil, ""},
		{"no such table without code", "Create", odatatest.Reply{Status: 404, Body: refusal("", "Resource not found for the segment 'accountz'.")}, fault.Misconfigured, odata.ReasonMissing, nil, ""},
		{"404 of something else", "ByID", odatatest.Reply{Status: 404, Body: "<html>"}, fault.Misconfigured, odata.ReasonMissing, nil, ""},
		{"404 without body", "Update", odatatest.Reply{Status: 404}, fault.Misconfigured, odata.ReasonMissing, nil, ""},

		{"no such column, read", "ByID", odatatest.Reply{Status: 400, Body: refusal("0x0", "Could not find a property named 'creditlimit' on type 'Microsoft.Dynamics.CRM.account'.")}, fault.Misconfigured, odata.ReasonMissing, nil, "creditlimit"},
		{"text too long", "Create", odatatest.Reply{Status: 400, Body: refusal("0x80044331", "The length of the 'name' attribute of the 'account' entity exceeded the maximum allowed length of '160'.")}, fault.Permanent, odata.ReasonRefused, nil, "name"},
		{"number out of range", "Update", odatatest.Reply{Status: 400, Body: refusal("0x80044330", "The value of 'creditlimit' on record of type 'account' is outside the valid range.")}, fault.Permanent, odata.ReasonRefused, nil, "creditlimit"},
		{"unknown option", "Update", odatatest.Reply{Status: 400, Body: refusal("0x8004431A", "The value 99 of 'creditlimit'")}, fault.Permanent, odata.ReasonRefused, nil, "creditlimit"},
		{"bad payload", "Create", odatatest.Reply{Status: 400, Body: refusal("0x80048d19", "Error identified in Payload provided by the user for Entity :'accounts': Cannot convert the literal '"+secret+"' to the expected type 'Edm.Decimal'.")}, fault.Permanent, odata.ReasonRefused, nil, ""},
		{"unexpected, 400", "Create", odatatest.Reply{Status: 400, Body: refusal("0x80040216", "An unexpected error occurred.")}, fault.Permanent, odata.ReasonRefused, nil, ""},
		{"unexpected, 500", "Create", odatatest.Reply{Status: 500, Body: refusal("0x80040216", "An unexpected error occurred.")}, fault.Transient, odata.ReasonUnavailable, nil, ""},
		{"too large", "Create", odatatest.Reply{Status: 413}, fault.Permanent, odata.ReasonRefused, nil, ""},
		{"in use", "Delete", odatatest.Reply{Status: 405, Body: refusal("0x80040227", "")}, fault.Permanent, odata.ReasonRefused, nil, ""},
		{"not allowed", "Delete", odatatest.Reply{Status: 405}, fault.Permanent, odata.ReasonRefused, nil, ""},

		{"no token", "ByID", odatatest.Reply{Status: 401}, fault.Misconfigured, odata.ReasonUnauthorized, nil, ""},
		{"no privilege", "Create", odatatest.Reply{Status: 403, Body: refusal("0x80040220", "SecLib::AccessCheckEx failed")}, fault.Misconfigured, odata.ReasonForbidden, nil, ""},
		{"no privilege, newer code, as 400", "Create", odatatest.Reply{Status: 400, Body: refusal("0x80048306", "Principal user is missing prvWriteAccount")}, fault.Misconfigured, odata.ReasonForbidden, nil, ""},
		{"no privilege, as 400", "Create", odatatest.Reply{Status: 400, Body: refusal("0x80040220", "SecLib::AccessCheckEx failed")}, fault.Misconfigured, odata.ReasonForbidden, nil, ""},
		{"forbidden by something else", "Create", odatatest.Reply{Status: 403, Body: "<html>"}, fault.Misconfigured, odata.ReasonForbidden, nil, ""},
		{"no optimistic concurrency", "Update", odatatest.Reply{Status: 400, Body: refusal("0x8006088d", "")}, fault.Misconfigured, odata.ReasonMissing, nil, ""},
		{"unavailable", "Update", odatatest.Reply{Status: 503}, fault.Transient, odata.ReasonUnavailable, nil, ""},
		{"gateway", "Update", odatatest.Reply{Status: 504}, fault.Transient, odata.ReasonUnknown, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := odatatest.New(t, test.reply)
			err := calls[test.call](t.Context(), client(t, s))
			e := fault.Of(err)
			if e == nil || e.Kind != test.kind || e.Reason != test.reason || e.Field != test.field {
				t.Fatalf("got %v %q field %q: %v", fault.KindOf(err), e.Reason, e.Field, err)
			}
			for _, condition := range []error{dataverse.ErrNotFound, dataverse.ErrExists, dataverse.ErrStale} {
				if got := errors.Is(err, condition); got != (condition == test.condition) {
					t.Errorf("errors.Is(%v) = %v", condition, got)
				}
			}
		})
	}
}

// TestRecorded replays the recorded answers.
func TestRecorded(t *testing.T) {
	type recorded struct {
		Case    string            `json:"_case"`
		Status  int               `json:"_status"`
		Headers map[string]string `json:"_headers"`
		Body    json.RawMessage   `json:"_body"`
	}
	load := func(name string) (list []recorded) {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	do := func(call string, r recorded) (requests int, err error) {
		s := odatatest.New(t, odatatest.Reply{Status: r.Status, Header: r.Headers, Body: string(r.Body)})
		err = calls[call](t.Context(), client(t, s))
		return len(s.Requests()), err
	}
	waits := []time.Duration{37 * time.Second, 184 * time.Second, 2 * time.Second}
	for i, r := range load("dv-webapi-01-429.json") {
		for name := range calls {
			n, err := do(name, r)
			if e := fault.Of(err); e.Kind != fault.Throttled || e.After != waits[i] || n != 1 {
				t.Errorf("429 number %d, %s: %v after %v, %d requests", i, name, e.Kind, e.After, n)
			}
		}
	}
	ends := []struct {
		call   string
		reason string
	}{{"Update", odata.ReasonStale}, {"Create", odata.ReasonExists}, {"Create", odata.ReasonRefused}, {"Update", odata.ReasonNotFound}, {"Create", odata.ReasonRefused}}
	for i, r := range load("dv-webapi-02-412-and-404.json") {
		if _, err := do(ends[i].call, r); fault.Of(err).Reason != ends[i].reason {
			t.Errorf("%s: %v, want %s", r.Case, err, ends[i].reason)
		}
	}
}

func TestRequests(t *testing.T) {
	const row = `{"@odata.context":"x","@odata.etag":"W/\"4711\"","name":"A","creditlimit":12345678901234567890.0100,"accountid":"D290F1EE-6C54-4B01-90E6-D701748F0851"}`
	key := func(v string) []dataverse.KeyValue {
		return []dataverse.KeyValue{{Name: "invoicenumber", Value: v, Quoted: true}, {Name: "cw_legalentity", Value: "demf", Quoted: true}}
	}
	for _, test := range []struct {
		name  string
		reply string
		do    func(*dataverse.Client) (dataverse.Row, error)
		want  odatatest.Request
		match string // If-Match and If-None-Match
	}{
		{"by id", row, func(c *dataverse.Client) (dataverse.Row, error) {
			return c.ByID(t.Context(), "accounts", "accountid", strings.ToUpper(rowID), columns)
		},
			odatatest.Request{Method: "GET", URI: "/api/data/v9.2/accounts(" + rowID + ")?$select=name,creditlimit,accountid"}, "|null"},
		{"by id, all columns", row, func(c *dataverse.Client) (dataverse.Row, error) {
			return c.ByID(t.Context(), "accounts", "accountid", rowID, nil)
		}, odatatest.Request{Method: "GET", URI: "/api/data/v9.2/accounts(" + rowID + ")"}, "|null"},
		{"by key", row, func(c *dataverse.Client) (dataverse.Row, error) {
			return c.ByKey(t.Context(), "invoices", "accountid", key("CIV'1"), []string{"accountid"})
		},
			odatatest.Request{Method: "GET", URI: "/api/data/v9.2/invoices(invoicenumber='CIV%27%271',cw_legalentity='demf')?$select=accountid"}, "|null"},
		{"by key that no key segment takes", `{"value":[` + row + `]}`, func(c *dataverse.Client) (dataverse.Row, error) {
			return c.ByKey(t.Context(), "invoices", "accountid", key("2026/1"), []string{"name"})
		},
			odatatest.Request{Method: "GET", URI: "/api/data/v9.2/invoices?$filter=invoicenumber%20eq%20%272026%2F1%27%20and%20cw_legalentity%20eq%20%27demf%27&$top=2&$select=name,accountid"}, "|null"},
		{"create", "", func(c *dataverse.Client) (dataverse.Row, error) {
			return dataverse.Row{}, c.Create(t.Context(), "accounts", rowID, []byte(`{"a":1}`))
		},
			odatatest.Request{Method: "PATCH", URI: "/api/data/v9.2/accounts(" + rowID + ")", Body: `{"a":1}`}, "|*"},
		{"update", "", func(c *dataverse.Client) (dataverse.Row, error) {
			return dataverse.Row{}, c.Update(t.Context(), "accounts", rowID, `W/"7"`, []byte(`{"a":1}`))
		},
			odatatest.Request{Method: "PATCH", URI: "/api/data/v9.2/accounts(" + rowID + ")", Body: `{"a":1}`}, `W/"7"|`},
		{"update of any version", "", func(c *dataverse.Client) (dataverse.Row, error) {
			return dataverse.Row{}, c.Update(t.Context(), "accounts", rowID, "", []byte(`{"a":1}`))
		},
			odatatest.Request{Method: "PATCH", URI: "/api/data/v9.2/accounts(" + rowID + ")", Body: `{"a":1}`}, `*|`},
		{"delete", "", func(c *dataverse.Client) (dataverse.Row, error) {
			return dataverse.Row{}, c.Delete(t.Context(), "accounts", rowID, `W/"7"`)
		},
			odatatest.Request{Method: "DELETE", URI: "/api/data/v9.2/accounts(" + rowID + ")"}, `W/"7"|`},
	} {
		t.Run(test.name, func(t *testing.T) {
			status := 204
			if test.reply != "" {
				status = 200
			}
			s := odatatest.New(t, odatatest.Reply{Status: status, Body: test.reply})
			got, err := test.do(client(t, s))
			if err != nil {
				t.Fatal(err)
			}
			r := s.Requests()[0]
			if match := r.Header.Get("If-Match") + "|" + r.Header.Get("If-None-Match"); r.Method != test.want.Method || r.URI != test.want.URI || r.Body != test.want.Body || match != test.match {
				t.Errorf("sent %s %s %s %s\nwant %s %s %s %s", r.Method, r.URI, r.Body, match, test.want.Method, test.want.URI, test.want.Body, test.match)
			}
			if test.reply != "" && (got.ID != rowID || got.ETag != `W/"4711"` || string(got.JSON) != row) {
				t.Errorf("row %+v", got)
			}
		})
	}
}

func TestByKeyEnds(t *testing.T) {
	row := `{"accountid":"` + rowID + `"}`
	for _, test := range []struct {
		name, value, reply string
		kind               fault.Kind
		reason             string
	}{
		{"no row by filter", "a/b", `{"value":[]}`, fault.Transient, odata.ReasonNotFound},
		{"two rows by filter", "a/b", `{"value":[` + row + `,` + row + `]}`, fault.Misconfigured, odata.ReasonMissing},
		{"no page", "a/b", row, fault.Transient, odata.ReasonUnreadable},
		{"blank", "", row, fault.Permanent, "blank-required"},
		{"no id", "x", `{"name":"A"}`, fault.Transient, odata.ReasonUnreadable},
		{"id is no GUID", "x", `{"accountid":"../x"}`, fault.Transient, odata.ReasonUnreadable},
		{"duplicate name", "x", `{"accountid":"` + rowID + `","name":1,"name":2}`, fault.Transient, odata.ReasonUnreadable},
		{"cut off", "x", `{"accountid":`, fault.Transient, odata.ReasonUnreadable},
		{"a login page", "x", "<html>sign in</html>", fault.Misconfigured, odata.ReasonAddress},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := odatatest.New(t, odatatest.Reply{Status: 200, Body: test.reply})
			_, err := client(t, s).ByKey(t.Context(), "accounts", "accountid", []dataverse.KeyValue{{Name: "accountnumber", Value: test.value, Quoted: true}}, nil)
			if e := fault.Of(err); e == nil || e.Kind != test.kind || e.Reason != test.reason {
				t.Errorf("got %v: %v", fault.KindOf(err), err)
			}
		})
	}
}

// TestNothingUncheckedInURLs holds that an id out of a message never reaches a URL unless it is a GUID.
func TestNothingUncheckedInURLs(t *testing.T) {
	s := odatatest.New(t, odatatest.Reply{Status: 204})
	c := client(t, s)
	for _, id := range []string{"", "x)", "accountnumber='US-001'", rowID + ")/Microsoft.Dynamics.CRM.Delete("} {
		_, err := c.ByID(t.Context(), "accounts", "accountid", id, nil)
		for _, err := range []error{err, c.Create(t.Context(), "accounts", id, body), c.Update(t.Context(), "accounts", id, "", body), c.Delete(t.Context(), "accounts", id, "")} {
			if fault.KindOf(err) != fault.Permanent {
				t.Errorf("id %q: %v", id, err)
			}
		}
	}
	for _, set := range []string{"", "accounts(x)", "../x", "a?b"} {
		if err := c.Delete(t.Context(), set, rowID, ""); fault.KindOf(err) != fault.Misconfigured {
			t.Errorf("set %q: %v", set, err)
		}
	}
	if _, err := c.ByID(t.Context(), "accounts", "accountid", rowID, []string{"a&$filter=b"}); fault.KindOf(err) != fault.Misconfigured {
		t.Errorf("column: %v", err)
	}
	if len(s.Requests()) != 0 {
		t.Errorf("sent %v", s.Requests())
	}
}

// TestNoValueLeaks makes every call fail with answers that quote what was sent, and searches the errors.
func TestNoValueLeaks(t *testing.T) {
	quotes := "The value '" + secret + "' of 'name' with Bearer " + odatatest.Token + " and key US-001"
	for _, status := range []int{200, 302, 400, 401, 403, 404, 405, 408, 409, 412, 413, 418, 429, 500, 502, 503, 504} {
		for _, code := range []string{"", "0x80044331", "0x80060891", "0x80040217", "0x8006088a", "0x80040333", secret, odatatest.Token} {
			for _, text := range []string{refusal(code, quotes), `{"` + secret + `":`, "<html>" + quotes, `"` + quotes + `"`} {
				s := odatatest.New(t, odatatest.Reply{Status: status, Body: text, Header: map[string]string{
					"WWW-Authenticate": `Bearer error="` + secret + `"`, "Location": "/" + odatatest.Token, "Retry-After": secret}})
				c := client(t, s)
				for name, call := range calls {
					err := call(t.Context(), c)
					if err == nil {
						continue // a write that was answered 200
					}
					searched(t, fmt.Sprintf("%s, %d, %s", name, status, code), err)
				}
			}
		}
	}
}

// searched fails the test if err, in any form that a log may print, holds what it must not.
func searched(t *testing.T, name string, err error) {
	t.Helper()
	e := fault.Of(err)
	for _, form := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), e.Detail, e.Field, fmt.Sprintf("%+v", errors.Unwrap(err))} {
		for _, banned := range []string{secret, "s3cr3t", "IBAN", odatatest.Token, "US-001", rowID} {
			if strings.Contains(form, banned) {
				t.Errorf("%s: %q in %s", name, banned, form)
			}
		}
	}
}

// TestNoValueLeaksFromConnections does the same for calls that get no answer: errors of net/http hold the URL.
func TestNoValueLeaksFromConnections(t *testing.T) {
	s := odatatest.New(t, odatatest.Reply{Status: 200})
	o := s.Options()
	url := s.URL
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	cutting := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cutting.Close()
	cut, err := dataverse.New(cutting.URL, odatatest.Credential{}, &dataverse.Options{Transport: cutting.Client(), RetryDelay: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range calls {
		searched(t, name+", cut", call(t.Context(), cut))
		c, err := dataverse.New(url, odatatest.Credential{}, &dataverse.Options{RetryDelay: time.Microsecond})
		if err != nil {
			t.Fatal(err)
		}
		searched(t, name+", untrusted", call(t.Context(), c))
		searched(t, name+", cancelled", call(ended, c))
		refused, err := dataverse.New("https://127.0.0.1:1", odatatest.Credential{}, o)
		if err != nil {
			t.Fatal(err)
		}
		searched(t, name+", refused", call(t.Context(), refused))
	}
}
