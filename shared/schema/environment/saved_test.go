package environment_test

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"crosswalk/shared/schema"
	"crosswalk/shared/schema/environment"
)

// saved reads files of testdata as an administrator's downloads.
func saved(t *testing.T, names ...string) []environment.File {
	t.Helper()
	var files []environment.File
	for _, name := range names {
		text, err := os.ReadFile(path.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, environment.File{Name: name, Text: text})
	}
	return files
}

// expanded is EntityDefinitions(LogicalName='account')?$expand=Attributes,Keys: the attributes with the members of their own
// types, but for the options, which are behind a navigation property.
func expanded(t *testing.T) environment.File {
	t.Helper()
	read := func(name string, into any) {
		t.Helper()
		text, err := os.ReadFile(path.Join("testdata", name))
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	type member = map[string]jsontext.Value
	var definition member
	var attributes, keys struct {
		Value []member `json:"value"`
	}
	read("account.json", &definition)
	read("Attributes.json", &attributes)
	read("Keys.json", &keys)
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "AttributeMetadata.json") {
			continue
		}
		var derived struct {
			Value []member `json:"value"`
		}
		read(f.Name(), &derived)
		for _, d := range derived.Value {
			i := slices.IndexFunc(attributes.Value, func(a member) bool { return string(a["LogicalName"]) == string(d["LogicalName"]) })
			for name, value := range d {
				if i >= 0 && name != "OptionSet" && name != "GlobalOptionSet" && !strings.HasPrefix(name, "@") {
					attributes.Value[i][name] = value
				}
			}
		}
	}
	marshal := func(v any) jsontext.Value {
		text, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent(" "))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	definition["Attributes"], definition["Keys"] = marshal(attributes.Value), marshal(keys.Value)
	return environment.File{Name: "saved.json", Text: append([]byte("\xEF\xBB\xBF"), marshal(definition)...)}
}

// The files that an administrator saves tell what the environment itself tells.
func TestSavedTableIsThePulledOne(t *testing.T) {
	options := saved(t, "PicklistAttributeMetadata.json", "MultiSelectPicklistAttributeMetadata.json", "StateAttributeMetadata.json", "StatusAttributeMetadata.json")
	for name, files := range map[string][]environment.File{
		"options last":  append([]environment.File{expanded(t)}, options...),
		"options first": append(slices.Clone(options), expanded(t)),
		"a list":        append(slices.Clone(options), environment.File{Name: "list.json", Text: append(append([]byte(`{"value":[`), strings.TrimPrefix(string(expanded(t).Text), "\xEF\xBB\xBF")...), "]}"...)}),
	} {
		p, err := environment.FromFiles(schema.Dataverse, "account", files, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantText(t, p, newAccount)
	}
}

func TestSavedTableWithoutOptionsAndKeysSaysWhatToSave(t *testing.T) {
	old := document(t, newAccount)
	files := saved(t, "account.json", "Attributes.json", "StringAttributeMetadata.json")
	p, err := environment.FromFiles(schema.Dataverse, "account", files, old)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p, newAccount)
	if !slices.Contains(p.Kept, environment.Untold{Part: "alternate keys"}) || !slices.Contains(p.Kept, environment.Untold{Part: "options", Column: "industrycode"}) || slices.Contains(p.Kept, environment.Untold{Part: "length", Column: "name"}) {
		t.Errorf("kept %v", p.Kept)
	}
	want := "options aren't told: save /api/data/v9.2/EntityDefinitions(LogicalName='account')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet,GlobalOptionSet too"
	if !slices.Contains(p.Notes, want) {
		t.Errorf("notes %q", p.Notes)
	}
}

func TestSavedEntitySetIsThePulledOne(t *testing.T) {
	pulled, err := pullCustomers(t, nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := pulled.Document.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	p, err := environment.FromFiles(schema.FnO, "CustomersV3", saved(t, "metadata.xml", "DataManagementTargetMapEntities.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p, string(want))
	p, err = environment.FromFiles(schema.FnO, "CustomersV3", saved(t, "metadata.xml"), nil)
	if err != nil || len(p.Notes) != 1 || !strings.Contains(p.Notes[0], "$filter=Entity eq 'Customers V3'&cross-company=true too") {
		t.Errorf("%v, %v", p, err)
	}
}

func TestSavedObjectIsThePulledOne(t *testing.T) {
	p, err := environment.FromFiles(schema.Salesforce, "Account", saved(t, "salesforce-account.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, p, salesforceAccount)
	file := saved(t, "salesforce-account.json")[0]
	file.Text = append(append([]byte(`{"status": 0, "result": `), file.Text...), `, "warnings": []}`...)
	if p, err = environment.FromFiles(schema.Salesforce, "Account", []environment.File{file}, nil); err != nil {
		t.Fatal(err)
	}
	wantText(t, p, salesforceAccount)
}

func TestSavedFilesThatTellNothingAreRefused(t *testing.T) {
	text := func(name, text string) []environment.File {
		return []environment.File{{Name: name, Text: []byte(text)}}
	}
	for name, tt := range map[string]struct {
		system, entity string
		files          []environment.File
		want           string
	}{
		"a sign-in page":     {schema.Dataverse, "account", text("a.json", "\n<!DOCTYPE HTML><html>"), "a.json is a web page: sign in to the environment first"},
		"half a file":        {schema.Dataverse, "account", text("a.json", "{\"LogicalName\":\n  \"account\","), "a.json:2:13: it is no JSON as the metadata service answers it"},
		"another form":       {schema.Dataverse, "account", text("a.json", `{"LogicalName": 7}`), "a.json:1:17: it is no JSON as the metadata service"},
		"another table":      {schema.Dataverse, "contact", []environment.File{expanded(t)}, "no file is about the table contact, but about account: save /api/data/v9.2/EntityDefinitions(LogicalName='contact')?$expand=Attributes,Keys"},
		"the table alone":    {schema.Dataverse, "account", saved(t, "account.json"), "no file holds the table account with its attributes"},
		"options alone":      {schema.Dataverse, "account", saved(t, "PicklistAttributeMetadata.json"), "no file holds the table account with its attributes"},
		"rows":               {schema.Dataverse, "account", text("a.json", `{"value":[{"name":"Contoso"}]}`), "a.json holds an entry without a LogicalName"},
		"a number as a row":  {schema.Dataverse, "account", text("a.json", `{"value":[7]}`), "a.json holds an entry that EntityDefinitions never answers"},
		"a wrong attribute":  {schema.Dataverse, "account", text("a.json", `{"value":[{"LogicalName":"name","MaxLength":"x"}]}`), "a.json holds an attribute name that EntityDefinitions never answers"},
		"no such entity set": {schema.FnO, "Customers", saved(t, "metadata.xml"), "metadata.xml: F&O has no entity set Customers"},
		"lengths alone":      {schema.FnO, "CustomersV3", saved(t, "DataManagementTargetMapEntities.json"), "save what /data/$metadata answers"},
		"half a document":    {schema.FnO, "CustomersV3", text("m.xml", "<edmx:Edmx><"), "m.xml: no XML document"},
		"another object":     {schema.Salesforce, "Contact", saved(t, "salesforce-account.json"), "salesforce-account.json describes Account, not Contact"},
		"no describe result": {schema.Salesforce, "Account", text("a.json", `{"name":"Account"}`), "a.json is no describe result: save what /services/data/v64.0/sobjects/Account/describe answers"},
		"no entity's name":   {schema.Salesforce, "../Account", nil, "is no entity's name"},
		"an unknown system":  {"sap", "KNA1", nil, "there is no system sap"},
	} {
		if _, err := environment.FromFiles(tt.system, tt.entity, tt.files, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
