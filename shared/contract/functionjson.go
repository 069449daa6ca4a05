package contract

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// bindingDoc is one binding of a function.json.
type bindingDoc struct {
	at                     int
	kind, direction, queue string
}

// checkFunction checks a function.json: no retry, which would retry inside the broker's own redelivery; no output
// binding but the answer of an HTTP function, because the host rewrites what looks like a date or base64; and for a flow
// a trigger on the queue of its own name.
func checkFunction(file, name string, text []byte, isFlow bool) Findings {
	var out Findings
	add := func(offset int, fix, format string, args ...any) {
		line, column := position(text, offset)
		out = append(out, Finding{File: file, Line: line, Column: column, Message: fmt.Sprintf(format, args...), Fix: fix})
	}
	top, err := offsets(text)
	if err != nil {
		add(err.offset, "mend the syntax", "function.json is no well-formed JSON object")
		return out
	}
	if retry, ok := top["retry"]; ok {
		add(retry.name, "remove retry: the flow schedules its own copies", "retry would retry inside the broker's redelivery, and hold the message's lock meanwhile")
	}
	bindings, ok := top["bindings"]
	if !ok {
		add(0, "add a serviceBusTrigger on queue "+name, "function.json has no bindings")
		return out
	}
	list, good := readBindings(bindings)
	if !good {
		add(bindings.name, `write "bindings": [{"type": "serviceBusTrigger", …}]`, "bindings is no list of objects")
		return out
	}
	triggered := false
	for _, b := range list {
		if b.direction == "out" && b.kind != "http" {
			add(b.at, "remove the binding and let the handler send", "an output binding (%s) rewrites what looks like a date or base64", b.kind)
		}
		if b.kind != "serviceBusTrigger" {
			continue
		}
		triggered = true
		if isFlow && b.queue != name {
			add(b.at, "write queueName: "+name, "the trigger reads queue %q, but the flow's own queue is %s", b.queue, name)
		}
	}
	if isFlow && !triggered {
		add(bindings.name, "add a serviceBusTrigger on queue "+name, "the flow has no Service Bus trigger")
	}
	return out
}

// placed is a member's value and where in the file its name and value begin.
type placed struct {
	name, value int
	raw         jsontext.Value
}

type offsetError struct{ offset int }

// offsets returns the members of the JSON object that is the file.
func offsets(text []byte) (map[string]placed, *offsetError) {
	out := map[string]placed{}
	d := jsontext.NewDecoder(bytes.NewReader(text))
	failed := func(err error) *offsetError {
		if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
			return &offsetError{int(syntax.ByteOffset)}
		}
		return &offsetError{int(d.InputOffset())}
	}
	if d.PeekKind() != '{' {
		return nil, failed(nil)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, failed(err)
	}
	for d.PeekKind() != '}' {
		quoted, err := d.ReadValue()
		if err != nil {
			return nil, failed(err)
		}
		at := int(d.InputOffset()) - len(quoted)
		name, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return nil, failed(err)
		}
		raw, err := d.ReadValue()
		if err != nil {
			return nil, failed(err)
		}
		out[string(name)] = placed{name: at, value: int(d.InputOffset()) - len(raw), raw: raw.Clone()}
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, failed(err)
	}
	return out, nil
}

func readBindings(p placed) ([]bindingDoc, bool) {
	if p.raw.Kind() != '[' {
		return nil, false
	}
	d := jsontext.NewDecoder(bytes.NewReader(p.raw))
	if _, err := d.ReadToken(); err != nil {
		return nil, false
	}
	var out []bindingDoc
	for d.PeekKind() != ']' {
		raw, err := d.ReadValue()
		if err != nil {
			return nil, false
		}
		b := bindingDoc{at: p.value + int(d.InputOffset()) - len(raw)}
		m, err := members(raw)
		if err != nil {
			return nil, false
		}
		text := func(name string) string { return Value{JSON: m[name]}.Text() }
		b.kind, b.direction, b.queue = text("type"), text("direction"), text("queueName")
		out = append(out, b)
	}
	return out, true
}
