package dataverse

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"crosswalk/local/systems/odata"
)

// refusal is an error answer: {"error":{"code":"0x8…","message":"…"}}. Messages hold the caller's values where the real
// ones do, so that a client which logs them is found out.
type refusal struct {
	status  int
	code    string
	message string
}

func (f *refusal) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	w.WriteHeader(f.status)
	_, _ = w.Write([]byte(`{"error":{"code":` + string(odata.Quote(f.code)) + `,"message":` + string(odata.Quote(f.message)) + `}}`))
}

// The codes: documented in "Web service error codes", "Troubleshoot Dataverse Web API client errors" or "Optimistic
// concurrency", or seen in public captures, except where a line says UNCONFIRMED.
const (
	codePayload       = "0x80048d19" // a body that doesn't fit the table (captures)
	codeQuery         = "0x80060888" // a query that doesn't fit the table (captures; the documentation shows 0x0)
	codeSegment       = "0x8006088a" // no such entity set (documented)
	codeTooLong       = "0x80044331" // captures
	codeIntegerRange  = "0x8004432f" // captures
	codeMoneyRange    = "0x80044330" // captures; for Decimal and Double UNCONFIRMED
	codeUnknownOption = "0x8004431a" // captures
	codeState         = "0x80048408" // status and state don't go together (captures)
	codeRequired      = "0x80044332" // UNCONFIRMED
	codeReadOnly      = "0x80040203" // UNCONFIRMED
	codeNoRow         = "0x80040217" // documented
	codeNoKey         = "0x80060891" // no row with this alternate key (documented)
	codeDuplicateID   = "0x80040237" // captures
	codeDuplicateKey  = "0x80060892" // alternate key taken (documented)
	codeVersion       = "0x80060882" // stale If-Match (documented)
	codeInUse         = "0x80040227" // documented
	codeNoUser        = "0x80072560" // UNCONFIRMED
)

func badRequest(code, format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

func payload(t *table, format string, args ...any) *refusal {
	return badRequest(codePayload, "Error identified in Payload provided by the user for Entity :'%s', InnerException : Microsoft.OData.ODataException: %s", t.set, fmt.Sprintf(format, args...))
}

func unknownProperty(t *table, name string) *refusal {
	return payload(t, "The property '%s' does not exist on type 'Microsoft.Dynamics.CRM.%s'. Make sure to only use property names that are defined by the type.", name, t.name)
}

func unknownInQuery(t *table, name string) *refusal {
	return badRequest(codeQuery, "Could not find a property named '%s' on type 'Microsoft.Dynamics.CRM.%s'.", name, t.name)
}

func wrongType(t *table, c *column, literal, want string) *refusal {
	return payload(t, "Cannot convert the literal '%s' to the expected type '%s' of property '%s'.", literal, want, c.name)
}

func noSegment(name string) *refusal {
	return &refusal{http.StatusNotFound, codeSegment, fmt.Sprintf("Resource not found for the segment '%s'.", name)}
}

func noRow(t *table, id string) *refusal {
	return &refusal{http.StatusNotFound, codeNoRow, doesNotExist(t, id)}
}

// noRowToUpdate is the answer to If-Match: * (documentation: "Perform conditional operations").
func noRowToUpdate(t *table, id string) *refusal {
	return &refusal{http.StatusNotFound, "", doesNotExist(t, id)}
}

func doesNotExist(t *table, id string) string {
	return t.name + " With Id = " + id + " Does Not Exist"
}

func noKey(t *table) *refusal {
	return &refusal{http.StatusNotFound, codeNoKey, "A record with the specified key values does not exist in " + t.name + " entity"}
}

func duplicateKey(t *table, key []string) *refusal {
	return &refusal{http.StatusPreconditionFailed, codeDuplicateKey, fmt.Sprintf("A record that has the attribute values %s already exists. The entity key %s requires that this set of attributes contains unique values. Select unique values and try again.", strings.Join(key, ", "), keyName(t, key))}
}

func exists() *refusal {
	return &refusal{http.StatusPreconditionFailed, "", "A record with matching key values already exists."}
}

func stale() *refusal {
	return &refusal{http.StatusPreconditionFailed, codeVersion, "The version of the existing record doesn't match the RowVersion property provided."}
}

func notAllowed(method string) *refusal {
	return &refusal{http.StatusMethodNotAllowed, "0x0", "The requested resource does not support http method '" + method + "'."}
}

func notSimulated(what string) *refusal {
	return &refusal{http.StatusNotImplemented, "", what + " isn't simulated."}
}

// keyName is an alternate key's schema name.
func keyName(t *table, key []string) string { return "cw_" + t.name + "_" + strings.Join(key, "_") }

func tooLong(t *table, c *column) *refusal {
	return badRequest(codeTooLong, "A validation error occurred. The length of the '%s' attribute of the '%s' entity exceeded the maximum allowed length of '%d'.", c.name, t.name, c.length)
}

func outOfRange(t *table, c *column, literal string) *refusal {
	code := codeMoneyRange
	if c.kind == "Integer" {
		code = codeIntegerRange
	}
	return badRequest(code, "A validation error occurred. The value %s of '%s' on record of type '%s' is outside the valid range.", literal, c.name, t.name)
}

func unknownOption(t *table, c *column, literal string) *refusal {
	accepted := make([]string, len(c.options))
	for i, o := range c.options {
		accepted[i] = strconv.Itoa(o.value)
	}
	return badRequest(codeUnknownOption, "A validation error occurred. The value %s of '%s' on record of type '%s' is outside the valid range. Accepted Values: %s", literal, c.name, t.name, strings.Join(accepted, ","))
}
