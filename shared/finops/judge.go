package finops

import (
	"strings"

	"crosswalk/shared/fault"
	"crosswalk/shared/odata"
)

// condition is one row of the table that judges refusals: the first that matches counts. F&O gives the same fault as 400 and
// as 500 (both captured), so the text decides before the status does.
type condition struct {
	status   int    // 0 means 400 and above without 401, 403 and 429
	text     string // lower case; what message or inner message must hold
	when     func(*odata.Refusal) bool
	judgment func(*odata.Refusal) *fault.Error
}

var conditions = []condition{
	{text: "no resources were found when selecting for", judgment: (*odata.Refusal).NotFound},
	{text: "record already exists", when: isWriteFault, judgment: (*odata.Refusal).Exists},
	// Two transactions met; the same row may pass a moment later.
	{text: "update conflict", judgment: busy},
	{text: "deadlock", judgment: busy},
	// A field at fault is the message's fault whatever the status.
	{text: "validatefield failed", judgment: refused},
	{text: "validatewrite failed", judgment: refused},
	{text: "must be filled in", judgment: refused},
	{text: "write failed for table row of type", judgment: refused},
	{text: "no http resource was found", judgment: noTable},
	{text: "resource not found for the segment", judgment: noTable},
	{text: "could not find a property named", when: isRead, judgment: noColumn},
	{status: 404, when: missesRow, judgment: (*odata.Refusal).NotFound},
}

// judge says whose fault a refusal is.
func judge(r *odata.Refusal) error {
	text := strings.ToLower(r.Text())
	for _, c := range conditions {
		if c.applies(r.Status) && strings.Contains(text, c.text) && (c.when == nil || c.when(r)) {
			return c.judgment(r)
		}
	}
	return r.General()
}

func (c condition) applies(status int) bool {
	if c.status != 0 {
		return status == c.status
	}
	return status >= 400 && status != 401 && status != 403 && status != 429
}

func isRead(r *odata.Refusal) bool { return r.Call.Purpose == odata.Read }

// isWriteFault guards against texts of other faults that quote a value which says "already exists".
func isWriteFault(r *odata.Refusal) bool { return r.Call.Purpose == odata.Create }

// missesRow tells a 404 for a key from one for the address. For a missing key F&O's framework answers with its error form or
// with nothing (UNCONFIRMED which); a page of HTML is something else's answer.
func missesRow(r *odata.Refusal) bool {
	return r.Call.Key != "" && (r.Form || r.Empty)
}

func refused(r *odata.Refusal) *fault.Error {
	return r.Fault(fault.Permanent, odata.ReasonRefused, "it doesn't take the row as sent")
}

func busy(r *odata.Refusal) *fault.Error {
	return r.Fault(fault.Transient, odata.ReasonUnavailable, "another transaction held the row")
}

func noTable(r *odata.Refusal) *fault.Error {
	return r.Fault(fault.Misconfigured, odata.ReasonMissing, "there is no entity set "+r.Call.Set+" at the configured address; check FNO_URL and the contract")
}

func noColumn(r *odata.Refusal) *fault.Error {
	e := r.Fault(fault.Misconfigured, odata.ReasonMissing, "the entity set "+r.Call.Set+" lacks a column that the contract reads")
	e.Field = strings.Join(r.Names(), ", ")
	return e
}
