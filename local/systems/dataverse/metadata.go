package dataverse

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"crosswalk/local/systems/odata"
	"crosswalk/shared/schema"
)

// describe answers what isn't a table: the service document, $metadata, EntityDefinitions, WhoAmI.
func (c *call) describe(path []odata.Segment) *refusal {
	if c.r.Method != http.MethodGet {
		if len(path) > 0 && path[0].Name == "$batch" {
			return notSimulated("$batch")
		}
		return notAllowed(c.r.Method)
	}
	switch {
	case len(path) == 0:
		return c.serviceDocument()
	case path[0].Name == "$metadata" && len(path) == 1:
		c.w.Header().Set("Content-Type", "application/xml")
		c.w.WriteHeader(http.StatusOK)
		_, _ = c.w.Write(c.s.csdl())
		return nil
	case path[0].Name == "WhoAmI":
		return c.json(map[string]any{"BusinessUnitId": organization, "UserId": c.user, "OrganizationId": organization})
	case path[0].Name == "EntityDefinitions":
		return c.definitions(path)
	}
	return noSegment(path[0].Name)
}

func (c *call) serviceDocument() *refusal {
	var sets []any
	for _, t := range c.s.sorted() {
		sets = append(sets, map[string]string{"name": t.set, "kind": "EntitySet", "url": t.set})
	}
	return c.json(map[string]any{"@odata.context": c.base() + "$metadata", "value": sets})
}

func (c *call) json(v any) *refusal {
	body, err := json.Marshal(v)
	if err != nil {
		return &refusal{http.StatusInternalServerError, "", "The answer can't be rendered."}
	}
	c.send(http.StatusOK, body)
	return nil
}

func (s *Simulator) sorted() []*table {
	var out []*table
	for _, t := range s.tables {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *table) int { return strings.Compare(a.name, b.name) })
	return out
}

// definitions answers EntityDefinitions(LogicalName='account'), with Attributes and Keys; query options are ignored.
func (c *call) definitions(path []odata.Segment) *refusal {
	if path[0].Key == nil {
		var all []any
		for _, t := range c.s.sorted() {
			all = append(all, t.definition())
		}
		return c.json(map[string]any{"@odata.context": c.base() + "$metadata#EntityDefinitions", "value": all})
	}
	var t *table
	if k := path[0].Key; len(k) == 1 && k[0].Name == "LogicalName" {
		t = c.s.tables[k[0].Value.Text]
	}
	if t == nil {
		return &refusal{http.StatusNotFound, "0x80060888", "Could not find an entity with the specified LogicalName."}
	}
	d := t.definition()
	if len(path) == 1 {
		return c.json(d)
	}
	if part, ok := d[path[1].Name].([]any); ok {
		return c.json(map[string]any{"@odata.context": c.base() + "$metadata#EntityDefinitions('" + t.name + "')/" + path[1].Name, "value": part})
	}
	return noSegment(path[1].Name)
}

// definition is a table as the metadata tables tell it (EntityMetadata, AttributeMetadata, EntityKeyMetadata).
func (t *table) definition() map[string]any {
	known, _ := schema.Lookup(schema.Dataverse, t.name)
	attributes := []any{}
	for _, c := range t.columns {
		a := map[string]any{
			"LogicalName": c.name, "AttributeType": strings.TrimSuffix(strings.SplitN(c.kind, " ", 2)[0], ","),
			"RequiredLevel":    map[string]any{"Value": requiredLevel(c.level)},
			"IsValidForCreate": !c.readOnly, "IsValidForUpdate": !c.readOnly && c.name != t.id, "IsPrimaryId": c.name == t.id,
			"DisplayName": displayName(""),
		}
		if known != nil {
			if k, ok := known.Column(c.name); ok {
				a["DisplayName"] = displayName(k.DisplayName)
			}
		}
		if c.kind == "String" {
			a["MaxLength"] = c.length
		}
		if c.min != nil {
			a["MinValue"], a["MaxValue"] = json.Number(c.min.String()), json.Number(c.max.String())
		}
		if c.kind == "DateTime" {
			a["Format"] = map[bool]string{true: "DateOnly", false: "DateAndTime"}[c.dateOnly]
		}
		if c.isLookup() {
			a["Targets"] = c.targets
		}
		if c.isOption() {
			a["OptionSet"] = map[string]any{"Options": optionList(c)}
		}
		attributes = append(attributes, a)
	}
	keys := []any{}
	for _, k := range t.keys {
		keys = append(keys, map[string]any{"LogicalName": keyName(t, k), "KeyAttributes": logicalNames(t, k), "EntityKeyIndexStatus": "Active"})
	}
	name := ""
	if known != nil {
		name = known.DisplayName
	}
	return map[string]any{"LogicalName": t.name, "DisplayName": displayName(name), "EntitySetName": t.set, "PrimaryIdAttribute": t.id, "IsOptimisticConcurrencyEnabled": true, "Attributes": attributes, "Keys": keys}
}

// displayName is a Label; one without a text has no label of the user, as the real one answers for columns that no form
// shows.
func displayName(text string) map[string]any {
	if text == "" {
		return map[string]any{"LocalizedLabels": []any{}, "UserLocalizedLabel": nil}
	}
	label := map[string]any{"Label": text, "LanguageCode": 1033}
	return map[string]any{"LocalizedLabels": []any{label}, "UserLocalizedLabel": label}
}

func optionList(c *column) []any {
	var out []any
	for _, o := range c.options {
		out = append(out, map[string]any{"Value": o.value, "Label": map[string]any{"UserLocalizedLabel": map[string]any{"Label": o.label, "LanguageCode": 1033}}})
	}
	return out
}

func requiredLevel(level string) string {
	switch level {
	case "systemrequired":
		return "SystemRequired"
	case "required":
		return "ApplicationRequired"
	}
	return "None"
}

// edmType is a column's type in $metadata. Lengths and options aren't there, as in the real one.
func (c *column) edmType() string {
	switch c.kind {
	case "String":
		return "Edm.String"
	case "Boolean":
		return "Edm.Boolean"
	case "Picklist", "State", "Status", "Integer":
		return "Edm.Int32"
	case "BigInt":
		return "Edm.Int64"
	case "Money", "Decimal":
		return "Edm.Decimal"
	case "Double":
		return "Edm.Double"
	case "DateTime":
		if c.dateOnly {
			return "Edm.Date"
		}
		return "Edm.DateTimeOffset"
	}
	return "Edm.Guid"
}

// csdl renders $metadata: the tables with key, columns, navigation properties and alternate keys.
func (s *Simulator) csdl() []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>`)
	b.WriteString(`<Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm"><EntityType Name="crmbaseentity" Abstract="true"/>`)
	for _, t := range s.sorted() {
		b.WriteString(`<EntityType Name=` + attr(t.name) + ` BaseType="mscrm.crmbaseentity"><Key><PropertyRef Name=` + attr(t.id) + `/></Key>`)
		for _, c := range t.columns {
			b.WriteString(`<Property Name=` + attr(c.valueName()) + ` Type=` + attr(c.edmType()))
			if c.edmType() == "Edm.Decimal" {
				b.WriteString(` Scale="Variable"`)
			}
			b.WriteString(`/>`)
		}
		for _, name := range sortedNames(t.navigations) {
			n := t.navigations[name]
			target := n.target
			if s.tables[target] == nil {
				target = "crmbaseentity"
			}
			b.WriteString(`<NavigationProperty Name=` + attr(name) + ` Type=` + attr("mscrm."+target) + `><ReferentialConstraint Property=` + attr(n.column.valueName()) + ` ReferencedProperty=` + attr(target+"id") + `/></NavigationProperty>`)
		}
		for _, k := range t.keys {
			b.WriteString(`<Annotation Term="OData.Community.Keys.V1.AlternateKeys"><Collection><Record Type="OData.Community.Keys.V1.AlternateKey"><PropertyValue Property="Key"><Collection>`)
			for _, column := range k {
				b.WriteString(`<Record Type="OData.Community.Keys.V1.PropertyRef"><PropertyValue Property="Alias" String=` + attr(column) + `/><PropertyValue Property="Name" PropertyPath=` + attr(column) + `/></Record>`)
			}
			b.WriteString(`</Collection></PropertyValue></Record></Collection></Annotation>`)
		}
		b.WriteString(`</EntityType>`)
	}
	b.WriteString(`<EntityContainer Name="System">`)
	for _, t := range s.sorted() {
		b.WriteString(`<EntitySet Name=` + attr(t.set) + ` EntityType=` + attr("Microsoft.Dynamics.CRM."+t.name) + `/>`)
	}
	b.WriteString(`</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>`)
	return []byte(b.String())
}

// logicalNames returns the names of a key's columns; the key itself names a lookup as rows do.
func logicalNames(t *table, key []string) []string {
	out := slices.Clone(key)
	for i, name := range out {
		if isLookupValue(t, name) {
			out[i] = strings.TrimSuffix(strings.TrimPrefix(name, "_"), "_value")
		}
	}
	return out
}

func sortedNames(m map[string]navigation) []string {
	var out []string
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// attr quotes an XML attribute.
func attr(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return `"` + b.String() + `"`
}
