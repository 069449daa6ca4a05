package settings

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"

	"crosswalk/shared/topology"
)

// Load reads the settings from the environment, overrides of the topology's functions included. A blank variable counts as
// not set. The error joins all problems, one per line, each with the setting's name and what to do; it never holds a value.
func Load() (Settings, error) {
	var functions []string
	t := topology.Default()
	for _, in := range t.Ingress {
		functions = append(functions, in.Function)
	}
	for _, f := range t.Functions {
		functions = append(functions, f.Name)
	}
	return load(functions)
}

func load(functions []string) (Settings, error) {
	var s Settings
	var problems []error
	for _, field := range fieldsOf(&s) {
		problems = append(problems, field.read(""))
	}
	problems = append(problems, s.check(), s.Tuning.check(""))
	s.overrides = map[string]Tuning{}
	for _, function := range functions {
		p := prefix(function)
		if !overridden(p) {
			continue
		}
		var tuning Tuning
		for _, field := range fieldsOf(&tuning) {
			problems = append(problems, field.read(p))
		}
		problems = append(problems, tuning.check(p))
		s.overrides[p] = tuning
	}
	problems = append(problems, strangers(functions)...)
	return s, join(problems)
}

// prefix returns what a function's overrides begin with: INVOICE_TO_DATAVERSE.
func prefix(function string) string {
	return strings.ToUpper(strings.ReplaceAll(function, "-", "_"))
}

func overridden(prefix string) bool {
	return slices.ContainsFunc(fieldsOf(new(Tuning)), func(f field) bool { return os.Getenv(prefix+"_"+f.name()) != "" })
}

// strangers reports overrides for functions that don't exist. Only names that end in SETTLE_ or LINK_ settings are taken for
// overrides: any program's environment may hold a …_CLIENT_TIMEOUT.
func strangers(functions []string) []error {
	var names []string
	for _, f := range fieldsOf(new(Tuning)) {
		if name := f.name(); !strings.HasPrefix(name, "CLIENT_") {
			names = append(names, name)
		}
	}
	var problems []error
	for _, variable := range os.Environ() {
		variable, _, _ = strings.Cut(variable, "=")
		for _, name := range names {
			p, ok := strings.CutSuffix(variable, "_"+name)
			if ok && !slices.ContainsFunc(functions, func(f string) bool { return prefix(f) == p }) {
				problems = append(problems, problem(variable, "overrides %s for no known function; it must begin with the function's name in upper case, with _ for -, such as %s_%s",
					name, prefix("invoice-to-dataverse"), name))
			}
		}
	}
	return problems
}

// field is one setting inside a struct.
type field struct {
	declared reflect.StructField
	value    reflect.Value
}

func (f field) name() string { return f.declared.Tag.Get("envconfig") }

// fieldsOf returns the settings in target, a pointer to a struct of groups, in order of declaration.
func fieldsOf(target any) []field {
	var fields []field
	var walk func(reflect.Value)
	walk = func(v reflect.Value) {
		for i := range v.NumField() {
			declared := v.Type().Field(i)
			switch {
			case declared.Tag.Get("envconfig") != "":
				fields = append(fields, field{declared, v.Field(i)})
			case declared.Type.Kind() == reflect.Struct:
				walk(v.Field(i))
			}
		}
	}
	walk(reflect.ValueOf(target).Elem())
	return fields
}

// read sets the field from the variable of its name, with the prefix if that one is set. envconfig does it, one field at a
// time, because it stops at the first problem and puts the value into its error.
func (f field) read(prefix string) error {
	declared, name := f.declared, f.name()
	if own := prefix + "_" + name; prefix != "" && os.Getenv(own) != "" {
		name = own
	}
	key := name
	if os.Getenv(name) == "" {
		key = "CROSSWALK_NOT_SET" // envconfig takes a blank variable for a value
	}
	declared.Tag = reflect.StructTag(fmt.Sprintf("envconfig:%q default:%q", key, declared.Tag.Get("default")))
	one := reflect.New(reflect.StructOf([]reflect.StructField{declared}))
	if err := envconfig.Process("", one.Interface()); err != nil {
		return problem(name, "is not %s; %s", kindOf(declared.Type), exampleOf(declared.Type))
	}
	f.value.Set(one.Elem().Field(0))
	return nil
}

func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Bool:
		return "a yes or no"
	}
	return "a text"
}

func exampleOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "write a number with its unit, such as 30s, 5m or 72h"
	case t.Kind() == reflect.Bool:
		return "write true or false"
	}
	return "write digits only"
}

// Problem is one thing that is wrong with the settings.
type Problem struct {
	// Name is the setting's name, prefix included.
	Name string
	// Text says what is wrong and what to do.
	Text string
}

// Error returns name and text.
func (p *Problem) Error() string { return p.Name + " " + p.Text }

func problem(name, format string, args ...any) error {
	return &Problem{Name: name, Text: fmt.Sprintf(format, args...)}
}

// join flattens and joins problems in a stable order, each once.
func join(problems []error) error {
	seen := map[string]error{}
	var order []string
	var add func(error)
	add = func(err error) {
		if several, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range several.Unwrap() {
				add(one)
			}
		} else if err != nil && seen[err.Error()] == nil {
			seen[err.Error()] = err
			order = append(order, err.Error())
		}
	}
	for _, err := range problems {
		add(err)
	}
	if len(seen) == 0 {
		return nil
	}
	list := make([]error, 0, len(order))
	for _, text := range order {
		list = append(list, seen[text])
	}
	return errors.Join(list...)
}

// Names returns the names of all settings that Load reads, sorted, without overrides.
func Names() []string {
	names := map[string]bool{}
	for _, f := range fieldsOf(new(Settings)) {
		names[f.name()] = true
	}
	return slices.Sorted(maps.Keys(names))
}
