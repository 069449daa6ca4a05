package contract

import (
	"reflect"
	"strings"
	"testing"
)

// Whoever writes a contract in an editor reads these texts: each key has one, and says which values it takes.
func TestGrammarIsWhole(t *testing.T) {
	seen := map[*Object]bool{}
	var walk func(o *Object)
	var forms func(at string, list []Form)
	forms = func(at string, list []Form) {
		if len(list) == 0 {
			t.Errorf("%s has no form", at)
		}
		for _, f := range list {
			if f.Object != nil {
				walk(f.Object)
			}
			if f.Kind == FormMap || f.Kind == FormList {
				forms(at, f.Of)
			}
		}
	}
	walk = func(o *Object) {
		if seen[o] {
			return
		}
		seen[o] = true
		if o.Doc == "" || o.Example == "" || len(o.Keys) == 0 {
			t.Errorf("object %s has no text, no example or no keys", o.Name)
		}
		for _, k := range o.Keys {
			if !strings.HasSuffix(k.Doc, ".") {
				t.Errorf("%s.%s has no sentence that explains it", o.Name, k.Name)
			}
			forms(o.Name+"."+k.Name, k.Forms)
		}
	}
	walk(Grammar())
	if len(seen) != len(declarations) {
		t.Errorf("%d of %d objects can be reached from the contract", len(seen), len(declarations))
	}
}

// A key in the struct is a key that the reader takes: declared once, it can be written.
func TestEveryDeclaredKeyIsRead(t *testing.T) {
	for _, d := range declarations {
		for _, k := range grammar().objects[d.name].Keys {
			into := reflect.New(reflect.TypeOf(d.of))
			value := sample(k.Forms[0])
			r := &reader{}
			r.object(d.name, "x", &element{shape: mappingShape, members: []member{{&element{shape: textShape, text: k.Name}, value}}}, into.Interface())
			if len(r.findings) > 0 || into.Elem().Field(grammar().fields[d.name][k.Name]).Interface() != any(value) {
				t.Errorf("%s.%s isn't read: %v", d.name, k.Name, r.findings)
			}
		}
	}
}

// sample is an element of a form.
func sample(f Form) *element {
	switch f.Kind {
	case FormWord:
		return &element{shape: textShape, text: f.Word}
	case FormNumber:
		return &element{shape: numberShape, text: "1"}
	case FormNull:
		return &element{}
	case FormObject, FormMap:
		return &element{shape: mappingShape}
	case FormList:
		return &element{shape: listShape, items: []*element{sample(f.Of[0])}}
	}
	return &element{shape: textShape, text: "text"}
}

func TestAlternatives(t *testing.T) {
	want := []string{"reject", "{*: text | null}", "[text | {part}]", "{blank}"}
	if got := alternatives("reject | {*: text | null} | [text | {part}] | {blank}"); !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}
