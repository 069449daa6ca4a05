package catalog

import (
	"slices"
	"strings"

	"crosswalk/shared/contract"
	"crosswalk/shared/schema"
)

// reason is one code that a dead letter in a flow's queue can carry.
type reason struct {
	code, means, do string
	// applies says whether the flow can meet it; nil: every flow can.
	applies func(*book, *flow) bool
	// concerns says which fields can; nil: it isn't about fields.
	concerns func(*flow, *contract.FieldRule) bool
}

const (
	mend     = "%mend" // stands for what mends a record, which depends on the flow's state
	defect   = "report it: a fault in Crosswalk"
	findOut  = "look at the target's state, then resubmit"
	busy     = "other workers were busy with this record whenever its turn came"
	again    = "resubmit; if it comes back, " + defect
	putRight = "put it right, then resubmit what was given up meanwhile"
)

// atFault are the codes of messages that are dead-lettered at once, because they can never succeed as they are.
var atFault = []reason{
	{code: "bad-type", means: "a value isn't of the type that the source's schema says, for example text where a number belongs", do: "the source has changed: bring schema and contract up to date", concerns: mapped},
	{code: "bad-value", means: "a value can't be read as what it should be: a date without a zone, a fraction where a whole number belongs, no well-formed identifier", do: mend, concerns: canBeBad},
	{code: "blank-required", means: "the source says nothing where the contract demands a value", do: mend, concerns: func(_ *flow, f *contract.FieldRule) bool { return f.Source != nil && f.Source.Rejects }},
	{code: "body-corrupt", means: "a large body in the claim check isn't the one that was stored", do: "have the source send the event again"},
	{code: "body-expired", means: "a large body is no longer in the claim check", do: "have the source send the event again"},
	{code: "delete-rejected", means: "the record was deleted in the source, and the contract leaves it to a person what then happens", do: "decide about the target's record; then remove the dead letter", applies: func(_ *book, f *flow) bool { return f.Delete == contract.DeleteReject && f.deletes() }},
	{code: "duplicate-key", means: "the JSON has one member twice, so nobody can know which counts", do: "mend the sender and have it send the event again"},
	{code: "expression-failed", means: "an expression of the contract gives no value for the record: it computes with null, a number's range ends, or a text can't be converted", do: mend, applies: func(_ *book, f *flow) bool { return f.computes() }, concerns: func(_ *flow, f *contract.FieldRule) bool { return f.Expression != "" || f.When != "" }},
	{code: "field-missing", means: "the message is no complete CloudEvent: an application property is missing", do: "somebody sent it by hand: remove it, and send through the source"},
	{code: "image-incomplete", means: "the event's post-image is missing, or lacks a column that the contract maps", do: "register the step with a post-image of every mapped column, then change the record once more; or let the contract read the row (state: row)", applies: func(_ *book, f *flow) bool { return f.From.State == contract.StateImage }},
	{code: "invalid-utf8", means: "a text isn't well-formed UTF-8", do: "mend the sender and have it send the event again"},
	{code: "key-changed", means: "the record's match key is no longer the one that it was linked by", do: "give the target's record the new key, or the source's its old one; then resubmit", applies: func(_ *book, f *flow) bool { return f.aboutRecord() }},
	{code: "malformed-json", means: "the message or the row is no well-formed JSON", do: "mend the sender and have it send the event again"},
	{code: "MaxDeliveryCountExceeded", means: "Service Bus gave up: the handler crashed or ran into its time-out at every delivery", do: "look at the host's log; " + defect},
	{code: "other-key-taken", means: "the target's table has a unique key besides the one that the flow finds records by, and another of its records holds this one's values there; the description names that key where the target does", do: "find the two records and mend one, or remove the key if it shouldn't be unique; then resubmit"},
	{code: "out-of-range", means: "a number or a date lies outside what the target keeps; it is never rounded", do: mend, concerns: canBeOutOfRange},
	{code: "panic", means: "the handler met a fault of its own three times", do: defect},
	{code: "probe", means: "somebody ran crosswalk verify, which could not take its message away again", do: "remove it"},
	{code: "target-linked", means: "the target's record with this key belongs to another record of the source", do: "find the two source records that claim one target record and mend one"},
	{code: "target-refused", means: "the target doesn't take the row; the description has its error code and the fields it names", do: "mend what the description names, in the source or in the target's settings; then resubmit"},
	{code: "too-deep", means: "the JSON is nested more than 64 levels deep", do: "mend the sender and have it send the event again"},
	{code: "too-large", means: "the message or the row has 2 GiB or more", do: "mend the sender and have it send the event again"},
	{code: "too-long", means: "a text or a list is longer than the target takes", do: mend, concerns: func(_ *flow, f *contract.FieldRule) bool { return f.MaxLength > 0 && !f.Cut || f.Projects }},
	{code: "unknown-option", means: "a value has no entry in the contract's map or table, or the target has no such option", do: "mend the record, or add the value to the contract if it is a good one; then resubmit", concerns: canBeUnknown},
}

// givenUp are the codes of failures that are tried again until attempts or age are used up.
var givenUp = []reason{
	{code: "answer-too-large", means: "the system answered with more than can be read", do: findOut},
	{code: "answer-unreadable", means: "the system answered with JSON that is broken or no row", do: findOut},
	{code: "claim-store-unavailable", means: "the blob container with large bodies didn't answer", do: "look at the storage account, then resubmit"},
	{code: "intent-open", means: "the flow of the other direction began to create this record and didn't finish", do: "look for a dead letter of the other flow and settle that first; then resubmit", applies: func(b *book, f *flow) bool { return b.reverse(f) != "" }},
	{code: "key-taken", means: "another record of the source has the same match key", do: "find the two records and mend one; then resubmit"},
	{code: "link-unavailable", means: "the table that holds the links didn't answer", do: "look at the storage account, then resubmit"},
	{code: "out-of-time", means: "there was no time left to write; nothing was written", do: "look at how slow the systems are, then resubmit"},
	{code: "outcome-unknown", means: "a write was sent and no answer came", do: "resubmit: the target is read before anything is written again"},
	{code: "reference-missing", means: "a lookup's row isn't in the target", do: "create the row it points to, or find out why its own flow didn't; then resubmit", applies: func(_ *book, f *flow) bool { return slices.ContainsFunc(f.fields, isLookup) }, concerns: func(_ *flow, f *contract.FieldRule) bool { return isLookup(*f) }},
	{code: "row-changed", means: "the target's record was changed by others while it was written", do: "resubmit"},
	{code: "row-exists", means: "the record was created by others while it was written", do: "resubmit"},
	{code: "row-missing", means: "the record was removed by others while it was written", do: "resubmit"},
	{code: "row-unreadable", means: "the target's row is no well-formed JSON", do: findOut},
	{code: "target-contended", means: "others changed the target's record at every try", do: "find out who writes it so often; then resubmit"},
	{code: "target-throttled", means: "the system asked for fewer requests for longer than we try", do: "look for what else loads it; then resubmit, a part at a time"},
	{code: "target-timeout", means: "the system didn't answer in time", do: findOut},
	{code: "target-unavailable", means: "the system is down or in trouble", do: findOut},
	{code: "unexpected", means: "an error that nobody has judged; the handler's log has its type", do: defect},
}

// tooOld are the codes of failures that use no attempt, so that only the age ends them: permissions, addresses, busy records.
var tooOld = []reason{
	{code: "claim-store-refused", means: "the storage account refuses us the blob container", do: putRight},
	{code: "claimed", means: busy, do: again},
	{code: "link-busy", means: busy, do: again},
	{code: "link-refused", means: "the storage account refuses us the table with the links", do: putRight},
	{code: "link-unreadable", means: "a row of the links' table isn't what Crosswalk wrote", do: "find out who changed it; " + putRight},
	{code: "no-certificate", means: "Key Vault gives us no certificate that can be used to prove who we are", do: putRight},
	{code: "no-managed-identity", means: "the managed identity gives us no token", do: putRight},
	{code: "not-owner", means: "the flow would write a field that another system owns by some contract, so nothing was written", do: "agree on one owner and say so in every contract, run crosswalk check and deploy; what waits is tried again by itself"},
	{code: "swap-lost", means: busy, do: again},
	{code: "target-address", means: "what answers at the configured address isn't the system's API", do: putRight},
	{code: "target-forbidden", means: "our application user lacks a privilege", do: putRight},
	{code: "target-missing", means: "there is no such table, entity set or column at the configured address", do: putRight},
	{code: "target-unauthorized", means: "the system doesn't accept our token", do: putRight},
	{code: "target-untrusted", means: "the system's TLS certificate isn't trusted", do: putRight},
	{code: "token-refused", means: "Entra gives us no token", do: putRight},
}

// alerts are the codes of lines with the outcome alert that a flow itself can cause; no message stands for them.
var alerts = []reason{
	{code: "volume-exceeded", means: "one instance of the handler wrote more records within an hour than the contract says the flow is made for; it goes on one by one", do: "if it is a load, switch the source's events off and load the rest in bulk; if it is everyday work, raise `bulkAbove` in the contract", applies: func(_ *book, f *flow) bool { return f.BulkAbove > 0 }},
}

// reasonTable lists the codes that the flow can meet.
func (b *book) reasonTable(w *writer, f *flow, reasons []reason) {
	var rows [][]string
	for _, r := range reasons {
		if r.applies != nil && !r.applies(b, f) {
			continue
		}
		about := ""
		if r.concerns != nil {
			var names []string
			for _, field := range withMembers(f.fields) {
				if r.concerns(f, field) {
					names = append(names, field.Column.Name)
				}
			}
			if len(names) == 0 {
				continue
			}
			about = codes(names)
		}
		rows = append(rows, []string{code(r.code), r.means, about, strings.ReplaceAll(r.do, mend, f.mending())})
	}
	w.table([]string{"reason", "what it means", "fields", "what to do"}, rows)
}

// mending says how a record at fault is mended: a row is read anew, an event is what it is.
func (f *flow) mending() string {
	if f.From.State == contract.StateRow {
		return "mend the record in " + title(f.From.System) + ", then resubmit"
	}
	return "resubmitting alone can't help, for the message holds the value: mend the data in " + title(f.From.System) + " and have it send the event again, or correct the contract and resubmit"
}

// deletes reports whether the flow's events, such as dataverse.account.*, can say that a record was deleted.
func (f *flow) deletes() bool {
	pattern, wild := strings.CutSuffix(f.From.Event, "*")
	last := pattern[strings.LastIndexByte(pattern, '.')+1:]
	if !wild {
		return f.aboutRecord() && last == "deleted"
	}
	return f.aboutRecord() && (strings.Count(pattern, ".") < 2 || strings.HasPrefix("deleted", last))
}

// aboutRecord tells flows of records from those of business facts, whose events are known by their key alone.
func (f *flow) aboutRecord() bool { return f.From.State == contract.StateRow }

// reverse returns the flow of the same pair in the other direction, "" where there is none.
func (b *book) reverse(f *flow) string {
	for _, other := range b.flows {
		if other.Pair == f.Pair && other.From.System == f.To.System && other.To.System == f.From.System {
			return other.Name
		}
	}
	return ""
}

// computes reports whether the flow has an expression.
func (f *flow) computes() bool {
	return f.When() != "" || slices.ContainsFunc(withMembers(f.fields), func(r *contract.FieldRule) bool { return r.Expression != "" || r.When != "" })
}

// withMembers returns fields, and behind each list its members.
func withMembers(fields []contract.FieldRule) []*contract.FieldRule {
	var out []*contract.FieldRule
	for i := range fields {
		out = append(append(out, &fields[i]), withMembers(fields[i].Members)...)
	}
	return out
}

func mapped(_ *flow, f *contract.FieldRule) bool { return f.Source != nil }

func isLookup(f contract.FieldRule) bool { return f.ReferenceKey != nil }

// anySource reports whether ok holds for the field's source or for one that it falls back to.
func anySource(s *contract.SourceRule, ok func(*schema.Column) bool) bool {
	if s == nil {
		return false
	}
	return ok(s.Column) || slices.ContainsFunc(s.Blanks, func(b contract.BlankRule) bool { return anySource(b.From, ok) })
}

// written is the column whose type a value must have: for a lookup the key of the row it points to.
func written(f *contract.FieldRule) *schema.Column {
	if f.ReferenceKey != nil {
		return f.ReferenceKey
	}
	return f.Column
}

func numeric(k schema.Kind) bool { return k == schema.Integer || k == schema.Number }

func canBeBad(p *flow, f *contract.FieldRule) bool {
	target := written(f)
	return f.Source != nil && (f.Strips || len(f.Converts) > 0) || anySource(f.Source, func(c *schema.Column) bool {
		switch c.Kind {
		case schema.Time, schema.GUID, schema.Reference, schema.Integer:
			return true
		case schema.Choice:
			return p.From.System == schema.Dataverse
		case schema.Text:
			return f.Choices == nil && (numeric(target.Kind) || target.Kind == schema.GUID || target.Kind == schema.Boolean)
		case schema.Number:
			return target.Kind == schema.Integer
		}
		return false
	})
}

func canBeOutOfRange(p *flow, f *contract.FieldRule) bool {
	target := written(f)
	return anySource(f.Source, func(c *schema.Column) bool {
		return numeric(c.Kind) || c.Kind == schema.Choice && p.From.System == schema.Dataverse ||
			f.Choices == nil && (target.Kind == schema.Time || numeric(target.Kind) && (target.Min != "" || target.Max != "" || target.Precision > 0))
	})
}

func canBeUnknown(_ *flow, f *contract.FieldRule) bool {
	if f.Source == nil || f.HasOther {
		return false
	}
	if f.Choices == nil {
		return written(f).Kind == schema.Choice
	}
	return !exhaustive(f)
}
