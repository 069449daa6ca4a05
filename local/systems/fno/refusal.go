package fno

import (
	"fmt"
	"net/http"

	"crosswalk/local/systems/odata"
)

// refusal is an error answer as F&O shapes it: the useful text is innererror.message. Texts hold the caller's values where
// the real ones do, so that a client which logs them is found out.
type refusal struct {
	status int
	// message is the outer message; inner is "" where there is no innererror.
	message, inner, kind string
}

// writeException is the type of every failed write (captures of F&O 10.0).
const writeException = "Microsoft.Dynamics.Platform.Integration.Services.OData.AxODataWriteException"

func (f *refusal) body() []byte {
	out := `{"error":{"code":"","message":` + string(odata.Quote(f.message))
	if f.inner != "" {
		out += `,"innererror":{"message":` + string(odata.Quote(f.inner)) + `,"type":"` + f.kind + `","stacktrace":"   at Microsoft.Dynamics.Platform.Integration.Services.OData …"}`
	}
	return []byte(out + "}}")
}

func (f *refusal) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
	w.WriteHeader(f.status)
	_, _ = w.Write(f.body())
}

// badPayload is a request that doesn't fit the model: 400 from OData's own reader. The texts are ODataLib's; the outer
// message is UNCONFIRMED.
func badPayload(format string, args ...any) *refusal {
	return &refusal{http.StatusBadRequest, "An error has occurred.", fmt.Sprintf(format, args...), "Microsoft.OData.ODataException"}
}

func unknownProperty(e *entity, name string) *refusal {
	return badPayload("The property '%s' does not exist on type 'Microsoft.Dynamics.DataEntities.%s'. Make sure to only use property names that are defined by the type.", name, e.typeName)
}

func unknownInQuery(e *entity, name string) *refusal {
	return badPayload("Could not find a property named '%s' on type 'Microsoft.Dynamics.DataEntities.%s'.", name, e.typeName)
}

func wrongType(p *property, literal, want string) *refusal {
	return badPayload("Cannot convert the literal '%s' to the expected type '%s' of property '%s'.", literal, want, p.name)
}

// writeFailed is a business rule's refusal: an infolog (captures of F&O 10.0).
func writeFailed(status int, e *entity, format string, args ...any) *refusal {
	return &refusal{status, "An error has occurred.", fmt.Sprintf("Write failed for table row of type '%s'. Infolog: %s", e.aot, fmt.Sprintf(format, args...)), writeException}
}

// duplicate arrives as 500 (captures of F&O 10.0; 400 is seen as well).
func duplicate(e *entity, label, value string) *refusal {
	return writeFailed(http.StatusInternalServerError, e, "Info: Cannot create a record in %s. %s: %s.\nThe record already exists..", e.label, label, value)
}

func notInRelated(e *entity, r relation, value string) *refusal {
	return writeFailed(http.StatusBadRequest, e, "Warning: The value '%s' in field '%s' is not found in the related table '%s'.; Warning: validateField failed on field '%s.%s'.", value, r.label, r.related, e.aot, r.property)
}

// notFilled is X++'s check of a mandatory field; the text is UNCONFIRMED.
func notFilled(e *entity, name string) *refusal {
	return writeFailed(http.StatusBadRequest, e, "Warning: Field '%s' must be filled in.; Warning: validateField failed on field '%s.%s'.", name, e.aot, name)
}

// tooLong is UNCONFIRMED: neither the text nor whether every build refuses instead of cutting is documented.
func tooLong(e *entity, p *property) *refusal {
	return writeFailed(http.StatusBadRequest, e, "Warning: The value in field '%s' is longer than its %d characters.; Warning: validateField failed on field '%s.%s'.", p.name, p.length, e.aot, p.name)
}

// nothingToUpdate is a PATCH or DELETE whose row isn't there, or isn't in the company that the request sees (captures of
// F&O 10.0; for DELETE UNCONFIRMED).
func nothingToUpdate() *refusal {
	return &refusal{http.StatusBadRequest, "An error has occurred.", "No resources were found when selecting for update.", writeException}
}

// noRow is a GET by a key that isn't there; the body is UNCONFIRMED.
func noRow() *refusal {
	return &refusal{http.StatusNotFound, "No resource was found for the requested key.", "", ""}
}

func noSet(name string) *refusal {
	return &refusal{http.StatusNotFound, "No HTTP resource was found that matches the request URI: resource not found for the segment '" + name + "'.", "", ""}
}

func notAllowed(method string) *refusal {
	return &refusal{http.StatusMethodNotAllowed, "The requested resource does not support http method '" + method + "'.", "", ""}
}

func notSimulated(what string) *refusal {
	return &refusal{http.StatusNotImplemented, what + " isn't simulated.", "", ""}
}

// stale is UNCONFIRMED: how F&O answers an If-Match that no longer matches isn't documented.
func stale() *refusal {
	return &refusal{http.StatusPreconditionFailed, "The record was changed by another user or process.", "", ""}
}
