package environment

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/schema"
)

// table reads a Dataverse table: EntityDefinitions with Attributes and Keys, as the Web API's pages "Query table
// definitions" and "Web API table schema operations" describe them.
func (p *pull) table(ctx context.Context, name string) error {
	path := "EntityDefinitions(LogicalName='" + name + "')"
	var definition tableDefinition
	err := p.client.get(ctx, path, query("$select", "LogicalName,EntitySetName,PrimaryIdAttribute,DisplayName"), &definition)
	if isMissing(err) {
		return fmt.Errorf("no table %s in Dataverse; its logical name is needed, in the singular and in lower case: %w", name, err)
	}
	if err != nil {
		return err
	}
	attributes, err := p.client.attributes(ctx, path)
	if err != nil {
		return err
	}
	var keys struct {
		Value []entityKey `json:"value"`
	}
	if err := p.client.get(ctx, path+"/Keys", query("$select", "LogicalName,KeyAttributes,EntityKeyIndexStatus"), &keys); err != nil {
		return err
	}
	e := p.tableOf(definition, attributes)
	e.AlternateKeys = p.keys(keys.Value, e)
	return nil
}

// tableDefinition is EntityMetadata as far as a snapshot needs it.
type tableDefinition struct {
	LogicalName, EntitySetName, PrimaryIdAttribute string
	DisplayName                                    localized
}

// tableOf makes the snapshot of a table, but for its alternate keys.
func (p *pull) tableOf(definition tableDefinition, attributes []attribute) *schema.Entity {
	e := &schema.Entity{System: schema.Dataverse, Name: definition.LogicalName, Set: definition.EntitySetName, PrimaryKey: []string{definition.PrimaryIdAttribute}}
	e.DisplayName = p.displayName(definition.DisplayName.best(), p.old.DisplayName, "")
	for _, a := range attributes {
		if column, ok := p.attribute(a); ok {
			e.Columns = append(e.Columns, column)
		}
	}
	slices.SortFunc(e.Columns, func(a, b schema.Column) int { return strings.Compare(a.Name, b.Name) })
	p.pulled.Document = &schema.Document{Entity: e}
	return e
}

// attribute is AttributeMetadata with the members of the derived types that a snapshot needs. A nil pointer and an empty
// value were not told.
type attribute struct {
	LogicalName       string
	AttributeOf       string
	AttributeType     string
	AttributeTypeName struct{ Value string }
	DisplayName       localized
	IsPrimaryId       bool
	IsValidForCreate  *bool
	IsValidForUpdate  *bool
	IsValidForRead    *bool
	RequiredLevel     *struct{ Value string }

	MaxLength          int            // StringAttributeMetadata, MemoAttributeMetadata
	MinValue, MaxValue jsontext.Value // Integer, Decimal, Double, Money
	Precision          *int           // Decimal, Double, Money
	PrecisionSource    int            // Money: 0 Precision, 1 the organisation's pricing precision, 2 the currency's
	DateTimeBehavior   *struct{ Value string }
	Targets            []string // LookupAttributeMetadata, which is Owner's and Customer's type too
	DefaultFormValue   *int     // EnumAttributeMetadata: -1 is none
	DefaultValue       *bool    // BooleanAttributeMetadata
	OptionSet          *optionSet
	GlobalOptionSet    *optionSet
}

type optionSet struct {
	Options []struct {
		Value int
		Label localized
	}
}

// localized is the complex type Label: a text in the languages that the environment has.
type localized struct {
	UserLocalizedLabel *label
	LocalizedLabels    []label
}

type label struct {
	Label        string
	LanguageCode int
}

// english is the language code whose labels a snapshot prefers, so that it doesn't depend on who pulls it.
const english = 1033

// multiSelect is the type of a column with several options of a choice.
const multiSelect = "MultiSelectPicklist"

// name gives such a column its type's name, where the metadata calls it Virtual.
func (a *attribute) name() {
	if a.AttributeTypeName.Value == multiSelect+"Type" {
		a.AttributeType = multiSelect
	}
}

// derived lists the types whose own members take a cast to be read, and what to ask for.
var derived = []struct{ types, metadata, members, expand string }{
	{"String", "StringAttributeMetadata", "MaxLength", ""},
	{"Memo", "MemoAttributeMetadata", "MaxLength", ""},
	{"Integer", "IntegerAttributeMetadata", "MinValue,MaxValue", ""},
	{"Decimal", "DecimalAttributeMetadata", "MinValue,MaxValue,Precision", ""},
	{"Double", "DoubleAttributeMetadata", "MinValue,MaxValue,Precision", ""},
	{"Money", "MoneyAttributeMetadata", "MinValue,MaxValue,Precision,PrecisionSource", ""},
	{"DateTime", "DateTimeAttributeMetadata", "DateTimeBehavior", ""},
	{"Lookup Customer Owner", "LookupAttributeMetadata", "Targets", ""},
	{"Boolean", "BooleanAttributeMetadata", "DefaultValue", ""},
	{"Picklist", "PicklistAttributeMetadata", "DefaultFormValue", "OptionSet($select=Options),GlobalOptionSet($select=Options)"},
	{multiSelect, "MultiSelectPicklistAttributeMetadata", "DefaultFormValue", "OptionSet($select=Options),GlobalOptionSet($select=Options)"},
	{"State", "StateAttributeMetadata", "DefaultFormValue", "OptionSet($select=Options)"},
	{"Status", "StatusAttributeMetadata", "DefaultFormValue", "OptionSet($select=Options)"},
}

// attributes returns a table's attributes, each with the members of its own type.
func (c *Client) attributes(ctx context.Context, path string) ([]attribute, error) {
	var base struct {
		Value []attribute `json:"value"`
	}
	const members = "LogicalName,AttributeOf,AttributeType,AttributeTypeName,DisplayName,IsPrimaryId,IsValidForCreate,IsValidForUpdate,IsValidForRead,RequiredLevel"
	if err := c.get(ctx, path+"/Attributes", query("$select", members), &base); err != nil {
		return nil, err
	}
	at := map[string]int{}
	for i, a := range base.Value {
		base.Value[i].name()
		at[a.LogicalName] = i
	}
	for _, d := range derived {
		of := strings.Fields(d.types)
		if !slices.ContainsFunc(base.Value, func(a attribute) bool { return slices.Contains(of, a.AttributeType) }) {
			continue
		}
		options := []string{"$select", "LogicalName," + d.members}
		if d.expand != "" {
			options = append(options, "$expand", d.expand)
		}
		var more struct {
			Value []attribute `json:"value"`
		}
		if err := c.get(ctx, path+"/Attributes/Microsoft.Dynamics.CRM."+d.metadata, query(options...), &more); err != nil {
			return nil, err
		}
		for _, a := range more.Value {
			if i, ok := at[a.LogicalName]; ok && slices.Contains(of, base.Value[i].AttributeType) {
				base.Value[i].take(a)
			}
		}
	}
	return base.Value, nil
}

// take adds the members of the derived type.
func (a *attribute) take(d attribute) {
	a.MaxLength, a.MinValue, a.MaxValue, a.Precision, a.PrecisionSource = d.MaxLength, d.MinValue, d.MaxValue, d.Precision, d.PrecisionSource
	a.DateTimeBehavior, a.Targets, a.DefaultFormValue, a.DefaultValue = d.DateTimeBehavior, d.Targets, d.DefaultFormValue, d.DefaultValue
	a.OptionSet, a.GlobalOptionSet = d.OptionSet, d.GlobalOptionSet
}

// attribute makes a column. It is false for what isn't one of the table's own columns, or what a snapshot can't hold.
func (p *pull) attribute(a attribute) (schema.Column, bool) {
	never := func(b *bool) bool { return b != nil && !*b }
	if a.AttributeOf != "" || never(a.IsValidForRead) && never(a.IsValidForCreate) && never(a.IsValidForUpdate) {
		return schema.Column{}, false // the name beside a lookup, the picture's URL, a column that only the platform sees
	}
	c := schema.Column{Name: a.LogicalName, Type: a.AttributeType, Kind: schema.KindOf(a.AttributeType)}
	old, known := p.before(c.Name)
	if c.Kind == schema.Unknown {
		return c, p.leaveOut(c.Name, cmp.Or(a.AttributeTypeName.Value, a.AttributeType))
	}
	c.DisplayName = p.displayName(a.DisplayName.best(), old.DisplayName, c.Name)
	if a.IsValidForCreate != nil && a.IsValidForUpdate != nil {
		c.ReadOnly = !*a.IsValidForCreate && !*a.IsValidForUpdate
	} else {
		c.ReadOnly = old.ReadOnly
		p.untold("whether one may write", c.Name, known)
	}
	if a.RequiredLevel != nil {
		c.Required = requiredLevels[a.RequiredLevel.Value]
	} else {
		c.Required = old.Required
		p.untold("required level", c.Name, known)
	}
	switch c.Kind {
	case schema.Text:
		if c.MaxLength = a.MaxLength; c.MaxLength <= 0 {
			c.MaxLength = old.MaxLength
			p.untold("length", c.Name, old.MaxLength > 0)
		}
	case schema.Integer, schema.Number:
		p.number(&c, a, old)
	case schema.Time:
		// Format only says what forms show: a column with the behaviour UserLocal travels with a time of day.
		if a.DateTimeBehavior != nil {
			c.DateOnly = a.DateTimeBehavior.Value == "DateOnly"
		} else {
			c.DateOnly = old.DateOnly
			p.untold("date behaviour", c.Name, known)
		}
	case schema.Reference:
		if c.Targets = keepOrder(a.Targets, old.Targets); len(c.Targets) == 0 {
			c.Targets = old.Targets
			p.untold("targets", c.Name, len(old.Targets) > 0)
		}
	case schema.Choice, schema.Choices:
		if c.Options = a.options(); len(c.Options) == 0 && len(old.Options) == 0 {
			return c, p.leaveOut(c.Name, c.Type+" without options")
		} else if len(c.Options) == 0 {
			c.Options = old.Options
			p.untold("options", c.Name, true)
		}
	}
	c.Default = p.fillsIn(a, c, old, known)
	return c, true
}

var requiredLevels = map[string]string{
	"SystemRequired": schema.SystemRequired, "ApplicationRequired": schema.ApplicationRequired, "Recommended": schema.Recommended,
}

func (p *pull) leaveOut(name, typeName string) bool {
	p.pulled.LeftOut = append(p.pulled.LeftOut, name+" ("+typeName+")")
	return false
}

func (p *pull) number(c *schema.Column, a attribute, old schema.Column) {
	if c.Type == "BigInt" {
		return // its bounds are those of the type
	}
	if c.Min, c.Max = plain(a.MinValue), plain(a.MaxValue); c.Min == "" || c.Max == "" {
		c.Min, c.Max = old.Min, old.Max
		p.untold("bounds", c.Name, old.Min != "" || old.Max != "")
	}
	if c.Kind != schema.Number {
		return
	}
	if a.Precision != nil && a.PrecisionSource == 0 {
		c.Precision = *a.Precision
		return
	}
	c.Precision = old.Precision // the organisation or each currency decides
	p.untold("precision", c.Name, old.Precision > 0)
}

// fillsIn says what the platform fills in. The metadata gives forms' defaults only, so an old snapshot's word stands.
func (p *pull) fillsIn(a attribute, c, old schema.Column, known bool) string {
	switch {
	case known:
		if old.Default != "" {
			p.untold("default", c.Name, true)
		}
		return old.Default
	case c.Required != schema.SystemRequired && c.Required != schema.ApplicationRequired || c.ReadOnly:
		return ""
	case a.IsPrimaryId:
		return "new"
	case c.Type == "Owner":
		return "caller"
	case c.Kind == schema.Choice && a.DefaultFormValue != nil && *a.DefaultFormValue >= 0:
		return strconv.Itoa(*a.DefaultFormValue)
	case c.Kind == schema.Boolean && a.DefaultValue != nil:
		return strconv.FormatBool(*a.DefaultValue)
	}
	if c.Required == schema.SystemRequired { // an application's demand is a person's to meet
		p.untold("default", c.Name, false)
	}
	return ""
}

// options returns a choice's options in the system's order. A column with a global choice may have them there only.
func (a attribute) options() []schema.Option {
	var out []schema.Option
	for _, set := range []*optionSet{a.OptionSet, a.GlobalOptionSet} {
		if set == nil || len(out) > 0 {
			continue
		}
		for _, o := range set.Options {
			out = append(out, schema.Option{Value: strconv.Itoa(o.Value), Label: o.Label.best()})
		}
	}
	return out
}

// best returns the English text, else the user's, else any; "" for none.
func (l localized) best() string {
	if i := slices.IndexFunc(l.LocalizedLabels, func(l label) bool { return l.LanguageCode == english }); i >= 0 {
		return l.LocalizedLabels[i].Label
	}
	switch {
	case l.UserLocalizedLabel != nil:
		return l.UserLocalizedLabel.Label
	case len(l.LocalizedLabels) > 0:
		return l.LocalizedLabels[0].Label
	}
	return ""
}

// entityKey is EntityKeyMetadata as far as a snapshot needs it.
type entityKey struct {
	LogicalName          string
	KeyAttributes        []string
	EntityKeyIndexStatus string
}

// keys returns the alternate keys whose index is ready: the platform finds no row by another.
func (p *pull) keys(keys []entityKey, e *schema.Entity) [][]string {
	var out [][]string
	for _, k := range keys {
		columns := k.KeyAttributes
		for _, old := range p.old.AlternateKeys {
			columns = keepOrder(columns, old)
		}
		switch missing := slices.IndexFunc(columns, func(name string) bool { _, ok := e.Column(name); return !ok }); {
		case len(columns) == 0:
		case missing >= 0:
			p.pulled.Notes = append(p.pulled.Notes, fmt.Sprintf("alternate key %s is left out because its column %s is", k.LogicalName, columns[missing]))
		case k.EntityKeyIndexStatus != "Active":
			p.pulled.Notes = append(p.pulled.Notes, fmt.Sprintf("alternate key %s (%s) is left out because its index isn't ready: %s",
				k.LogicalName, strings.Join(columns, ", "), cmp.Or(k.EntityKeyIndexStatus, "no status")))
		default:
			out = append(out, columns)
		}
	}
	slices.SortFunc(out, slices.Compare)
	return out
}
