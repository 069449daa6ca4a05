package systems_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"crosswalk/local/systems"
	"crosswalk/local/systems/dataverse"
	"crosswalk/local/systems/traffic"
)

const (
	us1     = "accounts(acc00000-0000-4000-8000-000000000001)"
	nobody  = "accounts(d290f1ee-6c54-4b01-90e6-d701748f0851)"
	newBill = `{"invoicenumber":"CIV-1","cw_legalentity":"usmf"`
)

// otherToken is a token for F&O.
func otherToken(t *testing.T, c *http.Client, e systems.Endpoints) string {
	return secretToken(t, c, e, e.FnOHTTP)
}

func noToken(*testing.T, *http.Client, systems.Endpoints) string { return "" }

func withoutUsers(s *systems.Systems) {
	s.Dataverse().SetUsers()
	s.FnO().SetUsers()
}

// dv makes a Dataverse row of the table.
func dv(method, path, body, why string, status int, code, message, source string, headers ...string) refusal {
	return refusal{system: "Dataverse", method: method, path: path, body: body, why: why, status: status, code: code, message: message, source: source, headers: headers}
}

func (r refusal) when(f func(*systems.Systems)) refusal { r.with = f; return r }

func (r refusal) as(f func(*testing.T, *http.Client, systems.Endpoints) string) refusal {
	r.token = f
	return r
}

var dataverseRefusals = []refusal{
	dv("GET", us1, "", "no token", 401, "", "Unauthorized", documented).as(noToken),
	dv("GET", us1, "", "a token for another resource", 401, "", "Unauthorized", documented).as(otherToken),
	dv("GET", us1, "", "a token of an application that is no application user", 403, "0x80072560", "The user is not a member of the organization.", unconfirmed).when(withoutUsers),
	dv("GET", us1, "", "a wrong OData-Version", 400, "0x80060888", "must be 4.0", unconfirmed, "OData-Version", "3.0"),
	dv("GET", us1, "", "a wrong OData-MaxVersion", 400, "0x80060888", "must be 4.0", unconfirmed, "OData-MaxVersion", "3.0"),
	dv("GET", us1, "", "Accept without JSON", 415, "0x80060888", "A supported MIME type could not be found", unconfirmed, "Accept", "text/html"),
	dv("PATCH", us1, `name=x`, "a body that isn't announced as JSON", 415, "0x80048d19", "Send Content-Type: application/json", unconfirmed, "Content-Type", "text/plain"),

	dv("GET", "accountz", "", "no such entity set", 404, "0x8006088a", "Resource not found for the segment 'accountz'.", documented),
	dv("GET", "Accounts", "", "an entity set in the wrong case", 404, "0x8006088a", "Resource not found for the segment 'Accounts'.", documented),
	dv("PUT", us1, `{"name":"x"}`, "a method that the set doesn't know", 405, "0x0", "does not support http method 'PUT'", unconfirmed),
	dv("GET", nobody, "", "no row with this id", 404, "0x80040217", "account With Id = d290f1ee-6c54-4b01-90e6-d701748f0851 Does Not Exist", documented),
	dv("GET", "accounts(accountnumber='XX-1')", "", "no row with this alternate key", 404, "0x80060891", "A record with the specified key values does not exist in account entity", documented),
	dv("GET", "accounts(name='Alder Ridge Outfitters')", "", "columns that are no alternate key", 400, "0x80060888", "aren't an alternate key", unconfirmed),
	dv("GET", "invoices(invoicenumber='CIV-1')", "", "half of an alternate key", 400, "0x80060888", "aren't an alternate key", unconfirmed),
	dv("GET", "accounts(nonsense='1')", "", "an unknown column in a key", 400, "0x80060888", "Could not find a property named 'nonsense'", captured),
	dv("GET", "accounts(accountnumber=1)", "", "a key value of the wrong type", 400, "0x80060888", "isn't of the column's type", unconfirmed),
	dv("GET", "accounts('US-001')", "", "a primary key that is no GUID", 400, "0x80060888", "is a GUID", unconfirmed),
	dv("GET", "accounts(accountnumber='US-001", "", "a key that isn't closed", 400, "0x80060888", "Error in query syntax", unconfirmed),
	dv("GET", us1+"?$select=nonsense", "", "an unknown column in $select", 400, "0x80060888", "Could not find a property named 'nonsense' on type 'Microsoft.Dynamics.CRM.account'.", captured),
	dv("GET", "invoices?$select=customerid", "", "a lookup with several tables in $select", 400, "0x80060888", "Could not find a property named 'customerid'", captured),
	dv("GET", "accounts?$filter=nonsense eq 1", "", "an unknown column in $filter", 400, "0x80060888", "Could not find a property named 'nonsense'", captured),
	dv("GET", "accounts?$filter=name eq 1", "", "a literal of the wrong type in $filter", 400, "0x80060888", "incompatible types", unconfirmed),
	dv("GET", "accounts?$filter=name is 'x'", "", "a $filter that isn't well formed", 400, "0x80060888", "syntax error", unconfirmed),
	dv("GET", "accounts?$filter=contains(name,'x')", "", "a function in $filter", 400, "0x80060888", "functions aren't simulated", simulated),
	dv("GET", "accounts?$orderby=nonsense", "", "an unknown column in $orderby", 400, "0x80060888", "Could not find a property named 'nonsense'", captured),
	dv("GET", "accounts?$top=x", "", "a $top that is no number", 400, "0x80060888", "Invalid value 'x' for $top", unconfirmed),
	dv("GET", us1+"?$expand=primarycontactid", "", "$expand", 400, "0x80060888", "$expand is not supported", simulated),
	dv("GET", us1+"/name", "", "a path below a row", 501, "", "isn't simulated", simulated),
	dv("POST", "$batch", `{}`, "$batch", 501, "", "$batch isn't simulated", simulated),

	dv("PATCH", us1, `{"name":"x"`, "a body that is no JSON", 400, "0x80048d19", "Invalid JSON", unconfirmed),
	dv("PATCH", us1, `{"name":"x","name":"y"}`, "a name twice in the body", 400, "0x80048d19", "duplicate object member name", unconfirmed),
	dv("PATCH", us1, "{\"name\":\"\xff\"}", "invalid UTF-8 in the body", 400, "0x80048d19", "invalid UTF-8", unconfirmed),
	dv("PATCH", us1, `[]`, "a body that is no object", 400, "0x80048d19", "isn't a JSON object", unconfirmed),
	dv("PATCH", us1, `{"nonsense":1}`, "an unknown column", 400, "0x80048d19", "The property 'nonsense' does not exist on type 'Microsoft.Dynamics.CRM.account'.", captured),
	dv("PATCH", us1, `{"Name":"x"}`, "a column in the wrong case", 400, "0x80048d19", "The property 'Name' does not exist", captured),
	dv("PATCH", us1, `{"name":5}`, "a number for text", 400, "0x80048d19", "Cannot convert the literal '5' to the expected type 'Edm.String'", captured),
	dv("PATCH", us1, `{"creditlimit":"100"}`, "text for money", 400, "0x80048d19", "expected type 'Edm.Decimal'", captured),
	dv("PATCH", us1, `{"creditonhold":"true"}`, "text for a boolean", 400, "0x80048d19", "expected type 'Edm.Boolean'", captured),
	dv("PATCH", us1, `{"numberofemployees":1.5}`, "a fraction for a whole number", 400, "0x80048d19", "expected type 'Edm.Int32'", captured),
	dv("PATCH", us1, `{"name":"`+strings.Repeat("x", 161)+`"}`, "text longer than the column", 400, "0x80044331", "exceeded the maximum allowed length of '160'", captured),
	dv("PATCH", us1, `{"creditlimit":-1}`, "a number out of the column's range", 400, "0x80044330", "outside the valid range", captured),
	dv("PATCH", us1, `{"creditlimit":1.00001}`, "money with more than 4 decimals (the real one rounds)", 400, "0x80044330", "outside the valid range", unconfirmed),
	dv("PATCH", us1, `{"numberofemployees":1000000001}`, "a whole number out of range", 400, "0x8004432f", "outside the valid range", captured),
	dv("PATCH", us1, `{"customertypecode":99}`, "an option that the column hasn't got", 400, "0x8004431a", "Accepted Values: 1,2,3", captured),
	dv("PATCH", us1, `{"customertypecode":"Customer"}`, "an option by its label", 400, "0x80048d19", "expected type 'Edm.Int32'", captured),
	dv("PATCH", us1, `{"statecode":0,"statuscode":2}`, "a status of another state", 400, "0x80048408", "is not a valid status code for state code 0", captured),
	dv("POST", "invoices", newBill+`,"duedate":"2026-07-31T00:00:00Z"}`, "a time in a date-only column", 400, "0x80048d19", "expected type 'Edm.Date'", captured),
	dv("POST", "invoices", newBill+`,"duedate":"/Date(1785456000000)/"}`, "a date in another form", 400, "0x80048d19", "expected type 'Edm.Date'", captured),
	dv("POST", "pricelevels", `{"name":"x","begindate":"1700-01-01"}`, "a date before 1753", 400, "0x80040239", "minimum value", unconfirmed),
	dv("PATCH", us1, `{"versionnumber":1}`, "a column that the platform keeps (the real one ignores some in silence)", 400, "0x80040203", "can't be written", unconfirmed),
	dv("POST", "invoices", newBill+`,"totalamount_base":1}`, "a base currency amount", 400, "0x80040203", "can't be written", unconfirmed),
	dv("PATCH", us1, `{"accountid":"d290f1ee-6c54-4b01-90e6-d701748f0851"}`, "another id in the body than in the URL", 400, "0x80048d19", "differs from the request's URL", unconfirmed),

	dv("POST", "invoices", newBill+`,"customerid":"acc00000-0000-4000-8000-000000000001"}`, "a lookup with several tables by its column", 400, "0x80048d19", "The property 'customerid' does not exist", unconfirmed),
	dv("POST", "invoices", newBill+`,"pricelevelid":"0b000000-0000-4000-8000-000000000001"}`, "a lookup by its column", 400, "0x80048d19", "Use 'pricelevelid@odata.bind'", unconfirmed),
	dv("POST", "invoices", newBill+`,"_customerid_value":"acc00000-0000-4000-8000-000000000001"}`, "a lookup by its value", 400, "0x80048d19", "CRM do not support direct update of Entity Reference properties", captured),
	dv("POST", "invoices", newBill+`,"customerid@odata.bind":"/accounts(accountnumber='US-001')"}`, "a bind that doesn't name the table", 400, "0x80048d19", "An undeclared property 'customerid'", captured),
	dv("POST", "invoices", newBill+`,"customerid_account@odata.bind":"/contacts(d290f1ee-6c54-4b01-90e6-d701748f0851)"}`, "a bind to another table's row", 400, "0x80048d19", "doesn't lead to 'contacts'", unconfirmed),
	dv("POST", "invoices", newBill+`,"customerid_account@odata.bind":"/accountz(accountnumber='US-001')"}`, "a bind to no such entity set", 404, "0x8006088a", "Resource not found for the segment 'accountz'.", documented),
	dv("POST", "invoices", newBill+`,"customerid_account@odata.bind":"US-001"}`, "a bind that is no address", 400, "0x80048d19", "must be /<set>(<key>)", unconfirmed),
	dv("POST", "invoices", newBill+`,"customerid_account@odata.bind":7}`, "a bind that is no text", 400, "0x80048d19", "isn't text", unconfirmed),
	dv("POST", "invoices", newBill+`,"customerid_account@odata.bind":"/accounts(accountnumber='XX-1')"}`, "a bind to a missing row, by alternate key", 404, "0x80060891", "A record with the specified key values does not exist in account entity", documented),
	dv("POST", "invoices", newBill+`,"customerid_account@odata.bind":"/`+nobody+`"}`, "a bind to a missing row, by id", 404, "0x80060891", "A record with the specified key values does not exist in account entity", unconfirmed),

	dv("POST", "invoices", `{"name":"x"}`, "a system-required column is missing", 400, "0x80044332", "The required field 'invoicenumber'", unconfirmed),
	dv("POST", "invoices", `{"invoicenumber":null}`, "a system-required column is null", 400, "0x80044332", "The required field 'invoicenumber'", unconfirmed),
	dv("POST", "accounts", `{"accountnumber":"US-001"}`, "the alternate key is taken", 412, "0x80060892", "A record that has the attribute values accountnumber already exists.", documented),
	dv("POST", "accounts", `{"accountnumber":"us-001"}`, "the alternate key is taken, but for case", 412, "0x80060892", "already exists", unconfirmed),
	dv("PATCH", us1, `{"accountnumber":"US-002"}`, "an update takes another row's alternate key", 412, "0x80060892", "already exists", documented),
	dv("POST", "accounts", `{"accountid":"`+dataverse.AccountID(1)+`"}`, "the id is taken", 412, "0x80040237", "A record with matching key values already exists.", captured),
	dv("PATCH", us1, `{"name":"x"}`, "If-None-Match: * on a row that exists", 412, "", "A record with matching key values already exists.", documented, "If-None-Match", "*"),
	dv("PATCH", us1, `{"name":"x"}`, "a stale If-Match", 412, "0x80060882", "The version of the existing record doesn't match", documented, "If-Match", `W/"7"`),
	dv("PATCH", us1, `{"name":"x"}`, "an If-Match that is no ETag", 400, "0x80060888", "isn't a valid ETag", unconfirmed, "If-Match", `7`),
	dv("PATCH", nobody, `{"name":"x"}`, "If-Match: * on a row that doesn't exist", 404, "", "account With Id = d290f1ee-6c54-4b01-90e6-d701748f0851 Does Not Exist", documented, "If-Match", "*"),
	dv("PATCH", "accounts(accountnumber='XX-1')", `{"name":"x"}`, "If-Match: * on an alternate key that doesn't exist", 404, "0x80060891", "A record with the specified key values does not exist", unconfirmed, "If-Match", "*"),
	dv("DELETE", nobody, "", "a delete of a row that doesn't exist", 404, "0x80040217", "Does Not Exist", documented),
	dv("DELETE", us1, "", "a delete with a stale If-Match", 412, "0x80060882", "doesn't match", documented, "If-Match", `W/"7"`),
	dv("DELETE", "pricelevels(name='USD list')", "", "a delete of a row that a lookup points to", 405, "0x80040227", "is associated with another object", unconfirmed).when(func(s *systems.Systems) {
		s.Dataverse().Edit("POST", "invoices", []byte(newBill+`,"pricelevelid@odata.bind":"/pricelevels(name='USD list')"}`))
	}),

	dv("GET", us1, "", "service protection: too many requests (injected)", 429, "0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds.", documented).when(func(s *systems.Systems) {
		s.Dataverse().ThrottleNext(1, 37*time.Second)
	}),
	dv("PATCH", us1, `{"name":"x"}`, "an answer that a test injects", 500, "0x80040216", "An unexpected error occurred.", documented).when(func(s *systems.Systems) {
		s.Dataverse().Inject(traffic.Fault{Times: 1, Answer: traffic.JSON(500, 0, `{"error":{"code":"0x80040216","message":"An unexpected error occurred."}}`)})
	}),
}
