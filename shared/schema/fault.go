package schema

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Fault is something wrong in a snapshot, which a person may have written by hand.
type Fault struct {
	// File is the snapshot's path below the folder, such as dataverse/account.json.
	File string
	// Line and Column count from 1.
	Line, Column int
	// Message says what is wrong, Fix what to do.
	Message, Fix string
}

// Check returns every fault of the snapshots in a folder, by file and line. The error is for a folder that can't be read.
func Check(folder string) ([]Fault, error) {
	files := os.DirFS(folder)
	names, err := fs.Glob(files, "*/*.json")
	if err != nil {
		return nil, err
	}
	var out []Fault
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		out = append(out, Faults(name, text)...)
	}
	return out, nil
}

// Faults returns every fault of one snapshot, by line. file is its path, <system>/<entity>.json. What has none [Parse] takes.
func Faults(file string, text []byte) []Fault {
	c := &checking{file: file, text: text}
	if c.at = c.positions(); c.at == nil {
		return c.faults
	}
	var s struct {
		snapshot
		Columns map[string]jsontext.Value `json:"columns"`
	}
	if !c.read("", text, &s) {
		return c.sorted()
	}
	if want := s.System + "/" + s.Entity + ".json"; want != file && s.System != "" && s.Entity != "" {
		c.add("/entity", "this file is to hold "+s.System+" "+s.Entity, "name it %s, or say the system and entity that its path says", want)
	}
	c.must("/system", s.System, `"system": "`+path.Dir(file)+`"`)
	c.must("/entity", s.Entity, `"entity": "`+strings.TrimSuffix(path.Base(file), ".json")+`"`)
	if s.Event == "" {
		c.must("/set", s.Set, `the entity set's name in URLs, such as "set": "accounts"; an event has "event" instead`)
		if len(s.PrimaryKey) == 0 {
			c.add("/primaryKey", "the primary key isn't said", `add the columns of the primary key, such as "primaryKey": ["accountid"]`)
		}
	}
	if len(s.Columns) == 0 {
		c.add("/columns", "there is no column", `add "columns": {"name": {"type": "String", "maxLength": 160}}`)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Columns)) {
		c.column(name, s.Columns[name], s.Enums)
		c.inRow(name, s.Columns)
	}
	c.keys(s.PrimaryKey, s.AlternateKeys, s.Columns)
	return c.sorted()
}

// checking is one file's check. at gives the offset of each value by its JSON pointer; a member's is that of its name.
type checking struct {
	file   string
	text   []byte
	at     map[jsontext.Pointer]int64
	faults []Fault
}

// add notes a fault at a value, or at the nearest value around it that the file has.
func (c *checking) add(at jsontext.Pointer, message, fix string, args ...any) {
	offset, ok := c.at[at]
	for !ok && at != "" {
		at = at.Parent()
		offset, ok = c.at[at]
	}
	c.addAt(offset, message, fmt.Sprintf(fix, args...))
}

func (c *checking) addAt(offset int64, message, fix string) {
	before := c.text[:min(int(offset), len(c.text))]
	c.faults = append(c.faults, Fault{
		File: c.file, Line: 1 + bytes.Count(before, []byte("\n")), Column: len(before) - bytes.LastIndexByte(before, '\n'), Message: message, Fix: fix,
	})
}

func (c *checking) must(at jsontext.Pointer, value, what string) {
	if value == "" {
		c.add(at, strings.TrimPrefix(string(at), "/")+" isn't said", "add %s", what)
	}
}

func (c *checking) sorted() []Fault {
	slices.SortStableFunc(c.faults, func(a, b Fault) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	return c.faults
}

// positions reads the whole text once; nil for one that is no JSON object.
func (c *checking) positions() map[jsontext.Pointer]int64 {
	at := map[jsontext.Pointer]int64{}
	dec := jsontext.NewDecoder(bytes.NewReader(c.text))
	first := true
	for {
		kind := dec.PeekKind()
		start := dec.InputOffset()
		_, err := dec.ReadToken()
		if errors.Is(err, io.EOF) && !first {
			return at
		}
		var syntax *jsontext.SyntacticError
		switch {
		case errors.As(err, &syntax) && errors.Is(err, jsontext.ErrDuplicateName):
			c.addAt(syntax.ByteOffset, string(syntax.JSONPointer.LastToken())+" is said twice", "keep one of the two")
			return nil
		case errors.As(err, &syntax):
			c.addAt(syntax.ByteOffset, "from here on it is no JSON", "mend the commas, quotes and braces before and at this place")
			return nil
		case err != nil || first && kind != '{':
			c.addAt(start, "the file holds no JSON object", `begin with {"system": …`)
			return nil
		}
		first = false
		if pointer := dec.StackPointer(); kind != '}' && kind != ']' {
			for start < dec.InputOffset() && strings.IndexByte(" \t\r\n,:", c.text[start]) >= 0 {
				start++
			}
			if _, known := at[pointer]; !known {
				at[pointer] = start
			}
		}
	}
}

// read decodes a value whose own fault, if it has one, is noted: a member nobody knows, or a value of another type.
func (c *checking) read(at jsontext.Pointer, text []byte, into any) bool {
	err := json.Unmarshal(text, into, json.RejectUnknownMembers(true))
	if err == nil {
		return true
	}
	var semantic *json.SemanticError
	if !errors.As(err, &semantic) {
		c.add(at, "it can't be read", "see docs/schemas.md for the form of a snapshot")
		return false
	}
	pointer := at + semantic.JSONPointer
	if errors.Is(err, json.ErrUnknownName) {
		known := memberNames(reflect.TypeFor[snapshot]())
		if at != "" {
			known = memberNames(reflect.TypeFor[columnDoc]())
		}
		c.add(pointer, "a snapshot has no "+pointer.LastToken()+" here", "remove it or write it as one of: %s", strings.Join(known, ", "))
		return false
	}
	c.add(pointer, strings.TrimPrefix(string(pointer), "/")+" has a value of another type than this member takes", "see docs/schemas.md; min and max are numbers in quotes")
	return false
}

// memberNames returns the names that a document's members have in JSON.
func memberNames(document reflect.Type) []string {
	var out []string
	for i := range document.NumField() {
		out = append(out, document.Field(i).Tag.Get("json"))
	}
	return out
}

// column checks one column by itself.
func (c *checking) column(name string, text jsontext.Value, enums map[string][]string) {
	at := jsontext.Pointer("/columns").AppendToken(name)
	var d columnDoc
	if !c.read(at, text, &d) {
		return
	}
	column, err := d.column(name, enums)
	switch kind := kinds[d.Type]; {
	case d.Type == "":
		c.add(at, "column "+name+" has no type", "say its type in the system, such as String, Money or DateTimeOffset")
	case kind == Unknown:
		c.add(at.AppendToken("type"), "column "+name+": nobody knows the type "+d.Type, "write one of: %s", strings.Join(TypeNames(), ", "))
	case d.Enum != "" && enums[d.Enum] == nil:
		c.add(at.AppendToken("enum"), "column "+name+": enums holds no "+d.Enum, `add "%s": ["None", …] under enums`, d.Enum)
	case err != nil:
		c.add(at, err.Error(), `add "options": {"1": "its label", …}, or for an F&O enum "enum" and its members under enums`)
	case kind == Reference && len(column.Targets) == 0:
		c.add(at, "column "+name+" refers to nothing", `add the tables that it can refer to: "targets": ["account"]`)
	}
	if d.MaxLength < 0 {
		c.add(at.AppendToken("maxLength"), "column "+name+" can't be shorter than nothing", "say the most characters that it takes, or leave it out where nobody knows")
	}
	for member, value := range map[string]string{"min": d.Min, "max": d.Max} {
		if number := jsontext.Value(value); value != "" && (!number.IsValid() || number.Kind() != '0') {
			c.add(at.AppendToken(member), "column "+name+": "+member+" is no number", `write it in digits and in quotes, such as "%s": "100.5"`, member)
		}
	}
	if !slices.Contains([]string{"", SystemRequired, ApplicationRequired, Recommended}, d.Required) {
		c.add(at.AppendToken("required"), "column "+name+" has no known required level", "write system, application or recommended, or leave it out")
	}
}

// inRow checks that the list exists to whose rows a column belongs, as Lines[].Amount does.
func (c *checking) inRow(name string, columns map[string]jsontext.Value) {
	end := strings.LastIndex(name, "[]")
	if end < 0 {
		return
	}
	list, at := name[:end], jsontext.Pointer("/columns").AppendToken(name)
	var d columnDoc
	switch text, ok := columns[list]; {
	case !ok:
		c.add(at, "column "+name+" belongs to the rows of "+list+", and there is no such list", `add "%s": {"type": "List"}`, list)
	case json.Unmarshal(text, &d) == nil && kinds[d.Type] != List && kinds[d.Type] != Unknown:
		c.add(at, "column "+name+" belongs to the rows of "+list+", which is no list", `write "type": "List" there`)
	}
}

// keys checks that every column of a key exists.
func (c *checking) keys(primary []string, alternate [][]string, columns map[string]jsontext.Value) {
	check := func(at jsontext.Pointer, key []string) {
		for i, name := range key {
			if _, ok := columns[name]; !ok {
				c.add(at.AppendToken(fmt.Sprint(i)), "key column "+name+" doesn't exist", "write the name of a column in columns, case included")
			}
		}
	}
	check("/primaryKey", primary)
	for i, key := range alternate {
		check(jsontext.Pointer("/alternateKeys").AppendToken(fmt.Sprint(i)), key)
	}
}
