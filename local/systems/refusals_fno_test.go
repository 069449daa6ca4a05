package systems_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"crosswalk/local/systems"
)

const (
	usCustomer = "CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')"
	deCustomer = "CustomersV3(dataAreaId='demf',CustomerAccount='DE-001')"
	newOne     = `{"dataAreaId":"usmf","CustomerAccount":"US-099","CustomerGroupId":"10","SalesCurrencyCode":"USD"`
	every      = "?cross-company=true"
	noneFound  = "No resources were found when selecting for update."
)

func dataverseToken(t *testing.T, c *http.Client, e systems.Endpoints) string {
	return secretToken(t, c, e, e.DataverseHTTP)
}

// fo makes an F&O row of the table; its codes are always empty.
func fo(method, path, body, why string, status int, message, source string, headers ...string) refusal {
	return refusal{system: "F&O", method: method, path: path, body: body, why: why, status: status, message: message, source: source, headers: headers}
}

var fnoRefusals = []refusal{
	fo("GET", usCustomer, "", "no token", 401, "Unauthorized", documented).as(noToken),
	fo("GET", usCustomer, "", "a token for another resource", 401, "Unauthorized", documented).as(dataverseToken),
	fo("GET", usCustomer, "", "a token of an application that is mapped to no user", 401, "Unauthorized", captured).when(withoutUsers),
	fo("PATCH", usCustomer, `x`, "a body that isn't announced as JSON", 415, "Send Content-Type: application/json", unconfirmed, "Content-Type", "text/plain"),
	fo("GET", usCustomer, "", "a wrong OData-MaxVersion", 400, "must be 4.0", unconfirmed, "OData-MaxVersion", "3.0"),

	fo("GET", "customersv3", "", "an entity set in the wrong case", 404, "resource not found for the segment 'customersv3'", documented),
	fo("GET", "CustomerV3", "", "no such entity set", 404, "resource not found for the segment 'CustomerV3'", documented),
	fo("PUT", usCustomer, `{}`, "a method that the set doesn't know", 405, "does not support http method 'PUT'", unconfirmed),
	fo("GET", "CustomersV3(dataAreaId='usmf',CustomerAccount='US-098')", "", "no row with this key", 404, "No resource was found for the requested key.", unconfirmed),
	fo("GET", deCustomer, "", "a row of another company without cross-company=true", 404, "No resource was found for the requested key.", documented),
	fo("GET", "CustomersV3('US-001')", "", "a key without dataAreaId", 400, "must name all of dataAreaId, CustomerAccount", documented),
	fo("GET", "CustomersV3(dataAreaId='usmf',CustomerAccount=1)", "", "a key value of the wrong type", 400, "isn't of the property's type", unconfirmed),
	fo("GET", "CustomersV3(dataAreaId='usmf',CustomerAccount='US-001", "", "a key that isn't closed", 400, "isn't closed", unconfirmed),
	fo("GET", usCustomer+"?$select=SearchName", "", "an unknown property in $select", 400, "Could not find a property named 'SearchName'", unconfirmed),
	fo("GET", "CustomersV3?$filter=SearchName eq 'x'", "", "an unknown property in $filter", 400, "Could not find a property named 'SearchName'", unconfirmed),
	fo("GET", "CustomersV3?$filter=CreditLimit eq 'x'", "", "a literal of the wrong type in $filter", 400, "incompatible types", unconfirmed),
	fo("GET", "CustomersV3?$filter=OnHoldStatus eq 'No'", "", "an enum as text in $filter", 400, "incompatible types", documented),
	fo("GET", "CustomersV3?$filter=OnHoldStatus eq Microsoft.Dynamics.DataEntities.CustVendorBlocked'Maybe'", "", "an unknown enum member in $filter", 400, "is not a valid enumeration type constant", unconfirmed),
	fo("GET", "CustomersV3?$filter=OnHoldStatus gt Microsoft.Dynamics.DataEntities.CustVendorBlocked'No'", "", "an enum with another operator than eq and ne", 400, "eq and ne only", documented),
	fo("GET", "CustomersV3?$filter=contains(NameAlias,'x')", "", "a function in $filter", 400, "functions aren't simulated", documented),
	fo("GET", "CustomersV3?$orderby=SearchName", "", "an unknown property in $orderby", 400, "Could not find a property named 'SearchName'", unconfirmed),
	fo("GET", "CustomersV3?$top=-1", "", "a $top that is no number", 400, "Invalid value '-1' for $top", unconfirmed),
	fo("GET", usCustomer+"?$expand=Lines", "", "$expand", 400, "'$expand' is not supported", simulated),
	fo("GET", usCustomer+"/NameAlias", "", "a path below a row", 501, "isn't simulated", simulated),
	fo("POST", "$batch", `{}`, "$batch", 501, "$batch isn't simulated", simulated),

	fo("PATCH", usCustomer, `{"NameAlias":"x"`, "a body that is no JSON", 400, "Invalid JSON", unconfirmed),
	fo("PATCH", usCustomer, `{"NameAlias":"x","NameAlias":"y"}`, "a name twice in the body", 400, "duplicate object member name", unconfirmed),
	fo("PATCH", usCustomer, `{"SearchName":"x"}`, "an unknown property", 400, "The property 'SearchName' does not exist on type 'Microsoft.Dynamics.DataEntities.CustomerV3'.", unconfirmed),
	fo("PATCH", usCustomer, `{"NameAlias":5}`, "a number for text", 400, "expected type 'Edm.String'", unconfirmed),
	fo("PATCH", usCustomer, `{"CreditLimit":"5"}`, "text for a decimal", 400, "expected type 'Edm.Decimal'", unconfirmed),
	fo("PATCH", usCustomer, `{"CreditLimit":12345678901234567}`, "a decimal with more than 16 digits before the point", 400, "expected type 'Edm.Decimal'", unconfirmed),
	fo("PATCH", usCustomer, `{"CreditLimit":null}`, "null for a decimal", 400, "does not allow null values", unconfirmed),
	fo("PATCH", usCustomer, `{"CredManLastReviewDate":null}`, "null for a date", 400, "does not allow null values", unconfirmed),
	fo("PATCH", usCustomer, `{"CredManLastReviewDate":"2026-07-01"}`, "a date without time and zone", 400, "expected type 'Edm.DateTimeOffset'", unconfirmed),
	fo("PATCH", usCustomer, `{"PaymentTermsBaseDays":2147483648}`, "a whole number out of range", 400, "expected type 'Edm.Int32'", unconfirmed),
	fo("PATCH", usCustomer, `{"OnHoldStatus":"Maybe"}`, "an unknown enum member", 400, "expected type 'Microsoft.Dynamics.DataEntities.CustVendorBlocked'", unconfirmed),
	fo("PATCH", usCustomer, `{"OnHoldStatus":1}`, "an enum by its number", 400, "expected type 'Microsoft.Dynamics.DataEntities.CustVendorBlocked'", unconfirmed),
	fo("PATCH", usCustomer, `{"NameAlias":"`+strings.Repeat("x", 101)+`"}`, "text longer than the property", 400, "longer than its 100 characters", unconfirmed),
	fo("PATCH", usCustomer, `{"CustomerAccount":"US-097"}`, "another key in the body than in the URL", 400, "is part of the key", unconfirmed),

	fo("PATCH", "CustomersV3(dataAreaId='usmf',CustomerAccount='US-098')", `{"NameAlias":"x"}`, "PATCH is no upsert: no row with this key", 400, noneFound, captured),
	fo("PATCH", deCustomer, `{"NameAlias":"x"}`, "PATCH in another company without cross-company=true", 400, noneFound, documented),
	fo("PATCH", usCustomer, `{"CustomerGroupId":""}`, "a mandatory property is blanked", 400, "Field 'CustomerGroupId' must be filled in.", unconfirmed),
	fo("PATCH", usCustomer, `{"CustomerGroupId":"99"}`, "a customer group that doesn't exist", 400, "The value '99' in field 'Customer group' is not found in the related table 'Customer groups'.; Warning: validateField failed on field 'CustCustomerV3Entity.CustomerGroupId'.", captured),
	fo("PATCH", usCustomer, `{"PaymentTerms":"Net999"}`, "terms of payment that don't exist", 400, "in field 'Terms of payment' is not found in the related table", captured),
	fo("PATCH", usCustomer, `{"SalesCurrencyCode":"XXX"}`, "a currency that doesn't exist", 400, "in field 'Currency' is not found in the related table", captured),
	fo("PATCH", usCustomer, `{"InvoiceAccount":"DE-001"}`, "an invoice account of another company", 400, "in field 'Invoice account' is not found in the related table", unconfirmed),
	fo("PATCH", usCustomer, `{"NameAlias":"x"}`, "a stale If-Match", 412, "was changed by another user", unconfirmed, "If-Match", `W/"JzEn"`),

	fo("POST", "CustomersV3", `{"CustomerAccount":"US-099","SalesCurrencyCode":"USD"}`, "an insert without the customer group", 400, "Field 'CustomerGroupId' must be filled in.", documented),
	fo("POST", "CustomersV3", `{"CustomerAccount":"US-099","CustomerGroupId":"10"}`, "an insert without the currency", 400, "Field 'SalesCurrencyCode' must be filled in.", documented),
	fo("POST", "CustomersV3", `{"CustomerGroupId":"10","SalesCurrencyCode":"USD"}`, "an insert without the account (the real one may take a number sequence)", 400, "Field 'CustomerAccount' must be filled in.", unconfirmed),
	fo("POST", "CustomersV3", newOne+`,"SearchName":"x"}`, "an unknown property", 400, "The property 'SearchName' does not exist", unconfirmed),
	fo("POST", "CustomersV3", `{"dataAreaId":"usmf","CustomerAccount":"US-001","CustomerGroupId":"10","SalesCurrencyCode":"USD"}`, "the key is taken", 500, "The record already exists.", captured),
	fo("POST", "CustomersV3", `{"dataAreaId":"USMF","CustomerAccount":"us-001","CustomerGroupId":"10","SalesCurrencyCode":"USD"}`, "the key is taken, but for case", 500, "The record already exists.", unconfirmed),
	fo("POST", "CustomersV3", `{"dataAreaId":"demf","CustomerAccount":"DE-099","CustomerGroupId":"10","SalesCurrencyCode":"EUR"}`, "an insert in another company without cross-company=true", 400, "the request lacks cross-company=true", unconfirmed),
	fo("POST", "CustomersV3"+every, `{"dataAreaId":"xxmf","CustomerAccount":"US-099","CustomerGroupId":"10","SalesCurrencyCode":"USD"}`, "a company that doesn't exist", 400, "The value 'xxmf' in field 'Company' is not found in the related table", unconfirmed),
	fo("POST", "CustomersV3"+every, `{"dataAreaId":"usmfx","CustomerAccount":"US-099","CustomerGroupId":"10","SalesCurrencyCode":"USD"}`, "a company with more than 4 characters", 400, "longer than its 4 characters", unconfirmed),

	fo("DELETE", "CustomersV3(dataAreaId='usmf',CustomerAccount='US-098')", "", "a delete of a row that doesn't exist", 400, noneFound, unconfirmed),
	fo("DELETE", "CustomerGroups(dataAreaId='usmf',CustomerGroupId='10')", "", "a delete of a row that others refer to", 400, "while dependent", unconfirmed),

	fo("GET", usCustomer, "", "resource-based throttling (injected)", 429, "This request could not be processed at this time due to system experiencing high resource utilization.", documented).when(func(s *systems.Systems) {
		s.FnO().ThrottleNext(1, time.Minute)
	}),
	fo("POST", "CustomersV3", newOne+`}`, "a duplicate key that isn't one (injected)", 500, "The record already exists.", captured).when(func(s *systems.Systems) { s.FnO().DuplicateNext(1) }),
}
