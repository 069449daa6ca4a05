// Package schema gives the real shape of the entities that contracts map: columns with types, lengths, ranges, required
// levels and options, and the keys by which a row can be addressed.
//
// Each entity is one snapshot, <system>/<entity>.json, built into the program, so that a contract is checked with no
// network. A snapshot holds one column per line, sorted by name, so that a change of the real system shows as a small
// difference. Names, types, lengths, required levels and options of Dataverse tables are those of the Common Data Model
// (Microsoft's published schema documents, February 2024); properties, enums and keys of F&O entities those of the
// $metadata of an F&O environment (May 2025), which has no display names; display names of Dataverse columns those of Microsoft's
// table reference (February 2023 and later), where it lists the column; F&O's text lengths, which $metadata lacks, those known
// from practice (a property whose length nobody knows has none); members of business events those of the classes Microsoft
// publishes.
//
// UNCONFIRMED: the virtual tables' names but the customers', which follow the entities' technical names; which properties of orders
// and vendors F&O demands of a new row; the table uomschedule, which the published set lacks. crosswalk schema pull decides.
package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Names of the systems that have snapshots.
const (
	Dataverse = "dataverse"
	FnO       = "fno"
	// Salesforce has none here yet; crosswalk schema pull salesforce writes them.
	Salesforce = "salesforce"
)

// Kind is what a column's type means for conversion, the same for all systems.
type Kind uint8

const (
	// Unknown is the kind of a type this package doesn't know; a test holds that no snapshot has one.
	Unknown Kind = iota
	// Text is a string of Unicode characters.
	Text
	// Integer is a whole number.
	Integer
	// Number is a decimal number.
	Number
	// Boolean is true or false.
	Boolean
	// Time is an instant, or a day where Column.DateOnly is set.
	Time
	// Choice is one of the values in Column.Options: in Dataverse its integer, in F&O the enum member's name.
	Choice
	// Reference refers to a row of one of the tables in Column.Targets.
	Reference
	// GUID is a unique identifier.
	GUID
	// List is an array. The columns of its rows are named after it, such as Lines[].Amount.
	List
	// Choices is any number of the values in Column.Options, in Dataverse as one text: "1,3".
	Choices
)

var kindNames = [...]string{"unknown", "text", "whole number", "decimal number", "yes/no", "date", "option", "lookup", "unique identifier", "list", "set of options"}

// String returns the kind in the words a finding uses.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

var kinds = map[string]Kind{
	"String": Text, "Memo": Text,
	"Integer": Integer, "BigInt": Integer, "Int32": Integer, "Int64": Integer,
	"Decimal": Number, "Money": Number, "Double": Number,
	"Boolean":  Boolean,
	"DateTime": Time, "DateTimeOffset": Time,
	"Picklist": Choice, "State": Choice, "Status": Choice, "Enum": Choice,
	"Lookup": Reference, "Customer": Reference, "Owner": Reference,
	"Uniqueidentifier": GUID, "Guid": GUID,
	"List": List,
	// Dataverse says Virtual here, and MultiSelectPicklistType beside it.
	"MultiSelectPicklist": Choices,
	// Salesforce's, as its describe result names them.
	"string": Text, "textarea": Text, "email": Text, "phone": Text, "url": Text, "combobox": Text, "encryptedstring": Text, "id": Text,
	"int": Integer, "long": Integer,
	"double": Number, "currency": Number, "percent": Number,
	"boolean": Boolean,
	"date":    Time, "datetime": Time,
	"picklist":  Choice,
	"reference": Reference,
}

// TypeNames returns the types that a column can have, sorted, each as its system names it.
func TypeNames() []string { return slices.Sorted(maps.Keys(kinds)) }

// Required levels of a column.
const (
	// SystemRequired columns are demanded by the platform: it refuses a row without them.
	SystemRequired = "system"
	// ApplicationRequired columns are demanded by the forms; the API takes a row without them, a contract doesn't.
	ApplicationRequired = "application"
	// Recommended columns are marked on the forms and demanded by nobody.
	Recommended = "recommended"
)

// Option is one value of an option column.
type Option struct {
	// Value is the value as text: the integer in Dataverse, the member's name in F&O.
	Value string
	// Label is what people see. F&O's enums have none.
	Label string
}

// Column is one column of an entity, or one member of an event.
type Column struct {
	Name string
	// DisplayName is what people see on forms, such as "Credit Hold" for creditonhold, in English where the environment has
	// it; "" where it isn't known. Nothing depends on it but what people read.
	DisplayName string
	// Type is the type's name in the system itself, such as Money or DateTimeOffset.
	Type string
	Kind Kind
	// MaxLength is the most characters (UTF-16 units, as both systems count) a text may have; 0 is unknown.
	MaxLength int
	// Min and Max bound a number, both included, as decimal text; "" is no bound.
	Min, Max string
	// Precision is the most decimal places a number keeps; 0 is unknown.
	Precision int
	// DateOnly is true where a Time column holds a day without a time of day.
	DateOnly bool
	// Required is SystemRequired, ApplicationRequired, Recommended or "".
	Required string
	// Default says what the platform fills in when a new row comes without the column; "" is nothing.
	Default string
	// NotNull is true where F&O stores its own "not set" (0, 1900-01-01) instead of null.
	NotNull bool
	// Optional is true for a member that not every version of an event carries.
	Optional bool
	// ReadOnly columns are set by the platform alone.
	ReadOnly bool
	// Options are the values of a Choice or Choices column, in the system's order.
	Options []Option
	// Enum is the name of an F&O option's type, such as NoYes; "" elsewhere.
	Enum string
	// Targets are the tables a Reference can point to.
	Targets []string
}

// ShownAs returns the display name where it says more than the logical name does, else "".
func (c *Column) ShownAs() string {
	if strings.EqualFold(c.DisplayName, c.Name) {
		return ""
	}
	return c.DisplayName
}

// MustBeSent reports whether a new row needs the column: it is required, and the platform fills in nothing.
func (c *Column) MustBeSent() bool {
	return (c.Required == SystemRequired || c.Required == ApplicationRequired) && c.Default == "" && !c.ReadOnly
}

// MaxLists is how many lists may lie in one another: Lines[].Charges[].Taxes[] is as deep as a contract reads.
const MaxLists = 3

// InRow reports whether the column is one of the rows of a list, as Lines[].Amount is.
func (c *Column) InRow() bool { return strings.Contains(c.Name, "[]") }

// Option returns the option with this value.
func (c *Column) Option(value string) (Option, bool) {
	i := slices.IndexFunc(c.Options, func(o Option) bool { return o.Value == value })
	if i < 0 {
		return Option{}, false
	}
	return c.Options[i], true
}

// Entity is a Dataverse table, an F&O data entity, or an F&O business event.
type Entity struct {
	System string
	Name   string
	// DisplayName is what people call it, such as Account; "" where it isn't known.
	DisplayName string
	// Set is the entity set's name in URLs; an event has none.
	Set string
	// PrimaryKey names the columns of the primary key: one GUID in Dataverse, the natural key in F&O.
	PrimaryKey []string
	// AlternateKeys are the further keys, each a list of columns. Dataverse tables have none out of the box: these are
	// the customer's own.
	AlternateKeys [][]string
	// Event is the type of the CloudEvent that carries this event, "" for tables and entities.
	Event string
	// VirtualTable is the Dataverse table that shows an F&O entity, in lower case; the entity's data events carry its name.
	// "" where it isn't known.
	VirtualTable string
	// Columns are sorted by name.
	Columns []Column
}

// Column returns the column of this exact name.
func (e *Entity) Column(name string) (*Column, bool) {
	i, ok := slices.BinarySearchFunc(e.Columns, name, func(c Column, n string) int { return strings.Compare(c.Name, n) })
	if !ok {
		return nil, false
	}
	return &e.Columns[i], true
}

// HasKey reports whether columns, in any order, are the primary key or an alternate key.
func (e *Entity) HasKey(columns []string) bool {
	want := slices.Sorted(slices.Values(columns))
	same := func(key []string) bool { return slices.Equal(slices.Sorted(slices.Values(key)), want) }
	return len(want) > 0 && (same(e.PrimaryKey) || slices.ContainsFunc(e.AlternateKeys, same))
}

// Lookup returns the built-in snapshot of an entity. Both names are exact, case included.
func Lookup(system, entity string) (*Entity, bool) { return BuiltIn().Lookup(system, entity) }

// Entities returns the names of the entities of a system that have a built-in snapshot, sorted; none for a system nobody
// knows.
func Entities(system string) []string { return BuiltIn().Entities(system) }

// Virtual returns the built-in snapshot of the F&O entity that a Dataverse virtual table shows. The name is in lower case, as
// in mserp_custcustomerv3entity.
func Virtual(table string) (*Entity, bool) {
	e, ok := virtual()[table]
	return e, ok
}

// virtual reads F&O's snapshots when the first data event comes.
var virtual = sync.OnceValue(func() map[string]*Entity {
	out := map[string]*Entity{}
	for _, name := range Entities(FnO) {
		if e, ok := Lookup(FnO, name); ok && e.VirtualTable != "" {
			out[e.VirtualTable] = e
		}
	}
	return out
})

// snapshot is the file's form.
type snapshot struct {
	System        string               `json:"system"`
	Entity        string               `json:"entity"`
	DisplayName   string               `json:"displayName"`
	Set           string               `json:"set"`
	PrimaryKey    []string             `json:"primaryKey"`
	AlternateKeys [][]string           `json:"alternateKeys"`
	Event         string               `json:"event"`
	VirtualTable  string               `json:"virtualTable"`
	Enums         map[string][]string  `json:"enums"`
	Columns       map[string]columnDoc `json:"columns"`
}

type columnDoc struct {
	Type        string         `json:"type"`
	DisplayName string         `json:"displayName"`
	Enum        string         `json:"enum"`
	MaxLength   int            `json:"maxLength"`
	Min         string         `json:"min"`
	Max         string         `json:"max"`
	Precision   int            `json:"precision"`
	DateOnly    bool           `json:"dateOnly"`
	Required    string         `json:"required"`
	Default     string         `json:"default"`
	NotNull     bool           `json:"notNull"`
	Optional    bool           `json:"optional"`
	ReadOnly    bool           `json:"readOnly"`
	Options     jsontext.Value `json:"options"`
	Targets     []string       `json:"targets"`
}

// Parse reads one snapshot. Unknown members, unknown types and keys that name no column are errors.
func Parse(data []byte) (*Entity, error) {
	var s snapshot
	if err := json.Unmarshal(data, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, err
	}
	e := &Entity{System: s.System, Name: s.Entity, DisplayName: s.DisplayName, Set: s.Set, PrimaryKey: s.PrimaryKey, AlternateKeys: s.AlternateKeys, Event: s.Event, VirtualTable: s.VirtualTable}
	e.Columns = make([]Column, 0, len(s.Columns))
	for _, name := range slices.Sorted(maps.Keys(s.Columns)) {
		column, err := s.Columns[name].column(name, s.Enums)
		if err != nil {
			return nil, err
		}
		e.Columns = append(e.Columns, column)
	}
	for _, key := range append([][]string{e.PrimaryKey}, e.AlternateKeys...) {
		for _, name := range key {
			if _, ok := e.Column(name); !ok {
				return nil, fmt.Errorf("key column %s doesn't exist", name)
			}
		}
	}
	return e, nil
}

func (d columnDoc) column(name string, enums map[string][]string) (Column, error) {
	c := Column{
		Name: name, DisplayName: d.DisplayName, Type: d.Type, Kind: kinds[d.Type], MaxLength: d.MaxLength, Min: d.Min, Max: d.Max, Precision: d.Precision,
		DateOnly: d.DateOnly, Required: d.Required, Default: d.Default, NotNull: d.NotNull, Optional: d.Optional, ReadOnly: d.ReadOnly, Targets: d.Targets, Enum: d.Enum,
	}
	if c.Kind == Unknown {
		return c, fmt.Errorf("column %s: unknown type %q", name, d.Type)
	}
	for _, member := range enums[d.Enum] {
		c.Options = append(c.Options, Option{Value: member})
	}
	options, err := optionsOf(d.Options)
	if err != nil {
		return c, fmt.Errorf("column %s: %w", name, err)
	}
	if c.Options = append(c.Options, options...); (c.Kind == Choice || c.Kind == Choices) && len(c.Options) == 0 {
		return c, fmt.Errorf("column %s: an option column without options", name)
	}
	return c, nil
}

// optionsOf reads {"value": "label", …} and keeps the file's order, which a map would lose.
func optionsOf(doc jsontext.Value) ([]Option, error) {
	if len(doc) == 0 {
		return nil, nil
	}
	dec := jsontext.NewDecoder(strings.NewReader(string(doc)))
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	var out []Option
	for dec.PeekKind() == '"' {
		value, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		o := Option{Value: value.String()}
		label, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		o.Label = label.String()
		out = append(out, o)
	}
	_, err := dec.ReadToken()
	return out, err
}
