package contract

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// The language is declared once, by the structs in language.go: each *element with a "key" tag is one key, "form" says what
// may be written there and "doc" what it means. The reader takes the keys and the forms it accepts from them, and so does
// [Grammar], from which editors get their completion: neither can know a key that the other doesn't.

// Object is a mapping of the language: a set of keys that may be written.
type Object struct {
	// Name identifies the object within the grammar, such as "field".
	Name string
	// Doc says in one or a few sentences what it describes.
	Doc string
	// Example is how it may look, such as "{from: OtherField} or {value: …}".
	Example string
	// Keys are in the order in which the language declares them.
	Keys []Key
}

// Key is one key of an object.
type Key struct {
	Name, Doc string
	// Required is true for a key without which the contract doesn't pass.
	Required bool
	// Forms are the forms that its value may have, at least one.
	Forms []Form
}

// FormKind says what a [Form] is.
type FormKind uint8

const (
	// FormText is any text that isn't blank.
	FormText FormKind = iota
	// FormScalar is any plain value: a text, a number, true or false.
	FormScalar
	// FormNumber is a decimal number.
	FormNumber
	// FormNull is null.
	FormNull
	// FormWord is the one text in Form.Word.
	FormWord
	// FormObject is a mapping with the keys of Form.Object.
	FormObject
	// FormMap is a mapping with keys of the author's own, each with a value of one of Form.Of.
	FormMap
	// FormList is a list, each item one of Form.Of.
	FormList
)

// Form is one form that a value may have.
type Form struct {
	Kind FormKind
	Word string
	// Blank is true for a text that may consist of white space, though not be empty.
	Blank  bool
	Object *Object
	Of     []Form
}

// Grammar returns the language of contracts as one tree: the object "contract" with everything below it. An object that
// refers to itself, as a blank rule does, is the same pointer each time.
func Grammar() *Object { return grammar().objects["contract"] }

// language is the compiled grammar.
type language struct {
	objects map[string]*Object
	// fields gives, by object and key, the struct field that takes the value.
	fields map[string]map[string]int
}

// grammar compiles the declarations once. They are part of the program, so a faulty one is a programming error.
var grammar = sync.OnceValue(func() *language {
	l := &language{objects: map[string]*Object{}, fields: map[string]map[string]int{}}
	for _, d := range declarations {
		l.objects[d.name] = &Object{Name: d.name, Doc: d.doc, Example: d.example}
	}
	for _, d := range declarations {
		l.declare(l.objects[d.name], reflect.TypeOf(d.of))
	}
	return l
})

// declaration names one object of the language and the struct that it is read into.
type declaration struct {
	name         string
	of           any
	example, doc string
}

func (l *language) declare(o *Object, t reflect.Type) {
	l.fields[o.Name] = map[string]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("key"), ",")
		if name == "" {
			continue
		}
		l.fields[o.Name][name] = i
		o.Keys = append(o.Keys, Key{Name: name, Doc: f.Tag.Get("doc"), Required: options == "required", Forms: l.forms(f.Tag.Get("form"))})
	}
}

// values returns the forms that the values of a map may have.
func (l *language) values(object, key string) []Form {
	o := l.objects[object]
	return o.Keys[slices.IndexFunc(o.Keys, func(k Key) bool { return k.Name == key })].Forms[0].Of
}

// forms reads a form tag: alternatives separated by "|", each text, scalar, number, null, {object}, {*: form} for a map,
// [form] for a list, "characters" for a text that may be blank, or a word that stands for itself.
func (l *language) forms(tag string) []Form {
	var out []Form
	for _, alternative := range alternatives(tag) {
		out = append(out, l.form(alternative))
	}
	return out
}

func (l *language) form(s string) Form {
	inner := strings.Trim(s, "{}[] ")
	switch {
	case s == "text":
		return Form{Kind: FormText}
	case s == "number":
		return Form{Kind: FormNumber}
	case s == "scalar":
		return Form{Kind: FormScalar}
	case s == "null":
		return Form{Kind: FormNull}
	case s == "characters":
		return Form{Kind: FormText, Blank: true}
	case strings.HasPrefix(s, "{*:"):
		return Form{Kind: FormMap, Of: l.forms(strings.TrimSuffix(strings.TrimPrefix(s, "{*:"), "}"))}
	case strings.HasPrefix(s, "["):
		return Form{Kind: FormList, Of: l.forms(s[1 : len(s)-1])}
	case strings.HasPrefix(s, "{"):
		o := l.objects[inner]
		if o == nil {
			panic(fmt.Sprintf("the language has no object %q", inner))
		}
		return Form{Kind: FormObject, Object: o}
	case s == "":
		panic("a key of the language has no form")
	}
	return Form{Kind: FormWord, Word: s}
}

// alternatives splits at the "|" that stand in no braces.
func alternatives(tag string) []string {
	var out []string
	depth, start := 0, 0
	for i, c := range tag {
		switch c {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '|':
			if depth == 0 {
				out = append(out, strings.TrimSpace(tag[start:i]))
				start = i + 1
			}
		}
	}
	return append(out, strings.TrimSpace(tag[start:]))
}

// object reads e, a mapping, into the struct that the object of this name is declared with. An unknown key, and a value of
// another form than the key takes, is a finding; the latter is left out of the struct.
func (r *reader) object(name, what string, e *element, into any) {
	g := grammar()
	o, fields := g.objects[name], g.fields[name]
	v := reflect.ValueOf(into).Elem()
	for _, m := range e.members {
		i := slices.IndexFunc(o.Keys, func(k Key) bool { return k.Name == m.key.text })
		if i < 0 {
			r.unknownKey(what, m.key, o)
			continue
		}
		if r.fits(keyName(what, m.key.text), m.value, o.Keys[i].Forms) {
			v.Field(fields[m.key.text]).Set(reflect.ValueOf(m.value))
		}
	}
}

// topLevel is what findings call the contract itself, whose keys need no prefix.
const topLevel = "the contract"

func keyName(what, key string) string {
	if what == topLevel {
		return key
	}
	return what + ": " + key
}

func (r *reader) unknownKey(what string, key *element, o *Object) {
	known := make([]string, len(o.Keys))
	for i, k := range o.Keys {
		known[i] = k.Name
	}
	slices.Sort(known)
	fix := "remove it; known keys are " + strings.Join(known, ", ")
	if near := nearest(key.text, known); near != "" {
		fix = "did you mean " + near + "?"
	}
	r.add(key, fix, "%s: unknown key %q", what, key.text)
}

// fits reports whether e has one of the forms, and adds a finding where it hasn't. What is in an object is judged when
// that is read.
func (r *reader) fits(what string, e *element, forms []Form) bool {
	if slices.ContainsFunc(forms, e.has) {
		return true
	}
	words, others := wordsOf(forms)
	switch {
	case e.refused:
	case len(others) == 0 && e.isScalar():
		r.add(e, "write "+choice(words), "%s: %q isn't known", what, e.text)
	case len(others) == 0:
		r.add(e, "write "+choice(words), "%s is %s", what, e.shape)
	case len(words) == 0 && len(others) == 1 && forms[0].Kind == FormText:
		if e.shape == textShape {
			r.add(e, "write a text", "%s is blank", what)
		} else {
			r.add(e, "write a text, in quotes if it looks like a number", "%s is %s instead of a text", what, describe(e))
		}
	case len(forms) == 1 && (forms[0].Kind == FormObject || forms[0].Kind == FormMap):
		r.add(e, "write key: value pairs below it", "%s is %s instead of a mapping", what, e.shape)
	case len(forms) == 1 && forms[0].Kind == FormList:
		switch {
		case len(e.items) > 0:
			r.add(e, "write texts: [a, b]", "%s holds something else than texts", what)
		case e.shape == listShape:
			r.add(e, "write a list: [a, b]", "%s is an empty list", what)
		default:
			r.add(e, "write a list: [a, b]", "%s is %s instead of a list", what, describe(e))
		}
	case len(words) > 0 && e.shape == textShape:
		r.add(e, "write "+choice(append(words, others...)), "%s: %q isn't known", what, e.text)
	default:
		r.add(e, "write "+choice(append(words, others...)), "%s is %s", what, describe(e))
	}
	return false
}

// wordsOf separates the words from the other forms, each as a fix names it.
func wordsOf(forms []Form) (words, others []string) {
	for _, f := range forms {
		switch f.Kind {
		case FormWord:
			words = append(words, f.Word)
		case FormText:
			others = append(others, "a text")
		case FormNumber:
			others = append(others, "a number")
		case FormScalar:
			others = append(others, "a text, a number, true or false")
		case FormNull:
			words = append(words, "null")
		case FormObject:
			others = append(others, f.Object.Example)
		case FormMap:
			others = append(others, "key: value pairs")
		case FormList:
			others = append(others, "a list: […]")
		}
	}
	return words, others
}

// choice writes a list of alternatives: a, b or c.
func choice(of []string) string {
	if len(of) < 2 {
		return strings.Join(of, "")
	}
	return strings.Join(of[:len(of)-1], ", ") + " or " + of[len(of)-1]
}

// has reports whether e has the form f.
func (e *element) has(f Form) bool {
	switch f.Kind {
	case FormText:
		return e.shape == textShape && (strings.TrimSpace(e.text) != "" || f.Blank && e.text != "")
	case FormNumber:
		return e.shape == numberShape
	case FormScalar:
		return e.isScalar()
	case FormNull:
		return e.shape == nullShape
	case FormWord:
		return (e.shape == textShape || e.shape == boolShape) && e.text == f.Word
	case FormObject, FormMap:
		return e.shape == mappingShape
	}
	return e.shape == listShape && len(e.items) > 0 && !slices.ContainsFunc(e.items, func(item *element) bool { return !slices.ContainsFunc(f.Of, item.has) })
}
