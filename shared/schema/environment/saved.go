package environment

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/schema"
)

// File is a metadata answer that somebody saved, in a browser for instance.
type File struct {
	Name string
	Text []byte
}

// FromFiles makes a snapshot from saved answers instead of an environment's own, so that nobody needs its credentials. In
// which file is what shows in the content:
//
//	dataverse   EntityDefinitions(LogicalName='account')?$expand=Attributes,Keys, and for the options
//	            EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata
//	            ?$select=LogicalName&$expand=OptionSet,GlobalOptionSet, likewise MultiSelectPicklistAttributeMetadata,
//	            StateAttributeMetadata and StatusAttributeMetadata
//	fno         /data/$metadata, and for lengths /data/DataManagementTargetMapEntities with a $filter on the entity's label
//	salesforce  sobjects/Account/describe, or what `sf sobject describe --json` writes
//
// UNCONFIRMED: that Dataverse's expanded Attributes carry the members of their derived types (MaxLength, MinValue, Targets);
// what they don't carry is kept or unknown, as with an environment. old is the snapshot there was, or nil. An error names the
// file and what to save instead.
func FromFiles(system, entity string, files []File, old *schema.Document) (*Pulled, error) {
	p, err := newPull(entity, old)
	if err != nil {
		return nil, err
	}
	for i, f := range files {
		files[i].Text = bytes.TrimSpace(bytes.TrimPrefix(f.Text, []byte("\xEF\xBB\xBF"))) // some programs save a byte order mark
		if isPage(files[i].Text) {
			return nil, fmt.Errorf("%s is a web page: sign in to the environment first, then save what its address answers", f.Name)
		}
	}
	switch system {
	case schema.Dataverse:
		err = p.savedTable(entity, files)
	case schema.FnO:
		err = p.savedEntitySet(entity, files)
	case schema.Salesforce:
		err = p.savedObject(entity, files)
	default:
		err = fmt.Errorf("there is no system %s: schemas come from %s, %s and %s", system, schema.Dataverse, schema.FnO, schema.Salesforce)
	}
	if err != nil {
		return nil, err
	}
	return p.sorted(), nil
}

func isPage(text []byte) bool {
	start := bytes.ToLower(text[:min(len(text), 15)])
	return bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html"))
}

// decode reads a saved JSON document; the error names the line that it can't be read from.
func (f File) decode(into any) error {
	err := json.Unmarshal(f.Text, into)
	if err == nil {
		return nil
	}
	offset := int64(0)
	var syntax *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntax):
		offset = syntax.ByteOffset
	case errors.As(err, &semantic):
		offset = semantic.ByteOffset
	}
	before := f.Text[:min(int(offset), len(f.Text))]
	line, column := 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("%s:%d:%d: it is no JSON as the metadata service answers it: save the answer itself, whole", f.Name, line, column)
}

// savedDefinition is a saved answer of EntityDefinitions, or of a table's attributes or keys; a list is in Value.
type savedDefinition struct {
	tableDefinition
	Attributes    []jsontext.Value
	Keys          []entityKey
	KeyAttributes []string
	Value         []jsontext.Value `json:"value"`
}

// savedTables is what the files tell about one table.
type savedTables struct {
	name       string
	definition *tableDefinition
	attributes []*attribute
	at         map[string]*attribute
	keys       []entityKey
	hasKeys    bool
	others     []string // the tables that files were about as well
}

// savedTable reads a Dataverse table.
func (p *pull) savedTable(name string, files []File) error {
	s := &savedTables{name: name, at: map[string]*attribute{}}
	for _, f := range files {
		if err := s.read(f, f.Text); err != nil {
			return err
		}
	}
	wanted := "EntityDefinitions(LogicalName='" + name + "')?$expand=Attributes,Keys"
	if s.definition == nil && len(s.others) > 0 {
		return fmt.Errorf("no file is about the table %s, but about %s: save /api/data/v9.2/%s", name, strings.Join(s.others, ", "), wanted)
	}
	if s.definition == nil || len(s.attributes) == 0 {
		return fmt.Errorf("no file holds the table %s with its attributes: save what /api/data/v9.2/%s answers", name, wanted)
	}
	attributes := make([]attribute, len(s.attributes))
	for i, a := range s.attributes {
		attributes[i] = *a
		attributes[i].name()
	}
	without := slices.DeleteFunc(slices.Clone(attributes), func(a attribute) bool {
		kind := schema.KindOf(a.AttributeType)
		return kind != schema.Choice && kind != schema.Choices || len(a.options()) > 0
	})
	e := p.tableOf(*s.definition, attributes)
	if s.hasKeys {
		e.AlternateKeys = p.keys(s.keys, e)
	} else {
		e.AlternateKeys = p.old.AlternateKeys
		p.untold("alternate keys", "", len(p.old.AlternateKeys) > 0)
	}
	for _, d := range derived {
		if slices.ContainsFunc(without, func(a attribute) bool { return a.AttributeType == d.types }) {
			p.pulled.Notes = append(p.pulled.Notes, fmt.Sprintf("options aren't told: save /api/data/v9.2/EntityDefinitions(LogicalName='%s')/Attributes/Microsoft.Dynamics.CRM.%s?$select=LogicalName&$expand=%s too",
				name, d.metadata, strings.ReplaceAll(d.expand, "($select=Options)", "")))
		}
	}
	return nil
}

// read takes from a document what it tells about the table.
func (s *savedTables) read(f File, text []byte) error {
	var d savedDefinition
	if err := (File{f.Name, text}).decode(&d); err != nil {
		return err
	}
	switch {
	case d.EntitySetName != "" && d.LogicalName != s.name:
		s.others = append(s.others, d.LogicalName)
		return nil
	case d.EntitySetName != "":
		s.definition = &d.tableDefinition
		s.keys, s.hasKeys = append(s.keys, d.Keys...), s.hasKeys || d.Keys != nil
	}
	for _, item := range append(d.Attributes, d.Value...) {
		if err := s.item(f, item); err != nil {
			return err
		}
	}
	return nil
}

// item takes a table of a list of tables, an attribute, or a key. An attribute that is known already gets the members that
// this file has of it.
func (s *savedTables) item(f File, text jsontext.Value) error {
	var what savedDefinition
	if json.Unmarshal(text, &what) != nil {
		return fmt.Errorf("%s holds an entry that EntityDefinitions never answers", f.Name)
	}
	switch {
	case what.EntitySetName != "":
		return s.read(f, text)
	case what.KeyAttributes != nil:
		var k entityKey
		if json.Unmarshal(text, &k) != nil {
			return fmt.Errorf("%s holds a key that EntityDefinitions never answers", f.Name)
		}
		s.keys, s.hasKeys = append(s.keys, k), true
		return nil
	case what.LogicalName == "":
		return fmt.Errorf("%s holds an entry without a LogicalName: it is no answer of EntityDefinitions", f.Name)
	}
	a := s.at[what.LogicalName]
	if a == nil {
		a = new(attribute)
		s.at[what.LogicalName] = a
		s.attributes = append(s.attributes, a)
	}
	if json.Unmarshal(text, a) != nil {
		return fmt.Errorf("%s holds an attribute %s that EntityDefinitions never answers", f.Name, what.LogicalName)
	}
	return nil
}

// savedEntitySet reads an F&O entity.
func (p *pull) savedEntitySet(set string, files []File) error {
	var metadata *File
	var rows targetFields
	for i, f := range files {
		if bytes.HasPrefix(f.Text, []byte("<")) {
			metadata = &files[i]
			continue
		}
		var page struct {
			Value targetFields `json:"value"`
		}
		if err := f.decode(&page); err != nil {
			return err
		}
		rows = append(rows, page.Value...)
	}
	if metadata == nil {
		return fmt.Errorf("no file holds F&O's metadata: save what /data/$metadata answers, an XML document")
	}
	entity, types, err := find(metadata.Text, set)
	if err != nil {
		return fmt.Errorf("%s: %w", metadata.Name, err)
	}
	if len(rows) == 0 {
		p.pulled.Notes = append(p.pulled.Notes, fmt.Sprintf(
			"lengths and mandatory fields aren't told: save /data/DataManagementTargetMapEntities?$filter=Entity eq '%s'&cross-company=true too", spaced(set)))
	}
	p.entityOf(set, entity, types, rows)
	return nil
}

// savedObject reads a Salesforce object.
func (p *pull) savedObject(name string, files []File) error {
	for _, f := range files {
		var d struct {
			described
			Result described `json:"result"` // the command line tool wraps its answer
		}
		if err := f.decode(&d); err != nil {
			return err
		}
		found := d.described
		if found.Name == "" {
			found = d.Result
		}
		switch {
		case found.Name == "" || len(found.Fields) == 0:
			return fmt.Errorf("%s is no describe result: save what /services/data/%s/sobjects/%s/describe answers", f.Name, salesforceVersion, name)
		case found.Name != name:
			return fmt.Errorf("%s describes %s, not %s", f.Name, found.Name, name)
		}
		p.object(found)
	}
	return nil
}
