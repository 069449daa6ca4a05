package contract

// declarations are the objects of the language, the contract itself first.
var declarations = []declaration{
	{"contract", document{}, "{purpose: …, team: …, pair: …, from: {…}, to: {…}, owner: …, fields: {…}}", "A contract: which event starts the flow, which system owns each field, how every field maps, and what happens to blank or bad values."},
	{"source", sourceDoc{}, "{system: fno, entity: CustomersV3, event: fno.customer.*, state: row}", "Where the flow's records come from."},
	{"target", targetDoc{}, "{system: dataverse, entity: account, key: [accountnumber]}", "Where the flow's records go."},
	{"field", fieldDoc{}, "{from: SourceField}", "One field of the target: where its value comes from and what is done to it, or which system owns it."},
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
	Tables  *element `key:"tables" form:"{*: {*: scalar}}" doc:"Tables that several fields look values up in: {name: {source text: target value}}."`
	Fields  *element `key:"fields,required" form:"{*: {field}}" doc:"The target's fields, each by its column's name."`
	Delete  *element `key:"delete" form:"text" doc:"What happens in the target when the source record is deleted: reject (also where it isn't said) dead-letters the event, ignore leaves the target alone, delete deletes it."`

	from   sourceDoc
	to     targetDoc
	tables map[string]*element
	fields []fieldDoc
}

type sourceDoc struct {
	System *element `key:"system,required" form:"text" doc:"The system, such as fno or dataverse."`
	Entity *element `key:"entity,required" form:"text" doc:"The entity, as its schema snapshot names it."`
	Event  *element `key:"event,required" form:"text" doc:"The type of the events that start the flow; * may stand at its end."`
	State  *element `key:"state,required" form:"text" doc:"row: the flow reads the record that the event is about. event: it maps the event's own payload, an immutable fact."`
}

type targetDoc struct {
	System *element `key:"system,required" form:"text" doc:"The system, such as fno or dataverse."`
	Entity *element `key:"entity,required" form:"text" doc:"The entity, as its schema snapshot names it."`
	Key    *element `key:"key,required" form:"[text]" doc:"The columns of the key that a record is found by."`

	key []*element
}

// fieldDoc is one entry of "fields".
type fieldDoc struct {
	From      *element `key:"from" form:"text" doc:"The source column; a path into nested objects is written with points."`
	Value     *element `key:"value" form:"scalar" doc:"A fixed value, instead of from."`
	Owner     *element `key:"owner" form:"text" doc:"The system that owns the field, where it isn't the contract's owner."`
	Blank     *element `key:"blank" form:"reject | null | skip | {instead} | {blank}" doc:"What an empty source does: reject, null (the target's own empty), skip (leave the target alone), another field or a fixed value; or one rule for each kind of empty."`
	Strip     *element `key:"strip" form:"text" doc:"A beginning to take off, where it is there."`
	Case      *element `key:"case" form:"lower | upper" doc:"Letters to lower or to upper case."`
	Prefix    *element `key:"prefix" form:"text" doc:"A beginning to put on."`
	Map       *element `key:"map" form:"{*: scalar}" doc:"What each value of an option or a yes/no becomes; checked against both schemas."`
	Table     *element `key:"table" form:"text | {*: scalar}" doc:"What each text becomes; written out, or the name of one of the tables."`
	Other     *element `key:"other" form:"scalar" doc:"What map and table make of the rest: reject (also where it isn't said), or a value."`
	Longer    *element `key:"longer" form:"reject | cut" doc:"What happens to a text that the target has no room for."`
	Reference *element `key:"reference" form:"text | {reference}" doc:"The alternate key by which a lookup finds its row."`
	Initial   *element `key:"initial" form:"true" doc:"true: written only when the flow creates the row, and never compared or changed afterwards, so another system may own the field from then on."`

	name            *element
	table           *element
	blank           *blankDoc
	reference       *element
	referenceEntity *element
	// faulty is true where the entry itself has findings, so that what follows from them isn't reported too.
	faulty bool
}

type referenceDoc struct {
	Entity *element `key:"entity" form:"text" doc:"The table, for a lookup that can point to several."`
	Key    *element `key:"key,required" form:"text" doc:"The alternate key's column."`
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
	Value *element `key:"value" form:"scalar" doc:"A fixed value."`
	Blank *element `key:"blank" form:"reject | null | skip | {instead} | {blank}" doc:"What happens where the other column is blank too."`
}
