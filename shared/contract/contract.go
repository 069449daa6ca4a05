// Package contract is the heart of Crosswalk: the file that says which event starts a flow, which system owns each field,
// how every field maps, and what happens to blank or bad values. It is checked against both systems' schemas before
// anything runs ([Check]), compiled once ([Load]) and applied to every record ([Plan.Apply]).
//
// The file is strict YAML; an unknown key is a finding. [Grammar] is the language as a tree, docs/contract.md explains it with
// an example for each operation:
//
//	purpose, team, pair, owner   text
//	from      {system, entity, event, state: row | event | image}
//	to        {system, entity, key: [column, …]}
//	when      condition in CEL: a record for which it is false is ignored
//	tables    {name: {source text: target value, …}}, shared by the contract's fields; those of [TablesFile] by all contracts
//	fields    {target column: field}
//	delete    reject (also where it isn't said) | ignore | delete | {deactivate: {target column: value, …}}
//	volume    {bulkAbove: records an hour}: more than that is to be loaded in bulk, and an alert says so
//
// A field is {owner: system} where another system owns it, or one or more of:
//
//	from      source column; a path into nested objects is written with points. Or [column, …]: texts to join
//	with      what stands between joined texts; needs: all makes one blank text a blank whole
//	rows      count | sum | min | max | first | last | join: one value of a list's rows, from: Lines or from: "Lines[].Amount";
//	          project: a list again, of their values or of objects with fields: {member: field}.
//	          where: {column: value} keeps some of them
//	value     fixed value, instead of from
//	compute   expression in CEL, instead of from; see package expression
//	when      condition in CEL; otherwise says what happens where it is false: skip (also where it isn't said) or a blank rule
//	initial   true: written only into a new row
//	blank     what an empty source does: reject | null (the target's own empty) | skip | {value: x} | {from: column,
//	          split, strip, case, blank: …}; or one rule for each kind of empty: {absent: …, null: …, empty: …, unset: …}
//	datePart  year | quarter | month | day | weekday | week | weekYear | date | time, by the clocks of zone
//	split     {by, part: 1 | 2 … | first | last | rest}
//	strip     beginning to take off, where it is there; or {beginning, end, leading, trailing}
//	case      lower | upper
//	pad       {to: 10, with: "0", side: left | right}
//	prefix    beginning to put on
//	map       {source value: target value}, for options and yes/no; checked against both schemas
//	table     {source text: target value}, or the name of one of the tables
//	options   labels: between options of the same label, or an option and the text of its label
//	other     what map, table and options make of the rest: reject (also where it isn't said) | null | a target value
//	unit      {from: g, to: kg}; or times and per, a factor and a divisor: a number, or {from: column} of the record
//	round     {places, mode: half-even | half-up | down | up}
//	zone      time zone in which a day becomes an instant, an instant a day, or a time without a zone is meant
//	outOfRange  reject | clamp, for a number that the target hasn't got
//	longer    reject | cut, for a text that the target may have no room for
//	link      pair whose link knows the row that a lookup points to: pair | {pair, entity}
//	reference alternate key by which a lookup finds its row: key | {entity, key, and: {other column of the key: field}}
//
// The operations run in one fixed order, whatever the order in the file:
//
//	when → from, rows → blank → datePart → a fallback's own split, strip, case → split → strip → case → map | table | options →
//	pad → prefix → unit | times, per → round → zone → the target's form, with its length, range and options → reference | link
//
// The four kinds of empty are a member that is absent, null, "" (or white space alone), and the system's own "not set"
// (F&O's 1900-01-01 and zero GUID). In a row, absent means null: the column has no value. Where blank isn't said, an
// absent member leaves the target alone and the other kinds empty it; required columns and keys must say it.
//
// Values are exact: a number is text from end to end, an id above 2^53 and a leading zero survive, a date carries its
// zone. What can't be carried over without loss is rejected with a reason, never rounded or cut in silence.
package contract

import (
	"os"
	"path/filepath"
	"slices"

	"crosswalk/shared/schema"
	"crosswalk/shared/slots"
)

// Source is where a flow's records come from.
type Source struct {
	// System and Entity name the schema snapshot.
	System, Entity string
	// Event is the pattern of the CloudEvent types that start the flow; "*" may stand at its end.
	Event string
	// State is "row": the event is a notification and the flow reads the row; "event": the flow maps the event's own payload,
	// because it states an immutable fact; or "image": it maps the full post-image that a Dataverse event carries.
	State string
}

// States of a source.
const (
	StateRow   = "row"
	StateEvent = "event"
	StateImage = "image"
)

// Target is where a flow's records go.
type Target struct {
	// System and Entity name the schema snapshot.
	System, Entity string
	// Key names the columns of the key that the record is found by, in the contract's order.
	Key []string
}

// What a flow does in its target when the source row is gone.
const (
	// DeleteReject dead-letters the event with the reason "delete-rejected", so that a person decides.
	DeleteReject = "reject"
	// DeleteIgnore leaves the target as it is.
	DeleteIgnore = "ignore"
	// DeleteRow deletes the target's row.
	DeleteRow = "delete"
	// DeleteDeactivate keeps the target's row and sets columns that say it is no longer in use, see [Plan.Deactivation].
	DeleteDeactivate = "deactivate"
)

// Plan is one contract, checked and compiled. It is safe for use by several goroutines at once.
type Plan struct {
	// Name is the function's name, which is the folder's.
	Name string
	// Purpose, Team and Pair are the contract's own words: why the flow exists, who is told when it fails, and the link
	// that both directions share.
	Purpose, Team, Pair string
	From                Source
	To                  Target
	// Owner is the system of record of every field that doesn't name another.
	Owner string
	// Delete is DeleteReject, DeleteIgnore, DeleteRow or DeleteDeactivate.
	Delete string
	// BulkAbove is how many records an hour the flow is made for: more are to be loaded in bulk. 0 where the contract doesn't say.
	BulkAbove int

	deactivation   *Record
	when           *computed // nil where every record is wanted
	expressions    bool      // it has a condition or a computed value
	source, target *schema.Entity
	fields         []fieldPlan
	root           *slots.Row
	columns        []string          // what a read of the source row must select
	targetColumns  []string          // what a read of the target row must select
	owners         map[string]string // owner by target field, all fields of the contract
	keys           []int             // index into fields by Target.Key
	idIsKey        bool              // the key is the target's own GUID
	workspaces     *workspaces
}

// TargetSet returns the entity set the target's rows live in, as URLs name it.
func (p *Plan) TargetSet() string { return p.target.Set }

// SourceSet returns the entity set the source's rows live in; "" for an event.
func (p *Plan) SourceSet() string { return p.source.Set }

// TargetID returns the column of the target's own primary key where that is a single GUID (Dataverse), else "".
func (p *Plan) TargetID() string { return singleID(p.target) }

// SourceID returns the column of the source's own primary key where that is a single GUID (Dataverse), else "".
func (p *Plan) SourceID() string { return singleID(p.source) }

func singleID(e *schema.Entity) string {
	if len(e.PrimaryKey) != 1 {
		return ""
	}
	if c, ok := e.Column(e.PrimaryKey[0]); !ok || c.Kind != schema.GUID {
		return ""
	}
	return e.PrimaryKey[0]
}

// SourceColumns returns the properties a read of the source row must select, sorted: those the fields map. A Dataverse
// lookup is named as the Web API returns it, _<column>_value.
func (p *Plan) SourceColumns() []string { return p.columns }

// TargetColumns returns the properties a read of the target row must select to compare it with a record, sorted.
func (p *Plan) TargetColumns() []string { return p.targetColumns }

// Deactivation returns what a delete in the source writes into the target's row where Delete is [DeleteDeactivate]: a record
// without a key.
func (p *Plan) Deactivation() *Record { return p.deactivation }

// OwnsField reports whether this flow keeps the target field up to date: its contract maps it, not only as an initial value,
// and the flow's source system owns it.
func (p *Plan) OwnsField(name string) bool {
	return slices.ContainsFunc(p.fields, func(f fieldPlan) bool { return f.column.Name == name && !f.initial })
}

// FieldOwner returns the system that owns a target field by this contract, "" for a field the contract doesn't name.
func (p *Plan) FieldOwner(name string) string { return p.owners[name] }

// Load reads, checks and compiles one contract.yaml. The function's name is that of the file's folder. The error is a
// [Findings] with everything that is wrong, or says why the file can't be read.
func Load(path string) (*Plan, error) { return LoadAgainst(path, schema.BuiltIn()) }

// LoadAgainst is Load with other schemas.
func LoadAgainst(path string, schemas *schema.Set) (*Plan, error) {
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	return load(path, filepath.Base(folder), share(filepath.Dir(folder)), schemas)
}

// sharing is what the contracts of one folder have in common.
type sharing struct {
	tables   map[string]*element
	findings Findings
}

func share(root string) sharing {
	tables, findings := sharedTables(root)
	return sharing{tables, findings}
}

func load(path, name string, shared sharing, schemas *schema.Set) (*Plan, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	plan, _, findings := parseWith(shared.tables, path, name, data, schemas.Lookup)
	if findings = slices.Concat(findings, shared.findings); len(findings) > 0 {
		return nil, findings
	}
	return plan, nil
}

// Parse checks and compiles a contract. file is what findings name; the plan is nil when there are any.
func Parse(file, name string, data []byte) (*Plan, Findings) {
	plan, _, findings := parse(file, name, data, schema.Lookup)
	if len(findings) > 0 {
		return nil, findings
	}
	return plan, nil
}

// parse returns the document as well, for checks that look at several contracts. Both are nil where the file is no YAML
// mapping.
func parse(file, name string, data []byte, lookup lookupFunc) (*Plan, *document, Findings) {
	return parseWith(nil, file, name, data, lookup)
}

// parseWith is parse with the tables that all contracts share.
func parseWith(tables map[string]*element, file, name string, data []byte, lookup lookupFunc) (*Plan, *document, Findings) {
	r := &reader{file: file, tables: tables}
	root := r.read(data)
	if root == nil {
		return nil, nil, r.findings
	}
	d := r.document(root)
	plan := compile(r, d, name, lookup)
	r.open(todos(root), plan)
	r.findings.sort()
	return plan, d, r.findings
}
