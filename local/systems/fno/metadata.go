package fno

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"crosswalk/local/systems/odata"
)

// describe answers the service document and $metadata.
func (c *call) describe(path []odata.Segment) *refusal {
	if c.r.Method != http.MethodGet {
		if len(path) > 0 && path[0].Name == "$batch" {
			return notSimulated("$batch")
		}
		return notAllowed(c.r.Method)
	}
	if len(path) == 1 && path[0].Name == "$metadata" {
		c.w.Header().Set("Content-Type", "application/xml")
		c.w.WriteHeader(http.StatusOK)
		_, _ = c.w.Write(c.s.csdl())
		return nil
	}
	if len(path) > 0 {
		return noSet(path[0].Name)
	}
	out := []byte(`{"@odata.context":` + string(odata.Quote(c.base()+"$metadata")) + `,"value":[`)
	for i, set := range slices.Sorted(maps.Keys(c.s.sets)) {
		if i > 0 {
			out = append(out, ',')
		}
		name := string(odata.Quote(set))
		out = append(out, `{"name":`+name+`,"kind":"EntitySet","url":`+name+`}`...)
	}
	c.send(http.StatusOK, append(out, "]}"...))
	return nil
}

// csdl renders $metadata: entity types with keys, properties and nullability, enums with their members. Lengths aren't in
// it, as in the real one.
func (s *Simulator) csdl() []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>`)
	b.WriteString(`<Schema Namespace="Microsoft.Dynamics.DataEntities" xmlns="http://docs.oasis-open.org/odata/ns/edm">`)
	sets := slices.Sorted(maps.Keys(s.sets))
	for _, set := range sets {
		e := s.sets[set]
		b.WriteString(`<EntityType Name=` + attr(e.typeName) + `><Key>`)
		for _, k := range e.key {
			b.WriteString(`<PropertyRef Name=` + attr(k) + `/>`)
		}
		b.WriteString(`</Key>`)
		for _, p := range e.properties {
			kind := "Edm." + p.kind
			if p.kind == "Enum" {
				kind = enumNamespace + p.enum
			}
			b.WriteString(`<Property Name=` + attr(p.name) + ` Type=` + attr(kind))
			if p.isKey || p.kind != "String" && p.kind != "Enum" {
				b.WriteString(` Nullable="false"`)
			}
			if p.kind == "Decimal" {
				b.WriteString(` Scale="Variable"`)
			}
			b.WriteString(`/>`)
		}
		b.WriteString(`</EntityType>`)
	}
	for _, name := range slices.Sorted(maps.Keys(s.enums)) {
		b.WriteString(`<EnumType Name=` + attr(name) + `>`)
		for i, m := range s.enums[name] {
			b.WriteString(`<Member Name=` + attr(m) + ` Value="` + strconv.Itoa(i) + `"/>`)
		}
		b.WriteString(`</EnumType>`)
	}
	b.WriteString(`<EntityContainer Name="Resources">`)
	for _, set := range sets {
		b.WriteString(`<EntitySet Name=` + attr(set) + ` EntityType=` + attr(enumNamespace+s.sets[set].typeName) + `/>`)
	}
	b.WriteString(`</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>`)
	return []byte(b.String())
}

// attr quotes an XML attribute.
func attr(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return `"` + b.String() + `"`
}
