package environment

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"crosswalk/shared/fault"
	"crosswalk/shared/odata"
	"crosswalk/shared/schema"
)

// edmProperty is a property in $metadata (OData's CSDL).
type edmProperty struct {
	Name      string `xml:"Name,attr"`
	Type      string `xml:"Type,attr"`
	Nullable  string `xml:"Nullable,attr"`
	MaxLength int    `xml:"MaxLength,attr"`
}

type edmEntity struct {
	Name string `xml:"Name,attr"`
	Key  []struct {
		Name string `xml:"Name,attr"`
	} `xml:"Key>PropertyRef"`
	Properties []edmProperty `xml:"Property"`
}

type edmEnum struct {
	Name    string `xml:"Name,attr"`
	Members []struct {
		Name string `xml:"Name,attr"`
	} `xml:"Member"`
}

// edmTypes are the types that a $metadata document defines, by name.
type edmTypes struct {
	enums     map[string][]schema.Option
	complexes map[string][]edmProperty
}

// withRows returns properties, and behind each list what its rows hold: Lines[].Amount for a property of a complex type, Tags[]
// for plain values.
func (t *edmTypes) withRows(properties []edmProperty) []edmProperty {
	var out []edmProperty
	for _, property := range properties {
		out = append(out, property)
		row, isList := strings.CutPrefix(property.Type, "Collection(")
		if !isList || strings.Count(property.Name, "[]") == schema.MaxLists {
			continue
		}
		row = strings.TrimSuffix(row, ")")
		members, isComplex := t.complexes[lastPart(row)]
		if !isComplex {
			out = append(out, edmProperty{Name: property.Name + "[]", Type: row})
			continue
		}
		inRow := slices.Clone(members)
		for i := range inRow {
			inRow[i].Name = property.Name + "[]." + inRow[i].Name
		}
		out = append(out, t.withRows(inRow)...)
	}
	return out
}

// entitySet reads an F&O entity: types, nullability, keys and enums from $metadata, lengths and what is mandatory from the
// data management's field list, where the environment has one for this entity.
func (p *pull) entitySet(ctx context.Context, set, label string) error {
	answer, err := p.client.odata.Do(ctx, odata.Call{Purpose: odata.Read, Method: http.MethodGet, Set: "$metadata"})
	if err != nil {
		return err
	}
	entity, types, err := find(answer.Body, set)
	if errors.Is(err, errNoXML) {
		return fmt.Errorf("what F&O's address answers to $metadata is %w; check FNO_URL", err)
	}
	if err != nil {
		return err
	}
	rows, err := p.fields(ctx, set, label)
	if err != nil {
		return err
	}
	p.entityOf(set, entity, types, rows)
	return nil
}

// entityOf makes the snapshot of an entity set.
func (p *pull) entityOf(set string, entity *edmEntity, types *edmTypes, rows targetFields) {
	e := &schema.Entity{System: schema.FnO, Name: set, Set: set, AlternateKeys: p.old.AlternateKeys, VirtualTable: p.old.VirtualTable}
	e.DisplayName = p.displayName("", p.old.DisplayName, "") // $metadata has no labels
	d := &schema.Document{Entity: e, Enums: map[string]string{}}
	if len(e.AlternateKeys) > 0 {
		p.untold("alternate keys", "", true)
	}
	if e.VirtualTable != "" {
		p.untold("the virtual table's name", "", true)
	}
	var key []string
	for _, k := range entity.Key {
		key = append(key, k.Name)
	}
	e.PrimaryKey = keepOrder(key, p.old.PrimaryKey)
	for _, property := range types.withRows(entity.Properties) {
		c, enum, ok := p.property(property, types.enums)
		if !ok {
			continue
		}
		if enum != "" {
			d.Enums[c.Name] = enum
		}
		row, told := rows.of(c.Name)
		p.lengthAndLevel(&c, row, told, slices.Contains(key, c.Name))
		e.Columns = append(e.Columns, c)
	}
	slices.SortFunc(e.Columns, func(a, b schema.Column) int { return strings.Compare(a.Name, b.Name) })
	p.pulled.Document = d
}

// edmKinds are the primitive types a snapshot holds.
var edmKinds = map[string]string{
	"Edm.String": "String", "Edm.Int32": "Int32", "Edm.Int64": "Int64", "Edm.Decimal": "Decimal", "Edm.Double": "Double",
	"Edm.Boolean": "Boolean", "Edm.DateTimeOffset": "DateTimeOffset", "Edm.Guid": "Guid",
}

// property makes a column of what $metadata says, and returns the name of its enum type.
func (p *pull) property(edm edmProperty, enums map[string][]schema.Option) (c schema.Column, enum string, ok bool) {
	old, known := p.before(edm.Name)
	c = schema.Column{Name: edm.Name, Type: edmKinds[edm.Type], NotNull: edm.Nullable == "false", MaxLength: edm.MaxLength,
		DateOnly: old.DateOnly, Precision: old.Precision, Default: old.Default, ReadOnly: old.ReadOnly}
	c.DisplayName = p.displayName("", old.DisplayName, c.Name)
	switch {
	case strings.HasPrefix(edm.Type, "Collection("):
		c.Type = "List"
	case c.Type == "":
		enum = lastPart(edm.Type)
		if c.Options = enums[enum]; len(c.Options) == 0 {
			return c, "", p.leaveOut(c.Name, edm.Type)
		}
		c.Type = "Enum"
	case c.Type == "Int32":
		c.Min, c.Max = "-2147483648", "2147483647"
	case c.Type == "Int64":
		c.Min, c.Max = "-9223372036854775808", "9223372036854775807"
	}
	c.Kind = schema.KindOf(c.Type)
	if c.Kind == schema.Time {
		p.untold("whether a day or an instant", c.Name, known)
	}
	for part, has := range map[string]bool{"read-only": old.ReadOnly, "default": old.Default != "", "precision": old.Precision > 0} {
		if has {
			p.untold(part, c.Name, true)
		}
	}
	return c, enum, true
}

// lengthAndLevel adds what $metadata leaves open.
func (p *pull) lengthAndLevel(c *schema.Column, row targetField, told, key bool) {
	old, known := p.before(c.Name)
	if c.Kind == schema.Text && c.MaxLength == 0 {
		if c.MaxLength = row.FieldLength; c.MaxLength <= 0 {
			c.MaxLength = old.MaxLength
			p.untold("length", c.Name, old.MaxLength > 0)
		}
	}
	switch {
	case key:
		c.Required = schema.SystemRequired
	case told && row.IsRequired == "Yes":
		c.Required = schema.SystemRequired
	case told && row.IsRequired == "No":
	default:
		c.Required = old.Required
		if !known || old.Required != "" {
			p.untold("required level", c.Name, known)
		}
	}
}

// find returns an entity set's type, and the enums and complex types of a $metadata document. The document is large, so it is
// read as a stream.
func find(document []byte, set string) (*edmEntity, *edmTypes, error) {
	var typeName, near string
	types := &edmTypes{enums: map[string][]schema.Option{}, complexes: map[string][]edmProperty{}}
	err := elements(document, func(d *xml.Decoder, start xml.StartElement) error {
		switch start.Name.Local {
		case "EntitySet":
			name := attributeOf(start, "Name")
			if name == set {
				typeName = lastPart(attributeOf(start, "EntityType"))
			} else if strings.EqualFold(name, set) {
				near = name
			}
		case "EnumType":
			var enum edmEnum
			if err := d.DecodeElement(&enum, &start); err != nil {
				return err
			}
			for _, m := range enum.Members {
				types.enums[enum.Name] = append(types.enums[enum.Name], schema.Option{Value: m.Name})
			}
		case "ComplexType":
			var complexType edmEntity
			if err := d.DecodeElement(&complexType, &start); err != nil {
				return err
			}
			types.complexes[complexType.Name] = complexType.Properties
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, nil, err
	case typeName == "" && near != "":
		return nil, nil, fmt.Errorf("F&O has no entity set %s, but %s: case matters", set, near)
	case typeName == "":
		return nil, nil, fmt.Errorf("F&O has no entity set %s; the entity set's name is needed, as in /data/CustomersV3", set)
	}
	var entity *edmEntity
	err = elements(document, func(d *xml.Decoder, start xml.StartElement) error {
		if start.Name.Local == "EntityType" && attributeOf(start, "Name") == typeName {
			entity = new(edmEntity)
			return d.DecodeElement(entity, &start)
		}
		return nil
	})
	if err == nil && entity == nil {
		err = fmt.Errorf("F&O's $metadata has the entity set %s and not its type", set)
	}
	return entity, types, err
}

var errNoXML = errors.New("no XML document")

// elements calls visit for each element of a document that no visit has read yet.
func elements(document []byte, visit func(*xml.Decoder, xml.StartElement) error) error {
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			if start, ok := token.(xml.StartElement); ok {
				err = visit(d, start)
			}
		}
		if err != nil {
			return errNoXML // err may quote the document
		}
	}
}

func attributeOf(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func lastPart(qualified string) string { return qualified[strings.LastIndexByte(qualified, '.')+1:] }

// targetField is a row of DataManagementTargetMapEntities, of which a public $metadata tells the columns. Which of the
// three names is the property's isn't documented, so all are tried.
type targetField struct {
	StagingField, TargetField, FieldAOTName string
	FieldLength                             int
	IsRequired                              string
}

type targetFields []targetField

// of returns the row about a property. With several the shortest length counts, and being required in one is enough.
func (t targetFields) of(property string) (row targetField, ok bool) {
	for _, name := range []func(targetField) string{
		func(f targetField) string { return f.FieldAOTName },
		func(f targetField) string { return f.TargetField },
		func(f targetField) string { return f.StagingField },
	} {
		for _, f := range t {
			if !strings.EqualFold(name(f), property) {
				continue
			}
			if !ok {
				row, ok = f, true
				continue
			}
			if f.FieldLength > 0 && (row.FieldLength <= 0 || f.FieldLength < row.FieldLength) {
				row.FieldLength = f.FieldLength
			}
			if f.IsRequired == "Yes" {
				row.IsRequired = "Yes"
			}
		}
		if ok {
			return row, true
		}
	}
	return row, false
}

// fieldsPage is how many rows one call asks for; the widest entities have a few hundred.
const fieldsPage = 1000

// fields returns the data management's rows about an entity, which it knows by its label. There are none before the
// entity list was refreshed, and none for a user who may not see them.
func (p *pull) fields(ctx context.Context, set, label string) (targetFields, error) {
	if label == "" {
		label = spaced(set)
	}
	var all targetFields
	for {
		var page struct {
			Value targetFields `json:"value"`
		}
		err := p.client.get(ctx, "DataManagementTargetMapEntities", query(
			"$filter", "Entity eq '"+strings.ReplaceAll(label, "'", "''")+"'", "$select", "StagingField,TargetField,FieldAOTName,FieldLength,IsRequired",
			"$orderby", "StagingField", "$top", fmt.Sprint(fieldsPage), "$skip", fmt.Sprint(len(all)), "cross-company", "true"), &page)
		if f := fault.Of(err); f != nil && f.Kind == fault.Misconfigured && (f.Reason == odata.ReasonMissing || f.Reason == odata.ReasonForbidden) {
			p.pulled.Notes = append(p.pulled.Notes, "lengths and mandatory fields aren't told: DataManagementTargetMapEntities can't be read here")
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if all = append(all, page.Value...); len(page.Value) < fieldsPage {
			break
		}
	}
	if len(all) == 0 {
		p.pulled.Notes = append(p.pulled.Notes, fmt.Sprintf(
			"lengths and mandatory fields aren't told: data management has no rows for the label %q (refresh the entity list, or give the label by --label)", label))
	}
	return all, nil
}

// spaced guesses a label from an entity set's name: CustomersV3 is Customers V3. F&O compares texts without case.
func spaced(set string) string {
	var b strings.Builder
	before := ' '
	for _, r := range set {
		if unicode.IsUpper(r) && unicode.IsLower(before) || unicode.IsLetter(r) && unicode.IsDigit(before) {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}
