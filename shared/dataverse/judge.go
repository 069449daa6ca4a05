package dataverse

import (
	"regexp"
	"strings"
	"sync"

	"crosswalk/shared/fault"
	"crosswalk/shared/odata"
)

// Codes of error answers, with their names on the public page "Web service error codes".
const (
	codeDuplicateKey    = "0x80060892" // DuplicateRecordEntityKey: another row has the alternate key
	codeDuplicateRecord = "0x80040237" // DuplicateRecord: another row has the primary key
	codeDuplicateRule   = "0x80040333" // DuplicateRecordsFound: a duplicate detection rule matched
	codeNoRow           = "0x80040217" // ObjectDoesNotExist
	codeNoKey           = "0x80060891" // RecordNotFoundByEntityKey
	codeInUse           = "0x80040227" // CannotDeleteDueToAssociation
	codeDenied          = "0x80040220" // PrivilegeDenied
	codeDeniedToo       = "0x80048306" // PrivilegeDenied of newer releases
	codeNoConcurrency   = "0x8006088d" // OptimisticConcurrencyNotEnabled
	codeTooLong         = "0x80044331" // StringLengthTooLong
	codeOutOfRange      = "0x80044330" // OutOfRange
	codeNoOption        = "0x8004431a" // PicklistValueOutOfRange
	codePayload         = "0x80048d19" // an error in the payload
)

// explained says in plain words what a code means, for those worth more than a number.
var explained = map[string]string{
	codeTooLong:       "a text is longer than its column allows",
	codeOutOfRange:    "a number is outside its column's range",
	codeNoOption:      "an option value is not among the column's options",
	codePayload:       "the row holds a column that the table hasn't got, or a value of the wrong type",
	codeDuplicateRule: "a duplicate detection rule matched another row",
	codeInUse:         "other rows refer to the row",
}

// condition is one row of the table that judges refusals: the first that matches counts.
type condition struct {
	status   int    // 0 means any
	code     string // "" means any
	text     string // lower case; what the message must hold; "" means any
	when     func(*odata.Refusal) bool
	judgment func(*odata.Refusal) *fault.Error
}

var conditions = []condition{
	{code: codeDenied, judgment: denied},
	{code: codeDeniedToo, judgment: denied},
	{code: codeNoConcurrency, judgment: noConcurrency},

	{code: codeDuplicateKey, judgment: (*odata.Refusal).Exists},
	{code: codeDuplicateRecord, judgment: (*odata.Refusal).Exists},
	// A detection rule may match another key than ours, so looking for the row by its key wouldn't find it.
	{status: 412, code: codeDuplicateRule, judgment: refused},
	// The precondition that was sent tells the rest apart: 0x80060882 and an empty code are both seen for a stale row.
	{status: 412, when: func(r *odata.Refusal) bool { return r.Call.IfNoneMatch == "*" }, judgment: (*odata.Refusal).Exists},
	{status: 412, when: func(r *odata.Refusal) bool { return r.Call.IfMatch != "" }, judgment: (*odata.Refusal).Stale},

	{code: codeNoKey, when: isRead, judgment: (*odata.Refusal).NotFound},
	{code: codeNoKey, judgment: noReference},
	{code: codeNoRow, judgment: rowOrReference},
	{status: 404, text: "does not exist", judgment: rowOrReference},
	// Anything else that is 404, such as 0x8006088a for a segment, is a wrong table or address: to take it for a missing row
	// would lose changes in silence.

	// A column that a read asks for is the contract's fault, not the message's.
	{status: 400, text: "could not find a property named", when: isRead, judgment: noColumn},
}

// judge says whose fault a refusal is.
func judge(r *odata.Refusal) error {
	text := strings.ToLower(r.Text())
	for _, c := range conditions {
		if (c.status == 0 || c.status == r.Status) && (c.code == "" || strings.EqualFold(c.code, r.Code)) &&
			strings.Contains(text, c.text) && (c.when == nil || c.when(r)) {
			return c.judgment(r)
		}
	}
	e := r.General()
	if what := explained[strings.ToLower(r.Code)]; what != "" && e.Kind == fault.Permanent {
		return refused(r)
	}
	return e
}

func isRead(r *odata.Refusal) bool { return r.Call.Purpose == odata.Read }

func refused(r *odata.Refusal) *fault.Error {
	what := explained[strings.ToLower(r.Code)]
	if what == "" {
		what = "it doesn't allow this to the row"
	}
	return r.Fault(fault.Permanent, odata.ReasonRefused, what)
}

func denied(r *odata.Refusal) *fault.Error {
	return r.Fault(fault.Misconfigured, odata.ReasonForbidden, "the application user's roles lack a privilege on "+r.Call.Set)
}

func noConcurrency(r *odata.Refusal) *fault.Error {
	return r.Fault(fault.Misconfigured, odata.ReasonMissing, "optimistic concurrency is off for "+r.Call.Set+"; switch it on in the table's settings")
}

func noColumn(r *odata.Refusal) *fault.Error {
	e := r.Fault(fault.Misconfigured, odata.ReasonMissing, "the table "+r.Call.Set+" lacks a column that the contract reads")
	e.Field = strings.Join(r.Names(), ", ")
	return e
}

func noReference(r *odata.Refusal) *fault.Error {
	return r.Fault(fault.Transient, odata.ReasonReference, "the row refers to one that isn't there; it may come yet")
}

var anyGUID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
})

// rowOrReference tells apart, by the id in the message, the addressed row from one that a lookup binds: both are "Does Not
// Exist" with the same code. A create can't miss its own row.
func rowOrReference(r *odata.Refusal) *fault.Error {
	if r.Call.Purpose == odata.Create {
		return noReference(r)
	}
	if id := anyGUID().FindString(strings.ToLower(r.Text())); id != "" && r.Call.Row != "" && id != r.Call.Row {
		return noReference(r)
	}
	return r.NotFound()
}
