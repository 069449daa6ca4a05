package contract

import "cmp"

// declarations are the objects of the language, the contract itself first.
var declarations = []declaration{
	{"contract", document{}, "{purpose: …, team: …, pair: …, from: {…}, to: {…}, owner: …, fields: {…}}", "A contract: which event starts the flow, which system owns each field, how every field maps, and what happens to blank or bad values."},
	{"source", sourceDoc{}, "{system: fno, entity: CustomersV3, event: fno.custcustomerv3entity.*, state: row}", "Where the flow's records come from."},
	{"target", targetDoc{}, "{system: dataverse, entity: account, key: [accountnumber]}", "Where the flow's records go."},
	{"field", fieldDoc{}, "{from: SourceField}", "One field of the target: where its value comes from and what is done to it, or which system owns it."},
	{"deactivate", deactivateDoc{}, "{deactivate: {statecode: 1, statuscode: 2}}", "A delete in the source deactivates the target's row."},
	{"volume", volumeDoc{}, "{bulkAbove: 5000}", "How many records the flow is made for."},
	{"split", splitDoc{}, "{by: \" \", part: first}", "One part of a text."},
	{"strip", stripDoc{}, "{leading: \"0\"}", "What is taken off a text's ends."},
	{"pad", padDoc{}, "{to: 10, with: \"0\"}", "Filling a text up to a length."},
	{"unit", unitDoc{}, "{from: g, to: kg}", "From one unit to another, exactly."},
	{"factor", factorDoc{}, "{from: PriceQuantity}", "A number of the record that another is multiplied with or divided by."},
	{"round", roundDoc{}, "{places: 2, mode: half-even}", "Where and how a number is rounded."},
	{"linked", linkedDoc{}, "{pair: contact, entity: contact}", "The link that knows the row that a lookup points to."},
	{"reference", referenceDoc{}, "{entity: account, key: accountnumber}", "The row that a lookup points to."},
	{"blank", blankKindsDoc{}, "{absent: …, null: …, empty: …, unset: …}", "One rule for each kind of empty."},
	{"instead", insteadDoc{}, "{from: OtherField}, {value: …}", "What is taken instead of a blank: another source field, or a fixed value."},
}

// document is a contract as it is written, each part with its position. A nil element is a missing key.
type document struct {
	Purpose *element `key:"purpose,required" form:"text" doc:"Why the flow exists, in one sentence."`
	Team    *element `key:"team,required" form:"text" doc:"Who is told when the flow fails."`
	Pair    *element `key:"pair,required" form:"text" doc:"The link that both directions share, such as customer-account."`
	From    *element `key:"from,required" form:"{source}" doc:"Where the records come from and which event starts the flow."`
	To      *element `key:"to,required" form:"{target}" doc:"Where the records go and the key they are found by."`
	Owner   *element `key:"owner,required" form:"text" doc:"The system of record of every field that doesn't name another."`
	When    *element `key:"when" form:"text" doc:"A condition in CEL over the source's columns: the flow ignores a record for which it is false."`
	Tables  *element `key:"tables" form:"{*: {*: scalar}}" doc:"Tables that several fields look values up in: {name: {source text: target value}}."`
	Fields  *element `key:"fields,required" form:"{*: {field}}" doc:"The target's fields, each by its column's name."`
	Delete  *element `key:"delete" form:"reject | ignore | delete | {deactivate}" doc:"What happens in the target when the source record is deleted: reject (also where it isn't said) dead-letters the event, ignore leaves the target alone, delete deletes it, {deactivate: {column: value}} sets columns instead."`
	Volume  *element `key:"volume" form:"{volume}" doc:"From which number of records an hour on a load in bulk is to be used instead: {bulkAbove: 5000}."`

	from   sourceDoc
	to     targetDoc
	tables map[string]*element
	fields []fieldDoc
	// used are the tables that a field names.
	used map[*element]bool
}

type sourceDoc struct {
	System *element `key:"system,required" form:"text" doc:"The system, such as fno or dataverse."`
	Entity *element `key:"entity,required" form:"text" doc:"The entity, as its schema snapshot names it."`
	Event  *element `key:"event,required" form:"text" doc:"The type of the events that start the flow; * may stand at its end."`
	State  *element `key:"state,required" form:"row | event | image" doc:"row: the flow reads the record that the event is about. event: it maps the event's own payload, an immutable fact. image: it maps the full post-image that a Dataverse event carries."`
}

type targetDoc struct {
	System *element `key:"system,required" form:"text" doc:"The system, such as fno or dataverse."`
	Entity *element `key:"entity,required" form:"text" doc:"The entity, as its schema snapshot names it."`
	Key    *element `key:"key,required" form:"[text]" doc:"The columns of the key that a record is found by: an alternate key or the own id of a Dataverse table, the whole key of an F&O entity in its order."`

	key []*element
}

// fieldDoc is one entry of "fields".
type fieldDoc struct {
	From       *element `key:"from" form:"text | [text]" doc:"The source column; a path into nested objects is written with points. Or several, in a list: their texts are joined."`
	With       *element `key:"with" form:"characters" doc:"What stands between joined texts."`
	Needs      *element `key:"needs" form:"all | any" doc:"Whether joined texts are blank as soon as one is (all), or only where all are, the blank ones being left out (any, also where it isn't said)."`
	Rows       *element `key:"rows" form:"count | sum | min | max | first | last | join | project" doc:"What is made of the rows of a list: from is the list for count, else a column of its rows, such as Lines[].Amount. project makes a list again: of the rows of Lines, each an object with fields, or of the values of Lines[].Amount."`
	Where      *element `key:"where" form:"{*: scalar}" doc:"Only the rows whose columns have these values: {Type: Delivery}."`
	Fields     *element `key:"fields" form:"{*: {field}}" doc:"The members of the objects that rows: project makes, each by its name; from names a column of the row."`
	Value      *element `key:"value" form:"scalar" doc:"A fixed value, instead of from."`
	Compute    *element `key:"compute" form:"text" doc:"An expression in CEL over the source's columns, instead of from: for what no operation can do."`
	When       *element `key:"when" form:"text" doc:"A condition in CEL over the source's columns: where it is false, otherwise says what happens."`
	Otherwise  *element `key:"otherwise" form:"reject | null | skip | {instead}" doc:"What happens where when is false: reject, null (the target's own empty), skip (leave the target alone, also where it isn't said), another field or a fixed value."`
	Owner      *element `key:"owner" form:"text" doc:"The system that owns the field, where it isn't the contract's owner."`
	Blank      *element `key:"blank" form:"reject | null | skip | {instead} | {blank}" doc:"What an empty source does: reject, null (the target's own empty), skip (leave the target alone), another field or a fixed value; or one rule for each kind of empty."`
	DatePart   *element `key:"datePart" form:"year | quarter | month | day | weekday | week | weekYear | date | time" doc:"The part of a date that is wanted, by the clocks of zone: a number, or a text for date (2026-07-01) and time (16:53:19). Weeks are those of ISO 8601, Monday is weekday 1."`
	Split      *element `key:"split" form:"{split}" doc:"One part of the text; a part that isn't there is blank."`
	Strip      *element `key:"strip" form:"text | {strip}" doc:"A beginning to take off, where it is there; or {beginning, end, leading, trailing}."`
	Case       *element `key:"case" form:"lower | upper" doc:"Letters to lower or to upper case."`
	Pad        *element `key:"pad" form:"{pad}" doc:"Characters that fill the text up to a length."`
	Prefix     *element `key:"prefix" form:"text" doc:"A beginning to put on."`
	Map        *element `key:"map" form:"{*: scalar}" doc:"What each value of an option or a yes/no becomes; checked against both schemas."`
	Table      *element `key:"table" form:"text | {*: scalar}" doc:"What each text becomes; written out, or the name of one of the tables."`
	Options    *element `key:"options" form:"labels" doc:"labels: the option of the same label, or a label's text and its option."`
	Other      *element `key:"other" form:"scalar | null" doc:"What map, table and options make of the rest: reject (also where it isn't said), null (the target's own empty), or a value."`
	Unit       *element `key:"unit" form:"{unit}" doc:"A number in one unit becomes one in another, exactly."`
	Times      *element `key:"times" form:"number | text | {factor}" doc:"A factor, exact; in quotes or not. Or {from: Column}, another number of the record."`
	Per        *element `key:"per" form:"number | text | {factor}" doc:"A divisor, exact; in quotes or not. Or {from: Column}, another number of the record."`
	Round      *element `key:"round" form:"{round}" doc:"Rounding. Without it a number is never rounded."`
	Zone       *element `key:"zone" form:"text" doc:"The time zone, such as Europe/Berlin, in which a day becomes an instant or an instant a day, or in which a time without a zone is meant."`
	OutOfRange *element `key:"outOfRange" form:"reject | clamp" doc:"What happens to a number that the target hasn't got: reject (also where it isn't said), or the nearest that it has."`
	Longer     *element `key:"longer" form:"reject | cut" doc:"What happens to a text that the target has no room for."`
	Reference  *element `key:"reference" form:"text | {reference}" doc:"The alternate key by which a lookup finds its row."`
	Link       *element `key:"link" form:"text | {linked}" doc:"The pair whose link knows the row that a lookup points to, by the id of the source's record."`
	Initial    *element `key:"initial" form:"true" doc:"true: written only when the flow creates the row, and never compared or changed afterwards, so another system may own the field from then on."`

	// name is the target's column. For a member of a list's rows that is cw_lines[].price, and key is the member's own name.
	name, key       *element
	fields          []fieldDoc
	table           *element
	blank           *blankDoc
	otherwise       *blankRule
	reference       *element
	referenceEntity *element
	referenceAnd    *element
	link            *element
	// faulty is true where the entry itself has findings, so that what follows from them isn't reported too.
	faulty bool
}

type referenceDoc struct {
	Entity *element `key:"entity" form:"text" doc:"The table, for a lookup that can point to several."`
	Key    *element `key:"key,required" form:"text" doc:"The alternate key's column, whose value the field gives."`
	And    *element `key:"and" form:"{*: text}" doc:"The other columns of an alternate key of several, each with the field of this contract that has its value: {cw_legalentity: cw_legalentity}."`
}

// blankKindsDoc has its keys in the order of the kinds of empty.
type blankKindsDoc struct {
	Absent *element `key:"absent" form:"reject | null | skip | {instead}" doc:"The source has no such member."`
	Null   *element `key:"null" form:"reject | null | skip | {instead}" doc:"The source says null."`
	Empty  *element `key:"empty" form:"reject | null | skip | {instead}" doc:"The source says an empty text, or one of white space alone."`
	Unset  *element `key:"unset" form:"reject | null | skip | {instead}" doc:"The source says what it writes for \"not set\": 1900-01-01 or a zero GUID in F&O."`
}

type insteadDoc struct {
	From  *element `key:"from" form:"text" doc:"Another source column."`
	Split *element `key:"split" form:"{split}" doc:"One part of the other column's text, before the field's own operations; a part that isn't there is blank."`
	Strip *element `key:"strip" form:"text | {strip}" doc:"What is taken off the other column's text, before the field's own operations."`
	Case  *element `key:"case" form:"lower | upper" doc:"Letters of the other column's text to lower or to upper case, before the field's own operations."`
	Value *element `key:"value" form:"scalar" doc:"A fixed value."`
	Blank *element `key:"blank" form:"reject | null | skip | {instead} | {blank}" doc:"What happens where the other column is blank too."`
}

// first is where the first operation on the other column's text stands, nil where there is none.
func (d *insteadDoc) first() *element { return cmp.Or(d.Split, d.Strip, d.Case) }

type splitDoc struct {
	By   *element `key:"by,required" form:"characters" doc:"The separator. One blank stands for any white space."`
	Part *element `key:"part,required" form:"first | last | rest | number" doc:"The part: 1 and first are the first, rest is what follows the first. Where the separator isn't there, first and last are the whole text."`
}

type stripDoc struct {
	Beginning *element `key:"beginning" form:"characters" doc:"A beginning to take off once, where it is there."`
	End       *element `key:"end" form:"characters" doc:"An end to take off once, where it is there."`
	Leading   *element `key:"leading" form:"characters" doc:"Characters to take off the beginning however often they stand there, such as \"0\"."`
	Trailing  *element `key:"trailing" form:"characters" doc:"Characters to take off the end however often they stand there."`
}

type padDoc struct {
	To   *element `key:"to,required" form:"number" doc:"How many characters the text has at least."`
	With *element `key:"with,required" form:"characters" doc:"The one character that fills up."`
	Side *element `key:"side" form:"left | right" doc:"Where the characters are put: left, also where it isn't said, or right."`
}

type unitDoc struct {
	From *element `key:"from,required" form:"text" doc:"The source's unit."`
	To   *element `key:"to,required" form:"text" doc:"The target's unit."`
}

type factorDoc struct {
	From *element `key:"from,required" form:"text" doc:"The source column, a number. A blank one rejects the record, and so does 0 as a divisor."`
}

type roundDoc struct {
	Places *element `key:"places,required" form:"number" doc:"How many decimal places are left."`
	Mode   *element `key:"mode,required" form:"half-even | half-up | down | up" doc:"half-even is the banker's rounding, half-up the merchant's; down cuts, up goes away from zero."`
}

type deactivateDoc struct {
	Columns *element `key:"deactivate,required" form:"{*: scalar}" doc:"The target's columns and the values that say it is no longer in use, such as statecode and statuscode in Dataverse."`
}

type volumeDoc struct {
	BulkAbove *element `key:"bulkAbove,required" form:"number" doc:"How many records an hour the flow is made for. Where it writes more, the log has an alert, volume-exceeded; it goes on writing one by one."`
}

type linkedDoc struct {
	Pair   *element `key:"pair,required" form:"text" doc:"The pair of the flow that brings those records over."`
	Entity *element `key:"entity" form:"text" doc:"The table, for a lookup that can point to several."`
}
